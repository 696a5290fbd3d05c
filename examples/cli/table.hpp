#pragma once

#include "text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace cli {

/// Rows of cells, printed in columns that are as wide as they must be.
class table {
 public:
  explicit table(std::vector<std::string> heading) { add(std::move(heading)); }

  /// As many cells as the heading has.
  void add(std::vector<std::string> row) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);  // some of it comes from servers
      widths_[i] = std::max(widths_[i], row[i].size());
    }
    rows_.push_back(std::move(row));
  }

  std::string text() const {
    std::string out;
    for (auto const& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        out += row[i];
        if (i + 1 < row.size()) out.append(widths_[i] - row[i].size() + 2, ' ');
      }
      out += '\n';
    }
    return out;
  }

 private:
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cli
