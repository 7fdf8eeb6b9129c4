"""Bad input of every kind gets a clear answer; no process dies of it, nothing accepted is lost."""

import random
import socket
import subprocess

import grpc
import pytest

import rpc
from cluster import PATIENT, Cluster, binary, wait_until

Reason = rpc.exchange.Reason
SYMBOL = "BAD"
MAX_BATCH = 1000
INT64_MAX = (1 << 63) - 1


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One cluster for the tests of this file, with a symbol."""
    with Cluster(tmp_path_factory.mktemp("bad") / "cluster", settings=PATIENT) as cluster:
        cluster.start()
        cluster.session().execute(rpc.add_symbol(SYMBOL, tick=(5, -2), lot=(10, 0)))
        yield cluster


@pytest.fixture
def cluster(running):
    """The shared one. Afterwards every node runs and an order accepted before is still there."""
    account = random.randrange(1, 1 << 32)
    [reports] = running.session(account).execute(rpc.buy(SYMBOL, 1, 7, 1))
    assert reports[0].exec_type == rpc.exchange.ExecutionReport.NEW
    yield running
    assert running.running() == [1, 2, 3], running.log_tails()
    running.wait_ready()
    [reports] = running.session(account).execute(rpc.cancel(SYMBOL, 1))
    assert reports[0].exec_type == rpc.exchange.ExecutionReport.CANCELED


def reject_reason(cluster, *commands, account=1):
    """The reason for which the last of `commands` is refused."""
    last = cluster.session(account).execute(*commands)[-1]
    assert [r.exec_type for r in last] == [rpc.exchange.ExecutionReport.REJECTED], last
    return last[0].reason


# Orders.


@pytest.mark.parametrize(
    "command, reason",
    [
        (rpc.buy("NOSUCH", 1, 7, 1), Reason.UNKNOWN_SYMBOL),
        (rpc.buy("", 1, 7, 1), Reason.UNKNOWN_SYMBOL),
        (rpc.buy("x" * 100_000, 1, 7, 1), Reason.UNKNOWN_SYMBOL),
        (rpc.buy(SYMBOL, 1, 7, 0), Reason.INVALID_QUANTITY),
        (rpc.buy(SYMBOL, 1, 7, -1), Reason.INVALID_QUANTITY),
        (rpc.buy(SYMBOL, 1, 7, INT64_MAX), Reason.INVALID_QUANTITY),
        (rpc.buy(SYMBOL, 1, 0, 1), Reason.INVALID_PRICE),
        (rpc.buy(SYMBOL, 1, -7, 1), Reason.INVALID_PRICE),
        (rpc.buy(SYMBOL, 1, INT64_MAX, 1), Reason.INVALID_PRICE),
        (rpc.buy(SYMBOL, 1, -INT64_MAX - 1, 1), Reason.INVALID_PRICE),
        (rpc.buy(SYMBOL, 0, 7, 1), Reason.INVALID_CLIENT_ORDER_ID),
        (rpc.buy(SYMBOL, 1, 0, 1, type=rpc.exchange.MARKET), Reason.INVALID_ORDER),
        (rpc.cancel(SYMBOL, 123456), Reason.UNKNOWN_ORDER),
        (rpc.cancel("NOSUCH", 1), Reason.UNKNOWN_SYMBOL),
        (rpc.reduce(SYMBOL, 123456, 1), Reason.UNKNOWN_ORDER),
        (rpc.replace(SYMBOL, 123456, 7, 1), Reason.UNKNOWN_ORDER),
        (rpc.add_symbol("white space"), Reason.INVALID_SYMBOL),
        (rpc.add_symbol("T", tick=(0, 0)), Reason.INVALID_SYMBOL),
        (rpc.add_symbol("T", lot=(-1, 0)), Reason.INVALID_SYMBOL),
        (rpc.add_symbol(SYMBOL, tick=(1, 0)), Reason.SYMBOL_EXISTS),
    ],
    ids=lambda value: None if isinstance(value, int) else value.WhichOneof("kind"),
)
def test_a_command_is_refused_with_its_reason(cluster, command, reason):
    assert reject_reason(cluster, command) == reason


def test_duplicate_client_order_id(cluster):
    order = rpc.buy(SYMBOL, 50, 7, 1)
    assert reject_reason(cluster, order, order) == Reason.DUPLICATE_CLIENT_ORDER_ID


def test_a_finished_order_can_not_be_cancelled(cluster):
    commands = [rpc.buy(SYMBOL, 60, 7, 1), rpc.cancel(SYMBOL, 60), rpc.cancel(SYMBOL, 60)]
    assert reject_reason(cluster, *commands) == Reason.ORDER_FINISHED


# Messages.


@pytest.mark.parametrize(
    "make, code",
    [
        (lambda: [rpc.cancel(SYMBOL, n + 1) for n in range(MAX_BATCH + 1)], "BATCH_TOO_LARGE"),
        (lambda: [rpc.buy("x" * (5 << 20), 1, 7, 1)], None),
        (lambda: [], "MALFORMED"),
        (lambda: [rpc.exchange.Command()], "MALFORMED"),
        (lambda: [rpc.new_order(SYMBOL, 1, 77, 7, 1)], "MALFORMED"),
        (lambda: [rpc.buy(SYMBOL, 1, 7, 1, type=55)], "MALFORMED"),
        (lambda: [rpc.buy(SYMBOL, 1, 7, 1, time_in_force=99)], "MALFORMED"),
        (lambda: [rpc.add_symbol("N" * 17)], "MALFORMED"),
    ],
    ids=["1001 commands", "5 MiB", "no command", "empty command", "side", "type", "time in force",
         "symbol"],
)
def test_a_batch_that_is_refused_whole(cluster, make, code):
    session = cluster.session()
    with pytest.raises(grpc.RpcError) as error:
        session.execute(*make())
    if code is None:  # larger than gRPC takes at all
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    else:
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert rpc.error_detail(error.value).code == getattr(rpc.exchange.ErrorDetail, code)
    assert error.value.details()
    session.execute(rpc.cancel(SYMBOL, 1))  # the session goes on under the same number


def test_a_batch_of_the_largest_size_is_taken(cluster):
    results = cluster.session().execute(*[rpc.cancel(SYMBOL, n + 1000) for n in range(MAX_BATCH)])
    assert {reports[0].reason for reports in results} == {Reason.UNKNOWN_ORDER}


def test_session_numbers(cluster):
    session = cluster.session()
    session.execute(rpc.cancel(SYMBOL, 1))
    cases = [
        (session.id, 5, "SESSION_GAP"),
        (session.id + 1_000_000, 1, "SESSION_UNKNOWN"),
        (session.id, 0, "MALFORMED"),
        (0, 1, "SESSION_UNKNOWN"),
    ]
    for number, sequence, code in cases:
        with pytest.raises(grpc.RpcError) as error:
            session.api.submit(number, sequence, [rpc.cancel(SYMBOL, 1)])
        assert rpc.error_detail(error.value).code == getattr(rpc.exchange.ErrorDetail, code)


def test_a_shard_that_is_not_there(cluster):
    with pytest.raises(grpc.RpcError) as error:
        cluster.api(cluster.leader()).open_session(shard=99)
    assert rpc.error_detail(error.value).code == rpc.exchange.ErrorDetail.WRONG_SHARD


def test_a_follower_says_who_leads(cluster):
    leader = cluster.leader()
    with pytest.raises(grpc.RpcError) as error:
        cluster.api(cluster.followers()[0]).open_session()
    detail = rpc.error_detail(error.value)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    assert detail.code == rpc.exchange.ErrorDetail.NOT_LEADER
    assert (detail.leader_id, detail.leader_address) == (leader, cluster.nodes[leader].client)


# Ports.


@pytest.mark.parametrize("port", ["client", "peer"])
def test_garbage_on_a_port(cluster, port):
    noise = random.Random(1)
    for node in cluster.nodes.values():
        host, number = getattr(node, port).split(":")
        for size in [1, 24, 1000, 200_000]:
            with socket.create_connection((host, int(number))) as connection:
                try:
                    connection.sendall(noise.randbytes(size))
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass  # the node has hung up, which is an answer


def hello(cluster_id, node_id, version=3):
    greeting = rpc.peer.PeerHello(
        cluster_id=cluster_id, node_id=node_id, protocol_version=version
    )
    return rpc.peer.PeerFrame(hello=greeting)


@pytest.mark.parametrize(
    "frames, why",
    [
        ([hello("other", 1)], "not 'other'"),
        ([hello("test", 1, version=77)], "protocol 77"),
        ([hello("test", 1)], "`shards` and `symbols` and `raft` of node 1"),
        ([rpc.peer.PeerFrame(messages=[rpc.peer.PeerMessage(shard=1, term=1 << 40)])], "no hello"),
        ([rpc.peer.PeerFrame()], "no hello"),
    ],
    ids=["another cluster", "another version", "other settings", "no hello", "empty"],
)
def test_a_stranger_on_the_peer_port(cluster, frames, why):
    term = cluster.replica(cluster.leader()).term
    api = rpc.Api(cluster.nodes[3].peer)
    with pytest.raises(grpc.RpcError) as error:
        api.peer_frames(frames)
    api.close()
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert why in error.value.details()
    assert cluster.replica(cluster.leader()).term == term


# Starting a node.


def refused(cluster, n):
    """Starts node `n`, which must end by itself with an error, and returns what it said."""
    cluster.spawn(n)
    code = cluster.exit_code(n)
    assert code not in (0, -6, -11), f"exit code {code}\n{cluster.log_of(n)}"
    return cluster.log_of(n)


def test_unknown_configuration_key(make_cluster):
    cluster = make_cluster(settings={"snapshots": {"log_bytes": 1}})
    said = refused(cluster, 1)
    config = cluster.nodes[1].config
    line = 1 + config.read_text().split('"snapshots"')[0].count("\n")
    assert f"{config}:{line}" in said and "snapshots" in said

    done = subprocess.run(
        [binary("quorumbookd"), "check-config", str(config)],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode != 0
    assert f"{config}:{line}" in done.stdout + done.stderr


def test_data_directory_of_another_node_or_cluster(make_cluster):
    cluster = make_cluster()
    cluster.start()
    for n in cluster.running():
        assert cluster.stop(n) == 0
    first, second = cluster.nodes[1], cluster.nodes[2]
    data = first.data
    first.directory = second.directory  # node 1 with the directory of node 2
    cluster.write_config(first)
    said = refused(cluster, 1)
    assert str(first.data) in said and "node 2" in said and "node 1" in said

    first.directory = data.parent
    cluster.cluster_id = "another"
    cluster.write_config(first)
    said = refused(cluster, 1)
    assert str(first.data) in said and '"test"' in said and '"another"' in said

    cluster.cluster_id = "test"
    for node in cluster.nodes.values():
        cluster.write_config(node)
    cluster.start()
    cluster.wait_caught_up()


def test_a_data_directory_that_is_in_use(cluster, tmp_path, make_cluster):
    other = make_cluster()
    intruder = other.nodes[1]
    config = intruder.config.read_text().replace(str(intruder.data), str(cluster.nodes[1].data))
    intruder.config.write_text(config)
    said = refused(other, 1)
    assert str(cluster.nodes[1].data) in said


@pytest.mark.parametrize("port", ["client", "peer"])
def test_a_port_in_use(make_cluster, port):
    cluster = make_cluster()
    host, number = getattr(cluster.nodes[1], port).split(":")
    with socket.create_server((host, int(number))):
        said = refused(cluster, 1)
    assert f"{host}:{number}" in said
    cluster.start()  # the port is free again, the directory is not spoilt
