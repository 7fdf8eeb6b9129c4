"""Orders and operations over HTTP: entered once, refused with a reason, bounded, told of."""

import pytest

import rpc
from cluster import wait_until
from web import SETTINGS, TOKEN, web


def follower(cluster):
    return cluster.followers()[0]


# Orders.


def order(**changes):
    usual = {"symbol": "DEMO", "account": 7, "side": "buy", "quantity": "5", "price": "9.00"}
    return {**usual, **changes}


def test_an_order_at_any_node(serving):
    for n in serving.nodes:
        number = str(1000 + n)
        entered = web(serving, n).post("/api/orders", order(client_order_id=number))
        assert entered.status == 200, entered.text
        assert entered.json["status"] == "new"
        assert entered.json["client_order_id"] == number
        assert entered.json["leaves_quantity"] == "5"
        again = web(serving, n).post("/api/orders", order(client_order_id=number))
        assert again.status == 422
        assert again.json["client_order_id"] == number
        assert again.json["reason"] == "duplicate_client_order_id"

        def mine(node=web(serving, n), number=number):
            orders = node.ask("GET", "/api/orders?account=7", token=TOKEN).json["orders"]
            return [one for one in orders if one["client_order_id"] == number]

        wait_until(mine, "the node has executed the order")
        assert mine()[0]["price"] == "9.00"
        query = f"symbol=DEMO&account=7&client_order_id={number}"
        gone = web(serving, n).delete(f"/api/orders?{query}")
        assert gone.json["status"] == "canceled"
        assert web(serving, n).delete(f"/api/orders?{query}").json["reason"] == "order_finished"


def test_an_order_that_trades(serving):
    result = web(serving).post("/api/orders", order(account=8, price="10.02", quantity="10"))
    assert result.json["status"] == "filled"
    assert result.json["cumulative_quantity"] == "10"
    trade = [report for report in result.json["reports"] if report["exec_type"] == "trade"]
    assert trade[0]["last_price"] == "10.02"
    rest = order(account=8, side="sell", price="10.02", quantity="10")
    back = web(serving).post("/api/orders", rest)
    assert back.json["status"] == "new"


@pytest.mark.parametrize(
    "changes, hint",
    [
        ({"price": "9.005"}, "the nearest are 9.00 and 9.01"),
        ({"quantity": "1.5"}, "the nearest are 1 and 2"),
        ({"price": "-1"}, "negative"),
        ({"quantity": 5}, "string"),
        ({"side": "both"}, "side"),
        ({"account": 0}, "account"),
        ({"account": "7"}, "account"),
        ({"account": 2**53}, "to 2^53 - 1"),
        ({"type": "stop"}, "type"),
        ({"type": "market"}, "no price"),
        ({"protection": "0.05"}, "a limit order has no protection"),
        ({"type": "market", "price": None, "protection": 5}, "protection is no string"),
        ({"type": "market", "price": None, "protection": "0.005"}, "the smallest is 0.01"),
        ({"time_in_force": "forever"}, "time_in_force"),
        ({"post_only": "yes"}, "post_only"),
        ({"client_order_id": "0"}, "client_order_id"),
        ({"client_order_id": 5}, "client_order_id"),
        ({"time_in_forse": "ioc"}, "'time_in_forse' is no field"),
        ({"Symbol": "DEMO"}, "'Symbol' is no field"),
    ],
)
def test_wrong_orders(serving, changes, hint):
    body = {key: value for key, value in order(**changes).items() if value is not None}
    problem = web(serving).problem("POST", "/api/orders", 400, "bad_request", body, TOKEN)
    assert hint in problem["detail"]


def test_a_market_order_that_is_paid_for_has_a_bound(make_cluster):
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    for asset in ("COIN", "USD"):
        cluster.qb("asset", "add", asset, "--decimals", "2")
        for account in (7, 8):
            cluster.qb("--account", account, "account", "deposit", asset, "1000")
    sizes = ("--tick-size", "0.01", "--lot-size", "1")
    cluster.qb("symbol", "add", "COIN-USD", *sizes, "--base", "COIN", "--quote", "USD")
    for price in ("10.00", "10.05", "10.06"):
        sell = order(symbol="COIN-USD", account=8, side="sell", price=price)
        assert web(cluster).post("/api/orders", sell).status == 200
    buy = {"symbol": "COIN-USD", "account": 7, "side": "buy", "type": "market", "quantity": "15"}
    refused = web(cluster).problem("POST", "/api/orders", 422, "rejected", buy, TOKEN)
    assert refused["reason"] == "no_protection" and "a protection" in refused["hint"]
    done = web(cluster).post("/api/orders", {**buy, "protection": "0.05"}).json
    assert (done["status"], done["cumulative_quantity"]) == ("canceled", "10")
    prices = [one["last_price"] for one in done["reports"] if one["exec_type"] == "trade"]
    assert prices == ["10.00", "10.05"]


def test_orders_that_can_not_be_meant(serving):
    node = web(serving)
    node.problem("POST", "/api/orders", 404, "unknown_symbol", order(symbol="NOPE"), TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for body in ("", "[]", "{", '"x"'):
        assert node.raw("POST", "/api/orders", body, headers).json["code"] == "bad_request"
    headers["Content-Type"] = "text/plain"
    assert node.raw("POST", "/api/orders", "{}", headers).status == 415
    query = "symbol=DEMO&account=7"
    node.problem("DELETE", f"/api/orders?{query}", 400, "bad_request", token=TOKEN)
    node.problem("GET", "/api/orders", 400, "bad_request", token=TOKEN)
    beyond = f"account={2**53}"  # what a reader of JSON makes of 2^53 + 1
    node.problem("GET", f"/api/orders?{beyond}", 400, "bad_request", token=TOKEN)
    query_beyond = f"/api/orders?symbol=DEMO&{beyond}&client_order_id=1"
    node.problem("DELETE", query_beyond, 400, "bad_request", token=TOKEN)
    rejected = node.problem(
        "DELETE", f"/api/orders?{query}&client_order_id=99", 422, "rejected", token=TOKEN
    )
    assert rejected["reason"] == "unknown_order"


def test_open_orders_are_listed_whole(make_cluster):
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    for symbol in ("A", "B"):
        cluster.qb("symbol", "add", symbol, "--tick-size", "1", "--lot-size", "1")
    session = cluster.session(account=5)
    for first in range(1, 1002, 200):
        numbers = range(first, min(first + 200, 1002))
        session.execute(*[rpc.buy("A", number, 1 + number % 50, 1) for number in numbers])
    session.execute(rpc.buy("B", 5000, 1, 1))
    node = web(cluster)

    def get(query):
        answer = node.ask("GET", f"/api/orders?account=5{query}", token=TOKEN)
        assert answer.status == 200, answer.text
        return answer.json

    def ids(page):
        return [order["client_order_id"] for order in page["orders"]]

    assert ids(get("&symbol=B")) == ["5000"], "those of A do not stand in its way"
    assert get("&symbol=B")["next"] is None
    first = get("")
    assert len(first["orders"]) == 1000
    rest = get(f"&after={first['next']}")
    assert rest["next"] is None
    assert ids(first) + ids(rest) == [str(number) for number in (*range(1, 1002), 5000)]
    of_a = get("&symbol=A")
    assert ids(get(f"&symbol=A&after={of_a['next']}")) == ["1001"]
    node.problem("GET", "/api/orders?account=5&symbol=C", 404, "unknown_symbol", token=TOKEN)
    node.problem("GET", "/api/orders?account=5&after=1001", 400, "bad_request", token=TOKEN)


def test_changes_need_the_token(serving):
    node = web(serving)
    for method, path in (
        ("POST", "/api/orders"),
        ("DELETE", "/api/orders"),
        ("GET", "/api/orders"),
        ("POST", "/api/admin/transfer-leadership"),
        ("POST", "/api/admin/add-node"),
        ("POST", "/api/admin/remove-node"),
    ):
        body = {} if method == "POST" else None
        node.problem(method, path, 401, "token_required", body)
        node.problem(method, path, 401, "wrong_token", body, token="integration-tokem")


# Operators.


def kinds(node):
    return [event["kind"] for event in node.get("/api/events")["events"]]


def test_leadership_is_handed_over(serving):
    target = follower(serving)
    answer = web(serving, follower(serving)).post(
        "/api/admin/transfer-leadership", {"shard": 1, "target": target}
    )
    assert (answer.status, answer.json) == (200, {"shard": 1, "leader": target}), answer.text
    for n in serving.nodes:
        wait_until(
            lambda n=n: web(serving, n).get("/api/shards")["shards"][0]["leader"] == target,
            f"node {n} shows the new leader",
        )
        wait_until(lambda n=n: "leader_changed" in kinds(web(serving, n)), "and tells of it")
        assert web(serving, n).get("/api/raft")["elections"][0]["leader"] == target


def test_wrong_operations(serving):
    node = web(serving)
    transfer = "/api/admin/transfer-leadership"
    node.problem("POST", transfer, 404, "unknown_shard", {"shard": 9}, TOKEN)
    for body in ({}, {"shard": "1"}, {"shard": 1, "target": -1}):
        node.problem("POST", transfer, 400, "bad_request", body, TOKEN)
    node.problem("POST", transfer, 409, "refused", {"shard": 1, "target": 6}, TOKEN)
    for path in ("/api/admin/add-node", "/api/admin/remove-node"):
        for body in ({}, {"node": 0}, {"node": 1, "shards": [9]}, {"node": 1, "shards": 1},
                     {"node": 2, "shard": [1]}):
            node.problem("POST", path, 400, "bad_request", body, TOKEN)
    typo = node.problem("POST", transfer, 400, "bad_request", {"shard": 1, "to": 2}, TOKEN)
    assert "'to'" in typo["detail"] and "target" in typo["hint"]
    unknown = node.post("/api/admin/add-node", {"node": 6})
    assert unknown.status == 409
    assert unknown.json["shards"][0]["ok"] is False
    member = node.post("/api/admin/add-node", {"node": 2})
    assert member.json["shards"][0] == {**member.json["shards"][0], "ok": True}, "it is one already"


def test_traders_are_no_operators(make_cluster):
    operators = "integration-operators"
    settings = {"http": {**SETTINGS["http"], "operator_token": operators}}
    cluster = make_cluster(nodes=1, settings=settings)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    node = web(cluster)
    for path in ("transfer-leadership", "add-node", "remove-node"):
        refused = node.problem("POST", f"/api/admin/{path}", 403, "wrong_role", {}, TOKEN)
        assert "http.operator_token" in refused["hint"]
        node.problem("POST", f"/api/admin/{path}", 400, "bad_request", {}, operators)
    assert node.post("/api/admin/add-node", {"node": 1}, operators).status == 200
    for method in ("GET", "POST", "DELETE"):
        body = {} if method == "POST" else None
        node.problem(method, "/api/orders", 403, "wrong_role", body, operators)
    assert node.post("/api/orders", order()).status == 200
    secret = {key["key"]: key for key in node.get("/api/config")["keys"]}["http.operator_token"]
    assert (secret["value"], secret["secret"]) == ("***", True)
    assert operators not in node.ask("GET", "/api/config").text


def test_a_node_is_removed(make_cluster):
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    leader = cluster.leader()
    removed = cluster.followers()[0]
    node = web(cluster, leader)
    wait_until(lambda: node.get("/api/health")["verdict"] == "healthy", "it knows all members")
    answer = node.post("/api/admin/remove-node", {"node": removed})
    assert answer.status == 200, answer.text
    (shard,) = answer.json["shards"]
    assert shard["ok"] is True
    wait_until(
        lambda: removed not in node.get("/api/shards")["shards"][0]["voters"], "it is no voter"
    )
    told = [event for event in node.get("/api/events")["events"] if event["kind"] == "admin"]
    assert told[0]["message"] == f"node {removed} removed, by HTTP"

    def changed():
        events = node.get("/api/events")["events"]
        return [event for event in events if event["kind"] == "membership_changed"]

    latest = wait_until(changed, "the change of members is told of")[0]["message"]
    left = [n for n in cluster.nodes if n != removed]
    assert latest == "members of shard 1: " + ", ".join(f"node {n}" for n in left)
    refused = node.post("/api/admin/add-node", {"node": 6})
    assert refused.status == 409
    told = [event for event in node.get("/api/events")["events"] if event["kind"] == "admin"]
    assert told[0]["severity"] == "warning" and "refused" in told[0]["message"]
