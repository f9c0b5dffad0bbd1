"""Amazon's example connector for its Java SDK, unmodified as Maven has it, on Amazon's runtime
client in a local process."""

import json
import platform
import subprocess
import zipfile

import pytest

from support import connectors
from support.functions import function_arn, registration
from support.server import BINARY

pytestmark = pytest.mark.waits(10)  # for a virtual machine

TIMEOUT_S = 120
HANDLER = "com.amazonaws.appflow.custom.connector.example.handler.SalesforceLambdaHandler"
RUNTIME = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
JNI = "com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI"
SETTINGS = {"instanceUrl": "https://acme.my.salesforce.com", "api_version": "v51.0"}
# What Amazon's expected answer has, and AppFlow's model has not.
NOT_IN_THE_MODEL = ("refreshUrls", "redirectUris")
# Where it differs: CUSTOMCONNECTOR is none of the model's connector types, the function was
# Amazon's own, and the example declares more operations than when the answer was written.
DIFFERENT = {
    "connectorType": "CustomConnector",
    "connectorProvisioningConfig": {"lambda": {"lambdaArn": function_arn("example")}},
    "supportedWriteOperations": ["INSERT", "UPDATE", "UPSERT"],
}


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The example's archive has all that it needs, but a runtime client that needs an older Java:
    a newer one comes first. All processes would unpack its library to one place in /tmp. The JVM is
    to start quickly, since its first answer has few seconds on a machine that is busy."""
    folder = connectors.CLIENTS / "java"
    clients = sorted((folder / "libraries").glob("aws-lambda-java-*.jar"))
    client, = [each for each in clients if "interface-client" in each.name]
    machine = platform.machine().replace("aarch64", "aarch_64")
    library = zipfile.ZipFile(client).extract(f"jni/libaws-lambda-jni.linux-{machine}.so",
                                              tmp_path_factory.mktemp("library"))
    classes = [*clients, *(folder / "example").glob("*.jar")]
    return (f"exec java -XX:MaxRAM=512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto "
            f"-D{JNI}={library} -cp {':'.join(map(str, classes))} {RUNTIME} "
            f"{HANDLER}::handleRequest")


def expected():
    """Amazon's own validation file, which its package for Python has, of this example."""
    path = connectors.example_files() / "describe-connector-validation-file.json"
    configuration = json.loads(path.read_text())["connectorConfiguration"]
    defaults = configuration["authenticationConfig"]["oAuth2Defaults"]
    for name in NOT_IN_THE_MODEL:
        del defaults[name]
    assert configuration.keys() >= DIFFERENT.keys()
    return {name: value for name, value in {**configuration, **DIFFERENT}.items()
            if value is not None}


@connectors.needs_java
@connectors.needs_python
@pytest.mark.shows("peer", "aws-custom-connector-sdk", kind="CustomConnector")
def test_it_is_registered_and_described(servers, command):
    server = servers("--local-connector", f"{function_arn('example')}={command}")
    server.ok("RegisterConnector", registration("Example", "example"))
    described = server.ok("DescribeConnector", {
        "connectorType": "CustomConnector", "connectorLabel": "Example"})["connectorConfiguration"]
    wanted = expected()
    assert {name: described.get(name) for name in wanted} == wanted


@connectors.needs_java
def test_it_is_tried_without_a_server(command, tmp_path):
    """Its SDK reads secrets with version 1 of the AWS SDK, which asks AWS alone for them."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"accessToken": "any"}')
    done = subprocess.run(
        [BINARY, "connector", "invoke", "--command", command, "--secret-file", secret,
         "--settings", json.dumps(SETTINGS), "--function", "ValidateConnectorRuntimeSettings"],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["isSuccess"] is True, done
