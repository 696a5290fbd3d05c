#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tinykv::testing {

namespace detail {
/// What a watched machine puts before the records of the machine that it watches.
inline result<done> write_header(policy::snapshot_writer& out, log_index last, std::uint64_t digest) {
  std::string text;
  codec::writer to{text};
  to.varint(last.value);
  to.varint(digest);
  return out.write(text);
}
}  // namespace detail

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

  /// Where the machine stands.
  position applied() const
    requires policy::SavableView<typename M::view_type>
  {
    return inner_.applied();
  }
  /// The header, then M's records.
  result<done> save(policy::snapshot_writer& out) const
    requires policy::SavableView<typename M::view_type>
  {
    if (auto const written = write_header(out, last_, digest_); !written) return written;
    return inner_.save(out);
  }

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
  /// The machine of `store` was filled from a snapshot, or emptied: its last command is at `index` now.
  virtual void restored(store_id store, log_index index) = 0;
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

  /// The header, then M's records.
  result<done> save(policy::snapshot_writer& out) const
    requires requires(M const& m, policy::snapshot_writer& w) { { m.save(w) } -> std::same_as<result<done>>; }
  {
    if (auto const written = detail::write_header(out, last_, digest_); !written) return written;
    return inner_.save(out);
  }
  /// As M, after the header.
  result<done> restore(policy::snapshot_reader& in, position at)
    requires policy::SnapshottableMachine<M>
  {
    auto const header = in.next();
    if (!header) return header.error();
    if (!*header) return fatal(error_code::corrupt, "a snapshot without records");
    codec::reader from{**header};
    auto const last = log_index{from.varint()};
    auto const digest = from.varint();
    auto restored = inner_.restore(in, at);
    if (!restored) return restored;
    last_ = last;
    digest_ = digest;
    teller_->restored(store_, last_);
    note_state();
    return restored;
  }
  /// As M.
  result<done> begin_restore(bytes note)
    requires policy::ReplaceableMachine<M>
  {
    return inner_.begin_restore(std::move(note));
  }
  /// As M.
  std::optional<bytes> restoring() const
    requires policy::ReplaceableMachine<M>
  {
    return inner_.restoring();
  }
  /// As M.
  result<done> apply_configuration(raft::membership const& group, position through)
    requires policy::ConfigurableMachine<M>
  {
    return inner_.apply_configuration(group, through);
  }
  /// As M.
  result<done> retire()
    requires policy::RetirableMachine<M>
  {
    auto retired = inner_.retire();
    if (!retired) return retired;
    last_ = {};
    digest_ = 0;
    teller_->restored(store_, last_);
    return retired;
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
