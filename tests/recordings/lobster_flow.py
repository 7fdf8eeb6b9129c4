#!/usr/bin/env python3
"""Makes order flow for `qb replay --format csv` from a LOBSTER recording.

usage: tests/recordings/lobster_flow.py ARCHIVE [--out DIRECTORY]

ARCHIVE is a zip file as LOBSTER offers it, with a message file and an order-book file, e.g.
LOBSTER_SampleFile_AMZN_2012-06-21_5.zip. Two files are written, by default into data/recordings
below the repository's root, named after the day and the number of levels:

  AMZN_2012-06-21_5.replay.csv.gz          the commands: ts_ns,op,order_id,side,price,quantity
  AMZN_2012-06-21_5.expected_fills.csv.gz  what the recording says that they execute, in order:
                                           taker_id,maker_id,price,quantity,clean

`clean` is 1 if no synthetic order takes part in the incoming order's executions: then the ids have
to come out as recorded. The rules are those of docs/replay.md, Format lobster, but for three:
levels that come into view during an incoming order are put right after it, not before; a deletion
cancels the order, whatever quantity it names; and where the recording cancels more of an order than
the book has, nothing is taken off others. Prices are in ticks of 0.01, quantities in shares.
"""

import argparse
import csv
import gzip
import io
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

NEW, PARTIAL_CANCEL, DELETE, VISIBLE_EXECUTION, HIDDEN_EXECUTION = 1, 2, 3, 4, 5
NO_LEVEL = 9_999_999_999
UNITS_PER_TICK = 100  # of 0.0001
FIRST_INCOMING_ID, FIRST_SYNTHETIC_ID = 8_000_000_000_001, 9_000_000_000_000

OTHER = {"buy": "sell", "sell": "buy"}
SIGN = {"buy": -1, "sell": 1}  # sign * price: the lower, the better


def is_synthetic(order):
    return order >= FIRST_SYNTHETIC_ID


class Message:
    """A line of the message file; `side` is the resting order's."""

    def __init__(self, line):
        fields = line.split(",")
        seconds, _, fraction = fields[0].partition(".")
        self.time = int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))
        self.type, self.order, self.quantity, price = map(int, fields[1:5])
        self.price = price // UNITS_PER_TICK
        self.side = "buy" if int(fields[5]) == 1 else "sell"


class Row:
    """A line of the order-book file: (price, quantity) of each level, best first."""

    def __init__(self, line):
        values = list(map(int, line.split(",")))
        self.depth = len(values) // 4
        self.sides = {"sell": self._levels(values[0::4], values[1::4]),
                      "buy": self._levels(values[2::4], values[3::4])}

    @staticmethod
    def _levels(prices, quantities):
        return [(price // UNITS_PER_TICK, quantity)
                for price, quantity in zip(prices, quantities) if abs(price) != NO_LEVEL]

    def is_full(self, side):
        return len(self.sides[side]) == self.depth


class Book:
    """What a price-time exchange holds after the commands so far."""

    def __init__(self):
        self._levels = {"buy": {}, "sell": {}}  # by price: {order: quantity}, in priority order
        self._places = {}  # by order: (side, price)

    def __contains__(self, order):
        return order in self._places

    def ranks(self, side):
        return sorted(SIGN[side] * price for price in self._levels[side])

    def quantity_at(self, side, price):
        return sum(self._levels[side].get(price, {}).values())

    def add(self, side, order, price, quantity):
        self._levels[side].setdefault(price, {})[order] = quantity
        self._places[order] = (side, price)

    def take(self, order, quantity=None):
        """Takes a quantity, or all there is, off an order: (order, quantity, is it gone)."""
        side, price = self._places[order]
        level = self._levels[side][price]
        taken = level[order] if quantity is None else min(quantity, level[order])
        level[order] -= taken
        gone = level[order] == 0
        if gone:
            del level[order], self._places[order]
            if not level:
                del self._levels[side][price]
        return order, taken, gone

    def take_at(self, side, price, quantity):
        """Takes a quantity off the orders of one price, off synthetic ones first."""
        taken = []
        level = self._levels[side].get(price, {})
        for order in sorted(level, key=lambda order: not is_synthetic(order)):
            if quantity > 0:
                taken.append(self.take(order, quantity))
                quantity -= taken[-1][1]
        return taken

    def match(self, incoming, limit, quantity):
        """Executes an incoming order: (the orders that it meets, what is left of it)."""
        side = OTHER[incoming]
        sign = SIGN[side]
        met = []
        while quantity > 0 and self._levels[side]:
            best = sign * min(sign * price for price in self._levels[side])
            if sign * best > sign * limit:
                break
            order, taken, _ = self.take(next(iter(self._levels[side][best])), quantity)
            met.append(order)
            quantity -= taken
        return met, quantity


class Planner:
    """Turns messages and rows, in their order, into rows of the two files."""

    def __init__(self):
        self.commands = []
        self.fills = []
        self._book = Book()
        self._row = None
        self._executions = []  # of one incoming order, not yet written
        self._last_row = None  # after them
        self._next_incoming = FIRST_INCOMING_ID
        self._next_synthetic = FIRST_SYNTHETIC_ID

    def add(self, message, row):
        if self._row is None:  # the book after the first message, which is thereby in it
            self._align(message.time, row)
            return
        executes = message.type in (VISIBLE_EXECUTION, HIDDEN_EXECUTION)
        first = self._executions[0] if self._executions else None
        if not (executes and first and (message.time, message.side) == (first.time, first.side)):
            self.finish()
        elif message.type == HIDDEN_EXECUTION:
            return
        if message.type == VISIBLE_EXECUTION:
            self._executions.append(message)
            self._last_row = row
        elif message.type in (NEW, PARTIAL_CANCEL, DELETE):
            if message.type == NEW:
                self._add_order(message)
            else:
                self._cancel(message)
            self._align(message.time, row)

    def finish(self):
        """Writes the incoming order whose executions were collected, if there is one."""
        if not self._executions:
            return
        first, last = self._executions[0], self._executions[-1]
        incoming = OTHER[first.side]
        order = self._next_incoming
        self._next_incoming += 1
        quantity = sum(execution.quantity for execution in self._executions)
        met, _ = self._book.match(incoming, last.price, quantity)
        clean = int(not any(map(is_synthetic, met)))
        self.commands.append((first.time, "ioc", order, incoming, last.price, quantity))
        recorded = []  # executions of one resting order that follow each other are one
        for execution in self._executions:
            maker = (execution.order, execution.price)
            if recorded and recorded[-1][0] == maker:
                recorded[-1][1] += execution.quantity
            else:
                recorded.append([maker, execution.quantity])
        self.fills += [(order, *maker, quantity, clean) for maker, quantity in recorded]
        self._executions = []
        self._align(first.time, self._last_row)

    def _add_order(self, message):
        order = message.order
        if order in self._book:
            order, self._next_synthetic = self._next_synthetic, self._next_synthetic + 1
        self._place(message.time, message.side, order, message.price, message.quantity)

    def _place(self, time, side, order, price, quantity):
        self.commands.append((time, "add", order, side, price, quantity))
        _, left = self._book.match(side, price, quantity)
        if left > 0:
            self._book.add(side, order, price, left)

    def _cancel(self, message):
        if message.order in self._book:
            quantity = message.quantity if message.type == PARTIAL_CANCEL else None
            order, taken, gone = self._book.take(message.order, quantity)
            self._take_off(message.time, order, None if gone else taken)
        else:
            held = self._book.take_at(message.side, message.price, message.quantity)
            for order, taken, _ in held:
                self._take_off(message.time, order, taken)

    def _take_off(self, time, order, quantity=None):
        if quantity is None:
            self.commands.append((time, "cancel", order, "", "", ""))
        else:
            self.commands.append((time, "reduce", order, "", "", quantity))

    def _align(self, time, row):
        """Makes the book show the row: where the two differ, one synthetic order stands for all."""
        self._row = row
        for side, sign in (("sell", 1), ("buy", -1)):
            shown = dict(row.sides[side])
            worst = sign * row.sides[side][-1][0] if row.is_full(side) else None
            in_view = [rank for rank in self._book.ranks(side) if worst is None or rank <= worst]
            missing = []
            for rank in sorted({sign * price for price in shown} | set(in_view)):
                price = sign * rank
                held = self._book.quantity_at(side, price)
                if held == shown.get(price, 0):
                    continue
                for order, _, _ in self._book.take_at(side, price, held):
                    self._take_off(time, order)
                if price in shown:
                    missing.append(price)
            for price in missing:
                self._place(time, side, self._next_synthetic, price, shown[price])
                self._next_synthetic += 1


def read_archive(path):
    """Yields (message, row) for each line of the two files."""
    with zipfile.ZipFile(path) as archive:
        def lines(part):
            [name] = [name for name in archive.namelist() if part in name]
            return io.TextIOWrapper(archive.open(name), encoding="ascii")

        with lines("_message_") as messages, lines("_orderbook_") as rows:
            for message, row in zip(messages, rows, strict=True):
                yield Message(message), Row(row)


def write(path, header, rows):
    with gzip.open(path, "wt", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{path}: {len(rows)} rows")


def main():
    parser = argparse.ArgumentParser(description="LOBSTER's recording as commands for qb replay")
    parser.add_argument("archive", type=pathlib.Path, help="LOBSTER_SampleFile_..._LEVELS.zip")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "data" / "recordings")
    arguments = parser.parse_args()
    planner = Planner()
    for message, row in read_archive(arguments.archive):
        planner.add(message, row)
    planner.finish()
    name = re.sub(r"^LOBSTER_SampleFile_", "", arguments.archive.stem)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(arguments.out / f"{name}.replay.csv.gz",
          ("ts_ns", "op", "order_id", "side", "price", "quantity"), planner.commands)
    write(arguments.out / f"{name}.expected_fills.csv.gz",
          ("taker_id", "maker_id", "price", "quantity", "clean"), planner.fills)


if __name__ == "__main__":
    sys.exit(main())
