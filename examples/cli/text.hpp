#pragma once

#include <optional>
#include <string>
#include <string_view>

// How keys and values are printed.
//
//     line    = key TAB value NEWLINE                          what scan and export print and import reads
//     escapes = \\ backslash, \t tab, \n newline, \r return, \0 the byte 0; import also reads \xHH, any byte
//
// All other bytes stand for themselves, so a line is binary safe and a text that needs no escape is printed as it is.

namespace cli {

std::string escaped(std::string_view text);
/// Nothing when an escape is cut short or not known.
std::optional<std::string> unescaped(std::string_view text);

/// A member of a JSON object: "name":"text", or "name_hex":"..." when the bytes are not UTF-8.
std::string json_member(std::string_view name, std::string_view bytes);
/// A JSON string of UTF-8 text.
std::string json_string(std::string_view text);

}  // namespace cli
