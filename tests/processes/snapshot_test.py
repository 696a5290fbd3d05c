"""Snapshots between real servers that are killed, frozen and set back. Needs TINYKV_PROGRAMS, the directory of both programs."""

import json
import random
import shutil
import signal
import time
import unittest

from cluster import Cluster, eventually
from membership_test import Load

# A log of at most 64 applied entries, so that whoever misses some hundred needs a snapshot.
SHORT_LOG = ("--log-entries-max", "64")
VALUE_BYTES = 16384


class Case(unittest.TestCase):
    def begin(self, *flags):
        self.flags = (*SHORT_LOG, *flags)
        self.cluster = Cluster(3)
        self.addCleanup(self.cluster.__exit__)
        self.written = 0
        return self.cluster.start("--init", *self.flags)

    def others(self, than):
        return [s for s in self.cluster.servers if s is not than]

    def group(self, server):
        """The status of the group on a server; nothing when it does not answer."""
        answer = self.cluster.cli("--json", "status", endpoints=server.endpoint, timeout=2)
        groups = json.loads(answer.stdout).get("groups", []) if answer.returncode == 0 else []
        return groups[0] if groups else None

    def write(self, count, *servers):
        """`count` records that differ from all before, through these servers."""
        keys = range(self.written, self.written + count)
        lines = b"".join(b"snapshot/%06d\t%s\n" % (i, b"%06d" % i * (VALUE_BYTES // 6)) for i in keys)
        endpoints = ",".join(s.endpoint for s in servers or self.cluster.servers)
        answer = self.cluster.cli("import", "--batch", "1", "--repeat-unknown", stdin=lines, endpoints=endpoints, timeout=60)
        self.assertEqual(answer.returncode, 0, answer.stderr.decode())
        self.written += count

    def fall_behind(self, late, count=300):
        """Writes until the logs of the others begin behind everything that `late` has; gives the last entry that it has."""
        had = self.group(late)["last"]
        late.kill()
        rest = self.others(late)
        self.write(count, *rest)
        eventually("the others compact", lambda: all((self.group(s) or {"first": 0})["first"] > had + 1 for s in rest))
        return had

    def arrives(self, late, had):
        """Waits until a snapshot has brought `late` to where the others are."""
        end = self.group(self.cluster.leader())["commit"]

        def is_there():
            seen = self.group(late)
            return seen and seen["first"] > had + 1 and seen["applied"] >= end

        eventually(f"store {late.number} has installed a snapshot", is_there)

    def all_hold_everything(self):
        for server in self.cluster.servers:
            lines = self.cluster.cli("export", "--prefix", "snapshot/", endpoints=server.endpoint, timeout=60).stdout.splitlines()
            self.assertEqual(len(lines), self.written, f"server {server.number}: {server.words()}")
            for i, line in enumerate(lines):
                key, value = line.split(b"\t")
                self.assertEqual(key, b"snapshot/%06d" % i)
                self.assertEqual(value, b"%06d" % i * (VALUE_BYTES // 6), f"server {server.number}, {key}")

    def nobody_gave_up(self):
        for server in self.cluster.servers:
            self.assertIsNone(server.process.poll(), server.words())
            self.assertNotIn("tinykv-server:", server.words())

    @staticmethod
    def spool(server, slot):
        """Bytes in a spool file of the one region; 0 when there is none."""
        try:
            return (server.directory / "snapshots" / f"1.{slot}").stat().st_size
        except FileNotFoundError:
            return 0


class FarBehind(Case):
    def test_a_follower_that_was_killed_gets_a_snapshot_and_goes_on_by_the_log(self):
        leader = self.begin()
        late = self.others(leader)[0]
        self.write(50)
        had = self.fall_behind(late)
        late.start(*self.flags)
        self.arrives(late, had)
        self.all_hold_everything()
        first = self.group(late)["first"]
        self.write(20)
        self.all_hold_everything()
        self.assertLess(self.group(late)["first"], first + 100)
        late.kill()
        late.start(*self.flags)  # what was installed survives
        self.cluster.leader()
        self.all_hold_everything()
        for server in self.cluster.servers:
            eventually("no spool file is left", lambda s=server: self.spool(s, "incoming") == self.spool(s, "outgoing") == 0)
        self.nobody_gave_up()

    def test_a_follower_that_was_frozen_gets_a_snapshot(self):
        leader = self.begin()
        late = self.others(leader)[0]
        self.write(50)
        had = self.group(late)["last"]
        term = self.group(leader)["term"]
        late.process.send_signal(signal.SIGSTOP)
        self.write(300, *self.others(late))
        eventually("the others compact", lambda: all(self.group(s)["first"] > had + 1 for s in self.others(late)))
        late.process.send_signal(signal.SIGCONT)
        self.arrives(late, had)
        self.all_hold_everything()
        self.assertEqual(self.group(leader)["term"], term)
        self.nobody_gave_up()


class Killed(Case):
    """The end of a process at any moment of a transfer and of an installation."""

    def setUp(self):
        seed = random.randrange(1 << 32)
        self.random = random.Random(seed)
        print(f"seed {seed}", flush=True)

    def whole(self, late):
        """All bytes have arrived: what follows is verification and installation."""
        size = max(self.spool(s, "outgoing") for s in self.others(late))
        return 0 < size <= self.spool(late, "incoming")

    def test_the_receiver_is_killed_again_and_again(self):
        leader = self.begin("--snapshot-rate", "8M")
        late = self.others(leader)[0]
        self.write(400)
        load = Load(self.cluster, self.cluster.endpoints())  # the log goes on while the snapshot is under way
        self.addCleanup(load.stop)
        in_transfer = in_installation = 0
        for _ in range(3):
            had = self.fall_behind(late, 100)
            for moment in ("transfer", "installation", "any"):
                late.start(*self.flags)
                if moment == "any":
                    time.sleep(self.random.uniform(0, 3))
                else:
                    reached = lambda: self.spool(late, "incoming") > 0 if moment == "transfer" else self.whole(late)
                    self.soon(reached)
                    time.sleep(self.random.uniform(0, 0.5 if moment == "transfer" else 0.15))
                whole, some = self.whole(late), self.spool(late, "incoming")
                late.kill()
                in_installation += whole
                in_transfer += some > 0 and not whole
            late.start(*self.flags)
            self.arrives(late, had)
        self.assertGreater(in_transfer, 0)
        self.assertGreater(in_installation, 0)
        acknowledged = load.stop()
        self.assertGreater(len(acknowledged), 1000)
        self.all_hold_everything()
        for server in self.cluster.servers:
            lines = self.cluster.cli("export", "--prefix", "load/", endpoints=server.endpoint, timeout=60).stdout.splitlines()
            self.assertEqual(acknowledged - {line.split(b"\t")[0] for line in lines}, set(), f"lost by server {server.number}")
        self.nobody_gave_up()

    def soon(self, condition, patience=20):
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            time.sleep(0.002)

    def test_the_sender_is_killed_again_and_again(self):
        leader = self.begin("--snapshot-rate", "2M")
        late = self.others(leader)[0]
        self.write(400)
        in_transfer = 0
        for _ in range(3):
            had = self.fall_behind(late, 100)
            late.start(*self.flags)
            sender = next((s for s in self.others(late) if s is self.cluster.leader()), self.others(late)[0])
            self.soon(lambda: self.spool(late, "incoming") > 0)
            time.sleep(self.random.uniform(0, 2))
            in_transfer += self.spool(late, "incoming") > 0
            sender.kill()
            time.sleep(self.random.uniform(0, 3))
            sender.start(*self.flags)
            self.arrives(late, had)
        self.assertGreater(in_transfer, 0)
        self.write(20)
        self.all_hold_everything()
        self.nobody_gave_up()

    def test_all_are_killed_in_the_middle_of_a_transfer(self):
        leader = self.begin("--snapshot-rate", "2M")
        late = self.others(leader)[0]
        self.write(300)
        had = self.fall_behind(late, 100)
        late.start(*self.flags)
        self.soon(lambda: self.spool(late, "incoming") > 0)
        self.assertGreater(self.spool(late, "incoming"), 0)
        for server in self.cluster.servers:
            server.kill()
        for server in self.cluster.servers:
            server.start(*self.flags)
        self.arrives(late, had)
        self.all_hold_everything()
        self.nobody_gave_up()


class Frozen(Case):
    def test_a_store_that_was_frozen_does_not_depose_a_healthy_leader(self):
        """F-P4: a healthy leader goes on in its term, whoever sleeps for longer than an election takes."""
        leader = self.begin()
        self.write(10)
        before = self.group(leader)
        for _ in range(2):
            for sleeper in self.others(leader):
                sleeper.process.send_signal(signal.SIGSTOP)
                time.sleep(3)
                self.write(5, leader)
                sleeper.process.send_signal(signal.SIGCONT)
                time.sleep(0.5)
                after = self.group(leader)
                self.assertEqual((after["leader"], after["term"]), (before["leader"], before["term"]))
        leader.process.send_signal(signal.SIGSTOP)
        time.sleep(0.4)  # less than anybody waits for it
        leader.process.send_signal(signal.SIGCONT)
        time.sleep(1)
        after = self.group(leader)
        self.assertEqual((after["leader"], after["term"]), (before["leader"], before["term"]))
        self.all_hold_everything()
        self.nobody_gave_up()


class SetBack(Case):
    """A directory that has forgotten what its store has promised (SAFETY.md 6)."""

    def refused(self, victim, *words):
        eventually("the refusal is told", lambda: "refuses this one" in victim.words())
        for word in words:
            self.assertIn(word, victim.words())
        rest = self.others(victim)
        before = self.group(rest[0])["term"]
        self.write(5, *rest)  # the others go on without it
        time.sleep(2)
        self.assertEqual(self.group(rest[0])["term"], before)
        status = self.cluster.cli("status", endpoints=victim.endpoint)
        self.assertIn(b"refused by store", status.stdout)

    def restored(self, starts_since_the_copy):
        leader = self.begin()
        victim = self.others(leader)[0]
        self.write(5)
        self.assertEqual(victim.stop(), 0, victim.words())
        copy = self.cluster.directory / "copy"
        shutil.copytree(victim.directory, copy)
        for _ in range(starts_since_the_copy):
            victim.start(*self.flags)
            self.write(5)
            eventually("it has caught up", lambda: (self.group(victim) or {"applied": 0})["applied"] >= self.group(leader)["commit"])
            victim.kill()
        shutil.rmtree(victim.directory)
        copy.rename(victim.directory)
        victim.start(*self.flags)
        return victim

    def test_a_copy_from_before_the_last_start_is_refused(self):
        self.refused(self.restored(1), "runs twice, or from a copy of its data directory", "new store id")

    def test_a_copy_from_before_earlier_starts_is_refused(self):
        self.refused(self.restored(2), "older copy of its data directory", "new store id")

    def test_an_emptied_directory_is_refused(self):
        leader = self.begin()
        self.write(5)
        victim = self.others(leader)[0]
        victim.kill()
        shutil.rmtree(victim.directory)
        victim.start("--init", *self.flags)
        self.refused(victim, "another data directory", "new store id")


if __name__ == "__main__":
    unittest.main()
