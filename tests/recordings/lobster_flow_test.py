"""Recordings of a few lines, and the commands that they are made into."""

import zipfile

import lobster_flow
import pytest

NONE = (9_999_999_999, 0)


def plan(tmp_path, *steps):
    """Of steps (message, asks, bids), with two levels a side: (commands without times, fills)."""
    messages, rows = [], []
    for message, asks, bids in steps:
        messages.append(message)
        levels = []
        for ask, bid in zip([*asks, NONE][:2], [*bids, (-NONE[0], 0)][:2]):
            levels += [*ask, *bid]
        rows.append(",".join(map(str, levels)))
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("day_message_2.csv", "\n".join(messages) + "\n")
        file.writestr("day_orderbook_2.csv", "\n".join(rows) + "\n")
    planner = lobster_flow.Planner()
    for message, row in lobster_flow.read_archive(archive):
        planner.add(message, row)
    planner.finish()
    return [command[1:] for command in planner.commands], planner.fills


ASKS, BIDS = ((10100, 5), (10200, 5)), ((9900, 5), (9800, 5))
SYNTHETIC = lobster_flow.FIRST_SYNTHETIC_ID
START = ("34200.0,5,0,1,10000,-1", ASKS, BIDS)
SEED = [("add", SYNTHETIC, "sell", 101, 5), ("add", SYNTHETIC + 1, "sell", 102, 5),
        ("add", SYNTHETIC + 2, "buy", 99, 5), ("add", SYNTHETIC + 3, "buy", 98, 5)]


def test_first_row_becomes_synthetic_orders(tmp_path):
    assert plan(tmp_path, START) == (SEED, [])


def test_orders_and_cancels_keep_their_ids(tmp_path):
    commands, _ = plan(
        tmp_path, START,
        ("34201.5,1,7,4,10100,-1", ((10100, 9), (10200, 5)), BIDS),
        ("34201.6,2,7,3,10100,-1", ((10100, 6), (10200, 5)), BIDS),
        ("34201.7,3,7,1,10100,-1", ASKS, BIDS),
    )  # fmt: skip
    assert commands[len(SEED) :] == [
        ("add", 7, "sell", 101, 4), ("reduce", 7, "", "", 3), ("cancel", 7, "", "", "")]


def test_cancel_of_an_unknown_order_is_of_a_synthetic_one(tmp_path):
    commands, _ = plan(
        tmp_path, START, ("34201.5,3,3,2,9900,1", ASKS, ((9900, 3), (9800, 5))))
    assert commands[len(SEED) :] == [("reduce", SYNTHETIC + 2, "", "", 2)]


@pytest.mark.parametrize("hidden", [False, True])
def test_executions_of_one_moment_are_one_incoming_order(tmp_path, hidden):
    between = [("34202.0,5,0,9,10000,-1", ((10100, 5), (10200, 5)), BIDS)] if hidden else []
    commands, fills = plan(
        tmp_path, START,
        ("34201.0,1,7,4,10000,-1", ((10000, 4), (10100, 5)), BIDS),
        ("34202.0,4,7,4,10000,-1", ASKS, BIDS),
        *between,
        ("34202.0,4,3,1,10100,-1", ((10100, 4), (10200, 5)), BIDS),
    )  # fmt: skip
    incoming = lobster_flow.FIRST_INCOMING_ID
    assert ("ioc", incoming, "buy", 101, 5) in commands
    assert fills == [(incoming, 7, 100, 4, 0), (incoming, 3, 101, 1, 0)]  # one is synthetic


def test_fills_of_known_orders_are_clean(tmp_path):
    _, fills = plan(
        tmp_path, START,
        ("34201.0,1,7,4,10000,-1", ((10000, 4), (10100, 5)), BIDS),
        ("34202.0,4,7,1,10000,-1", ((10000, 3), (10100, 5)), BIDS),
        ("34203.0,4,7,2,10000,-1", ((10000, 1), (10100, 5)), BIDS),
    )  # fmt: skip
    incoming = lobster_flow.FIRST_INCOMING_ID
    assert fills == [(incoming, 7, 100, 1, 1), (incoming + 1, 7, 100, 2, 1)]


def test_level_that_comes_into_view_is_put_right(tmp_path):
    commands, _ = plan(
        tmp_path, START, ("34201.0,3,3,5,10100,-1", ((10200, 5), (10300, 8)), BIDS))
    assert commands[len(SEED) :] == [
        ("reduce", SYNTHETIC, "", "", 5), ("add", SYNTHETIC + 4, "sell", 103, 8)]
