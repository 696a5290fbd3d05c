#pragma once

#include <tinykv/policy/state_machine.hpp>

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tinykv::testing {

namespace detail {
/// What a read of a watched machine sees: the view of M, if it has any, and where it stands.
template <class M>
class watched_view {
 public:
  watched_view(log_index last, std::uint64_t digest) : last_(last), digest_(digest) {}
  log_index last() const noexcept { return last_; }
  std::uint64_t digest() const noexcept { return digest_; }

 private:
  log_index last_;
  std::uint64_t digest_;
};
template <policy::ViewableMachine M>
class watched_view<M> {
 public:
  watched_view(typename M::view_type inner, log_index last, std::uint64_t digest)
      : inner_(std::move(inner)), last_(last), digest_(digest) {}
  typename M::view_type const& inner() const noexcept { return inner_; }
  log_index last() const noexcept { return last_; }
  std::uint64_t digest() const noexcept { return digest_; }

 private:
  typename M::view_type inner_;
  log_index last_;
  std::uint64_t digest_;
};
}  // namespace detail

/// Is told of every command that a machine applies.
class apply_log {
 public:
  virtual ~apply_log() = default;
  /// The machine of `store` has applied a command and is in the state `digest` now.
  virtual void applied(store_id store, log_index index, std::uint64_t digest) = 0;
  /// The same machine, after a batch whose last command is at `index`, says this of its state.
  virtual void state_after(store_id store, log_index index, std::uint64_t state) = 0;
  /// The digest after the last command at or below `index`, as told by any store; 0 before the first.
  virtual std::uint64_t digest_at(log_index index) const = 0;
  /// Where the last command at or below `index` stands; 0 if there is none.
  virtual log_index command_at(log_index index) const = 0;
};

/// A state machine under observation: behaves as M does, tells an `apply_log` of each command, and its replies carry the
/// index. The digest covers the commands and their order. If M offers `std::uint64_t digest() const`, its state is compared
/// too, after each command or, where M takes batches, after each batch.
template <policy::StateMachine M>
class watched {
 public:
  /// A reply of M, and where its command stands.
  struct reply {
    log_index at;              ///< The index of the entry.
    typename M::reply answer;  ///< What M answered.
  };

  /// Watches `inner` on behalf of `teller`, which must outlive the machine.
  watched(M inner, store_id store, apply_log& teller) : inner_(std::move(inner)), store_(store), teller_(&teller) {
    if constexpr (policy::PersistentMachine<M>) {
      last_ = teller.command_at(inner_.applied().index);
      digest_ = teller.digest_at(last_);
    }
  }

  /// Applies one command.
  reply apply(log_index index, std::string_view command)
    requires(!policy::BatchMachine<M>)
  {
    reply out{index, inner_.apply(index, command)};
    note(index, command);
    note_state();
    return out;
  }
  /// Applies one command.
  reply apply(log_index index, std::string_view command)
    requires policy::BatchMachine<M>
  {
    return {index, inner_.apply(index, command)};
  }
  /// Applies the commands of a turn.
  result<done> apply_batch(std::span<policy::command const> commands, position through, std::vector<reply>& replies)
    requires policy::BatchMachine<M>
  {
    std::vector<typename M::reply> answers;
    auto applied = inner_.apply_batch(commands, through, answers);
    if (!applied) return applied;
    for (std::size_t i = 0; i < commands.size(); ++i) {
      note(commands[i].at.index, commands[i].data);
      replies.push_back({commands[i].at.index, std::move(answers[i])});
    }
    note_state();
    return applied;
  }
  /// As M.
  position applied()
    requires policy::PersistentMachine<M>
  {
    return inner_.applied();
  }
  /// As M.
  log_index durable()
    requires policy::PersistentMachine<M>
  {
    return inner_.durable();
  }
  /// As M.
  result<done> sync()
    requires policy::PersistentMachine<M>
  {
    return inner_.sync();
  }

  using view_type = detail::watched_view<M>;  ///< What a read sees: M's view, if any, its last command and digest.
  /// As M.
  result<view_type> view() const
    requires policy::ViewableMachine<M>
  {
    auto inner = inner_.view();
    if (!inner) return std::move(inner).error();
    return view_type{std::move(*inner), last_, digest_};
  }

  static constexpr bool durable_state = policy::is_durable_machine<M>;  ///< As M.
  M const& inner() const noexcept { return inner_; }                   ///< The machine itself.
  log_index last() const noexcept { return last_; }                    ///< The last command that it holds.
  std::uint64_t digest() const noexcept { return digest_; }            ///< Of its state after that.

 private:
  void note(log_index index, std::string_view command) {
    last_ = index;
    mix(index.value);
    for (auto const c : command) mix(static_cast<unsigned char>(c));
    teller_->applied(store_, index, digest_);
  }
  void note_state() {
    if constexpr (requires { { inner_.digest() } -> std::convertible_to<std::uint64_t>; })
      if (last_ != log_index{}) teller_->state_after(store_, last_, inner_.digest());
  }
  void mix(std::uint64_t value) { digest_ = std::rotl((digest_ ^ value) * 0x9e3779b97f4a7c15ULL, 29); }

  M inner_;
  store_id store_;
  apply_log* teller_;
  log_index last_;
  std::uint64_t digest_ = 0;
};

}  // namespace tinykv::testing
