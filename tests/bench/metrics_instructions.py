#!/usr/bin/python3
"""What the metrics cost, counted: the share of a cluster's instructions that recording takes.

usage: tests/bench/metrics_instructions.py [--build-dir B] [--orders N] [--load batches|clients]

Three nodes run under callgrind (Debian package valgrind), which counts instructions whatever else
the machine does, from when the cluster serves until all orders are answered. Recording is what
metrics_cost.py switches off, with all that it calls, and durations added to histograms, which are
inlined: known by their file. What is done once a second and not for an order (samples, heartbeats)
is left out or made rare, for time goes some fifty times faster under callgrind; what it costs is
printed apart, as processor time of a node that is idle, from runs without callgrind.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from metrics_cost import BASE_PORT, LOADS, PARTS, ROOT, without_recording

SCRIPT = ROOT / "deploy/local-cluster.sh"
HISTOGRAM = "common/duration_histogram.h"
# Callgrind lets one thread at a time go on: nobody is to be taken for dead for that.
PATIENT = {
    "QUORUMBOOK_RAFT_HEARTBEAT_INTERVAL_MS": "2000",
    "QUORUMBOOK_RAFT_ELECTION_TIMEOUT_MIN_MS": "10000",
    "QUORUMBOOK_RAFT_ELECTION_TIMEOUT_MAX_MS": "15000",
}


def script(directory, build, *arguments):
    command = [SCRIPT, *arguments, "--dir", directory, "--build-dir", build]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def qb(build, *arguments):
    endpoints = ",".join(f"127.0.0.1:{BASE_PORT + n}" for n in (1, 2, 3))
    command = [build / "bin/qb", "--timeout", "300s", "--endpoints", endpoints, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def counted_cluster(build, directory):
    """Three nodes under callgrind, once they serve. Yields their process ids."""
    script(directory, build, "up", "--base-port", str(BASE_PORT))  # which founds it
    script(directory, build, "down")
    callgrind = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no"]
    callgrind += [f"--callgrind-out-file={directory}/profile.%p", build / "bin/quorumbookd"]
    nodes = []
    try:
        for n in (1, 2, 3):
            with (directory / f"node{n}/log.txt").open("a") as log:
                command = [*callgrind, "--config", directory / f"node{n}/config.yaml"]
                environment = {**os.environ, **PATIENT}
                nodes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        qb(build, "cluster", "wait")
        yield [node.pid for node in nodes]
    finally:
        for node in nodes:
            node.terminate()
        for node in nodes:
            node.wait()


def control(*arguments):
    command = ["callgrind_control", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def annotated(output, inclusive):
    """(instructions, "file:function") of each line of a profile, and the total."""
    command = ["callgrind_annotate", "--auto=no", "--threshold=100", f"--inclusive={inclusive}"]
    command.append(output)
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = re.compile(r"^\s*([\d,]+) \([^)]*\)\s+(.*)$", re.MULTILINE)
    rows = [(int(number.replace(",", "")), what) for number, what in line.findall(text)]
    (total,) = (number for number, what in rows if what.startswith("PROGRAM TOTALS"))
    return total, rows


def recording(output):
    """What a node's profile has in all, and in each function that records."""
    total, rows = annotated(output, "yes")
    names = [name for part, found in PARTS.items() if part != "samples" for name in found]
    # A function has a line of its own file, which is of all that it executes, and one of each file
    # whose inlined functions are a part of that.
    costs = {
        name: max((number for number, what in rows if f":{name}" in what), default=0)
        for name in names
    }
    _, rows = annotated(output, "no")
    costs[HISTOGRAM] = sum(number for number, what in rows if f"{HISTOGRAM}:" in what)
    return total, costs


def count(build, load, orders, directory):
    with counted_cluster(build, directory) as pids:
        control("--instr=on", *map(str, pids))
        qb(build, "bench", *load, "--warm-up", "1ms", "--orders", str(orders))
        control("--instr=off", *map(str, pids))
        control("--dump", *map(str, pids))
        found = [recording(directory / f"profile.{pid}.1") for pid in pids]
    total = sum(one for one, _ in found)
    for name in found[0][1]:
        cost = sum(costs[name] for _, costs in found)
        print(f"{cost / orders:10.1f} {cost / total:8.3%}  {name.removeprefix('quorumbook::')}")
    recorded = sum(sum(costs.values()) for _, costs in found)
    print(f"{recorded / orders:10.1f} {recorded / total:8.3%}  recording")
    print(f"{total / orders:10.1f} {1:8.0%}  instructions an order, of three nodes")


def processor_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def idle(build, directory, seconds):
    """Processor seconds a second of a node that has nothing to do."""
    script(directory, build, "up", "--base-port", str(BASE_PORT))
    try:
        files = [directory / f"node{n}/pid" for n in (1, 2, 3)]
        pids = [file.read_text().split()[0] for file in files]
        time.sleep(3)
        before = processor_seconds(pids)
        time.sleep(seconds)
        return (processor_seconds(pids) - before) / seconds / len(pids)
    finally:
        script(directory, build, "down")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--load", choices=LOADS, default="batches")
    parser.add_argument("--idle-seconds", type=int, default=20)
    options = parser.parse_args()
    daemon = options.build_dir / "bin/quorumbookd"
    with tempfile.TemporaryDirectory(prefix="quorumbook-cost-") as directory:
        scratch = pathlib.Path(directory)
        unsampled = scratch / "unsampled"
        (unsampled / "bin").mkdir(parents=True)
        shutil.copy(options.build_dir / "bin/qb", unsampled / "bin")
        without_recording(daemon, unsampled / "bin/quorumbookd", ["samples"])
        count(unsampled, LOADS[options.load], options.orders, scratch / "counted")
        shares = [
            idle(build, scratch / f"idle{at}", options.idle_seconds)
            for at, build in enumerate((options.build_dir, unsampled))
        ]
        print("a node that is idle: {:.2%} of a core, {:.2%} without samples".format(*shares))


if __name__ == "__main__":
    main()
