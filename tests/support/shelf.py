"""A registered connector to which runs write, and a server with what such a flow needs."""

import contextlib
import json
import threading

from support import custom, moving, s3
from support.functions import to_functions

OPERATIONS = ["INSERT", "UPDATE", "UPSERT", "DELETE"]
DEFINITION = {"entity": {"entityIdentifier": "Book", "hasNestedEntities": False},
              "fields": [{"fieldName": "id", "dataType": "Integer"}]}
BOOKS = [{"id": 1, "title": "Emma", "pages": 12345678901234567890}, {"id": 2, "title": None},
         {"id": 3, "title": "unfit"}]


class Shelf(custom.Connector):
    """Takes every book but those with a title in `refused`."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.calls = []     # the records of each call
        self.refused = {"unfit"}
        self.scripted = []   # of the next calls, instead of its own
        self.gate = threading.Event()
        self.gate.set()     # else a call waits

    def configuration(self):
        return {**super().configuration(), "connectorModes": ["SOURCE", "DESTINATION"],
                "supportedWriteOperations": OPERATIONS,
                "operatorsSupported": ["PROJECTION", "NO_OP"],
                "triggerFrequenciesSupported": ["BYMINUTE"], "supportedTriggerTypes": ["ONDEMAND"]}

    def answer_of(self, request):
        kind = request["type"].removesuffix("Request")
        if kind == "DescribeEntity":
            return {"isSuccess": True, "entityDefinition": DEFINITION}
        if kind != "WriteData":
            return super().answer_of(request)
        records = [json.loads(each) for each in request["records"]]
        self.calls.append((request["operation"], request.get("idFieldNames"), records))
        assert self.gate.wait(60)
        return self.scripted.pop(0) if self.scripted else self.results_of(records)

    def results_of(self, records):
        results = [{"isSuccess": False, "errorMessage": f"no room for {each['id']}"}
                   if each.get("title") in self.refused
                   else {"isSuccess": True, "recordId": str(each["id"])} for each in records]
        good = all(each["isSuccess"] for each in results)
        return {"isSuccess": good, "writeRecordResults": results,
                **({} if good else {"errorDetails": {"errorCode": "PartialWriteFailure",
                                                     "errorMessage": "some failed"}})}


@contextlib.contextmanager
def serving(servers, shelf, canaries, directory):
    """With two buckets in a stand-in's S3, the profile, and the books in the first one."""
    with s3.stand_in(directory) as stand_in:
        options, env = to_functions(shelf, canaries)
        made = servers(*options, "--s3-url", stand_in.url, env={
            **env, "AWS_ACCESS_KEY_ID": stand_in.key_id, "AWS_SECRET_ACCESS_KEY": stand_in.secret})
        custom.register(made)
        made.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())))
        made.buckets = stand_in.boto()
        for bucket in (moving.IN, "failed"):
            made.buckets.create_bucket(Bucket=bucket)
        made.buckets.put_object(Bucket=moving.IN, Key="books", Body=moving.lines_of(BOOKS))
        yield made
