#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

// Shared by the bodies of peer.ipp and kv_requests.ipp.
namespace tinykv::wire::detail {

/// How many fields a message holds, so that its parts can be bounded before one object is made of them; more than `max`
/// ends the count early.
inline std::size_t count_fields(std::string_view data, std::size_t max) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in{reinterpret_cast<std::uint8_t const*>(data.data()), static_cast<int>(data.size())};
  std::size_t count = 0;
  while (count <= max) {
    auto const tag = in.ReadTag();
    if (tag == 0 || !WireFormatLite::SkipField(&in, tag)) break;  // the parser judges what is malformed
    ++count;
  }
  return count;
}

}  // namespace tinykv::wire::detail
