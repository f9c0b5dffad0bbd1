"""A stand-in for AWS Glue's Data Catalog, with the STS that hands out the role for it."""

import json

from support.sigv4 import REGION
from support.vendor import Vendor, http

ROLE = "arn:aws:iam::123456789012:role/catalog"
DATABASE = "lake"
ASSUMED = """<AssumeRoleResponse><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAHEADGATEROLE0001</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{token}</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
DENIED = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


def refused(name, status="400 Bad Request", words="not-seen-outside"):
    return http(status, json.dumps({"__type": name, "Message": words}))


class Fault(Exception):
    """What the operation is answered with instead."""


class Glue(Vendor):
    """`instead` has a list of answers for each operation, which come first; None among them: it is
    done all the same, and the answer is lost."""

    def __init__(self, canaries):
        super().__init__(self.reply)
        self.secret, self.token = canaries.new("role"), canaries.new("session")
        self.tables, self.partitions = {}, {}  # by names; of each table by their values
        self.instead = {}
        self.called = []  # operations, in order
        self.denies = False
        self.page = 100  # partitions of an answer

    def config(self, prefix="crm", **more):
        return {"glueDataCatalog": {"roleArn": ROLE, "databaseName": DATABASE,
                                    "tablePrefix": prefix, **more}}

    def reply(self, request):
        if request.target.startswith("/sts"):
            return http("403 Forbidden", DENIED) if self.denies else http(
                "200 OK", ASSUMED.format(secret=self.secret, token=self.token), "text/xml")
        operation = request.headers["x-amz-target"].removeprefix("AWSGlue.")
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        assert request.headers["x-amz-security-token"] == self.token
        assert f"/{REGION}/glue/aws4_request" in request.headers["authorization"]
        given = json.loads(request.body)
        self.called.append(operation)
        queue = self.instead.get(operation)
        answer = queue.pop(0) if queue else ...
        if answer not in (..., None):
            return answer
        try:
            if given["DatabaseName"] != DATABASE:
                raise Fault("EntityNotFoundException")
            done = getattr(self, operation)(given)
        except Fault as fault:
            return refused(str(fault))
        return None if answer is None else http("200 OK", json.dumps(done))

    # What the operations do, by their names.

    def GetTable(self, given):
        return {"Table": self.found(given["Name"])}

    def found(self, name):
        if name not in self.tables:
            raise Fault("EntityNotFoundException")
        return self.tables[name]

    def CreateTable(self, given):
        table = given["TableInput"]
        if table["Name"] in self.tables:
            raise Fault("AlreadyExistsException")
        self.tables[table["Name"]] = table
        self.partitions[table["Name"]] = {}
        return {}

    def UpdateTable(self, given):
        assert given["SkipArchive"] is True
        table = given["TableInput"]
        assert self.found(table["Name"])["PartitionKeys"] == table["PartitionKeys"]
        self.tables[table["Name"]] = table
        return {}

    def DeleteTable(self, given):
        self.found(given["Name"])
        del self.tables[given["Name"]], self.partitions[given["Name"]]
        return {}

    def GetPartitions(self, given):
        self.found(given["TableName"])
        rows = list(self.partitions[given["TableName"]].values())
        first = int(given.get("NextToken", 0))
        page = {"Partitions": rows[first:first + self.page]}
        if len(rows) > first + self.page:
            page["NextToken"] = str(first + self.page)
        return page

    def BatchCreatePartition(self, given):
        keys = self.found(given["TableName"])["PartitionKeys"]
        rows, errors = self.partitions[given["TableName"]], []
        assert len(given["PartitionInputList"]) <= 100
        for each in given["PartitionInputList"]:
            values = tuple(each["Values"])
            assert len(values) == len(keys)
            if values in rows:
                errors.append({"PartitionValues": values,
                               "ErrorDetail": {"ErrorCode": "AlreadyExistsException"}})
            rows.setdefault(values, each)
        return {"Errors": errors}

    def BatchDeletePartition(self, given):
        self.found(given["TableName"])
        assert len(given["PartitionsToDelete"]) <= 25
        for each in given["PartitionsToDelete"]:
            self.partitions[given["TableName"]].pop(tuple(each["Values"]), None)
        return {"Errors": []}

    # What tests look at.

    def columns(self, name):
        """Types by names."""
        listed = self.tables[name]["StorageDescriptor"]["Columns"]
        return {each["Name"]: each["Type"] for each in listed}

    def at(self, name):
        return self.tables[name]["StorageDescriptor"]["Location"]

    def places(self, name):
        """Where the partitions are, by their values."""
        return {values: each["StorageDescriptor"]["Location"]
                for values, each in self.partitions[name].items()}
