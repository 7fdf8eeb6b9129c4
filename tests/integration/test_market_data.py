"""Market data streams of real daemons: the book that they make is the book, whatever fails."""

import json

import grpc
import pytest

import rpc
from cluster import Cluster, wait_until

Channel = rpc.market_data.SubscribeRequest
SYMBOL = "MD"
DEPTH = 1000


@pytest.fixture
def cluster(make_cluster):
    started = make_cluster()
    started.start()
    started.session().execute(rpc.add_symbol(SYMBOL))
    return started


class Book:
    """What updates of channel L2 make."""

    def __init__(self):
        self.bids, self.asks = {}, {}
        self.sequence = 0
        self.event_sequence = 0
        self.snapshots = 0

    def apply(self, update):
        if update.snapshot:
            self.bids, self.asks = {}, {}
            self.snapshots += 1
        else:
            assert update.sequence == self.sequence + 1, "a gap"
        self.sequence = update.sequence
        self.event_sequence = update.event_sequence
        for side, levels in ((self.bids, update.levels.bids), (self.asks, update.levels.asks)):
            for level in levels:
                if level.quantity == 0:
                    del side[level.price]
                else:
                    side[level.price] = (level.quantity, level.orders)

    def assert_is(self, book):
        assert self.bids == {l.price: (l.quantity, l.orders) for l in book.bids}
        assert self.asks == {l.price: (l.quantity, l.orders) for l in book.asks}


def flow(count, first_id=1):
    """Orders around a price, some of which trade; then some of the rest are cancelled."""
    commands = []
    for i in range(first_id, first_id + count):
        side = rpc.buy if i % 2 else rpc.sell
        price = 1000 + (i * 7919) % 41 - (20 if i % 2 else -15)
        commands.append(side(SYMBOL, i, price, 1 + i % 9))
        if i % 3 == 0:
            commands.append(rpc.cancel(SYMBOL, i - 2))
    return commands


def test_every_channel_from_every_node(cluster):
    session = cluster.session()
    session.execute(rpc.buy(SYMBOL, 1, 100, 5))
    calls = {
        (n, channel): cluster.api(n).subscribe(SYMBOL, channel)
        for n in cluster.nodes
        for channel in (Channel.L1, Channel.L2, Channel.L3, Channel.TRADES, Channel.CANDLES)
    }
    # A follower may be behind: then it says so when it has caught up.
    seen = {key: [next(call)] for key, call in calls.items()}
    assert all(updates[0].snapshot for updates in seen.values())
    session.execute(rpc.sell(SYMBOL, 2, 100, 2))
    last = cluster.api(cluster.leader()).book(SYMBOL).event_sequence
    for key, call in calls.items():
        while seen[key][-1].event_sequence < last:
            seen[key].append(next(call))
        call.cancel()
    for (n, channel), updates in seen.items():
        update = updates[-1]
        if channel == Channel.L1:
            assert (update.best.bid.quantity, update.best.last) == (3, 100)
        if channel == Channel.L2:
            assert [(l.price, l.quantity) for l in update.levels.bids] == [(100, 3)]
        if channel == Channel.L3:
            assert [(c.order_id, c.quantity) for c in update.orders.changes] == [(1, 3)]
        if channel == Channel.TRADES:
            assert [(t.trade_id, t.quantity) for t in update.trades] == [(1, 2)]
        if channel == Channel.CANDLES:
            assert [(c.close, c.volume) for c in update.candles] == [(100, "2")]


def test_a_follower_serves_on_while_the_leader_dies(cluster, tmp_path):
    leader = cluster.leader()
    follower = cluster.followers()[0]
    book = Book()
    stream = cluster.api(follower).subscribe(SYMBOL, Channel.L2, depth=DEPTH)
    # Through the client library as well, which goes elsewhere when its node dies: the leader's.
    watch = cluster.spawn_qb(
        "watch", SYMBOL, "--depth", DEPTH, "--node", leader, log=tmp_path / "watch.jsonl"
    )
    commands = flow(2_000)
    half = len(commands) // 2
    for i in range(0, half, 50):
        if i == 0:
            session = cluster.session()
        session.execute(*commands[i : min(i + 50, half)])
    cluster.kill(leader)
    session = wait_until(lambda: try_session(cluster), "another node leads")
    for i in range(half, len(commands), 50):
        session.execute(*commands[i : i + 50])

    real = cluster.api(cluster.leader()).book(SYMBOL, levels=DEPTH)
    while book.event_sequence < real.event_sequence:
        book.apply(next(stream))
    stream.cancel()
    book.assert_is(real)
    assert book.snapshots == 1, "the follower's stream never broke"

    def watched():
        mine = Book()
        for line in (tmp_path / "watch.jsonl").read_text().splitlines():
            mine.apply(from_json(json.loads(line)))
        return mine if mine.event_sequence >= real.event_sequence else None

    mine = wait_until(watched, "qb watch has seen everything")
    watch.terminate()
    assert watch.wait() == 0
    mine.assert_is(real)
    assert mine.snapshots >= 2, "its node died"


def test_the_owner_of_an_order_hears_of_its_fills(cluster, tmp_path):
    maker = cluster.session(account=7)
    maker.execute(rpc.buy(SYMBOL, 1, 100, 5))
    streams = {
        n: cluster.api(n).subscribe("", Channel.EXECUTIONS, account=7) for n in cluster.nodes
    }
    leader = cluster.leader()
    watch = cluster.spawn_qb(
        "watch", SYMBOL, "--channel", "executions", "--account", 7, "--node", leader,
        log=tmp_path / "watch.jsonl",
    )

    def watched():
        lines = (tmp_path / "watch.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    wait_until(watched, "qb watch has begun")
    cluster.session(account=8).execute(rpc.sell(SYMBOL, 1, 100, 2))
    for stream in streams.values():
        update = next(stream)
        assert update.snapshot
        # Of a follower that was behind, the order may come as a report, or both may be in one.
        reports = []
        while not reports or reports[-1].exec_type != rpc.exchange.ExecutionReport.TRADE:
            if update.open_orders and update.open_orders[0].cumulative_quantity == 2:
                break
            update = next(stream)
            reports += update.executions
        else:
            trade = reports[-1]
            assert (trade.account, trade.client_order_id) == (7, 1)
            assert (trade.last_quantity, trade.last_price) == (2, 100)
            assert (trade.cumulative_quantity, trade.leaves_quantity) == (2, 3)
            assert trade.contra_client_order_id == 0, "another account's"
        stream.cancel()

    # Its node dies, and it goes on elsewhere with the orders as they are.
    cluster.kill(leader)
    session = wait_until(lambda: try_session(cluster), "another node leads")
    session.execute(rpc.sell(SYMBOL, 3, 100, 2))

    def known():
        orders = {}
        for update in watched():
            if update["snapshot"]:
                orders = {o["order_id"]: o for o in update["open_orders"]}
            for report in update["executions"]:
                orders[report["order_id"]] = report
        return [o["cumulative_quantity"] for o in orders.values()] == ["4"]

    wait_until(known, "qb watch knows of both fills")
    assert sum(update["snapshot"] for update in watched()) >= 2, "its node died"
    watch.terminate()
    assert watch.wait() == 0


def try_session(cluster):
    try:
        return cluster.session()
    except grpc.RpcError:
        return None


def from_json(line):
    update = rpc.market_data.MarketDataUpdate(
        sequence=line["sequence"], event_sequence=line["event_sequence"], snapshot=line["snapshot"]
    )
    for name, levels in (("bids", update.levels.bids), ("asks", update.levels.asks)):
        for level in line[name]:
            price = round(float(level["price"]) * 100)
            quantity = int(level["quantity"])
            levels.add(price=price, quantity=quantity, orders=level["orders"])
    return update


def flood(session, rounds):
    """Of 1,000 commands each: about 12 KB of channel L3."""
    for i in range(1, rounds + 1):
        ids = range(i * 1_000, i * 1_000 + 500)
        session.execute(*[rpc.buy(SYMBOL, n, 1 + (n * 7919) % 900, 1) for n in ids])
        session.execute(*[rpc.cancel(SYMBOL, n) for n in ids])


def test_a_slow_consumer_is_conflated_or_cut_and_never_waited_for(cluster):
    api = cluster.api(cluster.leader())
    session = cluster.session()
    levels = api.subscribe(SYMBOL, Channel.L2, depth=DEPTH)
    orders = api.subscribe(SYMBOL, Channel.L3)
    book = Book()
    book.apply(next(levels))
    next(orders)
    flood(session, rounds=480)  # nobody reads, and still everything is executed

    with pytest.raises(grpc.RpcError) as error:
        for _ in orders:
            pass
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.value
    assert rpc.error_detail(error.value).code == rpc.exchange.ErrorDetail.SLOW_CONSUMER
    assert "subscribe again" in error.value.details()

    session.execute(rpc.buy(SYMBOL, 7, 950, 3))
    real = api.book(SYMBOL, levels=DEPTH)
    updates = 0
    while book.event_sequence < real.event_sequence:
        book.apply(next(levels))
        updates += 1
    levels.cancel()
    book.assert_is(real)
    assert book.snapshots >= 2, "it was conflated"
    assert updates < 240, "not every batch was sent"


def test_bad_subscriptions(cluster):
    api = cluster.api(cluster.leader())

    def refused(symbol, channel, **fields):
        with pytest.raises(grpc.RpcError) as error:
            next(api.subscribe(symbol, channel, **fields))
        return error.value

    assert refused("NOPE", Channel.L2).code() == grpc.StatusCode.NOT_FOUND
    assert "channel" in refused(SYMBOL, 0).details()
    assert "channel" in refused(SYMBOL, 77).details()
    assert "interval" in refused(SYMBOL, Channel.CANDLES, interval=9).details()
    wrong = refused(SYMBOL, Channel.L2, shard=9)
    assert rpc.error_detail(wrong).code == rpc.exchange.ErrorDetail.WRONG_SHARD


def test_the_number_of_subscriptions_is_bounded(cluster):
    bound = 1024
    node = cluster.followers()[0]
    api = cluster.api(node)
    wait_until(lambda: first_update(api), "the follower has the symbol")
    calls = [api.subscribe(SYMBOL, Channel.L1) for _ in range(bound)]
    for call in calls:
        assert next(call).snapshot
    with pytest.raises(grpc.RpcError) as error:
        next(api.subscribe(SYMBOL, Channel.L1))
    detail = rpc.error_detail(error.value)
    assert detail.code == rpc.exchange.ErrorDetail.TOO_MANY_SUBSCRIPTIONS
    for call in calls:
        call.cancel()
    wait_until(lambda: first_update(api), "those that ended make room")


def first_update(api):
    call = api.subscribe(SYMBOL, Channel.L1)
    try:
        return next(call).snapshot
    except grpc.RpcError:
        return False
    finally:
        call.cancel()
