#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// The words of a line, parted by blanks. '...' takes everything as it is; in "..." and outside of quotes a backslash
/// takes the next character as it is. Nothing when a quote is not closed, or nothing follows a backslash.
inline std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> out;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char const c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      in_word = false;
      continue;
    }
    if (!in_word) out.emplace_back();
    in_word = true;
    if (c == '\\' && quote != '\'') {
      if (++i == line.size()) return {};
      out.back() += line[i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      out.back() += c;
    }
  }
  if (quote != 0) return {};
  return out;
}

}  // namespace cli
