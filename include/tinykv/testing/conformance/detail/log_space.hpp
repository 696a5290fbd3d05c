#pragma once

#include <tinykv/policy/log_storage.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing::detail {

/// `group_log::bytes`, through all that changes it. `Log` is a log_under_test.
template <class Log>
void bytes_are_counted(Log& l, report& out) {
  auto const bytes_of = [&](std::uint64_t g) { return l.group(l.reload(), g).bytes; };
  auto w = Log::write(1);
  w.state = Log::state(1, 1, 0);
  l.commit(w);
  out.expect(bytes_of(1) == 0, "no bytes without entries");
  std::vector<raft::entry> all;
  for (std::uint64_t i = 1; i <= 10; ++i) all.push_back(Log::entry(i, 1, std::string(i * 100, 'a')));
  all[4].kind = raft::entry_kind::configuration;
  all[5] = Log::entry(6, 1, "");
  l.commit(Log::write(1, all));
  out.expect(bytes_of(1) == 4900 + 640, "data and 64 bytes of each entry, whatever its kind");
  w.state = Log::state(1, 1, 9);
  l.commit(w);
  out.expect(bytes_of(1) == 4900 + 640, "committed entries count");
  l.commit(Log::write(1, {Log::entry(9, 2, "x")}));
  out.expect(bytes_of(1) == 3000 + 1 + 9 * 64, "entries that were replaced do not count");
  auto cut = Log::write(1);
  cut.truncated = Log::truncation(7, 1);
  l.commit(cut);
  out.expect(bytes_of(1) == 801 + 2 * 64, "entries below the truncation do not count");
  cut.drop_entries = true;
  cut.truncated = Log::truncation(20, 3);
  l.commit(cut);
  out.expect(bytes_of(1) == 0, "dropped entries do not count");
}

/// Promise 6, by what the model takes on its disk.
template <class Log>
void space_is_used_again(Log& l, report& out) {
  std::uint64_t last = 0;
  std::uint64_t kept = 0;
  auto const rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      policy::log_batch batch;
      for (std::uint64_t g = 1; g <= 3; ++g) {
        auto w = Log::write(g);
        for (std::uint64_t n = 1; n <= 20; ++n) w.entries.push_back(Log::entry(last + n, 1, std::string(2000, 'a')));
        batch.groups.push_back(std::move(w));
      }
      l.commit(batch);
      last += 20;
      if (i % 10 == 9) {  // a snapshot from elsewhere
        for (std::uint64_t g = 1; g <= 3; ++g) {
          auto w = Log::write(g);
          w.drop_entries = true;
          w.truncated = Log::truncation(last + 100, 1);
          l.commit(w);
        }
        kept = last += 100;
      }
      for (; kept + 10 < last; kept += 5)  // in steps, as a store compacts
        for (std::uint64_t g = 1; g <= 3; ++g) {
          auto w = Log::write(g);
          w.truncated = Log::truncation(kept + 5, 1);
          l.commit(w);
        }
    }
  };
  rounds(30);
  auto const before = l.used();
  rounds(90);  // 10 MiB
  auto const after = l.used();
  out.expect(after <= before + before / 4 + (64U << 10), "a log that is truncated as it grows stays as large as it is");
  l.reload();
  rounds(30);
  out.expect(l.used() <= after + after / 4 + (64U << 10), "nor does a restart change that");
}

}  // namespace tinykv::testing::detail
