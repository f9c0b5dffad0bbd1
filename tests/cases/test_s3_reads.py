"""Objects of S3 whose connection breaks off while a run reads them: reading goes on behind the last
byte, as long as the object is the same one."""

import pytest

from support import moving, s3, s3_front
from support.s3_front import Cut

ROWS = 30000
LARGE = moving.lines_of({"Id": row, "Text": "x" * 60} for row in range(ROWS))
PIECE = 700_000  # bytes after which each answer breaks off


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3.stand_in(tmp_path_factory.mktemp("s3")) as each:
        for bucket in (moving.IN, moving.OUT):
            each.boto().create_bucket(Bucket=bucket)
        yield each


@pytest.fixture(scope="module")
def front(store):
    with s3_front.before(store.url) as each:
        yield each


@pytest.fixture(scope="module")
def server(lasting_servers, store, front):
    made = lasting_servers("--egress-allow", "127.0.0.1", "--s3-url", front.url, env={
        "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    made.boto = store.boto()
    made.ok("CreateFlow", moving.flow())
    return made


class Reads:
    """Cuts every answer with the object's bytes. `before` has what is done before one of them."""

    def __init__(self, before=None):
        self.count = 0
        self.before = before or {}

    def __call__(self, method, target):
        if method != "GET" or not target.endswith("/large"):
            return None
        self.count += 1
        self.before.get(self.count, lambda: None)()
        return Cut(PIECE)


def run(server, front, reads):
    server.boto.put_object(Bucket=moving.IN, Key="large", Body=LARGE)
    front.instead = reads
    record = moving.run(server)
    front.pass_all()
    return record


def test_an_object_is_read_in_pieces(server, front):
    reads = Reads()
    record = run(server, front, reads)
    assert record["executionStatus"] == "Successful", record
    assert record["executionResult"]["bytesProcessed"] == len(LARGE)
    assert reads.count >= len(LARGE) // PIECE
    key = f"copy/{record['executionId']}-00000"
    body = server.boto.get_object(Bucket=moving.OUT, Key=key)["Body"].read()
    assert body == LARGE.replace(b'": ', b'":').replace(b', "', b',"')


def test_an_object_is_replaced_meanwhile(server, front):
    other = LARGE.replace(b"x", b"y")
    reads = Reads({2: lambda: server.boto.put_object(Bucket=moving.IN, Key="large", Body=other)})
    record = run(server, front, reads)
    assert record["executionStatus"] == "Error" and reads.count == 2
    assert record["executionResult"]["errorInfo"]["executionMessage"] == (
        "s3://bucket-in/large was replaced while it was read: it is not the object it was.")
