"""The include graph test must find every kind of violation, and nothing in a tree that has none."""

import tempfile
import unittest
from pathlib import Path

import include_graph

FINE = {
    "version.hpp": "",
    "tinykv.hpp": "#include <tinykv/node/node.hpp>\n",
    "src.hpp": "#include <tinykv/raft/impl/log.ipp>\n",
    "transport/src.hpp": "#include <tinykv/transport/websocket/impl/port.ipp>\n",
    "storage/sqlite/src.hpp": '#include "impl/log.ipp"\n',
    "core/id.hpp": "#include <tinykv/version.hpp>\n#include <string>\n// steady_clock and <boost/asio.hpp> in a comment\n",
    "codec/reader.hpp": '#include "tinykv/core/id.hpp"\n',
    "raft/log.hpp": '#include <tinykv/codec/reader.hpp>\n#include "values/entry.hpp"\n#include "impl/log.ipp"\n',
    "raft/values/entry.hpp": '#include "../../core/id.hpp"\ninline char const* s = "rand() //";\n',
    "raft/impl/log.ipp": "#include <tinykv/raft/log.hpp>\n",
    "policy/clock.hpp": "#include <chrono>\n#include <tinykv/raft/log.hpp>\nnamespace runtime { class steady_clock; }\n",
    "raftstore/inbox.hpp": "#include <mutex>\n#include <tinykv/policy/clock.hpp>\n",
    "wire/values.hpp": "#include <tinykv/raft/log.hpp>\n",
    "wire/impl/values.ipp": "#include <tinykv/wire/proto/a.pb.h>\n",
    "storage/sqlite/impl/log.ipp": "#include <sqlite3.h>\n#include <thread>\n",
    "transport/websocket/port.hpp": "#include <boost/asio.hpp>\n#include <tinykv/wire/values.hpp>\n",
    "transport/websocket/impl/port.ipp": "#include <boost/beast.hpp>\n",
    "runtime/clock.hpp": "#include <chrono>\nauto t = std::chrono::steady_clock::now();\n",
    "sim/world.hpp": "#include <tinykv/policy/clock.hpp>\nint r = draw.rand(3);\n",
    "testing/cluster.hpp": "#include <tinykv/sim/world.hpp>\n",
    "node/node.hpp": "#include <tinykv/raftstore/inbox.hpp>\n#include <tinykv/runtime/clock.hpp>\n",
}

# (file, what is planted there, words that the report must hold)
PLANTED = [
    ("core/a.hpp", "#include <tinykv/codec/reader.hpp>", "layer 0 (core) may not know layer 1"),
    ("codec/a.hpp", "#include <tinykv/raft/log.hpp>", "layer 1 (codec) may not know layer 1 (raft)"),
    ("raft/a.hpp", '#include "../policy/clock.hpp"', "layer 1 (raft) may not know layer 2"),
    ("policy/a.hpp", "#include <tinykv/wire/values.hpp>", "(policy) may not know layer 2 (wire)"),
    ("raftstore/a.hpp", "#include <tinykv/runtime/clock.hpp>", "(raftstore) may not know layer 3 (runtime)"),
    ("kv/a.hpp", "  #  include <tinykv/raftstore/inbox.hpp>", "(kv) may not know layer 3 (raftstore)"),
    ("storage/a.hpp", "#include <tinykv/transport/websocket/port.hpp>", "(storage) may not know layer 3 (transport)"),
    ("sim/a.hpp", "#include <tinykv/runtime/clock.hpp>", "(sim) may not know layer 3 (runtime)"),
    ("sim/b.hpp", "#include <tinykv/testing/cluster.hpp>", "layer 3 (sim) may not know layer 4"),
    ("server/a.hpp", "#include <tinykv/node/node.hpp>", "(server) may not know layer 4 (node)"),
    ("node/a.hpp", "#include <tinykv/tinykv.hpp>", "layer 4 (node) may not know layer 5 (root)"),
    ("node/b.hpp", "#include <tinykv/raft/impl/log.ipp>", "the body of another folder"),
    ("node/c.hpp", '#include "../../other/x.hpp"', "outside of include/tinykv"),
    ("raft/impl/forgotten.ipp", "", "is included by no src.hpp"),
    ("extras/a.hpp", "", "is in no layer"),
    ("kv/b.hpp", "#include <boost/unordered.hpp>", "kv/ uses no third party"),
    ("testing/a.hpp", "#include <sqlite3.h>", "testing/ uses no third party"),
    ("sim/c.hpp", '#include "a.pb.h"', "sim/ uses no third party"),
    ("server/b.hpp", "#include <tinykv/wire/proto/a.pb.h>", "only wire/impl includes Protobuf"),
    ("wire/a.hpp", "#include <google/protobuf/message.h>", "only wire/impl includes Protobuf"),
    ("storage/sqlite/log.hpp", "#include <sqlite3.h>", "only storage/**/impl/*.ipp includes SQLite"),
    ("transport/websocket/b.hpp", "#include <boost/beast/websocket.hpp>", "only transport/**/impl includes Beast"),
    ("raft/b.hpp", "#include <thread>", "raft/ is pure"),
    ("core/b.hpp", "#include <mutex>", "core/ is pure"),
    ("policy/b.hpp", "#include <iostream>", "policy/ is pure"),
    ("txn/a.hpp", "#include <fstream>", "txn/ is pure"),
    ("scheduler/a.hpp", "auto t = std::chrono::system_clock::now();", "uses chrono::system_clock"),
    ("sim/d.hpp", "#include <random>", "sim/ is pure"),
    ("codec/b.hpp", "int r = rand();", "uses rand("),
    ("raftstore/b.hpp", "auto t = steady_clock::now();", "uses steady_clock::now"),
    ("raftstore/store.hpp", "#include <mutex>", "the inbox is the only lock"),
    ("raft/c.hpp", "std::unordered_map<int, int> m;", "uses unordered_map"),
    ("raftstore/c.hpp", "boost::unordered_flat_map<int, int> m;", "uses unordered_flat_map"),
    ("sim/e.hpp", "std::unordered_set<int> s;", "uses unordered_set"),
]


def plant(root, path, text):
    file = Path(root) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#pragma once\n" + text + "\n", encoding="utf-8")


class include_graph_test(unittest.TestCase):
    def tree(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        for path, text in FINE.items():
            plant(directory.name, path, text)
        return directory.name

    def test_a_tree_that_obeys_is_accepted(self):
        self.assertEqual(include_graph.violations(self.tree()), [])

    def test_each_planted_violation_is_reported_alone(self):
        for path, text, words in PLANTED:
            with self.subTest(path=path, text=text):
                root = self.tree()
                plant(root, path, text)
                found = include_graph.violations(root)
                self.assertTrue(found, "nothing was reported")
                self.assertTrue(any(words in line for line in found), found)
                self.assertTrue(all(line.startswith(path + ":") for line in found), found)

    def test_a_header_without_guard_is_reported(self):
        root = self.tree()
        (Path(root) / "core/unguarded.hpp").write_text("// #pragma once\n", encoding="utf-8")
        self.assertEqual(include_graph.violations(root), ["core/unguarded.hpp:1: has no #pragma once"])

    def test_a_long_file_is_a_warning_only(self):
        root = self.tree()
        plant(root, "core/long.hpp", "\n" * 400)
        self.assertEqual(include_graph.violations(root), [])
        self.assertEqual(len(list(include_graph.long_files(root))), 1)

    def test_an_empty_tree_is_a_failure(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(include_graph.main([root]), 1)


if __name__ == "__main__":
    unittest.main()
