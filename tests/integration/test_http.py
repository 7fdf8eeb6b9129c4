"""REST, probes and metrics of a live cluster: every endpoint of openapi.json, good and bad."""

import json
import re
import shutil
import socket
import subprocess

import pytest

from cluster import Cluster, wait_until
from web import OPENAPI, ROOT, TOKEN, Web

SETTINGS = {"http": {"token": TOKEN}}


@pytest.fixture(name="serving", scope="module")
def serving_fixture(tmp_path_factory):
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


def web(cluster, n=1):
    return Web(cluster.nodes[n].http)


def follower(cluster):
    return cluster.followers()[0]


def wait_book(node, condition, what):
    return wait_until(lambda: condition(node.get("/api/book/DEMO")), what)


# The cluster.


def test_health_is_a_sentence(serving):
    for n in serving.nodes:
        health = web(serving, n).get("/api/health")
        assert health["sentence"] == "Healthy: 3 of 3 voters, can lose 1 node"
        assert health["node"] == n
        assert health["unreachable"] == []


def sequences(node):
    replicas = node.get("/api/shards")["shards"][0]["replicas"]
    return {replica["event_sequence"] for replica in replicas}


def test_every_node_shows_the_whole_cluster(serving):
    leader = serving.leader()
    for n in serving.nodes:
        nodes = wait_until(  # what it knows is up to a second old
            lambda n=n: (found := web(serving, n).get("/api/nodes")["nodes"])
            and all(node["reachable"] and node["ready"] for node in found)
            and any(node["leads_shards"] == [1] for node in found)
            and found,
            "every node is ready",
        )
        assert [node["node"] for node in nodes] == [1, 2, 3]
        assert [node["is_self"] for node in nodes] == [node == n for node in (1, 2, 3)]
        assert [node["node"] for node in nodes if node["leads_shards"] == [1]] == [leader]
        assert {node["http_address"] for node in nodes} == {
            other.http for other in serving.nodes.values()
        }
        shards = web(serving, n).get("/api/shards")["shards"]
        assert shards[0]["leader"] == leader
        assert shards[0]["voters"] == [1, 2, 3]
        assert {replica["role"] for replica in shards[0]["replicas"]} == {"leader", "follower"}
        wait_until(lambda n=n: len(sequences(web(serving, n))) == 1, "the same events everywhere")


def test_summary_raft_and_storage(serving):
    summary = wait_until(
        lambda: (s := web(serving).get("/api/summary"))["figures"]["open_orders"] == 4 and s,
        "samples from after the last order",
    )
    assert summary["figures"]["nodes_reachable"] == 3
    assert summary["figures"]["symbols"] == 2
    raft = wait_until(
        lambda: (r := web(serving).get("/api/raft"))
        and all(trip["seconds"] is not None for trip in r["round_trips"])
        and r,
        "every round trip was measured",
    )
    assert [stage["stage"] for stage in raft["shards"][0]["stages"]] == [
        "queue", "append", "sync", "replicate", "commit", "apply", "acknowledge",
    ]
    assert {(trip["from"], trip["to"]) for trip in raft["round_trips"]} == {
        (a, b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b
    }
    assert all(trip["seconds"] > 0 for trip in raft["round_trips"])
    assert raft["elections"][0]["leader"] == serving.leader()
    storage = web(serving).get("/api/storage")["nodes"]
    assert all(node["disk_free_bytes"] > 0 and node["disk_bytes"] > 0 for node in storage)


def test_timeseries(serving):
    every = web(serving).get("/api/timeseries")
    documented = re.findall(r"`(\w+)`", (ROOT / "docs/http.md").read_text().split("### Series")[1])
    names = [series["name"] for series in every["series"]]
    assert set(names) - set(documented) == set(), "each series is documented"
    chosen = web(serving).get("/api/timeseries?series=cpu_ratio,open_orders&nodes=2")
    assert [series["name"] for series in chosen["series"]] == ["open_orders", "cpu_ratio"] or [
        series["name"] for series in chosen["series"]
    ] == ["cpu_ratio", "open_orders"]
    assert [node["node"] for node in chosen["nodes"]] == [2]
    values = chosen["nodes"][0]["values"]["cpu_ratio"]
    assert len(values) == len(chosen["times_ms"]) > 0
    last = chosen["times_ms"][-1]
    later = wait_until(
        lambda: web(serving).get(f"/api/timeseries?since_ms={last}")["times_ms"], "another point"
    )
    assert min(later) > last
    web(serving).problem("GET", "/api/timeseries?series=nothing", 400, "bad_request")
    web(serving).problem("GET", "/api/timeseries?nodes=9", 400, "bad_request")
    web(serving).problem("GET", "/api/timeseries?since_ms=yesterday", 400, "bad_request")


def test_alerts_name_what_to_do(serving):
    alerts = web(serving).get("/api/alerts")
    assert len(alerts["rules"]) >= 15
    runbook = (ROOT / "docs/operating.md").read_text().lower()
    for rule in alerts["rules"]:
        assert rule["what_to_do"]
        assert f"### {rule['runbook']}\n" in runbook


def test_events_are_numbered(serving):
    events = web(serving).get("/api/events?limit=1000")
    ids = [event["id"] for event in events["events"]]
    assert ids == sorted(ids, reverse=True)
    if ids:
        assert web(serving).get(f"/api/events?after={ids[0]}")["events"] == []
    web(serving).problem("GET", "/api/events?limit=0", 400, "bad_request")
    web(serving).problem("GET", "/api/events?after=-1", 400, "bad_request")


def test_configuration_says_where_values_come_from(serving):
    keys = {key["key"]: key for key in web(serving).get("/api/config")["keys"]}
    assert keys["node.id"]["value"] == "1"
    assert re.search(r"config\.yaml:\d+$", keys["listen.http"]["source"])
    assert keys["threads"]["source"] == "default"
    assert keys["http.token"] == {**keys["http.token"], "value": "***", "secret": True}
    assert TOKEN not in web(serving).ask("GET", "/api/config").text


def test_version_and_document(serving):
    version = web(serving).get("/api/version")
    assert version["writes"] is True
    assert version["node"] == 1
    assert web(serving).get("/api/openapi.json") == OPENAPI


# Probes and metrics.


def test_probes(serving):
    for path in ("/livez", "/readyz"):
        plain = web(serving).ask("GET", path)
        assert (plain.status, plain.text) == (200, f"{path[1:]} ok\n")
        verbose = web(serving).ask("GET", f"{path}?verbose")
        assert verbose.text.endswith(f"{path[1:]} ok\n")
        assert "[+] replicas: ok" in verbose.text
    assert "[+] shard 1: ok" in web(serving).ask("GET", "/readyz?verbose").text


def test_metrics_are_those_that_are_documented(serving):
    answer = web(serving).ask("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE
    )
    documented = {
        name: (kind, set(labels.replace(",", " ").split())) for name, kind, labels in rows
    }
    assert len(documented) > 90
    found = dict(re.findall(r"^# TYPE (\w+) (\w+)$", answer.text, re.MULTILINE))
    assert found == {name: kind for name, (kind, _) in documented.items()}
    for name, labels in re.findall(r"^(\w+)\{([^}]*)\} ", answer.text, re.MULTILINE):
        family = name if name in documented else re.sub(r"_(bucket|count|sum)$", "", name)
        given = set(re.findall(r'(\w+)="', labels)) - {"le"}
        assert given == documented[family][1], f"labels of {name}"


def test_metrics_count(serving):
    def value(n, pattern):
        found = re.search(rf"^{pattern} (\S+)$", web(serving, n).ask("GET", "/metrics").text, re.M)
        return float(found.group(1)) if found else 0.0

    name = r'quorumbook_exchange_commands_total\{shard="1",command="new_order",result="accepted"\}'
    before = {n: value(n, name) for n in serving.nodes}
    serving.qb("order", "submit", "DEMO", "buy", "1", "1.00", "--id", "4711")
    serving.qb("order", "cancel", "DEMO", "4711")
    for n in serving.nodes:
        wait_until(lambda n=n: value(n, name) == before[n] + 1, f"node {n} counted one order")
    leader = serving.leader()
    assert value(leader, r'quorumbook_raft_commit_duration_seconds_count\{shard="1"\}') > 0
    assert value(leader, r'quorumbook_exchange_acknowledge_duration_seconds_count\{shard="1"\}') > 0
    assert value(leader, r"quorumbook_storage_sync_duration_seconds_count") > 0
    assert value(leader, r'quorumbook_raft_active_voters\{shard="1"\}') == 3
    assert value(1, r'quorumbook_http_requests_total\{path="/metrics",method="GET",status="200"\}') > 0


def test_streams_count_themselves(serving):
    """They are not intercepted, for that would cost each message: what they count is checked."""
    leader = serving.leader()

    def value(family, method, code=""):
        text = web(serving, leader).ask("GET", "/metrics").text
        labels = rf'[^}}]*grpc_method="{method}"{code}'
        found = re.search(rf"^{family}\{{{labels}\}} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0

    def counts():
        return [
            value("grpc_server_started_total", "Stream"),
            value("grpc_server_msg_received_total", "Stream"),
            value("grpc_server_msg_sent_total", "Stream"),
        ]

    before = counts()
    serving.qb("order", "submit", "DEMO", "buy", "1", "1.00", "--id", "4712")
    serving.qb("order", "cancel", "DEMO", "4712")
    started, received, sent = (now - then for now, then in zip(counts(), before))
    assert started >= 2 and received >= 2 and sent >= 2
    ended = ',grpc_code="OK"'
    wait_until(lambda: value("grpc_server_handled_total", "Stream", ended) >= 2, "they ended")
    assert value("grpc_server_handling_seconds_count", "Stream") >= 2
    peers = sum(
        float(count)
        for n in serving.nodes
        for count in re.findall(
            r'^grpc_server_msg_received_total\{[^}]*grpc_method="Connect"\} (\S+)$',
            web(serving, n).ask("GET", "/metrics").text,
            re.M,
        )
    )
    assert peers > 100


def test_promtool_finds_nothing_wrong(serving):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    text = web(serving).ask("GET", "/metrics").text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


# Markets.


def test_symbols(serving):
    symbols = web(serving).get("/api/symbols")
    assert [symbol["symbol"] for symbol in symbols["symbols"]] == ["A/B", "DEMO"]
    demo = symbols["symbols"][1]
    assert demo["best_bid"] == {"price": "9.99", "quantity": "100"}
    assert demo["best_ask"] == {"price": "10.02", "quantity": "60"}
    assert demo["last"] == "10.02"
    assert demo["spread"] == "0.03"
    assert demo["volume"] == "40"
    page = web(serving).get("/api/symbols?limit=1")
    assert [symbol["symbol"] for symbol in page["symbols"]] == ["A/B"]
    rest = web(serving).get(f"/api/symbols?after={page['next']}")
    assert [symbol["symbol"] for symbol in rest["symbols"]] == ["DEMO"]
    assert rest["next"] is None
    web(serving).problem("GET", "/api/symbols?limit=1001", 400, "bad_request")


def test_book_trades_and_candles(serving):
    for n in serving.nodes:
        book = web(serving, n).get("/api/book/DEMO?levels=1")
        assert book["bids"] == [{"price": "9.99", "quantity": "100", "orders": 1}]
        assert book["asks"] == [{"price": "10.02", "quantity": "60", "orders": 1}]
        assert web(serving, n).get("/api/book/A%2FB")["bids"] == []
        trades = web(serving, n).get("/api/trades/DEMO")["trades"]
        assert [(t["trade_id"], t["price"], t["quantity"], t["taker_side"]) for t in trades] == [
            (1, "10.02", "40", "buy")
        ]
        candles = web(serving, n).get("/api/candles/DEMO?interval=1h")["candles"]
        assert sum(candle["trades"] for candle in candles) == 1
        assert candles[0]["vwap"].startswith("10.02")


@pytest.mark.parametrize("what", ["book", "trades", "candles"])
def test_unknown_symbols_and_wrong_parameters(serving, what):
    web(serving).problem("GET", f"/api/{what}/NOPE", 404, "unknown_symbol")
    web(serving).problem("GET", f"/api/{what}/", 404, "unknown_path")
    parameter = {"book": "levels", "trades": "limit", "candles": "limit"}[what]
    for value in ("0", "1001", "x", "-1"):
        web(serving).problem("GET", f"/api/{what}/DEMO?{parameter}={value}", 400, "bad_request")
    web(serving).problem("GET", "/api/candles/DEMO?interval=2m", 400, "bad_request")


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
        ({"type": "stop"}, "type"),
        ({"type": "market"}, "no price"),
        ({"time_in_force": "forever"}, "time_in_force"),
        ({"post_only": "yes"}, "post_only"),
        ({"client_order_id": "0"}, "client_order_id"),
        ({"client_order_id": 5}, "client_order_id"),
    ],
)
def test_wrong_orders(serving, changes, hint):
    body = order(**changes)
    problem = web(serving).problem("POST", "/api/orders", 400, "bad_request", body, TOKEN)
    assert hint in problem["detail"]


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
    rejected = node.problem(
        "DELETE", f"/api/orders?{query}&client_order_id=99", 422, "rejected", token=TOKEN
    )
    assert rejected["reason"] == "unknown_order"


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


def test_wrong_operations(serving):
    node = web(serving)
    transfer = "/api/admin/transfer-leadership"
    node.problem("POST", transfer, 404, "unknown_shard", {"shard": 9}, TOKEN)
    for body in ({}, {"shard": "1"}, {"shard": 1, "target": -1}):
        node.problem("POST", transfer, 400, "bad_request", body, TOKEN)
    node.problem("POST", transfer, 409, "refused", {"shard": 1, "target": 6}, TOKEN)
    for path in ("/api/admin/add-node", "/api/admin/remove-node"):
        for body in ({}, {"node": 0}, {"node": 1, "shards": [9]}, {"node": 1, "shards": 1}):
            node.problem("POST", path, 400, "bad_request", body, TOKEN)
    unknown = node.post("/api/admin/add-node", {"node": 6})
    assert unknown.status == 409
    assert unknown.json["shards"][0]["ok"] is False
    member = node.post("/api/admin/add-node", {"node": 2})
    assert member.json["shards"][0] == {**member.json["shards"][0], "ok": True}, "it is one already"


# The server itself.


def test_what_is_not_there(serving):
    node = web(serving)
    node.problem("GET", "/api/nothing", 404, "unknown_path")
    node.problem("POST", "/nothing", 404, "unknown_path", {})
    node.problem("POST", "/api/health", 405, "wrong_method", {})
    assert node.raw("POST", "/api/health").headers["allow"] == "GET"
    head = node.raw("HEAD", "/api/health")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0


def test_headers_that_protect(serving):
    headers = web(serving).ask("GET", "/api/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def raw_exchange(serving, data):
    """What the node says to these bytes until it closes the connection."""
    node = web(serving)
    with socket.create_connection((node.host, node.port), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_bad_requests_end_the_connection(serving):
    head = "GET /api/health HTTP/1.1\r\nHost: x\r\n"
    too_long = head + "X-Long: " + "a" * 9000 + "\r\n\r\n"
    assert b" 431 " in raw_exchange(serving, too_long.encode()).splitlines()[0]
    body = "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + "a" * 70000
    assert b" 413 " in raw_exchange(serving, body.encode()).splitlines()[0]
    for nonsense in (b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert b" 400 " in raw_exchange(serving, nonsense).splitlines()[0], nonsense
    assert b" 400 " in raw_exchange(serving, b"GET /%zz?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert web(serving).get("/api/health")["verdict"] == "healthy", "nobody else noticed"


def test_a_connection_serves_many_requests(serving):
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    assert raw_exchange(serving, request * 3).count(b"livez ok") == 3


# What a node says when others fail; each with a cluster of its own.


def test_a_node_that_is_down_is_named(make_cluster):
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    killed = cluster.followers()[0]
    observer = web(cluster, cluster.leader())
    wait_until(lambda: observer.get("/api/health")["verdict"] == "healthy", "it is healthy")
    cluster.kill(killed)
    health = wait_until(
        lambda: (h := observer.get("/api/health"))["verdict"] == "degraded" and h, "it notices"
    )
    assert health["can_lose"] == 0
    assert f"node {killed} does not answer" in health["sentence"]
    assert [item["node"] for item in health["unreachable"]] == [killed]
    nodes = {node["node"]: node for node in observer.get("/api/nodes")["nodes"]}
    assert nodes[killed]["reachable"] is False
    alerts = wait_until(
        lambda: [
            rule
            for rule in observer.get("/api/alerts")["rules"]
            if rule["name"] == "QuorumbookNodeDown" and rule["state"] == "firing"
        ],
        "the alert fires",
    )
    assert alerts[0]["instances"][0]["labels"] == {"node": str(killed)}
    cluster.start(killed)
    wait_until(lambda: observer.get("/api/health")["verdict"] == "healthy", "it is healthy again")
    history = observer.get("/api/alerts")["history"]
    changes = [item["state"] for item in history if item["name"] == "QuorumbookNodeDown"]
    assert changes == ["resolved", "firing"]
    assert {"node_down", "node_up", "alert_firing", "alert_resolved"} <= set(kinds(observer))


def test_without_a_majority_a_node_lives_but_is_not_ready(make_cluster):
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    survivor = cluster.leader()
    node = web(cluster, survivor)
    wait_until(lambda: node.ask("GET", "/readyz").status == 200, "it is ready")
    for n in cluster.followers():
        cluster.kill(n)
    verbose = wait_until(
        lambda: (a := node.ask("GET", "/readyz?verbose")).status == 503 and a, "it is not ready"
    )
    assert "[-] shard 1: no leader is known" in verbose.text
    assert node.ask("GET", "/livez").status == 200
    wait_until(lambda: node.get("/api/health")["verdict"] == "unavailable", "it says so")
    assert node.get("/api/book/DEMO")["bids"] == [], "what it has can be read"
    node.problem("POST", "/api/orders", 503, "not_leader", order(), TOKEN)


def test_a_cluster_that_is_not_founded_yet(make_cluster):
    cluster = make_cluster()
    cluster.spawn(1)
    node = web(cluster, 1)

    def answers():
        try:
            return node.get("/api/health")
        except OSError:
            return None

    health = wait_until(answers, "it answers")
    assert health["verdict"] == "founding"
    assert node.ask("GET", "/livez").status == 200
    assert "waits for" in node.ask("GET", "/readyz?verbose").text
    node.problem("GET", "/api/book/DEMO", 503, "not_founded")
    node.problem("GET", "/api/symbols", 503, "not_founded")
    assert node.get("/api/shards")["shards"][0]["leader"] is None
    assert "quorumbook_node_ready 0" in wait_until(
        lambda: "process_threads" in (t := node.ask("GET", "/metrics").text) and t, "a sample"
    )
    node.problem("POST", "/api/orders", 403, "writes_off", {}, "some-token")


def test_tokens_from_a_file_and_http_off(make_cluster, tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text("token-of-a-file\n")
    cluster = make_cluster(nodes=1, settings={"http": {"token_file": str(token_file)}})
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    node = web(cluster, 1)
    assert node.post("/api/orders", order(), "token-of-a-file").status == 200
    assert "token-of-a-file" not in node.ask("GET", "/api/config").text
    assert cluster.stop(1) == 0
    config = json.loads(cluster.nodes[1].config.read_text())
    config["listen"]["http"] = "off"
    cluster.nodes[1].config.write_text(json.dumps(config))
    cluster.start()
    with pytest.raises(OSError):
        node.get("/livez")
