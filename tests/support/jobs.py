"""A vendor of the CRM's kind whose records are read by jobs. It writes down what it is asked."""

import contextlib
import json

from support import moving, sandbox
from support.s3 import S3
from support.salesforce import Salesforce
from support.vendor import http, to_vendor

JOBS = "/services/data/v58.0/jobs/query"
PAGE = 50
PAGES = 4
RECORDS = [{"Id": f"{number:018}", "Name": f'Name "{number}"\n', "Amount": number / 4,
            "Paid": number % 2 == 0, "Changed": "2024-01-01T12:00:00.000+0000"}
           for number in range(PAGE * PAGES)]
TYPES = {"Id": "id", "Name": "string", "Amount": "currency", "Paid": "boolean",
         "Changed": "datetime"}
GONE = http("404 Not Found", json.dumps([
    {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]))


def quoted(value):
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace("+0000", "Z").replace('"', '""') + '"'


def csv(records):
    rows = [list(TYPES), *(each.values() for each in records)]
    return "".join(",".join(map(quoted, row)) + "\n" for row in rows)


class Jobs(Salesforce):
    """`states` are those of a job at each look, the last one of all later looks; `instead` has
    answers that come before that of a page."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.reset()

    def reset(self):
        self.states = ["InProgress", "JobComplete"]
        self.instead = {}
        self.jobs = {}  # id: looks
        self.ended = []
        self.asked = []

    def judge(self, request):
        path, _, query = request.target.partition("?")
        if "/jobs/query" not in path and "/describe" not in path:
            return super().judge(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.live_access:
            return super().judge(request)
        if path.endswith("/describe"):
            return http("200 OK", json.dumps({"name": "Account", "fields": [
                {"name": name, "label": name, "type": kind, "filterable": True}
                for name, kind in TYPES.items()]}))
        self.asked.append(f"{request.method} {path.removeprefix(JOBS)}")
        return self.of_job(request, path.removeprefix(JOBS).strip("/"), query)

    def of_job(self, request, path, query):
        job, _, rest = path.partition("/")
        if not job:
            job = f"750{len(self.jobs)}"
            self.jobs[job] = 0
            return self.state(job, "UploadComplete")
        if job not in self.jobs:
            return GONE
        if rest:
            return self.results(query)
        if request.method == "PATCH":
            self.ended.append(job)
            return self.state(job, "Aborted")
        if request.method == "DELETE":
            del self.jobs[job]
            return http("204 No Content", "")
        self.jobs[job] += 1
        return self.state(job, self.states[min(self.jobs[job], len(self.states)) - 1])

    @staticmethod
    def state(job, state):
        return http("200 OK", json.dumps({"id": job, "state": state}))

    def results(self, query):
        page = int(query.partition("locator=")[2] or 0)
        answers = self.instead.get(page)
        if answers:
            answer = answers.pop(0)
            if answer == "end tokens":
                self.live_access.clear()
                return http("401 Unauthorized", json.dumps([
                    {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]))
            return answer
        records = RECORDS[page * PAGE:(page + 1) * PAGE]
        return http("200 OK", csv(records), headers=[
            ("Sforce-NumberOfRecords", str(len(records))),
            ("Sforce-Locator", str(page + 1) if page + 1 < PAGES else "null")],
            content_type="text/csv;charset=UTF-8")


def profile(server, vendor, name="crm", change="CreateConnectorProfile"):
    kind = {"connectorType": "Salesforce"} if change == "CreateConnectorProfile" else {}
    server.ok(change, {
        "connectorProfileName": name, **kind, "connectionMode": "Public",
        "connectorProfileConfig": {
            "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
            "connectorProfileCredentials": {"Salesforce": vendor.new_tokens()}}})


@contextlib.contextmanager
def s3(directory):
    """The S3 of a sandbox of its own, with the bucket that flows write to."""
    with sandbox.running(directory) as each:
        made = S3(f"http://127.0.0.1:{each.http_port}", "SANDBOXACCESSKEY", "sandbox")
        made.boto().create_bucket(Bucket=moving.OUT)
        yield made


def options(vendor, store):
    """Of a server that reads from the vendor and writes to the store; its environment."""
    return ((*to_vendor(vendor, "Salesforce"), "--s3-url", store.url),
            {"AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})


def written(store, record, name="read"):
    """The records in the objects of a run."""
    client = store.boto()
    listed = client.list_objects_v2(
        Bucket=moving.OUT, Prefix=f"{name}/{record['executionId']}").get("Contents", [])
    bodies = [client.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read()
              for each in listed]
    return [json.loads(line) for line in b"".join(bodies).splitlines()]
