"""How soon the webhook's receiver has the event of a run that has ended: of one run after another,
and of a thousand that end together, whose events wait for each other."""

import contextlib
import http.server
import json
import os
import sqlite3
import threading
import time

import load
from flows import KEY_ID, S3, SECRET
from load import Server
from support import wire

ALONE, TOGETHER = 200, 1000  # runs
LIMIT_S = 120  # for all events
IN, OUT = "events-in", "events-out"
ENDS = "AppFlow End Flow Run Report"
ENDED = "SELECT id, updated_at_ms FROM flow_runs WHERE state = 'Successful'"


def flow(name):
    return {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {"connectorType": "S3", "sourceConnectorProperties": {"S3": {
            "bucketName": IN, "s3InputFormatConfig": {"s3InputFileType": "JSON"}}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": OUT, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": [{"taskType": "Map_all", "sourceFields": []}]}


class Receiver:
    """Takes each event, and notes when the one of a run came first."""

    def __init__(self):
        self.came = {}
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if event["detail-type"] == ENDS:
                    receiver.note(event["detail"]["execution-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def note(self, run):
        with self.changed:
            self.came.setdefault(run, time.time())
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.came) >= count, LIMIT_S):
                raise SystemExit(f"bench: {len(self.came)} of {count} events came")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def latencies(server, receiver, earlier):
    """Of the runs that were not earlier, in ms, in order: from the end that the record says to the
    event."""
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/headgate.db?mode=ro",
                                            uri=True)) as database:
        ended = dict(database.execute(ENDED).fetchall())
    return sorted(came * 1000 - ended[run] for run, came in receiver.came.items()
                  if run not in earlier)


def middle_and_most(times):
    return {"runs": len(times), "p50_ms": round(times[len(times) // 2], 1),
            "p99_ms": round(times[len(times) * 99 // 100], 1)}


def run_alone(server, receiver):
    with wire.Connection(server.host, server.port) as connection:
        for number in range(ALONE):
            answer = connection.exchange(load.signed(server, "StartFlow", {"flowName": "flow-0"}))
            if answer.status != 200:
                raise SystemExit(f"bench: {answer.raw!r}")
            receiver.wait(number + 1)
    return middle_and_most(latencies(server, receiver, ()))


def run_together(server, receiver, path):
    earlier = set(receiver.came)
    load.write_requests(path, [load.signed(server, "StartFlow", {"flowName": f"flow-{number}"})
                               for number in range(TOGETHER)])
    load.send_once(server.port, path)
    receiver.wait(len(earlier) + TOGETHER)
    return middle_and_most(latencies(server, receiver, earlier))


def measure(work):
    directory = work / "events"
    directory.mkdir()
    secret, path = directory / "secret", directory / "requests"
    secret.write_text("bench-of-events-0123456789abcdef\n")
    secret.chmod(0o600)
    os.environ.update(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
    with S3(directory) as s3, Receiver() as receiver:
        s3.bucket(OUT)
        (s3.bucket(IN) / "one").write_bytes(b'{"Id": 1}\n')
        with Server(directory, "--s3-url", s3.url, "--egress-allow", "127.0.0.1",
                    "--webhook-url", receiver.url, "--webhook-secret", secret) as server:
            load.write_requests(path, [load.signed(server, "CreateFlow", flow(f"flow-{number}"))
                                       for number in range(TOGETHER)])
            load.send_once(server.port, path)
            return {"alone": run_alone(server, receiver),
                    "together": run_together(server, receiver, path)}


def report(found):
    for name, words in (("alone", "one after the other"), ("together", "started together")):
        of = found[name]
        print(f"  events of {of['runs']:,} runs {words}: at the receiver {of['p50_ms']} ms behind "
              f"the run's end, {of['p99_ms']} ms for 99 %")
