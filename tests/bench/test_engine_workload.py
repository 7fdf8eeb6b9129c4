"""What others give engine_workload, and what they read from it."""
import json
import os
import pathlib
import subprocess

import pytest

PROGRAM = os.environ["ENGINE_WORKLOAD"]
HEADER = "op,order_id,side,price,quantity\n"
BOOKS = ("map", "matching", "single", "engine")


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def results(*arguments):
    done = run(*arguments, "--repeat", 1, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_books_trade_the_same_in_every_shape():
    shapes = ("near", "crash", "static", "wide")
    found = results("--shape", *shapes, "--operations", 20000)
    assert found["operations"] == 20000
    for shape in shapes:
        books = [found[shape][book] for book in BOOKS]
        assert books[0]["trades"] > 500
        assert len({(book["trades"], book["trades_hash"]) for book in books}) == 1
        assert all(0 < book["p50"] <= book["p99"] <= book["p99_9"] for book in books)
        assert all(book["ns_per_op"] > 0 for book in books)
        assert found[shape]["map"]["ratio"] == 1


def test_a_file_holds_the_same_operations(tmp_path: pathlib.Path):
    path = tmp_path / "flow.csv"
    made = ("--shape", "near", "--operations", 3000, "--seed", 7)
    assert run(*made, "--write-file", path).returncode == 0
    lines = path.read_text().splitlines(keepends=True)
    assert lines[0] == HEADER and len(lines) == 3001
    from_file = results("--file", path)
    assert from_file["operations"] == 3000
    made_here = results(*made)["near"]
    for book in BOOKS:
        for key in ("trades", "trades_hash"):
            assert from_file["file"][book][key] == made_here[book][key]
    path.write_text("".join(lines[:-1000]))
    assert results("--file", path)["file"]["map"]["trades_hash"] != made_here["map"]["trades_hash"]


def test_trades_are_those_of_price_and_time(tmp_path: pathlib.Path):
    path = tmp_path / "flow.csv"
    path.write_text(HEADER + "add,7,sell,100,5\r\nadd,8,sell,99,5\nadd,9,sell,100,5\n"
                    "cancel,7,sell,0,0\nioc,10,buy,100,7\ncancel,77,buy,0,0\n")
    for book in BOOKS:  # 5 of order 8, 2 of order 9
        assert results("--file", path)["file"][book]["trades"] == 2


@pytest.mark.parametrize("text, error", [
    ("", "no operations"),
    (HEADER, "no operations"),
    ("add,1,buy,1,1\n", ":1: the header must be op,order_id,side,price,quantity"),
    (HEADER + "add,1,buy,1,1\nadd,1,buy,1,1\n", ":3: order id 1 is used twice"),
    (HEADER + "add,1,buy,1\n", ":2: malformed: add,1,buy,1"),
    (HEADER + "add,1,buy,1,1,1\n", ":2: malformed"),
    (HEADER + "sub,1,buy,1,1\n", ":2: malformed"),
    (HEADER + "add,1,hold,1,1\n", ":2: malformed"),
    (HEADER + "add,1,buy,-1,1\n", ":2: malformed"),
    (HEADER + "add,1,buy,1,0\n", ":2: malformed"),
    (HEADER + "add,1,buy,1000000000001,1\n", ":2: malformed"),
    (HEADER + "add,1,buy,1,500000000001\n", ":2: malformed"),
    (HEADER + "add,x,buy,1,1\n", ":2: malformed"),
    (HEADER + "add,99999999999999999999,buy,1,1\n", ":2: malformed"),
])
def test_what_is_wrong_in_a_file_is_told_with_its_line(tmp_path: pathlib.Path, text, error):
    path = tmp_path / "flow.csv"
    path.write_text(text)
    done = run("--file", path, "--repeat", 1)
    assert done.returncode == 1
    assert f"{path}" in done.stderr and error in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_not_there(tmp_path: pathlib.Path):
    done = run("--file", tmp_path / "none")
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/none: can not be opened\n")
    done = run("--write-file", tmp_path / "none" / "flow.csv", "--operations", 10)
    assert done.returncode == 1 and "can not be written" in done.stderr
