"""What `qb --help` says, docs/api.md has: every command, and every option of it."""

import pathlib
import re
import subprocess

import pytest

from cluster import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]

PAGES = {"replay": "docs/replay.md", "bench": "docs/benchmarks/README.md"}  # the rest: API
API = "docs/api.md"


def help_of(*command):
    return subprocess.run(
        [binary("qb"), *command, "--help"], check=True, capture_output=True, text=True
    ).stdout


def commands(*group):
    """Every command below a group that is none itself."""
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_of(*group), re.MULTILINE)
    if listed is None:
        yield group
        return
    for name in re.findall(r"^  ([a-z-]+)", listed.group(1), re.MULTILINE):
        yield from commands(*group, name)


ALL = list(commands())


def signature(command):
    """What docs/api.md, or a page of its own, says of how to call the command."""
    if command[0] in PAGES:
        return (ROOT / PAGES[command[0]]).read_text(encoding="utf-8")
    page = (ROOT / API).read_text(encoding="utf-8")
    name = re.compile("`" + " ".join(command) + "[ `]")
    cells = [re.split(r" (?<!\\)\| ", row)[0] for row in page.splitlines() if row.startswith("| `")]
    found = [cell for cell in cells if name.search(cell)]
    assert len(found) == 1, f"{API} has {len(found)} rows of qb {' '.join(command)}"
    more = {"RULES": r"RULES: [^|]*", "TERMS": r"TERMS of an order: .*?\n\n"}
    parts = [re.search(text, page, re.DOTALL).group(0) for word, text in more.items()
             if word in found[0]]
    return " ".join(found + parts)


def test_there_are_commands():
    assert len(ALL) > 20 and ("order", "submit") in ALL


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_command_and_its_options_are_in_the_document(command):
    known = signature(command)
    options = set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", help_of(*command), re.MULTILINE))
    missing = {option for option in options - {"--help"}
               if not re.search(re.escape(option) + r"(?![a-z-])", known)}
    assert not missing
