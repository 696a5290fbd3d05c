#include "records.hpp"

#include "json.hpp"
#include "text.hpp"

#include <boost/json/parse.hpp>

namespace cli {

namespace json = boost::json;

namespace {

/// A csv field: in quotes when RFC 4180 asks for it.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

/// The member `name`, or `name`_hex.
std::optional<std::string> bytes_in(json::object const& object, std::string_view name) {
  if (auto const* text = object.if_contains(text_of(name)); text && text->is_string())
    return std::string{text->get_string().data(), text->get_string().size()};
  auto const* hex = object.if_contains(text_of(std::string{name} + "_hex"));
  if (!hex || !hex->is_string()) return {};
  return from_hex({hex->get_string().data(), hex->get_string().size()});
}

}  // namespace

std::optional<format> format_of(std::string_view name) {
  if (name == "lines") return format::lines;
  if (name == "csv") return format::csv;
  if (name == "jsonl") return format::jsonl;
  return {};
}

format format_for(std::string_view file, format otherwise) {
  if (file.ends_with(".csv")) return format::csv;
  if (file.ends_with(".jsonl")) return format::jsonl;
  return otherwise;
}

std::string heading(format as, bool hex) {
  if (as != format::csv) return {};
  return hex ? "key_hex,value_hex\r\n" : "key,value\r\n";
}

std::string written(format as, bool hex, std::string_view key, std::string_view value) {
  if (as == format::lines) return shown(key, hex) + "\t" + shown(value, hex) + "\n";
  if (as == format::csv) {
    auto const field = [&](std::string_view bytes) { return hex ? to_hex(bytes) : csv_field(bytes); };
    return field(key) + "," + field(value) + "\r\n";
  }
  json::object out;
  add_bytes(out, "key", key, hex);
  add_bytes(out, "value", value, hex);
  return json_line(out);
}

std::optional<record> record_reader::next() {
  if (!problem_.empty()) return {};
  if (!started_ && format_ == format::csv && !heading()) return {};
  started_ = true;
  first_line_ = lines_ + 1;
  size_ = 0;
  switch (format_) {
    case format::lines:
      return of_line();
    case format::csv:
      return of_csv();
    case format::jsonl:
      return of_json();
  }
  return {};
}

std::optional<record> record_reader::of_line() {
  auto const text = line();
  if (!text) return {};
  auto const tab = text->find('\t');
  if (tab == std::string::npos) return wrong("is not `key TAB value`");
  auto const bytes = [&](std::string_view part) { return hex_ ? from_hex(part) : unescaped(part); };
  auto key = bytes(std::string_view{*text}.substr(0, tab));
  auto value = bytes(std::string_view{*text}.substr(tab + 1));
  if (!key || !value) return wrong(hex_ ? "is not hexadecimal" : "has an unknown escape");
  return record{std::move(*key), std::move(*value)};
}

std::optional<record> record_reader::of_json() {
  auto const text = line();
  if (!text) return {};
  json::error_code bad;
  auto const value = json::parse(*text, bad);
  if (bad || !value.is_object()) return wrong("is not a JSON object");
  auto key = bytes_in(value.get_object(), "key");
  auto of_key = bytes_in(value.get_object(), "value");
  if (!key || !of_key) return wrong("lacks a text \"key\" (or \"key_hex\") or \"value\" (or \"value_hex\")");
  return record{std::move(*key), std::move(*of_key)};
}

std::optional<record> record_reader::of_csv() {
  auto columns = fields();
  if (!columns) return {};
  if (columns->size() != 2) return wrong("has not two columns");
  for (std::size_t i = 0; i < 2; ++i) {
    if (!hex_columns_[i]) continue;
    auto bytes = from_hex((*columns)[i]);
    if (!bytes) return wrong("is not hexadecimal, as the first line says");
    (*columns)[i] = std::move(*bytes);
  }
  return record{std::move((*columns)[0]), std::move((*columns)[1])};
}

bool record_reader::heading() {
  auto const names = fields();
  if (!names) return false;  // an empty file has no records
  auto const is = [&](std::size_t column, std::string const& name) {
    hex_columns_[column] = (*names)[column] == name + "_hex";
    return hex_columns_[column] || (*names)[column] == name;
  };
  if (names->size() == 2 && is(0, "key") && is(1, "value")) return true;
  wrong("must name the columns: key,value");
  return false;
}

int record_reader::take() {
  auto const c = in_.get();
  if (c == std::istream::traits_type::eof()) return c;
  ++bytes_;
  if (c == '\n') ++lines_;
  if (++size_ > record_bytes_max) {
    wrong("begins a record of more than 8 MiB: is a quote or the end of a line missing?");
    return std::istream::traits_type::eof();
  }
  return c;
}

std::nullopt_t record_reader::wrong(std::string_view what) {
  if (problem_.empty()) problem_ = "line " + std::to_string(first_line_) + " " + std::string{what};
  return std::nullopt;
}

/// Without its end. The last line may lack it.
std::optional<std::string> record_reader::line() {
  std::string out;
  for (int c = take(); c != '\n'; c = take()) {
    if (c == std::istream::traits_type::eof()) {
      if (size_ == 0 || !problem_.empty()) return {};
      break;
    }
    out += static_cast<char>(c);
  }
  return out;
}

/// One record of RFC 4180; its end may also be a bare newline.
std::optional<std::vector<std::string>> record_reader::fields() {
  constexpr int end = std::istream::traits_type::eof();
  std::vector<std::string> out;
  auto c = take();
  if (c == end) return {};
  for (;;) {
    std::string field;
    if (c == '"') {
      for (c = take();; c = take()) {
        if (c == end) return wrong("opens a quote that is not closed");
        if (c == '"' && (c = take()) != '"') break;  // a doubled quote is a quote
        field += static_cast<char>(c);
      }
    } else {
      for (; c != ',' && c != '\r' && c != '\n' && c != end; c = take()) {
        if (c == '"') return wrong("has a quote inside a field that does not begin with one");
        field += static_cast<char>(c);
      }
    }
    out.push_back(std::move(field));
    if (c == '\r' && (c = take()) != '\n') return wrong("has a carriage return outside of quotes");
    if (!problem_.empty()) return {};
    if (c == '\n' || c == end) return out;
    if (c != ',') return wrong("goes on behind a closed quote");
    c = take();
  }
}

}  // namespace cli
