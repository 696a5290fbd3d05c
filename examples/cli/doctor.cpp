#include "doctor.hpp"

#include "json.hpp"
#include "text.hpp"

#include <algorithm>
#include <iostream>

namespace cli {

namespace {

std::string_view name_of(health level) {
  switch (level) {
    case health::ok:
      return "ok";
    case health::warn:
      return "warn";
    case health::fail:
      return "fail";
  }
  return "unlisted";
}

std::string line_of(settings const& with, finding const& one) {
  if (!with.json) {
    auto const column = [](std::string_view text, std::size_t width) {
      return std::string{text} + std::string(width - text.size(), ' ');
    };
    auto const advice = one.next.empty() ? "" : "; " + one.next;
    return column(name_of(one.level), 6) + column(one.subject, 9) + printable(one.detail + advice) + "\n";
  }
  boost::json::object out{{"level", text_of(name_of(one.level))}, {"subject", text_of(one.subject)}};
  add_bytes(out, "detail", one.detail);
  if (!one.next.empty()) add_bytes(out, "next", one.next);
  return json_line(out);
}

}  // namespace

int doctor(settings const& with, doctor_arguments const& what) {
  auto worst = health::ok;
  auto const show = [&](findings const& found) {
    for (auto const& one : found) {
      worst = std::max(worst, one.level);
      std::cout << line_of(with, one) << std::flush;
    }
  };
  show(look_at_clock());
  if (!what.data_dir.empty()) show(look_at_disk(what.data_dir));
  show(look_at_ports(what.listen));
  show(look_at_servers(with));
  if (auto const code = printed(with); code != exit_done) return code;
  return worst == health::fail ? exit_refused : exit_done;
}

}  // namespace cli
