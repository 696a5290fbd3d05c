#pragma once

#include <tinykv/wire/kv_values.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace cli {

/// Walks over at most `limit` pairs of `range`, page by page: `ask(scan_request)` gives the answer to one page, and
/// `use(pair)` gets each pair. Each page is linearizable; what is written between two pages may be seen or not.
template <class Ask, class Use>
std::optional<tinykv::wire::kv_refusal> for_each_pair(Ask ask, tinykv::wire::scan_request range, std::uint64_t limit,
                                                      Use use) {
  constexpr std::uint64_t page_max = 4096;
  while (limit > 0) {
    range.limit = static_cast<std::uint32_t>(std::min(limit, page_max));
    auto answer = ask(range);
    if (!answer) return std::move(answer).error();
    auto const& page = std::get<tinykv::wire::scan_reply>(*answer);
    for (auto const& pair : page.pairs) use(pair);
    if (!page.more || page.pairs.empty()) break;
    limit -= page.pairs.size();
    auto const& last = page.pairs.back().key;
    if (range.reverse) range.end = last;
    else range.start = last + '\0';  // the next key there can be
  }
  return {};
}

}  // namespace cli
