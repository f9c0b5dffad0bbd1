"""SAPOData against SAP's own server for OData, CAP, with basic authentication: catalogs of version
2 and 4."""

import base64
import json
import pathlib
import subprocess
import urllib.parse
import urllib.request

import pytest

from support import aws, moving, s3
from support.canary import Canaries
from support.vendor_flows import task

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

    def config(self, path=V2, user="APPFLOW", password=None, host="127.0.0.1"):
        return {
            "connectorProfileProperties": {"SAPOData": {
                "applicationHostUrl": f"http://{host}", "portNumber": self.port,
                "applicationServicePath": path, "clientNumber": "100", "logonLanguage": "EN",
                "disableSSO": True}},
            "connectorProfileCredentials": {"SAPOData": {"basicAuthCredentials": {
                "username": user, "password": password or self.password}}}}

    def get(self, path):
        """The JSON of an answer to a person who asks."""
        user = base64.b64encode(f"APPFLOW:{self.password}".encode()).decode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"Authorization": f"Basic {user}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def records(self, version, path, filters=""):
        """All records, by the links of the service."""
        path = f"/odata/{version}/{path}?$format=json"
        path += f"&$filter={urllib.parse.quote(filters)}" if filters else ""
        found = []
        while path:
            answer = self.get(path)
            body = answer["d"]["results"] if version == "v2" else answer["value"]
            found += [{name: value for name, value in each.items() if name != "__metadata"}
                      for each in body]
            link = answer["d"].get("__next") if version == "v2" else answer.get("@odata.nextLink")
            path = link and urllib.parse.urljoin(path, link)
            path = path and urllib.parse.urlunsplit(("", "", *urllib.parse.urlsplit(path)[2:]))
        self.get("/asked")
        return found

    def asked(self, version):
        """The parameters of each request for records, since this was asked; of those to the adapter
        for version 2, which asks version 4 in turn, its own."""
        paths = [path for path in self.get("/asked") if path.startswith(f"/odata/{version}/")]
        return [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query)) for path in paths]

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


# --- flows that read it ---


@pytest.fixture(scope="module")
def reading(lasting_servers, lasting_canaries, peer, tmp_path_factory):
    """A server with profiles for both versions. The adapter's links have the name localhost."""
    lasting_canaries.add(peer.password)
    with s3.stand_in(tmp_path_factory.mktemp("s3")) as store:
        made = lasting_servers(
            "--egress-allow", "127.0.0.0/8,::1", "--s3-url", store.url,
            env={"AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
        made.boto = store.boto()
        made.boto.create_bucket(Bucket=moving.OUT)
        client = aws.boto(made)
        aws.create(client, "v2", "SAPOData", peer.config(V2, host="localhost"))
        aws.create(client, "v4", "SAPOData", peer.config(V4))
        yield made


def run(server, profile, path, tasks):
    """What a flow reads: the records of each of its pages."""
    server.ok("CreateFlow", {
        "flowName": "copy", "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {"connectorType": "SAPOData", "connectorProfileName": profile,
                             "sourceConnectorProperties": {"SAPOData": {
                                 "objectPath": f"/odata/{profile}/{path}"}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": moving.OUT, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": tasks})
    record = moving.run(server)
    server.ok("DeleteFlow", {"flowName": "copy"})
    assert record["executionStatus"] == "Successful", record
    pages = []
    for each in server.boto.list_objects_v2(Bucket=moving.OUT).get("Contents", []):
        body = server.boto.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read()
        server.boto.delete_object(Bucket=moving.OUT, Key=each["Key"])
        pages.append([json.loads(line) for line in body.splitlines()])
    return pages


SETS = {"v2": "business/Partners", "v4": "business/Partners", "nested": "records/Orders"}


@pytest.mark.parametrize("kind", ("Map_all", "Passthrough"))
@pytest.mark.parametrize("name", SETS)
def test_all_records(reading, peer, name, kind):
    """Also lists and objects within records, which version 4 has as they are."""
    version = "v2" if name == "v2" else "v4"
    expected = peer.records(version, SETS[name])
    pages = run(reading, version, SETS[name], [task(kind, "NO_OP", [], key="SAPOData")])
    assert sum(pages, []) == expected and len(expected) > 200
    assert {len(page) for page in pages[:-1]} == {100}
    assert len(peer.asked(version)) >= len(pages)


FILTERS = {
    "number": ("rating", "GREATER_THAN", {"DATA_TYPE": "Edm.Int32", "VALUE": "200000"},
               {"v2": "rating gt 200000", "v4": "rating gt 200000"}, True),
    "text": ("name", "EQUAL_TO", {"DATA_TYPE": "Edm.String", "VALUE": "Partner 1 L'Aquila"},
             dict.fromkeys(("v2", "v4"), "name eq 'Partner 1 L''Aquila'"), True),
    "flag": ("active", "EQUAL_TO", {"DATA_TYPE": "Edm.Boolean", "VALUE": "true"},
             dict.fromkeys(("v2", "v4"), "active eq true"), True),
    "time": ("modifiedAt", "GREATER_THAN",
             {"DATA_TYPE": "Edm.DateTimeOffset", "VALUE": "2040-01-01T00:00:00.000Z"},
             {"v2": "modifiedAt gt datetimeoffset'2040-01-01T00:00:00.000Z'",
              "v4": "modifiedAt gt 2040-01-01T00:00:00.000Z"}, True),
    "decimal": ("turnover", "LESS_THAN", {"DATA_TYPE": "Edm.Decimal", "VALUE": "1000000.5"},
                {"v2": "turnover lt 1000000.5M", "v4": "turnover lt 1000000.5"}, False),
    "not": ("active", "NOT_EQUAL_TO", {"DATA_TYPE": "Edm.Boolean", "VALUE": "true"},
            dict.fromkeys(("v2", "v4"), "active ne true"), False),
}


@pytest.mark.parametrize("version", ("v2", "v4"))
@pytest.mark.parametrize("name", FILTERS)
def test_filters(reading, peer, name, version):
    """The records that the service's own filter finds; it is asked for them where it may be."""
    field, operator, properties, theirs, asked = FILTERS[name]
    expected = [{each: record[each] for each in ("ID", field)}
                for record in peer.records(version, "business/Partners", theirs[version])]
    assert 0 < len(expected) < 350
    pages = run(reading, version, "business/Partners", [
        task("Filter", "PROJECTION", ["ID", field], key="SAPOData"),
        task("Filter", operator, [field], key="SAPOData", **properties),
        *({**task("Map", "NO_OP", [each], key="SAPOData"), "destinationField": each}
          for each in ("ID", field))])
    assert sum(pages, []) == expected
    sent = peer.asked(version)
    assert all(set(each["$select"].split(",")) == {"ID", field} for each in sent)
    if asked:
        assert all("$filter" in each for each in sent)
