"""filterExpression against the parser of Amazon's SDK: random filters, with values that would end a
text or add a condition, are read there as what they are, and lose no record that the flow keeps."""

import datetime
import json
import os
import pathlib
import random
import subprocess

import pytest

from support import connectors
from support.server import ROOT

HERE = pathlib.Path(__file__).parent
TOOL = pathlib.Path(os.environ.get("HEADGATE_FILTER_TOOL",
                                   ROOT / "build/faults/tests/unit/filter-tool"))
CASES = 200
TYPES = {"text": "String", "whole": "Long", "part": "Double", "flag": "Boolean", "day": "Date",
         "at": "DateTime"}
DEFINITION = {"fields": [
    {"fieldName": name, "dataType": kind, "readProperties": {"isQueryable": True}}
    for name, kind in TYPES.items()]}
LETTERS = ["a", "b", "A", "%", "_", "'", "\"", "\\", "\n", " or ", " and ", "(", ")", "é", "null"]
HOSTILE = ["a\\", "\\", "'", "\\'", "' or text = '", "a' or whole > -9 or text = 'b"]
ORDERS = ["LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO"]

pytestmark = [
    connectors.needs_python,
    pytest.mark.skipif(
        not TOOL.exists(), reason=f"{TOOL} is not there: build with -Dtests=true, or set "
                                  "HEADGATE_FILTER_TOOL")]


def epoch_ms(text):
    moment = datetime.datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z")
    return round(moment.timestamp() * 1000)


def value_of(chance, kind):
    if kind == "String" and chance.random() < 0.4:
        return chance.choice(HOSTILE)
    if kind == "String":
        return "".join(chance.choice(LETTERS) for _ in range(chance.randrange(4)))
    if kind == "Long":
        return chance.randrange(-3, 4)
    if kind == "Double":
        return chance.randrange(-6, 7) / 4
    if kind == "Boolean":
        return chance.random() < 0.5
    day = f"2024-01-0{chance.randrange(1, 4)}"
    return day if kind == "Date" else f"{day}T00:00:0{chance.randrange(2)}.{chance.randrange(3)}00Z"


def record_of(chance):
    return {name: None if chance.random() < 0.1 else value_of(chance, kind)
            for name, kind in TYPES.items()}


def written(chance, kind):
    """A filter's value, as a text."""
    value = value_of(chance, kind)
    if kind in ("Date", "DateTime"):
        return str(epoch_ms(value) + chance.choice([0, 0, 0, 1, 999]))
    return json.dumps(value) if kind != "String" else value


def filter_of(chance):
    name = chance.choice(list(TYPES) + ["text"] * 4)
    kind = TYPES[name]
    operations = ["EQUAL_TO", "NOT_EQUAL_TO"]
    operations += (["CONTAINS"] if kind == "String" else
                   [] if kind == "Boolean" else ORDERS + ["BETWEEN"])
    operation = chance.choice(operations)
    count = 2 if operation == "BETWEEN" else chance.choice([1, 1, 2])
    return {"field": name, "operation": operation, "type": kind,
            "values": [written(chance, kind) for _ in range(count)]}


def comparable(value, kind):
    return epoch_ms(value) if kind in ("Date", "DateTime") else value


def operand(text, kind):
    return text if kind == "String" else json.loads(text)


def keeps(each, record):
    """What the flow does: see docs/flows.md."""
    value, operation = record[each["field"]], each["operation"]
    if value is None:
        return operation == "NOT_EQUAL_TO"
    value = comparable(value, each["type"])
    values = [operand(text, each["type"]) for text in each["values"]]
    tests = {
        "EQUAL_TO": lambda: value in values, "NOT_EQUAL_TO": lambda: value not in values,
        "CONTAINS": lambda: any(one in value for one in values),
        "BETWEEN": lambda: values[0] < value < values[1],
        "LESS_THAN": lambda: any(value < one for one in values),
        "LESS_THAN_OR_EQUAL_TO": lambda: any(value <= one for one in values),
        "GREATER_THAN": lambda: any(value > one for one in values),
        "GREATER_THAN_OR_EQUAL_TO": lambda: any(value >= one for one in values)}
    return tests[operation]()


def lines_of(command, given):
    done = subprocess.run(command, input="".join(json.dumps(each) + "\n" for each in given),
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.shows("peer", "custom-connector-sdk", kind="CustomConnector")
def test_no_record_is_lost():
    chance = random.Random(14)
    records = [record_of(chance) for _ in range(30)]
    cases = [[filter_of(chance) for _ in range(chance.choice([1, 1, 2, 3]))] for _ in range(CASES)]
    said = lines_of([TOOL], [{"definition": DEFINITION, "filters": each} for each in cases])
    pairs = [(filters, answer["filterExpression"]) for filters, answer in zip(cases, said)
             if "filterExpression" in answer]
    assert len(said) == CASES and len(pairs) > CASES / 3
    found = lines_of([connectors.PYTHON, HERE / "filter_judge.py"],
                     [{"expression": text, "records": records} for _, text in pairs])
    narrowed = 0
    for (filters, text), given in zip(pairs, found):
        wanted = [each for each in records if all(keeps(one, each) for one in filters)]
        assert [each for each in wanted if each not in given] == [], (text, filters)
        narrowed += len(given) < len(records)
    assert narrowed > len(pairs) / 2
