"""SAPOData against SAP's own server for OData, CAP, with basic authentication: catalogs of version
2 and 4."""

import pathlib
import subprocess

import pytest

from support import aws
from support.canary import Canaries

HERE = pathlib.Path(__file__).parent

pytestmark = [
    pytest.mark.shows("peer", "@sap/cds", kind="SAPOData"),
    pytest.mark.skipif(not (HERE.parent / "node_modules/@sap/cds").is_dir(),
                       reason="@sap/cds is not installed (tests/package.json)"),
]

V2, V4 = "/odata/v2/catalog", "odata/v4/catalog/"


class Peer:
    def __init__(self):
        self.password = Canaries().new("password")
        self.process = subprocess.Popen(
            ["node", HERE / "cap_server.mjs", "APPFLOW", self.password], cwd=HERE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        assert line, "the CAP server has ended"
        self.port = int(line)

    def config(self, path=V2, user="APPFLOW", password=None):
        return {
            "connectorProfileProperties": {"SAPOData": {
                "applicationHostUrl": "http://127.0.0.1", "portNumber": self.port,
                "applicationServicePath": path, "clientNumber": "100", "logonLanguage": "EN",
                "disableSSO": True}},
            "connectorProfileCredentials": {"SAPOData": {"basicAuthCredentials": {
                "username": user, "password": password or self.password}}}}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def peer():
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def server(servers, canaries, peer):
    canaries.add(peer.password)
    return servers("--egress-allow", "127.0.0.1")


def test_catalogs_of_both_versions(server, peer, record_property):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(V2))
    aws.update(client, "erp", peer.config(V4))
    aws.update(client, "erp", aws.properties_only(peer.config(V4)))
    with pytest.raises(client.exceptions.ValidationException, match="another address"):
        aws.update(client, "erp", aws.properties_only(peer.config(V2 + "/")))
    aws.update(client, "erp", peer.config(V2 + "/"))
    record_property("connector_peer", "SAPOData: @sap/cds")


@pytest.mark.parametrize("version", ("v2", "v4"))
def test_refusals(server, peer, canaries, version):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(f"/odata/{version}/catalog"))
    row = server.profile_row("erp")
    wrong = canaries.new("wrong")
    for config, words in (
            (peer.config(f"/odata/{version}/catalog", password=wrong), "rejected the credentials"),
            (peer.config(f"/odata/{version}/catalog", user="NOBODY"), "rejected the credentials"),
            (peer.config(f"/odata/{version}/closed"),
             "lack a permission at step api (HTTP 403): Forbidden"),
            (peer.config(f"/odata/{version}/nothing"), "cannot be used with this configuration")):
        name, status, message = aws.refused(aws.update, client=client, name="erp", config=config)
        assert (name, status) == ("ConnectorAuthenticationException", 401)
        assert words in message, message
        assert server.profile_row("erp") == row


def fields_of(answer):
    return {each["identifier"]: each for each in answer["connectorEntityFields"]}


def flags(field):
    """Type, key, and what may be done: create, update, filter, go by its time."""
    source, target = field["sourceProperties"], field["destinationProperties"]
    return (field["supportedFieldTypeDetails"]["v1"]["fieldType"],
            field.get("isPrimaryKey", False), target["isCreatable"], target["isUpdatable"],
            source["isQueryable"], source.get("isTimestampFieldForIncrementalQueries", False))


@pytest.mark.parametrize("version", ("v2", "v4"))
def test_metadata_of_both_versions(server, peer, version):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(f"/odata/{version}/catalog"))
    path = f"/odata/{version}/business"
    listed = client.list_connector_entities(connectorProfileName="erp", entitiesPath=path)
    assert [each["name"] for each in listed["connectorEntityMap"]["Objects"]] == [
        f"{path}/Partners", f"{path}/Regions"]
    fields = fields_of(client.describe_connector_entity(
        connectorProfileName="erp", connectorEntityName=f"{path}/Partners"))
    assert {name: flags(field) for name, field in fields.items()} == {
        "ID": ("Edm.Guid", True, True, False, True, False),
        "name": ("Edm.String", False, True, True, True, False),
        "rating": ("Edm.Int32", False, True, True, True, False),
        "turnover": ("Edm.Decimal", False, True, True, True, False),
        "active": ("Edm.Boolean", False, True, True, True, False),
        "foundedOn": ("Edm.DateTime" if version == "v2" else "Edm.Date", False, True, True, True,
                      version == "v2"),
        "modifiedAt": ("Edm.DateTimeOffset", False, False, False, True, True)}
    assert fields["name"]["label"] == "Name of the partner"
    assert not fields["name"]["destinationProperties"]["isNullable"]
    if version == "v4":
        regions = fields_of(client.describe_connector_entity(
            connectorProfileName="erp", connectorEntityName=f"{path}/Regions"))
        assert not any(flags(field)[2] or flags(field)[3] for field in regions.values())
    for name in (f"{path}/Nothing", "/odata/v4/nothing/Partners", "/../x/Y", "x", "/odata/?a/B"):
        refused = aws.refused(client.describe_connector_entity, connectorProfileName="erp",
                              connectorEntityName=name)
        assert refused[:2] == ("ConnectorServerException", 400), refused
        assert "has no such entity" in refused[2], refused


def test_the_catalog_s_services(server, peer):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(V2))
    listed = client.list_connector_entities(connectorProfileName="erp")["connectorEntityMap"]
    assert listed == {"Objects": [
        {"name": "/odata/v2/business", "label": "Business", "hasNestedEntities": True}]}
