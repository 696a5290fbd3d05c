"""The command line `tinykv`, as people and scripts use it. Needs TINYKV_PROGRAMS, the directory of the programs."""

import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from cluster import PROGRAMS, Cluster, MuteServer, eventually, free_port, run
from terminal import Terminal

TINYKV = str(PROGRAMS / "tinykv")
EVERY_BYTE = bytes(range(256))
VERBS = {"put", "del", "cas", "get", "scan", "status", "import", "export", "doctor", "shell", "completion"}


def listed_verbs():
    """Those that --help lists: at least the ones of this file."""
    return set(re.findall(r"^  ([a-z]+) {2,}", run("tinykv", "--help").stdout.decode().split("Subcommands:")[1].split("Exit codes")[0], re.MULTILINE))


class Case(unittest.TestCase):
    def assert_one_line(self, answer, code, *words):
        """The exit code, nothing on stdout, and one line on stderr that has these words."""
        text = answer.stderr.decode()
        self.assertEqual(answer.returncode, code, text)
        self.assertEqual(answer.stdout, b"")
        self.assertEqual(len(text.splitlines()), 1, text)
        for word in words:
            self.assertIn(word, text)

    def assert_json_error(self, answer, exit_code, outcome, code):
        """One JSON object on stderr that says so, and nothing on stdout."""
        self.assertEqual(answer.returncode, exit_code, answer.stderr)
        self.assertEqual(answer.stdout, b"")
        error = json.loads(answer.stderr)
        self.assertEqual((error["ok"], error["exit"], error["outcome"], error["code"]), (False, exit_code, outcome, code))
        self.assertIsInstance(error["hint"], int)
        self.assertTrue(error["detail"])
        return error


class WithServer(Case):
    """One server for all tests of a class; each test begins with no keys."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(1)
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.server = cls.cluster.start("--init")
        cls.directory = cls.cluster.directory
        cls.environment = {"TINYKV_ENDPOINTS": cls.server.endpoint}

    def setUp(self):
        keys = self.cli("--hex", "scan", "--limit", "0", "--keys-only").stdout.decode().split()
        if len(keys) > 100:  # a new server is quicker
            self.server.kill()
            shutil.rmtree(self.server.directory)
            self.cluster.start("--init")
        elif keys:
            self.done("--hex", "shell", stdin="".join(f"del {key}\n" for key in keys).encode())

    def cli(self, *arguments, **more):
        return self.cluster.cli(*arguments, **more)

    def done(self, *arguments, **more):
        answer = self.cli(*arguments, **more)
        self.assertEqual((answer.returncode, answer.stderr), (0, b""), arguments)
        return answer.stdout

    def with_streams(self, *arguments, **streams):
        return subprocess.run([TINYKV, "--endpoints", self.server.endpoint, *arguments], check=False, timeout=60, **streams)


class Values(WithServer):
    def test_a_value_comes_from_stdin_for_a_dash_and_when_absent(self):
        self.done("put", "k", "-", stdin=EVERY_BYTE)
        self.assertEqual(self.done("get", "--raw", "k"), EVERY_BYTE)
        self.done("put", "k", stdin=b"by absence")
        self.assertEqual(self.done("get", "--raw", "k"), b"by absence")
        self.done("put", "k", "-", stdin=b"")
        self.assertEqual(self.done("get", "--raw", "k"), b"")
        self.done("cas", "k", "-", "--expect", "", stdin=b"swapped")
        self.assertEqual(self.done("get", "--raw", "k"), b"swapped")

    def test_a_stdin_that_cannot_be_read_writes_nothing(self):
        self.done("put", "k", "old")
        with_directory = os.open("/", os.O_RDONLY)  # it opens; reading it is an error
        self.addCleanup(os.close, with_directory)
        for verb in (("put", "k"), ("put", "k", "-"), ("cas", "k", "--expect", "old")):
            answer = self.with_streams(*verb, stdin=with_directory, capture_output=True)
            self.assert_one_line(answer, 2, "cannot read stdin", "nothing was written")
            closed = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", TINYKV, "--endpoints", self.server.endpoint, *verb],
                                    capture_output=True, check=False, timeout=60)
            self.assert_one_line(closed, 2, "cannot read stdin")
        self.assertEqual(self.done("get", "k"), b"old\n")

    def test_an_endless_stdin_is_refused(self):
        command = ["sh", "-c", 'ulimit -v 500000; exec "$@" </dev/zero', "sh", TINYKV, "--endpoints", self.server.endpoint, "put", "k"]
        self.assert_one_line(subprocess.run(command, capture_output=True, check=False, timeout=60), 2, "16 MiB")

    def test_a_missing_value_on_a_terminal_is_an_error_and_not_a_program_that_waits(self):
        with Terminal("tinykv", "put", "k", environment=self.environment) as terminal:
            self.assertIn("the value is missing", terminal.rest())
            self.assertEqual(terminal.end(), 2)

    def test_hex_goes_in_and_comes_out(self):
        self.done("--hex", "put", "00ff", "cafe")
        self.assertEqual(self.done("get", "--hex", "00FF"), b"cafe\n")
        self.assertEqual(self.done("--hex", "scan", "--prefix", "00"), b"00ff\tcafe\n")
        self.assertEqual(self.done("--hex", "--json", "get", "00ff"), b'{"key_hex":"00ff","found":true,"value_hex":"cafe"}\n')
        self.done("--hex", "put", "00ff", "-", stdin=b"beef\n")
        self.assertEqual(self.done("--hex", "get", "--raw", "00ff"), b"beef")
        self.assert_one_line(self.cli("--hex", "cas", "00ff", "01", "--expect", "cafe"), 1, "another value: beef")
        self.done("--hex", "cas", "00ff", "01", "--expect", "beef")
        self.done("--hex", "del", "00ff")
        self.assert_one_line(self.cli("--hex", "get", "00ff"), 1, "no such key")
        for wrong in (("put", "0", "00"), ("put", "00", "xx"), ("get", "0g"), ("scan", "--from", "q")):
            self.assert_one_line(self.cli("--hex", *wrong), 2, "not hexadecimal")
        self.assert_one_line(self.cli("--hex", "put", "00", stdin=b"xx"), 2, "not hexadecimal")

    def test_a_flag_before_a_key_does_not_take_the_key_for_its_own(self):
        self.done("put", "k", "v")
        self.assertEqual(run("tinykv", "get", "--endpoints", self.server.endpoint, "k").stdout, b"v\n")
        self.done("put", "--", "-k", "-v")
        self.assertEqual(self.done("get", "--", "-k"), b"-v\n")


class Scans(WithServer):
    def keys(self, *arguments):
        return self.done("scan", "--keys-only", *arguments).decode().split()

    def test_prefix_bounds_order_and_limit(self):
        for key in ("a/1", "a/2", "a/3", "b"):
            self.done("put", key, "v" + key)
        self.assertEqual(self.keys("--prefix", "a/"), ["a/1", "a/2", "a/3"])
        self.assertEqual(self.keys("--prefix", "a/", "--order", "desc", "--limit", "2"), ["a/3", "a/2"])
        self.assertEqual(self.keys("--from", "a/2", "--to", "b"), ["a/2", "a/3"])
        self.assertEqual(self.keys("--from", "a/2", "--to", "b", "--order", "desc"), ["a/3", "a/2"])
        self.assertEqual(self.done("--json", "scan", "--prefix", "b"), b'{"key":"b","value":"vb"}\n')
        self.assertEqual(self.done("--json", "scan", "--prefix", "b", "--keys-only"), b'{"key":"b"}\n')
        self.assert_one_line(self.cli("scan", "--order", "sideways"), 2, "--order", "asc")

    def test_a_scan_that_nobody_limited_says_that_there_is_more(self):
        self.cli("import", stdin=b"".join(b"%05d\tv\n" % i for i in range(5001)))
        answer = self.cli("scan", "--keys-only")
        self.assertEqual(answer.stdout.split()[-1], b"00099")
        self.assertIn(b"--limit 0", answer.stderr)
        self.assertEqual(len(self.keys("--limit", "0")), 5001)  # more than one page
        self.assertEqual(self.keys("--limit", "0", "--order", "desc")[-1], "00000")
        self.assertEqual(len(self.keys("--limit", "4097")), 4097)  # asked for: no word on stderr (`done`)
        self.assertEqual(len(self.keys("--from", "04901")), 100)  # exactly as many as are shown: there are no more

    def test_no_value_tells_a_terminal_what_to_do(self):
        self.done("put", "k", "\x1b]0;title\x07\x7f")
        self.assertEqual(self.done("scan"), b"k\t\\x1b]0;title\\x07\\x7f\n")


class Settings(WithServer):
    def test_every_global_flag_has_a_variable_that_help_shows(self):
        text = run("tinykv", "--help").stdout.decode()
        flags = set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)) - {"--version"}
        self.assertEqual(flags, {"--endpoints", "--cluster-id", "--timeout", "--json", "--hex"})
        for flag in flags:
            self.assertIn(f"(Env:TINYKV_{flag[2:].upper().replace('-', '_')})", text)

    def test_variables_count_and_flags_count_more(self):
        here = self.environment
        get = lambda *arguments, **more: run("tinykv", *arguments, environment={**here, **more})
        self.done("put", "k", "v")
        self.assertEqual(get("get", "k").stdout, b"v\n")
        self.assertEqual(get("get", "k", TINYKV_JSON="1").stdout, b'{"key":"k","found":true,"value":"v"}\n')
        self.assertEqual(get("get", "6b", TINYKV_HEX="1").stdout, b"76\n")
        self.assert_one_line(get("get", "k", TINYKV_CLUSTER_ID="9"), 1, "cluster 1", "9", "--cluster-id")
        self.assertEqual(get("--cluster-id", "1", "get", "k", TINYKV_CLUSTER_ID="9").stdout, b"v\n")
        nobody = f"127.0.0.1:{free_port()}"
        begin = time.monotonic()
        self.assert_one_line(get("get", "k", TINYKV_ENDPOINTS=nobody, TINYKV_TIMEOUT="0.3"), 3, "no answer")
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual(get("--endpoints", self.server.endpoint, "get", "k", TINYKV_ENDPOINTS=nobody).stdout, b"v\n")
        self.assert_json_error(get("nonsense", TINYKV_JSON="1"), 2, "rejected", "invalid_argument")

    def test_endpoints_that_make_no_sense(self):
        for endpoints in (",", "host", ":1", "host:"):
            self.assert_one_line(run("tinykv", "--endpoints", endpoints, "get", "k"), 2, "--endpoints", "127.0.0.1:20160")


class Errors(WithServer):
    def test_errors_are_one_json_object_with_outcome_code_and_hint(self):
        json_cli = lambda *arguments, **more: self.cli("--json", *arguments, **more)
        self.assert_json_error(json_cli("get"), 2, "rejected", "invalid_argument")
        self.assert_json_error(json_cli("put", "k", "--no-such-flag"), 2, "rejected", "invalid_argument")
        self.assertEqual(self.assert_json_error(json_cli("put", "k" * 4097, "v"), 1, "rejected", "too_large")["hint"], 4096)
        self.assert_json_error(json_cli("import", "/no/such/file"), 2, "rejected", "invalid_argument")
        self.assert_json_error(json_cli("export", "/no/such/directory/file"), 2, "rejected", "invalid_argument")
        self.assert_json_error(json_cli("import", stdin=b"no tab\n"), 2, "rejected", "invalid_argument")
        nobody = f"127.0.0.1:{free_port()}"
        for verb in (("get", "k"), ("put", "k", "v"), ("scan",), ("export",), ("import", "-")):
            error = self.assert_json_error(json_cli(*verb, endpoints=nobody, timeout=0.3, stdin=b"a\t1\n"), 3, "rejected", "unreachable")
            self.assertIn("--endpoints", error["next"])

    def test_results_are_json_too(self):
        for arguments, output in ((("put", "k", "v"), {"ok": True}), (("get", "k"), {"key": "k", "found": True, "value": "v"}),
                                  (("cas", "k", "w", "--expect", "v"), {"ok": True}), (("scan",), {"key": "k", "value": "w"}),
                                  (("export",), {"key": "k", "value": "w"}), (("del", "k"), {"ok": True})):
            answer = self.cli("--json", *arguments)
            self.assertEqual((answer.returncode, json.loads(answer.stdout)), (0, output), arguments)
        for arguments, output in ((("get", "k"), {"key": "k", "found": False}), (("cas", "k", "v", "--expect", "x"), {"ok": False})):
            answer = self.cli("--json", *arguments)
            self.assertEqual((answer.returncode, json.loads(answer.stdout)), (1, output), arguments)
        self.done("put", "k", "w")
        self.assertEqual(json.loads(self.cli("--json", "cas", "k", "v", "--expect", "x").stdout), {"ok": False, "current": "w"})
        self.assertEqual(json.loads(self.done("--json", "import", stdin=b"a\t1\nb\t2\n")), {"ok": True, "records": 2, "skipped": 0})
        self.assertEqual(json.loads(self.cli("--json", "export").stderr), {"ok": True, "records": 3})
        self.assertEqual(json.loads(self.done("--json", "export", self.directory / "x")), {"ok": True, "records": 3})
        self.assertEqual(json.loads(self.done("--json", "completion", "bash"))["shell"], "bash")

    def test_an_unknown_outcome_is_told_as_such_with_what_to_do(self):
        with MuteServer() as mute:
            for verb in (("put", "a", "1"), ("del", "a"), ("cas", "a", "1", "--expect-absent"), ("import", "-")):
                ask = lambda *flags: self.cli(*flags, *verb, endpoints=mute.endpoint, timeout=0.5, stdin=b"a\t1\n")
                self.assert_one_line(ask(), 4, "outcome unknown", "may have been done", "repeat")
                error = self.assert_json_error(ask("--json"), 4, "unknown", "deadline")
                self.assertIn("repeat", error["next"])
            for verb in (("get", "a"), ("scan",), ("export",)):  # these change nothing
                self.assert_one_line(self.cli(*verb, endpoints=mute.endpoint, timeout=0.5), 3, "no answer")


class Output(WithServer):
    ALL = (("put", "k", "v"), ("get", "k"), ("scan",), ("cas", "k", "v", "--expect", "v"), ("status",), ("export",), ("completion", "bash"),
           ("doctor",), ("--help",), ("put", "--help"), ("--version",), ("del", "k"))

    def test_a_full_stdout_is_an_error_of_every_verb(self):
        for verb in self.ALL:
            for flags in ((), ("--json",)):
                with open("/dev/full", "wb") as full:
                    answer = self.with_streams(*flags, *verb, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(answer.returncode, 1, (flags, verb, answer.stderr))
                self.assertIn(b"cannot write", answer.stderr, (flags, verb))

    def test_what_belongs_on_a_closed_stdout_goes_into_no_file_that_is_opened_later(self):
        self.done("put", "k", "v")
        file = self.directory / "exported"
        answer = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", TINYKV, "--endpoints", self.server.endpoint, "export", str(file)],
                                stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertEqual(file.read_bytes(), b"k\tv\n")

    def test_a_closed_stdout_is_an_error(self):
        for verb in self.ALL:
            answer = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", TINYKV, "--endpoints", self.server.endpoint, *verb],
                                    stderr=subprocess.PIPE, check=False, timeout=60)
            self.assertEqual(answer.returncode, 1, (verb, answer.stderr))
            self.assertIn(b"cannot write", answer.stderr, verb)

    def test_a_write_whose_ok_cannot_be_printed_was_done_and_this_is_said(self):
        with open("/dev/full", "wb") as full:
            answer = self.with_streams("put", "k", "v", stdout=full, stderr=subprocess.PIPE)
        self.assertIn(b"the write was done", answer.stderr)
        self.assertEqual(self.done("get", "k"), b"v\n")

    def test_an_export_that_does_not_fit_is_an_error(self):
        self.cli("import", stdin=b"".join(b"%04d\t%s\n" % (i, b"v" * 1000) for i in range(1000)))
        self.assert_one_line(self.cli("export", "/dev/full"), 1, "/dev/full", "disk full")


class Status(WithServer):
    def test_the_table_names_what_a_bug_report_needs(self):
        self.done("put", "k", "v")
        lines = self.done("status").decode().splitlines()
        self.assertRegex(lines[0], r"^tinykv [0-9.]+, cluster 1, 1 of 1 servers answer, leader store: 1$")
        self.assertEqual(lines[1].split(), ["ENDPOINT", "STORE", "ROLE", "LEADER", "TERM", "LAST", "COMMIT", "APPLIED", "BATCHES", "UPTIME", "VERSION"])
        row = dict(zip(lines[1].split(), lines[2].split()))
        self.assertEqual((row["ENDPOINT"], row["STORE"], row["ROLE"], row["LEADER"]), (self.server.endpoint, "1", "leader", "1"))
        self.assertGreater(int(row["BATCHES"]), 0)
        self.assertEqual(row["LAST"], row["APPLIED"])
        self.assertRegex(row["UPTIME"], r"^([0-9]+m)?[0-9]+s$")
        self.assertEqual(lines[3], "group 1: voter 1")
        self.assertEqual(lines[1].index("STORE"), lines[2].index(" 1 ") + 1)  # columns stand below their names

    def test_json_has_one_object_per_endpoint(self):
        nobody = f"127.0.0.1:{free_port()}"
        answer = self.cli("--json", "status", endpoints=f"{self.server.endpoint},{nobody}", timeout=1)
        self.assertEqual(answer.returncode, 3)
        here, there = map(json.loads, answer.stdout.splitlines())
        self.assertEqual((here["reachable"], here["store"], here["problems"]), (True, 1, []))
        self.assertEqual(here["groups"][0]["peers"], [{"peer": 1, "store": 1, "role": "voter"}])
        self.assertIsInstance(here["uptime_seconds"], int)
        self.assertGreater(here["log_batches"], 0)
        self.assertEqual((there["endpoint"], there["reachable"]), (nobody, False))
        self.assertEqual(len(there["problems"]), 1)

    def test_an_unreachable_server_is_a_row_and_exit_code_3_and_costs_its_time_once(self):
        nobodies = [f"127.0.0.1:{free_port()}" for _ in range(4)]
        begin = time.monotonic()
        answer = self.cli("status", endpoints=",".join([self.server.endpoint, *nobodies]), timeout=2)
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(answer.returncode, 3)
        self.assertIn(b"1 of 5 servers answer", answer.stdout)
        for nobody in nobodies:
            self.assertRegex(answer.stdout.decode(), nobody + r" +- +unreachable")


class Files(WithServer):
    #: what damages a careless format: its own separators, quotes, escapes, ends of lines, and bytes that are no text
    PAIRS = {b"plain": b"1", b"tab\tkey": b"tab\tvalue", b"comma,key": b"a,b", b'quote"key': b'say "hi"', b"newline\nkey": b"1\n2\r\n3\r", b"back\\slash": b"\\t\\n\\x41",
             b"empty": b"", "ключ".encode(): "値".encode(), EVERY_BYTE: EVERY_BYTE[::-1], b"\xff\xfe": b"\x80", b"ends in space ": b" v ", b"key": b"value"}

    def put_pairs(self):
        for key, value in self.PAIRS.items():
            self.done("--hex", "put", key.hex(), value.hex())

    def pairs(self):
        lines = self.done("--hex", "scan", "--limit", "0").decode().splitlines()
        return {bytes.fromhex(key): bytes.fromhex(value) for key, value in (line.split("\t") for line in lines)}

    def test_each_format_gives_back_the_same_bytes_with_and_without_hex(self):
        self.put_pairs()
        for form in ("lines", "csv", "jsonl"):
            for flags in ((), ("--hex",)):
                text = self.done(*flags, "export", "--format", form)
                self.setUp()
                self.assertEqual(self.pairs(), {})
                self.assertEqual(self.done(*flags, "import", "--format", form, stdin=text), b"%d records imported\n" % len(self.PAIRS))
                self.assertEqual(self.pairs(), self.PAIRS, (form, flags))

    def test_the_name_of_a_file_says_its_format(self):
        self.put_pairs()
        for name, begin in (("x.csv", b"key,value\r\n"), ("x.jsonl", b'{"key'), ("x.tsv", b'\\0\\x01'), ("x.csv.tsv", b'\\0\\x01')):
            path = self.directory / name
            self.done("export", path)
            self.assertEqual(path.read_bytes()[:len(begin)], begin)
            self.done("import", path)
        self.assertEqual(self.pairs(), self.PAIRS)

    def test_csv_is_what_other_programs_write_and_read(self):
        text_pairs = {k: v for k, v in self.PAIRS.items() if EVERY_BYTE not in (k, v) and b"\xff" not in k}
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(["key", "value"])
        writer.writerows([k.decode(), v.decode()] for k, v in text_pairs.items())
        self.done("import", "--format", "csv", stdin=written.getvalue().encode())
        self.assertEqual(self.pairs(), text_pairs)
        read = list(csv.reader(io.StringIO(self.done("export", "--format", "csv").decode(), newline="")))
        self.assertEqual(read[0], ["key", "value"])
        self.assertEqual({k.encode(): v.encode() for k, v in read[1:]}, text_pairs)
        self.done("import", "--format", "csv", stdin=b'key,value_hex\n"with newline",00\nlast,01')  # bare newlines, no last one
        self.assertEqual(self.pairs()[b"with newline"], b"\0")
        self.assertEqual(self.pairs()[b"last"], b"\1")

    def test_jsonl_is_what_other_programs_write_and_read(self):
        self.put_pairs()
        for line in self.done("export", "--format", "jsonl").splitlines():
            pair = json.loads(line)
            of = lambda name: pair[name].encode() if name in pair else bytes.fromhex(pair[name + "_hex"])
            self.assertEqual(self.PAIRS[of("key")], of("value"))
        self.done("import", "--format", "jsonl", stdin=b'{"more":[1,{}],"value":"\\u20ac\\n","key":"e"}\n')
        self.assertEqual(self.pairs()[b"e"], "€\n".encode())

    def test_a_file_that_is_wrong_is_refused_at_its_line(self):
        for form, text, line, word in (
                ("lines", b"a\t1\nno tab\n", 2, "TAB"), ("lines", b"a\t\\q\n", 1, "escape"), ("lines", b"a\t1\n\nb\t2\n", 2, "TAB"), ("lines", b"a\t\\x4", 1, "escape"),
                ("csv", b"name,value\na,1\n", 1, "key,value"), ("csv", b"a,1\n", 1, "key,value"), ("csv", b"key,value\na\n", 2, "two columns"),
                ("csv", b"key,value\na,1,2\n", 2, "two columns"), ("csv", b'key,value\na,"1\n\n', 2, "not closed"), ("csv", b'key,value\n"a"b,1\n', 2, "quote"),
                ("csv", b'key,value\na"b,1\n', 2, "quote"), ("csv", b'key,value\n"x\ny",1\na\n', 4, "two columns"), ("csv", b"key,value\na\rb,1\n", 2, "return"),
                ("csv", b"key_hex,value\nxy,1\n", 2, "hexadecimal"),
                ("jsonl", b"[]\n", 1, "JSON object"), ("jsonl", b'{"key":"a","value":"1"}\n{"key":"a"', 2, "JSON object"), ("jsonl", b'{"key":"a"}\n', 1, '"value"'),
                ("jsonl", b'{"key":1,"value":"1"}\n', 1, '"key"'), ("jsonl", b'{"key":"a","value_hex":"1"}\n', 1, '"value"'), ("jsonl", b'{"key":"\xff","value":"1"}\n', 1, "JSON object")):
            answer = self.cli("import", "--format", form, stdin=text)
            self.assert_one_line(answer, 2, f"line {line} ", word)
        self.assertEqual(self.cli("import", "--format", "csv", stdin=b"").returncode, 0)
        self.assert_one_line(self.cli("import", "--format", "xml", stdin=b""), 2, "--format")

    def test_a_record_without_an_end_is_refused_before_it_takes_all_memory(self):
        for form, begin in (("csv", b'key,value\n"'), ("lines", b""), ("jsonl", b"")):
            limited = ["sh", "-c", 'ulimit -v 300000; exec "$@"', "sh"]  # 300 MB
            answer = subprocess.run([*limited, TINYKV, "--endpoints", self.server.endpoint, "import", "--format", form], input=begin + b"x" * (40 << 20),
                                    capture_output=True, check=False, timeout=60)
            self.assert_one_line(answer, 2, "8 MiB")

    def test_an_import_that_stops_says_how_many_records_are_certainly_in_and_goes_on_there(self):
        good = [b"k%05d\tv%d\n" % (i, i) for i in range(3000)]
        bad = good.copy()
        bad[1000] = b"K" * 5000 + b"\tv\n"  # a key that the server refuses, while later ones are in flight and are written
        file = self.directory / "records"
        file.write_bytes(b"".join(bad))
        answer = self.cli("import", "--batch", "1", file)
        self.assert_one_line(answer, 1, "the first 1000 records are certainly written, later ones may be", "--skip 1000")
        self.assertEqual(self.pairs()[b"k00999"], b"v999")
        self.assertIn(b"k01001", self.pairs())  # so it is not the number of all that were written
        file.write_bytes(b"".join(good))
        self.cli("--hex", "del", b"k00000".hex())
        self.assertEqual(self.done("import", "--skip", "1000", file), b"2000 records imported\n")
        self.assertEqual(len(self.pairs()), 2999)  # the skipped ones were not written again
        bad[2000] = b"no tab\n"
        bad[1000] = good[1000]
        file.write_bytes(b"".join(bad))
        self.assert_one_line(self.cli("import", file), 2, "line 2001 ", "the first 2000 records are certainly written, no later one is", "--skip 2000")
        self.assert_one_line(self.cli("import", "--skip", "9", stdin=good[0]), 2, "--skip 9", "1 records")

    def test_an_import_that_is_interrupted_waits_for_its_answers_and_says_where_to_go_on(self):
        file, acknowledged = self.directory / "long", self.directory / "acknowledged"
        file.write_bytes(b"".join(b"k%06d\tv\n" % i for i in range(300000)))
        for end in (signal.SIGINT, signal.SIGTERM):
            command = [TINYKV, "--endpoints", self.server.endpoint, "import", "--batch", "1", "--acknowledged", str(acknowledged), str(file)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as importer:
                eventually("some records are in", lambda: acknowledged.exists() and acknowledged.stat().st_size > 10000)
                importer.send_signal(end)
                out, errors = importer.communicate(timeout=60)
            self.assertEqual((importer.returncode, out), (1, b""))
            said = re.fullmatch(r"tinykv: interrupted; the first ([0-9]+) records are certainly written, no later one is; go on with --skip \1\n", errors.decode())
            self.assertTrue(said, errors)
            self.assertEqual(int(said[1]), acknowledged.read_bytes().count(b"\n"))
            self.assertEqual(len(self.done("scan", "--keys-only", "--limit", "0").split()), int(said[1]))
            acknowledged.unlink()
            self.setUp()

    def test_an_export_that_stops_is_not_taken_for_a_whole_one(self):
        nobody = f"127.0.0.1:{free_port()}"
        answer = self.cli("export", self.directory / "partial", endpoints=nobody, timeout=0.3)
        self.assert_one_line(answer, 3, "only the first 0 records", "partial")

    def test_progress_is_for_terminals(self):
        file = self.directory / "many"
        file.write_bytes(b"".join(b"k%05d\tv\n" % i for i in range(2000)))
        for verb in (("import", file), ("export", self.directory / "out"), ("export",)):
            with Terminal("tinykv", *verb, environment=self.environment, stdout=subprocess.DEVNULL) as terminal:
                self.assertRegex(terminal.rest(), r"\r\x1b\[K[0-9]+ records (im|ex)ported, [0-9]+ per second")
                self.assertEqual(terminal.end(), 0)
            with Terminal("tinykv", "--json", *verb, environment=self.environment, stdout=subprocess.DEVNULL) as terminal:
                self.assertNotIn("per second", terminal.rest())
            self.assertEqual(self.cli(*verb).stderr, b"")


class Shell(WithServer):
    def terminal(self, *arguments, **environment):
        history = str(self.directory / "history")
        return Terminal("tinykv", *arguments, environment={**self.environment, "TINYKV_HISTORY": history, "HOME": str(self.directory), **environment})

    def test_without_a_verb_on_a_terminal_it_takes_verbs_line_by_line(self):
        with self.terminal() as terminal:
            self.assertIn(self.server.endpoint, terminal.until("tinykv> "))
            for line, shown in (("put k 'two words'", "OK"), ("get k", "two words"), ("scan", "k\ttwo words"), ("get nothing", "no such key"),
                                ('put q "say \\"hi\\""', "OK"), ("get q", 'say "hi"'), ("--json get k", '{"key":"k","found":true,"value":"two words"}'),
                                ("put k", "in the shell it stands on the line"), ("put 'k", "quote is not closed"), ("shell", "already"),
                                ("nonsense", "--help"), ("help put", "Examples:"), ("get k", "two words")):
                terminal.type(line + "\n")
                self.assertIn(shown, terminal.until(r"\n(?s:.*)tinykv> ").replace("\r", ""), line)
            terminal.type("exit\n")
            self.assertEqual(terminal.end(), 0)

    def test_the_end_of_input_and_ctrl_c(self):
        with self.terminal("shell") as terminal:
            terminal.until("tinykv> ")
            terminal.type("put k never")
            terminal.until("never")
            terminal.type("\x03")  # Ctrl-C: the line is forgotten, the shell stays
            terminal.until("tinykv> ")
            terminal.type("get k\n")
            self.assertIn("no such key", terminal.until(r"\n(?s:.*)tinykv> "))
            # Ctrl-D. Between the prompt and the editor's hold on the terminal it would be lost: libedit prints first.
            eventually("the shell ends", lambda: terminal.type("\x04") or terminal.process.poll() is not None)
            self.assertEqual(terminal.end(), 0)

    def test_history_is_kept_for_its_owner_alone_and_the_tab_key_completes(self):
        self.assertIn(b"libedit", run("tinykv", "--version").stdout, "the shell was built without libedit-dev: run scripts/setup, then cmake anew")
        history = self.directory / "history"
        history.unlink(missing_ok=True)
        with self.terminal("shell") as terminal:
            terminal.until("tinykv> ")
            terminal.type("pu\tsecret 1\n")  # pu TAB
            self.assertIn("OK", terminal.until(r"OK\r?\n(?s:.*)tinykv> "))
            terminal.type("scan --ord\tde\t--keys\t\n")
            self.assertIn("secret", terminal.until(r"\nsecret\r?\n(?s:.*)tinykv> "))
            terminal.type("s\t")  # not decided: shows all
            terminal.until(r"scan +shell +status")
            terminal.type("\x03")
            terminal.until("tinykv> ")
            terminal.type("exit\n")
            self.assertEqual(terminal.end(), 0)
        self.assertEqual(history.stat().st_mode & 0o777, 0o600)
        self.cli("del", "secret")
        with self.terminal("shell") as terminal:
            terminal.until("tinykv> ")
            terminal.type("\x1b[A\x1b[A\x1b[A\n")  # up: exit, scan, put
            terminal.until(r"OK\r?\n(?s:.*)tinykv> ")
        self.assertEqual(self.done("get", "secret"), b"1\n")

    def test_a_file_of_lines_stops_at_the_first_that_fails(self):
        answer = self.cli("shell", stdin=b"# comment\n\nput a 1\nget a\nget nothing\nput a 2\n")
        self.assertEqual((answer.returncode, answer.stdout), (1, b"OK\n1\n"))
        self.assertIn(b"line 5", answer.stderr)
        self.assertEqual(self.done("get", "a"), b"1\n")
        self.assertEqual(self.done("shell", stdin=b"put a 3\nexit\nput a 4\n"), b"OK\n")
        self.assertEqual(self.done("--json", "shell", stdin=b"get a\n"), b'{"key":"a","found":true,"value":"3"}\n')
        self.assertEqual(self.cli("shell", stdin=b"put a\nput b 2\n").returncode, 2)  # it does not take the next line for a value

    def test_a_line_keeps_the_settings_of_its_shell_in_the_face_of_variables(self):
        nobody = f"127.0.0.1:{free_port()}"
        answer = run("tinykv", "--endpoints", self.server.endpoint, "shell", stdin=b"put a 1\n", environment={"TINYKV_ENDPOINTS": nobody, "TINYKV_TIMEOUT": "1"})
        self.assertEqual(answer.stdout, b"OK\n", answer.stderr)


class Completion(Case):
    def completed(self, *words):
        script = 'source <("$TINYKV" completion bash); COMP_WORDS=("$TINYKV" "$@"); COMP_CWORD=$#; _tinykv; printf "%s\\n" "${COMPREPLY[@]}"; complete -p tinykv'
        answer = subprocess.run(["bash", "-c", script, "bash", *words], env={**os.environ, "TINYKV": TINYKV}, capture_output=True, check=False, timeout=60)
        self.assertEqual((answer.returncode, answer.stderr), (0, b""))
        lines = answer.stdout.decode().splitlines()
        self.assertIn("-F _tinykv", lines[-1])
        return set(lines[:-1]) - {""}

    def test_bash_completes_verbs_flags_and_their_values(self):
        self.assertEqual(self.completed(""), listed_verbs())
        self.assertEqual(self.completed("s"), {"scan", "shell", "status"})
        self.assertEqual(self.completed("--endpoints", "host:1", "do"), {"doctor"})  # the value of a flag is no verb
        self.assertEqual(self.completed("--json", "do"), {"doctor"})
        self.assertEqual(self.completed("scan", "--or"), {"--order"})
        self.assertEqual(self.completed("scan", "--order", ""), {"asc", "desc"})
        self.assertEqual(self.completed("export", "--format", "c"), {"csv"})
        self.assertEqual(self.completed("completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.completed("cas", "key", "--expect"), {"--expect", "--expect-absent"})
        self.assertEqual(self.completed("put", "--he"), {"--help", "--hex"})  # global ones too
        self.assertEqual(self.completed("import", ""), set())  # files, by bash
        self.assertEqual(self.completed("nonsense", ""), set())

    def test_each_script_is_accepted_by_its_shell(self):
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            script = run("tinykv", "completion", shell)
            self.assertEqual(script.returncode, 0)
            self.assertIn(b"complete-words", script.stdout)
            if shutil.which(shell):  # bash is; the others where people use them
                with tempfile.NamedTemporaryFile() as file:
                    file.write(script.stdout)
                    file.flush()
                    self.assertEqual(subprocess.run([*check, file.name], capture_output=True, check=False, timeout=60).stderr, b"", shell)
        self.assertEqual(run("tinykv", "completion", "tcsh").returncode, 2)
        if shutil.which("fish"):
            ask = '"$TINYKV" completion fish | source; complete -C "tinykv scan --order "; complete -C "tinykv s"'
            path = {**os.environ, "TINYKV": TINYKV, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
            answer = subprocess.run(["fish", "-c", ask], env=path, capture_output=True, check=False, timeout=60)
            self.assertEqual(answer.stdout.decode().split(), ["asc", "desc", "scan", "shell", "status"], answer.stderr)


class ClockRelay:
    """A server as seen from a machine whose clock is behind: passes everything on, and changes one line of /metrics."""

    def __init__(self, port, ahead):
        self.port, self.ahead = port, ahead
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(source, target), daemon=True).start()

    def pass_on(self, source, target):
        try:
            while piece := source.recv(1 << 20):
                # As long as before, so that Content-Length stays right.
                moved = lambda m: m[1] + (b"%f" % (float(m[2]) + self.ahead)).ljust(len(m[2]), b"0")[:len(m[2])]
                target.sendall(re.sub(rb"(\ntinykv_clock_seconds )([0-9.]+)", moved, piece))
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        source.close()


class Doctor(WithServer):
    def findings(self, *arguments, code=0, **more):
        answer = self.cli("--json", "doctor", *arguments, **more)
        self.assertEqual((answer.returncode, answer.stderr), (code, b""), answer.stdout)
        found = [json.loads(line) for line in answer.stdout.splitlines()]
        for one in found:
            self.assertTrue(one["level"] == "ok" or one["next"], one)  # whoever warns says what to do
        return found

    def only(self, found, subject, word):
        chosen = [one for one in found if one["subject"] == subject and word in one["detail"]]
        self.assertEqual(len(chosen), 1, (subject, word, found))
        return chosen[0]

    def test_a_healthy_server(self):
        found = self.findings("--data-dir", self.directory)
        self.assertEqual(self.only(found, "port", "answers")["level"], "ok")
        self.assertRegex(self.only(found, "version", "sqlite")["detail"], r"boost 1\.[0-9.]+, sqlite 3\.[0-9.]+, protobuf [0-9.]+$")
        self.assertIn("pace", self.only(found, "clock", "pace")["detail"])
        apart = self.only(found, "clock", "ahead of this one")
        low, high = map(float, re.search(r"between (\S+) ms and (\S+) ms", apart["detail"]).groups())
        self.assertLess(low, 1)  # the same clock: 0 lies between, whatever the rounding
        self.assertGreater(high, -1)
        self.assertLessEqual(low, high)

    def test_the_cost_of_a_sync_is_measured_and_leaves_nothing_behind(self):
        empty = self.directory / "empty"
        empty.mkdir()
        found = self.findings("--data-dir", empty)
        half, worst = map(float, re.search(r"([0-9.]+) ms \(p50\), ([0-9.]+) ms \(p99\) of 50", self.only(found, "disk", "a sync takes")["detail"]).groups())
        self.assertLessEqual(half, worst)
        self.assertIn("MiB free", self.only(found, "disk", "free")["detail"])
        self.assertEqual(list(empty.iterdir()), [])

    def test_memory_is_no_disk(self):
        if not Path("/dev/shm").is_dir() or subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True, check=True).stdout != b"tmpfs\n":
            self.fail("this test needs a tmpfs at /dev/shm")
        self.assertEqual(self.only(self.findings("--data-dir", "/dev/shm"), "disk", "in memory")["level"], "warn")

    def test_what_cannot_work_fails_with_exit_code_1(self):
        self.assertEqual(self.only(self.findings("--data-dir", "/no/such", code=1), "disk", "/no/such")["level"], "fail")
        free = f"127.0.0.1:{free_port()}"
        found = self.findings("--listen", f"{self.server.endpoint},{free}", code=1)
        self.assertEqual(self.only(found, "port", f"{self.server.endpoint} is in use")["level"], "fail")
        self.assertEqual(self.only(found, "port", f"{free} is free")["level"], "ok")
        self.assertEqual(self.only(self.findings("--listen", "192.0.2.1:1", code=1), "port", "192.0.2.1")["level"], "fail")  # of no machine (RFC 5737)
        self.assertEqual(self.only(self.findings("--listen", "nonsense", code=1), "port", "nonsense")["level"], "fail")
        self.assertEqual(self.only(self.findings(endpoints=free, timeout=0.3, code=1), "port", free)["level"], "fail")

    def test_a_clock_that_is_certainly_apart_is_told_with_what_is_known_of_it(self):
        for ahead, level in ((10, "warn"), (-10, "warn"), (0.1, "ok")):
            with ClockRelay(self.server.port, ahead) as relay:
                apart = self.only(self.findings(endpoints=relay.endpoint), "clock", "ahead of this one")
                low, high = map(float, re.search(r"between (\S+) ms and (\S+) ms", apart["detail"]).groups())
                self.assertLessEqual(low - 1, ahead * 1000)
                self.assertGreaterEqual(high + 1, ahead * 1000)
                self.assertEqual(apart["level"], level, apart)

    def test_a_server_that_nobody_named_is_not_missed(self):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 20160)) == 0:
                self.fail("a server runs at the default endpoint of this machine; stop it for this test")
        answer = run("tinykv", "--timeout", "0.3", "doctor")
        self.assertEqual(answer.returncode, 0, answer.stdout)
        self.assertRegex(answer.stdout.decode(), r"warn +port +127\.0\.0\.1:20160 does not answer")


class Help(Case):
    def test_each_verb_teaches_by_examples(self):
        self.assertLessEqual(VERBS, listed_verbs())
        for verb in VERBS:
            text = run("tinykv", verb, "--help").stdout.decode()
            self.assertIn("Examples:\n", text)
            self.assertRegex(text, rf"tinykv( --\S+( \S+:\S+)?)* {verb}|\| tinykv .*{verb}", verb)


class Documentation(WithServer):
    """docs/command_line.md: each ```console block, in order, in one directory with one server. `...` stands for anything."""

    def test_what_the_page_shows_is_what_happens(self):
        page = (Path(__file__).resolve().parents[2] / "docs" / "command_line.md").read_text()
        self.assertEqual({verb for verb in VERBS if f"`tinykv {verb}" in page or f"$ tinykv {verb}" in page}, VERBS)
        blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
        self.assertGreater(len(blocks), 5)
        environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TINYKV_ENDPOINTS": self.server.endpoint}
        for block in blocks:
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, expected = step.partition("\n")
                answer = subprocess.run(["bash", "-c", command], cwd=self.directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, check=False, timeout=60)
                pattern = ".*".join(re.escape(part) for part in expected.split("..."))
                self.assertRegex(answer.stdout.decode(), re.compile(rf"\A{pattern}\Z", re.DOTALL), command)


if __name__ == "__main__":
    unittest.main()
