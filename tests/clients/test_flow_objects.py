"""Whole runs of flows whose S3 is not ours (versitygw checks signatures and the hash of each body;
moto does not), and whose objects are opened by readers that are not ours: every cell is the one
that the source has."""

import csv
import datetime
import io
import json
import random
import urllib.parse

import pytest

from support import lake, moving, parquet_readers, s3, sandbox, vendor_flows
from support.connect_proxy import Proxy
from support.server import headgate
from support.vendor_flows import PROFILE, create_profile, task

SERVERS = {"versitygw": s3.versitygw, "moto": s3.moto}
MIB = 1024 * 1024

pytestmark = [
    pytest.mark.as_users_run_it,
    pytest.mark.skipif(bool(parquet_readers.MISSING),
                       reason=f"not installed: {', '.join(parquet_readers.MISSING)}; "
                              "tools/deps.sh peers fetches them"),
]

# What does not differ by the server is judged on the one that checks more.
on_versitygw = pytest.mark.parametrize("store", ["versitygw"], indirect=True)


@pytest.fixture(scope="module", params=SERVERS)
def store(request, tmp_path_factory):
    if request.param == "versitygw" and not s3.VERSITYGW.exists():
        pytest.skip("versitygw is not there: it needs Go 1.25 or newer (tools/deps.sh peers)")
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as each:
        for bucket in (moving.IN, moving.OUT):
            each.boto().create_bucket(Bucket=bucket)
        yield each


@pytest.fixture(scope="module")
def vendors(tmp_path_factory):
    """The stand-ins, which a server reaches by the names of vendors."""
    with sandbox.running(tmp_path_factory.mktemp("vendors")) as each:
        proxy = Proxy(each.tls_port)
        yield {"options": ("--vendor-ca", each.ca, "--proxy", f"http://127.0.0.1:{proxy.port}",
                           "--no-proxy", "127.0.0.1")}
        proxy.close()


@pytest.fixture(scope="module")
def lasting(lasting_servers, store, vendors):
    server = lasting_servers(
        *vendors["options"], "--egress-allow", "127.0.0.1", "--s3-url", store.url,
        env={"AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    create_profile(server, PROFILE, "Salesforce")
    create_profile(server, "help", "Zendesk")
    create_profile(server, "sap", "SAPOData")
    server.boto = store.boto()
    return server


def keys(server, bucket):
    listed = server.boto.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in listed]


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    for each in lasting.ok("ListFlows", {})["flows"]:
        lasting.ok("DeleteFlow", {"flowName": each["flowName"]})
    for bucket in (moving.IN, moving.OUT):
        assert "Uploads" not in lasting.boto.list_multipart_uploads(Bucket=bucket)
        for key in keys(lasting, bucket):
            lasting.boto.delete_object(Bucket=bucket, Key=key)


def put(server, key, body):
    server.boto.put_object(Bucket=moving.IN, Key=key, Body=body)


def objects(server, folder):
    """The run's objects as files, by their keys without the flow's name; and their ETags."""
    files, etags = {}, []
    for number, key in enumerate(keys(server, moving.OUT)):
        answer = server.boto.get_object(Bucket=moving.OUT, Key=key)
        path = folder / key.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer["Body"].read())
        files[key.partition("/")[2]] = path
        etags.append(answer["ETag"].strip('"'))
    return files, etags


def moved(server, folder, definition):
    """The record of the flow's run, and the objects that it wrote, as files."""
    server.ok("CreateFlow", definition)
    record = moving.run(server, definition["flowName"])
    assert record["executionStatus"] == "Successful", record
    files, etags = objects(server, folder)
    sizes = sum(path.stat().st_size for path in files.values())
    assert record["executionResult"]["bytesWritten"] == sizes
    return record, files, etags


def assert_objects(judge, files, rows, fields):
    """Of rows that are in the objects in the order of their keys."""
    at = 0
    for path in files:
        count = records_in(path)
        judge(path, rows[at:at + count], fields)
        at += count
    assert at == len(rows)


def records_in(path):
    body = path.read_bytes()
    if body.startswith(b"PAR1"):
        return parquet_readers.metadata(path).num_rows
    if body.startswith(b"{"):
        return body.count(b"\n")
    return len(list(csv.reader(io.StringIO(body.decode(), newline="")))) - 1


# --- one data set with what readers stumble over ---

TEXTS = ["", "a", "München", "Ελλάδα", "北京数据", "😀 astral", "e\u0301 combined", "‮right to left",
         "line\r\nbreak", "\ttab", '"quoted"', "comma, and 'quote'", "null", "NULL", "NaN", "-0",
         "0012", "1e5", "\u2028", "=1+1", "\\N", "x" * 5000, "ÿ" * 300]
WHOLE = ["0", "-1", "9007199254740993", "-9007199254740993", "9223372036854775807",
         "-9223372036854775808"]
EXACT = ["0.1", "-0.30", "12345678901234567890.123456789012345678", "0.000000000000000001",
         "-99999999999999999999.999999999999999999", "7", "1.50E3", "2.5e-7"]
MOMENTS = ["2026-03-01T08:12:03Z", "2026-03-01T08:12:03.123456+05:30", "1969-12-31T23:59:59.999Z",
           "2024-02-29T00:00:00-08:00", "1900-01-01T00:00:00Z", "2199-12-31T23:59:59.000001+14:00"]
DAYS = ["2024-02-29", "1969-12-31", "1900-03-01", "2199-12-31"]
NESTED = [{"city": "Zürich", "geo": {"lat": lake.Number("47.3769000"), "at": None}}, {},
          {"Größe": [lake.Number("1"), "\"", {"a": []}], "b": True}]
LISTS = [[], [lake.Number("9007199254740993"), None, "温"], [[["deep"]]]]
# Field, the type that its Map task names, its kind in Parquet, and its values.
FIELDS = [("Id", "integer", "integer", None), ("Text", "string", "text", TEXTS),
          ("Label", "string", "text", ["few", "of", "these", "Ångström"]),
          ("Whole", "long", "integer", WHOLE), ("Exact", "decimal", "decimal,38,18", EXACT),
          ("Flag", "boolean", "boolean", [True, False]),
          ("Moment", "datetime", "timestamp", MOMENTS), ("Day", "date", "date", DAYS),
          ("Nested", "struct", "nested", NESTED), ("List", "list", "nested", LISTS),
          ("Größe in m²", "string", "text", ["1", "2"]), ("Nothing", "string", "text", [None])]
NUMBERS = {"integer", "decimal"}


def values():
    """Records of every value beside every other kind's nulls, of one seed."""
    chance = random.Random(2026)
    for number in range(900):
        record = {}
        for name, _, kind, some in FIELDS:
            value = some and chance.choice(some)
            if some and number >= 30 and chance.random() < 0.1:
                value = None
            if some and number < len(some):
                value = some[number]
            if value is not None and kind.partition(",")[0] in NUMBERS:
                value = lake.Number(value)
            record[name] = value if some else lake.Number(number)
        yield record


RECORDS = list(values())
NAMES = [name for name, *_ in FIELDS]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def typed(kind, value):
    """The value as parquet_readers have it."""
    if value is None:
        return None
    if kind == "integer":
        return int(value)
    if kind == "timestamp" and value.startswith("/Date("):
        return int(value[len("/Date("):-len(")/")]) * 1000
    if kind == "timestamp":
        since = datetime.datetime.fromisoformat(value) - EPOCH
        return since // datetime.timedelta(microseconds=1)
    if kind == "date":
        return (datetime.date.fromisoformat(value) - EPOCH.date()).days
    if isinstance(value, (dict, list)):
        return lake.dumps(value)
    return value


def rows_of(records, kinds):
    return [[typed(kind.partition(",")[0], record[name]) for name, kind in kinds.items()]
            for record in records]


def maps(types, key):
    return [{**task("Map", "NO_OP", [name], key=key, SOURCE_DATA_TYPE=kind,
                    DESTINATION_DATA_TYPE=kind), "destinationField": name}
            for name, kind in types.items()]


# What the flow is asked to write, and who opens it.
FORMATS = {"JSON": ({"fileType": "JSON"}, lake.assert_json),
           "CSV": ({"fileType": "CSV"}, lake.assert_csv),
           "Parquet of texts": ({"fileType": "PARQUET"}, lake.assert_parquet_texts),
           "typed Parquet": ({"fileType": "PARQUET", "preserveSourceDataTyping": True},
                             lake.assert_parquet_typed)}


def assert_format(name, files, records, kinds):
    """`kinds`: of the fields in Parquet, in their order."""
    judge = FORMATS[name][1]
    if name == "typed Parquet":
        assert_objects(judge, files.values(), rows_of(records, kinds),
                       [f"{kind}={field}" for field, kind in kinds.items()])
    else:
        assert_objects(judge, files.values(), records, kinds)


def split(records, parts):
    """Puts them as so many objects of JSON lines."""
    size = -(-len(records) // parts)
    for at in range(0, len(records), size):
        body = "".join(lake.dumps(each) + "\n" for each in records[at:at + size])
        yield f"part-{at:06}.json", body.encode()


@pytest.mark.parametrize("name", FORMATS)
def test_every_value_of_files(server, tmp_path, name):
    for key, body in split(RECORDS, 3):
        put(server, key, body)
    tasks = maps({field: kind for field, kind, *_ in FIELDS}, "S3")
    record, files, _ = moved(server, tmp_path, moving.flow(tasks=tasks, **FORMATS[name][0]))
    assert record["executionResult"]["recordsProcessed"] == len(RECORDS) and len(files) == 3
    assert_format(name, files, RECORDS, {field: kind for field, _, kind, _ in FIELDS})


KINDS = {"boolean": "boolean", "int": "integer", "integer": "integer", "double": "decimal,38,18",
         "currency": "decimal,38,18", "date": "date", "datetime": "timestamp", "address": "text",
         "object": "nested", "array": "nested", "Edm.Boolean": "boolean",
         "Edm.DateTime": "timestamp"}


def records_of(kind, entity):
    """What the stand-in has, without what is deleted."""
    printed = headgate("sandbox", "--records", "--connector", kind, "--entity", entity)
    return [each for each in map(lake.loads, printed.splitlines()) if not each.get("IsDeleted")]


def assert_vendor(server, folder, name, kind, profile, entity, source):
    """All fields of all records, in one object of the format."""
    described = server.ok("DescribeConnectorEntity", {
        "connectorProfileName": profile, "connectorEntityName": entity})
    wanted = records_of(kind, entity.rpartition("/")[2])
    types = {each["identifier"]: each["supportedFieldTypeDetails"]["v1"]["fieldType"]
             for each in described["connectorEntityFields"] if each["identifier"] in wanted[0]}
    definition = vendor_flows.flow("copy", entity, [
        task("Filter", "PROJECTION", list(types), key=kind), *maps(types, kind)], kind, profile)
    definition["sourceFlowConfig"]["sourceConnectorProperties"] = {kind: source}
    target = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]["S3"]
    target["s3OutputFormatConfig"] = {**FORMATS[name][0],
                                      "aggregationConfig": {"aggregationType": "SingleFile"}}
    record, files, _ = moved(server, folder, definition)
    assert record["executionResult"]["recordsProcessed"] == len(wanted) and len(files) == 1
    assert_format(name, files, wanted, {field: KINDS.get(each, "text")
                                        for field, each in types.items()})


@on_versitygw
@pytest.mark.parametrize("name", FORMATS)
def test_every_record_of_a_vendor(server, tmp_path, name):
    assert_vendor(server, tmp_path, name, "Salesforce", PROFILE, "Account", {"object": "Account"})


@on_versitygw
def test_nested_fields_of_a_vendor(server, tmp_path):
    assert_vendor(server, tmp_path, "typed Parquet", "Zendesk", "help", "sla_policies",
                  {"object": "sla_policies"})


@on_versitygw
def test_times_of_a_vendor(server, tmp_path):
    """/Date(1546866342000)/"""
    entity = "/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner"
    assert_vendor(server, tmp_path, "typed Parquet", "SAPOData", "sap", entity,
                  {"objectPath": entity})


# --- objects ---


@pytest.mark.parametrize("name", ["JSON", "Parquet of texts"])
def test_an_object_of_several_parts(server, tmp_path, name):
    """Of three files, longer than a part, which S3 tells by its ETag."""
    chance = random.Random(5)
    records = [{"Id": lake.Number(number), "Text": chance.randbytes(12_000).hex()}
               for number in range(750)]
    for key, body in split(records, 3):
        put(server, key, body)
    _, files, etags = moved(server, tmp_path, moving.flow(
        aggregationConfig={"aggregationType": "SingleFile"}, **FORMATS[name][0]))
    path, = files.values()
    parts = -(-path.stat().st_size // (8 * MIB))
    assert parts >= 2 and etags[0].endswith(f"-{parts}")
    assert_format(name, files, records, {"Id": "text", "Text": "text"})


@on_versitygw
def test_objects_of_about_a_size(server, tmp_path):
    chance = random.Random(6)
    records = [{"Id": lake.Number(number), "Text": chance.randbytes(1000).hex()}
               for number in range(1600)]
    for key, body in split(records, 8):
        put(server, key, body)
    _, files, _ = moved(server, tmp_path, moving.flow(
        aggregationConfig={"aggregationType": "None", "targetFileSize": 1}))
    sizes = [path.stat().st_size for path in files.values()]
    assert len(sizes) == 4 and all(0.75 * MIB < size < 1.25 * MIB for size in sizes[:-1]), sizes
    assert_format("JSON", files, records, {"Id": "text", "Text": "text"})


PLACES = ["DE", "Zürich", "a b", "a=b", "100%", "a/../b", "x\\y", "😀", None, "null", "+&?#"]


def test_folders_of_fields(server, tmp_path):
    """As Hive has them: DuckDB and pyarrow read from a folder's name what its records have."""
    chance = random.Random(7)
    records = [{"Id": lake.Number(number), "Place": chance.choice(PLACES),
                "Day": chance.choice(DAYS)} for number in range(600)]
    for key, body in split(records, 2):
        put(server, key, body)
    partition = {"taskType": "Partition", "sourceFields": [],
                 "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": json.dumps(["Place", "Day"])}}
    _, files, _ = moved(server, tmp_path, moving.flow(
        tasks=[moving.ALL, partition], fileType="PARQUET"))
    pairs = {(str(each["Place"] or "null"), each["Day"]) for each in records}
    folders = {tuple(urllib.parse.unquote(part.partition("=")[2]) for part in key.split("/")[:2])
               for key in files}
    assert folders == pairs
    assert_folders(tmp_path, sorted(
        (int(each["Id"]), each["Place"] or "null", each["Day"]) for each in records))


def assert_folders(folder, rows):
    import pyarrow.dataset
    import pyarrow.parquet
    with parquet_readers.connect() as connection:
        found = connection.execute(
            "SELECT CAST(Id AS INTEGER), Place, Day FROM read_parquet(?, hive_partitioning=true, "
            "hive_types_autocast=false) ORDER BY 1", [f"{folder}/**/*"]).fetchall()
    assert found == rows
    hive = pyarrow.dataset.partitioning(
        pyarrow.schema([("Place", pyarrow.string()), ("Day", pyarrow.string())]), flavor="hive")
    inside = pyarrow.dataset.dataset(folder, format="parquet", partitioning=hive)
    found = []
    for each in inside.get_fragments():
        place = pyarrow.dataset.get_partition_keys(each.partition_expression)
        found += [(int(row["Id"]), place["Place"], place["Day"])
                  for row in pyarrow.parquet.read_table(each.path, partitioning=None).to_pylist()]
    assert sorted(found) == rows


# --- files that others wrote ---


def rows_as_texts():
    """Texts and nulls alone: what each writer has a form for."""
    return [{name: record[name] and str(record[name]) for name in ("Id", "Text", "Exact", "Day")}
            for record in RECORDS]


def frame(rows):
    import pyarrow
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(
        [(name, pyarrow.string()) for name in rows[0]]))


def by_python(rows, path, **form):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], **form)
        writer.writeheader()
        writer.writerows(rows)


def by_duckdb(rows, path, form):
    with parquet_readers.connect() as connection:
        connection.register("rows", frame(rows))
        connection.execute(f"COPY rows TO '{path}' ({form})")


def by_arrow(rows, path):
    import pyarrow.csv
    pyarrow.csv.write_csv(frame(rows), path)


def by_pandas(rows, path, method, **form):
    getattr(frame(rows).to_pandas(), method)(path, **form)


WRITERS = {
    "Python": ("CSV", by_python, {}),
    "Python, all in quotes": ("CSV", by_python, {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
    "DuckDB": ("CSV", by_duckdb, {"form": "FORMAT csv, HEADER"}),
    "DuckDB, compressed": ("CSV", by_duckdb, {"form": "FORMAT csv, HEADER, COMPRESSION gzip"}),
    "Arrow": ("CSV", by_arrow, {}),
    "pandas with a mark": ("CSV", by_pandas, {"method": "to_csv", "index": False,
                                              "encoding": "utf-8-sig"}),
    "DuckDB's lines": ("JSON", by_duckdb, {"form": "FORMAT json"}),
    "DuckDB's array": ("JSON", by_duckdb, {"form": "FORMAT json, ARRAY true"}),
    "pandas' lines": ("JSON", by_pandas, {"method": "to_json", "orient": "records",
                                          "lines": True}),
    "pandas' array": ("JSON", by_pandas, {"method": "to_json", "orient": "records"}),
}


@on_versitygw
def test_files_that_others_wrote(server, tmp_path):
    """Each of them is read as the same records, where CSV has no null."""
    rows = rows_as_texts()
    for kind in ("CSV", "JSON"):
        names = [name for name, (file, *_) in WRITERS.items() if file == kind]
        for number, name in enumerate(names):
            _, write, form = WRITERS[name]
            write(rows, tmp_path / "written", **form)
            put(server, f"{kind}/{number}", (tmp_path / "written").read_bytes())
        definition = moving.flow(kind, file=kind, prefix=f"{kind}/")
        record, files, _ = moved(server, tmp_path / kind, definition)
        assert record["executionResult"]["recordsProcessed"] == len(rows) * len(names)
        wanted = rows if kind == "JSON" else [
            {field: value or "" for field, value in row.items()} for row in rows]
        found = [path for key, path in files.items() if path.is_relative_to(tmp_path / kind)]
        assert len(found) == len(names)
        for name, path in zip(names, found, strict=True):
            assert [lake.loads(line) for line in path.read_text().split("\n")[:-1]] == wanted, name
        for key in keys(server, moving.OUT):
            server.boto.delete_object(Bucket=moving.OUT, Key=key)


def test_a_bucket_s_entities(server):
    put(server, "orders/day=1/a.csv", b"Id,Amount\r\n1,2\r\n")
    put(server, "people/a.json", b'{"Id": 1, "Name": {"first": "Ada"}}\n')

    def names(path):
        listed = server.ok("ListConnectorEntities", {"connectorType": "S3", "entitiesPath": path})
        return [each["name"] for each in listed["connectorEntityMap"]["Objects"]]

    def fields(entity):
        described = server.ok("DescribeConnectorEntity", {
            "connectorType": "S3", "connectorEntityName": entity})
        return [each["identifier"] for each in described["connectorEntityFields"]]

    folder = f"{moving.IN}/orders/"
    assert names(moving.IN) == [folder, f"{moving.IN}/people/"]
    assert names(folder) == [f"{folder}day=1/"]
    assert fields(f"{folder}day=1/") == ["Id", "Amount"]
    assert fields(f"{moving.IN}/people/") == ["Id", "Name"]
