"""The house rules that a program can check, one function each.

A rule is given a file (its path from the root, its text) and yields (line, message) for each
breach. docs and comments explain the rules; this file only holds them.
"""

import re

LINES_HARD = 600
LINES_WARN = 400
FUNCTION_LINES = 90
COLUMNS = 100

CPP = (".cc", ".h")
SOURCE = CPP + (".py", ".sh", ".cmake", ".proto", ".ts", ".tsx", ".css")

# Which rooms a room may include from, itself aside. "proto" is the generated quorumbook/v1/*.h,
# "library" the public headers of the client library, client/quorumbook.
ARROWS = {
    "common": set(),
    "consensus": {"common"},
    "exchange": {"common"},
    "storage": {"common", "consensus"},
    "server/replica": {"common", "consensus", "exchange"},
    "server": {"common", "consensus", "exchange", "storage", "proto", "server/replica"},
    "client": {"common", "proto", "library"},
}

# What a pure room may not touch: the machine, other processes, time, chance, and libraries that
# bring them along.
IMPURE_HEADERS = re.compile(
    r"(google|grpc|grpcpp|rocksdb|spdlog|fmt|yaml-cpp|CLI|nlohmann|sys|netinet)/"
    r"|boost/(?!intrusive/)"
    r"|(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token"
    r"|iostream|fstream|filesystem|ctime|csignal|time\.h|unistd\.h|fcntl\.h|pthread\.h)$"
    r"|absl/(time|synchronization|random|log)/"
)
IMPURE_WORDS = re.compile(
    r"\b(random_device|system_clock|steady_clock|high_resolution_clock|getenv|thread_local)\b"
    r"|\b(printf|fprintf|puts)\s*\("
)
FLOATING_POINT = re.compile(r"\b(float|double)\b")
PURE = ("consensus", "exchange", "server/replica")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
# Written in pieces, so that this file keeps its own rules.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
MACHINE_PATH = re.compile("/wo" + "rk/|/ro" + r"ot\b|/ho" + r"me/\w|/tmp/\w")
COMMENT_OR_LITERAL = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|R"([^(\s]*)\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",  # no digit before it: 1'000 is a number
    re.DOTALL,
)


def room_of(path):
    inner = "/".join(path.split("/")[:2])
    return inner if inner in ARROWS else path.split("/")[0]


def strip_cpp(text):
    """`text` with comments, strings and character literals blanked; line numbers stay."""

    def blank(match):
        found = match.group(0)
        kept = re.sub(r"[^\n]", " ", found)
        return kept if found.startswith("/") else '"' + kept[1:-1] + '"'

    return COMMENT_OR_LITERAL.sub(blank, text)


def strip_directives(text):
    """`text` with preprocessor directives blanked, continued lines included."""
    return re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
        lambda match: re.sub(r"[^\n]", " ", match.group(0)),
        text,
        flags=re.MULTILINE,
    )


def included_room(header):
    """Which room of the house `header` belongs to, or None for one from outside."""
    first = header.split("/")[0]
    if header.startswith("quorumbook/v1/"):
        return "proto"
    if first == "quorumbook":
        return "library"
    return room_of(header) if first in ARROWS or first == "tests" else None


def arrows(path, text):
    room = room_of(path)
    if not path.endswith(CPP) or room not in ARROWS:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = included_room(match.group(1))
        if target is not None and target != room and target not in ARROWS[room]:
            allowed = ", ".join(sorted(ARROWS[room])) or "nothing"
            yield number, f"{room}/ includes {match.group(1)}; it may include from: {allowed}"


def purity(path, text):
    room = room_of(path)
    if not path.endswith(CPP) or room not in PURE:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and IMPURE_HEADERS.match(match.group(1)):
            yield number, f"{room}/ is pure and includes {match.group(1)}"
    for number, line in enumerate(strip_cpp(text).splitlines(), 1):
        for match in IMPURE_WORDS.finditer(line):
            yield number, f"{room}/ is pure and uses {match.group(0)}"
        if room == "exchange" and FLOATING_POINT.search(line):
            yield number, "exchange/ counts in integers only"


def header_guard(path, text):
    if path.endswith(".h") and "\n#pragma once\n" not in "\n" + text:
        yield 1, "a header starts with a comment on what it is, then #pragma once"


def opening_comment(path, text):
    if path.endswith(".h") and not text.startswith("//"):
        yield 1, "a header states its contract: start with a comment"


def file_length(path, text):
    lines = text.count("\n")
    if path.endswith(SOURCE) and lines > LINES_HARD:
        yield lines, f"{lines} lines; at most {LINES_HARD}: it says more than one thing"


def is_function_head(head):
    """Whether the text before a brace at namespace or class level opens a function's body."""
    if re.search(r"\b(namespace|class|struct|union|enum)\b[^()]*$", head):
        return False
    if re.search(r"(?<![=!<>])=(?!=)", re.sub(r"\([^()]*\)|operator\s*\S+", "", head)):
        return False
    return "(" in head


def functions(text):
    """Yields (first line, line count) of each function body in C++ laid out by clang-format."""
    stack = []  # what each open brace is: "scope", "function" or "inner"
    head = ""  # what stands before the next brace at namespace or class level
    start = line = 1
    previous = "\n"
    for char in strip_directives(strip_cpp(text)):
        inside = "function" in stack or "inner" in stack
        if char == "\n":
            line += 1
        if char == "{":
            if inside or previous not in " \n":
                stack.append("inner")  # clang-format puts no space before an initializer's brace
            elif is_function_head(head):
                stack.append("function")
                start = line
            else:
                stack.append("scope")
                head = ""
        elif char == "}" and stack:
            kind = stack.pop()
            if kind == "function":
                yield start, line - start + 1
            if kind != "inner":
                head = ""
        elif not inside:
            head = "" if char == ";" else head + char
        previous = char


def function_length(path, text):
    if not path.endswith(CPP):
        return
    for start, lines in functions(text):
        if lines > FUNCTION_LINES:
            yield start, f"a function of {lines} lines; at most {FUNCTION_LINES}"


def columns(path, text):
    if not path.endswith((".cc", ".h", ".py", ".sh", ".proto", ".ts", ".tsx", ".css")):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > COLUMNS and "http" not in line:
            yield number, f"{len(line)} columns; at most {COLUMNS}"


def unfinished(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = UNFINISHED.search(line)
        if match:
            yield number, f"{match.group(0)}: finish it or leave it out"


def machine_paths(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = MACHINE_PATH.search(line)
        if match:
            yield number, f"{match.group(0)} is a path of one machine"


def line_ends(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"


RULES = (
    arrows,
    purity,
    header_guard,
    opening_comment,
    file_length,
    function_length,
    columns,
    unfinished,
    machine_paths,
    line_ends,
)
