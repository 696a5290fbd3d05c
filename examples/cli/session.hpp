#pragma once

#include <tinykv/wire/kv_values.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cli {

/// What all verbs share.
struct settings {
  std::vector<std::string> endpoints;   ///< H:P of servers.
  std::chrono::nanoseconds timeout{};   ///< For one request, all its tries together.
  bool json = false;                    ///< Print JSON, one object per line.
};

/// A connection to a cluster. Not for several threads.
class session {
 public:
  explicit session(settings const& with);
  ~session();

  /// Asks any server (a write: the leader) and waits.
  tinykv::wire::kv_answer ask(tinykv::wire::kv_request const& request);
  /// Asks this server alone and waits.
  tinykv::wire::kv_answer ask_one(std::string const& endpoint, tinykv::wire::kv_request const& request);
  /// Asks and does not wait; `answer` is called within `run_while`.
  void start(tinykv::wire::kv_request const& request, std::function<void(tinykv::wire::kv_answer)> answer);
  /// Lets answers come in while `condition()`.
  void run_while(std::function<bool()> const& condition);

 private:
  struct connection;
  std::unique_ptr<connection> connection_;
};

/// The exit codes of every verb.
enum exit_code : int {
  exit_done = 0,         ///< Done.
  exit_refused = 1,      ///< Not found, refused, or a condition that did not hold.
  exit_usage = 2,        ///< The command line is wrong.
  exit_unreachable = 3,  ///< No server that can answer.
  exit_unknown = 4,      ///< It may have been done; look before repeating it.
};

/// The exit code of a verb that has printed what it read: done, or refused when stdout did not take all of it.
int printed();

/// Says on stderr, in one line, why and what to do; gives the exit code. What only reads is never "maybe done".
int complain(tinykv::wire::kv_refusal const& why, bool writes);

}  // namespace cli
