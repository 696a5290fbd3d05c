"""Stores join and leave a running cluster, and the leadership moves. Needs TINYKV_PROGRAMS, the directory of both programs."""

import json
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from cluster import PROGRAMS, Cluster, Server, eventually


class Joiner(Server):
    """A store that --peers does not name."""

    def arguments(self, *more):
        return ["--store-id", str(self.number), "--listen", self.endpoint, "--peers", self.cluster.peers(), "--data-dir", str(self.directory), *more]


class GrowingCluster(Cluster):
    def __init__(self, size):
        super().__init__(size)
        self.first = list(self.servers)

    def peers(self):
        return ",".join(f"{s.number}={s.endpoint}" for s in self.first)  # whatever has become of them

    def join(self, *more):
        server = Joiner(self, len(self.servers) + 1)
        self.servers.append(server)
        server.start("--join", *more)
        eventually("the new store listens", lambda: "ready:" in server.words())
        return server

    def add(self, server, *more):
        return self.cli("region", "add-peer", server.number, server.endpoint, *more)

    def remove(self, number, *more):
        return self.cli("region", "remove-peer", number, *more)

    def show(self, *more):
        answer = self.cli("--json", "region", "show", *more)
        if answer.returncode != 0:
            raise AssertionError(answer.stderr.decode())
        return json.loads(answer.stdout)

    def first_entry(self, server):
        answer = self.cli("--json", "status", endpoints=server.endpoint)
        return json.loads(answer.stdout)["groups"][0]["first"]

    def roles(self):
        return {p["store"]: p["role"] for p in self.show()["peers"]}


class Load:
    """Writes until it is told to stop, and knows what was acknowledged."""

    def __init__(self, cluster, endpoints):
        self.cluster = cluster
        self.endpoints = endpoints
        self.going_on = True
        self.acknowledged = set()
        self.ended_early = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        turn = 0
        while self.going_on:
            turn += 1
            keys = [b"load/%06d/%04d" % (turn, i) for i in range(500)]
            told = self.cluster.directory / f"acknowledged-{turn}"
            answer = self.cluster.cli("import", "--batch", "4", "--in-flight", "8", "--repeat-unknown", "--acknowledged", told,
                                      stdin=b"".join(k + b"\tv" + k + b"\n" for k in keys), endpoints=self.endpoints)
            self.ended_early += answer.returncode != 0
            self.acknowledged.update(told.read_bytes().split())

    def stop(self):
        self.going_on = False
        self.thread.join()
        return self.acknowledged


def voters(*stores):
    return {s: "voter" for s in stores}


def health(server):
    """Status and text of /healthz."""
    try:
        with urllib.request.urlopen(f"http://{server.endpoint}/healthz", timeout=10) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as page:
        return page.code, page.read().decode()


class Case(unittest.TestCase):
    def begin(self, size, *more):
        self.cluster = GrowingCluster(size)
        self.addCleanup(self.cluster.__exit__)
        self.more = more
        return self.cluster.start("--init", *more)

    def ok(self, answer):
        self.assertEqual(answer.returncode, 0, answer.stderr.decode())
        return answer.stdout.decode()

    def holds_all(self, acknowledged, server):
        lines = self.cluster.cli("export", "--prefix", "load/", endpoints=server.endpoint).stdout.splitlines()
        there = {line.split(b"\t")[0] for line in lines}
        self.assertEqual(acknowledged - there, set(), f"store {server.number} has lost acknowledged writes")


class Membership(Case):
    def test_a_store_joins_under_load_another_leaves_and_nothing_is_lost(self):
        self.begin(3, "--log-entries-max", "512")
        one, two, three = self.cluster.servers
        load = Load(self.cluster, self.cluster.endpoints())
        self.addCleanup(load.stop)
        eventually("some writes", lambda: len(load.acknowledged) > 2000)
        eventually("a log is compacted", lambda: self.cluster.first_entry(one) > 6)  # so that the new store needs a snapshot

        four = self.cluster.join("--log-entries-max", "512")
        status, text = health(four)
        self.assertEqual(status, 503)
        self.assertIn(f"tinykv region add-peer 4 {four.endpoint}", text)
        self.assertIn("members of region 1: ", self.ok(self.cluster.add(four)))
        self.assertEqual(self.cluster.roles(), voters(1, 2, 3, 4))
        self.assertEqual(health(four), (200, "ok\n"))
        seen = {p["store"]: p for p in self.cluster.show()["peers"]}
        self.assertEqual(seen[4]["address"], four.endpoint)
        self.assertEqual(seen[1]["address"], one.endpoint)
        self.ok(self.cluster.add(four))  # again: nothing to do

        self.ok(self.cluster.cli("region", "transfer", "1"))
        self.ok(self.cluster.remove(1))  # the leader
        self.assertEqual(self.cluster.roles(), voters(2, 3, 4))
        self.ok(self.cluster.remove(1))  # again
        before = len(load.acknowledged)
        eventually("writes go on", lambda: len(load.acknowledged) > before + 1000)
        acknowledged = load.stop()
        self.assertEqual(load.ended_early, 0)
        for server in (two, three, four):
            self.holds_all(acknowledged, server)

        eventually("the store that left says so", lambda: "was removed from its region" in one.words())
        self.assertEqual(health(one)[0], 503)
        local = self.cluster.cli("region", "show", "--local", endpoints=one.endpoint)
        self.assertEqual(local.stdout, b"store 1 was removed from region 1\n")
        self.assertNotEqual(self.cluster.cli("get", "load/000001/0001", endpoints=one.endpoint, timeout=1).returncode, 0)

        for server in self.cluster.servers:
            self.assertEqual(server.stop(), 0, server.words())
        for server in self.cluster.servers:
            server.start("--log-entries-max", "512")  # --peers still says 1, 2, 3
        eventually("a leader of the new members", lambda: self.leads() in (2, 3, 4))
        self.assertEqual(self.cluster.roles(), voters(2, 3, 4))
        for server in (two, three, four):
            self.holds_all(acknowledged, server)
        eventually("the store that left stays out", lambda: one.words().count("was removed from its region") == 2)
        term = self.cluster.show()["term"]
        time.sleep(3)
        self.assertEqual(self.cluster.show()["term"], term)  # and disturbs nobody
        self.ok(self.cluster.cli("put", "after", "all", endpoints=four.endpoint))
        self.ok(self.cluster.cli("region", "transfer", "4", endpoints=two.endpoint))
        self.assertEqual(self.cluster.get("after", two), b"all")

    def leads(self):
        answer = self.cluster.cli("--json", "region", "show", timeout=1)
        return json.loads(answer.stdout)["leader"] if answer.returncode == 0 else 0

    def test_a_store_that_is_killed_while_it_catches_up_goes_on_afterwards(self):
        self.begin(1, "--log-entries-max", "64", "--snapshot-rate", "1M")
        value = b"x" * 10000
        self.ok(self.cluster.cli("import", stdin=b"".join(b"load/%04d\t%s\n" % (i, value) for i in range(400))))
        four_mib_take_four_seconds = self.cluster.join()
        four = four_mib_take_four_seconds
        adding = subprocess.Popen([str(PROGRAMS / "tinykv"), "--endpoints", self.cluster.servers[0].endpoint, "region", "add-peer", "2", four.endpoint],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1.5)
        self.assertIsNone(adding.poll())
        four.kill()
        time.sleep(0.5)
        four.start()  # no longer empty: neither --init nor --join
        out, told = adding.communicate(timeout=120)
        self.assertEqual(adding.returncode, 0, told.decode())
        self.assertIn(b"store 2 is learner", told)
        self.assertIn(b"OK, members of region 1: store 1 voter, store 2 voter", out)
        self.holds_all({b"load/%04d" % i for i in range(400)}, four)

    def test_a_store_that_was_down_when_it_was_removed_learns_it_and_disturbs_nobody(self):
        leader = self.begin(3)
        gone = next(s for s in self.cluster.servers if s is not leader)
        gone.kill()
        self.ok(self.cluster.remove(gone.number))
        before = self.cluster.show()
        gone.start()
        eventually("it learns that it was removed", lambda: "was removed from its region" in gone.words())
        self.assertEqual(self.cluster.show()["term"], before["term"])
        self.ok(self.cluster.cli("put", "a", "1"))
        # It comes back as another peer, with the data of today.
        self.assertIn(f"add-peer {gone.number} {gone.endpoint}", gone.words())
        self.ok(self.cluster.add(gone))
        self.assertEqual(self.cluster.roles(), voters(1, 2, 3))
        self.assertEqual(self.cluster.get("a", gone), b"1")

    def test_a_store_that_never_answers_leaves_the_cluster_as_it_works(self):
        self.begin(1)
        answer = self.cluster.cli("region", "add-peer", "9", "127.0.0.1:1", "--wait", "2")
        self.assertEqual(answer.returncode, 4, answer.stderr.decode())
        self.assertIn(b"store 9 is learner, does not answer", answer.stderr)
        self.assertIn(b"outcome unknown", answer.stderr)
        self.assertEqual(self.cluster.roles(), {1: "voter", 9: "learner"})
        self.ok(self.cluster.cli("put", "a", "1"))  # a learner is not counted
        self.ok(self.cluster.remove(9))
        self.assertEqual(self.cluster.roles(), voters(1))

    def test_what_cannot_be_is_refused_with_an_exit_code(self):
        self.begin(1)
        two = self.cluster.join()
        codes = lambda *words: self.cluster.cli(*words, timeout=1).returncode
        self.assertEqual(codes("region", "remove-peer", "1"), 1)  # the last voter
        self.assertEqual(codes("region", "transfer", "7"), 1)
        self.assertEqual(codes("region", "add-peer", "2", two.endpoint, "--peer", "1"), 1)  # peer 1 is on store 1
        self.assertEqual(codes("region", "add-peer", "2", "nowhere"), 2)
        self.assertEqual(codes("region", "add-peer", "0", "127.0.0.1:1"), 2)
        self.assertEqual(codes("region"), 2)
        self.assertEqual(self.cluster.roles(), voters(1))
        refused = self.cluster.cli("--json", "region", "remove-peer", "1")
        self.assertEqual(json.loads(refused.stderr)["code"], "invalid_argument")
        self.ok(self.cluster.add(two, "--learner"))
        self.assertEqual(self.cluster.roles(), {1: "voter", 2: "learner"})
        done = json.loads(self.ok(self.cluster.cli("--json", "region", "add-peer", "2", two.endpoint)))
        self.assertEqual({p["store"]: p["role"] for p in done["peers"]}, voters(1, 2))
        self.assertTrue(done["ok"])
        for server in self.cluster.servers:
            server.kill()
        self.assertEqual(codes("region", "show"), 3)

    def test_the_leadership_goes_where_it_is_wanted(self):
        self.begin(3)
        for number in (1, 2, 3, 3, 1):
            self.assertEqual(self.ok(self.cluster.cli("region", "transfer", number)), f"OK, store {number} leads region 1\n")
            self.assertEqual(self.cluster.show()["leader"], number)
        text = self.ok(self.cluster.cli("region", "show"))
        self.assertIn("keys (first) to (last)", text)
        self.assertIn("leader: store 1", text)
        self.assertEqual([line.split()[0] for line in text.splitlines()[-3:]], ["1", "2", "3"])


if __name__ == "__main__":
    unittest.main()
