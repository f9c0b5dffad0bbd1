"""Starts and ends the server under test, and collects everything that it leaves behind."""

import dataclasses
import os
import pathlib
import queue
import re
import resource
import signal
import subprocess
import sys
import threading
import time

from support import canary, proc, wire
from support.database import database_for

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.path.abspath(os.environ.get("HEADGATE_BINARY", ROOT / "build/headgate"))
VARIANT = os.environ.get("HEADGATE_VARIANT", "release")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "111122223333"


@dataclasses.dataclass
class Key:
    id: str
    secret: str
    account: str = ACCOUNT


def command(*words):
    """The binary with its words, without random addresses where a sanitizer needs that."""
    start = ["setarch", os.uname().machine, "-R"] if VARIANT in ("asan", "tsan") else []
    return [*start, BINARY, *[str(word) for word in words]]


# Becomes the command after "--", with the sockets before it, NAME=FILE each, handed over as a
# service manager does it.
HAND_OVER = """
import fcntl, os, sys
end = sys.argv.index("--")
given = [word.split("=") for word in sys.argv[1:end]]
kept = [fcntl.fcntl(int(file), fcntl.F_DUPFD, 100) for _, file in given]
for at, file in enumerate(kept):
    os.dup2(file, 3 + at)
    os.close(file)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)),
                  LISTEN_FDNAMES=":".join(name for name, _ in given))
os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
"""


def headgate(*words, expect=0, **kwargs):
    """Runs a command of the binary to its end; its standard output."""
    done = subprocess.run(command(*words), capture_output=True, timeout=START_TIMEOUT_S, **kwargs)
    assert done.returncode == expect, (words[:2], done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


def clean_environment():
    """The environment without what the test runner put there, such as a test's name."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


def _allow_core_files():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


class Server:
    """`headgate serve` on a port of its own. Restarting keeps the data directory."""

    def __init__(self, directory, canaries, options=(), env=None, make_key=True):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.database = database_for(self)
        self.canaries = canaries
        self.options = list(options)
        self.env = env or {}
        self.answers = []  # raw bytes of every answer that went to a client
        self.environ = b""  # and the command line
        self.environ_hidden = False  # /proc does not show it to us
        self.limits = ""
        self.process = None
        self.ended = True  # as a test wanted it; a process that is just gone has crashed
        self.starts = 0
        self.listen = "127.0.0.1:0"  # a new port at each start, unless a test sets one
        self.host = "127.0.0.1"
        self.port = None
        self.key = self.make_key("AKIAHEADGATETEST0001", "test-key") if make_key else None

    def make_key(self, key_id, name, account=ACCOUNT):
        key = Key(key_id, self.canaries.new(name), account)
        headgate("access-key", "create", *self.place, "--account", account,
                 "--access-key-id", key.id, "--secret-access-key", key.secret)
        return key

    @property
    def place(self):
        """The options of every command that say where its data is."""
        return ["--data", self.data, *self.database.options]

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    @property
    def endpoint(self):
        return f"http://{self.authority}"

    @property
    def log(self):
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.directory.glob("stderr-*.log")))

    def start(self, *more, env=None, listeners=None, before=(), stderr=None):
        """Starts it and waits for the line that says it answers. Listening sockets by their names
        are handed over. `before` are words of a command that becomes the server. Its log goes to a
        file unless there is another place for it."""
        kept = list((listeners or {}).values())
        if listeners:
            given = [f"{name}={each.fileno()}" for name, each in listeners.items()]
            before = [sys.executable, "-c", HAND_OVER, *given, "--"]
        self.starts += 1
        lines = queue.Queue()
        log = open(self.directory / f"stderr-{self.starts}.log", "wb")
        self.process = subprocess.Popen(
            [*before, *command("serve", *self.place, "--listen", self.listen,
                               *self.options, *more)],
            pass_fds=[each.fileno() for each in kept], cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr or log,
            env={**clean_environment(), **self.env, **(env or {})}, preexec_fn=_allow_core_files)
        self.ended = False
        log.close()
        out = open(self.directory / f"stdout-{self.starts}.log", "wb")
        threading.Thread(target=self._read, args=(self.process.stdout, out, lines),
                         daemon=True).start()
        self._await_ready(lines)
        self._look_at_process()
        return self

    @staticmethod
    def _read(stream, out, lines):
        for line in stream:
            out.write(line)
            out.flush()
            lines.put(line.decode(errors="replace"))
        out.close()
        lines.put(None)

    def _await_ready(self, lines):
        seen = []
        while True:
            try:
                line = lines.get(timeout=START_TIMEOUT_S)
            except queue.Empty:
                line = None
            if line is None:
                self.kill()
                raise AssertionError(f"the server did not start: {seen}\n{self.log[-3000:]}")
            seen.append(line)
            found = re.search(r"(https?)://([\d.]+):(\d+)", line)
            if "ready" in line and found:
                self.host, self.port = found.group(2), int(found.group(3))
                return

    def _look_at_process(self):
        """What others could see of the process; root also sees what is kept from its own user."""
        for name in ("environ", "limits", "cmdline"):
            data = proc.read(self.process.pid, name)
            if name == "environ":
                self.environ_hidden = data is None
            if data is None:
                continue
            if name == "limits":
                self.limits = data.decode()
            else:
                self.environ += data
        for child in proc.children(self.process.pid):  # forked before secrets were wiped
            for name in ("environ", "cmdline"):
                self.environ += proc.read(child, name) or b""

    def wait_for_log(self, words):
        """Waits until the log of this start has a line with these words."""
        until = time.monotonic() + START_TIMEOUT_S
        path = self.directory / f"stderr-{self.starts}.log"
        while words not in path.read_text(errors="replace"):
            assert self.running() and time.monotonic() < until, self.log[-3000:]
            time.sleep(0.01)

    def memory(self):
        """Bytes of memory that the process has to itself and in use."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"RssAnon:\s*(\d+) kB", status).group(1))

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_for_end(self):
        """Waits until the process has ended by itself; its exit status, which is the test's to
        judge."""
        status = self.process.wait(STOP_TIMEOUT_S)
        self.ended = True
        return status

    def kill(self):
        self.ended = True
        if self.running():
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)

    def stop(self):
        """Asks it to stop, which it must do with status 0, and not before it was asked."""
        if self.ended:
            return
        assert self.running(), \
            f"the server was gone, with status {self.process.returncode}\n{self.log[-3000:]}"
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.wait_for_end()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop\n{self.log[-3000:]}") from None
        assert status == 0, f"the server ended with status {status}\n{self.log[-3000:]}"

    def call(self, operation, parameters=None, **kwargs):
        return wire.call(self, operation, parameters, **kwargs)

    def ok(self, operation, parameters=None, **kwargs):
        """Calls an operation that must succeed; its output."""
        answer = self.call(operation, parameters, **kwargs)
        assert answer.status == 200, (operation, answer.status, answer.body)
        return answer.json()

    def describe(self, name, **kwargs):
        """One profile's details as bytes on the wire hold them, or None."""
        found = self.ok("DescribeConnectorProfiles", {"connectorProfileNames": [name]}, **kwargs)
        details = found["connectorProfileDetails"]
        assert len(details) <= 1
        return details[0] if details else None

    def listing(self):
        """DescribeConnectorProfiles of everything, as the bytes of its answer's body."""
        answer = self.call("DescribeConnectorProfiles", {"maxResults": 100})
        assert answer.status == 200, answer.body
        return answer.body

    def query(self, sql, *values):
        """Rows of the store, read beside the running server."""
        return self.database.query(sql, *values)

    def profile_row(self, name):
        """Everything that is stored of a profile."""
        rows = self.query("SELECT * FROM profiles WHERE name = ?", name)
        assert len(rows) == 1, rows
        row = rows[0]
        row["arn"] = f"arn:aws:appflow:{row['region']}:{row['account']}:connectorprofile/{name}"
        return row

    def count_rows(self, table):
        return self.query(f"SELECT count(*) AS rows FROM {table}")[0]["rows"]

    def left_behind(self):
        """Every place that a secret could have got to: pairs of a name and bytes."""
        for path in canary.files_below(self.directory):
            yield str(path.relative_to(self.directory)), canary.content(path)
        yield from self.database.left_behind()
        yield "what /proc shows", self.environ
        for number, raw in enumerate(self.answers):
            yield f"answer {number}", raw
