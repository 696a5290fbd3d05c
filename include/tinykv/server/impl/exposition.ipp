#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/server/exposition.hpp>

#include <algorithm>

namespace tinykv::server {

TINYKV_DECL void exposition::sample(std::string_view labels, std::string_view value, std::string_view suffix) {
  text_.append(name_).append(suffix);
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_.append(" ").append(value).append("\n");
}

TINYKV_DECL void exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

TINYKV_DECL std::string seconds_text(std::uint64_t nanoseconds) {
  auto fraction = std::to_string(nanoseconds % 1'000'000'000);
  fraction.insert(0, 9 - fraction.size(), '0');
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  auto whole = std::to_string(nanoseconds / 1'000'000'000);
  return fraction.empty() ? whole : whole + "." + fraction;
}

TINYKV_DECL void duration_histogram::add(std::uint64_t nanoseconds) noexcept {
  auto const bucket = std::lower_bound(ends.begin(), ends.end(), nanoseconds) - ends.begin();
  ++counts_[static_cast<std::size_t>(bucket)];
  sum_ += nanoseconds;
}

TINYKV_DECL void duration_histogram::write(exposition& out, std::string_view labels) const {
  auto const before = labels.empty() ? std::string{} : std::string{labels} + ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    total += counts_[i];
    out.sample(before + "le=\"" + seconds_text(ends[i]) + "\"", std::to_string(total), "_bucket");
  }
  total += counts_.back();
  out.sample(before + "le=\"+Inf\"", std::to_string(total), "_bucket");
  out.sample(labels, seconds_text(sum_), "_sum");
  out.sample(labels, std::to_string(total), "_count");
}

}  // namespace tinykv::server
