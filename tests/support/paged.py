"""A vendor of the CRM's kind whose records come in pages, and the flows that read them. It counts
what it is asked."""

import collections
import json
import threading
import time

from support import moving
from support.salesforce import Salesforce, set_app
from support.vendor import http, to_vendor

PAGE = 50
PAGES = 4
QUERY = "/services/data/v58.0/query"
SINGULAR = "/api/custom_dimensions"  # of the call that proves its credentials
RECORDS = [{"Id": f"{number:018}", "Name": f"Name {number}"} for number in range(PAGE * PAGES)]
PROFILE = "crm"
TASKS = [{"taskType": "Filter", "sourceFields": ["Id", "Name"], "taskProperties": {},
          "connectorOperator": {"Salesforce": "PROJECTION"}},
         *({"taskType": "Map", "sourceFields": [name], "destinationField": name,
            "taskProperties": {}, "connectorOperator": {"Salesforce": "NO_OP"}}
           for name in ("Id", "Name"))]


class Paged(Salesforce):
    """Its records come in pages; `instead` has answers that come before that of a page,
    or an event to wait for before the next of them."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.instead = collections.defaultdict(list)
        self.after = {}  # page: the one that it leads to, if not the next
        self.asked = collections.Counter()
        self.times = []  # at which a page was asked for, in seconds
        self.described = None  # the type that the field Name is described with
        self.described_at = []  # the times at which it was asked for, in seconds
        self.used = None  # of 1,000 calls, as Salesforce says it; each page uses one

    def forget(self):
        for each in (self.instead, self.after, self.asked, self.refreshed, self.times,
                     self.described_at):
            each.clear()
        self.described = None

    def answer_one(self, request):
        if request.target == SINGULAR:
            return http("200 OK", json.dumps({"status": 0, "substatus": 0, "value": {}}))
        return super().answer_one(request)

    def judge(self, request):
        path, _, query = request.target.partition("?")
        if path.endswith("/sobjects/Account/describe") and self.described:
            self.described_at.append(time.monotonic())
            if self.instead["describe"]:
                return self.instead["describe"].pop(0)
            return http("200 OK", json.dumps({"name": "Account", "fields": [
                {"name": "Name", "label": "Name", "type": self.described, "filterable": True}]}))
        if not path.startswith(QUERY):
            return super().judge(request)
        page = 0 if query else int(path.rpartition("-")[2])
        self.asked[page] += 1
        self.times.append(time.monotonic())
        if self.instead[page]:
            answer = self.instead[page].pop(0)
            if isinstance(answer, threading.Event):
                assert answer.wait(moving.WAIT_S)
                answer = self.instead[page].pop(0)
            if answer == "end tokens":
                self.live_access.clear()
            else:
                return answer
        answer = super().judge(request)
        return answer if not answer.startswith(b"HTTP/1.1 200") else self.page(page)

    def page(self, page):
        following = self.after.get(page, page + 1)
        more = {"nextRecordsUrl": f"{QUERY}/01g-{following}"} if following < PAGES else {}
        rows = [{"attributes": {"type": "Account"}, **each}
                for each in RECORDS[page * PAGE:(page + 1) * PAGE]]
        headers = []
        if self.used is not None:
            self.used += 1
            headers = [("Sforce-Limit-Info", f"api-usage={self.used}/1000")]
        return http("200 OK", json.dumps({"totalSize": len(RECORDS), "done": not more, **more,
                                          "records": rows}), headers=headers)


def begun(servers, canaries, vendor, store, *options):
    server = servers(*to_vendor(vendor, "Salesforce"), "--endpoint", f"Singular={vendor.url}",
                     "--s3-url", store.url, *options, env={
                         "AWS_ACCESS_KEY_ID": store.key_id,
                         "AWS_SECRET_ACCESS_KEY": store.secret})
    set_app(server, canaries)
    return server


def create_profile(server, vendor, name=PROFILE):
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": "Salesforce",
        "connectionMode": "Public", "connectorProfileConfig": {
            "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
            "connectorProfileCredentials": {"Salesforce": vendor.new_tokens()}}})


def create(server, name="read", tasks=TASKS, profile=PROFILE, entity="Account",
           metadataCatalogConfig=None, **output):
    server.ok("CreateFlow", {
        **({"metadataCatalogConfig": metadataCatalogConfig} if metadataCatalogConfig else {}),
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {"connectorType": "Salesforce", "connectorProfileName": profile,
                             "sourceConnectorProperties": {"Salesforce": {"object": entity}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": moving.OUT,
                   "s3OutputFormatConfig": {"fileType": "JSON", **output}}}}],
        "tasks": tasks})


def wait_for_page(vendor, page):
    until = time.monotonic() + moving.WAIT_S
    while not vendor.asked[page]:
        assert time.monotonic() < until
        time.sleep(0.02)


def written(store, record, name="read"):
    prefix = f"{name}/{record['executionId']}"
    client = store.boto()
    listed = client.list_objects_v2(Bucket=moving.OUT, Prefix=prefix).get("Contents", [])
    bodies = [client.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read()
              for each in listed]
    return [json.loads(line) for line in b"".join(bodies).splitlines()]
