"""Flows that run again and again while their servers are killed: what they read, and what each run
must leave, byte for byte, whatever happened to it."""

import contextlib
import dataclasses
import hashlib
import json
import random

from support import moving, s3_front, sandbox, vendor_flows
from support.s3 import S3
from support.server import headgate

PROFILE = "crm"
HOST = "acme.my.salesforce.com"
ENTITY = "Account"
PART = 8 * 1024 * 1024  # OBJECT_PART_BYTES: a larger object is written in parts
# More than a part, by records of which no two are alike, so that they cannot be compressed to less.
LARGE = [3, PART // 1000, 2]
SMALL = [7, 1, 40, 5, 3, 9]
GROUPS = 4
FOLDERS = {"taskType": "Partition", "sourceFields": [],
           "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": "Group"}}
CANCELED = "canceled"  # what the name of a flow begins with whose runs are canceled at random


def page_of(chance, records, width):
    """JSON lines as the JSON encoder writes them, so that a copy has the same bytes."""
    return b"".join(json.dumps(
        {"Id": f"{chance.getrandbits(64):016x}", "Amount": chance.randrange(10**9),
         "Group": chance.randrange(GROUPS), "Text": chance.randbytes(width).hex()},
        separators=(",", ":")).encode() + b"\n" for _ in range(records))


def pages_of(name, sizes, width):
    chance = random.Random(name)
    return {f"{name}/page-{number}": page_of(chance, records, width)
            for number, records in enumerate(sizes)}


def from_s3(name, source, tasks=(moving.ALL,), **output):
    """`name` is the flow's, and so the folder that it writes to."""
    return moving.flow(name, prefix=source, tasks=tasks, **output)


def from_vendor(name):
    mask = vendor_flows.task("Mask", "MASK_ALL", ["Name"], MASK_VALUE="*")
    return vendor_flows.flow(
        name, ENTITY, [mask, vendor_flows.task("Map_all", "NO_OP", [])], profile=PROFILE)


def definitions(copies):
    """So many flows of each kind."""
    kinds = {
        "large-json": lambda name: from_s3(name, "large", fileType="JSON"),
        "large-parquet": lambda name: from_s3(name, "large", fileType="PARQUET"),
        "small-csv": lambda name: from_s3(name, "small", fileType="CSV"),
        "one-json": lambda name: from_s3(
            name, "small", fileType="JSON", aggregationConfig={"aggregationType": "SingleFile"}),
        "sized-json": lambda name: from_s3(
            name, "large", fileType="JSON", aggregationConfig={"targetFileSize": 2}),
        "folders-csv": lambda name: from_s3(
            name, "small", tasks=[moving.ALL, FOLDERS], fileType="CSV"),
        CANCELED: lambda name: from_s3(name, "large", fileType="JSON"),
        "vendor": from_vendor,
    }
    return [make(f"{kind}-{copy}") for copy in range(copies) for kind, make in kinds.items()]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """All of a run that must not depend on what happened to it."""

    state: str
    result: tuple   # of executionResult
    objects: tuple  # key without the run's id, bytes, SHA-256
    listed: int     # of these, in its manifest
    written: tuple  # records of each of them
    left_out: tuple


class Place:
    """The S3 and the vendor of the flows; they outlive the servers."""

    def __init__(self, store, front):
        self.store = store
        self.vendor = front
        self.boto = store.boto()
        self.taken = {}  # SHA-256 of objects, by their keys
        for bucket in (moving.IN, moving.OUT):
            self.boto.create_bucket(Bucket=bucket)
        for pages in (pages_of("large", LARGE, 480), pages_of("small", SMALL, 30)):
            for key, body in pages.items():
                self.boto.put_object(Bucket=moving.IN, Key=key, Body=body)

    def options(self):
        return ("--egress-allow", "127.0.0.1", "--s3-url", self.store.url,
                "--endpoint", f"Salesforce={self.vendor.url}")

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": self.store.key_id, "AWS_SECRET_ACCESS_KEY": self.store.secret}

    def keys(self, prefix=""):
        return [each["Key"] for page in self.boto.get_paginator("list_objects_v2").paginate(
            Bucket=moving.OUT, Prefix=prefix) for each in page.get("Contents", [])]

    def body(self, key):
        return self.boto.get_object(Bucket=moving.OUT, Key=key)["Body"].read()

    def hash_of(self, key):
        return hashlib.sha256(self.body(key)).hexdigest()

    def uploads(self):
        """Those that are neither completed nor aborted."""
        listed = self.boto.list_multipart_uploads(Bucket=moving.OUT)
        assert listed["Bucket"] == moving.OUT
        return [each["Key"] for each in listed.get("Uploads", [])]

    def take(self, flow, run, manifest):
        """The run's objects, which are deleted: what is found later is no run's. Those of its
        manifest must be among them, as it has them."""
        keys = [key for key in self.keys(f"{flow}/") if run in key]
        objects = []
        listed = {each["key"]: (each["bytes"], each["sha256"]) for each in manifest["list"]}
        assert set(listed) <= set(keys), (flow, run, keys, listed)
        for key in sorted(keys):
            body = self.body(key)
            found = (len(body), hashlib.sha256(body).hexdigest())
            assert listed.get(key, found) == found, key
            objects.append((key.replace(run, "").removeprefix(f"{flow}/"), *found))
            self.taken[key] = found[1]
            self.boto.delete_object(Bucket=moving.OUT, Key=key)
        return tuple(objects), len(listed)


@contextlib.contextmanager
def place(directory):
    with sandbox.running(directory) as stand_in:
        url = f"http://127.0.0.1:{stand_in.http_port}"
        with s3_front.before(url, host=HOST) as front:
            yield Place(S3(url, "SANDBOXACCESSKEY", "sandbox"), front)


def create(server, flows):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Salesforce",
                                 "--outcome", "accepted"))
    config["connectorProfileProperties"] = {"Salesforce": {}}  # at --endpoint
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": PROFILE, "connectorType": "Salesforce",
        "connectionMode": "Public", "connectorProfileConfig": config})
    for each in flows:
        server.ok("CreateFlow", each)
