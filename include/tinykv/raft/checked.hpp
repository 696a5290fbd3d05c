#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/raft/invariants.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tinykv::raft {

/// A core that holds itself against the invariants after each input; the first broken one is a failed TINYKV_CHECK that
/// says it in words. Models `policy::Consensus` as the core does, for simulations and tests; costs a copy of the image of the
/// peer per input.
template <class Core>
class checked {
 public:
  /// What directories are marked with.
  static constexpr consensus_kind kind = Core::kind;

  /// A peer that knows nothing yet.
  explicit checked(raft::options options) : core_(options) {}

  /// As of the core.
  result<done> recover(start_state start) {
    auto out = core_.recover(std::move(start));
    if (out) {
      before_ = image::of(core_);
      hold(check(before_));
    }
    return out;
  }
  void tick() { then([&] { core_.tick(); }); }  ///< As of the core.
  void step(message m) { then([&] { core_.step(std::move(m)); }); }  ///< As of the core.
  /// As of the core.
  result<position> propose(bytes command, term expected) {
    return then([&] { return core_.propose(std::move(command), expected); });
  }
  result<position> propose_barrier(term expected) { return then([&] { return core_.propose_barrier(expected); }); }  ///< As of the core.
  /// As of the core.
  result<position> change_membership(membership target, std::uint64_t version) {
    return then([&] { return core_.change_membership(std::move(target), version); });
  }
  result<done> transfer_to(peer_id to) { return then([&] { return core_.transfer_to(to); }); }  ///< As of the core.
  void campaign() { then([&] { core_.campaign(); }); }  ///< As of the core.
  void read_index(read_id read) { then([&] { core_.read_index(read); }); }  ///< As of the core.
  void persisted(ticket number) { then([&] { core_.persisted(number); }); }  ///< As of the core.
  void applied(log_index index) { then([&] { core_.applied(index); }); }  ///< As of the core.
  void fetched(fetch_answer answer) { then([&] { core_.fetched(std::move(answer)); }); }  ///< As of the core.
  void compacted(log_index index) { then([&] { core_.compacted(index); }); }  ///< As of the core.
  /// As of the core.
  snapshot_verdict offered(peer_id from, term in, position at) {
    return then([&] { return core_.offered(from, in, at); });
  }
  void installing(snapshot_meta const& meta) { then([&] { core_.installing(meta); }); }  ///< As of the core.
  void installed(snapshot_meta meta) { then([&] { core_.installed(std::move(meta)); }); }  ///< As of the core.
  void snapshot_sent(peer_id peer, log_index index) { then([&] { core_.snapshot_sent(peer, index); }); }  ///< As of the core.
  void snapshot_failed(peer_id peer) { then([&] { core_.snapshot_failed(peer); }); }  ///< As of the core.
  void unreachable(peer_id peer) { then([&] { core_.unreachable(peer); }); }  ///< As of the core.
  void abdicate() { then([&] { core_.abdicate(); }); }  ///< As of the core.

  bool has_ready() const { return core_.has_ready(); }  ///< As of the core.
  ready take_ready() { return then([&] { return core_.take_ready(); }); }  ///< As of the core.

  raft::brief brief() const { return core_.brief(); }  ///< As of the core.
  raft::status status() const { return core_.status(); }  ///< As of the core.
  membership const& members() const { return core_.members(); }  ///< As of the core.
  truncation truncation_at(log_index index) const { return core_.truncation_at(index); }  ///< As of the core.
  log_window const& log() const { return core_.log(); }  ///< As of the core.
  /// The core itself, to be looked at.
  Core const& inner() const { return core_; }

 private:
  static void hold(std::vector<std::string> const& broken) {
    if (!broken.empty()) tinykv::detail::check_failed(broken.front().c_str(), __FILE__, __LINE__);
  }
  void compare() {
    auto now = image::of(core_);
    hold(check(now));
    hold(check(before_, now));
    before_ = std::move(now);
  }
  template <class Input>
  auto then(Input const& input) {
    if constexpr (std::is_void_v<decltype(input())>) {
      input();
      compare();
    } else {
      auto out = input();
      compare();
      return out;
    }
  }

  Core core_;
  image before_;
};

}  // namespace tinykv::raft
