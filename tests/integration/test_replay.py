"""A recorded market replayed through a real cluster, undisturbed and while its leaders die.

The recordings (AMZN, 2012-06-21) are not part of the project; without them these tests are skipped.
"""

import collections
import csv
import json
import time

import pytest

from cluster import Cluster, wait_until

FLOW = "AMZN_2012-06-21_5.replay.csv.gz"
EXPECTED = "AMZN_2012-06-21_5.expected_fills.csv.gz"
SYMBOL = "AMZN"

Replay = collections.namedtuple("Replay", "report fills market_digest events")


def replay_arguments(flow, directory):
    return [
        "replay", "--format", "csv", "--file", flow, "--symbol", SYMBOL,
        "--fills", directory / "fills.csv", "--report", directory / "report.json",
    ]  # fmt: skip


def read_replay(cluster, directory):
    """What a replay that has ended left behind; all replicas agree on it."""
    replica = cluster.wait_caught_up()
    report = json.loads((directory / "report.json").read_text())
    assert report["digest"] == replica.market_digest
    fills = (directory / "fills.csv").read_text()
    return Replay(report, fills, replica.market_digest, replica.event_sequence)


def add_symbol(cluster):
    cluster.qb("symbol", "add", SYMBOL, "--tick-size", "0.01", "--lot-size", "1")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, recording):
    """The replay on a cluster that nothing happens to."""
    flow = recording(FLOW)
    directory = tmp_path_factory.mktemp("undisturbed")
    with Cluster(directory / "cluster") as cluster:
        cluster.start()
        add_symbol(cluster)
        cluster.qb(*replay_arguments(flow, directory))
        return read_replay(cluster, directory)


def groups_of(rows):
    """The fills of each incoming order, as [(maker, price, quantity), ...] by its id."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["taker_id"]].append((row["maker_id"], row["price"], row["quantity"]))
    return groups


def test_every_command_is_answered(undisturbed, recording):
    with open(recording(FLOW), encoding="ascii") as flow:
        commands = sum(1 for _ in flow) - 1
    report = undisturbed.report
    assert report["commands"] == commands
    assert report["accepted"] + report["rejected"] == commands
    rows = list(csv.DictReader(undisturbed.fills.splitlines()))
    assert report["fills"] == len(rows) > 0
    assert report["filled_quantity"] == sum(int(row["quantity"]) for row in rows)


def test_fills_are_those_that_the_market_recorded(undisturbed, recording):
    """Of the incoming orders that touch no synthetic order, at least 99 % fill against the recorded
    resting orders, in the recorded order."""
    with open(recording(EXPECTED), encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    unclean = {row["taker_id"] for row in rows if row["clean"] != "1"}
    expected = {taker: fills for taker, fills in groups_of(rows).items() if taker not in unclean}
    assert len(expected) > 1000
    actual = groups_of(csv.DictReader(undisturbed.fills.splitlines()))
    identical = sum(actual.get(taker) == fills for taker, fills in expected.items())
    print(f"{identical} of {len(expected)} incoming orders filled as recorded")
    assert identical >= 0.99 * len(expected)


def test_leaders_die_and_nothing_is_lost_or_doubled(make_cluster, recording, undisturbed, tmp_path):
    flow = recording(FLOW)
    cluster = make_cluster()
    cluster.start()
    add_symbol(cluster)
    log = tmp_path / "replay.log"
    replay = cluster.spawn_qb(*replay_arguments(flow, tmp_path), log=log)

    def events():
        replicas = [cluster.replica(n) for n in cluster.running()]
        return max((replica.event_sequence for replica in replicas if replica), default=0)

    def events_reach(number):
        assert replay.poll() is None, f"the replay is over already:\n{log.read_text()}"
        return events() >= number

    for part in (0.2, 0.5):
        wait_until(lambda: events_reach(part * undisturbed.events), f"{part} of the replay is done")
        dead = cluster.leader()
        killed = time.monotonic()
        cluster.kill(dead)
        seen = events()
        wait_until(lambda: events() > seen, "trading goes on")
        print(f"leader {dead} killed; without service for {time.monotonic() - killed:.3f} s")
        cluster.spawn(dead)
        wait_until(lambda: cluster.replica(dead), f"node {dead} answers again")

    assert replay.wait(timeout=600) == 0, log.read_text()
    disturbed = read_replay(cluster, tmp_path)
    assert disturbed.fills == undisturbed.fills
    assert disturbed.market_digest == undisturbed.market_digest
    assert disturbed.events == undisturbed.events
    for key in ("commands", "accepted", "rejected", "fills", "filled_quantity"):
        assert disturbed.report[key] == undisturbed.report[key]


@pytest.mark.parametrize("levels, checks", [(5, 150_000), (1, 50_000)])
def test_lobster_recording(cluster, recording, tmp_path, levels, checks):
    files = recording(f"LOBSTER_SampleFile_AMZN_2012-06-21_{levels}.zip")
    [messages] = files.glob("*_message_*.csv")
    [books] = files.glob("*_orderbook_*.csv")
    add_symbol(cluster)
    cluster.qb(
        "replay", "--format", "lobster", "--messages", messages, "--orderbook", books,
        "--symbol", SYMBOL, "--report", tmp_path / "report.json",
    )  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())
    print({key: report[key] for key in report if key.startswith(("book_", "ioc_"))})
    assert report["book_checks"] >= checks
    assert report["book_inner_mismatches"] == 0
    assert report["ioc_groups"] > 0
    assert report["ioc_fills_identical"] >= 0.99 * report["ioc_groups"]
    cluster.wait_caught_up()
