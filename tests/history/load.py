"""A bounded load: threads with clients of every node that create, update, describe and delete a few
profiles, so that they get in each other's way, and send some calls again under the same token."""

import collections
import random
import threading
import time

from history import calls, kinds
from history.calls import Call, History
from history.recorder import Recorder

WORKERS = 6
RECENT = 12          # calls that others may send again, among them those that are under way
READ_TIMEOUT_S = 60
WAIT_S = 120         # for anything at all to be acknowledged

# Of a hundred calls.
MIX = {"update": 66, "describe": 15, "describe all": 2, "create": 9, "delete": 2,
       "send another's": 6}
AGAIN_IF_UNKNOWN = 0.7
AGAIN_IF_DONE = 0.05
OTHER_PARAMETERS = 0.03
KEEP_CREDENTIALS = 0.4  # of updates
BAD_CREDENTIALS = 0.06
AGAIN_WITH_CODE = 0.5   # if refused: it may still be good

HOSTS = ("127.0.0.1", "localhost")  # addresses of the same to us, and two to the server


class Load:
    """Runs inside a `with`. The same seed gives each worker the same choices; what they meet is as
    the threads happen to run."""

    def __init__(self, nodes, key, sandbox, vendor, seed, read_timeout_s=READ_TIMEOUT_S):
        self.history = History(kinds.NAMES, codes=vendor.codes)
        self.kinds = kinds.Kinds(sandbox, vendor)
        self.nodes = nodes
        self.seed = seed
        self.recent = collections.deque(maxlen=RECENT)
        self.updated = threading.Semaphore(0)
        self.count = 0  # updates that were waited for
        self.over = threading.Event()
        self.failures = []
        self.recorder = lambda node: Recorder(self.history, node, key, self.kinds, read_timeout_s)
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                        for number in range(WORKERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, failure, *_):
        self.over.set()
        for node in self.nodes if failure else []:
            node.server.kill()  # so that nobody waits for what does not come
        for thread in self.threads:
            thread.join(READ_TIMEOUT_S + WAIT_S)
            assert not thread.is_alive()

    def wait_for(self, updates, at_most_s=None):
        """Waits until so many more were acknowledged. Without an end of its own, some must be."""
        until = time.monotonic() + (at_most_s or 0)
        for _ in range(updates):
            left_s = WAIT_S if at_most_s is None else max(0, until - time.monotonic())
            got_one = self.updated.acquire(timeout=left_s)
            assert not self.failures, self.failures
            if not got_one:
                assert at_most_s is not None, "nothing is acknowledged any more"
                return
            self.count += 1

    def look_at_end(self):
        """What every node shows when all is over, and no private connection is under way."""
        assert self.over.is_set() and not self.failures, self.failures
        self.history.killed = [death for node in self.nodes for death in node.deaths]
        until = time.monotonic() + WAIT_S
        while self.recorder(self.nodes[0]).describe().is_underway:
            assert time.monotonic() < until, "private connections stay PENDING"
            time.sleep(0.1)
        for node in self.nodes:
            assert self.recorder(node).describe().succeeded

    def _run(self, number):
        try:
            worker = Worker(self, number)
            while not self.over.is_set():
                worker.step()
        except BaseException as error:
            self.failures.append(error)
            self.updated.release()
            raise


class Worker:
    def __init__(self, load, number):
        self.load = load
        self.number = number
        self.random = random.Random(f"{load.seed} {number}")
        self.clients = [load.recorder(node) for node in load.nodes]
        self.made = 0

    def client(self):
        return self.random.choice(self.clients)

    def new_value(self, kind):
        self.made += 1
        return f"w{self.number}-{self.made}" + \
            (f"@{self.random.choice(HOSTS)}" if kind.keeps else "")

    def step(self):
        """One choice, and what follows from how it ended."""
        kind = self.random.choices(list(MIX), MIX.values())[0]
        name = self.random.choice(self.load.history.names)
        if kind in ("update", "create"):
            self.change(kind, name)
        elif kind == "delete":
            self.client().delete(name)
        elif kind == "describe":
            self.client().describe(name)
        elif kind == "describe all":
            self.client().describe()
        elif self.load.recent:
            # It may be worked on just now, by another thread and another node.
            self.count(self.client().send(self.random.choice(list(self.load.recent))))

    def change(self, operation, name):
        kind = self.load.kinds.of(name)
        value = self.new_value(kind)
        keeps = operation == "update" and kind.keeps and self.random.random() < KEEP_CREDENTIALS
        good = keeps or self.random.random() >= BAD_CREDENTIALS
        call = Call(operation, name, value, f"{self.load.seed}-{value}", keeps=keeps, good=good)
        self.load.recent.append(call)
        call = self.count(self.client().send(call))
        if self.random.random() < self.chance_of_again(call, kind):
            call = self.count(self.client().send(call))
        if call.succeeded and self.random.random() < OTHER_PARAMETERS:
            self.client().send(call, self.new_value(kind))

    @staticmethod
    def chance_of_again(call, kind):
        if call.succeeded:
            return AGAIN_IF_DONE
        if call.of(calls.UNKNOWN):
            return AGAIN_IF_UNKNOWN
        return AGAIN_WITH_CODE if kind.one_time else 0

    def count(self, call):
        if call.operation == "update" and call.succeeded:
            self.load.updated.release()
        return call
