"""Kills the server while it registers what a run has written, or before, and starts it again: the
tables are as if nothing had been, with the columns of all records."""

import json
import signal

import pytest

from support import moving, s3
from support.glue import Glue
from test_crash import call_until_death, start_with_fault

PAGES = [[{"Id": number, "Country": f"c{number % 3}", f"only_{page}": "x"}
          for number in range(10 * page, 10 * page + 10)] for page in range(3)]
PARTITION = {"taskType": "Partition", "sourceFields": [],
             "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": "Country"}}
FOLDERS = {("c0",), ("c1",), ("c2",)}


@pytest.mark.parametrize("point", [
    "move:checkpoint", "move:checkpoint#2", "tables:written", "tables:written#2",
    "tables:partitions", "tables:partitions#2", "move:manifest"])
def test_killed_around_a_registration(servers, canaries, tmp_path, point):
    with Glue(canaries) as glue, s3.stand_in(tmp_path) as store:
        env = {"AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret}
        server = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url, "--glue-url",
                         glue.url, "--sts-url", glue.url + "/sts", env=env)
        for bucket in (moving.IN, moving.OUT):
            store.boto().create_bucket(Bucket=bucket)
        for number, page in enumerate(PAGES):
            store.boto().put_object(Bucket=moving.IN, Key=f"page-{number}",
                                    Body=moving.lines_of(page))
        server.ok("CreateFlow", {**moving.flow(tasks=(moving.ALL, PARTITION)),
                                 "metadataCatalogConfig": glue.config()})
        server.stop()
        assert start_with_fault(server, point, env=env)
        call_until_death(server, "StartFlow", {"flowName": "copy"})
        assert server.wait_for_end() == -signal.SIGKILL
        server.start(env=env)
        record = moving.ended(server)
        assert record["executionStatus"] == "Successful", record
        details = record["metadataCatalogDetails"]
        assert {each["tableName"] for each in details} == set(glue.tables)
        for each in details:
            for of in ("tableRegistrationOutput", "partitionRegistrationOutput"):
                assert each[of]["status"] == "Successful", json.dumps(each)
            assert set(glue.columns(each["tableName"])) == {"id", "only_0", "only_1", "only_2"}
            assert set(glue.places(each["tableName"])) == FOLDERS
