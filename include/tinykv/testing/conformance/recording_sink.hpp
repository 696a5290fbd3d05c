#pragma once

#include <tinykv/policy/transport.hpp>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// A sink that writes everything down. Greetings wait for `judge`.
class recording_sink final : public policy::receive_sink {
 public:
  /// A greeting.
  struct greeting {
    store_identity from;  ///< Who.
    store_id to;          ///< Whom it meant.
  };
  std::vector<greeting> greetings;                                     ///< All, in order.
  std::vector<std::pair<store_identity, policy::envelope>> mails;      ///< All, in order.
  std::vector<std::pair<store_id, failure>> refusals;                  ///< All, in order.
  std::function<result<done>(store_identity const&)> verdict;          ///< Empty: everybody is let in.
  bool judging = true;                                                 ///< False: greetings stay unanswered.

  void greeted(store_identity const& from, store_id to, policy::receive_sink::verdict answer) noexcept override {
    greetings.push_back({from, to});
    waiting_.emplace_back(from, std::move(answer));
  }
  void received(store_identity const& from, policy::envelope mail) noexcept override {
    mails.emplace_back(from, std::move(mail));
  }
  void refused(store_id by, failure reason) noexcept override { refusals.emplace_back(by, std::move(reason)); }

  /// Answers the greetings that wait, as a store does on its home lane.
  void judge() {
    if (!judging) return;
    for (auto& [from, answer] : std::exchange(waiting_, {})) answer(verdict ? verdict(from) : result<done>{done{}});
  }
  /// Forgets the greetings that wait, unanswered.
  void forget() { waiting_.clear(); }
  /// True iff everything in `mail` has come from that start of a store, with its priority. A model may cut an envelope.
  bool has(store_identity const& from, policy::envelope const& mail) const {
    auto const come = [&](auto const& wanted) {
      return std::any_of(mails.begin(), mails.end(), [&](auto const& each) {
        return each.first == from && each.second.priority == mail.priority && contains(each.second, wanted);
      });
    };
    return std::all_of(mail.messages.begin(), mail.messages.end(), come) &&
           std::all_of(mail.snapshots.begin(), mail.snapshots.end(), come);
  }
  /// True iff `mail` holds `message`.
  static bool contains(policy::envelope const& mail, policy::group_message const& message) {
    return std::find(mail.messages.begin(), mail.messages.end(), message) != mail.messages.end();
  }
  /// True iff `mail` holds the piece of a snapshot.
  static bool contains(policy::envelope const& mail, policy::group_snapshot const& piece) {
    return std::find(mail.snapshots.begin(), mail.snapshots.end(), piece) != mail.snapshots.end();
  }

 private:
  std::vector<std::pair<store_identity, policy::receive_sink::verdict>> waiting_;
};

}  // namespace tinykv::testing
