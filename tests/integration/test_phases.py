"""A symbol's day: orders are collected, an auction, trading, a halt, the close, the end."""

import json
from decimal import Decimal

import pytest

from cluster import Cluster

REJECTED = 1


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("phases") / "cluster") as running:
        running.start()
        yield running


def add(cluster, name, *options):
    sizes = ("--tick-size", "0.01", "--lot-size", "1")
    return cluster.qb("symbol", "add", name, *sizes, *options)


def submit(cluster, account, *order):
    return cluster.qb("--account", account, "order", "submit", *order)["client_order_id"]


def reason(cluster, *arguments):
    """Why the exchange refuses a command."""
    done = cluster.run_qb(*arguments)
    assert done.returncode == REJECTED, done.stdout + done.stderr
    return json.loads(done.stdout)["reports"][0]["reason"]


def phase(cluster, name):
    [symbol] = [s for s in cluster.qb("symbol", "list")["symbols"] if s["name"] == name]
    return symbol


def test_a_day(cluster):
    assert add(cluster, "DAY", "--phase", "pre-open")["phase"] == "pre_open"
    submit(cluster, 1, "DAY", "buy", 10, "10.05")
    submit(cluster, 2, "DAY", "sell", 6, "9.95")
    low = submit(cluster, 3, "DAY", "sell", 10, "10.00")
    assert cluster.qb("trades", "DAY")["trades"] == []
    book = cluster.qb("book", "DAY")
    best = [Decimal(book[side][0]["price"]) for side in ("bids", "asks")]
    assert best[0] > best[1]  # collected, not traded

    cluster.qb("symbol", "phase", "DAY", "opening-auction", "--reference-price", "10.00")
    auction = phase(cluster, "DAY")["auction"]
    assert auction["volume"] == "10"
    price = auction["price"]

    cluster.qb("symbol", "resume", "DAY")
    trades = cluster.qb("trades", "DAY")["trades"]
    assert {trade["price"] for trade in trades} == {price}
    assert sum(int(trade["quantity"]) for trade in trades) == 10
    left = cluster.qb("--account", 3, "order", "status", "DAY", low)
    assert left["cumulative_quantity"] == "4"  # after the better-priced six
    assert phase(cluster, "DAY")["phase"] == "continuous"
    assert phase(cluster, "DAY")["auction"] is None

    cluster.qb("symbol", "halt", "DAY")
    assert reason(cluster, "order", "submit", "DAY", "buy", "1", "9.00") == "wrong_phase"
    assert cluster.qb("--account", 3, "order", "cancel", "DAY", low)["result"] == "accepted"
    cluster.qb("symbol", "resume", "DAY")
    assert reason(cluster, "symbol", "resume", "DAY") == "phase_unchanged"

    last = submit(cluster, 1, "DAY", "buy", 1, "9.00", "--tif", "day")
    cluster.qb("symbol", "phase", "DAY", "closing-auction")
    cluster.qb("symbol", "phase", "DAY", "closed")
    assert cluster.qb("order", "status", "DAY", last)["status"] == "expired"
    assert cluster.qb("candles", "DAY")["candles"][-1]["trades"] == len(trades)


def test_price_bands(cluster):
    add(cluster, "BAND", "--static-band-bp", 1000)
    cluster.qb("symbol", "halt", "BAND")
    cluster.qb("symbol", "phase", "BAND", "continuous", "--reference-price", "10.00")
    assert phase(cluster, "BAND")["reference_price"] == "10.00"
    submit(cluster, 1, "BAND", "buy", 1, "9.00")
    outside = ("order", "submit", "BAND", "buy", "1", "8.99")
    assert reason(cluster, *outside) == "price_outside_band"
    cluster.qb("symbol", "rules", "BAND", "--static-band-bp", 2000, "--max-quantity", 5)
    assert cluster.qb(*outside)["result"] == "accepted"
    assert reason(cluster, "order", "submit", "BAND", "buy", "6", "9.00") == "order_quantity_limit"
    assert phase(cluster, "BAND")["rules"]["max_quantity"] == "5"


def test_delisting(cluster):
    add(cluster, "GONE")
    order = submit(cluster, 1, "GONE", "buy", 1, "9.00")
    cluster.qb("symbol", "delist", "GONE")
    assert cluster.qb("order", "status", "GONE", order)["reason"] == "delisted"
    assert phase(cluster, "GONE")["delisted"]
    assert reason(cluster, "order", "submit", "GONE", "buy", "1", "9.00") == "symbol_delisted"


def test_phases_survive_the_leader(cluster):
    add(cluster, "KEPT", "--phase", "pre-open", "--maker-fee-bp", 5)
    submit(cluster, 1, "KEPT", "buy", 5, "10.00")
    submit(cluster, 2, "KEPT", "sell", 5, "10.00")
    leader = cluster.leader()
    cluster.kill(leader)
    assert phase(cluster, "KEPT")["phase"] == "pre_open"
    assert phase(cluster, "KEPT")["rules"]["maker_fee_bp"] == 5
    cluster.qb("symbol", "resume", "KEPT")
    assert len(cluster.qb("trades", "KEPT")["trades"]) == 1
    cluster.start(leader)
    cluster.wait_caught_up()
