#!/usr/bin/env python3
"""Writes the tables of docs/connectors.md from what the client tests showed
(build/connectors.json).

tools/connectors_table.py           writes each table between its two markers
tools/connectors_table.py --check   writes nothing; status 1 when a committed table and the results
                                    contradict each other
"""

import argparse
import difflib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build/connectors.json"
PAGE = ROOT / "docs/connectors.md"
BEGIN = "<!-- made by tools/connectors_table.py: begin{} -->\n"
END = "<!-- made by tools/connectors_table.py: end{} -->\n"

YES, PARTLY, NO, NONE = "yes", "partly", "**no**", ""

# A column of outcomes: its head, and the outcomes that must all be shown, the first of which says
# that there is such a thing at all. Of those with a `*` one of the kind is enough.
FAILURES = [
    ("Verify", ["accepted"]),
    ("Rejected", ["rejected"]),
    ("Expired", ["expired"]),
    ("Revoked", ["revoked"]),
    ("Forbidden", ["forbidden"]),
    ("Throttled", ["throttled", "throttled-no-retry-after", "accepted-after-throttle"]),
    ("Server error", ["server-error"]),
    ("Reset", ["reset", "truncated"]),
    ("Slow", ["slow"]),
    ("Malformed", ["malformed"]),
    ("Oversized", ["oversized"]),
    ("Login page", ["login-page"]),
    ("Redirect", ["redirect"]),
    ("Firewall", ["firewall"]),
]
GRANTS = [
    ("Code", ["accepted-code", "used-code", "code-expired", "wrong-redirect-uri", "wrong-client"]),
    ("Refresh", ["accepted-refresh", "refresh-revoked"]),
    ("Rotation", ["accepted-*rotating"]),
    ("JWT", ["accepted-jwt", "jwt-expired"]),
    ("Client credentials", ["*client-credentials"]),
    ("Own app", ["accepted-client-credentials-arn"]),
]


def matches(name, pattern):
    start, star, end = pattern.partition("*")
    return name == pattern if not star else name.startswith(start) and name.endswith(end)


def cell(results, wanted):
    """What a cell says, of {name: passed|failed|skipped}."""
    found = [[result for name, result in results.items() if matches(name, pattern)]
             for pattern in wanted]
    if any(result != "passed" for group in found for result in group):
        return NO
    if not found[0]:
        return NONE
    return YES if all(found) else PARTLY


def named(results):
    """The names of what passed, such as peers."""
    return ", ".join(name if result == "passed" else f"{name}: {NO}"
                     for name, result in sorted(results.items()))


def rows(shown):
    """The table's rows, the first its head."""
    columns = FAILURES + GRANTS
    yield ["Connector", "Shapes", *[head for head, _ in columns], "Private", "Entities",
           "Peers"]
    for kind in sorted(shown, key=str.lower):
        of = shown[kind].get
        grants = {**of("outcome", {}), **of("grant", {})}
        yield [kind, cell(of("shapes", {}), ["*"]),
               *[cell(of("outcome", {}), wanted) for _, wanted in FAILURES],
               *[cell(grants, wanted) for _, wanted in GRANTS],
               cell(of("private", {}), ["*"]), cell(of("entities", {}), ["*"]),
               named(of("peer", {}))]


def flow_rows(shown):
    """The same of the second table: connectors that flows read from or write to."""
    yield ["Connector", "Source", "Incremental", "Destination", "Peers of its records"]
    for kind in sorted(shown, key=str.lower):
        of = shown[kind].get
        if of("source") or of("destination"):
            yield [kind, cell(of("source", {}), ["*"]), cell(of("incremental", {}), ["*"]),
                   named(of("destination", {})),
                   named(of("records peer", {}))]


def table(rows_of, shown):
    head, *body = rows_of(shown)
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


# What follows "begin" and "end" in a table's markers, and its rows.
TABLES = [("", rows), (" flows", flow_rows)]


def split(page, name):
    """What stands before the table, the table, and what stands after it."""
    before, _, rest = page.partition(BEGIN.format(name))
    inside, mark, after = rest.partition(END.format(name))
    if not mark:
        sys.exit(f"{PAGE.relative_to(ROOT)} lacks the markers of its table{name}")
    return before, inside, after


def cells(text):
    """{(connector, column): cell} of a table."""
    lines = [[each.strip() for each in line.strip().strip("|").split("|")]
             for line in text.splitlines() if line.startswith("|")]
    return {(line[0], column): each for line in lines[2:] for column, each in zip(lines[0], line)}


def contradictions(committed, made):
    """What the committed table says and the results do not bear out."""
    made = cells(made)
    return [f"{kind}, {column}: the table says {each!r}, the tests {made[kind, column]!r}"
            for (kind, column), each in cells(committed).items()
            if NO in made.get((kind, column), "")]


def check(page, results):
    wrong = []
    for name, rows_of in TABLES:
        _, committed, _ = split(page, name)
        made = table(rows_of, results["shown"])
        wrong += contradictions(committed, made)
        if results["whole"] and committed != made:
            wrong += difflib.unified_diff(committed.splitlines(), made.splitlines(), "committed",
                                          "shown by the tests", lineterm="")
    if wrong:
        sys.exit("\n".join([*wrong, "make connectors writes the tables anew"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text())
    page = PAGE.read_text()
    if arguments.check:
        check(page, results)
        return
    if not results["whole"]:
        sys.exit("not every test that shows something of a connector was run: nothing is written")
    for name, rows_of in TABLES:
        before, _, after = split(page, name)
        page = (before + BEGIN.format(name) + table(rows_of, results["shown"]) + END.format(name)
                + after)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
