#include "text.hpp"

#include <cstdint>

namespace cli {

namespace {

constexpr std::string_view special{"\\\t\n\r\0", 5};  // written as \ and the letter at the same place
constexpr std::string_view letters{"\\tnr0"};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// How many bytes the UTF-8 character at the front has; 0 when it is none.
std::size_t utf8_character(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::size_t size = 0;
  if (byte(0) < 0x80)
    size = 1;
  else if (byte(0) >> 5 == 6)
    size = 2;
  else if (byte(0) >> 4 == 14)
    size = 3;
  else if (byte(0) >> 3 == 30)
    size = 4;
  if (size == 0 || size > text.size()) return 0;
  std::uint32_t code = size == 1 ? byte(0) : byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (byte(i) >> 6 != 2) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto const size = utf8_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char const c : text) {
    auto const at = special.find(c);
    if (at != std::string_view::npos)
      (out += '\\') += letters[at];
    else if (is_control(c))
      (out += "\\x") += to_hex({&c, 1});
    else
      out += c;
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return {};
    if (auto const at = letters.find(text[i]); at != std::string_view::npos) {
      out += special[at];
    } else if (text[i] == 'x' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      return {};
    }
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char const c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return {};
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    auto const high = hex_digit(digits[i]);
    auto const low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (is_control(c))
      (out += "\\x") += to_hex({&c, 1});
    else
      out += c;
  }
  return out;
}

}  // namespace cli
