"""A connector that reads its secret again and again when it is to validate it, and refuses it with
the statuses of the answers: {status: how many}."""

import collections
import http.client
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from support import sigv4  # noqa: E402

READS = 103
PATH = "/2018-06-01/runtime/invocation/"
DESCRIBED = {"isSuccess": True, "connectorOwner": "Own", "connectorName": "Orders",
             "connectorVersion": "1.0", "connectorModes": ["SOURCE"],
             "supportedApiVersions": ["v1"],
             "authenticationConfig": {"isBasicAuthSupported": True}}


def read(connection, host, arn):
    body = json.dumps({"SecretId": arn}).encode()
    headers = [("Host", host), ("X-Amz-Target", "secretsmanager.GetSecretValue"),
               ("Content-Type", "application/x-amz-json-1.1"),
               ("X-Amz-Security-Token", os.environ["AWS_SESSION_TOKEN"])]
    headers += sigv4.sign("POST", "/", headers, body, os.environ["AWS_ACCESS_KEY_ID"],
                          os.environ["AWS_SECRET_ACCESS_KEY"], service="secretsmanager")
    connection.request("POST", "/", body, dict(headers))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def answer_to(request):
    if request["type"] == "DescribeConnectorConfigurationRequest":
        return DESCRIBED
    if request["type"] != "ValidateCredentialsRequest":
        return {"isSuccess": True}
    host = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"].removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host)
    arn = request["credentials"]["secretArn"]
    found = collections.Counter(read(connection, host, arn) for _ in range(READS))
    return {"isSuccess": False, "errorDetails": {
        "errorCode": "InvalidCredentials", "errorMessage": json.dumps(found)}}


def main():
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        connection.request("GET", PATH + "next")
        answer = connection.getresponse()
        request = json.loads(answer.read())
        if answer.status != 200:
            return
        call = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        connection.request("POST", f"{PATH}{call}/response", json.dumps(answer_to(request)))
        connection.getresponse().read()


main()
