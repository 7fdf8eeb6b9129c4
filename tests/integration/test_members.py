"""Who belongs to a cluster: its founding, nodes that lose their data or find it damaged, nodes that
are added and taken out (docs/decisions/0006-members.md)."""

import re
import shutil
from random import Random

import pytest

import rpc
from cluster import PATIENT, QbError, wait_until
from web import Web

SYMBOL = "MEM"


def add_symbol(cluster):
    cluster.qb("symbol", "add", SYMBOL, "--tick-size", "1", "--lot-size", "1")


def rest_orders(cluster, ids):
    results = cluster.session().execute(*[rpc.buy(SYMBOL, n, 1000 + n, 10) for n in ids])
    for reports in results:
        assert [r.exec_type for r in reports] == [rpc.exchange.ExecutionReport.NEW]


def resting(cluster):
    book = cluster.api(cluster.leader()).book(SYMBOL, levels=1000, orders=True)
    return sorted(order.client_order_id for order in book.bid_orders)


def members(cluster):
    """Node to incarnation of its voter as the leader lists them, or None while a change is under
    way: until that is committed, a majority of the members before it is needed as well, and a node
    can be listed twice, as the incarnation that comes in and the one that goes out."""
    leader = cluster.leader_now()
    replica = cluster.replica(leader) if leader else None
    if replica is None or any(m.kind != rpc.cluster.MemberStatus.VOTER for m in replica.members):
        return None
    return {m.node_id: m.incarnation for m in replica.members}


def voters(cluster):
    return sorted(members(cluster) or [])


def wait_replaced(cluster, node, before):
    """Waits until `node` votes under another incarnation than `before`; the others are the same."""
    after = wait_until(
        lambda: (found := members(cluster))
        and found.get(node) not in (None, before[node])
        and found,
        "it votes again",
    )
    assert {**after, node: 0} == {**before, node: 0}, "the others stay who they are"


def corruptions(cluster, node):
    text = Web(cluster.nodes[node].http).ask("GET", "/metrics").text
    found = re.search(r"^quorumbook_storage_corruptions_total (\d+)$", text, re.MULTILINE)
    return int(found.group(1))


def test_a_cluster_is_founded_when_all_its_nodes_are_there(make_cluster):
    cluster = make_cluster()
    cluster.spawn(2)
    cluster.spawn(3)
    wait_until(lambda: "clients at" in cluster.log_of(2), "node 2 listens")
    done = cluster.run_qb("--timeout", "500ms", "symbol", "list")
    assert done.returncode != 0
    assert "not founded yet" in done.stderr and "node 1" in done.stderr, done.stderr
    cluster.spawn(1)
    cluster.wait_ready()
    assert voters(cluster) == [1, 2, 3]


@pytest.mark.parametrize("role", ["leader", "follower"])
def test_a_node_that_lost_its_data_is_taken_in_under_a_new_identity(cluster, role):
    add_symbol(cluster)
    rest_orders(cluster, range(1, 51))
    before = wait_until(lambda: members(cluster), "no change is under way")
    lost = cluster.leader() if role == "leader" else cluster.followers()[0]
    cluster.kill(lost)
    shutil.rmtree(cluster.nodes[lost].data)
    cluster.spawn(lost)
    wait_replaced(cluster, lost, before)
    cluster.wait_caught_up()
    # Its vote and its copy count: any other node may die now.
    cluster.kill(next(n for n in cluster.running() if n != lost))
    cluster.wait_ready()
    assert resting(cluster) == list(range(1, 51))
    rest_orders(cluster, range(51, 61))


def flip_a_bit(path):
    """In the middle of the file."""
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 4]))


def flip_a_bit_of_a_block(data, random):
    """Of 4 KiB, in any file of the store that holds data."""
    blocks = [
        (path, block)
        for path in sorted(data.iterdir())
        if path.is_file() and not path.name.startswith(("LOG", "LOCK"))
        for block in range(0, path.stat().st_size, 4096)
    ]
    path, block = random.choice(blocks)
    bit = random.randrange(8 * min(4096, path.stat().st_size - block))
    with open(path, "r+b") as file:
        file.seek(block + bit // 8)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1 << bit % 8]))
    return f"{path.name}, block {block // 4096}"


def test_a_bit_of_any_block_is_survived_with_the_right_state(make_cluster):
    cluster = make_cluster(settings={"snapshot": {"log_bytes": 65536, "keep_log_bytes": 4096}})
    cluster.start()
    add_symbol(cluster)
    random = Random(20)
    damaged = cluster.followers()[0]
    rebuilt = 0
    for first in range(1, 4001, 200):
        rest_orders(cluster, range(first, first + 200))
        before = cluster.wait_caught_up()
        incarnations = wait_until(lambda: members(cluster), "no change is under way")
        cluster.kill(damaged)
        print(flip_a_bit_of_a_block(cluster.nodes[damaged].data, random))
        cluster.start(damaged)
        wait_until(lambda: voters(cluster) == [1, 2, 3], "all vote")
        assert cluster.wait_caught_up().market_digest == before.market_digest
        assert damaged in cluster.running(), "else it was not asked"
        for aside in cluster.nodes[damaged].data.parent.glob("data.damaged*"):
            shutil.rmtree(aside)  # as an operator who has looked at it; a node keeps four
        rebuilt += wait_until(lambda: members(cluster), "no change is under way") != incarnations
    # Most of a store is in use: what is not, or is there twice, may be damaged.
    assert rebuilt >= 5


@pytest.mark.parametrize("kind", ["found at the start", "met while it ran"])
def test_a_node_whose_data_is_damaged_begins_anew(cluster, kind):
    add_symbol(cluster)
    for first in range(1, 2001, 100):
        rest_orders(cluster, range(first, first + 100))
    before = cluster.wait_caught_up()
    incarnations = wait_until(lambda: members(cluster), "no change is under way")
    damaged = cluster.followers()[0]
    cluster.kill(damaged)
    data = cluster.nodes[damaged].data
    if kind == "found at the start":
        flip_a_bit(max(data.glob("**/*.log"), key=lambda file: file.stat().st_size))
    else:
        (data / "DAMAGED").write_text("what the process before this one met\n")
    cluster.spawn(damaged)
    wait_replaced(cluster, damaged, incarnations)
    assert "damaged data was moved to" in cluster.log_of(damaged)
    aside = [path for path in data.parent.iterdir() if path.name.startswith(data.name + ".")]
    assert len(aside) == 1, "nothing is deleted"
    after = cluster.wait_caught_up()
    assert after.market_digest == before.market_digest
    assert [corruptions(cluster, n) for n in [1, 2, 3]] == [int(n == damaged) for n in [1, 2, 3]]
    shutil.rmtree(aside[0])
    wait_until(lambda: corruptions(cluster, damaged) == 0, "what is taken away is not counted")


def test_a_single_node_whose_data_is_damaged_does_not_start(make_cluster):
    single_node = make_cluster(nodes=1)
    single_node.start()
    add_symbol(single_node)
    for first in range(1, 1001, 100):
        rest_orders(single_node, range(first, first + 100))
    single_node.kill(1)
    data = single_node.nodes[1].data
    flip_a_bit(max(data.glob("**/*.log"), key=lambda file: file.stat().st_size))
    single_node.spawn(1)
    assert single_node.exit_code(1) != 0
    assert "can not start" in single_node.log_of(1)
    assert data.exists()


def test_a_single_node_grows_and_stays_who_it_is(make_cluster):
    """It founded the cluster, and must know that when there are others to found one with."""
    cluster = make_cluster(nodes=1)
    cluster.start()
    add_symbol(cluster)
    rest_orders(cluster, range(1, 11))
    before = members(cluster)
    cluster.extend()
    cluster.kill(1)
    cluster.spawn(2)
    cluster.start(1)
    cluster.wait_ready()
    assert resting(cluster) == list(range(1, 11))
    wait_until(lambda: cluster.run_qb("cluster", "add-node", "2").returncode == 0, "it is added")
    wait_until(lambda: voters(cluster) == [1, 2], "it votes")
    assert members(cluster)[1] == before[1]
    rest_orders(cluster, range(11, 21))
    cluster.wait_caught_up()
    assert resting(cluster) == list(range(1, 21))


def test_a_node_is_added_and_the_leader_is_taken_out(make_cluster):
    cluster = make_cluster(settings=PATIENT)
    cluster.start()
    add_symbol(cluster)
    rest_orders(cluster, range(1, 11))
    with pytest.raises(QbError, match="node 4 is not connected"):
        cluster.qb("cluster", "add-node", "4")
    cluster.extend()
    for n in [1, 2, 3]:  # one after the other: they learn of the new peer
        assert cluster.stop(n) == 0
        cluster.start(n)
    cluster.spawn(4)
    wait_until(lambda: cluster.replica(4), "node 4 answers")
    listed = wait_until(lambda: members(cluster), "no change is under way")
    assert sorted(listed) == [1, 2, 3], "nobody comes in by itself"
    wait_until(lambda: cluster.run_qb("cluster", "add-node", "4").returncode == 0, "it is added")
    wait_until(lambda: voters(cluster) == [1, 2, 3, 4], "it votes")
    leader = cluster.leader()
    cluster.qb("cluster", "remove-node", str(leader))
    rest = [n for n in [1, 2, 3, 4] if n != leader]
    wait_until(lambda: cluster.leader_now() in rest and voters(cluster) == rest, "it is out")
    rest_orders(cluster, range(11, 21))
    # Who was taken out does not disturb: same leader, same term, though it still runs.
    term = cluster.replica(cluster.leader()).term
    rest_orders(cluster, range(21, 31))
    assert cluster.replica(cluster.leader()).term == term
    with pytest.raises(QbError, match="does not come back under the identity"):
        cluster.qb("cluster", "add-node", str(leader))
    cluster.kill(leader)
    assert resting(cluster) == list(range(1, 31))
