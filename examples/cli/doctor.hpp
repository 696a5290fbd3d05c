#pragma once

#include "verbs.hpp"

#include <string>
#include <string_view>
#include <vector>

// What `tinykv doctor` looks at: one function per subject, each in a file of its own.

namespace cli {

enum class health { ok, warn, fail };

/// One thing that was looked at.
struct finding {
  health level = health::ok;
  std::string_view subject;  ///< "clock", "disk", "port", "version".
  std::string detail;        ///< What was seen.
  std::string next = {};     ///< What to do; empty when nothing.
};
using findings = std::vector<finding>;

/// This machine's clocks: do they go on, at one pace, and is anything keeping them right?
findings look_at_clock();
/// What disk a directory is on, and what a sync costs there.
findings look_at_disk(std::string const& directory);
/// Addresses a server is to listen on: are they free?
findings look_at_ports(std::vector<std::string> const& listen);
/// The servers: do they answer, what are they made of, how far are their clocks from this one's?
findings look_at_servers(settings const& with);

}  // namespace cli
