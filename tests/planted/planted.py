"""Plants one fault in a copy of the library and requires that the simulator finds it.

usage: planted.py --repository DIR --compiler CXX --fault NAME [--seeds N]

A simulator that finds nothing proves something only if it would find something. Each fault below is one line of the
shipped code, changed in a copy of include/; the text to be replaced must occur exactly once, so that a fault which no
longer fits the code fails the test instead of passing it. `none` changes nothing, and the seeds must pass.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# name: (file, text, replacement, what it breaks, the invariants of which one must be named)
FAULTS = {
    "none": None,
    "old_term_commit": (
        "raft/impl/replication.ipp",
        "if (log_.term_at(index) != std::optional{state_.term}) return;",
        "",
        "a leader commits entries of older terms by counting (paper, 5.4.2)",
        {"I-4", "I-5", "I-7"}),
    "early_vote": (
        "raft/impl/election.ipp",
        "    elapsed_ = 0;\n  }\n  tell_commit(reply);\n  send_late(std::move(reply));",
        "    elapsed_ = 0;\n  }\n  tell_commit(reply);\n  send_early(std::move(reply));",
        "a vote is told before it is durable (SAFETY.md section 1)",
        {"I-1", "I-6"}),
    "early_acknowledgement": (
        "raft/impl/replication.ipp",
        "auto const index = std::min(f->verified, durability_.last());",
        "auto const index = f->verified;",
        "an append is acknowledged before it is durable (SAFETY.md section 2)",
        {"I-4", "I-5", "I-6", "I-7"}),
    "old_completion": (
        "raft/durability.hpp",
        "for (auto& t : open_) t.last = std::min(t.last, from - 1);",
        "",
        "the completion of a write stands for entries that were cut away meanwhile (SAFETY.md section 2)",
        {"I-4", "I-5", "I-6", "I-7"}),
    "unconfirmed_read": (
        "raft/impl/reads.ipp",
        "return r.round == 0 || r.round > lead.confirmed;",
        "return r.round == 0;",
        "a leader answers reads without asking whether it still leads (SAFETY.md section 7)",
        {"I-9"}),
    "one_majority": (
        "raft/quorum.hpp",
        "return group.outgoing.empty() ? v : std::min(v, majority_value(group.outgoing, value_of));",
        "return v;",
        "a joint configuration decides by the majority of the new voters alone (dissertation, 4.3; SAFETY.md section 6)",
        {"I-1", "I-4", "I-5", "I-7"}),
    "compaction_past_durable": (
        "raftstore/log_keeper.hpp",
        "std::min({target, care.durable, care.truncated + rule.piece_entries_max})",
        "std::min({target, r.applied(), care.truncated + rule.piece_entries_max})",
        "entries leave the log before the machine holds them durably (SAFETY.md section 4)",
        {"I-31"}),
    "lost_told_as_refused": (
        "raftstore/proposals.hpp",
        "    done(unknown(why,",
        "    done(rejected(why,",
        "a client is told that its command is not done, though it may be (SAFETY.md section 9)",
        {"I-16"}),
}


def fail(text):
    print(f"planted: {text}", file=sys.stderr)
    sys.exit(1)


def plant(include, fault):
    name, text, replacement, _, _ = fault
    path = include / "tinykv" / name
    source = path.read_text()
    count = source.count(text)
    if count != 1:
        fail(f"{name} holds the text to be replaced {count} times, not once: {text!r}")
    path.write_text(source.replace(text, replacement))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--fault", choices=FAULTS, required=True)
    parser.add_argument("--seeds", type=int, default=500)  # as many as verify runs of the unchanged code
    arguments = parser.parse_args()
    fault = FAULTS[arguments.fault]

    with tempfile.TemporaryDirectory(prefix="tinykv-planted-") as folder:
        include = Path(folder) / "include"
        subprocess.run(["cp", "-r", str(arguments.repository / "include"), str(include)], check=True)
        if fault:
            plant(include, fault)
        tests = arguments.repository / "tests"
        program = Path(folder) / "simulate"
        compiled = subprocess.run(
            [arguments.compiler, "-std=c++20", "-O1", f"-I{include}", f"-I{tests}", str(tests / "simulation" / "simulate.cpp"),
             "-o", str(program)], capture_output=True, text=True)
        if compiled.returncode != 0:
            fail(f"the copy does not compile:\n{compiled.stderr[-4000:]}")
        seeds = arguments.seeds if fault else 50
        run = subprocess.run([str(program), "--seeds", str(seeds), "--quiet", "--lines", "0"], capture_output=True, text=True)
        print(run.stdout)
        if not fault:
            if run.returncode != 0:
                fail("the unchanged copy breaks an invariant")
            return
        if run.returncode == 0:
            fail(f"{seeds} seeds found nothing, though {fault[3]}")
        named = set(re.findall(r"^  (I-\d+): ", run.stdout, re.MULTILINE))
        if "broke an assumption" not in run.stdout and not named & fault[4]:
            fail(f"the seeds found {sorted(named)}, none of {sorted(fault[4])}, though {fault[3]}")


if __name__ == "__main__":
    main()
