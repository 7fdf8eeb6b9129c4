"""What is not said: reads by lease ask nobody, and a shard without work falls silent."""

import concurrent.futures
import shutil
import signal

import grpc
import pytest

import rpc
from cluster import wait_until

SYMBOL = "IDLE"
READS = 300


def rest_orders(session, ids):
    """Buys that rest, each at a price of its own."""
    results = session.execute(*[rpc.buy(SYMBOL, n, 1000 + n, 10) for n in ids])
    for reports in results:
        assert [r.exec_type for r in reports] == [rpc.exchange.ExecutionReport.NEW]


def start_trading(cluster):
    """Orders 1 to 10 rest."""
    cluster.start()
    session = cluster.session()
    session.execute(rpc.add_symbol(SYMBOL))
    rest_orders(session, range(1, 11))


def resting(api):
    """The client order ids of the resting buys, by a linearizable read."""
    book = api.book(SYMBOL, levels=1000, orders=True)
    return sorted(order.client_order_id for order in book.bid_orders)


def next_sample(api):
    """A sample that was taken after this was called."""
    last = api.sample().taken_ns

    def taken():
        sample = api.sample()
        return sample if sample.taken_ns > last else None

    return wait_until(taken, "the node takes another sample")


def messages_sent(api):
    [replica] = next_sample(api).replicas
    return replica.messages_sent


def is_silent(cluster):
    """No replica has sent anything between two samples, which is about a second."""
    apis = [cluster.api(n) for n in cluster.running()]
    before = [messages_sent(api) for api in apis]
    return before == [messages_sent(api) for api in apis]


@pytest.fixture
def leased(make_cluster):
    """A cluster that reads by lease, and heartbeats so seldom that a read's messages stand out."""
    cluster = make_cluster(
        settings={
            "raft": {
                "lease_reads": True,
                "heartbeat_interval_ms": 300,
                "election_timeout_min_ms": 1000,
                "election_timeout_max_ms": 2000,
            }
        }
    )
    start_trading(cluster)
    for n in cluster.running():
        wait_until(
            lambda n=n: "lease reads: the clock runs evenly" in cluster.log_of(n),
            f"node {n} trusts its clock",
        )
    return cluster


def test_reads_by_lease_ask_nobody(leased):
    leader = leased.api(leased.leader())
    before = messages_sent(leader)
    for _ in range(READS):
        assert resting(leader) == list(range(1, 11))
    # Heartbeats are sent meanwhile; without a lease each read asks both followers.
    assert messages_sent(leader) - before < READS


def test_reads_by_lease_are_right_after_a_change_of_leaders(leased):
    dead = leased.leader()
    leased.kill(dead)
    wait_until(lambda: leased.leader_now() not in (None, dead), "another node leads")
    leased.wait_ready()
    session = leased.session()
    leader = leased.api(leased.leader())
    assert resting(leader) == list(range(1, 11))
    for n in range(11, 31):
        rest_orders(session, [n])
        assert resting(leader) == list(range(1, n + 1))


def test_a_leader_that_stood_still_reads_nothing_old_by_its_lease(leased):
    old = leased.leader()
    leased.nodes[old].process.send_signal(signal.SIGSTOP)
    try:
        others = [n for n in leased.running() if n != old]

        def leads(n):
            replica = leased.replica(n)
            return replica is not None and replica.role == rpc.cluster.ReplicaStatus.LEADER

        def new_leader():
            return next(filter(leads, others), None)

        new = wait_until(new_leader, "another node leads")
        wait_until(lambda: leased.serves(new), "it has committed an entry of its term")
        rest_orders(rpc.Session(leased.api(new), account=1), range(11, 21))
        # Asked while it stands still, so that the question is among the first things that it sees.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(resting, leased.api(old)) for _ in range(8)]
            leased.nodes[old].process.send_signal(signal.SIGCONT)
            for future in asked:
                try:
                    assert future.result() == list(range(1, 21))
                except grpc.RpcError as error:
                    detail = rpc.error_detail(error)
                    assert detail is not None, error
                    assert detail.code == rpc.exchange.ErrorDetail.NOT_LEADER, detail
    finally:
        leased.nodes[old].process.send_signal(signal.SIGCONT)


def test_a_shard_without_work_is_silent_until_it_gets_some(make_cluster):
    cluster = make_cluster(settings={"raft": {"quiesce_after_ms": 300}})
    start_trading(cluster)
    wait_until(lambda: is_silent(cluster), "nobody sends anything")
    term = cluster.replica(1).term
    rest_orders(cluster.session(), range(11, 21))
    assert resting(cluster.api(cluster.leader())) == list(range(1, 21))
    assert cluster.replica(1).term == term  # nobody had taken silence for death
    wait_until(lambda: is_silent(cluster), "nobody sends anything again")


def test_a_silent_shard_notices_that_its_leader_was_killed(make_cluster):
    cluster = make_cluster(settings={"raft": {"quiesce_after_ms": 300}})
    start_trading(cluster)
    wait_until(lambda: is_silent(cluster), "nobody sends anything")
    dead = cluster.leader()
    cluster.kill(dead)
    wait_until(lambda: cluster.leader_now() not in (None, dead), "another node leads")
    cluster.wait_ready()
    rest_orders(cluster.session(), range(11, 21))
    assert resting(cluster.api(cluster.leader())) == list(range(1, 21))
    cluster.start(dead)
    cluster.wait_caught_up()


def test_a_silent_shard_takes_in_a_node_that_lost_its_data(make_cluster):
    """Which is said when the old node counts as there still: it was heard before the silence."""
    cluster = make_cluster(settings={"raft": {"quiesce_after_ms": 100}})
    start_trading(cluster)
    wait_until(lambda: is_silent(cluster), "nobody sends anything")

    def members():
        return {m.node_id: m.incarnation for m in cluster.replica(cluster.leader()).members}

    lost = cluster.followers()[0]
    before = members()
    cluster.kill(lost)
    shutil.rmtree(cluster.nodes[lost].data)
    cluster.spawn(lost)
    wait_until(lambda: members()[lost] != before[lost], "it is a member again")
    cluster.wait_caught_up()
