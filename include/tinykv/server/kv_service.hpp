#pragma once

#include <tinykv/codec/kv_command.hpp>
#include <tinykv/kv/kv_view.hpp>
#include <tinykv/kv/reply.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/rpc.hpp>
#include <tinykv/server/status_report.hpp>
#include <tinykv/wire/kv_messages.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace tinykv::server {

/// What a service knows and allows.
struct kv_service_options {
  group_id group{1};                          ///< The region that it serves.
  codec::kv_limits limits;                    ///< Of writes; reads obey the one of keys.
  std::uint32_t scan_pairs_max = 16384;       ///< Pairs in one page of a scan.
  std::uint64_t scan_bytes_max = 512U << 10;  ///< Keys and values in one page; one pair is given in any case.
  duration patience_max = std::chrono::seconds{60};  ///< A request is answered within this time, however patient its client is.
  store_id store;                             ///< This store.
  std::map<store_id, std::string> addresses;  ///< Where the stores are reached, this one included, unless the members say.
  std::string version;                        ///< Of the program, for `status`.
};

/// Answers clients of a key/value store: admits a request, proposes it or reads a confirmed view, and answers. Every
/// server answers reads itself (follower ReadIndex, SAFETY.md §7); writes are refused as not_leader by all but the leader,
/// with its address. `Store` is a `raftstore::store` whose machine is a `kv::kv_machine`, or anything with its `propose`,
/// `read` and `status`. Home lane only; `store` and `executor` outlive the answers, which the store gives before it ends.
template <class Store, policy::Executor Executor>
class kv_service {
 public:
  /// A service of `store`.
  kv_service(Store& store, Executor& executor, kv_service_options options)
      : shared_(std::make_shared<shared const>(shared{store, executor, std::move(options)})) {}

  /// Answers one request; the shape of a `policy::rpc_handler`.
  void operator()(policy::rpc_request request, duration patience, policy::rpc_reply reply) const {
    auto decoded = wire::decode_request(request.method, request.body);
    if (!decoded) return reply(std::move(decoded).error());
    auto const method = static_cast<wire::method>(request.method);
    auto const bounded = std::min(patience, shared_->options.patience_max);
    std::visit([&](auto& r) { answer(r, call{shared_, method, bounded, std::move(reply)}); }, *decoded);
  }

 private:
  struct shared {
    Store& store;
    Executor& executor;
    kv_service_options options;

    /// On the home lane, where alone a store refuses as not_leader.
    std::string leader_address(store_id leader) const {
      if constexpr (requires { store.peek(options.group)->members(); })
        if (auto const* group = store.peek(options.group)) return address_of(leader, group->members(), options.addresses);
      return address_of(leader, {}, options.addresses);
    }
  };

  /// A request that waits for its answer.
  struct call {
    std::shared_ptr<shared const> service;
    wire::method method;
    duration patience;
    policy::rpc_reply reply;

    /// On the home lane.
    void answer(wire::kv_answer const& what) { reply(wire::encode_answer(method, what)); }
    /// On any lane: the message is made here, and sent from the home lane.
    void answer_from_lane(wire::kv_answer const& what) {
      auto body = wire::encode_answer(method, what);
      service->executor.post([reply = std::move(reply), body = std::move(body)]() mutable { reply(std::move(body)); });
    }
    /// `why`, with what helps the client on.
    wire::kv_answer refusal(failure why, std::vector<region> regions = {}) const {
      auto address = why.code == error_code::not_leader ? service->leader_address(store_id{why.hint}) : std::string{};
      return unexpected{wire::kv_refusal{std::move(why), std::move(address), std::move(regions)}};
    }
  };

  static void answer(wire::write_request const& request, call call) {
    auto const& options = call.service->options;
    if (auto refused = refusal_of(request.context, options)) return call.answer(call.refusal(*refused));
    codec::kv_command command{options.group, request.context.epoch, {}};
    for (auto const& w : request.writes) command.writes.push_back({w.key, w.value, w.conditional, w.expected});
    if (auto fits = codec::admit(command, options.limits); !fits) return call.answer(call.refusal(fits.error()));
    auto& store = call.service->store;
    auto const patience = call.patience;
    auto done = [call = std::move(call)](result<kv::kv_reply> applied) mutable {
      call.answer(applied ? answer_of(call, std::move(*applied)) : call.refusal(std::move(applied).error()));
    };
    store.propose(options.group, codec::encode(command), patience, std::move(done));
  }

  static wire::kv_answer answer_of(call const& call, kv::kv_reply applied) {
    if (applied.ok()) return wire::kv_reply{wire::write_reply{}};
    if (applied.error->code == error_code::compare_failed) {
      auto current = applied.current ? std::optional{applied.current->str()} : std::nullopt;
      return wire::kv_reply{wire::write_reply{false, std::move(current)}};
    }
    auto regions = applied.region ? std::vector{std::move(*applied.region)} : std::vector<region>{};
    return call.refusal(std::move(*applied.error), std::move(regions));
  }

  static void answer(wire::get_request& request, call call) {
    auto const& options = call.service->options;
    if (auto refused = refusal_of(request.context, options)) return call.answer(call.refusal(*refused));
    codec::kv_command const as_write{options.group, {}, {{request.key, {}, false, {}}}};
    if (auto fits = codec::admit(as_write, options.limits); !fits) return call.answer(call.refusal(fits.error()));
    auto look = [key = std::move(request.key)](auto const& view, region const& here) -> result<wire::kv_reply> {
      if (!here.contains(key)) return rejected(error_code::key_not_in_region, "the key belongs to another region");
      return view.get(key).transform([&](std::optional<bytes> value) -> wire::kv_reply {
        return wire::get_reply{value ? std::optional{value->str()} : std::nullopt, view.applied().index};
      });
    };
    read(std::move(call), request.context, std::move(look));
  }

  static void answer(wire::scan_request& request, call call) {
    auto const& options = call.service->options;
    if (auto refused = refusal_of(request.context, options)) return call.answer(call.refusal(*refused));
    auto const bound = options.limits.key_bytes_max;
    for (auto const* key : {&request.start, &request.end, &request.prefix})
      if (key->size() > bound + 1)  // one more: the key behind the longest one
        return call.answer(call.refusal(rejected(error_code::too_large, "the key is too long", bound)));
    auto range = range_of(request, options);
    read(std::move(call), request.context, [range = std::move(range)](auto const& view, region const&) {
      return view.scan(range).transform([&](kv::scan_page page) -> wire::kv_reply {
        wire::scan_reply out{{}, page.more, view.applied().index};
        for (auto const& [key, value] : page.pairs) out.pairs.push_back({key.str(), value.str()});
        return out;
      });
    });
  }

  static kv::scan_range range_of(wire::scan_request const& request, kv_service_options const& options) {
    kv::scan_range range;
    range.start = request.start;
    range.end = request.end;
    range.narrow_to_prefix(request.prefix);
    range.reverse = request.reverse;
    range.keys_only = request.keys_only;
    range.limit = std::min(request.limit, options.scan_pairs_max);
    range.bytes_max = options.scan_bytes_max;
    if (request.bytes_max != 0) range.bytes_max = std::min(range.bytes_max, request.bytes_max);
    return range;
  }

  static void answer(wire::status_request const&, call call) {
    auto& store = call.service->store;
    store.status([call = std::move(call)](auto const& status) mutable {
      auto const& options = call.service->options;
      call.answer(wire::kv_reply{report(status, options.addresses, options.version)});
    });
  }

  /// Gives `use` a confirmed view; epoch and range are those inside the view (SAFETY.md §7).
  template <class Use>
  static void read(call call, wire::request_context const& context, Use use) {
    auto& store = call.service->store;
    auto const group = call.service->options.group;
    auto const patience = call.patience;
    store.read(group, patience, [call = std::move(call), seen = context.epoch, use = std::move(use)](auto view) mutable {
      if (!view) return call.answer_from_lane(call.refusal(std::move(view).error()));
      auto const& record = view->region();
      if (!record || record->state != region_state::normal)
        return call.answer_from_lane(call.refusal(rejected(error_code::not_found, "no such region here")));
      if (seen.version != 0 && seen.version != record->region.epoch.version)
        return call.answer_from_lane(
            call.refusal(rejected(error_code::epoch_mismatch, "the region has changed; look again"), {record->region}));
      auto reply = use(*view, record->region);
      if (!reply) return call.answer_from_lane(call.refusal(std::move(reply).error(), {record->region}));
      call.answer_from_lane(std::move(*reply));
    });
  }

  /// The checks of spec 3.6 that need no look at the region.
  static std::optional<failure> refusal_of(wire::request_context const& context, kv_service_options const& options) {
    if (context.store != store_id{} && context.store != options.store)
      return rejected(error_code::not_found, "this is store " + std::to_string(options.store.value), options.store.value);
    if (context.region != group_id{} && context.region != options.group)
      return rejected(error_code::not_found, "no such region here", context.region.value);
    return {};
  }

  std::shared_ptr<shared const> shared_;
};

}  // namespace tinykv::server
