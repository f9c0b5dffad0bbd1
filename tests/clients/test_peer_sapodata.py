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


# --- flows that write to it, and read it ---


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
        made.boto.create_bucket(Bucket=moving.IN)
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


@pytest.mark.shows("records peer", "@sap/cds", kind="SAPOData")
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


def write(server, version, entity, records, operation, ids=(), passes=False):
    """The record of a run that writes these from S3, and the answers that were kept."""
    server.boto.put_object(Bucket=moving.IN, Key="in", Body=moving.lines_of(records))
    properties = {"objectPath": f"/odata/{version}/written/{entity}",
                  "writeOperationType": operation,
                  "successResponseHandlingConfig": {"bucketName": moving.OUT},
                  "errorHandlingConfig": {"bucketName": moving.OUT, "bucketPrefix": "failed"}}
    if ids:
        properties["idFieldNames"] = list(ids)
    tasks = [{"taskType": "Map", "sourceFields": [name], "destinationField": name,
              "connectorOperator": {"S3": "NO_OP"}} for name in records[0]]
    if passes:
        tasks = [{"taskType": "Passthrough", "sourceFields": [],
                  "connectorOperator": {"S3": "NO_OP"}}]
    definition = {**moving.flow("write"), "tasks": tasks, "destinationFlowConfigList": [{
        "connectorType": "SAPOData", "connectorProfileName": version,
        "destinationConnectorProperties": {"SAPOData": properties}}]}
    server.ok("CreateFlow", definition)
    record = moving.run(server, "write")
    server.ok("DeleteFlow", {"flowName": "write"})
    kept = {"failed": [], "answers": []}
    for each in server.boto.list_objects_v2(Bucket=moving.OUT).get("Contents", []):
        body = server.boto.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read()
        server.boto.delete_object(Bucket=moving.OUT, Key=each["Key"])
        kept["answers" if each["Key"].endswith("-answers") else "failed"] += [
            json.loads(line) for line in body.splitlines()]
    return record, kept


def machine(number, **more):
    return {"ID": f"00000000-0000-4000-9000-{number:012}", "place": 7, "name": f"no. {number} “é”",
            "price": "12.50", "weight": 0.25, "count": 9007199254740993, "active": number == 1,
            "builtOn": "2024-02-29", "checkedAt": "2024-02-29T12:00:00.250Z", **more}


@pytest.mark.shows("records peer", "@sap/cds", kind="SAPOData")
@pytest.mark.parametrize("version", ("v2", "v4"))
def test_what_is_written_is_what_it_has(reading, peer, version):
    """Also of types that version 2 writes in other forms, and by keys of several types."""
    first = {"v2": 100, "v4": 200}[version]
    wanted = [machine(first), machine(first + 1), machine(first + 2, price="cheap")]
    record, kept = write(reading, version, "Machines", wanted, "INSERT")
    assert record["executionStatus"] == "Successful", record
    assert [each["record"] for each in kept["failed"]] == wanted[2:]
    assert [each["ID"] for each in kept["answers"]] == [each["ID"] for each in wanted[:2]]
    changed = {"ID": wanted[0]["ID"], "place": 7, "price": "99.95",
               "checkedAt": "2025-01-01T00:00:00Z"}
    for operation, count in (("UPDATE", 1), ("UPSERT", 2), ("UPSERT", 2)):
        rows = [changed, {**machine(first + 3), "name": operation}][:count]
        if operation == "UPDATE":
            rows.append({**changed, "place": 8})
        record, kept = write(reading, version, "Machines", [
            {name: each.get(name) for name in rows[-1]} if operation == "UPDATE" else
            {**wanted[0], **each} for each in rows], operation, ["ID", "place"])
        assert record["executionStatus"] == "Successful", record
        assert [each["record"]["place"] for each in kept["failed"]] == (
            [8] if operation == "UPDATE" else []), kept
    found = [each for each in peer.get("/written")["Machines"]
             if each["ID"] in {machine(first + number)["ID"] for number in range(4)}]
    assert len(found) == 3

    def shown(each):
        return {**each, "price": float(each["price"]), "count": int(each["count"]),
                "checkedAt": each["checkedAt"].replace(".000", "")}
    expected = [{**wanted[0], **changed}, wanted[1], {**machine(first + 3), "name": "UPSERT"}]
    assert [{name: shown(each)[name] for name in wanted[0]} for each in found] == [
        {**shown(each)} for each in expected]


def test_an_entity_with_those_below_it(reading, peer):
    """By Passthrough."""
    deep = machine(300, parts=[{"number": "a", "text": "one"}, {"number": "b", "text": "two"}])
    record, _ = write(reading, "v4", "Machines", [deep], "INSERT", passes=True)
    assert record["executionStatus"] == "Successful", record
    found = next(each for each in peer.get("/written")["Machines"] if each["ID"] == deep["ID"])
    assert [(each["number"], each["text"]) for each in found["parts"]] == [
        ("a", "one"), ("b", "two")]


@pytest.mark.parametrize("version", ("v2", "v4"))
def test_keys_are_found(reading, peer, version):
    """Times and texts with every sign that URLs have; but the adapter for version 2 loses what
    follows "=" in a key."""
    key = {"day": "2024-02-29", "at": "2024-02-29T12:00:00.250Z",
           "text": f"{version} L'Aquila a/b?c,+é" + "=d&e#f%20(g)" * (version == "v4")}
    keys = ["day", "at", "text"]
    for operation, note in (("INSERT", "one"), ("UPDATE", "two")):
        record, kept = write(reading, version, "Days", [{**key, "note": note}], operation,
                             keys if operation == "UPDATE" else ())
        assert record["executionStatus"] == "Successful" and not kept["failed"], (record, kept)
    found = [each["note"] for each in peer.get("/written")["Days"] if each["text"] == key["text"]]
    assert found == ["two"]
