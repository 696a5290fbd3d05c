#pragma once

#include "session.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>

// tinykv region show|transfer|add-peer|remove-peer: who the members of a region are, and who leads it.

namespace cli {

struct region_arguments {
  std::uint64_t region = 1;
  std::uint64_t store = 0;     ///< Of the peer that is meant.
  std::uint64_t peer = 0;      ///< Its number; 0 = by its store (of a new one: the number of its store).
  std::string address;         ///< Of a new peer's store.
  bool learner = false;        ///< A new peer stays one.
  bool local = false;          ///< What the first endpoint sees, whoever leads.
  double wait_seconds = 300;   ///< For a change of members.
};

int region_show(settings const& with, region_arguments const& what);
int region_transfer(settings const& with, region_arguments const& what);
int region_add_peer(settings const& with, region_arguments const& what);
int region_remove_peer(settings const& with, region_arguments const& what);

/// The verb `region` and the flags of its verbs, which go into `to`. The one that was chosen will be in `run`.
CLI::App& add_region_verbs(CLI::App& app, settings const& with, region_arguments& to, std::function<int()>& run);

}  // namespace cli
