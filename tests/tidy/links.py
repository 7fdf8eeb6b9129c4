"""Links of the documents lead somewhere: the file is there, and has the heading."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchor(heading):
    """What a heading is called in a link: lower case, no punctuation, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def links(path, text):
    if not path.endswith(".md"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            file, _, heading = target.partition("#")
            if "://" in target:
                continue
            if file and not (ROOT / path).parent.joinpath(file).exists():
                yield number, f"there is no {file}"
                continue
            page = text if not file else None
            if page is None and heading and file.endswith(".md"):
                page = (ROOT / path).parent.joinpath(file).read_text(encoding="utf-8")
            if heading and page is not None and heading not in anchors(page):
                yield number, f"{file or 'this page'} has no heading #{heading}"
