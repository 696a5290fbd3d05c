#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <map>
#include <vector>

namespace tinykv::raftstore {

/// The reads of one group that wait: first for their index, then for the machine to reach it (SAFETY.md §7).
template <class View>
class reads {
 public:
  /// Uses the view, or is told why there is none; called once.
  using reader = unique_function<void(result<View>)>;

  std::size_t size() const { return asked_.size() + granted_.size(); }  ///< How many wait.

  /// A new read; its name is for `Consensus::read_index`.
  read_id add(instant deadline, reader use) {
    auto const id = ++last_;
    asked_.emplace(id, waiting{deadline, std::move(use)});
    return id;
  }
  /// The index of `id` is known. One that was answered meanwhile is passed over.
  void grant(read_id id, log_index index) {
    if (auto node = asked_.extract(id)) granted_.emplace(index, std::move(node.mapped()));
  }
  /// `id` gets no index.
  void refuse(read_id id, failure reason) {
    if (auto node = asked_.extract(id)) node.mapped().use(std::move(reason));
  }
  /// Takes out those that may read a machine that has applied everything up to `applied`.
  std::vector<reader> ready(log_index applied) {
    std::vector<reader> out;
    while (!granted_.empty() && granted_.begin()->first <= applied) {
      out.push_back(std::move(granted_.begin()->second.use));
      granted_.erase(granted_.begin());
    }
    return out;
  }
  /// Refuses those whose time is over.
  void expire(instant now) {
    failure const late = rejected(error_code::deadline, "the read was not confirmed in time");
    refuse_if(late, [&](waiting const& w) { return w.deadline <= now; });
  }
  /// Refuses all.
  void refuse_all(failure const& reason) {
    refuse_if(reason, [](waiting const&) { return true; });
  }

 private:
  struct waiting {
    instant deadline;
    reader use;
  };
  template <class F>
  void refuse_if(failure const& reason, F over) {
    auto const sweep = [&](auto& list) {
      for (auto it = list.begin(); it != list.end();) {
        if (!over(it->second)) {
          ++it;
          continue;
        }
        auto use = std::move(it->second.use);
        it = list.erase(it);
        use(failure{reason});
      }
    };
    sweep(asked_);
    sweep(granted_);
  }

  read_id last_;
  std::map<read_id, waiting> asked_;
  std::multimap<log_index, waiting> granted_;
};

}  // namespace tinykv::raftstore
