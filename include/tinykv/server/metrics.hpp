#pragma once

#include <tinykv/policy/observer.hpp>
#include <tinykv/server/exposition.hpp>

#include <memory>
#include <string>

namespace tinykv::server {

/// An Observer that counts, for Prometheus. Copies count together: one is moved into the store, another one is kept and
/// asked for `text`. Home lane only, as `policy::Observer` and the pages of a port are.
class prometheus {
 public:
  /// Zeros.
  prometheus();

  /// Counts `what`.
  void on(policy::event const& what) noexcept;
  /// Counts one request of a client that took so long from arrival to answer.
  void request_answered(std::string_view method, std::uint64_t nanoseconds) noexcept;
  /// Appends every family; its HELP line says what it is.
  void write(exposition& out) const;

 private:
  struct counts;
  std::shared_ptr<counts> counts_;
};

static_assert(policy::Observer<prometheus>);

}  // namespace tinykv::server

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/server/impl/metrics.ipp>
#endif
