"""Whether objects hold just these records, whatever their form: same_records.py TRUTH FOLDER, of
which TRUTH has a record a line, by its Id. Run by a Python that has pyarrow. Times are equal when
they are the same moment, numbers when they have the same value, a null and a missing field too."""

import datetime
import decimal
import json
import pathlib
import sys

import pyarrow.parquet

OF_DLT = ("_dlt_load_id", "_dlt_id")


def plain(name, value):
    if isinstance(value, str) and name.endswith(("Date", "Modstamp")):
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=value.tzinfo or datetime.timezone.utc)
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time(), datetime.timezone.utc)
    if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
        return float(value)
    return value


def plain_record(record):
    return {name: plain(name, value) for name, value in record.items()
            if value is not None and name not in OF_DLT}


def records_of(path):
    if path.read_bytes()[:4] == b"PAR1":
        return pyarrow.parquet.ParquetFile(path).read().to_pylist()
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def main(truth, folder):
    expected = {record["Id"]: plain_record(record) for record in records_of(pathlib.Path(truth))}
    count = 0
    for path in filter(pathlib.Path.is_file, pathlib.Path(folder).rglob("*")):
        for record in records_of(path):
            count += 1
            assert plain_record(record) == expected[record["Id"]], (path, record)
    assert count == len(expected), (count, len(expected))


if __name__ == "__main__":
    main(*sys.argv[1:])
