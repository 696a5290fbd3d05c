#pragma once

#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_kv.hpp>

#include <optional>
#include <utility>
#include <vector>

/// A store without replication: a machine that applies what is proposed, or the failures that a test lays in.
class fake_kv_store {
 public:
  using machine = tinykv::kv::kv_machine<tinykv::storage::memory_kv>;
  struct group_status {
    tinykv::group_id group;
    tinykv::raft::status raft;
    tinykv::store_id leader_store;
    std::optional<tinykv::failure> fenced;
  };
  struct store_status {
    tinykv::store_identity self;
    std::optional<tinykv::failure> failed;
    std::vector<group_status> groups;
    std::vector<std::pair<tinykv::store_id, tinykv::failure>> refused_by;
  };

  fake_kv_store(tinykv::runtime::manual_executor& executor, tinykv::region const& first)
      : executor_(executor),
        machine_(*machine::open(tinykv::storage::memory_kv{tinykv::kv::family_names()}, first.id)) {
    (void)machine_.bootstrap(first);
  }

  void propose(tinykv::group_id, tinykv::bytes command, tinykv::duration within,
               tinykv::unique_function<void(tinykv::result<tinykv::kv::kv_reply>)> done) {
    ++proposals;
    patience = within;
    executor_.post([this, command, done = std::move(done)]() mutable {
      if (failure) return done(*failure);
      auto const index = machine_.applied().index + 1;
      done(machine_.apply(index, command));
    });
  }
  void read(tinykv::group_id, tinykv::duration within, tinykv::unique_function<void(tinykv::result<machine::view_type>)> use) {
    patience = within;
    if (failure) return executor_.post([this, use = std::move(use)]() mutable { use(*failure); });
    executor_.post_on(tinykv::policy::lane::read, [this, use = std::move(use)]() mutable { use(machine_.view()); });
  }
  void status(tinykv::unique_function<void(store_status)> done) {
    executor_.post([this, done = std::move(done)]() mutable { done(reported); });
  }

  std::optional<tinykv::failure> failure;  ///< What proposals and reads are answered.
  store_status reported;
  int proposals = 0;
  tinykv::duration patience{};  ///< Of the last call.

 private:
  tinykv::runtime::manual_executor& executor_;
  machine machine_;
};
