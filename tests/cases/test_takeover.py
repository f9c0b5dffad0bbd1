"""A node that freezes while it writes an object loses its run to another one. When it wakes, what
it had sent arrives late, and what it would do next is not done: the other node's objects, manifest
and record stay as they were, and no upload is left."""

import hashlib
import signal
import threading

import pytest

from support import moving, operations, s3, s3_front

# An object in parts, and one that is written whole.
PAGES = {"a": moving.lines_of({"Id": row, "Text": "x" * 100_000} for row in range(90)),
         "b": moving.lines_of({"Id": row} for row in range(3))}
HELD = {
    "an upload begins": lambda method, target: method == "POST" and "?uploads" in target,
    "its first part": lambda method, target: method == "PUT" and "partNumber=1&" in target,
    "its second part": lambda method, target: method == "PUT" and "partNumber=2&" in target,
    "an upload is completed": lambda method, target: method == "POST" and "uploadId=" in target,
    "an object is put whole": lambda method, target: method == "PUT" and "?" not in target}
IN_PARTS = ("an upload begins", "its first part", "its second part", "an upload is completed")
WAIT_S = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3.stand_in(tmp_path_factory.mktemp("s3")) as each:
        for bucket in (moving.IN, moving.OUT):
            each.boto().create_bucket(Bucket=bucket)
        for key, body in PAGES.items():
            each.boto().put_object(Bucket=moving.IN, Key=key, Body=body)
        yield each


class Holder:
    """Holds the first request of a kind until it is let go."""

    def __init__(self, matches):
        self.matches = matches
        self.came = threading.Event()
        self.may_pass = threading.Event()

    def __call__(self, method, target):
        if self.matches(method, target) and not self.came.is_set():
            self.came.set()
            assert self.may_pass.wait(WAIT_S)
        return None


def written(boto):
    """Objects by their keys: their bytes, and when they were written."""
    listed = boto.list_objects_v2(Bucket=moving.OUT).get("Contents", [])
    return {each["Key"]: (boto.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read(),
                          each["LastModified"]) for each in listed}


def clear(boto):
    for key in written(boto):
        boto.delete_object(Bucket=moving.OUT, Key=key)


@pytest.fixture
def pair(nodes, store):
    """Two nodes, the first behind a front of its own."""
    with s3_front.before(store.url) as front:
        made = []
        for url in (front.url, store.url):
            node = nodes("--egress-allow", "127.0.0.1", "--s3-url", url, *operations.OPTION)
            node.env = {"AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret}
            made.append(node)
        yield (*made, front)
    clear(store.boto())


def left(server):
    """What the store has of the run."""
    return {table: server.query(f"SELECT * FROM {table}")
            for table in ("flow_runs", "flow_run_objects")}


@pytest.mark.as_users_run_it  # its engine is watched by sanitizers elsewhere
@pytest.mark.parametrize("held", HELD)
def test_a_node_freezes_while_it_writes(pair, database, store, held):
    first, second, front = pair
    boto = store.boto()
    front.instead = Holder(HELD[held])
    first.start()
    first.ok("CreateFlow", moving.flow())
    run = first.ok("StartFlow", {"flowName": "copy"})["executionId"]
    assert front.instead.came.wait(WAIT_S)
    first.process.send_signal(signal.SIGSTOP)
    database.change("UPDATE jobs SET lease_until_ms = 0 WHERE kind = 'flow-run'")
    second.start()
    record = moving.ended(second)
    assert (record["executionId"], record["executionStatus"]) == (run, "Successful")
    objects, kept = written(boto), left(second)
    first.process.send_signal(signal.SIGCONT)
    front.instead.may_pass.set()
    operations.wait_for(first, flow_run_slots=0)
    assert [body for body, _ in objects.values()] == [
        body.replace(b'": ', b'":').replace(b', "', b',"') for body in PAGES.values()]
    late = written(boto)
    if held in IN_PARTS:
        assert late == objects
    assert {key: body for key, (body, _) in late.items()} == {
        key: body for key, (body, _) in objects.items()}
    assert {each["object_key"]: each["sha256"] for each in kept["flow_run_objects"]} == {
        key: hashlib.sha256(body).hexdigest() for key, (body, _) in late.items()}
    assert left(second) == kept and moving.records(second) == [record]
    assert boto.list_multipart_uploads(Bucket=moving.OUT).get("Uploads", []) == []
    assert first.running()
