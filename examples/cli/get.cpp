#include "json.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

int print_json(settings const& with, std::string const& key, std::optional<std::string> const& value) {
  boost::json::object out;
  add_bytes(out, "key", key, with.hex);
  out["found"] = value.has_value();
  if (value) add_bytes(out, "value", *value, with.hex);
  std::cout << json_line(out);
  auto const code = printed(with);
  return code == exit_done && !value ? exit_refused : code;
}

}  // namespace

int get(settings const& with, get_arguments const& what) {
  session cluster{with};
  auto const answer = cluster.ask(wire::get_request{{}, what.key});
  if (!answer) return complain(with, answer.error(), false);
  auto const& value = std::get<wire::get_reply>(*answer).value;
  if (with.json) return print_json(with, what.key, value);
  if (!value) return complain(with, {exit_refused, conflict(error_code::not_found, "no such key")});
  std::cout << (with.hex ? to_hex(*value) : *value) << (what.raw ? "" : "\n");
  return printed(with);
}

}  // namespace cli
