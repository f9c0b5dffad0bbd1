"""Runs of flows, each begun when the one before has ended, at whichever server answers. What each
has left is judged at its end."""

import random
import threading
import time

from history.flows import CANCELED, Outcome
from support import moving

WAIT_S = 180  # for the end of any run
PAUSE_S = 0.02
LOOK_S = 0.05
LOST = (OSError, IndexError, ValueError)  # no answer, or a part of one
UNDISTURBED = 0
ENDED = ("Successful", "Error", "Canceled")


class FlowLoad:
    """Runs inside a `with`; judges runs by those of `truth`, which nothing disturbed."""

    def __init__(self, nodes, place, flows, seed):
        self.nodes = nodes
        self.place = place
        self.seed = seed
        self.truth = {}
        self.names = [each["flowName"] for each in flows]
        self.count = 0
        self.canceled = 0
        self.ended = threading.Semaphore(0)
        self.over = threading.Event()
        self.failures = []
        self.longest_s = 0
        self.threads = [threading.Thread(target=self._run, args=(name,), daemon=True)
                        for name in self.names]

    def learn(self):
        """One run of each flow that nothing disturbs."""
        for name in self.names:
            began = time.monotonic()
            self.truth[name] = Worker(self, name).run(UNDISTURBED)
            self.longest_s = max(self.longest_s, time.monotonic() - began)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, failure, *_):
        self.over.set()
        for node in self.nodes if failure else []:
            node.server.kill()
        for thread in self.threads:
            thread.join(0 if failure else 2 * WAIT_S)
        assert failure or not any(thread.is_alive() for thread in self.threads)

    def wait_for(self, runs, at_most_s=None):
        """Waits until so many more have ended. Without an end of its own, some must."""
        until = time.monotonic() + (at_most_s or 0)
        for _ in range(runs):
            left_s = WAIT_S if at_most_s is None else max(0, until - time.monotonic())
            got_one = self.ended.acquire(timeout=left_s)
            self.check()
            if not got_one:
                assert at_most_s is not None, "no run comes to its end any more"
                return

    def check(self):
        assert not self.failures, self.failures

    def look_at_end(self):
        """No upload is open, and nothing is in the bucket that was not taken from it. What a node
        sent that was frozen meanwhile may have come once more, and must be the same."""
        self.check()
        moving.until(lambda: self.place.uploads() == [])
        for key in self.place.keys():
            assert self.place.taken.get(key) == self.place.hash_of(key), key

    def judge(self, name, outcome):
        """A run that was canceled may have written an object that its manifest does not list."""
        truth = self.truth[name]
        if outcome.state == "Canceled":
            self.canceled += 1
            assert set(outcome.objects) <= set(truth.objects), (name, outcome, truth)
        else:
            assert outcome == truth, (name, outcome, truth)

    def _run(self, name):
        try:
            worker, number = Worker(self, name), 0
            while not self.over.is_set():
                number += 1
                self.judge(name, worker.run(number))
                self.count += 1
                self.ended.release()
        except BaseException as error:
            self.failures.append((name, error))
            self.ended.release()
            raise


class Worker:
    def __init__(self, load, name):
        self.load = load
        self.name = name
        self.random = random.Random(f"{load.seed} {name}")

    def ask(self, operation, parameters, **more):
        """Until a server answers; one that is killed, or is just starting, does not."""
        until = time.monotonic() + WAIT_S
        while True:
            server = self.random.choice(self.load.nodes).server
            try:
                answer = server.call(operation, parameters, **more)
                if answer.status < 500:
                    assert answer.status == 200, (self.name, operation, answer.body)
                    return answer.json()
            except LOST:
                pass
            self.load.check()
            assert time.monotonic() < until, f"{self.name}: {operation} is not answered"
            time.sleep(PAUSE_S)

    def records(self, **more):
        return self.ask("DescribeFlowExecutionRecords",
                        {"flowName": self.name, "maxResults": 5}, **more)

    def record(self, run):
        found = [each for each in self.records()["flowExecutions"] if each["executionId"] == run]
        assert len(found) == 1, (self.name, run, found)
        return found[0]

    def end_of(self, run):
        until = time.monotonic() + WAIT_S
        while True:
            record = self.record(run)
            if record["executionStatus"] in ENDED:
                return record
            assert time.monotonic() < until, record
            time.sleep(LOOK_S)

    def run(self, number):
        """One run, from its start to what it has left. Sent again with the same token, a start
        whose answer was lost is the same start."""
        started = self.ask("StartFlow", {"flowName": self.name,
                                         "clientToken": f"{self.load.seed}-{self.name}-{number}"})
        run = started["executionId"]
        may_be_canceled = self.name.startswith(CANCELED) and number != UNDISTURBED
        if may_be_canceled:
            time.sleep(self.random.random() * self.load.longest_s)
            self.ask("CancelFlowExecutions", {"flowName": self.name, "executionIds": [run]})
        record = self.end_of(run)
        state = record["executionStatus"]
        assert state == "Successful" or state == "Canceled" and may_be_canceled, (self.name, record)
        manifest = self.records(headers=[("X-Headgate-Manifest", run)])["manifest"]
        objects, listed = self.load.place.take(self.name, run, manifest)
        return Outcome(state, tuple(sorted(record["executionResult"].items())), objects, listed,
                       tuple(each["records"] for each in manifest["list"]),
                       tuple(sorted(manifest.get("leftOut", {}).items())))
