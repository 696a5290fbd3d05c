#include "verbs.hpp"

#include <cstdio>

namespace cli {

int del(settings const& with, del_arguments const& what) {
  session cluster{with};
  auto const answer = cluster.ask(tinykv::wire::write_request{{}, {{what.key, std::nullopt, false, {}}}});
  if (!answer) return complain(answer.error(), true);
  std::puts(with.json ? "{\"ok\":true}" : "OK");
  return exit_done;
}

}  // namespace cli
