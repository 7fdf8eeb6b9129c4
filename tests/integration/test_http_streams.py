"""Server-sent events and WebSockets of a live cluster."""

import concurrent.futures
import contextlib
import re

import pytest

import rpc
from cluster import Cluster, wait_until
from web import SETTINGS, EventStream, WebSocket, web


@pytest.fixture(name="market")
def market_fixture(make_cluster):
    """Three nodes with the symbol DEMO, and one order on each side."""
    cluster = make_cluster(settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    enter(cluster, "buy", "9.99", 100)
    enter(cluster, "sell", "10.02", 100)
    for n in cluster.nodes:
        wait_until(
            lambda n=n: web(cluster, n).get("/api/book/DEMO")["asks"], f"node {n} has the book"
        )
    return cluster


def enter(cluster, side, price, quantity, account=1):
    return cluster.qb(
        "--account", account, "order", "submit", "DEMO", side, quantity, price
    )


# Events.


def test_each_topic_is_said_at_once_and_again(market):
    stream = EventStream(web(market))
    first = {}
    while len(first) < 8:
        event, document = stream.next()
        first[event] = document
    assert set(first) == {
        "alerts", "events", "nodes", "raft", "shards", "storage", "summary", "timeseries",
    }
    later = stream.await_event("summary")
    assert later["time_ms"] > first["summary"]["time_ms"]
    point = stream.await_event("timeseries")
    assert len(point["times_ms"]) == 1
    stream.close()


def test_alerts_are_told_while_there_are_some(market):
    """Also of those that do not fire yet, with values of now; and that the last one is over."""
    observer = market.leader()
    killed = market.followers()[0]
    stream = EventStream(web(market, observer), "/api/stream?topics=alerts")

    def down(document):
        (rule,) = [one for one in document["rules"] if one["name"] == "QuorumbookNodeDown"]
        return rule["state"]

    # A node that the observer has not heard of yet, so soon after the start, is pending too.
    stream.await_event("alerts", lambda document: down(document) == "inactive")
    market.kill(killed)
    stream.await_event("alerts", lambda document: down(document) == "pending")
    market.start(killed)
    stream.await_event("alerts", lambda document: down(document) == "inactive")
    stream.close()


def test_topics_are_chosen(market):
    stream = EventStream(web(market), "/api/stream?topics=summary,nodes")
    assert {stream.next()[0] for _ in range(6)} == {"summary", "nodes"}
    stream.close()
    web(market).problem("GET", "/api/stream?topics=weather", 400, "bad_request")


def test_an_order_and_a_death_are_seen_live(market):
    leader = market.leader()
    observer = market.followers()[0]
    stream = EventStream(web(market, observer), "/api/stream?topics=summary,events")
    enter(market, "buy", "9.00", 5)
    stream.await_event("summary", lambda document: document["figures"]["open_orders"] == 3)
    market.kill(leader)
    changed = stream.await_event(
        "events",
        lambda document: "leader_changed" in [event["kind"] for event in document["events"]],
    )
    assert changed["events"][0]["id"] > 0
    degraded = stream.await_event(
        "summary",
        lambda document: f"node {leader} does not answer" in document["health"]["sentence"],
    )
    assert degraded["health"]["verdict"] == "degraded"
    stream.close()


def test_a_node_says_that_it_stops(market):
    stream = EventStream(web(market), "/api/stream?topics=summary")
    socket = WebSocket(web(market))
    stream.await_event("summary")
    market.nodes[1].process.terminate()
    while (received := stream.next())[0] != "end":
        pass
    assert received[1] == {"reason": "this node is shutting down"}
    assert stream.next() is None
    assert socket.receive() == ("close", 1001, "this node is shutting down")
    assert market.exit_code(1) == 0


def test_there_is_a_bound_on_streams(market):
    streams = [EventStream(web(market), "/api/stream?topics=storage") for _ in range(64)]
    web(market).problem("GET", "/api/stream", 503, "too_many")
    for stream in streams:
        stream.close()

    def free_again():
        try:
            EventStream(web(market), "/api/stream?topics=storage").close()
            return True
        except AssertionError:
            return False

    wait_until(free_again, "who left made place")


def test_there_is_a_bound_on_web_sockets(solo):
    sockets = [WebSocket(web(solo)) for _ in range(256)]
    assert {socket.status for socket in sockets} == {101}
    refused = WebSocket(web(solo))
    assert refused.status == 503
    for socket in (*sockets, refused):
        socket.close()

    def free_again():
        socket = WebSocket(web(solo))
        socket.close()
        return socket.status == 101

    wait_until(free_again, "who left made place")


# Markets.


def apply(book, update):
    for side in ("bids", "asks"):
        levels = {} if update["snapshot"] else book.setdefault(side, {})
        for level in update[side]:
            if level["quantity"] == "0":
                levels.pop(level["price"])
            else:
                levels[level["price"]] = level["quantity"]
        book[side] = levels


def test_a_book_is_followed(market):
    for n in market.nodes:
        socket = WebSocket(web(market, n))
        assert socket.status == 101
        socket.subscribe("book", "DEMO", levels=5)
        book = {}
        update = socket.receive()
        assert (update["type"], update["sequence"], update["snapshot"]) == ("update", 1, True)
        apply(book, update)
        best, lower = book["bids"]["9.99"], book["bids"].get("9.50", "0")
        enter(market, "buy", "9.99", 7)
        enter(market, "buy", "9.50", 1, account=n)
        expected, sequence = {"9.99": str(int(best) + 7), "9.50": str(int(lower) + 1)}, 1
        while not expected.items() <= book["bids"].items():
            update = socket.receive()
            sequence += 1
            assert update["sequence"] == sequence
            apply(book, update)
        shown = web(market, n).get("/api/book/DEMO?levels=5")
        assert book["bids"] == {level["price"]: level["quantity"] for level in shown["bids"]}
        socket.close()


def test_trades_and_candles(market):
    socket = WebSocket(web(market))
    socket.subscribe("trades", "DEMO")
    socket.subscribe("candles", "DEMO", interval="1m")
    seen = {}
    while len(seen) < 2:
        update = socket.receive()
        assert update["snapshot"]
        seen[update["channel"]] = update
    assert seen["trades"]["trades"] == [] and seen["candles"]["candles"] == []
    enter(market, "buy", "10.02", 3, account=2)
    seen = {}
    while len(seen) < 2:
        update = socket.receive()
        assert update["sequence"] == 2 and not update["snapshot"]
        seen[update["channel"]] = update
    trade = seen["trades"]["trades"][0]
    assert (trade["trade_id"], trade["price"], trade["quantity"]) == (1, "10.02", "3")
    candle = seen["candles"]["candles"][0]
    assert (candle["close"], candle["volume"], candle["trades"]) == ("10.02", "3", 1)
    socket.close()


def test_to_subscribe_again_gives_a_snapshot(market):
    socket = WebSocket(web(market))
    for levels in (1, 2):
        socket.subscribe("book", "DEMO", levels=levels)
        update = socket.receive()
        assert (update["sequence"], update["snapshot"]) == (1, True)
    socket.send({"op": "unsubscribe", "channel": "book", "symbol": "DEMO"})
    assert socket.receive() == {
        "type": "unsubscribed", "channel": "book", "symbol": "DEMO", "reason": "requested",
    }
    enter(market, "buy", "9.10", 1)
    socket.send({"op": "ping"})
    assert socket.receive() == {"type": "pong"}, "nothing of the book any more"
    socket.close()


@pytest.mark.parametrize(
    "message, code",
    [
        ({"op": "subscribe", "channel": "book", "symbol": "NOPE"}, "unknown_symbol"),
        ({"op": "subscribe", "channel": "weather", "symbol": "DEMO"}, "bad_request"),
        ({"op": "subscribe", "channel": "book"}, "bad_request"),
        ({"op": "subscribe", "channel": "book", "symbol": "DEMO", "levels": 0}, "bad_request"),
        ({"op": "subscribe", "channel": "book", "symbol": "DEMO", "levels": "9"}, "bad_request"),
        ({"op": "subscribe", "channel": "candles", "symbol": "DEMO", "interval": "2m"},
         "bad_request"),
        ({"op": "unsubscribe", "channel": "book", "symbol": "DEMO"}, "bad_request"),
        ({"op": "dance"}, "bad_request"),
        (b"no json", "bad_request"),
        (b"[1, 2]", "bad_request"),
        (b'{"op": 5}', "bad_request"),
    ],
)
def test_wrong_messages_are_answered(solo, message, code):
    socket = WebSocket(web(solo))
    socket.send(message)
    answer = socket.receive()
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["detail"] and answer["hint"]
    socket.send({"op": "ping"})
    assert socket.receive() == {"type": "pong"}, "the connection stays"
    socket.close()


@pytest.fixture(name="solo", scope="module")
def solo_fixture(tmp_path_factory):
    """One node, shared by tests that change nothing."""
    cluster = Cluster(tmp_path_factory.mktemp("streams"), nodes=1, settings=SETTINGS)
    with cluster:
        cluster.start()
        cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
        yield cluster


def test_bounds_of_a_connection(solo):
    socket = WebSocket(web(solo))
    for index in range(16):
        solo.qb("symbol", "add", f"S{index}", "--tick-size", "1", "--lot-size", "1")
        socket.subscribe("trades", f"S{index}")
        assert socket.receive()["snapshot"]
    socket.subscribe("trades", "DEMO")
    assert socket.receive()["code"] == "too_many"
    socket.send(b"x" * 5000)
    assert socket.receive()[:2] == ("close", 1009)
    talker = WebSocket(web(solo))
    with contextlib.suppress(OSError):  # the node may be gone before all is said
        for _ in range(2000):
            talker.send({"op": "ping"})
    while (answer := talker.receive()) == {"type": "pong"}:
        pass
    assert answer[:2] == ("close", 1008)


def test_pages_of_elsewhere_may_not_listen(solo):
    node = web(solo)
    assert WebSocket(node, origin="http://evil.example").status == 403
    assert WebSocket(node, origin=f"http://{node.address}").status == 101
    assert WebSocket(node, path="/api/other").status == 404
    node.problem("GET", "/api/ws", 400, "bad_request")


def trade_at_once(cluster, sessions, orders, first):
    """Each session sends single orders without waiting for answers, so that many entries of the log
    are applied within a few milliseconds."""

    def batches(account, session):
        for number in range(1, orders + 1):
            order = first + number
            price = 1 + (37 * account + order) % 900
            yield rpc.exchange.CommandBatch(
                shard=1, session=session, first_sequence=number, acknowledged=number - 1,
                commands=[rpc.buy("FAST", order, price, 1)],
            )

    def run(account):
        api = cluster.api(1)
        sent = batches(account, api.open_session(account))
        return sum(len(answer.results) for answer in api.order_stream(sent))

    with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
        assert list(pool.map(run, range(11, 11 + sessions))) == [orders] * sessions


def counted(node, what):
    text = node.raw("GET", "/metrics").text
    values = re.findall(rf'^quorumbook_market_data_{what}_total{{shard="1"}} (\d+)$', text, re.M)
    return sum(map(int, values))  # none before the node's first sample


def test_a_fast_market_is_conflated(make_cluster):
    """A client does not read until more updates than are kept wait for it: they are replaced by
    snapshots, and what the client has in the end is the book."""
    cluster = make_cluster(nodes=1, settings=SETTINGS)
    cluster.start()
    cluster.qb("symbol", "add", "FAST", "--tick-size", "1", "--lot-size", "1")
    socket = WebSocket(web(cluster))
    socket.subscribe("book", "FAST", levels=1000)
    assert socket.receive()["sequence"] == 1
    # Until no buffer between the two takes any more: they hold some megabytes.
    for number in range(50):
        trade_at_once(cluster, sessions=8, orders=1500, first=1500 * number)
        if counted(web(cluster), "dropped") > 0:
            break
    expected = web(cluster).get("/api/book/FAST?levels=1000")["bids"]
    target = {level["price"]: level["quantity"] for level in expected}
    assert len(target) == 900
    book, sequence, conflated = {}, 1, 0
    while book.get("bids") != target:
        update = socket.receive()
        sequence += 1
        assert update["sequence"] == sequence
        assert update["snapshot"] or not update["conflated"]
        conflated += update["conflated"]
        apply(book, update)
    assert conflated >= 1
    # Each time, all that waited and the update that was too many.
    wait_until(
        lambda: counted(web(cluster), "dropped") > 64 * counted(web(cluster), "conflated") > 0,
        "what was dropped is counted",
    )
    socket.close()
