#include "text.hpp"
#include "verbs.hpp"

#include <cstdio>
#include <iostream>

namespace cli {

int cas(settings const& with, cas_arguments const& what) {
  session cluster{with};
  std::optional<std::string> value;
  if (!what.erase) value = what.value ? *what.value : all_of_stdin();
  auto const answer = cluster.ask(tinykv::wire::write_request{{}, {{what.key, value, true, what.expected}}});
  if (!answer) return complain(answer.error(), true);
  auto const& reply = std::get<tinykv::wire::write_reply>(*answer);
  if (reply.done) {
    std::puts(with.json ? "{\"ok\":true}" : "OK");
    return exit_done;
  }
  if (with.json) {
    std::cout << "{\"ok\":false" << (reply.current ? "," + json_member("current", *reply.current) : "") << "}\n";
  } else if (reply.current) {
    std::cerr << "tinykv: refused: the key holds another value: " << escaped(*reply.current) << "\n";
  } else {
    std::cerr << "tinykv: refused: there is no such key\n";
  }
  return exit_refused;
}

}  // namespace cli
