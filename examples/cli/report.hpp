#pragma once

#include "session.hpp"

#include <string>

// What every verb says at its end: the exit code, and why. Output goes to std::cout alone.

namespace cli {

/// The exit codes of every verb.
enum exit_code : int {
  exit_done = 0,         ///< Done.
  exit_refused = 1,      ///< Not found, refused, or a condition that did not hold.
  exit_usage = 2,        ///< The command line, or what it names on this machine, is wrong.
  exit_unreachable = 3,  ///< No server that can answer.
  exit_unknown = 4,      ///< It may have been done; look before repeating it.
};

/// Why a verb did not do what was asked, and what helps.
struct problem {
  exit_code exit = exit_refused;
  tinykv::failure why;    ///< For people in `detail`, for programs in the rest.
  std::string next = {};  ///< What to do; empty when `why.detail` says it.
};

/// A mistake in the command line, or in a file of this machine that it names.
problem usage(std::string detail, std::string next = {});
/// What a server's refusal means to the caller. What only reads is never "maybe done".
problem problem_of(tinykv::wire::kv_refusal const& why, bool writes);

/// Says it on stderr, in one line of text or as one JSON object; gives the exit code.
int complain(settings const& with, problem const& what);
int complain(settings const& with, tinykv::wire::kv_refusal const& why, bool writes);

/// The exit code of a verb that has printed to std::cout: done, or a complaint when not all of it could be written.
int printed(settings const& with);
/// Prints OK, or {"ok":true}; the exit code as of `printed`, which here says that the write itself was done.
int print_ok(settings const& with);

}  // namespace cli
