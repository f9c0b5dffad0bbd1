"""Runs calls with boto3, old or new. Argument: the endpoint. test_sdks.py describes the lines that
it reads and writes."""

import sys

import boto3
import botocore.exceptions


def amplitude(api_key, secret_key):
    return {"connectorProfileProperties": {"Amplitude": {}},
            "connectorProfileCredentials": {
                "Amplitude": {"apiKey": api_key, "secretKey": secret_key}}}


def create(client, name, *keys):
    return [client.create_connector_profile(
        connectorProfileName=name, connectorType="Amplitude", connectionMode="Public",
        connectorProfileConfig=amplitude(*keys))["connectorProfileArn"]]


def update(client, name, *keys):
    return [client.update_connector_profile(
        connectorProfileName=name, connectionMode="Public",
        connectorProfileConfig=amplitude(*keys))["connectorProfileArn"]]


def delete(client, name):
    client.delete_connector_profile(connectorProfileName=name)
    return []


def pages(client):
    """boto3 has no paginator for this operation."""
    found, token = [], {}
    while True:
        page = client.describe_connector_profiles(**token)
        found.append(" ".join(each["connectorProfileName"]
                              for each in page["connectorProfileDetails"]))
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


def describe(error):
    kind = type(error)
    name = "untyped" if kind is botocore.exceptions.ClientError else kind.__name__
    answer = error.response["ResponseMetadata"]
    return ["error", name, str(answer["HTTPStatusCode"]), answer["RequestId"], str(error)]


def main(endpoint):
    client = boto3.client("appflow", endpoint_url=endpoint)
    for line in sys.stdin:
        command, *words = line.rstrip("\n").split("\t")
        try:
            outcome = ["ok", *COMMANDS[command](client, *words)]
        except botocore.exceptions.ClientError as error:
            outcome = describe(error)
        print("\t".join(outcome).replace("\n", " "), flush=True)


COMMANDS = {each.__name__: each for each in (create, update, delete, pages)}

if __name__ == "__main__":
    main(sys.argv[1])
