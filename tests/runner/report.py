"""What a suite came to, a line each on the terminal, and the closing line that counts all."""

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import traceback

from support.scratch import scratch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"

RUNNING = set()  # leaders of the process groups that run() waits for
TAIL_LINES = 40  # of a failed suite's log, shown on the terminal
# How a sanitizer's report begins: what met and where, which its last lines do not repeat.
FINDING = re.compile(r"(WARNING|ERROR): \w+Sanitizer|: runtime error: ")
LOWEST_PRIORITY = 19


@dataclasses.dataclass
class Outcome:
    """How many tests passed, failed and were left out, and what to read if any failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = dataclasses.field(default_factory=list)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes
        return self

    def __str__(self):
        counts = [f"{self.passed} passed"]
        if self.failed:
            counts.append(f"{self.failed} FAILED")
        if self.skipped:
            counts.append(f"{self.skipped} skipped")
        return ", ".join(counts)


def timed(function, *arguments, **options):
    """What a suite came to, and its time in seconds. Whatever it raises, it failed, and the others
    are still run."""
    started = time.monotonic()
    try:
        outcome = function(*arguments, **options)
    except Exception:
        outcome = Outcome(failed=1, notes=[traceback.format_exc()])
    return outcome, time.monotonic() - started


def check(ok, note=None):
    """One test that holds or does not."""
    return Outcome(passed=1) if ok else Outcome(failed=1, notes=[note] if note else [])


class Report:
    """Runs suites and remembers what came of them."""

    def __init__(self):
        self.total = Outcome()
        self.started = time.monotonic()
        self.telling = threading.Lock()
        self.behind = concurrent.futures.ThreadPoolExecutor(1, initializer=lowest_priority)
        self.waiting = []  # futures of what runs behind
        LOGS.mkdir(parents=True, exist_ok=True)

    def suite(self, title, function, *arguments, **options):
        """Runs one suite, prints its line, and tells whether nothing failed."""
        if sys.stdout.isatty():
            print(f"  {title:<46} …", end="\r", flush=True)
        return self._tell(title, *timed(function, *arguments, **options))

    def together(self, *suites):
        """The same for suites that spend much of their time waiting, each a tuple of what suite()
        takes, options last: they run at once."""
        with concurrent.futures.ThreadPoolExecutor(len(suites)) as pool:
            ends = [(title, pool.submit(timed, function, *arguments, **options))
                    for title, function, *arguments, options in suites]
            try:
                return all([self._tell(title, *end.result()) for title, end in ends])
            except BaseException:  # such as Ctrl-C, which only this thread hears of
                end_all()
                raise

    def start_behind(self, title, function, *arguments, **options):
        """The same for what only computes and is needed later or not at all: it runs at the lowest
        priority while tests wait, one suite after the other. Gives its future; close() waits."""
        self.waiting.append(self.behind.submit(self.suite, title, function, *arguments, **options))
        return self.waiting[-1]

    def abandon(self):
        """Ends what runs behind, and starts no more of it."""
        self.behind.shutdown(wait=False, cancel_futures=True)
        end_all()

    def _tell(self, title, outcome, seconds):
        with self.telling:
            print(f"  {title:<46} {str(outcome):<30} {seconds:6.1f} s", flush=True)
            for note in outcome.notes if outcome.failed else []:
                print("    " + note.rstrip().replace("\n", "\n    "), flush=True)
            self.total += outcome
        return outcome.failed == 0

    def close(self):
        """Prints the closing line; the exit status. In CI what was not run has not passed."""
        for future in self.waiting:
            future.result()
        total = self.total
        failed, skipped = total.failed, total.skipped
        if os.environ.get("CI") == "true" and skipped:
            print(f"  {skipped} skipped, which counts as failed here")
            failed, skipped = failed + skipped, 0
        minutes, seconds = divmod(round(time.monotonic() - self.started), 60)
        print(f"  in {minutes} min {seconds} s; logs are in {LOGS.relative_to(ROOT)}/")
        line = f"{total.passed} passed, {failed} failed"
        print(line + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 1 if failed or not total.passed else 0


def lowest_priority():
    """Of this thread alone, and of every thread and process that it starts."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)


def run(name, command, timeout_s, env=None, folder=ROOT):
    """Runs a command with its output in a log. Gives its exit status (None: took too long) and the
    log's path. A command that takes too long is ended with everything it started."""
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output, scratch() as (_, temporary):
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **temporary, **(env or {})})
        RUNNING.add(process.pid)
        try:
            status = process.wait(timeout_s)
        except BaseException as error:
            os.killpg(process.pid, 9)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            output.write(f"\nended: it took more than {timeout_s} s\n".encode())
            status = None
        finally:
            RUNNING.discard(process.pid)
        end_group(process.pid)
    return status, log


def end_group(leader):
    """Ends what a process started and did not end, as when it was cut off itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, 9)


def end_all():
    """Ends everything that run() waits for."""
    for process in list(RUNNING):
        end_group(process)


def tail(log, most=TAIL_LINES):
    """The end of a log, before it a sanitizer's first report if that is further up, and where the
    whole of it is."""
    lines = [line for line in log.read_text(errors="replace").splitlines()
             if not re.fullmatch(r"\d+ warnings? generated\.|Suppressed \d+ warnings.*", line)]
    rest = max(0, len(lines) - most)
    first = next((at for at, line in enumerate(lines[:rest]) if FINDING.search(line)), rest)
    shown = lines[first:min(first + most, rest)] + lines[rest:]
    return "\n".join(shown + [f"whole log: {log.relative_to(ROOT)}"])
