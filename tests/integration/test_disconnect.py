"""Cancel on disconnect: when a session's client counts as lost, and when not."""

import queue

import grpc
import pytest

import rpc
from cluster import PATIENT, wait_until

SYMBOL = "COD"


class Client:
    """A session that cancels on disconnect, over a stream that stays open."""

    def __init__(self, cluster, account):
        self.cluster = cluster
        self.account = account
        self.id = cluster.api(cluster.leader()).open_session(account, cancel_on_disconnect=True)
        self.next = 1
        self.call = None

    def connect(self):
        """Opens a stream at the leader and says that the client is there."""
        self.batches = queue.SimpleQueue()
        self.call = self.cluster.api(self.cluster.leader()).order_stream(iter(self.batches.get, 0))
        self.send()

    def send(self, *commands):
        batch = rpc.exchange.CommandBatch(
            shard=1, session=self.id, first_sequence=self.next, commands=commands
        )
        self.next += len(commands)
        self.batches.put(batch)
        return next(self.call)

    def disconnect(self):
        self.call.cancel()


def open_orders(cluster, account):
    return len(cluster.qb("--account", account, "order", "list", "--symbol", SYMBOL)["orders"])


@pytest.fixture
def cluster(make_cluster):
    started = make_cluster(settings=PATIENT)
    started.start()
    started.session().execute(rpc.add_symbol(SYMBOL))
    return started


def test_a_lost_stream_cancels_and_others_do_not(cluster):
    lost, stays = Client(cluster, 1), Client(cluster, 2)
    for client in (lost, stays):
        client.connect()
        client.send(rpc.buy(SYMBOL, 1, 10, 1), rpc.buy(SYMBOL, 2, 11, 1))
    plain = cluster.session(3)
    plain.execute(rpc.buy(SYMBOL, 1, 12, 1))
    lost.disconnect()
    wait_until(lambda: open_orders(cluster, 1) == 0, "the orders of the lost client are cancelled")
    state = cluster.qb("--account", 1, "order", "status", SYMBOL, 1)
    assert state["reason"] == "disconnected"
    assert open_orders(cluster, 2) == 2
    assert open_orders(cluster, 3) == 1


def test_a_client_that_comes_back_in_time_keeps_its_orders(cluster):
    client, lost = Client(cluster, 1), Client(cluster, 2)
    for each in (client, lost):
        each.connect()
        each.send(rpc.buy(SYMBOL, 1, 10, 1))
    client.disconnect()
    lost.disconnect()
    client.connect()
    # The other one's loss shows that the time is over.
    wait_until(lambda: open_orders(cluster, 2) == 0, "the other client is lost")
    assert open_orders(cluster, 1) == 1


def test_a_client_lost_together_with_the_leader(cluster):
    lost, stays = Client(cluster, 1), Client(cluster, 2)
    for client in (lost, stays):
        client.connect()
        client.send(rpc.buy(SYMBOL, 1, 10, 1))
    cluster.kill(cluster.leader())
    wait_until(lambda: reconnected(stays), "the other client finds the new leader")
    wait_until(lambda: open_orders(cluster, 1) == 0, "the orders of the lost client are cancelled")
    assert open_orders(cluster, 2) == 1


def test_an_idle_stream_ends_when_its_node_stops_leading(cluster):
    client = Client(cluster, 1)
    client.connect()
    client.send(rpc.buy(SYMBOL, 1, 10, 1))
    cluster.api(cluster.leader()).transfer()
    with pytest.raises(grpc.RpcError) as error:
        next(client.call)
    assert rpc.error_detail(error.value).code == rpc.exchange.ErrorDetail.NOT_LEADER


def reconnected(client):
    try:
        client.connect()
        return True
    except grpc.RpcError:
        return False


def test_closing_the_session_cancels_too(cluster):
    client = Client(cluster, 1)
    client.connect()
    client.send(rpc.buy(SYMBOL, 1, 10, 1))
    request = rpc.exchange.CloseSessionRequest(shard=1, session=client.id)
    response = rpc.exchange.CloseSessionResponse
    cluster.api(cluster.leader()).call("Exchange", "CloseSession", request, response)
    assert open_orders(cluster, 1) == 0
