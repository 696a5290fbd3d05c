#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/id.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// The machine that the simulator replicates: four registers with put and compare-and-set.
struct registers {
  /// Whether it was done, and what the register held before.
  struct reply {
    bool done = false;
    std::uint64_t before = 0;
  };

  reply apply(tinykv::log_index, std::string_view command) {
    tinykv::codec::reader in{command};
    in.varint();  // the number of the call
    auto const compare = in.u8() != 0;
    auto& place = values[in.u8() % values.size()];
    auto const expected = in.varint();
    auto const wanted = in.varint();
    reply out{!compare || place == expected, place};
    if (out.done) place = wanted;
    return out;
  }
  tinykv::result<tinykv::done> save(tinykv::policy::snapshot_writer& to) const {
    std::string text;
    tinykv::codec::writer out{text};
    for (auto const value : values) out.varint(value);
    return to.write(text);
  }
  tinykv::result<tinykv::done> restore(tinykv::policy::snapshot_reader& from, tinykv::position) {
    auto const record = from.next();
    if (!record) return record.error();
    tinykv::codec::reader in{*record ? (*record)->view() : std::string_view{}};
    for (auto& value : values) value = in.varint();
    if (!in.finished()) return tinykv::fatal(tinykv::error_code::corrupt, "not the four registers");
    return tinykv::done{};
  }
  tinykv::result<tinykv::done> retire() {
    values = {};
    return tinykv::done{};
  }
  std::uint64_t digest() const {
    std::uint64_t out = 0;
    for (auto const value : values) out = out * 0x100000001b3ULL + value;
    return out;
  }

  std::array<std::uint64_t, 4> values{};
};

/// A command for `registers`, now and then a long one.
inline tinykv::bytes draw_command(tinykv::random& chance, std::uint64_t number) {
  std::string out;
  tinykv::codec::writer to{out};
  to.varint(number);
  to.u8(chance.chance(400) ? 1 : 0);
  to.u8(static_cast<std::uint8_t>(chance.below(4)));
  to.varint(chance.below(8));
  to.varint(chance.below(8));
  if (chance.chance(50)) to.raw(std::string(static_cast<std::size_t>(chance.between(100, 3000)), 'x'));
  return tinykv::bytes::adopt(std::move(out));
}
