"""Market data streams against books that real exchanges published.

The orders of a recorded book are sent to a cluster; what a subscriber of the cluster makes of its
stream must be the recorded book, and at the top what the recording says by another way. The
recordings are not part of the project; without them these tests are skipped.
"""

import bisect
import csv
import json
import threading

import pytest

import grpc
import rpc
from cluster import wait_until

Channel = rpc.market_data.SubscribeRequest
DEPTH = 1000
BATCH = 500


@pytest.fixture
def cluster(make_cluster):
    started = make_cluster()
    started.start()
    return started


class Reader(threading.Thread):
    """Reads a stream all the while, so that nothing is conflated."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self._call = call
        self.updates = [next(call)]
        self.start()

    def run(self):
        try:
            for update in self._call:
                self.updates.append(update)
        except grpc.RpcError:
            pass  # cancelled

    def finish(self, last_event, wait_until):
        wait_until(lambda: self.updates[-1].event_sequence >= last_event, "the stream is read")
        self._call.cancel()
        self.join()
        assert [u.sequence for u in self.updates] == list(range(1, len(self.updates) + 1))
        return self.updates


class Feed:
    """Sends commands in batches, and knows the last event of each."""

    def __init__(self, session):
        self._session = session
        self.last_event = 0

    def send(self, commands):
        for first in range(0, len(commands), BATCH):
            for reports in self._session.execute(*commands[first : first + BATCH]):
                kinds = {r.exec_type for r in reports}
                assert not kinds & {rpc.exchange.ExecutionReport.TRADE,
                                    rpc.exchange.ExecutionReport.REJECTED}, reports
                self.last_event = reports[-1].event_sequence


class Levels:
    """A book of prices, each with one order of the cluster behind it."""

    def __init__(self, symbol):
        self._symbol = symbol
        self._next_id = 1
        self.bids, self.asks = {}, {}  # price: [quantity, order id]

    def change(self, bids, asks):
        """Takes new quantities by price. Returns the commands: what makes room goes first."""
        less, more = [], []
        for side, make, changes in ((self.bids, rpc.buy, bids), (self.asks, rpc.sell, asks)):
            for price, quantity in changes:
                level = side.get(price)
                if quantity == 0:
                    if level is not None:
                        less.append(rpc.cancel(self._symbol, level[1]))
                        del side[price]
                elif level is None:
                    more.append(make(self._symbol, self._next_id, price, quantity))
                    side[price] = [quantity, self._next_id]
                    self._next_id += 1
                elif level[0] != quantity:
                    less.append(rpc.replace(self._symbol, level[1], price, quantity))
                    level[0] = quantity
        return less + more

    def best(self, depth):
        bids = sorted(self.bids, reverse=True)[:depth]
        asks = sorted(self.asks)[:depth]
        return ({p: self.bids[p][0] for p in bids}, {p: self.asks[p][0] for p in asks})


def fixed(text, digits):
    """A decimal of at least so many digits behind the point, in units of the last of them."""
    whole, _, fraction = text.partition(".")
    assert not fraction[digits:].strip("0"), text
    return int(whole + fraction[:digits].ljust(digits, "0"))


def read_binance(path):
    """The book at first, its changes by update id, and best prices by update id."""
    snapshot, changes, tickers = None, [], {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line.split(" ", 1)[1])
            data = message.get("data", message)

            def levels(key):
                return [(fixed(p, 2), fixed(q, 8)) for p, q in data[key]]

            if "lastUpdateId" in data:
                snapshot = (data["lastUpdateId"], levels("bids"), levels("asks"))
            elif data.get("e") == "depthUpdate":
                changes.append((data["u"], levels("b"), levels("a")))
            elif "B" in data:
                tickers[data["u"]] = ((fixed(data["b"], 2), fixed(data["B"], 8)),
                                      (fixed(data["a"], 2), fixed(data["A"], 8)))
    return snapshot, changes, tickers


def test_levels_are_those_of_binance(cluster, recording):
    snapshot, changes, tickers = read_binance(recording("spot_btcusdt_20240808.gz"))
    session = cluster.session()
    session.execute(rpc.add_symbol("BTCUSDT", tick=(1, -2), lot=(1, -8)))
    reader = Reader(cluster.api(cluster.followers()[0]).subscribe(
        "BTCUSDT", Channel.L2, depth=DEPTH))
    feed, sent = Feed(session), Levels("BTCUSDT")
    steps = []  # last event, update id, changes
    for update_id, bids, asks in [snapshot] + [c for c in changes if c[0] > snapshot[0]]:
        feed.send(sent.change(bids, asks))
        steps.append((feed.last_event, update_id, bids, asks))
    updates = reader.finish(feed.last_event, wait_until)

    recorded, step = Levels("BTCUSDT"), 0
    streamed = ({}, {})
    books, tops = 0, 0
    for update in updates:
        assert not update.snapshot or update is updates[0]
        for side, levels in zip(streamed, (update.levels.bids, update.levels.asks)):
            for level in levels:
                if level.quantity == 0:
                    del side[level.price]
                else:
                    side[level.price] = level.quantity
        while step < len(steps) and steps[step][0] <= update.event_sequence:
            recorded.change(*steps[step][2:])
            step += 1
        if step == 0 or steps[step - 1][0] != update.event_sequence:
            continue  # within a batch
        assert streamed == recorded.best(DEPTH), f"after update {steps[step - 1][1]}"
        books += 1
        ticker = tickers.get(steps[step - 1][1])
        if ticker is not None:
            best_bid, best_ask = max(streamed[0]), min(streamed[1])
            assert ((best_bid, streamed[0][best_bid]), (best_ask, streamed[1][best_ask])) == ticker
            tops += 1
    print(f"{books} books and {tops} best prices are those recorded")
    assert books >= 3_000
    assert tops >= 300


def read_bitstamp(path):
    with open(path, encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return sorted(rows, key=lambda row: int(row["timestamp"]))


class Orders:
    """A book of orders in priority order. Leaves out orders that would trade when they come."""

    def __init__(self, symbol):
        self._symbol = symbol
        self.sides = {"bid": {}, "ask": {}}  # order id: (price, quantity), in order of arrival
        self._prices = {"bid": [], "ask": []}  # ascending, one for each order

    def _crosses(self, side, price):
        if side == "bid":
            return bool(self._prices["ask"]) and price >= self._prices["ask"][0]
        return bool(self._prices["bid"]) and price <= self._prices["bid"][-1]

    def commands(self, row):
        order, side = int(row["id"]), row["direction"]
        price, quantity = fixed(row["price"], 2), int(row["volume"])
        orders, prices = self.sides[side], self._prices[side]
        if row["action"] == "created":
            if order in orders or quantity == 0 or self._crosses(side, price):
                return []
            orders[order] = (price, quantity)
            bisect.insort(prices, price)
            make = rpc.buy if side == "bid" else rpc.sell
            return [make(self._symbol, order, price, quantity)]
        if order not in orders:
            return []
        price, left = orders[order]
        if row["action"] == "deleted" or quantity == 0:
            del orders[order]
            del prices[bisect.bisect_left(prices, price)]
            return [rpc.cancel(self._symbol, order)]
        if quantity >= left:
            return []
        orders[order] = (price, quantity)
        return [rpc.reduce(self._symbol, order, left - quantity)]

    def by_priority(self):
        bids = sorted(self.sides["bid"].values(), key=lambda o: -o[0])
        asks = sorted(self.sides["ask"].values(), key=lambda o: o[0])
        return bids, asks


def test_orders_are_those_of_bitstamp(cluster, recording):
    rows = read_bitstamp(recording("bitstamp_2015-05-01_orders.csv.xz"))
    session = cluster.session()
    session.execute(rpc.add_symbol("BTCUSD", tick=(1, -2), lot=(1, -8)))
    reader = Reader(cluster.api(cluster.followers()[0]).subscribe("BTCUSD", Channel.L3))
    feed, sent = Feed(session), Orders("BTCUSD")
    steps = []  # last event, rows sent until then
    for first in range(0, len(rows), 200):
        commands = [c for row in rows[first : first + 200] for c in sent.commands(row)]
        feed.send(commands)
        steps.append((feed.last_event, first + 200))
    updates = reader.finish(feed.last_event, wait_until)

    recorded, done, step, books = Orders("BTCUSD"), 0, 0, 0
    streamed = {}  # order id: (side, price, quantity), the queue of a price in its order
    for update in updates:
        assert not update.snapshot or update is updates[0]
        for change in update.orders.changes:
            if change.quantity == 0 or change.queued:
                streamed.pop(change.order_id, None)
            if change.quantity != 0:
                streamed[change.order_id] = (change.side, change.price, change.quantity)
        while step < len(steps) and steps[step][0] < update.event_sequence:
            step += 1
        if step == len(steps) or steps[step][0] != update.event_sequence:
            continue
        for row in rows[done : steps[step][1]]:
            recorded.commands(row)
        done = steps[step][1]
        bids = [o[1:] for o in streamed.values() if o[0] == rpc.exchange.BUY]
        asks = [o[1:] for o in streamed.values() if o[0] == rpc.exchange.SELL]
        bids.sort(key=lambda o: -o[0])
        asks.sort(key=lambda o: o[0])
        assert (bids, asks) == recorded.by_priority(), f"after row {done}"
        books += 1
    print(f"{books} books of {len(rows)} events are those recorded")
    assert books >= 200
