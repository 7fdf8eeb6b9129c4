"""A real Prometheus scrapes a live cluster and evaluates our rules. Skipped where it is not
installed (Debian package prometheus)."""

import contextlib
import json
import math
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest
import rpc
from cluster import PortLease, wait_until
from web import ROOT, Web, WebSocket

RULES = ROOT / "deploy/prometheus/rules.yml"
BOARDS = ROOT / "deploy/grafana/dashboards"
# A condition: what is compared with its threshold, and perhaps the same of a second condition.
CONDITION = re.compile(r"(.+?) [<>] [\d.]+(?: and (.+?) [<>] -?[\d.]+)?")
# What has nothing to say in a cluster where nothing is wrong.
SILENT = {
    "QuorumbookCertificateExpiry": "the nodes have no certificates",
    "QuorumbookEvidence": "there is no evidence of a fault",
    "QuorumbookGrpcErrors": "no call failed in the server",
    "QuorumbookStateDiverged": "there is no evidence of a state that differs",
}


@pytest.fixture(name="prometheus")
def prometheus_fixture(cluster, tmp_path):
    """Asks a Prometheus that scrapes the cluster every second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed")
    lease = PortLease()
    config = tmp_path / "prometheus.yml"
    targets = [node.http for node in cluster.nodes.values()]
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [
                    {"job_name": "quorumbook", "static_configs": [{"targets": targets}]}
                ],
            }
        )
    )
    with open(tmp_path / "log.txt", "wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{lease.port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def ask(path, **parameters):
        url = f"http://127.0.0.1:{lease.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return json.load(response)["data"]
        except OSError:
            return None  # it is not up yet

    yield ask
    process.kill()
    process.wait()
    lease.release()


def test_a_live_cluster_is_scraped_and_judged(cluster, prometheus):
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    cluster.qb("order", "submit", "DEMO", "buy", "1", "1.00")

    def value(query):
        answer = prometheus("query", query=query)
        return [float(one["value"][1]) for one in answer["result"]] if answer else None

    wait_until(lambda: value('count(up{job="quorumbook"} == 1)') == [3.0], "all are scraped")
    wait_until(
        lambda: value("sum(quorumbook_exchange_open_orders)") == [3.0], "each has the order"
    )

    def commit_duration():
        # A rate needs commits between two scrapes.
        cluster.qb("order", "submit", "DEMO", "buy", "1", "1.00")
        return value(
            "histogram_quantile(0.99, sum by (le) "
            "(rate(quorumbook_raft_commit_duration_seconds_bucket[1m]))) > 0"
        )

    wait_until(commit_duration, "durations of commits")
    warnings = [
        (target["lastError"], target["health"])
        for target in prometheus("targets")["activeTargets"]
    ]
    assert warnings == [("", "up")] * 3


def test_every_rule_is_evaluated_and_one_fires(cluster, prometheus):
    names = set(re.findall(r"- alert: (\w+)", RULES.read_text()))

    def rules():
        data = prometheus("rules") or {"groups": []}
        return {rule["name"]: rule for group in data["groups"] for rule in group["rules"]}

    evaluated = wait_until(
        lambda: (r := rules()) and all(one["health"] == "ok" for one in r.values()) and r,
        "every rule was evaluated",
    )
    assert set(evaluated) == names
    killed = cluster.followers()[0]
    cluster.kill(killed)
    wait_until(lambda: rules()["QuorumbookNodeDown"]["state"] == "firing", "the alert fires")
    instances = [
        alert["labels"]["instance"] for alert in rules()["QuorumbookNodeDown"]["alerts"]
    ]
    assert instances == [cluster.nodes[killed].http]


def test_names_in_rules_are_those_that_are_scraped(cluster, prometheus):
    """A rule about a metric that does not exist would never fire."""
    wait_until(lambda: prometheus("targets"), "it is up")
    with urllib.request.urlopen(f"http://{cluster.nodes[1].http}/metrics", timeout=60) as response:
        families = set(re.findall(r"^# TYPE (\w+) ", response.read().decode(), re.MULTILINE))
    expressions = re.findall(r"expr: >-\n +(.+)\n", RULES.read_text())
    assert len(expressions) >= 15
    for expression in expressions:
        outside_labels = re.sub(r"\{[^}]*\}", "", expression)
        for name in re.findall(r"\b((?:quorumbook|grpc|process)_\w+)", outside_labels):
            base = re.sub(r"_bucket$", "", name)
            known = base in families or any(family.startswith(base) for family in families)
            assert known, f"{name} of {expression}"


def queries():
    """(where, expression) of every panel, variable and rule; of rules what they compare."""
    found = []
    for path in sorted(BOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        for variable in board["templating"]["list"]:
            metric = re.match(r"label_values\((\w+),", variable["query"]["query"]).group(1)
            found.append((f"{path.stem}: variable {variable['name']}", metric))
        for panel in board["panels"]:
            for target in panel["targets"]:
                expression = re.sub(r"\$(shard|symbol|instance)\b", ".*", target["expr"])
                expression = expression.replace("$__rate_interval", "15s")
                assert "$" not in expression, expression
                found.append((f"{path.stem}: {panel['title']}", expression))
    for name, expression in re.findall(r"alert: (\w+)\n +expr: >-\n +(.+)\n", RULES.read_text()):
        for compared in CONDITION.fullmatch(expression).groups():
            if compared is not None:
                found.append((name, compared))
    return found


def test_every_panel_and_rule_has_data(cluster, prometheus):
    """Of a cluster that does all that there is a figure of: nothing is asked for in vain."""
    cluster.qb("symbol", "add", "DEMO", "--tick-size", "0.01", "--lot-size", "1")
    leader, follower = cluster.leader(), cluster.followers()[0]
    session = cluster.session()
    socket = WebSocket(Web(cluster.nodes[leader].http))
    socket.subscribe("book", "DEMO")
    numbers = iter(range(1, 1_000_000, 10))

    def trade():
        n = next(numbers)
        session.execute(
            rpc.buy("DEMO", n, 100, 10),
            rpc.buy("DEMO", n + 1, 99, 10),
            rpc.sell("DEMO", n + 2, 100, 4),
            rpc.sell("DEMO", n + 3, 105, 1),
            rpc.sell("DEMO", n + 3, 105, 1),  # rejected: the number is taken
            rpc.cancel("DEMO", n + 1),
        )
        cluster.qb("summary", "DEMO")  # a linearizable read
        cluster.run_qb("--timeout", "1s", "summary", "NOPE")  # an answer that is not OK
        with contextlib.suppress(rpc.grpc.RpcError):  # refused: a follower names the leader
            cluster.api(follower).open_session(2)

    def values(expression):
        answer = prometheus("query", query=expression)
        assert answer is not None, f"refused: {expression}"
        result = answer["result"]
        if answer["resultType"] == "scalar":
            return [float(result[1])]
        return [number for one in result if not math.isnan(number := float(one["value"][1]))]

    wait_until(lambda: prometheus("targets"), "it is up")
    waiting = queries()
    assert len(waiting) > 80

    def everything_has_data():
        trade()
        waiting[:] = [(where, query) for where, query in waiting if not values(query)]
        return {where for where, _ in waiting} <= set(SILENT)

    try:
        wait_until(everything_has_data, "every expression has data")
    finally:
        for where, expression in waiting:
            print(f"no data: {where}: {expression}")
    assert {where for where, _ in waiting} == set(SILENT)
    socket.close()
