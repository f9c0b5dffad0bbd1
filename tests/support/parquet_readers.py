"""Parquet files in three readers that share no code: pyarrow (Arrow C++), DuckDB and fastparquet.
Columns of plain Python values, with times as microseconds and dates as days since 1970.

A field is written KIND=NAME, such as "decimal,10,2=Amount". The readers take a second to import, so
only the process that reads does so."""

import decimal
import importlib.util
import json

import pytest

MISSING = [name for name in ("duckdb", "fastparquet", "pyarrow")
           if not importlib.util.find_spec(name)]


def kind_of(field):
    """Of "decimal,10,2=name"."""
    return field.partition("=")[0].partition(",")[0]


def name_of(field):
    return field.partition("=")[2]


def connect():
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    return connection


def metadata(path):
    import pyarrow.parquet
    return pyarrow.parquet.read_metadata(path)


def in_pyarrow(path, fields):
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == [name_of(field) for field in fields]
    for field, column in zip(fields, table.columns, strict=True):
        kind = kind_of(field)
        if kind in ("timestamp", "local"):
            column = column.cast(pyarrow.int64())
        elif kind == "date":
            column = column.cast(pyarrow.int32())
        yield column.to_pylist()


def in_duckdb(path, fields):
    with connect() as connection:
        for field in fields:
            name = '"' + name_of(field).replace('"', '""') + '"'
            kind = kind_of(field)
            if kind in ("timestamp", "local"):
                name = f"epoch_us({name})"
            elif kind == "date":
                name = f"{name} - DATE '1970-01-01'"
            rows = connection.execute(f"SELECT {name} FROM read_parquet(?)", [str(path)])
            yield [row[0] for row in rows.fetchall()]


def in_fastparquet(path, fields):
    import fastparquet
    frame = fastparquet.ParquetFile(str(path)).to_pandas()
    for field in fields:
        kind, column = kind_of(field), frame[name_of(field)]
        missing = column.isna().tolist()
        if kind in ("timestamp", "local", "date"):
            unit = "us" if kind != "date" else "D"
            column = column.dt.tz_localize(None) if kind == "timestamp" else column
            column = column.to_numpy().astype(f"datetime64[{unit}]").astype("int64")
        values = column.tolist()
        yield [None if gone else value for gone, value in zip(missing, values, strict=True)]


def as_read(reader, kind, value):
    """What the reader makes of a value that was written."""
    if value is None:
        return None
    if kind == "decimal" and reader is in_fastparquet:
        return float(value)  # it has no decimals
    if kind == "decimal":
        return decimal.Decimal(value)
    if kind == "nested" and reader is in_fastparquet:
        return json.loads(value)
    return value


READERS = [in_pyarrow, in_duckdb, in_fastparquet]


def is_beyond(reader, kind, value):
    """fastparquet has times and dates as nanoseconds of 64 bits, and others wrong."""
    unit_ns = {"timestamp": 1000, "local": 1000, "date": 86400 * 10**9}.get(kind)
    return reader is in_fastparquet and unit_ns and value and abs(value) * unit_ns >= 2**63


def assert_column(reader, field, found, expected):
    kind = kind_of(field)
    assert len(found) == len(expected), (reader.__name__, field)
    for row, (theirs, value) in enumerate(zip(found, expected, strict=True)):
        ours = as_read(reader, kind, value)
        same = theirs == ours and (theirs is None) == (ours is None)
        if kind == "decimal" and reader is in_fastparquet and ours is not None:
            same = theirs == pytest.approx(ours, rel=1e-12)
        same = same or is_beyond(reader, kind, value)
        assert same, (reader.__name__, field, row, str(theirs)[:200], str(ours)[:200])


def assert_readers_agree(path, fields, rows, readers=None):
    for reader in readers or READERS:
        for at, (field, found) in enumerate(zip(fields, reader(path, fields), strict=True)):
            assert_column(reader, field, found, [row[at] for row in rows])


def assert_not_mixed(path):
    """fastparquet reads nulls where a column goes from dictionary to plain pages, within a row
    group or between two."""
    meta = metadata(path)
    for at in range(meta.num_columns):
        chunks = [meta.row_group(group).column(at) for group in range(meta.num_row_groups)]
        for chunk in chunks:
            assert chunk.has_dictionary_page == ("RLE_DICTIONARY" in chunk.encodings), chunk
        with_values = [chunk for chunk in chunks if chunk.statistics.has_min_max]
        assert len({chunk.has_dictionary_page for chunk in with_values}) <= 1, with_values
    return meta
