"""The sandbox's stand-in of AWS Glue, by AWS's own client."""

import contextlib

import boto3
import botocore.config
import pytest

from support import sandbox
from support.sigv4 import REGION

KEY, SECRET = "SANDBOXACCESSKEY", "sandbox"
TABLE = {"Name": "Orders", "PartitionKeys": [{"Name": "day", "Type": "string"}],
         "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "bigint"}],
                               "Location": "s3://lake/orders/"}}


def client_of(url, secret=SECRET):
    return boto3.client("glue", region_name=REGION, endpoint_url=url, aws_access_key_id=KEY,
                        aws_secret_access_key=secret, config=botocore.config.Config(
                            retries={"total_max_attempts": 1}))


@contextlib.contextmanager
def stand_in(folder):
    with sandbox.running(folder) as each:
        yield f"http://127.0.0.1:{each.http_port}"


@pytest.fixture
def url(tmp_path):
    with stand_in(tmp_path) as made:
        yield made


def partition(value):
    return {"Values": [value], "StorageDescriptor": {"Location": f"s3://lake/orders/{value}/"}}


def values(client, **more):
    page = client.get_partitions(DatabaseName="headgate_demo", TableName="orders", **more)
    return [each["Values"] for each in page["Partitions"]], page.get("NextToken")


def test_databases_and_tables(url):
    client = client_of(url)
    client.create_database(DatabaseInput={"Name": "Lake"})
    with pytest.raises(client.exceptions.AlreadyExistsException):
        client.create_database(DatabaseInput={"Name": "lake"})
    listed = client.get_databases()["DatabaseList"]
    assert [each["Name"] for each in listed] == ["headgate_demo", "lake"]
    client.create_table(DatabaseName="lake", TableInput=TABLE)
    with pytest.raises(client.exceptions.AlreadyExistsException):
        client.create_table(DatabaseName="lake", TableInput=TABLE)
    first = client.get_table(DatabaseName="lake", Name="orders")["Table"]
    assert first["StorageDescriptor"] == TABLE["StorageDescriptor"]
    client.update_table(DatabaseName="lake", TableInput={**TABLE, "Description": "changed"})
    then, = client.get_tables(DatabaseName="lake")["TableList"]
    assert then["Description"] == "changed" and then["CreateTime"] == first["CreateTime"]
    client.delete_table(DatabaseName="lake", Name="orders")
    for call in (lambda: client.get_table(DatabaseName="lake", Name="orders"),
                 lambda: client.delete_table(DatabaseName="lake", Name="orders"),
                 lambda: client.update_table(DatabaseName="lake", TableInput=TABLE),
                 lambda: client.get_tables(DatabaseName="none"),
                 lambda: client.get_database(Name="none")):
        with pytest.raises(client.exceptions.EntityNotFoundException):
            call()


def test_partitions(url):
    client = client_of(url)
    place = {"DatabaseName": "headgate_demo", "TableName": "orders"}
    client.create_table(DatabaseName="headgate_demo", TableInput=TABLE)
    made = client.batch_create_partition(
        **place, PartitionInputList=[partition("a"), partition("b"), {"Values": ["c", "d"]}])
    assert [each["ErrorDetail"]["ErrorCode"] for each in made["Errors"]] == [
        "InvalidInputException"]
    again = client.batch_create_partition(**place, PartitionInputList=[partition("b")])
    assert [each["PartitionValues"] for each in again["Errors"]] == [["b"]]
    assert values(client) == ([["a"], ["b"]], None)
    page, token = values(client, MaxResults=1)
    assert page == [["a"]] and values(client, NextToken=token) == ([["b"]], None)
    gone = client.batch_delete_partition(**place, PartitionsToDelete=[
        {"Values": ["a"]}, {"Values": ["x"]}])
    assert [each["PartitionValues"] for each in gone["Errors"]] == [["x"]]
    assert values(client) == ([["b"]], None)
    client.update_table(DatabaseName="headgate_demo", TableInput=TABLE)
    assert values(client) == ([["b"]], None)


def test_it_outlives_the_process(tmp_path):
    with stand_in(tmp_path) as url:
        client_of(url).create_table(DatabaseName="headgate_demo", TableInput=TABLE)
    with stand_in(tmp_path) as url:
        assert client_of(url).get_table(DatabaseName="headgate_demo", Name="orders")


@pytest.mark.parametrize("name", ["..", "a/b", "x" * 201])
def test_names_stay_in_their_folder(url, tmp_path, name):
    client = client_of(url)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.create_table(DatabaseName="headgate_demo", TableInput={**TABLE, "Name": name})
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"
    assert not [path for path in tmp_path.rglob("*.json") if "glue" in path.parts]


def test_who_asks_is_checked(url):
    client = client_of(url, secret="wrong")
    with pytest.raises(client.exceptions.ClientError, match="InvalidSignatureException"):
        client.get_databases()
