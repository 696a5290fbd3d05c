#include "input.hpp"
#include "verbs.hpp"

namespace cli {

int put(settings const& with, put_arguments const& what) {
  auto const value = value_or_stdin(with, what.value);
  if (!value) return complain(with, value.error());
  session cluster{with};
  auto const answer = cluster.ask(tinykv::wire::write_request{{}, {{what.key, *value, false, {}}}});
  return answer ? print_ok(with) : complain(with, answer.error(), true);
}

}  // namespace cli
