#pragma once

// The bodies of server/, compiled once with TINYKV_SEPARATE_COMPILATION (see core/config.hpp).

#include <tinykv/server/impl/exposition.ipp>
#include <tinykv/server/impl/metrics.ipp>
