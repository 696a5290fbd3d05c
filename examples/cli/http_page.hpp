#pragma once

#include <tinykv/core/result.hpp>

#include <chrono>
#include <string>

namespace cli {

/// A page, and the wall clock of this machine around the exchange: the server made it between the two.
struct http_page {
  std::string body;
  std::chrono::system_clock::time_point asked;
  std::chrono::system_clock::time_point answered;
};

/// GET http://`endpoint``path`; else, in one line, why not.
tinykv::result<http_page, std::string> get_page(std::string const& endpoint, std::string const& path,
                                                std::chrono::nanoseconds timeout);

}  // namespace cli
