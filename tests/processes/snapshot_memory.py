#!/usr/bin/env python3
"""What a snapshot costs in memory: moves one of --mib from a server to a fresh one, and reads the peaks of both from the kernel.

    TINYKV_PROGRAMS=build/release/bin tests/processes/snapshot_memory.py --mib 1024

prints, for each side, the resident memory before (VmRSS), the peak while the snapshot travelled (VmHWM, reset before), and
their difference; the exit code is 1 when that is more than --bound-mib.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from cluster import PROGRAMS, Cluster, Server, eventually

MIB = 1 << 20
VALUE_BYTES = 400 << 10


def memory(server):
    """{"VmRSS": ..., "VmHWM": ..., "RssAnon": ...} of a process, in bytes (proc(5))."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        fields = (line.split() for line in status if line.startswith(("VmRSS", "VmHWM", "RssAnon")))
        return {words[0][:-1]: int(words[1]) << 10 for words in fields}


def reset_peak(server):
    with open(f"/proc/{server.process.pid}/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")


class Joiner(Server):
    def arguments(self, *more):
        first = self.cluster.servers[0]
        return ["--store-id", str(self.number), "--listen", self.endpoint, "--peers", f"{first.number}={first.endpoint}",
                "--data-dir", str(self.directory), *more]


def load(cluster, records):
    """Values that no compression makes smaller, from one random block: line k begins at its byte k."""
    block = os.urandom(VALUE_BYTES).hex().encode()
    loading = subprocess.Popen([str(PROGRAMS / "tinykv"), "--endpoints", cluster.servers[0].endpoint, "--timeout", "60", "import",
                                "--batch", "1", "--in-flight", "8", "--repeat-unknown"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for i in range(records):
        at = i % VALUE_BYTES
        loading.stdin.write(b"memory/%08d\t%s\n" % (i, block[at:at + VALUE_BYTES]))
    loading.stdin.close()
    if loading.wait() != 0:
        raise AssertionError("the records could not be loaded")


def group(cluster, server):
    answer = cluster.cli("--json", "status", endpoints=server.endpoint, timeout=5)
    groups = json.loads(answer.stdout).get("groups", []) if answer.returncode == 0 else []
    return groups[0] if groups else {"first": 0, "applied": 0, "commit": 0}


def measure(mib, rate):
    """Moves a snapshot of `mib` MiB; gives {"sender": ..., "receiver": ..., "seconds": ...} in bytes."""
    with Cluster(1) as cluster:
        sender = cluster.servers[0]
        flags = ("--snapshot-rate", rate, "--log-entries-max", "16")  # so that the log does not hold the data
        cluster.start("--init", *flags)
        records = mib * MIB // VALUE_BYTES
        load(cluster, records)
        if sender.stop() != 0:  # what the load has left in its memory must not hide what the snapshot takes
            raise AssertionError(sender.words())
        cluster.start(*flags)
        receiver = Joiner(cluster, 2)
        cluster.servers.append(receiver)
        receiver.start("--join", *flags)
        eventually("the new store listens", lambda: "ready:" in receiver.words())
        eventually("the log is short", lambda: group(cluster, sender)["first"] > records / 2)

        before = {s.number: memory(s) for s in (sender, receiver)}
        for server in (sender, receiver):
            reset_peak(server)
        begun = time.monotonic()
        answer = cluster.cli("region", "add-peer", receiver.number, receiver.endpoint, "--learner", endpoints=sender.endpoint, timeout=60)
        if answer.returncode not in (0, 4):  # 4: it is still on its way
            raise AssertionError(answer.stderr.decode())
        end = group(cluster, sender)["commit"]
        eventually("the snapshot is installed", lambda: group(cluster, receiver)["applied"] >= end, patience=1800)
        took = time.monotonic() - begun
        peak = {s.number: memory(s) for s in (sender, receiver)}

        moved = sum(f.stat().st_size for f in receiver.directory.glob("data.sqlite*"))
        if moved < mib * MIB:
            raise AssertionError(f"the receiver holds {moved} bytes only")
        if group(cluster, receiver)["first"] <= records / 2:
            raise AssertionError("the entries went through the log, not through a snapshot")
        out = {"seconds": took}
        for name, server in (("sender", sender), ("receiver", receiver)):
            out[name] = (before[server.number]["VmRSS"], peak[server.number]["VmHWM"])
        return out


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--mib", type=int, default=1024, help="size of the data (default 1024)")
    words.add_argument("--bound-mib", type=int, default=64, help="extra memory allowed on either side (default 64)")
    words.add_argument("--rate", default="1G", help="bytes per second at most (default 1G: as fast as it goes)")
    asked = words.parse_args()
    found = measure(asked.mib, asked.rate)
    print(f"a snapshot of {asked.mib} MiB was made, sent and installed in {found['seconds']:.1f} s", flush=True)
    wrong = 0
    for side in ("sender", "receiver"):
        before, peak = found[side]
        extra = (peak - before) / MIB
        wrong |= extra > asked.bound_mib
        print(f"{side + ':':10} {before / MIB:7.1f} MiB before, {peak / MIB:7.1f} MiB at most: {extra:6.1f} MiB extra "
              f"(bound {asked.bound_mib})")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
