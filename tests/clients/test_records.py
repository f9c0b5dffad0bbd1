"""Records against Python's readers and writers of JSON and CSV: what we read is what they read, and
what we write they read as the same. Random records, from a fixed seed."""

import csv
import decimal
import gzip
import io
import json
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("HEADGATE_RECORD_TOOL",
                                   ROOT / "build/faults/tests/unit/record-tool"))

pytestmark = pytest.mark.skipif(
    not TOOL.exists(), reason=f"{TOOL} is not there: build with -Dtests=true, or set "
                              "HEADGATE_RECORD_TOOL")

NAMES = ["Id", "Name", "a b", "Größe", "x\"y", "n\\m", "line\nbreak", "名", "Amount__c"]
LETTERS = ["a", "Z", "0", " ", ",", "\"", "'", "\\", "\n", "\r", "\t", "/", "é", "Ω", "北", "😀",
           "\u0001", "\u007f", "\u2028", "\u0000", ";", "{", "]", ":"]


def convert(source, target, page, *options):
    """What the tool writes, and the lines of records that it could not read."""
    done = subprocess.run([TOOL, *options, source, target], input=page, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout, done.stderr.decode().splitlines()


def text(chance):
    length = chance.choice([0, 1, 3, 8, 30, 31, 32, 33, 64, 200])
    return "".join(chance.choice(LETTERS if chance.random() < 0.3 else "abcdefg")
                   for _ in range(length))


def number(chance):
    digits = chance.choice([1, 2, 5, 15, 18, 19, 20, 40])
    whole = str(chance.randrange(10 ** digits))
    form = chance.choice(["{}", "-{}", "{}.5", "-{}.250", "{}e5", "{}.125E-12", "0.{}"])
    return decimal.Decimal(form.format(whole))


def value(chance, depth=0):
    kind = chance.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return text(chance)
    if kind == 3:
        return chance.choice([0, -1, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63, 2 ** 63, 10 ** 30])
    if kind == 4:
        return chance.choice([True, False, None])
    if kind == 5:
        return number(chance)
    if kind == 6:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {name: value(chance, depth + 1) for name in chance.sample(NAMES, 2)}


def dumps(chance, item):
    """JSON with escapes and blanks chosen at random, and numbers as they are."""
    blank = (lambda: chance.choice(["", "", "", " ", "\t"]))
    if isinstance(item, decimal.Decimal):
        return str(item)
    if isinstance(item, dict):
        members = (f"{blank()}{dumps(chance, name)}{blank()}:{blank()}{dumps(chance, member)}"
                   for name, member in item.items())
        return "{" + ",".join(members) + blank() + "}"
    if isinstance(item, list):
        return "[" + ",".join(blank() + dumps(chance, member) for member in item) + blank() + "]"
    return json.dumps(item, ensure_ascii=chance.random() < 0.5)


class NoChance:
    """For dumps(): no blanks and no escapes."""

    def choice(self, options):
        return options[0]

    def random(self):
        return 1


def loads(line):
    return json.loads(line, parse_float=decimal.Decimal,
                      parse_int=lambda text: decimal.Decimal(text) if text == "-0" else int(text))


def records(chance, count):
    """Mostly the same members in the same order, and now and then other ones."""
    for _ in range(count):
        names = NAMES[:6] if chance.random() < 0.6 else chance.sample(NAMES, chance.randrange(9))
        yield {name: value(chance) for name in names}


@pytest.mark.parametrize("piece", ["1000000", "61"])
def test_json_is_read_and_written_as_python_does(piece):
    chance = random.Random(14)
    sent = list(records(chance, 2000))
    page = "".join(dumps(chance, record) + "\n" for record in sent).encode()
    written, errors = convert("json", "json", page, "--piece", piece)
    assert errors == []
    lines = written.decode().split("\n")
    assert lines.pop() == ""
    got = [loads(line) for line in lines]
    columns = list(dict.fromkeys(name for record in sent for name in record))
    assert got == [{name: record.get(name) for name in columns} for record in sent]
    for mine, theirs in zip(got, sent):  # True == 1 and 1 == 1.0 to Python
        for name, member in theirs.items():
            assert dumps(NoChance(), mine[name]) == dumps(NoChance(), member)


def test_an_array_and_a_document_are_read_as_lines_are():
    chance = random.Random(15)
    items = [dumps(chance, record) for record in records(chance, 300)]
    lines, _ = convert("json", "json", "\n".join(items).encode())
    array, _ = convert("json", "json", ("[" + ",".join(items) + "]").encode(), "--piece", "100")
    document, _ = convert("json", "json", ('{"n":[1],"d":{"results":[' + " ,\n".join(items) +
                                           ']},"next":null}').encode(), "--path", "/d/results")
    assert array == lines
    assert document == lines


def damaged(chance, line):
    """The line with a byte or two that are others, more, or fewer."""
    line = bytearray(line.encode())
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(line))
        byte = chance.choice(b'{}[]",:\\0-.eE+tfnu \xff\x80\xc3')
        line[at:at + chance.choice([0, 1])] = bytes([byte]) if chance.random() < 0.7 else b""
    return bytes(line).replace(b"\n", b"").replace(b"\r", b"")


def python_reads(line):
    """Whether it is a record: an object whose names at the top are not empty and do not repeat."""
    def pairs(members):
        return {"members": members}

    try:
        text_of = line.decode("utf-8")
        if not text_of.lstrip(" \t").startswith("{"):
            return False
        read = json.loads(text_of, object_pairs_hook=pairs, parse_float=str, parse_int=str,
                          parse_constant=lambda word: 1 / 0)
        json.dumps(read, ensure_ascii=False).encode()  # fails for a lone surrogate
    except (ValueError, RecursionError, ZeroDivisionError):
        return False
    names = [name for name, _ in read["members"]]
    return "" not in names and len(set(names)) == len(names)


def test_json_is_refused_where_python_refuses_it():
    chance = random.Random(16)
    lines = [damaged(chance, dumps(chance, record)) for record in records(chance, 3000)]
    lines = [line for line in lines if line.strip(b" \t")]
    expected = [at for at, line in enumerate(lines) if not python_reads(line)]
    assert 500 < len(expected) < 2900
    written, errors = convert("json", "json", b"\n".join(lines))
    assert [int(error.split("\t")[0]) for error in errors] == expected
    assert [int(error.split("\t")[1]) for error in errors] == [at + 1 for at in expected]
    assert len(written.splitlines()) == len(lines) - len(expected)


def csv_records(chance, count):
    return [[text(chance).replace("\u0000", "") for _ in range(4)] for _ in range(count)]


@pytest.mark.parametrize("quoting, end", [
    (csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n")])
def test_csv_is_read_and_written_as_python_does(quoting, end):
    chance = random.Random(17)
    header = ["Id", "a,b", "Ω \"x\"", "two\nlines"]
    sent = csv_records(chance, 1000)
    page = io.StringIO(newline="")
    writer = csv.writer(page, quoting=quoting, lineterminator=end)
    writer.writerows([header, *sent])
    for piece in ["1000000", "47"]:
        written, errors = convert("csv", "csv", page.getvalue().encode(), "--piece", piece)
        assert errors == []
        assert list(csv.reader(io.StringIO(written.decode(), newline=""))) == [header, *sent]
    lines, _ = convert("csv", "json", page.getvalue().encode())
    assert [list(loads(line).values()) for line in lines.decode().split("\n")[:-1]] == sent


def test_csv_of_json_has_each_value():
    chance = random.Random(18)
    sent = [{"t": text(chance).replace("\u0000", ""), "n": number(chance),
             "b": chance.choice([True, False]), "o": {"x": [1, "y"]}, "z": None}
            for _ in range(500)]
    page = "".join(dumps(NoChance(), record) + "\n" for record in sent).encode()
    written, errors = convert("json", "csv", page)
    assert errors == []
    rows = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    assert [row["t"] for row in rows] == [record["t"] for record in sent]
    assert [row["n"] for row in rows] == [str(record["n"]) for record in sent]
    assert [row["b"] for row in rows] == [json.dumps(record["b"]) for record in sent]
    assert [loads(row["o"]) for row in rows] == [record["o"] for record in sent]
    assert {row["z"] for row in rows} == {""}


def test_null_and_an_empty_text_differ_in_csv():
    written, _ = convert("json", "csv", b'{"a":"","b":null}\n')
    assert written == b'a,b\n"",\n'


def test_gzip_is_read_as_plain_text_is():
    chance = random.Random(19)
    page = "".join(dumps(chance, record) + "\n" for record in records(chance, 500)).encode()
    half = len(page) // 2
    plain, _ = convert("json", "json", page)
    packed = gzip.compress(page[:half]) + gzip.compress(page[half:])  # two members: one text
    assert convert("json", "json", packed, "--gzip", "--piece", "1009")[0] == plain
    cut = subprocess.run([TOOL, "--gzip", "json", "json"], input=packed[:-1], capture_output=True,
                         timeout=60, check=False)
    assert cut.returncode == 1
    assert b"ends too early" in cut.stderr
