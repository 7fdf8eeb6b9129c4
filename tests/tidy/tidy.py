"""Checks the whole tree against the house rules (rules.py, links.py), clang-format and shellcheck.

usage: python3 tests/tidy/tidy.py            from anywhere

Prints path:line: rule: message for each breach and exits 1 if there is one. clang-format-19 and
shellcheck are used where they are installed; that they are not is said, and is no error.
"""

import pathlib
import shutil
import subprocess
import sys

import links
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED_DIRECTORIES = {
    ".git",
    "build",
    "data",
    ".cache",
    "__pycache__",
    ".pytest_cache",
    "node_modules",
    "generated",
    "dist",
}


def project_files():
    """Every text file of the project, as (path from the root, text), in order of path."""
    files = []
    for directory in [ROOT, *ROOT.rglob("*/")]:
        inside = directory.relative_to(ROOT).parts
        if directory.is_dir() and not SKIPPED_DIRECTORIES & set(inside):
            files += [path for path in directory.iterdir() if path.is_file()]
    for path in sorted(files):
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text


def run_tool(name, arguments, paths):
    """What an external checker prints about `paths`, as lines."""
    tool = shutil.which(name)
    if tool is None:
        print(f"tidy: {name} is not installed; its checks are skipped")
        return []
    done = subprocess.run(
        [tool, *arguments, *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def unformatted(paths):
    lines = run_tool("clang-format-19", ["--dry-run", "--Werror"], paths)
    found = {line.split(":")[0] for line in lines if "[-Wclang-format-violations]" in line}
    return [f"{path}:1: format: run clang-format-19 -i {path}" for path in sorted(found)]


def main():
    problems = []
    long_files = []
    cpp, shell = [], []
    count = 0
    for path, text in project_files():
        count += 1
        if path.endswith(rules.CPP) and text:
            cpp.append(path)
        if path.endswith(".sh") or text.startswith("#!/usr/bin/env bash"):
            shell.append(path)
        for rule in (*rules.RULES, links.links):
            for line, message in rule(path, text):
                problems.append(f"{path}:{line}: {rule.__name__}: {message}")
        lines = text.count("\n")
        if path.endswith(rules.SOURCE) and lines > rules.LINES_WARN:
            long_files.append(f"  {lines} {path}")
    if not cpp or not shell:
        print(f"tidy: found no sources below {ROOT}")
        return 1
    problems += unformatted(cpp)
    problems += run_tool("shellcheck", ["--format=gcc"], shell)

    if long_files:
        print(f"tidy: longer than {rules.LINES_WARN} lines (allowed, but look at them):")
        print("\n".join(sorted(long_files, reverse=True)))
    print("\n".join(problems))
    print(f"tidy: {count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
