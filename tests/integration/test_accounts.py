"""Assets, balances, fees and limits: nothing is made and nothing is lost."""

import json
from decimal import Decimal

import pytest

from cluster import Cluster

REJECTED = 1
ACCOUNTS = (1, 2, 3)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("accounts") / "cluster") as running:
        running.start()
        running.qb("asset", "add", "BTC", "--decimals", 8)
        running.qb("asset", "add", "USD", "--decimals", 2)
        sizes = ("--tick-size", "0.01", "--lot-size", "1")
        assets = ("--base", "BTC", "--quote", "USD")
        fees = ("--maker-fee-bp", 10, "--taker-fee-bp", 20)
        running.qb("symbol", "add", "BTCUSD", *sizes, *assets, *fees)
        yield running


def reason(cluster, *arguments):
    done = cluster.run_qb(*arguments)
    assert done.returncode == REJECTED, done.stdout + done.stderr
    return json.loads(done.stdout)["reports"][0]["reason"]


def balances(cluster, account):
    [shard] = cluster.qb("--account", account, "account", "show")["shards"]
    return {b["asset"]: (Decimal(b["free"]), Decimal(b["held"])) for b in shard["balances"]}


def assert_conserved(cluster):
    """Of each asset: what accounts have, free and held, and fees are what was deposited."""
    have = {account: balances(cluster, account) for account in ACCOUNTS}
    for asset in cluster.qb("asset", "list")["assets"]:
        total = sum(sum(have[account].get(asset["name"], (0, 0))) for account in ACCOUNTS)
        assert total + Decimal(asset["fees"]) == Decimal(asset["deposited"]), asset


def test_money_moves_with_trades_and_none_is_lost(cluster):
    cluster.qb("--account", 1, "account", "deposit", "USD", "1000.00")
    cluster.qb("--account", 2, "account", "deposit", "BTC", "5")
    assert_conserved(cluster)

    bid = cluster.qb("--account", 1, "order", "submit", "BTCUSD", "buy", 3, "100.00")
    assert balances(cluster, 1)["USD"] == (Decimal("700.00"), Decimal("300.00"))
    assert_conserved(cluster)

    sold = cluster.qb("--account", 2, "order", "submit", "BTCUSD", "sell", 2, "100.00")
    trade = sold["reports"][1]
    assert (trade["last_quantity"], trade["fee"]) == ("2", "0.40")  # 20 bp of 200.00
    assert balances(cluster, 2)["USD"] == (Decimal("199.60"), 0)
    assert balances(cluster, 2)["BTC"] == (3, 0)
    assert balances(cluster, 1)["BTC"] == (Decimal("1.998"), 0)  # 10 bp of 2
    assert balances(cluster, 1)["USD"] == (Decimal("700.00"), Decimal("100.00"))
    assert_conserved(cluster)

    cluster.qb("--account", 1, "order", "cancel", "BTCUSD", bid["client_order_id"])
    assert balances(cluster, 1)["USD"] == (Decimal("800.00"), 0)
    cluster.qb("--account", 1, "account", "withdraw", "USD", "300.00")
    cluster.qb("account", "withdraw", "USD", "0.40", "--fees")
    fees = {asset["name"]: asset["fees"] for asset in cluster.qb("asset", "list")["assets"]}
    assert (fees["USD"], fees["BTC"]) == ("0.00", "0.00200000")
    assert_conserved(cluster)

    leader = cluster.leader()
    cluster.kill(leader)
    assert_conserved(cluster)
    cluster.start(leader)
    cluster.wait_caught_up()


def test_what_is_not_there_can_not_be_spent(cluster):
    poor = ("--account", 3)
    assert reason(cluster, *poor, "order", "submit", "BTCUSD", "buy", "1", "100.00") in (
        "insufficient_balance", "unknown_account",
    )  # fmt: skip
    cluster.qb(*poor, "account", "deposit", "USD", "50.00")
    order = (*poor, "order", "submit", "BTCUSD", "buy", "1", "50.01")
    assert reason(cluster, *order) == "insufficient_balance"
    withdraw = (*poor, "account", "withdraw", "USD", "50.01")
    assert reason(cluster, *withdraw) == "insufficient_balance"
    done = cluster.run_qb(*poor, "account", "deposit", "EUR", "1", output="table")
    assert done.returncode == REJECTED and "asset list" in done.stderr
    assert_conserved(cluster)


def test_limits_and_kill_switch(cluster):
    account = ("--account", 3)
    cluster.qb(*account, "account", "deposit", "USD", "1000.00")
    cluster.qb(
        *account, "account", "limits", "--max-order-quantity", 4, "--max-notional", 30000,
        "--max-open-orders", 1,
    )  # fmt: skip
    submit = (*account, "order", "submit", "BTCUSD", "buy")
    assert reason(cluster, *submit, "5", "1.00") == "order_quantity_limit"
    assert reason(cluster, *submit, "4", "90.00") == "notional_limit"
    cluster.qb(*submit, "1", "90.00")
    assert reason(cluster, *submit, "1", "90.00") == "open_order_limit"
    cluster.qb(*account, "account", "limits")  # none
    cluster.qb(*account, "account", "position-limit", "BTC", "2")
    assert reason(cluster, *submit, "2", "90.00") == "position_limit"  # one is bid for already
    cluster.qb(*account, "account", "position-limit", "BTC", "0")

    cluster.qb(*account, "account", "kill-switch", "on")
    assert cluster.qb(*account, "order", "list")["orders"] == []
    assert reason(cluster, *submit, "1", "90.00") == "account_blocked"
    [shard] = cluster.qb(*account, "account", "show")["shards"]
    assert shard["kill_switch"] and shard["open_orders"] == 0
    cluster.qb(*account, "account", "kill-switch", "off")
    cluster.qb(*submit, "1", "90.00")
    assert_conserved(cluster)
