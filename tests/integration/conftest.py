"""What the integration tests share: recordings, and clusters that end with their test."""

import gzip
import lzma
import os
import pathlib
import shutil

import pytest

from cluster import Cluster, wait_until
from web import SETTINGS, web

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


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """Finds a recorded market by name and unpacks it; skips the test where there is none."""
    named = os.environ.get("QUORUMBOOK_TEST_DATA")
    beside = ROOT.parent / "shared" / "data"
    sources = [pathlib.Path(named)] if named else [ROOT / "data" / "recordings", beside]
    target = tmp_path_factory.mktemp("recordings")

    def find(name):
        packed = next((path / name for path in sources if (path / name).exists()), None)
        if packed is None:
            pytest.skip(f"no recording {name}; docs/replay.md (Recordings) says how to get it")
        unpacked = target / packed.stem
        if not unpacked.exists():
            if packed.suffix == ".zip":
                shutil.unpack_archive(packed, unpacked)
            else:
                opener = lzma.open if packed.suffix == ".xz" else gzip.open
                with opener(packed, "rb") as zipped, open(unpacked, "wb") as plain:
                    shutil.copyfileobj(zipped, plain)
        return unpacked

    return find


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Three nodes with a market; shared, so a test leaves it as healthy as it found it."""
    cluster = Cluster(tmp_path_factory.mktemp("http"), settings=SETTINGS)
    with cluster:
        cluster.start()
        cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
        cluster.qb("symbol", "add", "A/B", "--tick-size", "0.5", "--lot-size", "10")
        for side, price in (("buy", "9.99"), ("buy", "9.98"), ("sell", "10.02"), ("sell", "10.05")):
            cluster.qb("order", "submit", "DEMO", side, "100", price)
        cluster.qb("--account", "2", "order", "submit", "DEMO", "buy", "40", "10.02")
        for n in cluster.nodes:
            wait_until(lambda n=n: "healthy" == web(cluster, n).get("/api/health")["verdict"],
                       f"node {n} calls the cluster healthy")
        yield cluster
