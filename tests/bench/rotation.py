"""What `headgate key rotate` costs beside a running server: each round beside SQLite alone, which
replaces as many values by others of the same length, in the same order and as durably."""

import contextlib
import shutil
import sqlite3
import statistics
import subprocess
import time

from load import BINARY, Server, interleaved, ratio

ROTATED = 100_000  # profiles whose values are sealed again
PAGE = 1000        # values in one transaction, as a rotation replaces them
TABLES = {"profiles": "sealed_credentials", "oauth_tokens": "sealed"}
KEY = "account, region, name"


def rotate(directory):
    begin = time.perf_counter()
    subprocess.run([BINARY, "key", "rotate", "--data", directory / "data"], check=True,
                   capture_output=True)
    return time.perf_counter() - begin


def replace_page(database, table, column, after):
    """The last key of the page; None: there are no more."""
    keys = database.execute(f"SELECT {KEY} FROM {table} WHERE ({KEY}) > (?, ?, ?)"
                            f" ORDER BY {KEY} LIMIT {PAGE}", after).fetchall()
    with database:
        database.executemany(
            f"UPDATE {table} SET {column} = randomblob(length({column}))"
            " WHERE account = ? AND region = ? AND name = ?", keys)
    return keys[-1] if keys else None


def rewrite(path):
    """The same by SQLite: seconds."""
    begin = time.perf_counter()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        for table, column in TABLES.items():
            after = ("", "", "")
            while after:
                after = replace_page(database, table, column, after)
    return time.perf_counter() - begin


def measure(directory, fill, rounds):
    directory.mkdir()
    subprocess.run([fill, "--data", directory / "data", "--count", str(ROTATED)], check=True,
                   stderr=subprocess.DEVNULL)
    copy = directory / "copy.db"
    shutil.copy(directory / "data/headgate.db", copy)
    with Server(directory, "--sandbox"):
        ours, theirs = interleaved(rounds, lambda: rotate(directory), lambda: rewrite(copy))
    return {"rotation_s": round(statistics.median(ours), 1),
            "sqlite_s": round(statistics.median(theirs), 1),
            "ratio": round(ratio(ours, theirs), 2)}


def report(figures):
    print(f"\n  rotation of the key of {ROTATED:,} profiles, half with OAuth tokens{'ratio':>21}")
    print(f"    {'headgate key rotate':<42}{figures['rotation_s']:>10,.1f} s")
    print(f"    {'  to SQLite, the same values replaced':<42}{figures['sqlite_s']:>10,.1f} s"
          f"{figures['ratio']:>16,.2f}")
