"""Every operation that is built has a case with the exact bytes of its success: an operation whose
answer no case shows would go out unseen."""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parent.parent
MODEL = json.loads((ROOT / "api/appflow-2020-08-23.json").read_text())["operations"]
ROW = re.compile(r"ROW\((\w+),\s*(\w+),")


def built():
    """The operations whose row in the table has a function, with the start of their requests."""
    rows = dict(ROW.findall((ROOT / "src/api/operations.c").read_text().partition("{\n")[2]))
    assert set(rows) == set(MODEL)
    return {name: "{method} {uri}".format(**MODEL[name]).split("{")[0]
            for name, function in rows.items() if function != "NULL"}


def answered():
    """The first lines of all requests in cases that are answered 200."""
    found = set()
    for case in FOLDER.glob("*.case"):
        request = None
        for title, text in re.findall(r"^== (.*)\n((?:(?!== ).*\n?)*)", case.read_text(),
                                      re.MULTILINE):
            if title.startswith("request"):
                request = text.split("\n", 1)[0].split("%")[0].split("?")[0]
            elif title.startswith("response") and text.startswith("HTTP/1.1 200 "):
                found.add(request)
    return found


def is_seen(start, seen):
    """A path that ends in a label is seen with any label."""
    return start in seen or start.endswith("/") and any(each.startswith(start) for each in seen)


def test_a_case_reaches_every_operation_that_is_built():
    names = built()
    assert {"UpdateConnectorProfile", "DescribeConnectorProfiles"} <= set(names)
    seen = answered()
    assert not {name for name, start in names.items() if not is_seen(start, seen)}
