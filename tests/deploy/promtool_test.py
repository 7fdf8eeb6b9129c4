"""What Prometheus itself says of its files and of the dashboards' queries."""

import shutil
import subprocess

import pytest
import yaml

from deploy_test import BOARDS, DEPLOY, expressions, load_board

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def test_rules_and_alerts():
    checked = subprocess.run(
        ["promtool", "test", "rules", "rules_test.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_queries_are_promql(tmp_path):
    rules = []
    for path in BOARDS:
        for _, expression, _ in expressions(load_board(path)):
            plain = expression.replace("$__rate_interval", "1m")
            rules.append({"record": f"test:expression:{len(rules)}", "expr": plain})
    assert rules
    file = tmp_path / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    checked = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_takes_its_configuration():
    checked = subprocess.run(
        ["promtool", "check", "config", str(DEPLOY / "prometheus/prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
