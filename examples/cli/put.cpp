#include "verbs.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

namespace cli {

std::string all_of_stdin() { return {std::istreambuf_iterator<char>{std::cin}, std::istreambuf_iterator<char>{}}; }

int put(settings const& with, put_arguments const& what) {
  session cluster{with};
  auto value = what.value ? *what.value : all_of_stdin();
  auto const answer = cluster.ask(tinykv::wire::write_request{{}, {{what.key, std::move(value), false, {}}}});
  if (!answer) return complain(answer.error(), true);
  std::puts(with.json ? "{\"ok\":true}" : "OK");
  return exit_done;
}

}  // namespace cli
