#include <tinykv/testing/conformance/rpc.hpp>
#include <tinykv/testing/conformance/transport.hpp>

#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/transport/loopback.hpp>
#include <tinykv/transport/loopback_rpc.hpp>

#include "support/catch.hpp"

// The suites are held against models that break one promise each: a suite that lets one pass proves nothing.

using namespace tinykv;

namespace {

enum class net_fault { none, changes_a_field, drops_entries, drops_pieces, cuts_a_piece, moves_a_piece, hides_a_refused_piece, forges_the_start, ignores_the_verdict, hides_refusals, old_identity, deaf_to_stop };

/// A loopback with a fault.
class faulty_net {
 public:
  using registry = std::map<store_id, policy::receive_sink*>;

  faulty_net(net_fault fault, transport::loopback::hub& hub, registry& all, store_id self)
      : wrapper_(std::make_unique<wrapper>(fault)), all_(&all), inner_(std::in_place, hub, self) {}

  result<done> start(store_identity const& self, policy::receive_sink& sink) {
    wrapper_->to = &sink;
    self_ = self;
    if (wrapper_->fault == net_fault::old_identity) self_.start.epoch = 1;
    (*all_)[self.store] = &sink;
    return inner_->start(self_, *wrapper_);
  }
  void send(store_id to, policy::envelope mail) noexcept {
    if (wrapper_->fault == net_fault::ignores_the_verdict && all_->contains(to) && to != self_.store) {
      if (std::exchange(greeted_, true) == false) all_->at(to)->greeted(self_, to, [](result<done>) {});
      return all_->at(to)->received(self_, std::move(mail));
    }
    inner_->send(to, std::move(mail));
  }
  void stop() noexcept {
    if (wrapper_->fault != net_fault::deaf_to_stop) inner_->stop();
  }

 private:
  struct wrapper final : policy::receive_sink {
    explicit wrapper(net_fault f) : fault(f) {}
    void greeted(store_identity const& from, store_id meant, verdict answer) noexcept override {
      to->greeted(from, meant, std::move(answer));
    }
    void received(store_identity const& from, policy::envelope mail) noexcept override {
      auto who = from;
      for (auto& each : mail.messages) {
        if (fault == net_fault::changes_a_field) each.message.round ^= 1;
        if (fault == net_fault::drops_entries) each.message.entries.clear();
      }
      if (fault == net_fault::drops_pieces && mail.snapshots.size() > 1) mail.snapshots.pop_back();
      for (auto& [group, piece] : mail.snapshots) {
        if (fault == net_fault::cuts_a_piece && piece.data.size() > 65535) piece.data = piece.data.slice(0, 65535);
        if (fault == net_fault::moves_a_piece) piece.offset &= 0xffff;
        if (fault == net_fault::hides_a_refused_piece) piece.refused = false;
      }
      if (fault == net_fault::forges_the_start) ++who.start.number;
      to->received(who, std::move(mail));
    }
    void refused(store_id by, failure reason) noexcept override {
      if (fault != net_fault::hides_refusals) to->refused(by, std::move(reason));
    }
    net_fault fault;
    policy::receive_sink* to = nullptr;
  };
  std::unique_ptr<wrapper> wrapper_;
  registry* all_;
  store_identity self_;
  bool greeted_ = false;
  std::optional<transport::loopback> inner_;
};

struct faulty_world {
  using model = faulty_net;
  net_fault fault;
  faulty_net::registry all;
  transport::loopback::hub hub;

  faulty_net open(store_id self) { return {fault, hub, all, self}; }
  bool wait(std::function<bool()> const& fact) {
    for (int i = 0; i < 1000; ++i)
      if (fact()) return true;
    return false;
  }
};

enum class rpc_fault { none, answers_inside, answers_twice, unknown_is_rejected, impatient, loses_fields, deaf_to_stop, no_bound, runs_twice };

/// A loopback_rpc with a fault.
class faulty_rpc {
 public:
  faulty_rpc(rpc_fault fault, transport::loopback_rpc inner) : fault_(fault), inner_(std::move(inner)) {}

  result<done> serve(policy::rpc_handler handler) {
    if (fault_ != rpc_fault::runs_twice) return inner_.serve(std::move(handler));
    return inner_.serve([h = std::make_shared<policy::rpc_handler>(std::move(handler))](policy::rpc_request request, duration patience,
                                                                                        policy::rpc_reply reply) {
      (*h)(request, patience, std::move(reply));
      (*h)(request, patience, [](result<bytes>) {});
    });
  }
  void call(std::string const& where, policy::rpc_request request, duration deadline, policy::rpc_reply reply) noexcept {
    if (fault_ == rpc_fault::answers_inside && where == "nowhere") return reply(rejected(error_code::unreachable));
    if (fault_ == rpc_fault::impatient) deadline /= 2;
    if (fault_ == rpc_fault::no_bound && request.body.size() > 1000) request.body = request.body.slice(0, 1000);
    inner_.call(where, std::move(request), deadline, [fault = fault_, reply = std::move(reply)](result<bytes> outcome) mutable {
      if (fault == rpc_fault::answers_twice) reply(outcome);
      if (!outcome && fault == rpc_fault::unknown_is_rejected) outcome.error().outcome = outcome::rejected;
      if (!outcome && fault == rpc_fault::loses_fields) outcome.error().hint = 0;
      reply(std::move(outcome));
    });
  }
  void stop() noexcept {
    if (fault_ != rpc_fault::deaf_to_stop) inner_.stop();
  }

 private:
  rpc_fault fault_;
  transport::loopback_rpc inner_;
};

struct faulty_rpc_world {
  using model = faulty_rpc;
  rpc_fault fault;
  runtime::manual_executor executor;
  transport::loopback_rpc::hub hub{{.request_bytes_max = 1000, .in_flight_max = 100}};

  faulty_rpc caller() { return {fault, {hub, "", executor}}; }
  faulty_rpc server() { return {fault, {hub, "server", executor}}; }
  std::string endpoint() { return "server"; }
  std::string nowhere() { return "nowhere"; }
  std::size_t request_bytes_max() { return 1000; }
  bool wait(std::function<bool()> const& fact) {
    for (int i = 0; i < 30000; ++i) {
      if (fact()) return true;
      if (!executor.run_one()) executor.advance(std::chrono::milliseconds{1});
    }
    return false;
  }
  duration elapsed() { return executor.now().since_start; }
};

std::size_t complaints(std::vector<testing::conformance_case> const& suite) {
  std::size_t count = 0;
  for (auto const& each : suite) count += each.run().complaints().size();
  return count;
}

}  // namespace

TEST_CASE("the suite of Transport finds each broken promise", "[transport][conformance]") {
  auto const found = [](net_fault fault) {
    return complaints(testing::transport_suite<faulty_world>([fault] { return std::make_unique<faulty_world>(faulty_world{fault, {}, {}}); }));
  };
  CHECK(found(net_fault::none) == 0);
  for (auto const fault : {net_fault::changes_a_field, net_fault::drops_entries, net_fault::drops_pieces, net_fault::cuts_a_piece,
                           net_fault::moves_a_piece, net_fault::hides_a_refused_piece, net_fault::forges_the_start, net_fault::ignores_the_verdict,
                           net_fault::hides_refusals, net_fault::old_identity, net_fault::deaf_to_stop}) {
    CAPTURE(static_cast<int>(fault));
    CHECK(found(fault) > 0);
  }
}

TEST_CASE("the suite of Rpc finds each broken promise", "[transport][rpc][conformance]") {
  auto const found = [](rpc_fault fault) {
    return complaints(testing::rpc_suite<faulty_rpc_world>([fault] {
      auto world = std::make_unique<faulty_rpc_world>();
      world->fault = fault;
      return world;
    }));
  };
  CHECK(found(rpc_fault::none) == 0);
  for (auto const fault : {rpc_fault::answers_inside, rpc_fault::answers_twice, rpc_fault::unknown_is_rejected, rpc_fault::impatient,
                           rpc_fault::loses_fields, rpc_fault::deaf_to_stop, rpc_fault::no_bound, rpc_fault::runs_twice}) {
    CAPTURE(static_cast<int>(fault));
    CHECK(found(fault) > 0);
  }
}
