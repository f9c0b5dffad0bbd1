"""How fast each source's records come from its stand-in to an object: records a second of whole
runs, and how much of the processor's time the engine has of it, beside the stand-in and the client.

The stand-ins have some thousand records and live in the server's process, so a run is short, and
its start and end count too; what the figures compare is one source with another."""

import json
import statistics
import subprocess
import time

import stages
from load import BINARY, Server
from support import wire

BUCKET = "bench"
LIMIT_S = 180
RUNS = 5  # of each source, after a first one


def filters(key, *given):
    return [{"taskType": "Filter", "sourceFields": [field], "connectorOperator": {key: operator},
             "taskProperties": properties} for field, operator, properties in given]


def equal(field, value, kind="string"):
    return field, "EQUAL_TO", {"DATA_TYPE": kind, "VALUE": value}


def from_1970_to_2100(field):
    return field, "BETWEEN", {"DATA_TYPE": "datetime", "LOWER_BOUND": "0",
                              "UPPER_BOUND": "4102444800000"}


# (type, member of the unions, entity, filters that its flows must have)
SOURCES = [
    ("Salesforce", "Salesforce", "Account", ()),
    ("Zendesk", "Zendesk", "tickets", ()),
    ("Servicenow", "ServiceNow", "incident", ()),
    ("Slack", "Slack", "conversations/C012AB3CD", ()),
    ("Pardot", "Pardot", "prospect", ()),
    ("Veeva", "Veeva", "product__v", ()),
    ("Dynatrace", "Dynatrace", "problem", (from_1970_to_2100("startTime"),)),
    ("Datadog", "Datadog", "log-queries", (equal("query", "*"), from_1970_to_2100("from"))),
    ("Infornexus", "InforNexus", "OrderDetail", ()),
    ("Trendmicro", "Trendmicro", "computers", ()),
]


def config_of(kind):
    listed = subprocess.run(
        [BINARY, "sandbox", "--list", "--json", "--connector", kind, "--outcome", "accepted"],
        check=True, capture_output=True)
    return json.loads(listed.stdout)


def ok(server, operation, parameters):
    answer = wire.call(server, operation, parameters)
    if answer.status != 200:
        raise SystemExit(f"bench: {operation}: {answer.body!r}")
    return answer.json()


def create(server, kind, key, entity, needed):
    ok(server, "CreateConnectorProfile", {
        "connectorProfileName": kind, "connectorType": kind, "connectionMode": "Public",
        "connectorProfileConfig": config_of(kind)})
    ok(server, "CreateFlow", {
        "flowName": kind, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {"connectorType": kind, "connectorProfileName": kind,
                             "sourceConnectorProperties": {key: {"object": entity}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": BUCKET, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": [*filters(key, *needed),
                  {"taskType": "Map_all", "sourceFields": [], "taskProperties": {}}]})


def run(server, name):
    """The run's record, once it has ended."""
    ok(server, "StartFlow", {"flowName": name})
    until = time.monotonic() + LIMIT_S
    while True:
        newest = ok(server, "DescribeFlowExecutionRecords", {"flowName": name})["flowExecutions"][0]
        if newest["executionStatus"] not in ("InProgress", "CancelStarted"):
            break
        if time.monotonic() > until:
            raise SystemExit(f"bench: the run of {name} does not end")
        time.sleep(0.005)
    if newest["executionStatus"] != "Successful":
        raise SystemExit(f"bench: {name}: {newest}")
    return newest


def measure_one(server, kind):
    run(server, kind)
    before = stages.processor_ns(server.process.pid)
    ended = [run(server, kind) for _ in range(RUNS)]
    spent = stages.spent_between(before, stages.processor_ns(server.process.pid))
    took = statistics.median(each["lastUpdatedAt"] - each["startedAt"] for each in ended)
    records = ended[0]["executionResult"]["recordsProcessed"]
    all_ns = sum(spent.values())
    return {"records": records, "seconds": round(took, 4), "per_s": round(records / took),
            "engine": round(spent["workers"] / all_ns, 2),
            "us_a_record": round(spent["workers"] / RUNS / records / 1000, 2)}


def measure(work):
    directory = work / "sources"
    directory.mkdir()
    with Server(directory, "--sandbox") as server:
        (server.data / "s3" / BUCKET).mkdir(parents=True)
        result = {}
        for kind, key, entity, needed in SOURCES:
            create(server, kind, key, entity, needed)
            result[kind] = measure_one(server, kind)
        return result


def report(result):
    print("\n  Runs from the stand-ins to an object, medians:\n")
    print(f"  {'source':<14}{'records':>9}{'records/s':>12}{'engine, µs a record':>22}"
          f"{'engine, of the processor':>27}")
    for kind, found in result.items():
        print(f"  {kind:<14}{found['records']:>9,}{found['per_s']:>12,}"
              f"{found['us_a_record']:>22.2f}{found['engine']:>26.0%}")
