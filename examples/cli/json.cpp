#include "json.hpp"

#include "text.hpp"

#include <boost/json/src.hpp>  // Boost.JSON is compiled here, so that no library must be linked

namespace cli {

void add_bytes(boost::json::object& to, std::string_view name, std::string_view bytes, bool hex) {
  if (!hex && is_utf8(bytes)) {
    to[text_of(name)] = text_of(bytes);
  } else {
    to[text_of(std::string{name} + "_hex")] = text_of(to_hex(bytes));
  }
}

std::string json_line(boost::json::object const& object) { return boost::json::serialize(object) + "\n"; }

}  // namespace cli
