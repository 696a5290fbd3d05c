#pragma once

/// Include in exactly one file of a program that defines TINYKV_SEPARATE_COMPILATION: holds the function bodies of the
/// parts that need no third party.

#include <tinykv/raft/impl/core.ipp>
#include <tinykv/raft/impl/election.ipp>
#include <tinykv/raft/impl/invariants.ipp>
#include <tinykv/raft/impl/membership.ipp>
#include <tinykv/raft/impl/reads.ipp>
#include <tinykv/raft/impl/ready.ipp>
#include <tinykv/raft/impl/replication.ipp>
#include <tinykv/raft/impl/snapshots.ipp>
#include <tinykv/sim/src.hpp>
#include <tinykv/storage/impl/snapshot_files.ipp>
#include <tinykv/testing/src.hpp>
