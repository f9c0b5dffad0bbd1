"""Kills the server behind an object that no checkpoint has yet, and changes the source before the
next start: what only the try that died has written is removed, and nothing else is."""

import signal

import pytest

from support import moving
from test_crash import call_until_death, fault_points, start_with_fault

OTHER_RUN = "0199c0de-0000-7000-8000-000000000000"
FOLDERS = {"taskType": "Partition", "sourceFields": [],
           "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": "Key"}}


def test_each_of_its_fault_points_is_reached():
    assert [point for point in fault_points() if point.startswith("strays:")] == ["strays:removed"]


def page(*keys):
    return moving.lines_of([{"Key": each} for each in keys])


def cut_off(servers, *tasks, pages=(page(0), page(1)), point="move:completed#2"):
    """A server that died behind an object of its run, the second one, and the run's id."""
    server = servers("--sandbox", start=False)
    for number, body in enumerate(pages):
        moving.put(server, f"page-{number}", body)
    server.start()
    server.ok("CreateFlow", moving.flow(tasks=[moving.ALL, *tasks]))
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "copy"})
    assert server.wait_for_end() == -signal.SIGKILL
    row, = server.query("SELECT id FROM flow_runs")
    return server, row["id"]


def others(server, run):
    """Objects that look like the run's, and are not."""
    keys = [f"copy/{OTHER_RUN}-00001", f"copy/{run}-00001.old", f"copy/{run}-1", f"copy/{run}",
            f"other/{run}-00001", "copy/note"]
    for key in keys:
        path = moving.buckets(server)[1] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"kept")
    return dict.fromkeys(keys, b"kept")


def the_end(server):
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record


@pytest.mark.parametrize("again", [False, True], ids=["once", "killed again"])
def test_a_source_that_has_fewer_objects(servers, again):
    server, run = cut_off(servers)
    kept = others(server, run)
    assert f"copy/{run}-00001" in moving.written(server)
    (moving.buckets(server)[0] / "page-1").unlink()
    if again:
        start_with_fault(server, "strays:removed")
        assert server.wait_for_end() == -signal.SIGKILL
    the_end(server)
    assert moving.written(server) == {f"copy/{run}-00000": b'{"Key":0}\n', **kept}


def test_records_that_go_to_another_folder(servers):
    server, run = cut_off(servers, FOLDERS)
    kept = others(server, run)
    assert f"copy/Key=1/{run}-00001" in moving.written(server)
    moving.put(server, "page-1", page(2))
    the_end(server)
    assert moving.written(server) == {f"copy/Key=0/{run}-00000": b'{"Key":0}\n',
                                      f"copy/Key=2/{run}-00001": b'{"Key":2}\n', **kept}


def test_objects_of_folders_that_were_begun_together(servers):
    """Their keys have the same number, and each is in the manifest; so none is removed."""
    server, run = cut_off(servers, FOLDERS, pages=(page(0, 1, 2), page(3, 4)),
                          point="move:completed#4")
    kept = others(server, run)
    the_end(server)
    assert moving.written(server) == {
        **{f"copy/Key={key}/{run}-00000": b'{"Key":%d}\n' % key for key in range(3)},
        **{f"copy/Key={key}/{run}-00003": b'{"Key":%d}\n' % key for key in (3, 4)}, **kept}
