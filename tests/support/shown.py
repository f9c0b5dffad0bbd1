"""What tests show of connectors, written down for the table in docs/connectors.md.

A test that shows something carries the mark shows(column, name): of which connector is said by the
test's parameter `kind` or by the mark's word `kind`, and the name, when the mark has none, by the
parameter `outcome` or the test's own name. Results go to build/connectors.json."""

import json
import pathlib

from support.server import ROOT, VARIANT

RESULTS = ROOT / "build/connectors.json"
CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "clients"
WORST_FIRST = ("failed", "skipped", "passed")


def shown_by(item):
    """(connector, column, name) of each mark of a test."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    for mark in item.iter_markers("shows"):
        column, *name = mark.args
        kind = mark.kwargs.get("kind") or given["kind"]
        yield kind, column, name[0] if name else given.get("outcome", item.originalname)


class Shown:
    """A pytest plugin that collects, and writes at the end of a run of the client tests."""

    def __init__(self):
        self.results = {}
        self.files = set()
        self.left_out = False

    def pytest_deselected(self, items):
        self.left_out |= any(item.get_closest_marker("shows") for item in items)

    def pytest_collection_finish(self, session):
        self.left_out |= any("::" in word for word in session.config.args)
        self.files = {item.path for item in session.items if item.get_closest_marker("shows")}

    def note(self, item, outcome):
        for kind, column, name in shown_by(item):
            cell = self.results.setdefault(kind, {}).setdefault(column, {})
            cell[name] = min(outcome, cell.get(name, "passed"), key=WORST_FIRST.index)

    def whole(self):
        """Whether every test that shows something was run."""
        skipped = any(outcome == "skipped" for columns in self.results.values()
                      for cell in columns.values() for outcome in cell.values())
        every = {path for path in CLIENTS.glob("test_*.py") if "mark.shows(" in path.read_text()}
        return self.files == every and not self.left_out and not skipped

    def write(self):
        if not self.results or VARIANT != "release":
            return
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"whole": self.whole(), "shown": self.results}, indent=1,
                                      sort_keys=True) + "\n")

    def pytest_sessionfinish(self):
        self.write()
