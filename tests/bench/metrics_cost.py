#!/usr/bin/python3
"""What the metrics cost: the daemon against itself with all recording switched off.

usage: tests/bench/metrics_cost.py [--build-dir B] [--runs N] [--seconds S]
           [--load batches|clients] [--part shards|grpc|samples]...

The daemon has no switch for it. A copy is made in which the functions that record return at once:
what a shard counts of events and commits (shards), gRPC's calls and messages (grpc), and what is
sampled once a second (samples); --part leaves out some of these alone. Left in both is what is
inlined: durations added to histograms, some nanoseconds for a log entry. Runs of the two alternate,
each on a fresh cluster of three nodes. Prints each run, and medians; the processor time an order is
the robust figure. Nothing else should run meanwhile.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE_PORT = 24600
RETURN = b"\xc3"
RETURN_NULL = b"\x31\xc0\xc3"  # xor eax, eax; ret
PARTS = {
    "shards": {
        "quorumbook::server::CommitTimer::Observe(": RETURN,
        "quorumbook::server::CommitTimer::Persisted(": RETURN,
        "quorumbook::server::ShardCounters::Count(": RETURN,
    },
    "grpc": {
        "quorumbook::server::GrpcMetrics::Factory::CreateServerInterceptor(": RETURN_NULL,
        "quorumbook::server::GrpcMetrics::Stream::Received(": RETURN,
        "quorumbook::server::GrpcMetrics::Stream::Sent(": RETURN,
    },
    "samples": {"quorumbook::server::Monitor::Parts::Tick()": RETURN},
}
LOADS = {
    "clients": ["--connections", "64"],
    "batches": ["--connections", "4", "--in-flight", "16", "--batch", "100"],
}


def file_offset(image, address):
    """Where an address is in the file, by the program headers of a 64-bit ELF file."""
    (headers,) = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    for index in range(count):
        kind, _, offset, virtual, _, in_file = struct.unpack_from(
            "<IIQQQQ", image, headers + index * size
        )
        if kind == 1 and virtual <= address < virtual + in_file:
            return offset + address - virtual
    raise ValueError(f"{address:#x} is not loaded")


def without_recording(daemon, copy, parts):
    """Writes to `copy` a daemon that leaves these parts out."""
    image = bytearray(daemon.read_bytes())
    assert image[:5] == b"\x7fELF\x02" and image[0x12:0x14] == b"\x3e\0", "for x86-64 alone"
    listed = subprocess.run(["nm", "-C", daemon], capture_output=True, text=True, check=True).stdout
    for function, code in [item for part in parts for item in PARTS[part].items()]:
        found = [
            int(line.split(" ", 2)[0], 16)
            for line in listed.splitlines()
            if line[17:18] in "TtWw" and line[19:].startswith(function) and "{lambda" not in line
        ]
        assert len(found) == 1, f"{function} is there {len(found)} times"
        at = file_offset(image, found[0])
        image[at : at + len(code)] = code
    copy.write_bytes(image)
    copy.chmod(0o755)


def recorded():
    """The parts of which any node serves samples."""
    text = ""
    for n in (1, 2, 3):
        url = f"http://127.0.0.1:{BASE_PORT + 1079 + n}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text += answer.read().decode()
    signs = {
        "shards": r"^quorumbook_exchange_batches_total\S* [1-9]",
        "grpc": r"^grpc_server_msg_received_total\S*\"Stream\"\S* [1-9]",
        "samples": r"^quorumbook_raft_term\S* [1-9]",
    }
    return {part for part, sign in signs.items() if re.search(sign, text, re.MULTILINE)}


def measure(build, load, seconds):
    with tempfile.TemporaryDirectory(prefix="quorumbook-cost-") as directory:
        where = ["--dir", directory, "--build-dir", build]
        script = ROOT / "deploy/local-cluster.sh"
        up = [script, "up", "--base-port", str(BASE_PORT), *where]
        subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
        try:
            pids = [
                (pathlib.Path(directory) / f"node{n}/pid").read_text().split()[0] for n in (1, 2, 3)
            ]
            endpoints = ",".join(f"127.0.0.1:{BASE_PORT + n}" for n in (1, 2, 3))
            bench = [f"{build}/bin/qb", "--endpoints", endpoints, "-o", "json", "bench", *load]
            bench += ["--duration", f"{seconds}s", "--pid", ",".join(pids)]
            done = subprocess.run(bench, check=True, capture_output=True, text=True)
            return json.loads(done.stdout), recorded()
        finally:
            subprocess.run([script, "down", *where], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--load", choices=LOADS, default="batches")
    parser.add_argument("--part", choices=PARTS, action="append")
    options = parser.parse_args()
    parts = options.part or list(PARTS)
    figures = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="quorumbook-cost-") as scratch:
        builds = {recording: pathlib.Path(scratch) / str(recording) for recording in figures}
        for build in builds.values():
            (build / "bin").mkdir(parents=True)
            shutil.copy(options.build_dir / "bin/qb", build / "bin")
        daemon = options.build_dir / "bin/quorumbookd"
        shutil.copy(daemon, builds[True] / "bin")
        without_recording(daemon, builds[False] / "bin/quorumbookd", parts)
        for run in range(options.runs):
            for recording in (True, False) if run % 2 == 0 else (False, True):
                build, load = builds[recording], LOADS[options.load]
                report, there = measure(build, load, options.seconds)
                assert (set(parts) <= there) == recording, "the patch has no effect"
                figures[recording].append((report["cpu_us_per_order"], report["orders_per_second"]))
                cpu, rate = figures[recording][-1]
                name = "on" if recording else "off"
                print(f"{name:3} {cpu:8.2f} us an order {rate:10.0f}/s", flush=True)
    for column, unit in enumerate(("us an order", "orders a second")):
        on, off = (statistics.median(run[column] for run in figures[one]) for one in (True, False))
        print(f"median: {on:.2f} {unit} with, {off:.2f} without: {on / off - 1:+.1%}")


if __name__ == "__main__":
    main()
