"""What clients that mean ill, or an exhausted machine, do to the HTTP server of a node."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess

import pytest

from cluster import Cluster, wait_until
from web import ROOT, SETTINGS, TOKEN, WebSocket, web


@pytest.fixture(name="solo", scope="module")
def solo_fixture(tmp_path_factory):
    """One node; shared, so a test leaves it as it found it."""
    cluster = Cluster(tmp_path_factory.mktemp("hostile"), nodes=1, settings=SETTINGS)
    with cluster:
        cluster.start()
        cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
        yield cluster


class Kept:
    """A connection that stays open: bytes out, whole answers in."""

    def __init__(self, node, timeout=60):
        self.socket = socket.create_connection((node.host, node.port), timeout=timeout)
        self.input = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """(status, headers, body); None at the end."""
        line = self.input.readline()
        if not line:
            return None
        headers = {}
        while (header := self.input.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.input.read(int(headers.get("content-length", 0)))
        return int(line.split()[1]), headers, body

    def get(self, path):
        self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return self.receive()[2].decode()

    def close(self):
        self.input.close()
        self.socket.close()


def value(text, name):
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))


HOSTILE = [
    "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
    "10.0.0.1",
]


@pytest.mark.parametrize("host", HOSTILE)
def test_names_of_elsewhere_are_refused(solo, host):
    """DNS rebinding: a page of evil.example that lets its name point to 127.0.0.1 reads by it."""
    for path in ("/api/health", "/api/stream", "/metrics", "/"):
        answer = web(solo).raw("GET", path, headers={"Host": host})
        assert (answer.status, answer.json["code"]) == (403, "wrong_host"), path
    socket_ = WebSocket(web(solo), origin=f"http://{host}", host=host)
    assert socket_.status == 403
    socket_.close()


def test_names_of_a_node(make_cluster):
    names = {"hosts": "book.example.com", "advertise": "https://book.example.com"}
    cluster = make_cluster(nodes=1, settings={"http": names})
    cluster.start()
    node = web(cluster)
    for host in ("localhost", f"LOCALHOST:{node.port}", "127.0.0.2", "[::1]:1", "book.example.com"):
        assert node.raw("GET", "/api/health", headers={"Host": host}).status == 200, host
    assert WebSocket(node, origin="https://book.example.com", host="book.example.com").status == 101
    assert WebSocket(node, origin="https://evil.example", host="book.example.com").status == 403
    shown = wait_until(lambda: (n := node.get("/api/nodes")["nodes"][0])["http"] and n, "a sample")
    assert shown["http"] == "https://book.example.com"
    assert shown["http_address"] == "book.example.com"


def test_without_files_connections_wait_and_nobody_spins(solo):
    """The connection that can not be taken stays in the queue: to try at once again is to use a
    processor up, and to write a line each time to fill the disk."""
    pid = solo.nodes[1].process.pid
    kept = Kept(web(solo))
    assert kept.get("/livez") == "livez ok\n"
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, usual[1]))
    waiting = []
    try:
        waiting = [Kept(web(solo)) for _ in range(3)]
        metrics = wait_until(
            lambda: (text := kept.get("/metrics"))
            and value(text, "quorumbook_http_accept_errors_total") >= 5
            and text,
            "the node tried again and again",
        )
        assert value(metrics, "quorumbook_http_accept_errors_total") < 1000
        wait_until(
            lambda: (text := kept.get("/metrics"))
            and value(text, "process_open_fds") >= value(text, "process_max_fds"),
            "what is used up is seen to be, although it can not be counted",
        )
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    for connection in waiting:
        assert connection.get("/livez") == "livez ok\n", "it waited, and is served now"
        connection.close()
    kept.close()
    log = solo.log_of(1)
    assert log.count("can not take connections") == 1


def test_the_one_too_many_is_told_so(solo):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1024:
        pytest.skip("this machine does not allow so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1024), hard))
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(512):
            stack.callback(Kept(web(solo)).close)
        refused = web(solo).raw("GET", "/api/health")
        assert (refused.status, refused.json["code"]) == (503, "too_many")
        assert "connections" in refused.json["detail"]
        for path in ("/livez", "/readyz", "/metrics"):
            assert web(solo).raw("GET", path).status == 200, "it is not dead for that"
    wait_until(lambda: web(solo).raw("GET", "/livez").status == 200, "who left made place")


def test_a_body_is_asked_for(solo):
    """RFC 9110, 10.1.1: who expects 100 waits for it."""
    kept = Kept(web(solo))
    kept.send(
        b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert kept.receive()[0] == 100
    kept.send(b"{}")
    assert kept.receive()[0] == 401
    kept.close()


@pytest.mark.parametrize(
    "request_",
    [
        "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez?%61=%2f HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez HTTP/1.0\r\n\r\n",
    ],
)
def test_requests_that_are_unusual_and_right(solo, request_):
    kept = Kept(web(solo))
    kept.send(request_.encode())
    status, _, body = kept.receive()
    assert (status, body) == (200, b"livez ok\n")
    kept.close()


@pytest.mark.parametrize(
    "request_",
    [
        # What two readers could take for different requests.
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        "Content-Length: 2\r\n\r\nab",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /livez HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /livez\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_requests_that_are_ambiguous_end_the_connection(solo, request_):
    kept = Kept(web(solo))
    kept.send(request_.encode())
    assert kept.receive()[0] in (400, 413)
    assert kept.receive() is None
    kept.close()


def test_other_methods(solo):
    node = web(solo)
    assert node.raw("OPTIONS", "/api/health").status == 405
    assert node.raw("POST", "/api/stream", "{}").headers["allow"] == "GET"
    head = node.raw("HEAD", "/api/stream")
    assert (head.status, head.body) == (200, b"")
    text = node.raw("GET", "/metrics").text
    assert 'path="/api/stream",method="POST",status="405"' in text


@pytest.mark.parametrize("path", ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                                  "/..%2f..%2fetc%2fpasswd", "//etc/passwd", "/%00", "/.git/config",
                                  "/" + "a/" * 2000, "/" + "%41" * 2000])
def test_nothing_outside_of_the_dashboard_is_served(solo, path):
    kept = Kept(web(solo))
    kept.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    status, headers, body = kept.receive()
    assert b"root:" not in body
    assert status in (200, 404)
    assert status == 404 or headers["content-type"].startswith("text/html")
    kept.close()


# The bodies of operators.


def test_lists_of_shards_are_read_with_care(solo):
    node = web(solo)
    for shards in ([2**32 + 1], [1.0], [-1], [], [[1]], [None], ["1"]):
        for path in ("/api/admin/add-node", "/api/admin/remove-node"):
            body = {"node": 1, "shards": shards}
            node.problem("POST", path, 400, "bad_request", body, TOKEN)
    once = node.post("/api/admin/add-node", {"node": 6, "shards": [1] * 9})
    assert [shard["shard"] for shard in once.json["shards"]] == [1], "each once"


def test_deep_documents_are_only_wrong(solo):
    """Read or copied by a function that calls itself, they would end the process."""
    depth = 32_000
    deep = "[" * depth + "]" * depth
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "Application/JSON ; charset=utf-8",
    }
    for path, body in (
        ("/api/admin/add-node", '{"node": 1, "shards": %s}' % deep[500:-500]),
        ("/api/orders", '{"symbol": %s}' % deep[500:-500]),
        ("/api/orders", deep[500:-500]),
    ):
        answer = web(solo).raw("POST", path, body, headers)
        assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert web(solo).raw("GET", "/livez").status == 200


@pytest.mark.parametrize("number", ["1e400", "1e999999999", "9" * 400, "0." + "0" * 400 + "1",
                                    "NaN", "0x10", "+1", " 1", "1 ", "", "1_000", "-0", "\u0661"])
def test_numbers_that_are_none(solo, number):
    order = {"symbol": "DEMO", "account": 7, "side": "buy", "quantity": "1", "price": "1.00"}
    for field in ("price", "quantity"):
        answer = web(solo).post("/api/orders", {**order, field: number})
        assert answer.status == 400, f"{field} {number!r}: {answer.text}"
    for query in ("levels", "limit"):
        path = {"levels": "book", "limit": "trades"}[query]
        answer = web(solo).raw("GET", f"/api/{path}/DEMO?{query}={'9' * 30}")
        assert answer.json["code"] == "bad_request"


def test_what_is_no_text_is_answered_with_text(solo):
    answer = web(solo).raw("GET", "/api/book/%ff%fe%22%5c")
    assert answer.json["code"] == "unknown_symbol"
    body = json.dumps({"symbol": "\ud800", "account": 1, "side": "buy", "quantity": "1"})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    assert web(solo).raw("POST", "/api/orders", body, headers).status == 400
    raw = b'{"symbol": "\xff"}'
    assert web(solo).raw("POST", "/api/orders", raw, headers).status == 400


def test_the_health_check_of_the_image_asks_livez(solo):
    def check():
        return subprocess.run(
            ["bash", ROOT / "deploy/compose/healthcheck.sh"],
            env={**os.environ, "QUORUMBOOK_LISTEN_HTTP": solo.nodes[1].http},
            capture_output=True,
            text=True,
            check=False,
        )

    alive = check()
    assert (alive.returncode, alive.stdout.splitlines()[-1]) == (0, "livez ok"), alive.stdout
    solo.nodes[1].process.send_signal(signal.SIGSTOP)
    try:
        assert check().returncode == 1, "it takes connections, and says nothing"
    finally:
        solo.nodes[1].process.send_signal(signal.SIGCONT)
    wait_until(lambda: check().returncode == 0, "it goes on")


def test_orders_under_way_are_bounded(make_cluster):
    """Without a leader orders wait for one; no more than 64 of an account, of 256 accounts."""
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    survivor = cluster.leader()
    for n in cluster.followers():
        cluster.kill(n)
    node = web(cluster, survivor)
    wait_until(lambda: node.get("/api/shards")["shards"][0]["leader"] is None, "nobody leads")
    order = {"symbol": "DEMO", "side": "buy", "quantity": "1", "price": "1.00"}

    def enter(account):
        kept = Kept(node)
        body = json.dumps({**order, "account": account})
        kept.send(
            f"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        return kept

    for accounts, taken in (([7] * 70, 64), (range(100, 360), 256)):
        sent = [enter(account) for account in accounts]
        answers = [kept.receive() for kept in sent]
        for kept in sent:
            kept.close()
        codes = [(status, json.loads(body)["code"]) for status, _, body in answers]
        assert sorted(set(codes)) == [(429, "too_many"), (503, "not_leader")]
        assert codes.count((503, "not_leader")) == taken


def test_an_order_under_way_is_answered_when_the_node_stops(make_cluster):
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    for n in cluster.followers():
        cluster.kill(n)
    survivor = next(n for n, node in cluster.nodes.items() if node.process.poll() is None)
    node = web(cluster, survivor)
    wait_until(lambda: node.get("/api/shards")["shards"][0]["leader"] is None, "nobody leads")
    kept = Kept(node)
    body = json.dumps(
        {"symbol": "DEMO", "account": 7, "side": "buy", "quantity": "1", "price": "1.00"}
    )
    kept.send(
        f"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    # Requests of a connection are read in order: it is under way when this one is seen.
    wait_until(
        lambda: 'quorumbook_http_connections{kind="http"} 2' in node.raw("GET", "/metrics").text,
        "the node has the connection",
    )
    cluster.nodes[survivor].process.send_signal(signal.SIGTERM)
    status, _, answer = kept.receive()
    assert status == 503
    assert json.loads(answer)["code"] == "not_leader"
    assert cluster.exit_code(survivor) == 0
    kept.close()
