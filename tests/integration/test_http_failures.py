"""What a node says over HTTP when others fail, it was paused, or is not ready; each test has a
cluster of its own."""

import json
import signal
import time

import pytest

from cluster import wait_until
from web import SETTINGS, TOKEN, web


def order(**changes):
    usual = {"symbol": "DEMO", "account": 7, "side": "buy", "quantity": "5", "price": "9.00"}
    return {**usual, **changes}


def kinds(node):
    return [event["kind"] for event in node.get("/api/events")["events"]]


def test_a_pause_is_no_election(make_cluster):
    """A process that was stopped for a while was not left by the others, and elected nobody."""
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    node = web(cluster)
    process = cluster.nodes[1].process
    wait_until(lambda: node.get("/api/raft")["shards"][0]["leader"], "it leads")

    def now():
        return node.get("/api/summary")["time_ms"]

    for _ in range(2):
        before = now()
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # that is what is tested, not waited for
        process.send_signal(signal.SIGCONT)
        wait_until(lambda before=before: now() > before + 7_000, "it judged again")
    assert node.get("/api/raft")["elections"] == []
    assert not {"node_down", "leader_lost", "leader_changed", "alert_firing"} & set(kinds(node))
    rules = {rule["name"]: rule for rule in node.get("/api/alerts")["rules"]}
    assert rules["QuorumbookNodeDown"]["state"] == "inactive"
    assert node.get("/api/health")["verdict"] == "healthy"


def test_a_node_that_is_down_is_named(make_cluster):
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    killed = cluster.followers()[0]
    observer = web(cluster, cluster.leader())
    wait_until(lambda: observer.get("/api/health")["verdict"] == "healthy", "it is healthy")
    cluster.kill(killed)
    # Its leader misses it first, then the observer's own questions stay without answers.
    health = wait_until(
        lambda: (h := observer.get("/api/health"))["verdict"] == "degraded"
        and f"node {killed} does not answer" in h["sentence"]
        and h,
        "it notices",
    )
    assert health["can_lose"] == 0
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
    assert "\nquorumbook_node_ready 0\n" in node.ask("GET", "/metrics").text
    book = node.get("/api/book/DEMO")
    assert book["bids"] == [], "what it has can be read"
    assert book["behind"] == "no leader is known"
    lost = node.problem("POST", "/api/orders", 503, "not_leader", order(), TOKEN)
    assert int(lost["client_order_id"]) > 0, "the one that was drawn: it can be asked for"


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
    keys = {key["key"]: key for key in node.get("/api/config")["keys"]}
    assert keys["http.token"]["source"] == f"{token_file}:1"
    assert keys["http.token"]["value"] == "***"
    assert "token-of-a-file" not in node.ask("GET", "/api/config").text
    assert cluster.stop(1) == 0
    config = json.loads(cluster.nodes[1].config.read_text())
    config["listen"]["http"] = "off"
    cluster.nodes[1].config.write_text(json.dumps(config))
    cluster.start()
    with pytest.raises(OSError):
        node.get("/livez")
