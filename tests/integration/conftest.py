"""What the integration tests share: where things are, and a cluster that cleans up behind itself."""

import gzip
import os
import pathlib
import shutil

import pytest

from cluster import Cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALL_SKIPPED = 77  # what CTest is told to read as "skipped"


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    counts = {kind: len(reporter.stats.get(kind, [])) for kind in ("passed", "skipped")}
    if exitstatus == 0 and counts["passed"] == 0 and counts["skipped"] > 0:
        session.exitstatus = ALL_SKIPPED


@pytest.fixture
def make_cluster(tmp_path):
    """Makes clusters that end with the test. When it fails, the ends of their logs are printed."""
    made = []

    def make(**options):
        made.append(Cluster(tmp_path / f"cluster{len(made) + 1}", **options))
        return made[-1]

    yield make
    for cluster in made:
        print(cluster.log_tails())  # pytest shows it for a test that failed
        cluster.__exit__(None, None, None)


@pytest.fixture
def cluster(make_cluster):
    """Three nodes that serve."""
    started = make_cluster()
    started.start()
    return started


@pytest.fixture
def recording(tmp_path):
    """Finds a recorded market by name, unpacked; skips the test where there is none."""
    directory = pathlib.Path(os.environ.get("QUORUMBOOK_TEST_DATA", ROOT.parent / "shared" / "data"))

    def find(name):
        packed = directory / name
        if not packed.exists():
            pytest.skip(f"no recording {packed}; QUORUMBOOK_TEST_DATA names their directory")
        if name.endswith(".gz"):
            unpacked = tmp_path / name.removesuffix(".gz")
            with gzip.open(packed, "rb") as source, open(unpacked, "wb") as target:
                shutil.copyfileobj(source, target)
            return unpacked
        if name.endswith(".zip"):
            unpacked = tmp_path / name.removesuffix(".zip")
            shutil.unpack_archive(packed, unpacked)
            return unpacked
        return packed

    return find
