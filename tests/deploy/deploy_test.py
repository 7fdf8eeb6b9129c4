"""Dashboards, Prometheus, Alertmanager and docker-compose refer to things that exist."""

import json
import pathlib
import re

import promql
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
# Added by Prometheus to whatever it scrapes.
TARGET_LABELS = {"job", "instance"}
MOST_PANELS = 20
SERIES = promql.documented((ROOT / "docs/metrics.md").read_text(encoding="utf-8"))


def load_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def load_board(path):
    return json.loads(path.read_text(encoding="utf-8"))


def expressions(board):
    """(where, expression, legend) of every query of a dashboard, those of its variables too."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]
    for variable in board["templating"]["list"]:
        metric, label = re.fullmatch(
            r"label_values\((\w+), (\w+)\)", variable["query"]["query"]
        ).groups()
        yield "variable " + variable["name"], f"count by ({label}) ({metric})", ""


def problems_of(expression, legend=""):
    metrics, selected, grouped = promql.named(expression)
    found = [f"{metric} is not in docs/metrics.md" for metric in metrics if metric not in SERIES]
    if not metrics:
        found.append("names no metric")
    for metric, labels in selected:
        for label in labels - SERIES.get(metric, labels) - TARGET_LABELS:
            found.append(f"{metric} has no label {label}")
    known = set().union(TARGET_LABELS, *(SERIES.get(metric, set()) for metric in metrics))
    for label in grouped - known:
        found.append(f"none of its metrics has the label {label}")
    by_sum = re.search(r"\b(?:sum|max|min|count|avg|topk)\b", expression) is not None
    for label in set(re.findall(r"\{\{(\w+)\}\}", legend)) - (grouped if by_sum else known):
        found.append(f"the legend names {label}, which the result does not have")
    return found


def test_metrics_are_documented_at_all():
    assert len(SERIES) > 80
    assert SERIES["quorumbook_raft_commit_duration_seconds_bucket"] == {"shard", "le"}


@pytest.mark.parametrize(
    "expression, legend, problem",
    [
        ("quorumbook_raft_trem", "", "quorumbook_raft_trem is not in docs/metrics.md"),
        ("rate(quorumbook_raft_commit_duration_seconds[1m])", "", "not in docs/metrics.md"),
        ('quorumbook_raft_term{symbol="A"}', "", "quorumbook_raft_term has no label symbol"),
        ("sum by (symbol) (quorumbook_raft_term)", "", "none of its metrics has the label symbol"),
        ("sum by (shard) (quorumbook_raft_term)", "{{instance}}", "the legend names instance"),
        ("vector(1)", "", "names no metric"),
    ],
)
def test_what_is_wrong_is_found(expression, legend, problem):
    assert problem in "; ".join(problems_of(expression, legend))


def test_what_is_right_is_not():
    right = (
        'topk(3, sum by (shard) (rate(quorumbook_raft_proposals_total{shard=~"$shard"}[1m])'
        " * on (instance, shard) group_left () quorumbook_raft_is_leader)) > bool 1e3 or vector(0)"
    )
    assert problems_of(right, "{{shard}}") == []


def test_there_are_three_dashboards():
    assert [path.stem for path in BOARDS] == ["cluster", "market", "node"]
    assert len({load_board(path)["uid"] for path in BOARDS}) == 3


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_queries_name_what_nodes_serve(path):
    board = load_board(path)
    found = [
        f"{where}: {problem}"
        for where, expression, legend in expressions(board)
        for problem in problems_of(expression, legend)
    ]
    assert found == []


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_say_what_they_show(path):
    panels = load_board(path)["panels"]
    assert 0 < len(panels) <= MOST_PANELS
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


# A mean of what did not happen is 0 / 0, which a panel draws as a hole without a reason.
MEAN = re.compile(r" / (?!\(.* > 0\)$).*\b(?:rate|increase)\(")


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_means_are_empty_while_nothing_happens(path):
    asked = expressions(load_board(path))
    assert [where for where, expression, _ in asked if MEAN.search(expression)] == []
    assert MEAN.search("rate(a_sum[1m]) / rate(a_count[1m])")
    assert not MEAN.search("rate(a_sum[1m]) / (rate(a_count[1m]) > 0)")
    assert not MEAN.search("a / b")


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_units_are_those_of_what_is_asked(path):
    for panel in load_board(path)["panels"]:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            expression = target["expr"]
            if re.search(r"\w_total\b", expression) and not re.search(r"\brate\(", expression):
                assert unit == "none", panel["title"]
            if unit in ("cps", "ops", "Bps"):
                assert "rate(" in expression, panel["title"]


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_do_not_overlap(path):
    taken = set()
    for panel in load_board(path)["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_variables_and_data_source_exist(path):
    board = load_board(path)
    provisioned = load_yaml("deploy/grafana/provisioning/datasources/prometheus.yml")
    sources = {source["uid"] for source in provisioned["datasources"]}
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in board["panels"]:
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= sources
        for target in panel["targets"]:
            used = set(re.findall(r"\$(?!__)(\w+)", target["expr"]))
            assert used <= variables, panel["title"]


def services():
    return load_yaml("docker-compose.yml")["services"]


def host_path(volume):
    return volume.split(":")[0]


def test_compose_refers_to_files_and_volumes_that_exist():
    document = load_yaml("docker-compose.yml")
    assert {"node1", "node2", "node3", "prometheus", "alertmanager", "grafana", "agents"} == set(
        document["services"]
    )
    for name, service in document["services"].items():
        for volume in service.get("volumes", []):
            source = host_path(volume)
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
                assert volume.endswith(":ro"), f"{name}: {volume} can be written"
            else:
                assert source in document["volumes"], f"{name}: {source}"
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        else:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), f"{name} is not pinned"


def test_compose_publishes_each_port_once_and_on_one_address():
    published = []
    for name, service in services().items():
        for port in service.get("ports", []):
            address, outside, _ = re.fullmatch(r"(\$\{.*\}):(\d+):(\d+)", port).groups()
            assert address == "${QUORUMBOOK_ADDRESS:-127.0.0.1}", name
            published.append(outside)
    assert len(set(published)) == len(published) == 9


@pytest.mark.parametrize("name", ["node1", "node2", "node3", "agents"])
def test_compose_guards_the_nodes(name):
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"


def test_names_in_the_configurations_are_those_of_the_services():
    targets = load_yaml("deploy/prometheus/prometheus.yml")
    scraped = targets["scrape_configs"][0]["static_configs"][0]["targets"]
    assert scraped == ["node1:8080", "node2:8080", "node3:8080"]
    alerting = targets["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert alerting == ["alertmanager:9093"]
    for peer in load_yaml("deploy/compose/node.yaml")["peers"]:
        service = services()[f"node{peer['id']}"]
        host, port = peer["client"].split(":")
        assert host == service["hostname"] == f"node{peer['id']}"
        assert service["environment"]["QUORUMBOOK_LISTEN_CLIENT"] == f"0.0.0.0:{port}"
        assert service["environment"]["QUORUMBOOK_NODE_ID"] == str(peer["id"])
        assert service["environment"]["QUORUMBOOK_ENDPOINTS"].split(",")[peer["id"] - 1] == (
            peer["client"]
        )
        assert any(port_spec.endswith(f":{port}:{port}") for port_spec in service["ports"])


def test_the_service_may_yield_to_others():
    """Snapshots and compactions lower their priority; @resources holds the call that does it."""
    lines = (DEPLOY / "systemd/quorumbookd@.service").read_text(encoding="utf-8").splitlines()
    filters = [line for line in lines if line.startswith("SystemCallFilter=")]
    denied = [n for n, line in enumerate(filters) if "~" in line and "@resources" in line]
    assert "SystemCallFilter=setpriority" in filters[max(denied):]


def test_alertmanager_routes_to_a_receiver_that_exists():
    document = load_yaml("deploy/alertmanager/alertmanager.yml")
    assert document["route"]["receiver"] in {one["name"] for one in document["receivers"]}


def test_every_stage_of_the_image_is_needed():
    """Builders older than BuildKit make all stages: one that needs what the repository does not
    have would break the build for them."""
    needs, stage = {}, None
    for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"FROM (\S+) AS (\w+)", line):
            stage = found.group(2)
            needs[stage] = {found.group(1)}
        elif found := re.match(r"COPY --from=(\w+) ", line):
            needs[stage].add(found.group(1))
    wanted = {stage}
    while more := {need for one in wanted for need in needs.get(one, ())} - wanted:
        wanted |= more
    assert set(needs) - wanted == set()
    assert len(needs) == 3
