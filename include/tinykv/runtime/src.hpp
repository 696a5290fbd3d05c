#pragma once

// The bodies of runtime/, for separate compilation: include this in one file of a program.

#include <tinykv/runtime/impl/asio_executor.ipp>
