#include "about.hpp"

#include <google/protobuf/stubs/common.h>
#include <sqlite3.h>
#include <boost/version.hpp>

#include <chrono>
#include <string>

namespace {

std::uint64_t nanoseconds_since_epoch() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds{now}.count());
}

std::uint64_t const started = nanoseconds_since_epoch();

std::string build_labels() {
  auto const boost = std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
                     std::to_string(BOOST_VERSION % 100);
  auto const protobuf = google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
  return "version=\"" TINYKV_VERSION "\",boost=\"" + boost + "\",sqlite=\"" + sqlite3_libversion() + "\",protobuf=\"" +
         protobuf + "\"";
}

}  // namespace

void write_about(tinykv::server::exposition& out) {
  out.gauge("tinykv_build_info", "What this program was built with; always 1.");
  out.sample(build_labels(), 1);
  out.gauge("process_start_time_seconds", "When this process was started, since the Unix epoch.");
  out.sample({}, tinykv::server::seconds_text(started));
  out.gauge("tinykv_clock_seconds", "Wall clock of this machine when this page was made, since the Unix epoch.");
  out.sample({}, tinykv::server::seconds_text(nanoseconds_since_epoch()));
}
