#pragma once

#include <tinykv/wire/kv_values.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace cli {

/// How a walk ended.
struct walk_end {
  std::optional<tinykv::wire::kv_refusal> refused = {};  ///< A page was not given.
  bool more = false;                                     ///< The limit or `use` ended it, and pairs may follow.
};

/// Walks over at most `limit` pairs of `range` (0 = all), page by page: `ask(scan_request)` gives the answer to one
/// page, and `use(pair)` gets each pair and says whether to go on. Each page is linearizable; what is written between
/// two pages may be seen or not.
template <class Ask, class Use>
walk_end for_each_pair(Ask ask, tinykv::wire::scan_request range, std::uint64_t limit, Use use) {
  constexpr std::uint64_t page_max = 4096;
  if (limit == 0) limit = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    range.limit = static_cast<std::uint32_t>(std::min(limit, page_max));
    auto answer = ask(range);
    if (!answer) return {std::move(answer).error()};
    auto const& page = std::get<tinykv::wire::scan_reply>(*answer);
    for (auto const& pair : page.pairs)
      if (!use(pair)) return {{}, true};
    limit -= page.pairs.size();
    if (!page.more || page.pairs.empty()) return {};
    if (limit == 0) return {{}, true};
    auto const& last = page.pairs.back().key;
    if (range.reverse)
      range.end = last;
    else
      range.start = last + '\0';  // the next key there can be
  }
}

}  // namespace cli
