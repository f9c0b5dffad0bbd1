"""Amazon's example connector and Amazon's integration tests for connectors, both as PyPI has them:
the connector in a local process, against the sandbox's Salesforce; the tests against a server that
runs it, with an S3 that is not ours."""

import contextlib
import csv
import functools
import io
import json
import re
import subprocess

import pytest

from support import aws, connectors, s3
from support import sandbox as sandbox_of
from support.functions import function_arn, registration
from support.sandbox_records import truth, written
from support.server import BINARY
from support.vendor import Vendor, http

TIMEOUT_S = 120
FLOW_TIMEOUT_S = 20  # of a run in Amazon's tests, which look each fifth of it
INTO_TIMEOUT_S = 10  # the same of one that has a record
EXAMPLE = "custom_connector_example.handlers.lambda_handler.salesforce_lambda_handler"
SETTINGS = {"instanceUrl": "https://acme.my.salesforce.com", "is_sandbox_account": "false"}
OAUTH = {"oAuth2GrantType": "AUTHORIZATION_CODE",
         "tokenUrl": "https://login.salesforce.com/services/oauth2/token"}
CUSTOM = {"connectorType": "CustomConnector"}
PROFILE = {"connectorProfileName": "crm", "apiVersion": "v51.0"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("example")


@pytest.fixture(scope="module")
def example(directory):
    """Its command, with what leads it to the sandbox. The seed decides the order of the sets that
    it makes lists of."""
    lead = connectors.compiled(directory, "lead_to_sandbox.c", "-shared", "-fPIC")
    with sandbox_of.running(directory / "sandbox") as sandbox:
        yield (f"exec env LD_PRELOAD={lead} SANDBOX_PORT_80={sandbox.http_port} "
               f"SANDBOX_PORT_443={sandbox.tls_port} SSL_CERT_FILE={sandbox.ca} PYTHONHASHSEED=0 "
               f"{connectors.PYTHON} -m awslambdaric {EXAMPLE}")


def headgate_connector(example, directory, token, *words):
    secret = directory / "secret.json"
    secret.write_text(f'{{"accessToken": "{token}"}}')
    return subprocess.run([BINARY, "connector", *words, "--command", example, "--secret-file",
                           secret, "--settings", json.dumps(SETTINGS)],
                          capture_output=True, text=True, timeout=TIMEOUT_S, check=False).stdout


def tried(example, directory, token):
    lines = headgate_connector(example, directory, token, "test").splitlines()
    return {line.split()[0]: " ".join(line.split()[1:]) for line in lines}


def token_of(outcome):
    config = aws.sandbox_list()["Salesforce"][outcome]
    return config["connectorProfileCredentials"]["Salesforce"]["accessToken"]


@connectors.needs_python
@pytest.mark.shows("peer", "custom-connector-sdk", kind="Salesforce")
def test_it_is_tried_without_a_server(example, tmp_path):
    rows = tried(example, tmp_path, token_of("accepted"))
    assert rows["DescribeConnectorConfiguration"].startswith("ok")
    assert rows["DescribeConnectorConfiguration"].endswith("SamplePythonSalesforceConnector 1.0")
    for name in ("ValidateConnectorRuntimeSettings", "ValidateCredentials", "ListEntities"):
        assert rows[name].startswith("ok"), rows[name]
    rows = tried(example, tmp_path, token_of("rejected"))
    assert rows["ValidateCredentials"].startswith("failed")
    assert "Bad_OAuth_Token" in rows["ValidateCredentials"]
    assert "InvalidCredentials" in rows["ListEntities"]


# --- registered with a server ---

@pytest.fixture
def server(servers, example):
    return servers("--local-connector", f"{function_arn('example')}={example}")


def config(token):
    return {
        "connectorProfileProperties": {"CustomConnector": {
            "profileProperties": SETTINGS, "oAuth2Properties": OAUTH}},
        "connectorProfileCredentials": {"CustomConnector": {
            "authenticationType": "OAUTH2", "oauth2": {"accessToken": token}}}}


def own_answer(example, directory, *words):
    """What it answers without a server in between."""
    text = headgate_connector(example, directory, token_of("accepted"), "invoke", "--api-version",
                              "v51.0", "--authentication", "OAUTH2", "--function", *words)
    answer = json.loads(text)
    assert answer.get("isSuccess") is True, text
    return answer


@pytest.fixture(scope="module")
def account_fields(example, tmp_path_factory):
    answer = own_answer(example, tmp_path_factory.mktemp("own"), "DescribeEntity", "--entity",
                        "Account")
    fields = answer["entityDefinition"]["fields"]
    assert fields[0]["fieldName"] == "Id" and len(fields) > 5
    return fields


def flags(given, names):
    return {name: given.get(name, False) for name in names}


def as_the_api_has_it(field):
    """A field of the SDK as AppFlow shows it; the SDK's nulls are not printed."""
    read, write = field["readProperties"], field["writeProperties"]
    return {
        "identifier": field["fieldName"], "label": field["label"],
        "description": field["description"],
        **{name: field[name] for name in ("defaultValue",) if name in field},
        **flags(field, ("isPrimaryKey", "isDeprecated")),
        "supportedFieldTypeDetails": {"v1": {
            "fieldType": field["dataType"], "filterOperators": field["filterOperators"],
            "supportedValues": []}},
        "sourceProperties": flags(read, (
            "isRetrievable", "isQueryable", "isTimestampFieldForIncrementalQueries")),
        "destinationProperties": {
            **flags(write, ("isCreatable", "isNullable", "isUpsertable", "isUpdatable",
                            "isDefaultedOnCreate")),
            "supportedWriteOperations": write["supportedWriteOperations"]}}


@connectors.needs_python
@pytest.mark.shows("peer", "custom-connector-sdk", kind="CustomConnector")
def test_it_is_registered_and_used(server, example, account_fields, tmp_path):
    server.ok("RegisterConnector", registration("Example", "example"))
    profile = {"connectorProfileName": "crm", "connectionMode": "Public"}
    good, bad = config(token_of("accepted")), config(token_of("rejected"))
    refused = server.call("CreateConnectorProfile", {
        **profile, **CUSTOM, "connectorLabel": "Example", "connectorProfileConfig": bad})
    assert refused.status != 200 and "Bad_OAuth_Token" in refused.message, refused.body
    server.ok("CreateConnectorProfile", {
        **profile, **CUSTOM, "connectorLabel": "Example", "connectorProfileConfig": good})
    server.ok("UpdateConnectorProfile", {**profile, "connectorProfileConfig": good})
    before = server.profile_row("crm")["version"]
    refused = server.call("UpdateConnectorProfile", {**profile, "connectorProfileConfig": bad})
    assert refused.status != 200 and "Bad_OAuth_Token" in refused.message, refused.body
    assert server.profile_row("crm")["version"] == before

    listed = server.ok("ListConnectorEntities", PROFILE)["connectorEntityMap"]["Objects"]
    own = own_answer(example, tmp_path, "ListEntities")["entities"]
    assert listed == sorted([{"name": each["entityIdentifier"], "label": each["label"],
                              "hasNestedEntities": each["hasNestedEntities"]} for each in own],
                            key=lambda each: each["name"])
    described = server.ok("DescribeConnectorEntity", {**PROFILE, "connectorEntityName": "Account"})
    assert described["connectorEntityFields"] == list(map(as_the_api_has_it, account_fields))
    absent = server.call("DescribeConnectorEntity", {**PROFILE, "connectorEntityName": "Nothing"})
    assert (absent.status, absent.error) == (400, "ConnectorServerException"), absent.body
    assert "CustomConnector Example gave no usable response" in absent.message
    assert "The requested resource does not exist" in absent.message


# --- Amazon's integration tests ---

INTEGRATION = "custom_connector_example.integ_test.sales_test_case.SalesTest"
# Amazon's expected description is of an earlier example connector, which had another name, another
# setting and one login host, and of an API without data transfer types. AppFlow's model has neither
# refreshUrls nor redirectUris, and CUSTOMCONNECTOR is none of its connector types.
NEWER = {
    "connectorType": "CustomConnector",
    "connectorName": "SamplePythonSalesforceConnector",
    "connectorDescription": "SamplePythonSalesforceConnector",
    "supportedWriteOperations": ["INSERT", "UPDATE", "UPSERT"],
    "supportedDataTransferTypes": ["RECORD"],
    "connectorProvisioningConfig": {"lambda": {"lambdaArn": function_arn("example")}},
    "connectorRuntimeSettings": [
        {"key": "instanceUrl", "dataType": "String", "isRequired": True,
         "label": "Salesforce Instance URL", "scope": "CONNECTOR_PROFILE",
         "description": "URL of the instance where user wants to run the operations"},
        {"key": "is_sandbox_account", "dataType": "Boolean", "isRequired": True,
         "label": "Type of salesforce account", "scope": "CONNECTOR_PROFILE",
         "description": "Is Salesforce account a sandbox account"}],
}
NEWER_OAUTH = {
    "tokenUrls": [f"https://{host}.salesforce.com/services/oauth2/token"
                  for host in ("login", "test")],
    "authCodeUrls": [f"https://{host}.salesforce.com/services/oauth2/authorize"
                     for host in ("login", "test")],
    "oauthScopes": ["api", "refresh_token"], "oauth2GrantTypesSupported": ["AUTHORIZATION_CODE"],
}


def expected_files(directory, account_fields):
    """Amazon's files, changed where the example connector is newer than they are: paths by name."""
    newer, = [each["writeProperties"]["supportedWriteOperations"] for each in account_fields
              if each["fieldName"] == "Id"]
    assert sorted(newer) == ["UPDATE", "UPSERT"]
    files = connectors.example_files()
    described = json.loads((files / "describe-connector-validation-file.json").read_text())
    described["connectorConfiguration"].update(NEWER)
    described["connectorConfiguration"]["authenticationConfig"]["oAuth2Defaults"] = NEWER_OAUTH
    entity = json.loads((files / "describe-connector-entity-validation-file.json").read_text())
    operations = entity["connectorEntityFields"][0]["destinationProperties"]
    assert operations["supportedWriteOperations"] == ["UPSERT", "UPDATE", "INSERT"]
    operations["supportedWriteOperations"] = newer
    paths = {"list": str(files / "list-entities-validation-file.json")}
    for name, content in (("connector", described), ("entity", entity)):
        paths[name] = str(directory / f"{name}.json")
        (directory / f"{name}.json").write_text(json.dumps(content))
    return paths


def integration_config(directory, account_fields, into):
    expected = expected_files(directory, account_fields)
    flow = {"flowName": "flow", "entityName": "Account", "entityFields": ["Id", "Name"],
            "sourceRuntimeProperties": {}, "flowTimeout": FLOW_TIMEOUT_S,
            "outputSize": len(expected_file().encode())}
    return {
        "customConnectorConfigurations": [{
            "name": "connector", "lambdaArn": function_arn("example"),
            "validationFileName": expected["connector"]}],
        "customConnectorProfileConfigurations": [{
            "connectorName": "connector", "name": "profile", "profileProperties": SETTINGS,
            "defaultApiVersion": "v51.0", "authenticationType": "OAUTH2",
            "oAuth2Properties": OAUTH,
            "secretsManagerArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:example"}],
        "testBucketConfiguration": {"bucketName": "bucket", "bucketPrefix": ""},
        "listConnectorEntitiesTestConfigurations": [{"validationFileName": expected["list"]}],
        "describeConnectorEntityTestConfigurations": [
            {"entityName": "Account", "validationFileName": expected["entity"]}],
        "onDemandFromS3TestConfigurations": [
            {"entityName": "Account", "flowTimeout": INTO_TIMEOUT_S,
             "destinationRuntimeProperties": {}, **each} for each in into],
        "onDemandToS3TestConfigurations": [flow]}


def give_secret(request):
    """Secrets Manager, for the credentials that the tests create their profile with."""
    assert request.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    return http("200 OK", json.dumps({
        "Name": "example", "SecretString": json.dumps({"accessToken": token_of("accepted")})}))


@contextlib.contextmanager
def moving(servers, example, directory):
    """A server and an S3 that know the same access key, since Amazon's tests have one."""
    server = servers("--local-connector", f"{function_arn('example')}={example}",
                     "--egress-allow", "127.0.0.1", start=False)
    with s3.versitygw(directory, server.key.id, server.key.secret) as objects:
        objects.boto().create_bucket(Bucket="bucket")
        server.start("--s3-url", objects.url, env={
            "AWS_ACCESS_KEY_ID": server.key.id, "AWS_SECRET_ACCESS_KEY": server.key.secret})
        yield server, objects


PAGE = 500  # records that the sandbox's Salesforce gives at once; the connector asks for one page


@functools.cache
def expected_file():
    """What the flow writes."""
    accounts = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Id", "Name"])
    writer.writerows([each["Id"], each["Name"]] for each in accounts[:PAGE])
    assert len(accounts) > PAGE
    return out.getvalue()


def changes(directory):
    """What flows to the connector write: their configurations, and records by a part of each that
    tells it. One inserts the package's file, one finds its record by a number, one by its id."""
    accounts = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    known = next(each for each in accounts if each["Customer_Number__c"])
    updated = accounts[-1]
    assert known["Id"] != updated["Id"]
    files = {
        "upsert": f"Customer_Number__c,Name\n{known['Customer_Number__c']},\"Ψ \"\"known\"\"\"",
        "update": f"Id,Name,Description\n{updated['Id']},\"one, two\",third"}
    for name, text in files.items():
        (directory / name).write_text(text)
    package = str(connectors.example_files() / "salesforce-insert-file.csv")
    into = [{"flowName": "insert", "writeOperationType": "INSERT", "sourceDataFile": package},
            {"flowName": "upsert", "writeOperationType": "UPSERT",
             "idFieldNames": ["Customer_Number__c"], "sourceDataFile": str(directory / "upsert")},
            {"flowName": "update", "writeOperationType": "UPDATE", "idFieldNames": ["Id"],
             "sourceDataFile": str(directory / "update")}]
    return into, {known["Id"]: {"Name": 'Ψ "known"'},
                  updated["Id"]: {"Name": "one, two", "Description": "third"},
                  "new": {"Name": "aaron", "Description": "first account!"}}


def assert_written(directory, expected):
    """The stand-in's records are those that it made, with these changes alone."""
    before = {each["Id"]: each for each in truth("Salesforce", "Account")}
    after = written(directory / "sandbox" / "records", "Salesforce", "Account", "--host",
                    "acme.my.salesforce.com")
    stamps = ("LastModifiedDate", "SystemModstamp", "CreatedDate", "Id", "IsDeleted")
    for each in after:
        key = each["Id"]
        if before.get(key) == each:
            continue
        changed = {name: value for name, value in each.items() if name not in stamps and
                   value != before.get(key, {}).get(name)}
        assert changed == expected.pop(key if key in before else "new"), each
    assert expected == {} and len(after) == len(before) + 1


@connectors.needs_python
@connectors.needs("versitygw", "an S3 server that is not ours")
@pytest.mark.shows("peer", "custom_connector_integ_test", kind="CustomConnector")
def test_amazon_s_integration_tests(servers, example, directory, account_fields, tmp_path):
    """All of them, with a flow from the connector and three to it."""
    path, (into, expected) = tmp_path / "config.json", changes(tmp_path)
    path.write_text(json.dumps(integration_config(tmp_path, account_fields, into)))
    with moving(servers, example, tmp_path) as (server, objects), Vendor(give_secret) as secrets:
        env = {**aws.tool_env(server), "TEST_CONFIG": str(path),
               "AWS_ENDPOINT_URL_APPFLOW": server.endpoint, "AWS_ENDPOINT_URL_S3": objects.url,
               "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.url}
        done = subprocess.run([connectors.PYTHON, "-m", "unittest", "-v", INTEGRATION], env=env,
                              cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S,
                              check=False)
        results = dict(re.findall(r"^(test_\d_\w+) .*?\.\.\. (\w+)$", done.stderr, re.M | re.S))
        assert len(results) == 6 and set(results.values()) == {"ok"}, done.stderr
        assert server.count_rows("flows") == 0
        assert server.count_rows("profiles") == server.count_rows("connectors") == 0
    keys = {str(each.relative_to(tmp_path / "objects/bucket")): each
            for each in (tmp_path / "objects/bucket").rglob("*") if each.is_file()}
    assert {"insert", "upsert", "update"} < set(keys) and len(keys) == 4, keys
    read, = [each for key, each in keys.items() if key.startswith("integ-test-errors/Integ_Flow_")]
    assert read.read_text() == expected_file()
    assert_written(directory, expected)
