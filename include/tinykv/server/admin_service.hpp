#pragma once

#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/rpc.hpp>
#include <tinykv/server/region_report.hpp>
#include <tinykv/wire/admin_messages.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace tinykv::server {

/// What a service for those who run a cluster knows.
struct admin_service_options {
  store_id store;                             ///< This store.
  std::map<store_id, std::string> addresses;  ///< Where stores are reached that no configuration gives an address.
};

/// Answers those who run a cluster: shows regions, hands leaderships over, changes members. All but a local look is answered
/// by the leader alone; others refuse as not_leader, with its address. One change of a region's members at a time: a second
/// one is refused as busy, since it would be made against members that are about to change. Every request may be repeated
/// without harm.
///
/// `Store` is a `raftstore::store`, or anything with its `status`, `read`, `transfer` and `change_membership`. Home lane only;
/// `store` and `executor` outlive the answers, which the store gives before it ends.
template <class Store, policy::Executor Executor>
class admin_service {
 public:
  /// A service of `store`.
  admin_service(Store& store, Executor& executor, admin_service_options options)
      : shared_(std::make_shared<shared>(shared{store, executor, std::move(options), {}})) {}

  /// Answers one request, of a method for which `wire::is_admin`; the shape of a `policy::rpc_handler`.
  void operator()(policy::rpc_request request, duration patience, policy::rpc_reply reply) const {
    auto decoded = wire::decode_admin_request(request.method, request.body);
    if (!decoded) return reply(std::move(decoded).error());
    auto const method = static_cast<wire::admin_method>(request.method);
    call one{shared_, method, patience, std::move(reply)};
    std::visit([&](auto& asked) { answer(std::move(asked), std::move(one)); }, *decoded);
  }

 private:
  struct shared {
    Store& store;
    Executor& executor;
    admin_service_options options;
    std::set<group_id> changing;  // regions whose members a request here is changing
  };

  /// A request that waits for its answer.
  struct call {
    std::shared_ptr<shared> service;
    wire::admin_method method;
    duration patience;
    policy::rpc_reply reply;

    void answer(wire::admin_answer const& what) { reply(wire::encode_admin_answer(method, what)); }
    void refuse(failure why, std::string leader_address = {}) {
      answer(unexpected{wire::kv_refusal{std::move(why), std::move(leader_address), {}}});
    }
    void refuse(failure why, raft::membership const& known) {
      auto address = why.code == error_code::not_leader ? address_of(store_id{why.hint}, known, service->options.addresses) : std::string{};
      refuse(std::move(why), std::move(address));
    }
    std::map<store_id, std::string> const& addresses() const { return service->options.addresses; }
  };

  /// Goes on with the group of `call` and what its leader knows of it; refuses for all others.
  template <class Next>
  static void at_leader(group_id group, call call, Next next) {
    auto& store = call.service->store;
    store.status([group, call = std::move(call), next = std::move(next)](auto status) mutable {
      for (auto& each : status.groups) {
        if (each.group != group) continue;
        if (each.fenced) return call.refuse(rejected(error_code::not_found, "the replica here has stopped: " + each.fenced->detail));
        if (each.raft.role == raft::role::leader) return next(std::move(call), std::move(each));
        return call.refuse(rejected(error_code::not_leader, "this store does not lead the region", each.leader_store.value),
                           each.raft.configuration);
      }
      call.refuse(rejected(error_code::not_found, "this store has no such region", group.value));
    });
  }

  static void answer(wire::show_region_request asked, call call) {
    if (asked.local) return show_local(asked.region, std::move(call));
    at_leader(asked.region, std::move(call), [](auto one, auto group) {
      auto report = report_region(group, one.addresses());
      auto& store = one.service->store;
      auto const patience = one.patience;
      auto const id = group.group;
      store.read(id, patience, [one = std::move(one), report = std::move(report), known = group.raft.configuration](auto view) mutable {
        auto& executor = one.service->executor;  // of the home lane, from which answers are sent
        if (!view)
          return executor.post([one = std::move(one), why = std::move(view).error(), known = std::move(known)]() mutable {
            one.refuse(std::move(why), known);
          });
        if constexpr (requires { view->region(); }) {
          if (auto const& record = view->region()) {
            report.range = record->region;
            report.state = record->state;
          }
        }
        executor.post([one = std::move(one), report = std::move(report)]() mutable {
          auto const self = one.service->options.store;
          one.answer(wire::admin_reply{wire::show_region_reply{self, {std::move(report)}, {}}});
        });
      });
    });
  }

  static void show_local(group_id region, call call) {
    auto& store = call.service->store;
    store.status([region, call = std::move(call)](auto const& status) mutable {
      wire::show_region_reply out{call.service->options.store, {}, {}};
      for (auto const& each : status.groups)
        if (region == group_id{} || each.group == region) out.regions.push_back(report_region(each, call.addresses()));
      for (auto const left : status.retired)
        if (region == group_id{} || left == region) out.left.push_back(left);
      if (region != group_id{} && out.regions.empty() && out.left.empty())
        return call.refuse(rejected(error_code::not_found, "this store has no such region", region.value));
      call.answer(wire::admin_reply{std::move(out)});
    });
  }

  static void answer(wire::transfer_request asked, call call) {
    at_leader(asked.region, std::move(call), [to = asked.to](auto one, auto group) {
      auto const target = find_member(group.raft.configuration, to);
      if (!target) return one.refuse(rejected(error_code::invalid_argument, "that is no member of the region"));
      auto& store = one.service->store;
      auto const patience = one.patience;
      auto const id = group.group;
      store.transfer(id, target->peer, patience,
                     [one = std::move(one), where = target->store, known = group.raft.configuration](result<done> moved) mutable {
                       if (!moved) return one.refuse(std::move(moved).error(), known);
                       one.answer(wire::admin_reply{wire::transfer_reply{where}});
                     });
    });
  }

  static void answer(wire::add_peer_request asked, call call) {
    auto const region = asked.region;
    change(region, std::move(call), [asked = std::move(asked)](raft::membership const& now) { return with_peer(now, asked); });
  }
  static void answer(wire::remove_peer_request asked, call call) {
    change(asked.region, std::move(call), [name = asked.peer](raft::membership const& now) { return without_peer(now, name); });
  }

  template <class Target>
  static void change(group_id region, call call, Target target_of) {
    at_leader(region, std::move(call), [target_of = std::move(target_of)](auto one, auto group) {
      auto const& known = group.raft.configuration;
      auto target = target_of(known);
      if (!target) return one.refuse(std::move(target).error());
      auto const service = one.service;
      auto const patience = one.patience;
      auto const id = group.group;
      if (!service->changing.insert(id).second)
        return one.refuse(rejected(error_code::busy, "the members of the region are being changed"));
      service->store.change_membership(id, std::move(*target), patience, [one = std::move(one), id, known](result<raft::membership> changed) mutable {
        one.service->changing.erase(id);
        if (!changed) return one.refuse(std::move(changed).error(), known);
        one.answer(wire::admin_reply{wire::members_reply{changed->version, report_peers(*changed, one.addresses())}});
      });
    });
  }

  std::shared_ptr<shared> shared_;
};

}  // namespace tinykv::server
