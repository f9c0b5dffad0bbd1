"""Flows that move records between buckets of the sandbox's S3, which are folders of the server."""

import json
import shutil
import time

WAIT_S = 60
IN, OUT = "bucket-in", "bucket-out"
ALL = {"taskType": "Map_all", "sourceFields": []}


def buckets(server):
    """The folders of both buckets, made if they are not there."""
    folders = [server.data / "s3" / name for name in (IN, OUT)]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def clear(server):
    """Deletes all flows and, once no run is left that could write, all objects of both buckets."""
    for each in server.ok("ListFlows", {})["flows"]:
        server.call("CancelFlowExecutions", {"flowName": each["flowName"]})
        server.ok("DeleteFlow", {"flowName": each["flowName"], "forceDelete": True})
    until(lambda: not server.query("SELECT name FROM jobs WHERE kind = 'flow-run'"))
    for folder in buckets(server):
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def lines_of(records):
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode()


def put(server, key, body):
    path = buckets(server)[0] / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def flow(name="copy", file="JSON", tasks=(ALL,), prefix="", **output):
    """From every object of bucket-in to bucket-out; `output` is s3OutputFormatConfig."""
    source = {"bucketName": IN, "s3InputFormatConfig": {"s3InputFileType": file}}
    if prefix:
        source["bucketPrefix"] = prefix
    return {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {"connectorType": "S3", "sourceConnectorProperties": {"S3": source}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": OUT, "s3OutputFormatConfig": output}}}],
        "tasks": list(tasks)}


def records(server, name="copy"):
    return server.ok("DescribeFlowExecutionRecords", {"flowName": name})["flowExecutions"]


def ended(server, name="copy"):
    """Its newest record, once the run has ended."""
    until = time.monotonic() + WAIT_S
    while True:
        record = records(server, name)[0]
        if record["executionStatus"] not in ("InProgress", "CancelStarted"):
            return record
        assert time.monotonic() < until, record
        time.sleep(0.02)


def run(server, name="copy"):
    server.ok("StartFlow", {"flowName": name})
    return ended(server, name)


def written(server):
    """Objects of bucket-out by their keys."""
    folder = buckets(server)[1]
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def moved(server, name="copy", **more):
    """Makes the flow, runs it; its record, and the objects in the order of their keys."""
    server.ok("CreateFlow", flow(name, **more))
    record = run(server, name)
    return record, [body for _, body in sorted(written(server).items())]


def until(condition):
    """Waits for it."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
