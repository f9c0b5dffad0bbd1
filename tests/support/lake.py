"""Objects of a flow as other programs read them: Python's json and csv, DuckDB, and three readers
of Parquet. Values are as JSON texts hold them: numbers with their digits."""

import csv
import decimal
import io
import json

from support import parquet_readers


class Number(str):
    """A number's text, so that no digit of it is lost."""


def loads(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def dumps(value):
    """A value as JSON, whose numbers are as they are."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(name)}:{dumps(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def as_text(value):
    """As a value stands in CSV and in columns of texts; of nested ones see `same`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def same(found, value):
    """Whether a text that was read is the value: nested ones as the JSON that they are."""
    if isinstance(value, (dict, list)):
        return found is not None and loads(found) == value
    return found == as_text(value)


def assert_rows(reader, rows, records, fields):
    """Rows of texts are the records' values."""
    assert len(rows) == len(records), (reader, len(rows), len(records))
    for at, (row, record) in enumerate(zip(rows, records, strict=True)):
        for name, found in zip(fields, row, strict=True):
            assert same(found, record[name]), (reader, at, name, found, record[name])


def columns_of(types):
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in types.items()) + "}"


# In DuckDB, which reads other numbers as binary floating point, as all of JSON columns.
IN_JSON = {"integer": "BIGINT", "decimal": "DECIMAL(38, 18)", "boolean": "BOOLEAN",
           "nested": "JSON"}


def as_duckdb_reads(value, kind):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (dict, list)):
        return json.loads(dumps(value))
    return decimal.Decimal(value) if kind in ("integer", "decimal") else value


def assert_json(path, records, kinds):
    """In Python's json, and in DuckDB; `kinds` of the fields."""
    found = [loads(line) for line in path.read_text().split("\n")[:-1]]
    assert found == [{name: record[name] for name in kinds} for record in records]
    types = {name: IN_JSON.get(kind.partition(",")[0], "VARCHAR") for name, kind in kinds.items()}
    names = ", ".join(f'"{name}"' for name in kinds)
    with parquet_readers.connect() as connection:
        rows = connection.execute(
            f"SELECT {names} FROM read_json(?, format='newline_delimited', maximum_depth=1, "
            f"columns={columns_of(types)})", [str(path)]).fetchall()
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        for cell, (name, kind) in zip(row, kinds.items(), strict=True):
            theirs = json.loads(cell) if cell and isinstance(record[name], (dict, list)) else cell
            ours = as_duckdb_reads(record[name], kind.partition(",")[0])
            assert theirs == ours, (name, theirs, ours)


def assert_csv(path, records, fields):
    """In Python's csv, which does not tell null from an empty text, and in DuckDB, which does."""
    table = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert table[0] == list(fields)
    assert_rows("csv", table[1:], [{name: "" if value is None else value
                                     for name, value in record.items()} for record in records],
                 fields)
    with parquet_readers.connect() as connection:
        rows = connection.execute(
            "SELECT * FROM read_csv(?, header=true, delim=',', quote='\"', escape='\"', "
            "allow_quoted_nulls=false, parallel=false, "
            f"columns={columns_of(dict.fromkeys(fields, 'VARCHAR'))})", [str(path)]).fetchall()
    assert_rows("duckdb", rows, records, fields)


def assert_parquet_texts(path, records, fields):
    """A Parquet file whose columns are all texts, in three readers."""
    parquet_readers.assert_not_mixed(path)
    for reader in parquet_readers.READERS:
        columns = list(reader(path, [f"text={name}" for name in fields]))
        assert_rows(reader.__name__, list(zip(*columns, strict=True)), records, fields)


def assert_parquet_typed(path, rows, fields):
    """A Parquet file with columns of fields' kinds, such as "decimal,38,18=Amount"."""
    parquet_readers.assert_not_mixed(path)
    parquet_readers.assert_readers_agree(path, fields, rows)
