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
    """A pytest plugin that collects, and writes at the end of a run of the client tests. What a
    test shows travels with its report, so that a run may be spread over several processes."""

    def __init__(self):
        self.results = {}
        self.files = set()
        self.left_out = False
        self.is_worker = False

    def pytest_configure(self, config):
        words = config.args
        self.left_out = bool(config.getoption("keyword")) or any("::" in word for word in words)
        self.is_worker = hasattr(config, "workerinput")

    def pytest_collection_modifyitems(self, items):
        for item in items:
            item.user_properties += [("shows", each) for each in shown_by(item)]

    def pytest_runtest_logreport(self, report):
        # A phase that passes says something only when it is the test itself.
        if report.when != "call" and report.outcome == "passed":
            return
        for name, each in report.user_properties:
            if name == "shows":
                self.note(each, report)

    def note(self, each, report):
        kind, column, name = each
        cell = self.results.setdefault(kind, {}).setdefault(column, {})
        cell[name] = min(report.outcome, cell.get(name, "passed"), key=WORST_FIRST.index)
        self.files.add(pathlib.Path(report.fspath).name)

    def whole(self):
        """Whether every test that shows something was run."""
        skipped = any(outcome == "skipped" for columns in self.results.values()
                      for cell in columns.values() for outcome in cell.values())
        every = {path.name for path in CLIENTS.glob("test_*.py")
                 if "mark.shows(" in path.read_text()}
        return self.files == every and not self.left_out and not skipped

    def write(self):
        if not self.results or VARIANT != "release":
            return
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"whole": self.whole(), "shown": self.results}, indent=1,
                                      sort_keys=True) + "\n")

    def pytest_sessionfinish(self):
        if not self.is_worker:
            self.write()
