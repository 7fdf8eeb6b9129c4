"""What docker-compose says of its file."""

import shutil
import subprocess

import pytest

from deploy_test import ROOT


@pytest.mark.skipif(
    shutil.which("docker-compose") is None, reason="docker-compose is not installed"
)
def test_docker_compose_takes_its_file():
    checked = subprocess.run(
        ["docker-compose", "--profile", "agents", "config"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
