#include "json.hpp"
#include "pages.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <cstdio>
#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

std::string line_of(settings const& with, wire::kv_pair const& pair, bool keys_only) {
  if (!with.json) return shown(pair.key, with.hex) + (keys_only ? "" : "\t" + shown(pair.value, with.hex)) + "\n";
  boost::json::object out;
  add_bytes(out, "key", pair.key, with.hex);
  if (!keys_only) add_bytes(out, "value", pair.value, with.hex);
  return json_line(out);
}

}  // namespace

int scan(settings const& with, scan_arguments const& what) {
  session cluster{with};
  wire::scan_request range;
  range.start = what.from;
  range.end = what.to;
  range.prefix = what.prefix;
  range.reverse = what.order == "desc";
  range.keys_only = what.keys_only;
  auto const ask = [&](wire::scan_request const& page) { return cluster.ask(page); };
  auto const limit = what.limit.value_or(scan_pairs_shown);
  auto const end = for_each_pair(ask, range, limit, [&](wire::kv_pair const& pair) {
    return static_cast<bool>(std::cout << line_of(with, pair, what.keys_only));
  });
  if (auto const code = printed(with); code != exit_done) return code;
  if (end.refused) return complain(with, *end.refused, false);
  if (end.more && !what.limit)  // nobody asked for so few
    std::fprintf(stderr, "tinykv: the first %u pairs; there are more (--limit 0 is all)\n",
                 static_cast<unsigned>(limit));
  return exit_done;
}

}  // namespace cli
