"""tinykv-server and tinykv as users run them. Needs TINYKV_PROGRAMS, the directory of both."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from cluster import PROGRAMS, Cluster, MuteServer, Server, eventually, free_port, run
from small_disk import SmallFiles, small_disk

NOBODY = 65534


class Case(unittest.TestCase):
    def assert_one_line(self, answer, code, *words):
        """The exit code, nothing on stdout, and one line on stderr that has these words."""
        text = answer.stderr.decode()
        self.assertEqual(answer.returncode, code, text)
        self.assertEqual(answer.stdout, b"")
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        for word in words:
            self.assertIn(word, text)


class OneServer(Case):
    def setUp(self):
        self.cluster = Cluster(1)
        self.addCleanup(self.cluster.__exit__)
        self.server = self.cluster.start("--init")
        self.cli = self.cluster.cli

    def test_put_get_del(self):
        self.assertEqual(self.cli("put", "a", "1").stdout, b"OK\n")
        self.assertEqual(self.cli("get", "a").stdout, b"1\n")
        self.assertEqual(self.cli("get", "--raw", "a").stdout, b"1")
        self.assertEqual(self.cli("del", "a").stdout, b"OK\n")
        self.assertEqual(self.cli("del", "a").returncode, 0)
        self.assert_one_line(self.cli("get", "a"), 1, "no such key")
        self.assertEqual(self.cli("--json", "get", "a").stdout, b'{"key":"a","found":false}\n')

    def test_a_value_comes_from_stdin_and_may_be_any_bytes_or_none(self):
        value = bytes(range(256))
        self.assertEqual(self.cli("put", "bytes", stdin=value).returncode, 0)
        self.assertEqual(self.cluster.get("bytes"), value)
        self.assertEqual(self.cli("put", "empty", "").returncode, 0)
        self.assertEqual(self.cli("get", "empty").stdout, b"\n")
        self.assertEqual(self.cli("put", "minus", "--", "-1").returncode, 0)
        self.assertEqual(self.cli("get", "minus").stdout, b"-1\n")

    def test_cas(self):
        self.assert_one_line(self.cli("cas", "c", "1", "--expect", "0"), 1, "no such key")
        self.assertEqual(self.cli("cas", "c", "1", "--expect-absent").returncode, 0)
        self.assert_one_line(self.cli("cas", "c", "2", "--expect-absent"), 1, "another value: 1")
        self.assertEqual(self.cli("cas", "c", "2", "--expect", "1").returncode, 0)
        self.assertEqual(self.cli("cas", "c", "--delete", "--expect", "2").returncode, 0)
        self.assertIsNone(self.cluster.get("c"))
        self.assertEqual(self.cli("cas", "c", "1").returncode, 2)

    def test_scan(self):
        for key in ("s/a", "s/b", "s/c", "t"):
            self.cli("put", key, "v" + key)
        scan = lambda *more: self.cli("scan", *more).stdout.decode().splitlines()
        self.assertEqual(scan("--prefix", "s/"), ["s/a\tvs/a", "s/b\tvs/b", "s/c\tvs/c"])
        self.assertEqual(scan("--prefix", "s/", "--order", "desc", "--limit", "2", "--keys-only"), ["s/c", "s/b"])
        self.assertEqual(scan("--from", "s/b", "--to", "t", "--keys-only"), ["s/b", "s/c"])
        self.assertEqual(self.cli("--json", "scan", "--from", "t").stdout, b'{"key":"t","value":"vt"}\n')

    def test_import_and_export_give_back_the_same_bytes(self):
        lines = sorted(b"k\\t%05d\tvalue\\n\\\\ \xff %d" % (i, i) for i in range(20000))
        text = b"\n".join(lines) + b"\n"
        answer = self.cli("import", "--in-flight", "200", "--batch", "16", stdin=text)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.cli("export").stdout, text)
        self.assertEqual(self.cluster.get("k\t00007"), b"value\n\\ \xff 7")
        self.assertEqual(self.cli("import", "/dev/null").returncode, 0)
        self.assertEqual(self.cli("import", "/no/such/file").returncode, 2)
        self.assertEqual(self.cli("import", "/").returncode, 2)  # it opens, and cannot be read
        self.assertEqual(self.cli("import", "--acknowledged", "/dev/full", stdin=b"a\t1\n").returncode, 1)
        bad = self.cli("import", stdin=b"fine\t1\nno tab here\n")
        self.assertEqual(bad.returncode, 2)
        self.assertIn(b"line 2", bad.stderr)

    def test_what_is_too_large_is_refused_in_one_line(self):
        self.assertEqual(self.cli("put", "k" * 4096, "v").returncode, 0)
        self.assert_one_line(self.cli("put", "k" * 4097, "v"), 1, "key", "4096")
        self.assertEqual(self.cli("put", "large", stdin=b"v" * (500 << 10)).returncode, 0)
        self.assertEqual(len(self.cluster.get("large")), 500 << 10)
        self.assertEqual(self.cli("cas", "large", stdin=b"w" * (500 << 10)).returncode, 2)
        self.assert_one_line(self.cli("put", "k", stdin=b"v" * ((500 << 10) + 1)), 1, "value", "512000")
        self.assert_one_line(self.cli("put", "", "v"), 1, "empty")

    def test_the_port_answers_browsers_and_prometheus(self):
        page = lambda path: urllib.request.urlopen(f"http://{self.server.endpoint}{path}", timeout=10).read().decode()
        self.assertEqual(page("/healthz"), "ok\n")
        self.assertTrue(page("/version").startswith("tinykv "))
        self.cli("put", "a", "1")
        metrics = page("/metrics")
        self.assertIn('tinykv_is_leader{group="1"} 1\n', metrics)
        self.assertIn('tinykv_request_duration_seconds_count{method="raw_put"} 1\n', metrics)
        with self.assertRaises(urllib.error.HTTPError):
            page("/nothing")

    def test_a_clean_stop_keeps_everything_and_a_start_needs_no_init(self):
        for end in (signal.SIGTERM, signal.SIGINT):
            self.cli("put", "a", str(end))
            self.assertEqual(self.server.stop(end), 0, self.server.words())
            self.server.start()
            self.cluster.leader()
            self.assertEqual(self.cluster.get("a"), str(end).encode())

    def test_port_0_is_any_free_one_and_the_ready_line_names_it(self):
        second = Server(self.cluster, 2)
        second.arguments = lambda *more: ["--data-dir", str(second.directory), "--listen", "127.0.0.1:0", *more]
        self.cluster.servers.append(second)
        second.start("--init")
        line = eventually("it is ready", lambda: re.search(r"listens on (127\.0\.0\.1:[0-9]+),", second.words()))
        self.assertNotEqual(line[1], "127.0.0.1:0")
        self.assertEqual(self.cli("put", "a", "1", endpoints=line[1]).returncode, 0)
        shown = self.cli("region", "show", endpoints=line[1]).stdout.decode()
        self.assertIn(line[1], shown)  # it is what others are told, too

    def test_two_servers_on_one_directory(self):
        second = run("tinykv-server", "--data-dir", self.server.directory, "--listen", f"127.0.0.1:{free_port()}")
        self.assert_one_line(second, 1, str(self.server.directory))
        self.assertEqual(self.cli("put", "a", "1").returncode, 0)

    def test_a_port_that_is_in_use(self):
        second = run("tinykv-server", "--data-dir", self.cluster.directory / "other", "--listen", self.server.endpoint, "--init")
        self.assert_one_line(second, 1, self.server.endpoint)

    def test_a_directory_of_another_store_or_cluster(self):
        self.server.stop()
        other_store = run("tinykv-server", "--data-dir", self.server.directory, "--listen", self.server.endpoint, "--store-id", "7")
        self.assert_one_line(other_store, 1, "store 1", "store 7")
        other_cluster = run("tinykv-server", *self.server.arguments("--cluster-id", "9"))
        self.assert_one_line(other_cluster, 1, "cluster 1", "cluster 9")


class CommandLine(Case):
    def test_usage(self):
        for program in ("tinykv", "tinykv-server"):
            helped = run(program, "--help")
            self.assertEqual(helped.returncode, 0)
            self.assertIn(b"--", helped.stdout)
            self.assertTrue(run(program, "--version").stdout.startswith(program.encode() + b" "))
        self.assert_one_line(run("tinykv-server", "--no-such-flag"), 2, "--no-such-flag")
        self.assert_one_line(run("tinykv", "get", "a", "--no-such-flag"), 2, "--no-such-flag")
        self.assert_one_line(run("tinykv"), 2, "subcommand")
        self.assertEqual(run("tinykv", "nonsense").returncode, 2)
        self.assert_one_line(run("tinykv-server"), 2, "--data-dir")

    def test_peers_that_make_no_sense(self):
        for peers, word in (("1=", "--peers"), ("x=h:1", "--peers"), ("2=h:1", "does not name this store"), ("1=h:1,1=h:2", "twice")):
            self.assert_one_line(run("tinykv-server", "--data-dir", "/nowhere", "--peers", peers), 2, word)

    def test_flags_come_from_the_environment_and_from_a_file_too(self):
        with Cluster(1) as cluster:
            file = cluster.directory / "server.conf"
            file.write_text('data-dir = "from-file"\nlisten = "127.0.0.1:1"\n')
            environment = {"TINYKV_DATA_DIR": "from-environment", "TINYKV_CLUSTER_ID": "5"}
            printed = run("tinykv-server", "--config", file, "--listen", "127.0.0.1:3", "--print-config", environment=environment)
            self.assertIn(b'listen="127.0.0.1:3"', printed.stdout)  # the command line over the file
            self.assertIn(b'data-dir="from-file"', printed.stdout)  # the file over the environment
            self.assertIn(b"cluster-id=5", printed.stdout)
            printed = run("tinykv-server", "--print-config", environment=environment)
            self.assertIn(b'data-dir="from-environment"', printed.stdout)

    def test_an_empty_directory_is_not_taken_for_a_new_cluster(self):
        with Cluster(1) as cluster:
            self.assert_one_line(run("tinykv-server", *cluster.servers[0].arguments()), 1, "--init", "--join")

    def test_a_directory_that_may_not_be_written(self):
        somebody_else = NOBODY if os.geteuid() == 0 else None  # to root no directory is closed
        with Cluster(1) as cluster:
            cluster.directory.chmod(0o555)
            answer = run("tinykv-server", *cluster.servers[0].arguments("--init"), user=somebody_else)
            self.assert_one_line(answer, 1, str(cluster.servers[0].directory))
            cluster.directory.chmod(0o755)
            cluster.servers[0].directory.mkdir(mode=0o555)
            answer = run("tinykv-server", *cluster.servers[0].arguments("--init"), user=somebody_else)
            self.assert_one_line(answer, 1, str(cluster.servers[0].directory))
            cluster.servers[0].directory.chmod(0o755)

    def test_a_full_disk_ends_the_server_with_a_reason_and_loses_nothing_acknowledged(self):
        self.fills(small_disk, 14)

    def test_a_file_that_may_not_grow_ends_the_server_with_a_reason_and_loses_nothing_acknowledged(self):
        self.fills(SmallFiles, 7)

    def fills(self, place, mib):
        with Cluster(1) as cluster:
            disk = place(cluster.directory / "disk", mib)
            self.addCleanup(disk.close)
            server = cluster.servers[0]
            server.directory = disk.directory / "store"
            server.launcher = disk.launcher
            cluster.start("--init")
            written = 0
            while cluster.cli("put", f"k{written}", stdin=b"v" * 400000, timeout=3).returncode == 0:
                written += 1
                self.assertLess(written, 100)
            self.assertGreater(written, 0)
            self.assertEqual(server.process.wait(20), 1)
            self.assertIn("free some space", server.words())
            disk.grow(64)
            server.launcher = disk.launcher
            server.start()
            cluster.leader()
            for i in range(written):
                self.assertEqual(len(cluster.get(f"k{i}")), 400000)
            server.kill()

    def test_nobody_to_talk_to(self):
        answer = run("tinykv", "--endpoints", f"127.0.0.1:{free_port()}", "--timeout", "0.5", "put", "a", "1")
        self.assert_one_line(answer, 3, "--endpoints")

    def test_somebody_else_to_talk_to(self):
        """Whoever takes connections and says nothing was sent nothing: exit code 3, and no doubt."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            answer = run("tinykv", "--endpoints", "127.0.0.1:%d" % listener.getsockname()[1], "--timeout", "1", "put", "a", "1")
            self.assert_one_line(answer, 3, "no answer")

    def test_a_write_whose_answer_never_comes_may_have_been_done(self):
        """A server that lets the client in and then takes its request without a word: exit code 4, and a read's is 3."""
        with MuteServer() as mute:
            for verb, code in ((("put", "a", "1"), 4), (("del", "a"), 4), (("cas", "a", "1", "--expect-absent"), 4), (("get", "a"), 3)):
                answer = run("tinykv", "--endpoints", mute.endpoint, "--timeout", "1", *verb)
                self.assert_one_line(answer, code)


class ThreeServers(Case):
    def setUp(self):
        self.cluster = Cluster(3)
        self.addCleanup(self.cluster.__exit__)
        self.leader = self.cluster.start("--init")

    def others(self, than):
        return [s for s in self.cluster.servers if s is not than]

    def test_each_server_answers_and_a_follower_sends_writes_to_the_leader(self):
        for server in self.cluster.servers:
            value = f"by {server.number}"
            self.assertEqual(self.cluster.cli("put", "a", value, endpoints=server.endpoint).returncode, 0)
            for reader in self.cluster.servers:  # each at once: reads are linearizable on every server
                self.assertEqual(self.cluster.get("a", reader), value.encode())
        status = self.cluster.cli("status").stdout.decode()
        self.assertEqual(status.count("follower"), 2, status)

    def test_kill_9_of_the_leader_under_load_loses_no_acknowledged_write(self):
        acknowledged = self.cluster.directory / "acknowledged"
        lines = b"".join(b"load/%06d\tv%d\n" % (i, i) for i in range(20000))
        answer = []
        load = threading.Thread(target=lambda: answer.append(
            self.cluster.cli("import", "--batch", "1", "--in-flight", "1000", "--repeat-unknown", "--acknowledged", acknowledged,
                             stdin=lines, timeout=60)))
        load.start()
        seen = lambda: acknowledged.read_bytes().count(b"\n") if acknowledged.exists() else 0
        eventually("2000 acknowledged writes", lambda: seen() >= 2000)
        self.leader.kill()
        self.assertLess(seen(), 19000)
        load.join()
        self.assertEqual(answer[0].returncode, 0, answer[0].stderr)
        self.assertEqual(seen(), 20000)
        second = self.cluster.leader()
        self.assertIsNot(second, self.leader)
        self.leader.start()
        self.cluster.leader()
        for server in self.cluster.servers:
            exported = self.cluster.cli("export", "--prefix", "load/", endpoints=server.endpoint)
            self.assertEqual(exported.stdout, lines, f"server {server.number}: {exported.stderr}")

    def test_all_servers_killed_at_once_lose_no_acknowledged_write(self):
        for i in range(20):
            self.assertEqual(self.cluster.cli("put", f"k{i}", str(i)).returncode, 0)
        for server in self.cluster.servers:
            server.kill()
        self.cluster.start()
        for i in range(20):
            self.assertEqual(self.cluster.get(f"k{i}"), str(i).encode())

    def test_without_a_majority_nothing_is_acknowledged_or_read(self):
        for server in self.others(self.leader):
            server.kill()
        answer = self.cluster.cli("put", "a", "1", endpoints=self.leader.endpoint, timeout=3)
        self.assertIn(answer.returncode, (3, 4), answer.stderr)
        self.assertEqual(len(answer.stderr.splitlines()), 1)
        self.assertEqual(self.cluster.cli("get", "a", endpoints=self.leader.endpoint, timeout=3).returncode, 3)

    def ends_at_once(self, second, code):
        for server in self.others(self.leader):
            server.kill()
        put = threading.Thread(target=lambda: self.cluster.cli("put", "a", "1", endpoints=self.leader.endpoint, timeout=5))
        put.start()  # without a majority it stays under way, and a stop waits a second for it
        self.addCleanup(put.join)
        time.sleep(0.3)
        self.leader.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertIsNone(self.leader.process.poll(), self.leader.words())
        self.leader.process.send_signal(second)
        self.assertEqual(self.leader.process.wait(5), code, self.leader.words())
        self.assertIn("a second signal: ended at once", self.leader.words())

    def test_a_second_sigterm_ends_a_server_at_once_that_waits_for_what_is_under_way(self):
        self.ends_at_once(signal.SIGTERM, 143)

    def test_an_interrupt_behind_a_sigterm_does_so_too(self):
        self.ends_at_once(signal.SIGINT, 130)

    def test_a_wiped_directory_is_refused_by_the_others(self):
        victim = self.others(self.leader)[0]
        victim.kill()
        shutil.rmtree(victim.directory)
        victim.directory.mkdir()
        self.assert_one_line(run("tinykv-server", *victim.arguments()), 1, "--init", "--join")
        victim.start("--init")
        eventually("the refusal is told", lambda: "refuses this one" in victim.words())
        status = self.cluster.cli("status", endpoints=victim.endpoint)
        self.assertIn(b"refused by store", status.stdout)
        doctor = self.cluster.cli("doctor", endpoints=victim.endpoint)
        self.assertEqual(doctor.returncode, 1)
        self.assertRegex(doctor.stdout.decode(), r"fail +port +\S+ is refused by store [0-9]+: .*; start it with")
        self.assertEqual(self.cluster.cli("put", "a", "1", endpoints=self.leader.endpoint).returncode, 0)

    def test_a_server_of_another_cluster_is_refused(self):
        stranger = self.others(self.leader)[0]
        stranger.kill()
        stranger.directory = self.cluster.directory / "stranger"
        stranger.start("--init", "--cluster-id", "2")
        eventually("the refusal is told", lambda: "refuses this one" in stranger.words())
        self.assertIn("cluster", stranger.words())
        self.assertEqual(self.cluster.cli("put", "a", "1", endpoints=self.leader.endpoint).returncode, 0)

    def test_a_follower_that_was_stopped_catches_up(self):
        late = self.others(self.leader)[0]
        self.assertEqual(late.stop(), 0)
        for i in range(50):
            self.cluster.cli("put", "late", str(i), endpoints=self.leader.endpoint)
        late.start()
        eventually("it answers", lambda: self.cluster.get("late", late) == b"49")

    def test_a_frozen_leader_is_replaced_and_serves_nothing_stale_when_it_thaws(self):
        old = self.leader
        self.cluster.cli("put", "a", "before")
        old.process.send_signal(signal.SIGSTOP)
        rest = ",".join(s.endpoint for s in self.others(old))
        eventually("the others go on", lambda: self.cluster.cli("put", "a", "after", endpoints=rest, timeout=5).returncode == 0)
        old.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.cluster.get("a", old), b"after")


class InMemory(Case):
    def test_memory_servers_serve_and_one_that_was_stopped_does_not_come_back_under_its_id(self):
        with Cluster(3) as cluster:
            leader = cluster.start("--init", "--storage", "memory")
            self.assertEqual(cluster.cli("put", "a", "1").returncode, 0)
            victim = next(s for s in cluster.servers if s is not leader)
            victim.kill()
            self.assertEqual(cluster.cli("put", "a", "2", endpoints=leader.endpoint).returncode, 0)
            victim.start("--init", "--storage", "memory")
            eventually("the refusal is told", lambda: "refuses this one" in victim.words())
            self.assertEqual(cluster.get("a", leader), b"2")


def processes_of_session(session):
    """The command lines of all living processes of a session (proc(5): fields 3 and 6 of stat)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of_session) == session and state != "Z":
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            pass  # ended meanwhile
    return found


class Playground(Case):
    def test_an_interrupt_at_any_moment_leaves_no_process(self):
        script = Path(__file__).resolve().parents[2] / "scripts" / "playground"
        for moment in (b"servers run", b"killing the leader", b"Ctrl-C ends everything"):
            play = subprocess.Popen([str(script), "--port-offset", str(random.randrange(2000, 9000))],
                                    env={**os.environ, "TINYKV_PROGRAMS": str(PROGRAMS)}, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, start_new_session=True)
            self.addCleanup(play.stdout.close)
            for line in play.stdout:
                if moment in line:
                    break
            os.killpg(play.pid, signal.SIGINT)
            self.assertEqual(play.wait(60), 130)
            self.assertEqual(processes_of_session(play.pid), [], moment)


if __name__ == "__main__":
    unittest.main()
