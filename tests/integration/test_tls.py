"""A cluster whose nodes have certificates: who is let in, who is not, and who is named for it."""

import json
import re
import shutil
import subprocess
import time

import grpc
import pytest
import rpc
from cluster import binary, make_certificates, wait_until
from web import Web

SYMBOL = "TLS"


@pytest.fixture(name="tls_cluster")
def tls_cluster_fixture(make_cluster):
    started = make_cluster(tls=True)
    started.start()
    started.qb("symbol", "add", SYMBOL, "--tick-size", "1", "--lot-size", "1")
    return started


def rest(cluster, price):
    cluster.qb("order", "submit", SYMBOL, "buy", "1", price)


def prices(cluster):
    book = cluster.qb("book", SYMBOL)
    return sorted(int(level["price"]) for level in book["bids"])


def metric(cluster, n, pattern):
    text = Web(cluster.nodes[n].http).ask("GET", "/metrics").text
    return [float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, re.MULTILINE)]


def test_it_trades_and_survives_its_leader(tls_cluster):
    rest(tls_cluster, 10)
    killed = tls_cluster.leader()
    tls_cluster.kill(killed)
    rest(tls_cluster, 11)
    tls_cluster.start(killed)
    rest(tls_cluster, 12)
    assert prices(tls_cluster) == [10, 11, 12]
    tls_cluster.wait_caught_up()
    for n in tls_cluster.nodes:
        web = Web(tls_cluster.nodes[n].http)
        wait_until(
            lambda web=web: web.get("/api/health")["verdict"] == "healthy",
            "each node asks the others, with TLS",
        )
        expiry = metric(tls_cluster, n, "quorumbook_tls_certificate_expiry_timestamp_seconds")
        assert 363 <= (expiry[0] - time.time()) / 86400 <= 365


def said_by_qb(cluster, *options):
    """What `qb` says that is given the endpoints of `cluster` and these options."""
    done = subprocess.run(
        [binary("qb"), "--endpoints", cluster.endpoints, "--timeout", "2s", "-o", "json"]
        + [*map(str, options), "cluster", "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    error = json.loads(done.stderr)["error"]
    assert error["exit_code"] == done.returncode
    return done.returncode, error["message"]


def test_clients_are_told_what_is_missing(tls_cluster, cluster, tmp_path):
    code, said = said_by_qb(tls_cluster)
    assert code == 2
    assert "if it uses TLS, name the file of its CA" in said
    ca = tls_cluster.certificates / "ca.crt"
    code, said = said_by_qb(cluster, "--ca", ca)
    assert code == 2
    assert "it speaks plain text: name no CA" in said
    make_certificates(tmp_path / "others", "--cluster", "test", "--nodes", 1)
    code, said = said_by_qb(tls_cluster, "--ca", tmp_path / "others/ca.crt")
    assert code == 2
    assert "its certificate is not of the CA that was named" in said
    code, said = said_by_qb(tls_cluster, "--ca", tmp_path / "nothing.crt")
    assert code == 64
    assert "can not be read" in said
    code, said = said_by_qb(tls_cluster, "--ca", tls_cluster.certificates / "node1.key")
    assert code == 64
    assert "holds no certificate" in said


def hello_as(cluster, caller, claimed, listener):
    """Says hello to node `listener` as node `claimed`, with the certificate of node `caller`."""
    directory = cluster.certificates
    credentials = grpc.ssl_channel_credentials(
        (directory / "ca.crt").read_bytes(),
        (directory / f"node{caller}.key").read_bytes(),
        (directory / f"node{caller}.crt").read_bytes(),
    )
    name = f"node-{listener}.{cluster.cluster_id}.quorumbook"
    api = rpc.Api(cluster.nodes[listener].peer, credentials, name)
    hello = rpc.peer.PeerHello(cluster_id=cluster.cluster_id, node_id=claimed, protocol_version=3)
    try:
        with pytest.raises(grpc.RpcError) as error:
            api.peer_frames([rpc.peer.PeerFrame(hello=hello)])
        return error.value
    finally:
        api.close()


def test_who_speaks_for_another_is_named_and_fenced(tls_cluster):
    leader = tls_cluster.leader()
    liar, other = tls_cluster.followers()
    before = metric(tls_cluster, other, "quorumbook_storage_corruptions_total")
    assert before == [0]
    tls_cluster.stop(liar)
    for listener, claimed in ((leader, other), (other, leader), (other, leader)):
        error = hello_as(tls_cluster, liar, claimed, listener)
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert (
            error.details() == f"who has the certificate of node {liar} says to be node {claimed}"
        )
    labels = f'shard="1",kind="forged_sender",culprit="{liar}"'
    evidence = f"quorumbook_raft_evidence_total{{{labels}}}"
    for n in (leader, other):
        wait_until(
            lambda n=n: metric(tls_cluster, n, re.escape(evidence)) == [1], "it is evidence, once"
        )
        line = f"evidence of a message in the name of another node by node {liar} "
        assert tls_cluster.log_of(n).count(line) == 1
        web = Web(tls_cluster.nodes[n].http)

        def instances(web=web):
            rules = {rule["name"]: rule for rule in web.get("/api/alerts")["rules"]}
            return rules["QuorumbookEvidence"]["instances"]

        firing = wait_until(lambda: instances(), "it is told")
        wanted = {"shard": "1", "kind": "forged_sender", "culprit": str(liar)}
        assert [one["labels"] for one in firing] == [wanted], "whoever saw it"

        def events(web=web):
            return [e for e in web.get("/api/events")["events"] if e["kind"] == "evidence"]

        wait_until(lambda: len(events()) == 2, "both nodes tell")
        assert {e["node"] for e in events()} == {liar}
    # The rest runs. Its daemon comes back, and nobody listens to it, whatever incarnation it has:
    # who has its key may say any.
    rest(tls_cluster, 10)
    member = {m.node_id: m.incarnation for m in tls_cluster.replica(leader).members}[liar]
    tls_cluster.spawn(liar)
    rest(tls_cluster, 11)
    tls_cluster.stop(liar)
    shutil.rmtree(tls_cluster.nodes[liar].data)
    tls_cluster.nodes[liar].data.mkdir()
    tls_cluster.spawn(liar)
    rest(tls_cluster, 12)
    connected = f'quorumbook_peer_connected{{peer="{liar}"}}'
    wait_until(
        lambda: metric(tls_cluster, leader, re.escape(connected)) == [1], "it is connected again"
    )
    members = {m.node_id: m.incarnation for m in tls_cluster.replica(leader).members}
    assert members[liar] == member
    # As with new keys, which are read at the start: the others forget what they know of the old.
    for n in (other, leader):
        tls_cluster.stop(n)
        tls_cluster.start(n)

    def replaced():
        replica = tls_cluster.replica(tls_cluster.leader())
        now = {m.node_id: m.incarnation for m in replica.members}
        voters = all(m.kind == rpc.cluster.MemberStatus.VOTER for m in replica.members)
        return voters and len(now) == 3 and now[liar] != member

    wait_until(replaced, "another member has taken its place")
    rest(tls_cluster, 13)
    tls_cluster.wait_caught_up()
    assert prices(tls_cluster) == [10, 11, 12, 13]


def test_who_has_no_place_is_refused(tls_cluster):
    """Another node's certificate does not even start; plain text and TLS do not meet."""
    node = tls_cluster.nodes[1]
    tls_cluster.stop(1)
    config = tls_cluster.config_of(node)
    config["tls"] = tls_cluster.tls_of(2)["tls"]
    node.config.write_text(json.dumps(config, indent=2))
    checked = subprocess.run(
        [binary("quorumbookd"), "check-config", str(node.config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 64
    assert "the certificate is for 'node-2.test.quorumbook'" in checked.stderr
    tls_cluster.spawn(1)
    assert tls_cluster.exit_code(1) == 64
    del config["tls"]
    node.config.write_text(json.dumps(config, indent=2))
    tls_cluster.spawn(1)
    line = r"peer 2: no stream to .* \(it may use TLS: set tls\.\* on every node, or on none\)"
    wait_until(lambda: re.search(line, tls_cluster.log_of(1)), "it is told")
    for price in range(10, 20):
        rest(tls_cluster, price)
    assert len(re.findall(line, tls_cluster.log_of(1))) == 1
    wrong = "gRPC: Handshake failed with fatal error"
    assert 1 <= tls_cluster.log_of(2).count(wrong) <= 2
    tls_cluster.stop(1)
    tls_cluster.write_config(node)
    tls_cluster.start(1)
    tls_cluster.wait_caught_up()
