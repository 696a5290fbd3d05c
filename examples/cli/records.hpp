#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Pairs in files, in one of three formats. Each carries any bytes.
//
//     lines   key TAB value NEWLINE, with the escapes of text.hpp; both hexadecimal with --hex
//     csv     RFC 4180 (quotes where needed, CRLF), with a first record that names the two columns: key or key_hex, and
//             value or value_hex; those named _hex are hexadecimal
//     jsonl   one JSON object per line, with key or key_hex, and value or value_hex; other members are passed over

namespace cli {

enum class format { lines, csv, jsonl };

/// By name; nothing when there is no such format.
std::optional<format> format_of(std::string_view name);
/// By what the file's name ends in (.csv, .jsonl); `otherwise` for other names.
format format_for(std::string_view file, format otherwise);

/// A pair.
struct record {
  std::string key;
  std::string value;
};

/// What stands before the first record; often nothing.
std::string heading(format as, bool hex);
/// One record as it stands in a file. With `hex`, key and value are hexadecimal; jsonl also does so for bytes that are
/// not UTF-8.
std::string written(format as, bool hex, std::string_view key, std::string_view value);

/// Reads records one after the other. Never holds more than one, which is at most `record_bytes_max` long in the file.
class record_reader {
 public:
  static constexpr std::size_t record_bytes_max = 8U << 20;

  /// `hex` is for lines; the other formats say it themselves.
  record_reader(std::istream& in, format as, bool hex) : in_(in), format_(as), hex_(hex) {}

  /// The next record; nothing at the end of the file, or where it is wrong (`problem`).
  std::optional<record> next();
  /// What is wrong, in one line with the number of the file's line; empty = nothing.
  std::string const& problem() const { return problem_; }
  /// Bytes read so far.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::optional<record> of_line();
  std::optional<record> of_csv();
  std::optional<record> of_json();
  bool heading();
  std::optional<std::string> line();
  std::optional<std::vector<std::string>> fields();
  int take();
  std::nullopt_t wrong(std::string_view what);

  std::istream& in_;
  format format_;
  bool hex_;
  bool started_ = false;
  bool hex_columns_[2] = {};
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;       // ends of lines so far
  std::uint64_t first_line_ = 1;  // of the record that is being read
  std::size_t size_ = 0;          // of it, so far
  std::string problem_;
};

}  // namespace cli
