#pragma once

// The bodies of sim/, for separate compilation: include this in one file of a program.

#include <tinykv/sim/impl/disk.ipp>
#include <tinykv/sim/impl/disk_log.ipp>
#include <tinykv/sim/impl/disk_snapshots.ipp>
#include <tinykv/sim/impl/engine_disk.ipp>
#include <tinykv/sim/impl/executor.ipp>
#include <tinykv/sim/impl/mail.ipp>
#include <tinykv/sim/impl/network.ipp>
#include <tinykv/sim/impl/snapshot_disk.ipp>
#include <tinykv/sim/impl/world.ipp>
