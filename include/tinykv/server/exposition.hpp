#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tinykv::server {

/// Writes the text format of Prometheus, version 0.0.4: HELP and TYPE once per family, then its samples.
class exposition {
 public:
  /// Begins the counter `name`, which ends in `_total`.
  void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
  /// Begins the gauge `name`.
  void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }
  /// Begins the histogram `name`.
  void histogram(std::string_view name, std::string_view help) { family(name, "histogram", help); }
  /// One sample of the family begun last: `labels` as in `group="1"`, or none; `suffix` follows the name.
  void sample(std::string_view labels, std::string_view value, std::string_view suffix = {});
  /// One sample.
  void sample(std::string_view labels, std::uint64_t value) { sample(labels, std::to_string(value)); }

  /// All of it.
  std::string const& text() const { return text_; }

 private:
  void family(std::string_view name, std::string_view type, std::string_view help);

  std::string name_;
  std::string text_;
};

/// `nanoseconds` as decimal seconds, without an exponent.
std::string seconds_text(std::uint64_t nanoseconds);

/// How long something took, counted in buckets from 50 microseconds to 10 seconds. Home lane only.
class duration_histogram {
 public:
  /// Counts one.
  void add(std::uint64_t nanoseconds) noexcept;
  /// Its samples, after `out.histogram(...)`.
  void write(exposition& out, std::string_view labels = {}) const;

 private:
  /// Upper ends, in nanoseconds; the last bucket has none.
  static constexpr std::array<std::uint64_t, 16> ends{50'000,      100'000,     250'000,     500'000,
                                                      1'000'000,   2'500'000,   5'000'000,   10'000'000,
                                                      25'000'000,  50'000'000,  100'000'000, 250'000'000,
                                                      500'000'000, 1'000'000'000, 2'500'000'000, 10'000'000'000};
  std::array<std::uint64_t, ends.size() + 1> counts_{};
  std::uint64_t sum_ = 0;
};

}  // namespace tinykv::server

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/server/impl/exposition.ipp>
#endif
