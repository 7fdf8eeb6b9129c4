"""The documented way to install a node brings all that it serves."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QUORUMBOOK_BUILD", ROOT / "build/release"))
INSTALL = "cmake --install build/release --component programs"


def test_the_documents_and_the_image_install_alike():
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    section = re.search(r"^## As a systemd service$(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    assert f"\n{INSTALL}\n" in section.group(1)
    assert "\ndeploy/build-dashboard.sh " in section.group(1)
    unit = (ROOT / "deploy/systemd/quorumbookd@.service").read_text(encoding="utf-8")
    assert "ExecStart=/usr/local/bin/quorumbookd " in unit, "the prefix when none is named"
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert f"RUN {INSTALL} --prefix /install\n" in dockerfile


def test_programs_and_dashboard_are_installed(tmp_path):
    command = INSTALL.replace("build/release", str(BUILD)).split()
    subprocess.run([*command, "--prefix", str(tmp_path)], check=True, capture_output=True)
    for program in ("quorumbookd", "qb"):
        subprocess.run([tmp_path / "bin" / program, "--help"], check=True, capture_output=True)

    def dashboard(place):
        """Its files; none where it was not built."""
        web = place / "share/quorumbook/web"
        return sorted(file.relative_to(web) for file in web.rglob("*") if file.is_file())

    assert dashboard(tmp_path) == dashboard(BUILD)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"bin", "share"}, "and nothing else"
