"""Runs where Amazon's SDK for connectors is installed: reads lines of {"expression", "records"} and
writes for each the list of records that the expression keeps, by the SDK's own parser. Records are
kept as the simplest connector would: what is null fits nothing."""

import datetime
import json
import sys

from custom_connector_queryfilter.queryfilter.antlr.CustomConnectorQueryFilterParser import (
    CustomConnectorQueryFilterParser as Parser)
from custom_connector_queryfilter.queryfilter.parse_tree_builder import parse

COMPARISONS = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "contains": lambda a, b: b in a}


def literal(text):
    if text[0] == "'":
        assert text[-1] == "'" and len(text) > 1
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if text[4:5] == "-" and text[7:8] == "-":
        return moment(text)
    return float(text) if "." in text else int(text)


def moment(text):
    return datetime.datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z")


def comparable(value):
    is_time = isinstance(value, str) and value[4:5] == "-" and value[7:8] == "-"
    return moment(value) if is_time else value


def fits(tree, record):
    if isinstance(tree, Parser.ParenExpressionContext):
        return fits(tree.expression(), record)
    if isinstance(tree, Parser.ANDBinaryExpressionContext):
        return fits(tree.left, record) and fits(tree.right, record)
    if isinstance(tree, Parser.ORBinaryExpressionContext):
        return fits(tree.left, record) or fits(tree.right, record)
    field, sign, value = (child.getText() for child in tree.getChildren())
    found = record[field]
    return found is not None and COMPARISONS[sign](comparable(found), literal(value))


for line in sys.stdin:
    given = json.loads(line)
    root = parse(given["expression"]).expression()
    print(json.dumps([each for each in given["records"] if fits(root, each)]))
