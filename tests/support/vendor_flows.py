"""Flows from the stand-ins' records, by a profile's credentials, to a bucket of the sandbox."""

import json

from support import moving
from support.server import headgate

PROFILE = "crm"


def create_profile(server, name, kind):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", kind,
                                 "--outcome", "accepted"))
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": kind,
        "connectionMode": "Public", "connectorProfileConfig": config})


def task(kind, operator, fields, key="Salesforce", **properties):
    return {"taskType": kind, "sourceFields": fields, "connectorOperator": {key: operator},
            "taskProperties": properties}


def flow(name, entity, tasks, kind="Salesforce", profile=PROFILE, **source):
    return {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {
            "connectorType": kind, "connectorProfileName": profile,
            "sourceConnectorProperties": {kind: {"object": entity, **source}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": moving.OUT,
                   "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": tasks}
