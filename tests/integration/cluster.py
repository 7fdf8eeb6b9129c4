"""A cluster of real quorumbookd processes on loopback, for one test.

    with Cluster(directory) as cluster:
        cluster.start()
        cluster.qb("symbol", "add", "AMZN", "--tick-size", "0.01", "--lot-size", "1")
        cluster.kill(cluster.leader())

Leaving the block kills what still runs. Nothing here sleeps for a fixed time to let something
happen: `wait_until` polls a condition up to a deadline that only a broken cluster reaches.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time

import grpc

import rpc

DEADLINE_SECONDS = 60
# Of tests that hold the leader or its term to be the same before and after: a machine that is busy
# with other tests must not change it meanwhile.
PATIENT = {"raft": {"election_timeout_min_ms": 1500, "election_timeout_max_ms": 3000}}
# Below Linux's ephemeral ports, so that no outgoing connection holds a port when a node restarts.
PORTS = range(15000, 32000)


class QbError(Exception):
    """qb ended with an exit code other than 0."""

    def __init__(self, arguments, done):
        super().__init__(
            f"qb {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
        self.returncode = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr


def binary(name):
    return str(pathlib.Path(os.environ["QUORUMBOOK_BIN"]) / name)


def wait_until(condition, what, seconds=DEADLINE_SECONDS):
    """Polls until `condition()` is truthy and returns that; fails the test at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def make_certificates(directory, *arguments):
    script = pathlib.Path(__file__).resolve().parents[2] / "deploy/make-certificates.sh"
    subprocess.run([str(script), str(directory), *map(str, arguments)], check=True)


class PortLease:
    """A TCP port of loopback that no other lease has. The UDP port of the same number, held open,
    is what tells other leases, in this process and in others, that it is taken."""

    def __init__(self):
        for port in random.sample(PORTS, len(PORTS)):
            marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with contextlib.closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    marker.bind(("127.0.0.1", port))
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    marker.close()
                    continue
            self.port = port
            self._marker = marker
            return
        raise RuntimeError("no free port")

    def release(self):
        self._marker.close()


class Node:
    """One daemon: its directory, its ports and, while it runs, its process."""

    def __init__(self, node_id, directory, credentials=None):
        self.id = node_id
        self.directory = directory
        self.leases = (PortLease(), PortLease(), PortLease())
        self.client = f"127.0.0.1:{self.leases[0].port}"
        self.peer = f"127.0.0.1:{self.leases[1].port}"
        self.http = f"127.0.0.1:{self.leases[2].port}"
        self.api = rpc.Api(self.client, credentials)
        self.process = None

    @property
    def config(self):
        return self.directory / "config.yaml"

    @property
    def data(self):
        return self.directory / "data"

    @property
    def log(self):
        return self.directory / "log.txt"

    def running(self):
        return self.process is not None and self.process.poll() is None


class Cluster:
    def __init__(self, directory, nodes=3, cluster_id="test", settings=None, tls=False):
        """`settings`: further configuration keys, e.g. {"snapshot": {"log_bytes": 65536}}; `tls`:
        with a CA and certificates of its own."""
        self.directory = pathlib.Path(directory)
        self.cluster_id = cluster_id
        self.settings = settings or {}
        self.certificates = self.directory / "certificates" if tls else None
        if tls:
            make_certificates(self.certificates, "--cluster", cluster_id, "--nodes", nodes)
        self.nodes = {n: self._make_node(n) for n in range(1, nodes + 1)}
        for node in self.nodes.values():
            node.data.mkdir(parents=True)
            self.write_config(node)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for node in self.nodes.values():
            if node.running():
                node.process.kill()
                node.process.wait()
            node.api.close()
            for lease in node.leases:
                lease.release()
        if exception[0] is None:
            for node in self.nodes.values():
                shutil.rmtree(node.data, ignore_errors=True)

    def _make_node(self, n):
        credentials = None
        if self.certificates:
            credentials = grpc.ssl_channel_credentials((self.certificates / "ca.crt").read_bytes())
        return Node(n, self.directory / f"node{n}", credentials)

    # Processes.

    def tls_of(self, n):
        """The keys of node `n` for its certificate."""
        if not self.certificates:
            return {}
        files = {"certificate": f"node{n}.crt", "key": f"node{n}.key", "ca": "ca.crt"}
        return {
            "tls": {f"{key}_file": str(self.certificates / name) for key, name in files.items()}
        }

    def config_of(self, node):
        """The configuration as a dictionary; JSON is YAML too."""
        return {
            **self.tls_of(node.id),
            "cluster": {"id": self.cluster_id},
            "node": {"id": node.id},
            "data_dir": str(node.data),
            "listen": {"client": node.client, "peer": node.peer, "http": node.http},
            "peers": [
                {"id": other.id, "client": other.client, "peer": other.peer}
                for other in self.nodes.values()
            ],
            "shards": [1],
            "log": {"level": "info"},
            **self.settings,
        }

    def write_config(self, node):
        node.config.write_text(json.dumps(self.config_of(node), indent=2) + "\n")

    def extend(self):
        """Adds a node to the configuration of all; who runs learns of it at its next start."""
        n = max(self.nodes) + 1
        self.nodes[n] = self._make_node(n)
        self.nodes[n].data.mkdir(parents=True)
        for node in self.nodes.values():
            self.write_config(node)

    def spawn(self, n):
        """Starts node `n` without waiting for anything."""
        node = self.nodes[n]
        assert not node.running(), f"node {n} runs already"
        with open(node.log, "ab") as log:
            node.process = subprocess.Popen(
                [binary("quorumbookd"), "--config", str(node.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self, *which):
        """Starts these nodes, or all, and waits until the cluster serves."""
        for n in which or self.nodes:
            self.spawn(n)
        self.wait_ready()

    def kill(self, n):
        """kill -9."""
        process = self.nodes[n].process
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, n):
        """SIGTERM; returns the exit code."""
        process = self.nodes[n].process
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=DEADLINE_SECONDS)

    def exit_code(self, n):
        """Waits for node `n` to end by itself."""
        return self.nodes[n].process.wait(timeout=DEADLINE_SECONDS)

    def running(self):
        return [n for n, node in self.nodes.items() if node.running()]

    def log_of(self, n):
        return self.nodes[n].log.read_text()

    def log_tails(self, lines=40):
        tails = []
        for n, node in self.nodes.items():
            if node.log.exists():
                last = "\n".join(self.log_of(n).splitlines()[-lines:])
                tails.append(f"--- node {n}, the end of {node.log}\n{last}")
        return "\n".join(tails)

    # Through the protocol.

    def api(self, n):
        return self.nodes[n].api

    def replica(self, n, digests=False):
        """How node `n`'s replica of shard 1 stands, or None while it does not answer."""
        try:
            replicas = self.api(n).node_status(digests).replicas
        except grpc.RpcError:
            return None
        return replicas[0] if replicas else None  # none: the cluster is not founded yet

    def leader_now(self):
        """The node that leads by its own word (of the latest term), or None."""
        replicas = {n: self.replica(n) for n in self.running()}
        leading = [
            (replica.term, n)
            for n, replica in replicas.items()
            if replica is not None and replica.role == rpc.cluster.ReplicaStatus.LEADER
        ]
        return max(leading)[1] if leading else None

    def leader(self):
        """Waits for a leader."""
        return wait_until(self.leader_now, "a node leads")

    def followers(self):
        leader = self.leader()
        return [n for n in self.running() if n != leader]

    def serves(self, leader):
        """Whether this node serves linearizable reads: a new leader does not at once."""
        try:
            self.api(leader).symbols()
            return True
        except grpc.RpcError:
            return False

    def _leader_serves(self):
        leader = self.leader_now()
        return leader is not None and self.serves(leader)

    def wait_ready(self):
        """Waits until every running node answers and the leader serves linearizable reads."""
        wait_until(lambda: all(map(self.replica, self.running())), "every node answers")
        wait_until(self._leader_serves, "the leader serves reads")

    def wait_caught_up(self):
        """Waits until all running replicas have applied the same index, digests equal at it, and
        returns one of them. Nothing may be writing."""

        def caught_up():
            replicas = [self.replica(n, digests=True) for n in self.running()]
            if not replicas or None in replicas:
                return None
            if len({replica.applied_index for replica in replicas}) > 1:
                return None
            return replicas

        replicas = wait_until(caught_up, "all replicas at one index")
        assert len({replica.state_digest for replica in replicas}) == 1, replicas
        assert len({replica.market_digest for replica in replicas}) == 1, replicas
        assert replicas[0].state_digest, "a digest was asked for"
        return replicas[0]

    def session(self, account=1):
        """A session at the leader of this moment."""
        return rpc.Session(self.api(self.leader()), account)

    # Through qb.

    @property
    def endpoints(self):
        return ",".join(node.client for node in self.nodes.values())

    def qb_command(self, *arguments, output="json"):
        command = [binary("qb"), "--endpoints", self.endpoints, "-o", output]
        if self.certificates:
            command += ["--ca", str(self.certificates / "ca.crt")]
        return [*command, *map(str, arguments)]

    def run_qb(self, *arguments, output="json"):
        """Runs qb to its end, whatever its exit code is."""
        return subprocess.run(
            self.qb_command(*arguments, output=output),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10 * DEADLINE_SECONDS,
            check=False,
        )

    def qb(self, *arguments):
        """What qb prints, parsed. Raises QbError unless it ends with 0."""
        done = self.run_qb(*arguments)
        if done.returncode != 0:
            raise QbError(list(map(str, arguments)), done)
        return json.loads(done.stdout)

    def spawn_qb(self, *arguments, log):
        """Starts qb, its output going to the file `log`."""
        with open(log, "wb") as out:
            return subprocess.Popen(
                self.qb_command(*arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
