#pragma once

#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/time.hpp>
#include <tinykv/policy/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace tinykv::sim {

class world;
struct host;

/// The connections between the hosts of a world, and the mail that waits on clogged links.
class mail {
 public:
  static constexpr std::size_t waiting_max = 256;  ///< Envelopes that wait for a greeting's answer, or on a clogged link.
  static constexpr duration greeting_patience = std::chrono::milliseconds{150};  ///< Then a connection is tried anew.

  /// For the hosts of `in`.
  explicit mail(world& in) : in_(in) {}

  /// Sends `letter` from a host that is up.
  void send(host& from, store_id to, policy::envelope letter);
  /// Forgets the connections of a host that died.
  void forget(store_id store);
  /// Lets the mail of a clogged link go.
  void release(store_id from, store_id to);

 private:
  enum class stage : std::uint8_t { greeting, open, refused };
  struct connection {
    store_identity from;                   // the start that opened it
    std::uint64_t from_life = 0;           // the same, by the host's count
    store_id to;                           // whom it leads to ...
    std::uint64_t to_life = 0;             // ... and which of its starts
    stage at = stage::greeting;
    instant since;                         // when that stage began
    std::vector<policy::envelope> queued;  // until the greeting is answered
  };
  using line = std::shared_ptr<connection>;

  line connect(host& from, host& to);
  void greet(line const& on);
  void answered(line const& on, result<done> verdict);
  void launch(line const& on, policy::envelope letter);
  void fly(line const& on, policy::envelope letter, duration delay);
  void arrive(line const& on, policy::envelope letter);
  void lose(line const& on, policy::envelope const& letter);

  world& in_;
  std::map<std::pair<store_id, store_id>, line> lines_;
  std::map<std::pair<store_id, store_id>, std::vector<std::pair<line, policy::envelope>>> held_;
};

}  // namespace tinykv::sim

// The bodies come with world.hpp, which has a mail.
