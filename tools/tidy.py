#!/usr/bin/env python3
"""Checks the house's own style, which no general tool knows: tools/tidy.py [FILE …].

Without names it looks at every file that git tracks. One line a finding; exit status 1 if any."""

import ast
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 100

# Which room may include headers of which others. connectors/ is a part of connector.
ROOMS = {
    "cli": {"api", "flow", "profile", "connector", "sandbox", "aws", "auth", "store", "escrow",
            "wire", "vault", "net", "work", "base"},
    "api": {"flow", "profile", "job", "connector", "auth", "store", "escrow", "wire", "vault",
            "net", "work", "base"},
    "flow": {"profile", "job", "connector", "store", "record", "aws", "auth", "wire", "vault",
             "work", "base"},
    "profile": {"job", "connector", "auth", "store", "escrow", "wire", "vault", "net", "work",
                "base"},
    "job": {"store", "work", "base"},
    "connector": {"auth", "aws", "record", "wire", "net", "work", "base"},
    "store": {"vault", "net", "work", "base"},
    "escrow": {"vault", "net", "work", "base"},
    "aws": {"auth", "wire", "vault", "net", "work", "base"},
    "auth": {"wire", "vault", "net", "work", "base"},
    "record": {"base"},
    "wire": {"vault", "net", "base"},
    "sandbox": {"wire", "vault", "net", "base"},
    "vault": {"base"},
    "net": {"work", "base"},
    "work": {"base"},
    "base": set(),
}

# Words that are a vendor's name only when written as one.
ORDINARY_WORDS = {"slack", "singular"}

# Written in pieces so that this file does not find itself.
FOREIGN = re.compile("|".join([
    r"registry\." + r"npmjs", r"files\." + r"pythonhosted", r"\bpypi\." + r"org",
    r"deb\." + r"debian\.org", r"security\." + r"debian\.org", r"proxy\." + r"golang",
    r"static\." + r"crates", r"repo1?\." + r"maven", r"(?<![\w.])/" + r"work/",
    r"/tmp/" + r"w/", r"(?<![\w.])/" + r"root/", r"(?<![\w.])/" + r"home/\w"]))

# Words that hide who does what, or that the glossary replaces (docs/internals/glossary.md). Written
# in pieces so that this file does not find itself.
RIDDLES = re.compile(r"(?i)\b(" + "|".join([
    "who" + "ever", "in " + "vain", "(?:is|are|was|were) " + "told", "told " + "so",
    "stands " + "once", "no" + "body"]) + r")\b|\b(?:[Hh]e|[Hh]is|[Hh]im)\b")
PLAIN_WORDS = ("src/", "sandbox/", "connectors/", "docs/", "README.md", "ARCHITECTURE.md",
               "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
GLOSSARY = "docs/internals/glossary.md"  # it names the words that it replaces

# What is used in one place, and why.
CONFINED = [
    (re.compile(r"libpq(-fe)?\.h[\">]"), "src/store/pg/",
     "libpq is for the operator's store: it computes any number of SCRAM iterations"),
    (re.compile(r"\b(PKCS5_PBKDF2_HMAC\w*|EVP_PBE_scrypt\w*)\("), "tests/",
     "a key derivation that nothing ends: use scram_salt_password (wire/scram.h)"),
    (re.compile(r"(?<![\w.])(malloc|calloc|realloc|strn?dup|v?asprintf)\("), "src/base/alloc.c",
     "it returns NULL without memory: use base/alloc.h"),
]

C_SOURCES = ("src/", "sandbox/", "connectors/", "tests/")


def tracked():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return [name for name in listing.stdout.decode().split("\0") if name]


def vendor_pattern():
    """Every connector's name in the API model, as its type or its key in the unions."""
    model = json.loads((ROOT / "api/appflow-2020-08-23.json").read_text())
    names = set(model["shapes"]["ConnectorProfileProperties"]["members"])
    names -= {"CustomConnector"}
    return re.compile("|".join(
        rf"\b{name}\b" if name.lower() in ORDINARY_WORDS else f"(?i:{name})"
        for name in sorted(names)))


def room_of(name):
    parts = name.split("/")
    if parts[0] == "connectors":
        return "connector"
    if parts[0] == "sandbox":
        return "sandbox"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_rooms(name, lines):
    room = room_of(name)
    if room is None:
        return
    if room not in ROOMS:
        yield 1, f"{room} is not a room: add it to ROOMS in tools/tidy.py"
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'#include "(\w+)/', line)
        used = found.group(1) if found else room
        if used in ROOMS and used != room and used not in ROOMS[room]:
            yield number, f"{room} includes a header of {used}, which ROOMS does not allow"


def check_c_functions(lines):
    """In our layout a function's body is what stands between braces in the first column."""
    opened = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            opened = number
        elif line == "}" and opened is not None:
            length = number - opened + 2
            if length > FUNCTION_LINES_MAX:
                yield opened, f"a function of {length} lines, at most {FUNCTION_LINES_MAX}"
            opened = None


def check_confined(name, lines):
    for number, line in enumerate(lines, 1):
        for pattern, where, reason in CONFINED:
            if pattern.search(line) and not name.startswith((where, "tests/")):
                yield number, reason


def check_c(name, lines):
    yield from check_c_functions(lines)
    yield from check_confined(name, lines)
    yield from check_rooms(name, lines)
    if lines and not lines[0].startswith("/*"):
        yield 1, "opens without a sentence that says what happens in it"
    if name.endswith(".h") and "#pragma once" not in lines:
        yield 1, "a header without #pragma once"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if re.match(r"\s*goto\b", line):
            yield number, "goto: memory belongs to an arena, other things to _cleanup_"
        if re.match(r"\s*typedef\s+(struct|enum|union)\b", line):
            yield number, "typedef of a struct, enum or union"
        if not name.startswith("tests/") and re.search(r"\b(strcpy|strcat|sprintf|gets)\(", line):
            yield number, "a function that does not know the size of what it writes to"


# The demonstration shows one vendor by name, and the help's examples do.
DEMONSTRATION = ("src/cli/demo.c", "src/cli/demo_flow.c", "src/cli/demo_flow.h",
                 "src/cli/demo_step.h", "src/cli/demo_steps.c", "src/cli/demo_steps.h",
                 "src/cli/examples.h")


def check_vendors(name, lines, vendors):
    if not name.startswith("src/") or name in DEMONSTRATION:
        return
    for number, line in enumerate(lines, 1):
        found = vendors.search(line)
        if found:
            yield number, f"{found.group(0)}: a vendor's name belongs in connectors/"


def check_python(lines):
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield node.lineno, f"a function of {length} lines, at most {FUNCTION_LINES_MAX}"


def check_text(name, text, lines):
    if text and not text.endswith("\n") and not name.endswith(".json"):
        yield len(lines), "no line end at the end of the file"
    code = name.endswith((".c", ".h", ".py", ".js", ".mjs", ".sh"))
    if code and len(lines) > FILE_LINES_MAX:
        yield 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}: one subject a file"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() and not name.startswith("tests/cases/"):
            yield number, "blanks at the end of the line"
        if code and len(line) > LINE_COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {LINE_COLUMNS_MAX}"
        found = FOREIGN.search(line)
        if found:
            yield number, f"{found.group(0)}: a machine's path or a registry's host"


def check_words(name, lines):
    if not name.startswith(PLAIN_WORDS) or name == GLOSSARY or name.endswith(".json"):
        return
    for number, line in enumerate(lines, 1):
        found = RIDDLES.search(line)
        if found:
            yield number, f"\"{found.group(0)}\": name the subject (docs/internals/glossary.md)"


def findings(name, vendors):
    try:
        text = (ROOT / name).read_bytes().decode()
    except UnicodeDecodeError:
        return  # bytes, such as a fuzzer's seed
    lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
    if name != "LICENSE" and not name.startswith("tests/fuzz/corpus"):
        yield from check_text(name, text, lines)
    yield from check_words(name, lines)
    if name.startswith(C_SOURCES) and name.endswith((".c", ".h")):
        yield from check_c(name, lines)
        yield from check_vendors(name, lines, vendors)
    elif name.endswith(".py"):
        yield from check_python(lines)


# Functions for tests alone, which cannot see what they look for in another way.
FOR_TESTS = {"restjson_decode", "shape_by_name", "server_loop_index",
             "memory_uses", "sigv4_parse_authorization"}
PROTOTYPE = re.compile(r"^(?!return\b|typedef\b)[A-Za-z_][\w \t*(),]*?[ *](\w+)\(([^;{}]*)\);",
                       re.M)
TAG = re.compile(r"^(?:static |const )*(?:struct|enum|union) (\w+) \{", re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda found: "\n" * found.group(0).count("\n"), text, flags=re.S)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_prototypes(name, text):
    """A function that fails says so with false; its caller must look."""
    for found in PROTOTYPE.finditer(text):
        function, parameters = found.groups()
        fallible = "bool " + function in found.group(0) and "struct error *" in parameters
        if fallible and "_must_use_" not in found.group(0) and "fail" not in function.split("_"):
            yield name, line_of(text, found.start()), f"{function} can fail: _must_use_"


# What is built before its callers: the engine of flows will use these rooms and the program of
# tasks. An entry goes when the engine uses what it names.
AHEAD = ("src/aws/", "src/record/", "src/flow/program.h")


def check_public(headers, sources):
    """Every public function has a caller in the product, and not only in tests."""
    counts = {name: collections.Counter(re.findall(r"\w+", text))
              for name, text in {**headers, **sources}.items()}
    users = collections.defaultdict(list)
    for name, words in counts.items():
        for word in words:
            users[word].append(name)
    for header, text in headers.items():
        for found in PROTOTYPE.finditer(text):
            function = found.group(1)
            # Beside the prototype and the definition: a call there, in a macro, or elsewhere.
            called = len(users[function]) > 2 or any(counts[name][function] > 1
                                                     for name in users[function])
            if not called and function not in FOR_TESTS and not header.startswith(AHEAD):
                yield header, line_of(text, found.start()), f"{function} has no caller but tests"


def check_tags(files):
    """One struct, enum or union of a name."""
    first = {}
    for name, text in files.items():
        for found in TAG.finditer(text):
            other = first.setdefault(found.group(1), name)
            if other != name:
                yield name, line_of(text, found.start()), f"{found.group(1)} is also in {other}"


# Circles of modules that stay: the names in order, and why.
CIRCLES = {}


def modules_used(files):
    """For each module, which others it includes. A module is a .c file with its header; a header of
    no .c file, such as internal.h, counts as what it includes."""
    def included(name):
        for path in re.findall(r'^#include "([^"]+)"', files[name], re.M):
            yield from ({f"src/{path}", path} & files.keys())

    def reached(name, seen):
        for header in set(included(name)) - seen:
            seen.add(header)
            if header[:-2] + ".c" in files:
                yield header[:-2]
            else:
                yield from reached(header, seen)

    used = collections.defaultdict(set)
    for name in files:
        if name[:-2] + ".c" in files:
            used[name[:-2]] |= set(reached(name, set())) - {name[:-2]}
    return used


def circles(used):
    """Groups of modules in which each is reached from each other."""
    reach = {module: set(others) for module, others in used.items()}
    grown = True
    while grown:
        grown = False
        for module, others in reach.items():
            more = others.union(*(reach.get(other, set()) for other in others))
            grown = grown or more != others
            reach[module] = more
    return {tuple(sorted(other for other in reach[module] if module in reach.get(other, set())))
            for module in reach if module in reach[module]}


def check_circles(files):
    """Modules include each other in one direction: one can be read, tested and moved without the
    other."""
    for circle in sorted(circles(modules_used(files)) - CIRCLES.keys()):
        yield circle[0] + ".c", 1, f"includes in a circle: {', '.join(circle)}"


METRICS_PAGE = "src/api/metrics.c"


def check_metrics(files):
    """A metric that a room counts is also written out."""
    for name, text in files.items():
        for found in re.finditer(r"^extern const struct metric (\w+);", text, re.M):
            if f"&{found.group(1)}," not in files[METRICS_PAGE]:
                yield (name, line_of(text, found.start()),
                       f"{found.group(1)} is not in {METRICS_PAGE}")


# "test_wire.py::test_framing_is_strict", "test_client.c::head_has_no_body", "tests/fuzz/fuzz_x.c"
NAMED_TEST = re.compile(r"`(?:[\w/]*/)?((?:test|fuzz)_\w+\.(?:c|py))(?:::(\w+))?`")
# A C function is a test if the file's list of tests, under whichever macro, has it too.
DEFINED = {"py": r"^def {}\(", "c": r"^static void ({})\(void \*\*[\s\S]*^\s.*\b\1[,)]"}


def check_named_tests(documents, tests):
    """A test that a document names exists, and a program of unit tests runs it."""
    by_file = collections.defaultdict(str)
    for name, text in tests.items():
        by_file[name.rpartition("/")[2]] += text
    for name, text in documents.items():
        for found in NAMED_TEST.finditer(text):
            file, test = found.groups()
            if file not in by_file:
                yield name, line_of(text, found.start()), f"there is no {file}"
            elif test and not re.search(DEFINED[file.rpartition(".")[2]].format(test),
                                        by_file[file], re.M):
                yield name, line_of(text, found.start()), f"{file} has no test {test}"


def texts(names):
    return {name: (ROOT / name).read_text() for name in names if (ROOT / name).is_file()}


def check_tree(names):
    product = [name for name in names if name.startswith(C_SOURCES) and name.endswith((".c", ".h"))
               and not name.startswith("tests/") and (ROOT / name).is_file()]
    files = {name: without_comments((ROOT / name).read_text()) for name in product}
    headers = {name: text for name, text in files.items() if name.endswith(".h")}
    sources = {name: text for name, text in files.items() if name.endswith(".c")}
    for name, text in headers.items():
        yield from check_prototypes(name, text)
    yield from check_public(headers, sources)
    yield from check_tags(files)
    yield from check_circles(files)
    yield from check_metrics(files)
    yield from check_named_tests(
        texts(name for name in names if name.endswith(".md")),
        texts(name for name in names if re.match(r"tests/(.*/)?(test|fuzz)_\w+\.(c|py)$", name)))


def main():
    vendors = vendor_pattern()
    count = 0
    for name, number, sentence in [] if sys.argv[1:] else check_tree(tracked()):
        print(f"{name}:{number}: {sentence}")
        count += 1
    for name in sys.argv[1:] or tracked():
        if not (ROOT / name).is_file():
            continue
        for number, sentence in findings(name, vendors):
            print(f"{name}:{number}: {sentence}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
