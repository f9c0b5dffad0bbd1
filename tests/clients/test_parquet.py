"""Parquet files of our writer in three readers that share no code: pyarrow (Arrow C++), DuckDB and
fastparquet. Each cell that they read is the one that was written.

parquet-tool writes the files: from cells, so that what is in them is known here exactly."""

import datetime
import decimal
import json
import os
import pathlib
import random
import subprocess

import pytest

from support.parquet_readers import (
    MISSING, READERS, assert_not_mixed, assert_readers_agree, connect, in_fastparquet, in_pyarrow,
    kind_of, metadata, name_of)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("HEADGATE_PARQUET_TOOL",
                                   ROOT / "build/faults/tests/unit/parquet-tool"))
EPOCH = datetime.date(1970, 1, 1)
LETTERS = {"text": "t", "integer": "i", "decimal": "d", "boolean": "o", "timestamp": "s",
           "local": "l", "date": "a", "bytes": "b", "nested": "j"}

pytestmark = [
    pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not there: build with -Dtests=true, "
                                                 "or set HEADGATE_PARQUET_TOOL"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; "
                                             "tools/deps.sh peers fetches them"),
]


# --- writing ---


def cell(kind, value):
    """A value as parquet-tool reads it."""
    if value is None:
        return b"n"
    if kind in ("text", "bytes", "nested", "decimal"):
        content = value if isinstance(value, bytes) else str(value).encode()
        return f"{LETTERS[kind]}{len(content)}:".encode() + content
    return f"{LETTERS[kind]}{int(value)};".encode()


def cells(fields, rows):
    kinds = [kind_of(field) for field in fields]
    return b"".join(cell(kind, value) for row in rows
                    for kind, value in zip(kinds, row, strict=True))


def run_tool(path, fields, source, *options):
    with open(path, "wb") as file:
        return subprocess.run([TOOL, *map(str, options), *fields], input=source, stdout=file,
                              stderr=subprocess.PIPE, timeout=120, check=False)


def write(path, fields, source, *options):
    done = run_tool(path, fields, source, *options)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])  # KiB of memory at most


def check(path, fields, rows, *options, readers=None):
    write(path, fields, cells(fields, rows), *options)
    assert_readers_agree(path, fields, rows, readers)
    return assert_not_mixed(path)


# --- values of each kind ---

WORDS = ["", "a", "München", "Ελλάδα", "北京数据", "😀 astral", "NUL \0 inside", "line\r\nbreak",
         "\"q\"", "x" * 63, "y" * 64, "z" * 65, "ÿ" * 40, "\U0010ffff" * 3]
FAR_PAST = (datetime.date(1, 1, 1) - EPOCH).days
FAR_FUTURE = (datetime.date(9999, 12, 31) - EPOCH).days
DAY_US = 86_400_000_000
# What pandas can hold in fastparquet's nanoseconds.
YEAR_1700, YEAR_2200 = -98_000, 84_000


def text(chance):
    return chance.choice(WORDS) + (str(chance.randrange(10**6)) if chance.random() < 0.7 else "")


def digits(chance, precision, scale):
    number = decimal.Decimal(chance.randrange(-10**precision + 1, 10**precision))
    return str(number.scaleb(-scale, decimal.Context(prec=60)).__format__("f"))


FIELDS = {
    "text=Name": text,
    "text=Land": lambda chance: chance.choice(WORDS[:6]),
    "integer=Zähler": lambda chance: chance.choice([0, -1, 2**63 - 1, -2**63,
                                                    chance.randrange(99)]),
    "decimal,18,2=Betrag": lambda chance: digits(chance, 18, 2),
    "decimal,9,9=Anteil": lambda chance: digits(chance, 9, 9),
    "decimal,38,10=Groß": lambda chance: digits(chance, 38, 10),
    "boolean=Gelöscht": lambda chance: chance.random() < 0.1,
    "timestamp=Erstellt": lambda chance: chance.randrange(YEAR_1700 * DAY_US, YEAR_2200 * DAY_US),
    "local=Termin": lambda chance: chance.randrange(-10**15, 10**15),
    "date=Geburtstag": lambda chance: chance.randrange(YEAR_1700, YEAR_2200),
    "bytes=Bild": lambda chance: chance.randbytes(chance.randrange(40)),
    "nested=Adresse": lambda chance: json.dumps({"Stadt": text(chance), "plz": [1, None]}),
    "text=Leer": lambda chance: None,
}


def rows_of(seed, count, fields=FIELDS):
    chance = random.Random(seed)
    return [[make(chance) if chance.random() < 0.9 else None for make in fields.values()]
            for _ in range(count)]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A file of three row groups, with columns of every kind."""
    path = tmp_path_factory.mktemp("parquet") / "mixed.parquet"
    rows = rows_of(20200823, 5000)
    meta = check(path, list(FIELDS), rows, "--batch-rows", 333, "--group-rows", 2000)
    assert [meta.row_group(at).num_rows for at in range(meta.num_row_groups)] == [2000, 2000, 1000]
    return path, rows


def test_every_kind_of_value(mixed):
    import pyarrow.parquet
    path, rows = mixed
    meta = metadata(path)
    assert meta.created_by.startswith("headgate version ")
    assert meta.num_rows == len(rows)
    assert [str(field.type) for field in pyarrow.parquet.read_schema(path)] == [
        "string", "string", "int64", "decimal128(18, 2)", "decimal128(9, 9)", "decimal128(38, 10)",
        "bool", "timestamp[us, tz=UTC]", "timestamp[us]", "date32[day]", "binary",
        "extension<arrow.json>", "string"]
    assert {meta.row_group(0).column(at).compression for at in range(meta.num_columns)} == {
        "SNAPPY"}


def test_statistics_are_bounds(mixed):
    """Every reader that skips row groups by them finds all rows."""
    path, rows = mixed
    meta = metadata(path)
    for at, field in enumerate(FIELDS):
        values = [row[at] for row in rows[:2000]]
        statistics = meta.row_group(0).column(at).statistics
        assert statistics.null_count == values.count(None), field
        values = [value for value in values if value is not None]
        if kind_of(field) in ("text", "bytes") and values:
            values = [value.encode() if isinstance(value, str) else value for value in values]
            low, high = (bound.encode() if isinstance(bound, str) else bound
                         for bound in (statistics.min, statistics.max))
            assert low <= min(values) and max(values) <= high and len(high) <= 68, field
        elif kind_of(field) == "integer":
            assert (statistics.min, statistics.max) == (min(values), max(values))
        elif kind_of(field) == "decimal":
            assert statistics.min == min(map(decimal.Decimal, values))
            assert statistics.max == max(map(decimal.Decimal, values))
        assert statistics.has_min_max == bool(values)
    with connect() as connection:
        for name in ("Name", "Land"):
            at = [name_of(field) for field in FIELDS].index(name)
            every = [row[at] for row in rows]
            for value in sorted({value for value in every if value is not None})[::97]:
                found = connection.execute(f"SELECT count(*) FROM read_parquet(?) WHERE {name} = ?",
                                           [str(path), value]).fetchone()[0]
                assert found == every.count(value), value


@pytest.mark.parametrize("batch_rows", [333, 1000, 1])
def test_the_same_cells_are_the_same_bytes(tmp_path, mixed, batch_rows):
    """However they are cut into batches, as the source's pages and the network do."""
    path, rows = mixed
    again = tmp_path / "again.parquet"
    write(again, list(FIELDS), cells(FIELDS, rows), "--batch-rows", batch_rows, "--group-rows",
          2000)
    assert again.read_bytes() == path.read_bytes()


# --- the edges ---


def repeated(value, count):
    return [[value]] * count


def many_different(prefix, count):
    return [[f"{prefix}{number % 13}" if number < 5000 else f"{prefix}{number}"]
            for number in range(count)]


EDGES = {
    "no rows": ("text=a", []),
    "one row": ("text=a", [["x"]]),
    "one null": ("text=a", [[None]]),
    "nulls alone": ("integer=a", repeated(None, 60000)),
    "nulls alone of booleans": ("boolean=a", repeated(None, 30000)),
    "nulls, then values": ("text=a", repeated(None, 45000) + repeated("x", 3) + [["y"], [None]]),
    "nulls, then different values": ("integer=a", repeated(None, 25000)
                                     + [[number] for number in range(9000)]),
    "values, then nulls": ("text=a", repeated("x", 5000) + repeated(None, 45000)),
    "one value": ("text=a", repeated("the only one", 50000)),
    "empty texts": ("text=a", repeated("", 10000)),
    "one text of 300 KB": ("text=a", [["x"], ["ü" * 150000], [None], ["y"]]),
    "texts of 5 MB": ("text=a", [["a" * 5_000_000], ["b" * 5_000_000], ["c"]]),
    "long texts that come again": ("text=a", [["k" * 900 + str(n % 40)] for n in range(9000)]),
    "row groups of nulls": ("text=a", repeated(None, 140000) + repeated("x", 140000)
                            + repeated(None, 140000) + repeated("y", 100)),
    "row groups of nulls, then different values": ("text=a", repeated(None, 140000)
                                                   + [[f"v{n}"] for n in range(9000)]),
    "a dictionary that gets full": ("text=a", many_different("k", 90000)),
    "a dictionary of long texts that gets full": ("text=a", many_different("k" * 300, 20000)),
    "booleans": ("boolean=a", [[n % 3 == 0] for n in range(30001)]),
    "decimals of 18 digits": ("decimal,18,0=a", [["9" * 18], ["-" + "9" * 18], ["0"], [None]]),
    "decimals of 19 digits": ("decimal,19,4=a", [["9" * 15 + ".9999"], ["-0.0001"], [None]]),
    "decimals of 38 digits": ("decimal,38,0=a", [["9" * 38], ["-" + "9" * 38], ["1"], ["-1"]]),
    "decimals behind the point": ("decimal,38,38=a", [["0." + "9" * 38], ["-0." + "0" * 37 + "1"]]),
    "decimals with exponents": ("decimal,12,3=a", [["1.5E3"], ["25e-3"], ["-0.0"], ["1e-3"]]),
    "before 1970": ("date=a", [[-1], [0], [-25567], [YEAR_1700], [None]]),
    "times before 1970": ("timestamp=a", [[-1], [0], [-999_999], [YEAR_1700 * DAY_US], [None]]),
    "a name with blanks and quotes": ("text=a \"b\" ü", [["x"]]),
    "a name with a point": ("text=Account.Name", [["x"]]),
}


@pytest.mark.parametrize("edge", ["nulls, then different values", "texts of 5 MB",
                                  "long texts that come again", "a dictionary that gets full",
                                  "a dictionary of long texts that gets full"])
def test_no_edge_depends_on_batches(tmp_path, edge):
    field, rows = EDGES[edge]
    source, files = cells([field], rows), [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for path, batch_rows in zip(files, (4096, 77), strict=True):
        write(path, [field], source, "--batch-rows", batch_rows)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("precision, length", [(19, 9), (28, 12), (29, 13), (35, 15), (36, 16),
                                               (38, 16)])
def test_decimals_have_no_byte_too_many(tmp_path, precision, length):
    """Some readers refuse a longer fixed length than the precision needs."""
    path = tmp_path / "decimals.parquet"
    field = f"decimal,{precision},3=a"
    most = "9" * (precision - 3) + ".999"
    rows = [[most], ["-" + most], ["-0.001"], [None]] + repeated("12.5", 200)
    check(path, [field], rows)
    assert metadata(path).schema.column(0).length == length
    statistics = metadata(path).row_group(0).column(0).statistics
    assert (statistics.min, statistics.max) == (decimal.Decimal("-" + most), decimal.Decimal(most))


def test_a_decimal_of_unknown_precision_is_a_string(tmp_path):
    path = tmp_path / "unknown.parquet"
    numbers = ["1.5", "9" * 60, "-1e-30", None]
    write(path, ["decimal=a"], cells(["decimal=a"], [[number] for number in numbers]))
    assert_readers_agree(path, ["text=a"], [[number] for number in numbers])


def test_two_columns_of_one_name_are_refused(tmp_path):
    done = run_tool(tmp_path / "twice.parquet", ["text=a", "integer=b", "date=a"], b"")
    assert done.returncode == 1 and b"two columns of the name a" in done.stderr, done.stderr


@pytest.mark.parametrize("edge", EDGES)
def test_edges(tmp_path, edge):
    field, rows = EDGES[edge]
    check(tmp_path / "edge.parquet", [field], rows)


def test_years_from_1_to_9999(tmp_path):
    """fastparquet has nanoseconds, and so the years from 1677 to 2262."""
    rows = [[FAR_PAST, FAR_PAST * DAY_US], [FAR_FUTURE, (FAR_FUTURE + 1) * DAY_US - 1]]
    check(tmp_path / "far.parquet", ["date=a", "timestamp=b"], rows, readers=READERS[:2])


def test_a_full_dictionary_ends_the_row_group(tmp_path):
    meta = check(tmp_path / "full.parquet", ["text=a"], many_different("k", 90000))
    assert meta.num_row_groups == 2
    assert all(meta.row_group(at).column(0).has_dictionary_page for at in range(2))


def test_a_thousand_columns(tmp_path):
    fields = [f"{kind}=c{number}" for number in range(250)
              for kind in ("text", "integer", "boolean", "date")]
    fields = [field + kind_of(field) for field in fields]
    chance = random.Random(7)
    rows = [[None if chance.random() < 0.2 else
             f"v{chance.randrange(30)}" if kind_of(field) == "text" else
             chance.random() < 0.5 if kind_of(field) == "boolean" else chance.randrange(9999)
             for field in fields] for _ in range(300)]
    path = tmp_path / "wide.parquet"
    write(path, fields, cells(fields, rows), "--group-rows", 130)
    assert_not_mixed(path)
    assert_readers_agree(path, fields, rows, [in_pyarrow, in_fastparquet])
    with connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    days = [kind_of(field) == "date" for field in fields]
    assert [[(value - EPOCH).days if is_day and value is not None else value
             for value, is_day in zip(row, days, strict=True)] for row in found] == rows


def test_columns_of_strings_take_every_kind(tmp_path):
    """The service's default: without preserveSourceDataTyping every column is a string."""
    source = (b"t3:abc" b"i-5;" b"d7:10.5000" b"o1;" b"s1;" b"l-1000;" b"a-1;" b"b3:\0\1\2"
              b"j7:[1, {}]" b"n")
    path = tmp_path / "strings.parquet"
    fields = [f"text=c{number}" for number in range(10)]
    write(path, fields, source)
    assert_readers_agree(path, fields, [[
        "abc", "-5", "10.5000", "true", "1970-01-01T00:00:00.000001Z", "1969-12-31T23:59:59.999",
        "1969-12-31", "AAEC", "[1, {}]", None]])


def test_row_groups_are_bounded_in_bytes(tmp_path):
    """The same memory for any number of rows: row groups are written when they are large enough."""
    chance = random.Random(5)
    fields = ["text=a", "bytes=b", "integer=c"]
    rows = [[f"k{chance.randrange(40)}", chance.randbytes(500), number] for number in range(1000)]
    source = cells(fields, rows)
    path = tmp_path / "large.parquet"
    few = write(path, fields, source * 40)
    many = write(path, fields, source * 120)
    meta = assert_not_mixed(path)
    assert meta.num_rows == 120_000 and meta.num_row_groups >= 3
    for at in range(meta.num_row_groups):
        assert meta.row_group(at).total_byte_size < 18 * 2**20
    assert many < 48 * 1024 and many < few * 1.3, (few, many)


def test_dictionaries_are_not_held_twice(tmp_path):
    """Each is freed when its page is made, and not when those of all columns are."""
    chance = random.Random(6)
    fields = [f"text=c{number}" for number in range(12)]
    rows = [[chance.randbytes(120).hex() for _ in fields] for _ in range(5000)]
    source = cells(fields, [row for row in rows for _ in range(3)])
    path = tmp_path / "dictionaries.parquet"
    assert write(path, fields, source) < 31 * 1024
    assert metadata(path).row_group(0).column(11).has_dictionary_page


def test_an_output_that_fails(tmp_path, mixed):
    """It is reported, and the program ends in order."""
    _, rows = mixed
    source = cells(FIELDS, rows)
    for at in (1, 2):
        done = run_tool(tmp_path / "cut.parquet", list(FIELDS), source, "--fail-at", at)
        assert done.returncode == 1 and b"the output is full" in done.stderr, done.stderr
