#include "text.hpp"
#include "verbs.hpp"

#include <cstdio>
#include <iostream>

namespace cli {

int get(settings const& with, get_arguments const& what) {
  session cluster{with};
  auto const answer = cluster.ask(tinykv::wire::get_request{{}, what.key});
  if (!answer) return complain(answer.error(), false);
  auto const& value = std::get<tinykv::wire::get_reply>(*answer).value;
  auto const key = json_member("key", what.key);
  if (!value) {
    if (with.json) std::cout << "{" << key << ",\"found\":false}\n";
    else std::fprintf(stderr, "tinykv: no such key\n");
    return exit_refused;
  }
  if (with.json) std::cout << "{" << key << ",\"found\":true," << json_member("value", *value) << "}\n";
  else std::cout << *value << (what.raw ? "" : "\n");
  return printed();
}

}  // namespace cli
