#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

// What --json prints: one object per line. Bytes that are not UTF-8 are hexadecimal, in a member whose name ends in
// _hex.

namespace cli {

/// A text of ours, which is UTF-8, as a JSON value.
inline boost::json::string_view text_of(std::string_view text) { return {text.data(), text.size()}; }

/// "name": "text"; or "name_hex": "..." when the bytes are not UTF-8, or `hex` asks for it.
void add_bytes(boost::json::object& to, std::string_view name, std::string_view bytes, bool hex = false);
/// The object and a newline.
std::string json_line(boost::json::object const& object);

}  // namespace cli
