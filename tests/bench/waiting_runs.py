"""What 10,000 runs in progress cost a server while their vendor does not answer: its memory, and
how long reads take, beside the same server before the runs began. The runs are those of ten
regions, since an account may have 1,000 in each."""

import json
import statistics
import subprocess
import sys
import time
import urllib.request

import load
from flows import S3, Server
from load import ROOT
from support import wire

REGIONS = [f"{place}-{number}" for place in ("us-east", "us-west", "eu-west", "eu-central",
                                             "ap-south") for number in (1, 2)]
FLOWS = 1000  # of each region
READS = 1000  # one after the other,
TIMES = 5     # …so often: their medians
LIMIT_S = 60
PROFILE = "desk"


class Vendor:
    """Answers at once, or not at all once its answers are switched off."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/support/slow_vendor.py", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(LIMIT_S)


def request(server, region, operation, parameters):
    return wire.signed_request(server, "POST", wire.kebab(operation),
                               json.dumps(parameters).encode(), region=region)


def profile_of(url):
    return {"connectorProfileName": PROFILE, "connectorType": "Servicenow",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": url}},
                "connectorProfileCredentials": {"ServiceNow": {
                    "username": "bench-user", "password": "bench-password"}}}}


def flow(name):
    return {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {
            "connectorType": "Servicenow", "connectorProfileName": PROFILE,
            "sourceConnectorProperties": {"ServiceNow": {"object": "incident"}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": "waiting", "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": [{"taskType": "Map_all", "sourceFields": [], "taskProperties": {}}]}


def send(server, path, requests):
    load.write_requests(path, requests)
    return load.send_once(server.port, path)


def some_reads_ms(server):
    """The median and the 99th percentile."""
    one, took = request(server, REGIONS[0], "DescribeConnectorProfiles", {}), []
    with wire.Connection(server.host, server.port) as connection:
        for _ in range(READS):
            begun = time.perf_counter()
            answer = connection.exchange(one)
            took.append((time.perf_counter() - begun) * 1000)
            if answer.status != 200:
                raise SystemExit(f"bench: {answer.raw!r}")
    took.sort()
    return statistics.median(took), took[READS * 99 // 100]


def read_ms(server):
    return [round(statistics.median(each), 3)
            for each in zip(*(some_reads_ms(server) for _ in range(TIMES)))]


def state(server):
    return {"read_ms": read_ms(server), "memory_mib": round(server.status("RssAnon") / 1024, 1)}


def measure_with(server, vendor, path):
    names = [f"flow-{number}" for number in range(FLOWS)]
    send(server, path, [request(server, region, "CreateConnectorProfile", profile_of(vendor.url))
                        for region in REGIONS])
    send(server, path, [request(server, region, "CreateFlow", flow(name))
                        for region in REGIONS for name in names])
    vendor.get("/delay/never")
    idle = state(server)
    per_s = send(server, path, [request(server, region, "StartFlow", {"flowName": name})
                                for region in REGIONS for name in names])
    end = time.monotonic() + LIMIT_S
    while vendor.get("/peak")["waiting"] == 0 and time.monotonic() < end:
        time.sleep(0.05)
    waiting = state(server)
    with wire.Connection(server.host, server.port) as connection:
        answers = [connection.exchange(request(
            server, region, "DescribeFlowExecutionRecords", {"flowName": names[-1]})).json()
            for region in REGIONS]
    states = {answer["flowExecutions"][0]["executionStatus"] for answer in answers}
    if states != {"InProgress"}:
        raise SystemExit(f"bench: the last runs are {states}")
    return {"runs": len(REGIONS) * FLOWS, "at_the_vendor": vendor.get("/peak")["waiting"],
            "starts_per_s": round(per_s), "idle": idle, "waiting": waiting,
            "read_ratio": [round(one / other, 2) for one, other in zip(waiting["read_ms"],
                                                                       idle["read_ms"])]}


def measure(work):
    directory = work / "waiting"
    directory.mkdir()
    with S3(directory) as s3, Vendor() as vendor:
        s3.bucket("waiting")
        with Server(directory, "--egress-allow", "127.0.0.1", "--s3-url", s3.url) as server:
            return measure_with(server, vendor, directory / "requests")


def report(found):
    idle, waiting = found["idle"], found["waiting"]
    print(f"  {found['runs']:,} runs in progress, {found['at_the_vendor']} of them at a vendor "
          f"that does not answer; begun at {found['starts_per_s']:,}/s\n"
          f"    memory {waiting['memory_mib']} MiB (before the runs {idle['memory_mib']})\n"
          f"    a read {waiting['read_ms'][0]} ms, p99 {waiting['read_ms'][1]} (before "
          f"{idle['read_ms'][0]} and {idle['read_ms'][1]}): {found['read_ratio'][0]} and "
          f"{found['read_ratio'][1]} times (at most 3)")
