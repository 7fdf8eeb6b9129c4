"""Each house rule finds its breach, and leaves good code alone."""

import pytest

import links
import rules


def breaches(rule, path, text):
    return [line for line, _ in rule(path, text)]


@pytest.mark.parametrize(
    "path, header",
    [
        ("consensus/raft.cc", '"exchange/types.h"'),
        ("exchange/book.h", '"consensus/types.h"'),
        ("exchange/book.h", '"quorumbook/v1/exchange.pb.h"'),
        ("storage/store.h", '"exchange/exchange.h"'),
        ("storage/store.h", '"quorumbook/v1/peer.pb.h"'),
        ("client/qb/main.cc", '"server/config.h"'),
        ("client/qb/main.cc", '"exchange/types.h"'),
        ("server/main.cc", '"quorumbook/client.h"'),
        ("server/main.cc", '"tests/unit/server/fake.h"'),
        ("server/replica/replica.h", '"server/log_writer.h"'),
        ("server/replica/replica.h", '"quorumbook/v1/peer.pb.h"'),
        ("common/bytes.h", '"consensus/types.h"'),
    ],
)
def test_arrows_run_one_way(path, header):
    text = f"// A file.\n#include {header}\n"
    assert breaches(rules.arrows, path, text) == [2]


@pytest.mark.parametrize(
    "path, header",
    [
        ("consensus/raft.cc", '"common/ids.h"'),
        ("storage/store.h", '"consensus/types.h"'),
        ("storage/store.cc", "<rocksdb/db.h>"),
        ("client/qb/main.cc", '"quorumbook/client.h"'),
        ("server/main.cc", '"quorumbook/v1/peer.pb.h"'),
        ("server/shard_replica.h", '"server/replica/replica.h"'),
        ("server/replica/replica.h", '"consensus/raft.h"'),
        ("tests/unit/server/x_test.cc", '"exchange/exchange.h"'),
    ],
)
def test_arrows_that_are_allowed(path, header):
    assert breaches(rules.arrows, path, f"#include {header}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "#include <thread>",
        "#include <mutex>",
        "#include <iostream>",
        "#include <grpcpp/grpcpp.h>",
        "#include <rocksdb/db.h>",
        "#include <google/protobuf/message.h>",
        "#include <boost/asio/post.hpp>",
        "#include <absl/time/clock.h>",
        "auto now = std::chrono::steady_clock::now();",
        "std::random_device device;",
        'std::printf("%d", 1);',
    ],
)
@pytest.mark.parametrize("room", ["consensus", "exchange", "server/replica"])
def test_pure_rooms_touch_no_machine(room, text):
    assert breaches(rules.purity, f"{room}/x.cc", "\n" + text + "\n") == [2]


def test_purity_reads_code_and_not_words():
    text = '// no steady_clock here\nconst char* s = "random_device";\n#include <chrono>\n'
    assert breaches(rules.purity, "consensus/x.cc", text) == []
    assert breaches(rules.purity, "server/x.cc", "std::random_device device;\n") == []


def test_the_exchange_counts_in_integers():
    assert breaches(rules.purity, "exchange/x.cc", "int a;\ndouble price;\n") == [2]
    assert breaches(rules.purity, "consensus/x.cc", "double ratio;\n") == []


def test_headers_say_what_they_are():
    assert breaches(rules.header_guard, "a/x.h", "// X.\nint a;\n") == [1]
    assert breaches(rules.opening_comment, "a/x.h", "#pragma once\n") == [1]
    good = "// X.\n#pragma once\n"
    assert breaches(rules.header_guard, "a/x.h", good) == []
    assert breaches(rules.opening_comment, "a/x.h", good) == []


def test_file_length():
    assert breaches(rules.file_length, "a/x.cc", "\n" * (rules.LINES_HARD + 1))
    assert not breaches(rules.file_length, "a/x.cc", "\n" * rules.LINES_HARD)


def body(lines):
    """A function body of `lines` lines, braces included."""
    return "{\n" + "  f();\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize(
    "head",
    [
        "void f() ",
        "namespace a {\nint A::f(int x = 3) const ",
        "class A {\n  bool operator==(const A& a) const ",
        "A::A(int x) : a_{x}, b_(x) ",
        "A::A(int x)\n    : a_{x},\n      b_{f({1, 2})} ",
        "TEST(Suite, Name) ",
        "std::vector<int> f() ",
        "template <typename T>\n  requires(std::integral<T>)\nvoid f(T t) ",
        "auto f() -> int ",
        "#define X(a) \\\n  do { a\nvoid f() ",
        'const char* s = R"(})";\nvoid f() ',
        "void g() { auto c = '{'; }\nvoid f() ",
    ],
)
def test_function_length(head):
    limit = rules.FUNCTION_LINES
    assert len(breaches(rules.function_length, "a/x.cc", head + body(limit + 1))) == 1
    assert not breaches(rules.function_length, "a/x.cc", head + body(limit))


@pytest.mark.parametrize(
    "head",
    ["namespace a::b ", "class A : public B ", "enum class E : int ", "constexpr int t[] = "],
)
def test_only_functions_have_a_length(head):
    assert not breaches(rules.function_length, "a/x.cc", head + "{\n" + "  1,\n" * 200 + "};\n")


def test_what_no_file_holds():
    assert breaches(rules.columns, "a/x.cc", "x" * 101 + "\n") == [1]
    assert breaches(rules.unfinished, "a/x.cc", "\n// TO" + "DO: later\n") == [2]
    assert breaches(rules.machine_paths, "a.md", "see /wo" + "rk/x\n") == [1]
    assert breaches(rules.line_ends, "a/x.cc", "a \n") == [1]
    assert breaches(rules.line_ends, "a/x.cc", "a") == [1]


@pytest.mark.parametrize(
    "text, broken",
    [
        ("[a](tidy.py) and [b](../../README.md#try-it)", False),
        ("## Long work, `again`\n[c](#long-work-again)", False),
        ("[d](https://example.com/nowhere)", False),
        ("[e](nowhere.md)", True),
        ("[f](../../README.md#nowhere)", True),
        ("[g](#nowhere)", True),
    ],
)
def test_links_lead_somewhere(text, broken):
    assert bool(breaches(links.links, "tests/tidy/page.md", text + "\n")) == broken
