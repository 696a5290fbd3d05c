#include "verbs.hpp"

namespace cli {

int del(settings const& with, del_arguments const& what) {
  session cluster{with};
  auto const answer = cluster.ask(tinykv::wire::write_request{{}, {{what.key, std::nullopt, false, {}}}});
  return answer ? print_ok(with) : complain(with, answer.error(), true);
}

}  // namespace cli
