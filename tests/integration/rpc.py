"""The protocol (proto/quorumbook/v1) spoken plainly, without the client library and its retries."""

import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # qb and the daemons are started by exec
# Between calls nobody but this poller looks after a channel that reconnects; its default is 5 s.
os.environ.setdefault("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "20")

import grpc  # noqa: E402  (reads its environment when imported)

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
SECONDS = 10  # for one call


def _load():
    """Generates the message classes, for as long as this process lives."""
    out = tempfile.TemporaryDirectory(prefix="quorumbook-proto-")
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={out.name}", *files], check=True)
    sys.path.insert(0, out.name)
    modules = [
        importlib.import_module(f"quorumbook.v1.{name}_pb2")
        for name in ("exchange", "market_data", "cluster", "peer", "monitoring")
    ]
    return out, modules


_DIRECTORY, (exchange, market_data, cluster, peer, monitoring) = _load()


def new_order(symbol, order_id, side, price, quantity, **fields):
    """A limit order that rests, unless `fields` say otherwise."""
    fields = {
        "type": exchange.LIMIT,
        "time_in_force": exchange.GOOD_TILL_CANCEL,
        **fields,
    }
    return exchange.Command(
        new_order=exchange.NewOrder(
            symbol=symbol,
            client_order_id=order_id,
            side=side,
            price=price,
            quantity=quantity,
            **fields,
        )
    )


def buy(symbol, order_id, price, quantity, **fields):
    return new_order(symbol, order_id, exchange.BUY, price, quantity, **fields)


def sell(symbol, order_id, price, quantity, **fields):
    return new_order(symbol, order_id, exchange.SELL, price, quantity, **fields)


def cancel(symbol, order_id):
    order = exchange.CancelOrder(symbol=symbol, client_order_id=order_id)
    return exchange.Command(cancel_order=order)


def reduce(symbol, order_id, quantity):
    order = exchange.ReduceOrder(symbol=symbol, client_order_id=order_id, quantity=quantity)
    return exchange.Command(reduce_order=order)


def replace(symbol, order_id, price, quantity):
    order = exchange.ReplaceOrder(
        symbol=symbol, client_order_id=order_id, price=price, quantity=quantity
    )
    return exchange.Command(replace_order=order)


def add_symbol(name, tick=(1, -2), lot=(1, 0)):
    return exchange.Command(
        add_symbol=exchange.AddSymbol(
            name=name,
            tick_size=exchange.Decimal(mantissa=tick[0], exponent=tick[1]),
            lot_size=exchange.Decimal(mantissa=lot[0], exponent=lot[1]),
        )
    )


def mass_cancel(symbol="", side=0, account=0):
    command = exchange.MassCancel(symbol=symbol, side=side, account=account)
    return exchange.Command(mass_cancel=command)


def set_phase(symbol, phase, reference_price=0):
    command = exchange.SetPhase(symbol=symbol, phase=phase, reference_price=reference_price)
    return exchange.Command(set_phase=command)


def error_detail(error):
    """The ErrorDetail that a failed call carries, or None."""
    for key, value in error.trailing_metadata() or ():
        if key == "quorumbook-error-bin":
            return exchange.ErrorDetail.FromString(value)
    return None


class Api:
    """One node's services. Raises grpc.RpcError as gRPC does."""

    def __init__(self, address, credentials=None, name=None):
        """`credentials`: those of gRPC, for TLS; `name`: whose certificate the node must have, if
        it is not that of the address."""
        # A channel of its own: by default all channels of a process to one address share a
        # connection, and with it the back-off after a node was down.
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_reconnect_backoff_ms", 100),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            # A stream that is not read holds 64 KiB, whatever the speed of the network looks like.
            ("grpc.http2.bdp_probe", 0),
        ]
        if name is not None:
            options.append(("grpc.ssl_target_name_override", name))
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options=options)
        else:
            self._channel = grpc.secure_channel(address, credentials, options=options)

    def close(self):
        self._channel.close()

    def call(self, service, method, request, response, timeout=SECONDS):
        stub = self._channel.unary_unary(
            f"/quorumbook.v1.{service}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return stub(request, timeout=timeout)

    def node_status(self, digests=False):
        request = cluster.GetNodeStatusRequest(digests=digests)
        return self.call("Cluster", "GetNodeStatus", request, cluster.NodeStatus)

    def sample(self):
        """The last one that the node took of itself."""
        request = monitoring.GetSampleRequest()
        return self.call("Monitoring", "GetSample", request, monitoring.NodeSample)

    def describe(self):
        request = cluster.DescribeClusterRequest()
        return self.call("Cluster", "DescribeCluster", request, cluster.ClusterDescription)

    def transfer(self, target=0, shard=1):
        request = cluster.TransferLeadershipRequest(shard=shard, target=target)
        response = cluster.TransferLeadershipResponse
        return self.call("Cluster", "TransferLeadership", request, response)

    def open_session(self, account=1, shard=1, **fields):
        request = exchange.OpenSessionRequest(shard=shard, account=account, **fields)
        return self.call("Exchange", "OpenSession", request, exchange.OpenSessionResponse).session

    def submit(self, session, first_sequence, commands, acknowledged=0, shard=1):
        request = exchange.CommandBatch(
            shard=shard,
            session=session,
            first_sequence=first_sequence,
            acknowledged=acknowledged,
            commands=commands,
        )
        return self.call("Exchange", "Submit", request, exchange.CommandBatchResult)

    def symbols(self, shard=1):
        request = market_data.ListSymbolsRequest(shard=shard)
        response = market_data.ListSymbolsResponse
        return self.call("MarketData", "ListSymbols", request, response).symbols

    def book(self, symbol, shard=1, **fields):
        request = market_data.GetBookRequest(shard=shard, symbol=symbol, **fields)
        return self.call("MarketData", "GetBook", request, market_data.Book)

    def subscribe(self, symbol, channel, shard=1, **fields):
        """The call: an iterator of updates, with cancel(). Ends by itself after some minutes."""
        stub = self._channel.unary_stream(
            "/quorumbook.v1.MarketData/Subscribe",
            request_serializer=market_data.SubscribeRequest.SerializeToString,
            response_deserializer=market_data.MarketDataUpdate.FromString,
        )
        request = market_data.SubscribeRequest(
            shard=shard, symbol=symbol, channel=channel, **fields
        )
        return stub(request, timeout=20 * SECONDS)

    def order_stream(self, batches):
        """The call of Exchange.Stream: sends what the iterator `batches` gives."""
        stub = self._channel.stream_stream(
            "/quorumbook.v1.Exchange/Stream",
            request_serializer=exchange.CommandBatch.SerializeToString,
            response_deserializer=exchange.CommandBatchResult.FromString,
        )
        return stub(batches)

    def peer_frames(self, frames, timeout=SECONDS):
        """Opens a peer stream, sends `frames` and returns what the node says until it ends."""
        stub = self._channel.stream_stream(
            "/quorumbook.v1.Peer/Connect",
            request_serializer=peer.PeerFrame.SerializeToString,
            response_deserializer=peer.PeerFrame.FromString,
        )
        return list(stub(iter(frames), timeout=timeout))


class Session:
    """A session of numbered commands, at one node that leads."""

    def __init__(self, api, account=1):
        self.api = api
        self.id = api.open_session(account)
        self.next = 1

    def execute(self, *commands):
        """One batch; returns the reports of each command."""
        result = self.api.submit(self.id, self.next, commands, acknowledged=self.next - 1)
        self.next += len(commands)
        assert len(result.results) == len(commands)
        return [list(one.reports) for one in result.results]
