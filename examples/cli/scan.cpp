#include "pages.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <iostream>

namespace cli {

int scan(settings const& with, scan_arguments const& what) {
  session cluster{with};
  tinykv::wire::scan_request range;
  range.start = what.from;
  range.end = what.to;
  range.prefix = what.prefix;
  range.reverse = what.reverse;
  range.keys_only = what.keys_only;
  auto const ask = [&](tinykv::wire::scan_request const& page) { return cluster.ask(page); };
  auto const refused = for_each_pair(ask, range, what.limit, [&](tinykv::wire::kv_pair const& pair) {
    if (with.json) {
      auto const value = what.keys_only ? "" : "," + json_member("value", pair.value);
      std::cout << "{" << json_member("key", pair.key) << value << "}\n";
    } else {
      std::cout << escaped(pair.key) << (what.keys_only ? "" : "\t" + escaped(pair.value)) << "\n";
    }
  });
  auto const code = printed();
  return refused ? complain(*refused, false) : code;
}

}  // namespace cli
