"""The project's own linter: files that break a rule are found, and others are not."""
import sys

import pytest

from support.programs import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import tidy  # noqa: E402  (it is no package)

pytestmark = [pytest.mark.embedded, pytest.mark.as_users_run_it]  # there is no server


def files(**includes):
    """Modules a, b, … of one room with the includes of their .c files."""
    both = {f"src/base/{name}.h": "#pragma once\n" for name in includes}
    for name, headers in includes.items():
        both[f"src/base/{name}.c"] = "".join(f'#include "base/{header}"\n' for header in headers)
    return both


def circles_of(tree):
    return [sentence for _, _, sentence in tidy.check_circles(tree)]


def test_includes_in_one_direction_are_no_circle():
    assert circles_of(files(a=["a.h", "b.h", "c.h"], b=["b.h", "c.h"], c=["c.h"])) == []


@pytest.mark.parametrize("tree, names", [
    (files(a=["a.h", "b.h"], b=["b.h", "a.h"]), "src/base/a, src/base/b"),
    (files(a=["a.h", "b.h"], b=["b.h", "c.h"], c=["a.h"]), "src/base/a, src/base/b, src/base/c"),
], ids=["two", "three"])
def test_circles_are_found(tree, names):
    assert circles_of(tree) == [f"includes in a circle: {names}"]


def test_a_circle_through_a_header_is_found():
    tree = files(a=["a.h"], b=["b.h", "a.h"])
    tree["src/base/a.h"] = '#include "base/b.h"\n'
    assert circles_of(tree) == ["includes in a circle: src/base/a, src/base/b"]


def test_a_header_of_no_module_counts_as_what_it_includes():
    tree = files(a=["internal.h"], b=["internal.h"])
    tree["src/base/internal.h"] = '#include "base/a.h"\n'
    assert circles_of(tree) == []
    tree["src/base/internal.h"] += '#include "base/b.h"\n'
    assert circles_of(tree) == ["includes in a circle: src/base/a, src/base/b"]


def test_a_metric_that_is_not_written_out_is_found():
    tree = {"src/base/a.h": "extern const struct metric metric_a;\n",
            tidy.METRICS_PAGE: "    &metric_b,\n"}
    assert [sentence for _, _, sentence in tidy.check_metrics(tree)] == [
        f"metric_a is not in {tidy.METRICS_PAGE}"]
    tree[tidy.METRICS_PAGE] += "    &metric_a,\n"
    assert list(tidy.check_metrics(tree)) == []


@pytest.mark.parametrize("named, says", [
    ("test_a.c::one", None), ("tests/unit/test_a.c::two", None), ("test_b.py::test_x", None),
    ("tests/fuzz/fuzz_c.c", None), ("test_a.c::on", "test_a.c has no test on"),
    ("test_a.c::is_never_run", "test_a.c has no test is_never_run"),
    ("test_b.py::test_y", "test_b.py has no test test_y"),
    ("test_d.c::one", "there is no test_d.c"),
])
def test_tests_that_documents_name_exist(named, says):
    functions = [f"static void {name}(void **state)\n" for name in ("one", "two", "is_never_run")]
    tests = {"tests/unit/test_a.c": "".join(functions) + "        cmocka_unit_test(one),\n"
                                    "        TEST(two, a),\n",
             "tests/cases/test_b.py": "def test_x(servers):\n", "tests/fuzz/fuzz_c.c": ""}
    found = tidy.check_named_tests({"docs/security.md": f"Held by `{named}`."}, tests)
    assert [sentence for _, _, sentence in found] == ([says] if says else [])


@pytest.mark.parametrize("name, line, found", [
    ("src/cli/main.c", "    char *copy = strdup(text);", True),
    ("src/cli/main.c", "    char *copy = xstrdup(text);", False),
    ("src/base/alloc.c", "    void *memory = malloc(size);", False),
    ("tests/unit/test_base.c", "    void *memory = malloc(size);", False),
])
def test_memory_comes_from_one_place(name, line, found):
    assert bool(list(tidy.check_confined(name, [line]))) == found
