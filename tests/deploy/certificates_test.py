"""Certificates: of any cluster, and whole, however often the scripts that make them are stopped."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE = ROOT / "deploy/make-certificates.sh"
NODES = 2
# More calls of openssl than a run makes.
MOST_CALLS = 20
# Stops, as by a signal, when it is called for the Nth time, with the file of -out not written.
OPENSSL = """#!/bin/sh
count=$(($(cat "$COUNT") + 1))
echo "$count" >"$COUNT"
"$REAL_OPENSSL" "$@" || exit 1
[ "$count" -ge "$LAST" ] || exit 0
while [ $# -gt 0 ]; do
  [ "$1" != -out ] || rm -f "$2"
  shift
done
exit 1
"""


def run(command, **variables):
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


def openssl(*arguments):
    done = run(["openssl", *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(name="stopped")
def stopped_fixture(tmp_path):
    """Runs a command that is stopped at its `last` call of openssl; whether it was."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "openssl").write_text(OPENSSL)
    (programs / "openssl").chmod(0o755)
    count = tmp_path / "count"

    def stop(last, command):
        count.write_text("0")
        path = f"{programs}:{os.environ['PATH']}"
        real = shutil.which("openssl")
        return run(command, PATH=path, REAL_OPENSSL=real, COUNT=count, LAST=last).returncode != 0

    return stop


def check(directory, cluster, nodes):
    """Asserts that there are a CA and the certificates of `nodes`, each with its key."""
    for n in range(1, nodes + 1):
        certificate, key = directory / f"node{n}.crt", directory / f"node{n}.key"
        openssl("verify", "-CAfile", directory / "ca.crt", certificate)
        public = openssl("x509", "-in", certificate, "-noout", "-pubkey")
        assert public == openssl("pkey", "-in", key, "-pubout")
        names = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName")
        assert f"DNS:node-{n}.{cluster}.quorumbook," in names
        assert key.stat().st_mode & 0o777 == 0o600
        assert certificate.stat().st_mode & 0o777 == 0o644
    public = openssl("x509", "-in", directory / "ca.crt", "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", directory / "ca.key", "-pubout")
    assert (directory / "ca.key").stat().st_mode & 0o777 == 0o600
    owners = ["ca"] + [f"node{n}" for n in range(1, nodes + 1)]
    expected = sorted(f"{owner}.{kind}" for owner in owners for kind in ("crt", "key"))
    assert sorted(path.name for path in directory.iterdir()) == expected


@pytest.mark.parametrize("cluster", ["c", "c" * 64, "a.b-c_" * 10 + "last"])
def test_a_cluster_may_have_any_id(tmp_path, cluster):
    done = run([MAKE, tmp_path / "made", "--cluster", cluster, "--nodes", NODES])
    assert done.returncode == 0, done.stderr
    check(tmp_path / "made", cluster, NODES)


def test_what_is_stopped_can_be_run_again(tmp_path, stopped):
    for last in range(1, MOST_CALLS):
        directory = tmp_path / str(last)
        command = [MAKE, directory, "--cluster", "c", "--nodes", NODES]
        was_stopped = stopped(last, command)
        done = run(command)
        assert done.returncode == 0, f"stopped at call {last}: {done.stderr}"
        check(directory, "c", NODES)
        if not was_stopped:
            break
    assert 4 < last < MOST_CALLS - 1


def test_a_ca_that_is_there_is_used(tmp_path):
    assert run([MAKE, tmp_path, "--cluster", "c", "--nodes", 1]).returncode == 0
    before = [(tmp_path / name).read_bytes() for name in ("ca.crt", "ca.key")]
    assert run([MAKE, tmp_path, "--cluster", "c", "--nodes", NODES]).returncode == 0
    assert [(tmp_path / name).read_bytes() for name in ("ca.crt", "ca.key")] == before
    check(tmp_path, "c", NODES)
    (tmp_path / "ca.key").unlink()
    done = run([MAKE, tmp_path, "--cluster", "c"])
    assert done.returncode == 1
    assert "ca.crt is there, but not its ca.key" in done.stderr


def free_base_port():
    """Of a local cluster of one node: it listens at P+1, P+101 and P+1080."""
    for base in range(30000, 60000, 7):
        sockets = [socket.socket() for _ in range(3)]
        try:
            for one, port in zip(sockets, (base + 1, base + 101, base + 1080)):
                one.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("no free ports")


def test_a_local_cluster_has_all_certificates_or_none(tmp_path, stopped):
    programs = tmp_path / "build/bin"
    programs.mkdir(parents=True)
    for name in ("quorumbookd", "qb"):  # the node ends at once, and that is all that is run of it
        (programs / name).symlink_to(shutil.which("false"))
    directory = tmp_path / "cluster"
    command = [ROOT / "deploy/local-cluster.sh", "up", "--tls", "--dir", directory, "--nodes", 1]
    command += ["--base-port", free_base_port(), "--build-dir", tmp_path / "build"]
    for last in (1, 2, 3):
        assert stopped(last, command)
        assert not (directory / "tls").exists(), last
        assert not (directory / "shape").exists(), last
    done = run(command)
    assert "node 1 ended at once" in done.stderr
    check(directory / "tls", "local", 1)
