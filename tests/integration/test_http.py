"""REST, probes and metrics of a live cluster: every endpoint of openapi.json, good and bad."""

import re
import shutil
import socket
import subprocess

import pytest

import rpc
from cluster import wait_until
from web import OPENAPI, ROOT, SETTINGS, TOKEN, web


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


def test_codes_of_errors_are_those_that_are_documented():
    emitted = set()
    for source in (ROOT / "server/monitoring").glob("*.cc"):
        call = r'(?:Problem|Refuse)\(\s*(\d{3}),\s*"(\w+)"'
        emitted |= {(code, status) for status, code in re.findall(call, source.read_text())}
    table = (ROOT / "docs/http.md").read_text().split("| `code` | status |")[1].split("\n\n")[0]
    documented = set()
    for codes, statuses in re.findall(r"^\| (`[^|]*) \| ([\d, ]+) \|", table, re.M):
        for code in re.findall(r"`(\w+)`", codes):
            documented |= {(code, status) for status in statuses.split(", ")}
    assert len(emitted) > 15
    assert emitted == documented


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
    # A write ends with a sync; snapshots sync too.
    syncs = value(leader, r"quorumbook_storage_sync_duration_seconds_count")
    assert syncs >= value(leader, r"quorumbook_storage_write_duration_seconds_count") > 0
    assert value(leader, r'quorumbook_raft_active_voters\{shard="1"\}') == 3
    assert value(1, r'quorumbook_http_requests_total\{path="/metrics",method="GET",status="200"\}') > 0


def test_orders_are_counted_by_type(make_cluster):
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    ioc = rpc.exchange.IMMEDIATE_OR_CANCEL
    session = cluster.session()
    session.execute(rpc.add_symbol("DEMO"))
    session.execute(
        rpc.sell("DEMO", 1, 100, 10),
        rpc.buy("DEMO", 1, 90, 10),  # rejected: the number is taken
        rpc.buy("DEMO", 2, 0, 3, type=rpc.exchange.MARKET, time_in_force=ioc),
        rpc.buy("DEMO", 3, 0, 1, type=rpc.exchange.STOP, stop_price=120),
        rpc.cancel("DEMO", 3),
    )

    def counted():
        text = web(cluster).ask("GET", "/metrics").text
        labels = r'shard="1",type="(\w+)",result="(\w+)"'
        pattern = rf"^quorumbook_exchange_orders_total\{{{labels}\}} (\d+)$"
        return {(kind, result): int(n) for kind, result, n in re.findall(pattern, text, re.M)}

    wait_until(lambda: sum(counted().values()) == 4, "every order was counted, and no cancel")
    assert counted() == {
        ("limit", "accepted"): 1,
        ("limit", "rejected"): 1,
        ("market", "accepted"): 1,
        ("market", "rejected"): 0,
        ("stop", "accepted"): 1,
        ("stop", "rejected"): 0,
    }


def test_what_was_counted_before_a_restart_is_not_counted_again(make_cluster):
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "1", "--lot-size", "1")
    session = cluster.session()
    for number in range(1, 21):
        session.execute(rpc.buy("DEMO", number, number, 1))
    cluster.kill(1)
    cluster.start()
    node = web(cluster)

    def counted():
        text = node.ask("GET", "/metrics").text
        assert "quorumbook_exchange_batches_total" in text
        found = re.search(r'command="new_order",result="accepted"\} (\S+)$', text, re.M)
        return float(found.group(1)) if found else 0.0

    wait_until(
        lambda: node.get("/api/summary")["figures"]["open_orders"] == 20,
        "it executed its log again",
    )
    # The last one may have been committed without word of it on the disk.
    assert counted() <= 1
    before = counted()
    cluster.session(account=2).execute(rpc.buy("DEMO", 1, 1, 1))
    wait_until(lambda: counted() == before + 1, "a new one is counted")


def test_symbols_in_metrics_are_bounded(make_cluster):
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    cluster.session().execute(*[rpc.add_symbol(f"S{number:02}") for number in range(1, 67)])

    def named():
        text = web(cluster).ask("GET", "/metrics").text
        return set(re.findall(r'symbol_trades_total\{shard="1",symbol="(\w+)"\}', text))

    wait_until(named, "a sample of the symbols")
    wait_until(lambda: named() == {f"S{number:02}" for number in range(1, 65)}, "the first 64")


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
        assert book["behind"] is None
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
    head = "GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
    too_long = head + "X-Long: " + "a" * 9000 + "\r\n\r\n"
    assert b" 431 " in raw_exchange(serving, too_long.encode()).splitlines()[0]
    body = "POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n"
    body += "a" * 70000
    assert b" 413 " in raw_exchange(serving, body.encode()).splitlines()[0]
    for nonsense in (b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert b" 400 " in raw_exchange(serving, nonsense).splitlines()[0], nonsense
    assert b" 400 " in raw_exchange(serving, b"GET /%zz?a=%zz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert web(serving).get("/api/health")["verdict"] == "healthy", "nobody else noticed"


def test_a_connection_serves_many_requests(serving):
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw_exchange(serving, request * 3).count(b"livez ok") == 3
