#pragma once

#include <tinykv/policy/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tinykv::transport {

/// Transport between the stores of one process: an envelope goes from the sender's `send` straight into the receiver's
/// sink; no bytes are made and nothing is lost between two stores that run. Each pair of starts has a connection of
/// its own, which begins with a greeting as on a network (SAFETY.md §6).
///
/// A movable handle on a `hub`. Ends (as by `stop`) when destroyed. `send` may be called from any thread.
class loopback {
  struct exchange;

 public:
  /// The bounds of a hub.
  struct options {
    std::size_t waiting_envelopes_max = 64;  ///< Per connection, before the receiver's verdict; later ones are dropped.
  };

  /// Connects the stores of one process. Owned by the caller; outlives its handles. Any thread.
  class hub {
   public:
    /// No stores yet; the default bounds.
    hub() : hub(options{}) {}
    /// No stores yet.
    explicit hub(options bounds) : shared_(std::make_shared<exchange>()) { shared_->bounds = bounds; }

    /// How many envelopes were dropped: no such store, not let in yet and too many, or refused.
    std::uint64_t dropped() const {
      std::scoped_lock const lock{shared_->mutex};
      return shared_->dropped;
    }

   private:
    friend class loopback;
    std::shared_ptr<exchange> shared_;
  };

  /// The handle of store `self`.
  loopback(hub& where, store_id self) : shared_(where.shared_), self_(self) {}
  loopback(loopback&& other) noexcept = default;  ///< The other one is empty then.
  /// Ends this one, then takes the other one over.
  loopback& operator=(loopback&& other) noexcept {
    if (this != &other) {
      stop();
      shared_ = std::move(other.shared_);
      self_ = other.self_;
      running_ = std::exchange(other.running_, nullptr);
    }
    return *this;
  }
  ~loopback() { stop(); }

  /// Attaches the store. `rejected` (invalid_argument) when `self` names another store than the handle, (locked) when
  /// a store of this id runs in the hub.
  result<done> start(store_identity const& self, policy::receive_sink& sink) {
    if (!shared_ || self.store != self_) return rejected(error_code::invalid_argument, "this handle is of another store");
    std::scoped_lock const lock{shared_->mutex};
    auto const [place, fresh] = shared_->stations.try_emplace(self_);
    if (!fresh) return rejected(error_code::locked, "a store with this id already runs in this hub", self_.value);
    place->second = std::make_shared<station>(station{self, &sink});
    running_ = place->second;
    return done{};
  }

  /// Hands `mail` to store `to`, greeting it first when need be. Calls the receiver's sink from inside.
  void send(store_id to, policy::envelope mail) noexcept {
    if (shared_ && running_) shared_->send(shared_, self_, to, std::move(mail));
  }

  /// Detaches the store: its sink is not touched any more. Fine when it does not run.
  void stop() noexcept {
    if (!shared_ || !running_) return;
    std::scoped_lock const lock{shared_->mutex};
    shared_->detach(self_, std::exchange(running_, nullptr));
  }

 private:
  /// A store that runs.
  struct station {
    store_identity self;
    policy::receive_sink* sink;
  };

  /// From one start of a store to one start of another. Forgotten when either ends and when the greeting is refused.
  struct connection {
    std::weak_ptr<int> asked;               // lives as long as the verdict does: a dropped greeting is asked anew
    bool open = false;                      // the verdict was success
    std::vector<policy::envelope> waiting;  // sent before the verdict
  };

  // Sinks only queue and never call back, so they are called under the lock: this is what makes `stop` final.
  struct exchange {
    mutable std::mutex mutex;
    options bounds;
    std::map<store_id, std::shared_ptr<station>> stations;
    std::map<std::pair<store_id, store_id>, connection> connections;  // from, to
    std::uint64_t dropped = 0;

    void send(std::shared_ptr<exchange> const& me, store_id from, store_id to, policy::envelope mail) {
      std::scoped_lock const lock{mutex};
      auto const sender = stations.find(from);
      auto const receiver = stations.find(to);
      if (from == to || sender == stations.end() || receiver == stations.end()) {
        ++dropped;
        return;
      }
      auto& link = connections[{from, to}];
      if (link.open) return receiver->second->sink->received(sender->second->self, std::move(mail));
      if (link.waiting.size() < bounds.waiting_envelopes_max) link.waiting.push_back(std::move(mail));
      else ++dropped;
      if (link.asked.expired()) greet(me, *sender->second, to, *receiver->second, link);
    }

    void greet(std::shared_ptr<exchange> const& me, station const& sender, store_id to, station const& receiver,
               connection& link) {
      auto question = std::make_shared<int>();
      link.asked = question;
      receiver.sink->greeted(sender.self, to,
                             [weak = std::weak_ptr{me}, from = sender.self.store, to, question](result<done> verdict) {
                               if (auto const hub = weak.lock()) hub->judged(from, to, question, std::move(verdict));
                             });
    }

    void judged(store_id from, store_id to, std::shared_ptr<int> const& question, result<done> verdict) {
      std::scoped_lock const lock{mutex};
      auto const place = connections.find({from, to});
      if (place == connections.end() || place->second.asked.lock() != question) return;  // of an earlier start
      auto const sender = stations.find(from);
      auto const receiver = stations.find(to);
      auto waiting = std::exchange(place->second.waiting, {});
      if (verdict) {
        place->second.open = true;
        for (auto& mail : waiting) receiver->second->sink->received(sender->second->self, std::move(mail));
      } else {
        dropped += waiting.size();
        connections.erase(place);  // the next envelope greets again
        sender->second->sink->refused(to, std::move(verdict).error());
      }
    }

    void detach(store_id store, std::shared_ptr<station> const& which) {
      auto const place = stations.find(store);
      if (place == stations.end() || place->second != which) return;
      stations.erase(place);
      std::erase_if(connections, [&](auto const& each) { return each.first.first == store || each.first.second == store; });
    }
  };

  std::shared_ptr<exchange> shared_;
  store_id self_;
  std::shared_ptr<station> running_;
};

static_assert(policy::Transport<loopback>);

}  // namespace tinykv::transport
