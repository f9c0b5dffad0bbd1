"""Tables that runs are registered in: docs/flows.md, "Data catalog"."""

import io
import json

import pytest

from support import moving, operations, paged, s3
from support.glue import ROLE, Glue, refused
from support.server import ACCOUNT
from support.sigv4 import REGION
from support.vendor import http, silence
from test_flow_runs import asks

RECORDS = [{"Id": number, "Country": ["DE", "FR", None][number % 3], "Name": f"Name {number}"}
           for number in range(6)]
LIBRARY = {"JSON": "org.openx.data.jsonserde.JsonSerDe",
           "CSV": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
           "PARQUET": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
PARTITION = {"taskType": "Partition", "sourceFields": ["Country"],
             "connectorOperator": {"S3": "NO_OP"},
             "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": '["Country"]'}}
FORBIDDEN = http("403 Forbidden", json.dumps({"__type": "AccessDeniedException"}))


@pytest.fixture
def glue(canaries):
    with Glue(canaries) as made:
        yield made


@pytest.fixture
def make_server(servers, glue, tmp_path):
    with s3.stand_in(tmp_path) as stand_in:
        def make(*options, **more):
            made = servers("--egress-allow", "127.0.0.1", "--s3-url", stand_in.url,
                           "--glue-url", glue.url, "--sts-url", glue.url + "/sts",
                           *operations.OPTION, *options, env={
                               "AWS_ACCESS_KEY_ID": stand_in.key_id,
                               "AWS_SECRET_ACCESS_KEY": stand_in.secret}, **more)
            made.boto = stand_in.boto()
            for bucket in (moving.IN, moving.OUT):
                made.boto.create_bucket(Bucket=bucket)
            put(made, RECORDS)
            return made

        yield make


@pytest.fixture
def server(make_server):
    return make_server()


def put(server, records, key="page"):
    server.boto.put_object(Bucket=moving.IN, Key=key, Body=moving.lines_of(records))


def mapped(*names, types=None):
    """A Map task for each field, and the Partition tasks that are given with them."""
    return [{"taskType": "Map", "sourceFields": [name], "destinationField": name,
             "connectorOperator": {"S3": "NO_OP"}, "taskProperties": {
                 "SOURCE_DATA_TYPE": "string",
                 "DESTINATION_DATA_TYPE": (types or {}).get(name, "string")}}
            for name in names]


def create(server, glue, name="copy", tasks=(moving.ALL,), prefix="crm", file="JSON", **output):
    server.ok("CreateFlow", {**moving.flow(name, file, tasks=tasks, **output),
                             "metadataCatalogConfig": glue.config(prefix)})


def run(server, name="copy"):
    record = moving.run(server, name)
    assert record["executionStatus"] == "Successful", record
    return record


def names(record):
    return [each["tableName"] for each in record["metadataCatalogDetails"]]


def outputs(record, of="tableRegistrationOutput"):
    return [each[of] for each in record["metadataCatalogDetails"]]


def epoch(server, name="copy"):
    return int(server.ok("DescribeFlow", {"flowName": name})["createdAt"])


@pytest.mark.parametrize("kind", sorted(LIBRARY))
def test_a_run_is_registered(server, glue, kind):
    create(server, glue, "My-Flow", fileType=kind)
    record = run(server, "My-Flow")
    latest, version = names(record)
    assert latest == f"crm_appflow_my_flow_{epoch(server, 'My-Flow')}_latest"
    assert version == "crm_appflow_my_flow_1"
    assert outputs(record) == [{"result": "1", "status": "Successful"}] * 2
    assert "partitionRegistrationOutput" not in record["metadataCatalogDetails"][0]
    described = server.ok("DescribeFlow", {"flowName": "My-Flow"})
    assert described["lastRunMetadataCatalogDetails"] == record["metadataCatalogDetails"]
    assert described["metadataCatalogConfig"] == glue.config()
    for name in (latest, version):
        table = glue.tables[name]
        assert table["TableType"] == "EXTERNAL_TABLE"
        assert table["Parameters"]["classification"] == kind.lower()
        assert table["Parameters"]["AppFlowFlowArn"] == (
            f"arn:aws:appflow:{REGION}:{ACCOUNT}:flow/My-Flow")
        assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == LIBRARY[kind]
        assert glue.at(name) == f"s3://{moving.OUT}/My-Flow/"
        assert glue.columns(name) == {"id": "string", "country": "string", "name": "string"}
        assert ("skip.header.line.count" in table["Parameters"]) == (kind == "CSV")
    assert operations.metrics(server)[
        'headgate_table_registrations_total{outcome="registered"}'] == 2


def test_a_second_run_writes_the_same_tables(server, glue):
    create(server, glue)
    first = run(server)
    put(server, [{"Id": 7, "City": "Ulm"}], "more")
    second = run(server)
    assert names(first) == names(second) and set(glue.tables) == set(names(first))
    for name in names(first):
        assert set(glue.columns(name)) == {"id", "country", "name", "city"}


def test_columns_of_older_objects_stay_while_these_are_there(server, glue):
    """A run of its own folder has a table of its own columns."""
    create(server, glue, "own", prefixConfig={"pathPrefixHierarchy": ["EXECUTION_ID"]})
    create(server, glue, "shared")
    for name in ("own", "shared"):
        run(server, name)
    server.boto.delete_object(Bucket=moving.IN, Key="page")
    put(server, [{"City": "Ulm"}])
    own, shared = run(server, "own"), run(server, "shared")
    latest, version, of_run = names(own)
    assert of_run == version + "_" + own["executionId"].replace("-", "_")
    at = f"s3://{moving.OUT}/own/{own['executionId']}/"
    assert (glue.at(latest), glue.at(version), glue.at(of_run)) == (
        at, f"s3://{moving.OUT}/own/", at)
    assert list(glue.columns(latest)) == list(glue.columns(of_run)) == ["city"]
    assert list(glue.columns(version)) == ["city", "id", "country", "name"]
    for name in names(shared):
        assert list(glue.columns(name)) == ["city", "id", "country", "name"]


def test_columns_have_the_types_of_parquet(server, glue):
    put(server, [{"N": 1, "D": "2.50", "F": True, "T": "2026-01-31T12:00:00Z", "Y": "2026-01-31",
                  "S": "x"}])
    types = {"N": "long", "D": "decimal", "F": "boolean", "T": "datetime", "Y": "date"}
    create(server, glue, tasks=mapped(*types, "S", types=types), fileType="PARQUET",
           preserveSourceDataTyping=True)
    for name in names(run(server)):
        assert glue.columns(name) == {
            "n": "bigint", "d": "decimal(38,18)", "f": "boolean", "t": "timestamp", "y": "date",
            "s": "string"}


def test_folders_become_partitions(server, glue):
    create(server, glue, tasks=(moving.ALL, PARTITION),
           prefixConfig={"pathPrefixHierarchy": ["SCHEMA_VERSION"]})
    record = run(server)
    at = f"s3://{moving.OUT}/copy/schemaVersion_1/"
    for name in names(record):
        assert glue.tables[name]["PartitionKeys"] == [{"Name": "country", "Type": "string"}]
        assert list(glue.columns(name)) == ["id", "name"]
        assert glue.places(name) == {(value,): f"{at}Country={value}/"
                                     for value in ("DE", "FR", "null")}
        for partition in glue.partitions[name].values():
            assert [each["Name"] for each in partition["StorageDescriptor"]["Columns"]] == [
                "id", "name"]
    assert outputs(record, "partitionRegistrationOutput") == [
        {"result": "3", "status": "Successful"}] * 2
    glue.called.clear()
    again = run(server)
    assert outputs(again, "partitionRegistrationOutput") == [
        {"result": "0", "status": "Successful"}] * 2
    assert glue.called.count("BatchCreatePartition") == 1, "they were not looked at"


def test_partitions_of_runs_with_their_own_folders(server, glue):
    """The newest run has those that it wrote; a schemaVersion has those of all runs."""
    glue.page = 1
    create(server, glue, tasks=(moving.ALL, PARTITION),
           prefixConfig={"pathPrefixHierarchy": ["EXECUTION_ID"]})
    first = run(server)
    put(server, [{"Id": 9, "Country": "a b/c=d"}, {"Id": 8, "Country": "DE"}])
    second = run(server)
    latest, version, of_run = names(second)
    at = f"s3://{moving.OUT}/copy/{second['executionId']}/"
    wanted = {("a b/c=d",): at + "Country=a b%2Fc%3Dd/", ("DE",): at + "Country=DE/"}
    assert glue.places(latest) == glue.places(of_run) == wanted
    assert [each["Name"] for each in glue.tables[version]["PartitionKeys"]] == [
        "run_folder", "country"]
    assert set(glue.places(version)) == {
        *[(first["executionId"], value) for value in ("DE", "FR", "null")],
        *[(second["executionId"], *values) for values in wanted]}
    assert glue.places(version)[(second["executionId"], "DE")] == at + "Country=DE/"


def test_other_partition_keys_make_a_new_table(server, glue):
    create(server, glue)
    latest, _ = names(run(server))
    definition = {**moving.flow(tasks=(moving.ALL, PARTITION)),
                  "metadataCatalogConfig": glue.config()}
    server.ok("UpdateFlow", definition)
    record = run(server)
    assert names(record) == [latest, "crm_appflow_copy_2"]
    assert glue.tables[latest]["PartitionKeys"] == [{"Name": "country", "Type": "string"}]
    assert len(glue.places(latest)) == 3


def countries(first, count):
    return [{"Id": number, "Country": f"c{number:04}"} for number in range(first, first + count)]


def test_many_folders_are_many_calls(server, glue):
    """Of two pages, so that the objects of the first are in the store already."""
    for page in range(2):
        put(server, countries(1100 * page, 1100), ["page", "then"][page])
    create(server, glue, tasks=(moving.ALL, PARTITION))
    latest, version = names(run(server))
    assert len(glue.places(latest)) == len(glue.places(version)) == 2200
    assert glue.called.count("BatchCreatePartition") == 2 * 22


def test_many_partitions_are_deleted(server, glue):
    put(server, countries(0, 60))
    create(server, glue, tasks=(moving.ALL, PARTITION),
           prefixConfig={"pathPrefixHierarchy": ["EXECUTION_ID"]})
    run(server)
    put(server, countries(0, 1))
    latest, version, _ = names(run(server))
    assert len(glue.places(version)) == 61
    assert glue.places(latest).keys() == {("c0000",)}


def test_a_table_of_others_is_left_alone(server, glue):
    create(server, glue)
    other = {"Name": "crm_appflow_copy_1", "PartitionKeys": [],
             "StorageDescriptor": {"Columns": [], "Location": "s3://elsewhere/"}}
    glue.tables[other["Name"]] = other
    record = run(server)
    latest, version = outputs(record)
    assert latest["status"] == "Successful" and version["status"] == "Error"
    assert version["result"] == "0"
    assert version["message"] == (
        "There is a table crm_appflow_copy_1 that was not made for this flow, and it is left as "
        "it is. Choose another tablePrefix, or delete it.")
    assert glue.tables[other["Name"]] is other
    server.wait_for_log("was not registered in table crm_appflow_copy_1")


@pytest.mark.parametrize("operation, answer, words", [
    ("GetTable", FORBIDDEN, "AWS Glue answered GetTable with AccessDeniedException. Give the role"),
    ("CreateTable", refused("EntityNotFoundException"),
     "AWS Glue answered CreateTable with EntityNotFoundException. Create the database in the"),
    ("CreateTable", refused("InvalidInputException", words="Column 3 is bad"),
     "AWS Glue answered CreateTable with InvalidInputException: Column 3 is bad"),
    ("CreateTable", refused("ResourceNumberLimitExceededException"), "Delete tables or partitions"),
    ("GetTable", http("400 Bad Request", '{"__type":"UnrecognizedClientException"}'),
     "AWS Glue does not take the credentials of the role (UnrecognizedClientException)."),
    ("GetTable", http("200 OK", "not JSON"), "AWS Glue answered GetTable with status 200."),
    ("GetTable", http("200 OK", "{}"), "AWS Glue answered GetTable without a table."),
    ("GetTable", http("200 OK", '{"Table":[' + "[" * 100),
     "AWS Glue answered GetTable with status 200."),
])
def test_a_refusal_is_told_and_fails_no_run(server, glue, operation, answer, words):
    glue.instead[operation] = [answer] * 2
    create(server, glue)
    record = run(server)
    for output in outputs(record):
        assert output["status"] == "Error" and words in output["message"], output
        assert "not-seen-outside" not in output["message"]
    glue.instead.clear()
    assert [each["status"] for each in outputs(run(server))] == ["Successful"] * 2


def test_glue_that_is_away_is_asked_about_one_table(server, glue):
    """All tables have the error, and the run's thread is not held for each of them."""
    glue.instead["GetTable"] = [refused("InternalServiceException", "503 Service Unavailable")] * 9
    create(server, glue)
    for output in outputs(run(server)):
        assert output["status"] == "Error" and "InternalServiceException" in output["message"]
    assert glue.called == ["GetTable"] * 4


def test_the_token_does_not_come_back_in_a_message(server, glue):
    """Canaries are searched for in logs and answers after each test."""
    glue.instead["CreateTable"] = [
        refused("InvalidInputException", words=f"bad request: {glue.token}")] * 2
    create(server, glue)
    for output in outputs(run(server)):
        assert output["message"] == (
            "AWS Glue answered CreateTable with InvalidInputException: it does not say why")


def test_a_role_that_sts_refuses(server, glue):
    glue.denies = True
    create(server, glue)
    for output in outputs(run(server)):
        assert output["status"] == "Error" and "role" in output["message"], output
    assert not glue.called


@pytest.mark.parametrize("answer", [
    http("500 Internal Server Error", ""), refused("ConcurrentModificationException"),
    http("400 Bad Request", '{"__type":"ThrottlingException"}'), None])
def test_a_fault_that_passes_is_waited_out(server, glue, answer):
    """None: what was asked for is done, and its answer is lost."""
    for operation in ("GetTable", "CreateTable", "BatchCreatePartition", "GetPartitions"):
        glue.instead[operation] = [answer]
    create(server, glue, tasks=(moving.ALL, PARTITION))
    record = run(server)
    assert [each["status"] for each in outputs(record)] == ["Successful"] * 2, outputs(record)
    assert len(glue.places(names(record)[0])) == 3


def test_pages_of_partitions_that_never_end(server, glue):
    glue.GetPartitions = lambda given: {"Partitions": ["x", {}], "NextToken": "more"}
    create(server, glue, tasks=(moving.ALL, PARTITION))
    first, second = outputs(run(server), "partitionRegistrationOutput")
    assert first["status"] == "Error" and "has more than 20000 partitions" in first["message"]
    assert second["status"] == "Successful"
    assert glue.called.count("GetPartitions") < 200


def test_a_partition_that_glue_does_not_take(server, glue):
    glue.instead["BatchCreatePartition"] = [http("200 OK", json.dumps({"Errors": [
        {"PartitionValues": ["DE"], "ErrorDetail": {"ErrorCode": "InvalidInputException"}}]}))]
    create(server, glue, tasks=(moving.ALL, PARTITION))
    record = run(server)
    first, second = outputs(record, "partitionRegistrationOutput")
    assert first["status"] == "Error" and "InvalidInputException" in first["message"]
    assert second["status"] == "Successful"
    assert [each["status"] for each in outputs(record)] == ["Successful"] * 2


@pytest.mark.parametrize("records, output, words", [
    ([{"Id": 1}, {"ID": 2}], {}, "Two columns of the table would be id"),
    ([{"Id": 1, "x" * 300: 2}], {}, "has at most 255 bytes in a table"),
    ([{"Id": 1, "a\nb": 2}], {}, "no control characters"),
])
def test_columns_that_are_none_of_a_table(server, glue, records, output, words):
    server.boto.delete_object(Bucket=moving.IN, Key="page")
    put(server, records)
    create(server, glue, **output)
    for each in outputs(run(server)):
        assert each["status"] == "Error" and words in each["message"], each
    assert not glue.tables


def test_objects_of_csv_with_different_columns(server, glue):
    put(server, [{"Id": 1}], "other")
    create(server, glue, fileType="CSV")
    for each in outputs(run(server)):
        assert "Objects of CSV have different columns" in each["message"], each


def test_a_partition_key_of_csv_keeps_its_place(server, glue):
    create(server, glue, tasks=(moving.ALL, PARTITION), fileType="CSV")
    assert list(glue.columns(names(run(server))[0])) == ["id", "country_value", "name"]


def test_a_run_without_records_changes_no_table(server, glue):
    put(server, [])
    create(server, glue)
    assert "metadataCatalogDetails" not in run(server)
    assert not glue.called


def test_a_failed_run_is_not_registered(server, glue):
    create(server, glue)
    server.boto.delete_object(Bucket=moving.IN, Key="page")
    server.boto.put_object(Bucket=moving.IN, Key="page", Body=b"no JSON\n")
    record = moving.run(server)
    assert record["executionStatus"] == "Error" and not glue.called


def test_a_run_that_fails_behind_its_first_object_is_not_registered(server, glue):
    server.boto.put_object(Bucket=moving.IN, Key="a", Body=b"Id\n1\n")
    server.boto.put_object(Bucket=moving.IN, Key="b", Body=b"Id,Id\n1,2\n")
    server.boto.delete_object(Bucket=moving.IN, Key="page")
    create(server, glue, file="CSV")
    record = moving.run(server)
    assert record["executionStatus"] == "Error" and record["executionResult"]["bytesWritten"] > 0
    assert "metadataCatalogDetails" not in record and not glue.called


def test_a_run_is_canceled_while_it_is_registered(server, glue):
    answer = refused("InternalServiceException", "500 Internal Server Error")
    glue.instead["GetTable"] = [answer] * 9
    create(server, glue)
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: glue.called)
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    record = moving.ended(server)
    assert record["metadataCatalogDetails"][1]["tableRegistrationOutput"]["status"] == "Error"


def test_a_server_that_stops_meanwhile_registers_later(server, glue):
    glue.instead["GetTable"] = [silence]
    create(server, glue)
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: glue.called)
    server.stop()
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert [each["status"] for each in outputs(record)] == ["Successful"] * 2, outputs(record)


def test_the_definition_is_checked(server, glue):
    for config, words in (
            ({"roleArn": "arn:aws:iam::111122223333:role/x"}, f"arn:aws:iam::{ACCOUNT}:role/NAME"),
            ({"roleArn": f"arn:aws:iam::{ACCOUNT}:user/x"}, "must be a role of this account")):
        answer = server.call("CreateFlow", {
            **moving.flow(), "metadataCatalogConfig": glue.config(**config)})
        assert answer.status == 400 and words in answer.json()["message"], answer.body
    assert ROLE.startswith(f"arn:aws:iam::{ACCOUNT}:role/")


def test_the_sandbox_has_a_catalog(servers):
    """Its tables are files; it takes the roles that its STS takes, and has the databases that it
    is given."""
    server = servers("--sandbox")
    moving.put(server, "page", moving.lines_of(RECORDS))
    config = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/sandbox-catalog",
              "databaseName": "headgate_demo", "tablePrefix": "crm"}
    for name, more in (("copy", {}), ("lost", {"databaseName": "none"}),
                       ("denied", {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/sandbox-revoked"})):
        server.ok("CreateFlow", {
            **moving.flow(name, tasks=(moving.ALL, PARTITION)),
            "metadataCatalogConfig": {"glueDataCatalog": {**config, **more}}})
    record = run(server)
    for _ in range(2):
        for name in names(record):
            kept = json.loads((server.data / "glue/headgate_demo" / f"{name}.json").read_text())
            assert [each["Name"] for each in kept["Table"]["StorageDescriptor"]["Columns"]] == [
                "id", "name"]
            assert sorted(each["Values"] for each in kept["Partitions"]) == [
                ["DE"], ["FR"], ["null"]]
        record = run(server)
    for name, words in (("lost", "Create the database"), ("denied", "role")):
        for each in outputs(run(server, name)):
            assert each["status"] == "Error" and words in each["message"], each


def test_the_command_shows_tables(server, glue):
    glue.instead["UpdateTable"] = [refused("InvalidInputException", words="too wide")]
    create(server, glue, tasks=(moving.ALL, PARTITION))
    run(server)
    latest, version = names(run(server))
    shown = asks(server, "runs", "copy", "--manifest").stdout
    for line in (f"Table {latest}: Error", "  AWS Glue answered UpdateTable with",
                 f"Table {version}: Successful", f"Partitions of table {version}: Successful"):
        assert line in shown, shown


def test_labels_of_the_vendors_fields(servers, canaries, glue, tmp_path):
    """A Map task's column has those of its field; what the vendor does not describe has none."""
    with paged.Paged(canaries) as vendor, s3.stand_in(tmp_path) as store:
        vendor.described = "string"
        server = paged.begun(servers, canaries, vendor, store, "--glue-url", glue.url,
                             "--sts-url", glue.url + "/sts")
        for bucket in (moving.IN, moving.OUT):
            store.boto().create_bucket(Bucket=bucket)
        paged.create_profile(server, vendor)
        tasks = [{**task, "destinationField": "FullName"}
                 if task["sourceFields"] == ["Name"] else task for task in paged.TASKS]
        paged.create(server, tasks=tasks, metadataCatalogConfig=glue.config())
        record = run(server, "read")
        for name in names(record):
            columns = {each["Name"]: each
                       for each in glue.tables[name]["StorageDescriptor"]["Columns"]}
            assert set(columns) == {"id", "fullname"}
            assert columns["fullname"]["Parameters"] == {
                "AppFlowLabel": "Name", "AppFlowDescription": "Name"}
            assert "Parameters" not in columns["id"]


def test_types_are_those_that_a_reader_finds(server, glue):
    """What pyarrow reads from the object is what the table says of it."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    hive = {"int64": "bigint", "decimal128(38, 18)": "decimal(38,18)", "bool": "boolean",
            "timestamp[us, tz=UTC]": "timestamp", "date32[day]": "date", "string": "string"}
    put(server, [{"N": 1, "D": "2.50", "F": True, "T": "2026-01-31T12:00:00Z", "Y": "2026-01-31",
                  "S": "x", "Country": "DE"}])
    types = {"N": "long", "D": "decimal", "F": "boolean", "T": "datetime", "Y": "date"}
    create(server, glue, tasks=[*mapped(*types, "S", "Country", types=types), PARTITION],
           fileType="PARQUET", preserveSourceDataTyping=True)
    latest, _ = names(run(server))
    place, = glue.places(latest).values()
    key, = [each["Key"] for each in server.boto.list_objects_v2(
        Bucket=moving.OUT, Prefix=place.removeprefix(f"s3://{moving.OUT}/"))["Contents"]]
    body = server.boto.get_object(Bucket=moving.OUT, Key=key)["Body"].read()
    found = {field.name.lower(): hive[str(field.type)]
             for field in parquet.read_schema(io.BytesIO(body))}
    assert found.pop("country") == "string", "it is in the object and read from the folder"
    assert glue.columns(latest) == found
