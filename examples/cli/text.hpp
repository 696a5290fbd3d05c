#pragma once

#include <optional>
#include <string>
#include <string_view>

// How keys and values are printed.
//
//     line    = key TAB value NEWLINE                          what scan and export print and import reads
//     escapes = \\ backslash, \t tab, \n newline, \r return, \0 the byte 0, \xHH other control bytes (in import: any
//     byte)
//
// All other bytes stand for themselves, so a line is binary safe, a text that needs no escape is printed as it is, and
// no value tells a terminal what to do.

namespace cli {

std::string escaped(std::string_view text);
/// Nothing when an escape is cut short or not known.
std::optional<std::string> unescaped(std::string_view text);

/// Two hexadecimal digits for each byte.
std::string to_hex(std::string_view bytes);
/// Nothing when it is not hexadecimal, of an even length.
std::optional<std::string> from_hex(std::string_view digits);

/// Whether it is UTF-8 (RFC 3629: no surrogates, nothing overlong).
bool is_utf8(std::string_view text);
/// One line that a terminal does not obey: control bytes are written as escapes.
std::string printable(std::string_view text);

/// A key or value as people see it: escaped, or hexadecimal.
inline std::string shown(std::string_view bytes, bool hex) { return hex ? to_hex(bytes) : escaped(bytes); }

}  // namespace cli
