#pragma once

#include <tinykv/wire/admin_values.hpp>
#include <tinykv/wire/kv_values.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cli {

/// What all verbs share.
struct settings {
  std::vector<std::string> endpoints;  ///< H:P of servers; at least one.
  bool endpoints_given = false;        ///< By a flag or the environment.
  tinykv::cluster_id cluster;          ///< Servers of another one refuse; 0 = any.
  std::chrono::nanoseconds timeout{};  ///< For one request, all its tries together.
  bool json = false;                   ///< Print JSON, one object per line.
  bool hex = false;                    ///< Keys and values are hexadecimal, in and out.
  bool in_shell = false;               ///< A line of the shell, whose stdin holds further lines.
};

/// A connection to a cluster. Not for several threads.
class session {
 public:
  using answer_function = std::function<void(tinykv::wire::kv_answer)>;

  explicit session(settings const& with);
  ~session();

  /// Asks any server (a write: the leader) and waits.
  tinykv::wire::kv_answer ask(tinykv::wire::kv_request const& request);
  /// Asks this server alone and waits.
  tinykv::wire::kv_answer ask_one(std::string const& endpoint, tinykv::wire::kv_request const& request);
  /// As `ask` and `ask_one`, without waiting; `answer` is called within `run_while`.
  void start(tinykv::wire::kv_request const& request, answer_function answer);
  void start_one(std::string const& endpoint, tinykv::wire::kv_request const& request, answer_function answer);
  /// The same for what those who run a cluster ask: the leader, for at most `patience`; or one server.
  tinykv::wire::admin_answer ask_admin(tinykv::wire::admin_request const& request, std::chrono::nanoseconds patience);
  tinykv::wire::admin_answer ask_admin_one(std::string const& endpoint, tinykv::wire::admin_request const& request);
  void start_admin(tinykv::wire::admin_request const& request, std::chrono::nanoseconds patience,
                   std::function<void(tinykv::wire::admin_answer)> answer);
  /// As `run_while` below, which looks at its condition at least so often.
  void run_while(std::chrono::nanoseconds pause, std::function<bool()> const& condition);
  /// Lets answers come in while `condition()`.
  void run_while(std::function<bool()> const& condition);

 private:
  struct connection;
  std::unique_ptr<connection> connection_;
};

}  // namespace cli
