#pragma once

// The bodies of the websocket models and their port, for a build that compiles them once: include this in one file, and
// define TINYKV_SEPARATE_COMPILATION for all.

#include <tinykv/transport/impl/port.ipp>
#include <tinykv/transport/impl/websocket.ipp>
#include <tinykv/transport/impl/websocket_rpc.ipp>
