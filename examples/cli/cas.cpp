#include "input.hpp"
#include "json.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

/// The condition did not hold, and nothing was written.
int refuse(settings const& with, std::optional<std::string> const& current) {
  if (with.json) {  // a result, not an error: a program goes on with it
    boost::json::object out{{"ok", false}};
    if (current) add_bytes(out, "current", *current, with.hex);
    std::cout << json_line(out);
    auto const code = printed(with);
    return code == exit_done ? exit_refused : code;
  }
  auto const why = current ? "the key holds another value: " + shown(*current, with.hex) : "there is no such key";
  return complain(with, {exit_refused, conflict(error_code::compare_failed, "refused: " + why)});
}

}  // namespace

int cas(settings const& with, cas_arguments const& what) {
  std::optional<std::string> value;
  if (!what.erase) {
    auto given = value_or_stdin(with, what.value);
    if (!given) return complain(with, given.error());
    value = std::move(*given);
  }
  session cluster{with};
  auto const answer = cluster.ask(wire::write_request{{}, {{what.key, value, true, what.expected}}});
  if (!answer) return complain(with, answer.error(), true);
  auto const& reply = std::get<wire::write_reply>(*answer);
  return reply.done ? print_ok(with) : refuse(with, reply.current);
}

}  // namespace cli
