"""Each type of order and each of its terms, through qb, the daemon, the log and the engine."""

import zlib

import pytest

from cluster import Cluster, wait_until

REJECTED = 1


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One cluster for the tests of this file; each trades a symbol of its own."""
    with Cluster(tmp_path_factory.mktemp("types") / "cluster") as running:
        running.start()
        yield running


@pytest.fixture
def symbol(cluster, request):
    name = f"S{zlib.crc32(request.node.name.encode())}"
    sizes = ("--tick-size", "0.01", "--lot-size", "1", "--protection", "1.00")
    cluster.qb("symbol", "add", name, *sizes)
    return name


def submit(cluster, symbol, *order, account=1):
    """Sends an order, which is accepted, and returns (id, its reports)."""
    result = cluster.qb("--account", account, "order", "submit", symbol, *order)
    assert result["result"] == "accepted"
    return result["client_order_id"], result["reports"]


def rejected(cluster, *arguments):
    """The reason for which the order is refused."""
    done = cluster.run_qb("order", "submit", *arguments)
    assert done.returncode == REJECTED, done.stdout + done.stderr
    return done.stdout


def status(cluster, symbol, order_id, account=1):
    return cluster.qb("--account", account, "order", "status", symbol, order_id)


def levels(cluster, symbol, side):
    book = cluster.qb("book", symbol)
    return [(level["price"], level["quantity"]) for level in book[side]]


def kinds(reports):
    return [report["exec_type"] for report in reports]


def trade(cluster, symbol, price, quantity=1):
    """Makes a trade at `price` between two accounts that nobody else uses."""
    submit(cluster, symbol, "sell", quantity, price, account=8)
    submit(cluster, symbol, "buy", quantity, price, "--tif", "ioc", account=9)


def test_market_order_stops_at_its_protection(cluster, symbol):
    submit(cluster, symbol, "sell", 10, "10.00")
    submit(cluster, symbol, "sell", 10, "10.30")
    submit(cluster, symbol, "sell", 10, "11.50")
    order_id, reports = submit(
        cluster, symbol, "buy", 30, "--type", "market", "--protection", "0.50", account=2
    )
    assert kinds(reports) == ["new", "trade", "trade", "canceled"]
    assert reports[-1]["reason"] == "protection_reached"
    assert status(cluster, symbol, order_id, account=2)["cumulative_quantity"] == "20"
    assert levels(cluster, symbol, "asks") == [("11.50", "10")]


def test_post_only(cluster, symbol):
    submit(cluster, symbol, "sell", 10, "10.00")
    assert "would_trade" in rejected(cluster, symbol, "buy", 1, "10.00", "--post-only")
    order_id, _ = submit(cluster, symbol, "buy", 1, "9.99", "--post-only")
    assert status(cluster, symbol, order_id)["post_only"]


def test_good_till_date_expires_though_nobody_sends_anything(cluster, symbol):
    kept, _ = submit(cluster, symbol, "buy", 1, "10.00", "--tif", "gtd", "--expires", "60m")
    gone, _ = submit(cluster, symbol, "buy", 1, "10.00", "--tif", "gtd", "--expires", "2s")
    expires = status(cluster, symbol, gone)["expires"]
    state = wait_until(
        lambda: (s := status(cluster, symbol, gone))["status"] == "expired" and s, "it expires"
    )
    assert state["reason"] == "expired"
    assert state["changed"] >= expires
    assert status(cluster, symbol, kept)["status"] == "new"
    assert "expiry_passed" in rejected(
        cluster, symbol, "buy", 1, "10.00", "--tif", "gtd", "--expires", "2020-01-01T00:00:00Z"
    )


def test_day_order_ends_with_the_day(cluster, symbol):
    day, _ = submit(cluster, symbol, "buy", 1, "10.00", "--tif", "day")
    kept, _ = submit(cluster, symbol, "buy", 1, "10.00")
    cluster.qb("symbol", "phase", symbol, "closed")
    state = status(cluster, symbol, day)
    assert (state["status"], state["reason"]) == ("expired", "day_over")
    assert status(cluster, symbol, kept)["status"] == "new"


def test_iceberg_shows_a_part_and_goes_behind_when_it_shows_more(cluster, symbol):
    iceberg, _ = submit(cluster, symbol, "sell", 50, "10.00", "--display", 10)
    other, _ = submit(cluster, symbol, "sell", 5, "10.00")
    assert levels(cluster, symbol, "asks") == [("10.00", "15")]
    assert status(cluster, symbol, iceberg)["displayed_quantity"] == "10"
    submit(cluster, symbol, "buy", 10, "10.00", account=2)  # takes what is shown
    assert levels(cluster, symbol, "asks") == [("10.00", "15")]
    submit(cluster, symbol, "buy", 5, "10.00", account=2)
    assert status(cluster, symbol, other)["status"] == "filled"
    assert status(cluster, symbol, iceberg)["leaves_quantity"] == "40"
    assert "invalid_display" in rejected(cluster, symbol, "buy", 5, "9.00", "--display", 6)


def test_stop_order(cluster, symbol):
    trade(cluster, symbol, "10.00")
    submit(cluster, symbol, "buy", 5, "9.40")
    stop, reports = submit(
        cluster, symbol, "sell", 5, "--type", "stop", "--stop", "9.50", account=2
    )
    assert (reports[0]["working"], reports[0]["trigger_price"]) == (False, "9.50")
    assert levels(cluster, symbol, "asks") == []
    trade(cluster, symbol, "9.50")
    state = status(cluster, symbol, stop, account=2)
    assert (state["status"], state["cumulative_quantity"]) == ("filled", "5")
    assert "stop_triggered" in rejected(
        cluster, symbol, "sell", 5, "--type", "stop", "--stop", "9.60"
    )


def test_stop_limit_order_rests_at_its_limit(cluster, symbol):
    trade(cluster, symbol, "10.00")
    stop, _ = submit(
        cluster, symbol, "buy", 5, "10.60", "--type", "stop-limit", "--stop", "10.50", account=2
    )
    assert levels(cluster, symbol, "bids") == []
    trade(cluster, symbol, "10.50")
    assert levels(cluster, symbol, "bids") == [("10.60", "5")]
    assert status(cluster, symbol, stop, account=2)["working"]


def test_trailing_stop_follows_the_market(cluster, symbol):
    trade(cluster, symbol, "10.00")
    submit(cluster, symbol, "buy", 5, "9.00")
    stop, reports = submit(
        cluster, symbol, "sell", 5, "--type", "trailing-stop", "--trail", "0.50", account=2
    )
    assert reports[0]["trigger_price"] == "9.50"
    trade(cluster, symbol, "10.40")
    assert status(cluster, symbol, stop, account=2)["stop_price"] == "9.90"
    trade(cluster, symbol, "10.00")
    assert status(cluster, symbol, stop, account=2)["status"] == "new"
    trade(cluster, symbol, "9.90")
    assert status(cluster, symbol, stop, account=2)["status"] == "filled"


def test_minimum_quantity(cluster, symbol):
    submit(cluster, symbol, "sell", 10, "10.00")
    _, reports = submit(cluster, symbol, "buy", 30, "10.00", "--minimum", 20, account=2)
    assert reports[-1]["reason"] == "minimum_not_met"
    order_id, _ = submit(cluster, symbol, "buy", 30, "10.00", "--minimum", 10, account=2)
    assert status(cluster, symbol, order_id, account=2)["leaves_quantity"] == "20"


def test_all_or_none_waits_for_all(cluster, symbol):
    submit(cluster, symbol, "sell", 10, "10.00")
    order_id, reports = submit(cluster, symbol, "buy", 15, "10.00", "--all-or-none", account=2)
    assert not reports[0]["working"]
    assert levels(cluster, symbol, "bids") == []
    submit(cluster, symbol, "sell", 5, "10.00")
    assert status(cluster, symbol, order_id, account=2)["status"] == "filled"
    assert levels(cluster, symbol, "asks") == []


@pytest.mark.parametrize(
    "mode, maker, taker",
    [
        ("allow", "filled", "filled"),
        ("cancel-taker", "new", "canceled"),
        ("cancel-maker", "canceled", "new"),
        ("cancel-both", "canceled", "canceled"),
        ("decrement", "canceled", "canceled"),
    ],
)
def test_self_trade_prevention(cluster, symbol, mode, maker, taker):
    resting, _ = submit(cluster, symbol, "sell", 5, "10.00")
    incoming, _ = submit(cluster, symbol, "buy", 5, "10.00", "--stp", mode)
    assert status(cluster, symbol, resting)["status"] == maker
    assert status(cluster, symbol, incoming)["status"] == taker


def test_replace_and_list_and_mass_cancel(cluster, symbol):
    first, _ = submit(cluster, symbol, "buy", 5, "10.00", account=3)
    second, _ = submit(cluster, symbol, "sell", 5, "11.00", account=3)
    submit(cluster, symbol, "buy", 7, "10.00", account=4)
    cluster.qb(
        "--account", 3, "order", "replace", symbol, first, "--price", "10.10", "--quantity", 6
    )
    listed = cluster.qb("--account", 3, "order", "list", "--symbol", symbol)["orders"]
    assert [(o["client_order_id"], o["price"]) for o in listed] == [
        (first, "10.10"), (second, "11.00"),
    ]  # fmt: skip
    done = cluster.qb(
        "--account", 3, "order", "mass-cancel", "--symbol", symbol, "--side", "buy"
    )
    assert done["canceled"] == 1
    state = status(cluster, symbol, first, account=3)
    assert (state["status"], state["reason"]) == ("canceled", "mass_canceled")
    assert cluster.qb("--account", 3, "order", "mass-cancel")["canceled"] == 1
    assert cluster.qb("--account", 3, "order", "list")["orders"] == []
    assert levels(cluster, symbol, "bids") == [("10.00", "7")]
