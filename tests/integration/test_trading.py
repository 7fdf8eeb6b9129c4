"""A trader's day with qb: symbols, orders, what the market looks like, and the cluster under it."""

import json
import subprocess
import zlib

import grpc
import pytest

from cluster import Cluster, QbError

REJECTED = 1
UNAVAILABLE = 2
USAGE = 64


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One cluster for the tests of this file; each trades a symbol of its own."""
    with Cluster(tmp_path_factory.mktemp("trading") / "cluster") as running:
        running.start()
        yield running


@pytest.fixture
def symbol(cluster, request):
    name = f"S{zlib.crc32(request.node.name.encode())}"
    cluster.qb("symbol", "add", name, "--tick-size", "0.05", "--lot-size", "10")
    return name


def submit(cluster, *order):
    """Sends an order with an id of its own and returns (id, its reports)."""
    result = cluster.qb("order", "submit", *order)
    assert result["result"] == "accepted"
    return result["client_order_id"], result["reports"]


def order(cluster, symbol, order_id):
    return cluster.qb("order", "status", symbol, order_id)


def fails(cluster, *arguments):
    """Runs qb, which must fail; returns (exit code, what it says)."""
    done = cluster.run_qb(*arguments, output="table")
    assert done.returncode != 0, done.stdout
    return done.returncode, done.stdout + done.stderr


def test_symbols(cluster):
    added = cluster.qb("symbol", "add", "ALPHA", "--tick-size", "0.01", "--lot-size", "1")
    again = cluster.qb("symbol", "add", "ALPHA", "--tick-size", "0.01", "--lot-size", "1")
    assert added == again
    listed = cluster.qb("symbol", "list")["symbols"]
    assert added in listed
    assert (added["tick_size"], added["lot_size"]) == ("0.01", "1")
    code, said = fails(cluster, "symbol", "add", "ALPHA", "--tick-size", "1", "--lot-size", "1")
    assert code == REJECTED and "ALPHA" in said


def test_orders_rest_match_and_leave_the_book(cluster, symbol):
    high, reports = submit(cluster, symbol, "sell", 100, "10.10")
    assert [report["exec_type"] for report in reports] == ["new"]
    low, _ = submit(cluster, symbol, "sell", 50, "10.05")
    late, _ = submit(cluster, symbol, "sell", 30, "10.05")

    taker, reports = submit(cluster, symbol, "buy", 120, "10.10")
    trades = [report for report in reports if report["exec_type"] == "trade"]
    assert [(trade["last_price"], trade["last_quantity"]) for trade in trades] == [
        ("10.05", "50"),  # best price first, then first come first served
        ("10.05", "30"),
        ("10.10", "40"),
    ]
    assert order(cluster, symbol, taker)["status"] == "filled"
    assert order(cluster, symbol, low)["status"] == "filled"
    assert order(cluster, symbol, late)["status"] == "filled"
    part = order(cluster, symbol, high)
    assert (part["status"], part["leaves_quantity"]) == ("partially_filled", "60")

    bid, _ = submit(cluster, symbol, "buy", 20, "9.95")
    book = cluster.qb("book", symbol)
    assert [(level["price"], level["quantity"]) for level in book["asks"]] == [("10.10", "60")]
    assert [(level["price"], level["quantity"]) for level in book["bids"]] == [("9.95", "20")]

    listed = cluster.qb("trades", symbol)["trades"]
    assert [(t["taker_side"], t["price"], t["quantity"]) for t in listed] == [
        ("buy", "10.05", "50"),
        ("buy", "10.05", "30"),
        ("buy", "10.10", "40"),
    ]
    summary = cluster.qb("summary", symbol)
    assert (summary["open"], summary["high"], summary["low"], summary["last"]) == (
        "10.05", "10.10", "10.05", "10.10",
    )  # fmt: skip
    assert (summary["volume"], summary["trades"]) == ("120", 3)
    assert summary["vwap"].startswith("10.0666")
    assert summary["best_bid"] == {"price": "9.95", "quantity": "20"}
    assert summary["best_ask"] == {"price": "10.10", "quantity": "60"}
    assert summary["spread"] == "0.15"

    for order_id in (high, bid):
        cluster.qb("order", "cancel", symbol, order_id)
        assert order(cluster, symbol, order_id)["status"] == "canceled"
    book = cluster.qb("book", symbol)
    assert (book["bids"], book["asks"]) == ([], [])


def test_times_in_force(cluster, symbol):
    submit(cluster, symbol, "sell", 50, "10.00")

    killed, reports = submit(cluster, symbol, "buy", 60, "10.00", "--tif", "fok")
    assert reports[-1]["reason"] == "not_fillable"
    assert order(cluster, symbol, killed)["cumulative_quantity"] == "0"

    filled, _ = submit(cluster, symbol, "buy", 10, "10.00", "--tif", "fok")
    assert order(cluster, symbol, filled)["status"] == "filled"

    part, reports = submit(cluster, symbol, "buy", 20, "9.95", "--tif", "ioc")
    assert reports[-1]["reason"] == "unfilled_remainder"
    assert order(cluster, symbol, part)["cumulative_quantity"] == "0"

    market, reports = submit(cluster, symbol, "buy", 100, "--type", "market")
    assert reports[-1]["reason"] == "unfilled_remainder"
    state = order(cluster, symbol, market)
    assert (state["status"], state["cumulative_quantity"]) == ("canceled", "40")
    assert cluster.qb("book", symbol)["asks"] == []


def test_reduce_keeps_priority_and_replace_up_loses_it(cluster, symbol):
    first, _ = submit(cluster, symbol, "sell", 50, "10.00")
    second, _ = submit(cluster, symbol, "sell", 50, "10.00")
    cluster.qb("order", "reduce", symbol, first, 40)
    submit(cluster, symbol, "buy", 10, "10.00")
    assert order(cluster, symbol, first)["status"] == "filled"
    assert order(cluster, symbol, second)["leaves_quantity"] == "50"

    third, _ = submit(cluster, symbol, "sell", 10, "10.00")
    cluster.qb("order", "replace", symbol, second, "--price", "10.00", "--quantity", 60)
    submit(cluster, symbol, "buy", 10, "10.00")
    assert order(cluster, symbol, third)["status"] == "filled"
    assert order(cluster, symbol, second)["leaves_quantity"] == "60"

    cluster.qb("order", "replace", symbol, second, "--price", "10.20", "--quantity", 60)
    [level] = cluster.qb("book", symbol)["asks"]
    assert (level["price"], level["quantity"]) == ("10.20", "60")


def test_what_happened_with_an_id_is_the_accounts_own(cluster, symbol):
    cluster.qb("--account", 5, "order", "submit", symbol, "buy", 10, "1.00", "--id", 77)
    cluster.qb("--account", 6, "order", "submit", symbol, "buy", 20, "1.00", "--id", 77)
    state = cluster.qb("--account", 6, "order", "status", symbol, 77)
    assert (state["account"], state["quantity"]) == (6, "20")
    code, said = fails(cluster, "--account", 7, "order", "status", symbol, 77)
    assert code == REJECTED and "77" in said


@pytest.mark.parametrize(
    "arguments, code, hint",
    [
        (["order", "submit", "{symbol}", "buy", "10", "1.03"], REJECTED, "1.05"),
        (["order", "submit", "{symbol}", "buy", "15", "1.00"], REJECTED, "20"),
        (["order", "submit", "{symbol}", "buy", "0", "1.00"], REJECTED, "quantity"),
        (["order", "submit", "{symbol}", "buy", "10", "0"], REJECTED, "price"),
        (["order", "submit", "{symbol}", "buy", "9" * 28, "1.00"], REJECTED, "quantity"),
        (["order", "submit", "{symbol}", "buy", "10", "9" * 28], REJECTED, "price"),
        (["order", "submit", "{symbol}", "buy", "--", "-10", "1.00"], USAGE, "-10"),
        (["order", "submit", "{symbol}", "buy", "ten", "1.00"], USAGE, "ten"),
        (["order", "submit", "{symbol}", "hold", "10", "1.00"], USAGE, "hold"),
        (["order", "submit", "{symbol}", "buy", "10"], USAGE, "price"),
        (["order", "submit", "NOSUCH", "buy", "10", "1.00"], REJECTED, "symbol list"),
        (["order", "cancel", "{symbol}", "123456789"], REJECTED, "123456789"),
        (["order", "status", "{symbol}", "123456789"], REJECTED, "123456789"),
        (["book", "NOSUCH"], REJECTED, "symbol list"),
        (["summary", "NOSUCH"], REJECTED, "symbol list"),
        (["symbol", "add", "two words", "--tick-size", "1", "--lot-size", "1"], REJECTED, "name"),
        (["symbol", "add", "X", "--tick-size", "0", "--lot-size", "1"], USAGE, "tick-size"),
        (["nonsense"], USAGE, "--help"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_an_error_says_what_to_do(cluster, symbol, arguments, code, hint):
    arguments = [argument.format(symbol=symbol) for argument in arguments]
    actual, said = fails(cluster, *arguments)
    assert hint in said
    assert actual == code, said
    assert cluster.qb("book", symbol)["bids"] == []


def test_duplicate_order_id(cluster, symbol):
    cluster.qb("order", "submit", symbol, "buy", 10, "1.00", "--id", 501)
    code, said = fails(cluster, "order", "submit", symbol, "buy", 10, "1.00", "--id", 501)
    assert code == REJECTED and "another" in said
    cluster.qb("order", "cancel", symbol, 501)
    code, said = fails(cluster, "order", "cancel", symbol, 501)
    assert code == REJECTED and "too late" in said


def test_cluster_commands(cluster):
    assert cluster.qb("cluster", "wait")["ready"]
    status = cluster.qb("cluster", "status", "--digests")
    assert status["available"] and status["complete"] and status["digests"]["equal"]
    leader = cluster.leader()
    roles = {node["id"]: node["replicas"][0]["role"] for node in status["nodes"]}
    assert roles[leader] == "leader" and sorted(roles) == [1, 2, 3]
    target = cluster.followers()[0]
    cluster.qb("cluster", "transfer", "--shard", 1, "--to", target)
    cluster.qb("cluster", "wait")
    assert cluster.leader() == target


def test_any_node_will_do(cluster, symbol):
    """qb finds the leader from whichever node it is pointed at."""
    for node in cluster.nodes.values():
        command = cluster.qb_command("order", "submit", symbol, "buy", 10, "1.00")
        command[command.index(cluster.endpoints)] = node.client
        subprocess.run(command, check=True, capture_output=True)
    assert cluster.qb("book", symbol)["bids"][0]["orders"] == 3


def test_tables_are_for_people(cluster, symbol):
    submit(cluster, symbol, "buy", 10, "1.00")
    for arguments in (["book", symbol], ["symbol", "list"], ["cluster", "status"]):
        done = cluster.run_qb(*arguments, output="table")
        assert done.returncode == 0
        assert not done.stdout.lstrip().startswith("{")
    assert "1.00" in cluster.run_qb("book", symbol, output="table").stdout


def test_no_cluster_at_all(cluster):
    command = cluster.qb_command("--timeout", "500ms", "cluster", "wait")
    command[command.index(cluster.endpoints)] = "127.0.0.1:1"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == UNAVAILABLE
    assert "127.0.0.1:1" in done.stderr


# Recorded flow that is not as it should be.

HEADER = "ts_ns,op,order_id,side,price,quantity"


def replay(cluster, symbol, tmp_path, text):
    flow = tmp_path / "flow.csv"
    flow.write_text(text)
    report = tmp_path / "report.json"
    arguments = ["replay", "--format", "csv", "--file", flow, "--symbol", symbol]
    return cluster.run_qb(*arguments, "--report", report), report


@pytest.mark.parametrize(
    "row",
    [
        "3,add,3,buy,20",
        "3,add,3,buy,twenty,1",
        "3,frobnicate,3,buy,20,1",
        "3,add,3,both,20,1",
        "3,add,-3,buy,20,1",
        "3,add,3,buy,20,99999999999999999999999",
        "3,add,3,bu",
        "\x00\xff",
    ],
)
def test_a_malformed_row_is_named_and_what_was_read_before_counts(cluster, symbol, tmp_path, row):
    rows = [HEADER, "1,add,901,buy,20,1", "2,add,902,buy,21,1", row]
    done, report = replay(cluster, symbol, tmp_path, "\n".join(rows) + "\n")
    assert done.returncode == REJECTED, done.stderr
    assert f"{tmp_path / 'flow.csv'}:4:" in done.stderr
    counts = json.loads(report.read_text())
    assert (counts["commands"], counts["accepted"]) == (2, 2)
    assert len(cluster.qb("book", symbol)["bids"]) == 2
    for order_id in (901, 902):
        cluster.qb("order", "cancel", symbol, order_id)


def test_a_file_that_is_cut_off(cluster, symbol, tmp_path):
    text = f"{HEADER}\n1,add,911,buy,20,1\n2,add,912,buy,2"
    done, report = replay(cluster, symbol, tmp_path, text)
    assert done.returncode == REJECTED
    assert f"{tmp_path / 'flow.csv'}:3:" in done.stderr
    assert json.loads(report.read_text())["commands"] == 1


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n"])
def test_a_file_of_another_form(cluster, symbol, tmp_path, text):
    done, _ = replay(cluster, symbol, tmp_path, text)
    assert done.returncode != 0
    assert HEADER in done.stderr


def test_a_file_that_is_not_there(cluster, symbol, tmp_path):
    with pytest.raises(QbError) as error:
        cluster.qb(
            "replay", "--format", "csv", "--file", tmp_path / "none", "--symbol", symbol
        )
    assert str(tmp_path / "none") in error.value.stderr


# What general tools of gRPC ask, e.g. grpcurl and the probes of Kubernetes. The messages are those
# of grpc.health.v1 and grpc.reflection.v1alpha, in bytes: this needs no package for them.

SERVING = b"\x08\x01"  # status: 1
LIST_SERVICES = b"\x3a\x00"  # list_services: ""


def test_the_health_service_says_that_a_node_serves(cluster):
    for node in cluster.nodes.values():
        with grpc.insecure_channel(node.client) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert check(b"", timeout=10) == SERVING
            with pytest.raises(grpc.RpcError) as error:
                check(b"\x0a\x07nothing", timeout=10)  # service: "nothing"
            assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_names_the_services(cluster):
    with grpc.insecure_channel(cluster.nodes[1].client) as channel:
        ask = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        )
        (answer,) = ask(iter([LIST_SERVICES]), timeout=10)
    for service in ("Exchange", "MarketData", "Cluster"):
        assert f"quorumbook.v1.{service}".encode() in answer
