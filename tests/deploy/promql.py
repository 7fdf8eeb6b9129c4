"""What the expressions of dashboards and rules name: metrics, and their labels.

Not a parser of PromQL (promtool is one, and checks the syntax): it takes away what can be
recognised, strings, label matchers, ranges, groupings, numbers and functions, and what stays are
metrics.
"""

import re

STRING = re.compile(r'"(?:\\.|[^"\\])*"')
MATCHERS = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
MATCHER_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
RANGE = re.compile(r"\[[^\]]*\]")
NAME = re.compile(r"(?<![\w.$])([a-zA-Z_:][\w:]*)(\s*\()?")
OPERATORS = {"and", "or", "unless", "bool", "offset", "by", "without"}
ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*) \|", re.MULTILINE)


def documented(text):
    """Series by name, each with its labels, of the tables in docs/metrics.md."""
    series = {}
    for name, kind, labels in ROW.findall(text):
        own = {label.strip() for label in labels.split(",") if label.strip()}
        if kind == "histogram":
            series[name + "_bucket"] = own | {"le"}
            series[name + "_sum"] = series[name + "_count"] = own
        else:
            series[name] = own
    return series


def named(expression):
    """(metrics, labels that each metric is selected by, labels that results are grouped by)."""
    bare = STRING.sub('""', expression)
    selected = [
        (metric, set(MATCHER_LABEL.findall(matchers)))
        for metric, matchers in MATCHERS.findall(bare)
    ]
    bare = RANGE.sub("", MATCHERS.sub(r"\1", bare))
    grouped = set()
    for labels in GROUPING.findall(bare):
        grouped |= {label.strip() for label in labels.split(",") if label.strip()}
    bare = GROUPING.sub(" ", bare)
    metrics = {
        name for name, call in NAME.findall(bare) if not call and name not in OPERATORS
    }
    return metrics, selected, grouped
