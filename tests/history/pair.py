"""A PostgreSQL primary with a standby that follows it synchronously: what the primary acknowledges
is on the standby's disk, so the standby can take its place at any time."""

import os
import pathlib
import select
import shutil
import signal
import time

from support.postgres import TIMEOUT_S, Postgres

ADDRESSES = "127.0.0.1/32"
HBA = [f"host all all {ADDRESSES} trust", f"host replication owner {ADDRESSES} trust"]
SETTINGS = {"wal_retrieve_retry_interval": "100ms", "max_connections": "200",
            "min_wal_size": "4MB", "max_wal_size": "32MB"}
# The standby confirms when it has what was committed on disk. Two servers are enough to keep
# everything; while there is one, nothing is acknowledged.
SYNCHRONOUS = {"synchronous_standby_names": "*", "synchronous_commit": "on"}
DATABASE = "headgate"
USER = "headgate"


class Member(Postgres):
    """One of the two, made as a primary, or as the standby of another."""

    initdb_options = ("--wal-segsize=1",)  # MiB: all that is kept is searched for secrets

    def __init__(self, ways, settings, primary=None):
        self.follows = primary
        self.settings = settings
        self.log_way = None  # on which its standby follows it
        self.ways = []       # of its clients
        self.shut = False    # they are, while it is gone
        super().__init__(False, HBA, "", settings)
        self.log_way = ways.to(self.port)

    def _make_data(self):
        if self.follows:
            self._run("pg_basebackup", "-D", "data", "-h", "127.0.0.1", "-p",
                      str(self.follows.log_way.port), "-U", "owner", "-R", "-X", "stream", "-c",
                      "fast", "--no-sync")
        else:
            super()._make_data()

    def start(self):
        super().start()
        for way in self.ways if self.shut else []:
            way.open()
        self.shut = False

    def kill(self, shut=True):
        """Ends all its processes at once, as a machine that loses its power. Its clients are then
        refused; or, if their ways are not shut, let in and cut off, as by a balancer that has
        nobody to lead them to."""
        self.process.send_signal(signal.SIGSTOP)  # starts nothing more
        children = [os.pidfd_open(child) for child in children_of(self.process.pid)]
        for child in children:
            signal.pidfd_send_signal(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        for child in children:
            assert select.select([child], [], [], TIMEOUT_S)[0], "a killed process does not end"
            os.close(child)
        self.shut = shut
        for way in self.ways if shut else []:
            way.shut()

    def close(self):
        """At once, whoever is connected."""
        if self.process and self.process.poll() is None:
            self.kill()
        super().close()

    def follow(self, primary):
        """Comes back as the standby of another, with nothing of its own."""
        shutil.rmtree(self.directory / "data")
        self.follows = primary
        self._make_data()
        self._configure(False, HBA, self.settings)
        self.start()


def children_of(pid):
    lists = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


class Pair:
    def __init__(self, ways, synchronous=True):
        settings = {**SETTINGS, **(SYNCHRONOUS if synchronous else {})}
        self.members = []
        try:
            self.members.append(Member(ways, settings))
            self.primary = self.members[0]
            self.primary.sql(
                "SET synchronous_commit = local;\n"  # nobody follows yet
                f"CREATE ROLE {USER} LOGIN;\nCREATE DATABASE {DATABASE} OWNER {USER};")
            self.members.append(Member(ways, settings, self.primary))
            self.standby = self.members[1]
            self.wait_until_followed()
        except BaseException:
            self.close()
            raise

    def wait_until_followed(self):
        until = time.monotonic() + TIMEOUT_S
        query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        while self.primary.sql(query).strip() != "1":
            assert time.monotonic() < until, self.standby.log()[-2000:]
            time.sleep(0.02)

    def promote(self):
        """The standby takes over from a primary that is gone."""
        assert self.primary.process.poll() is not None
        assert self.standby.sql("SELECT pg_promote(true, 60)").strip() == "t"
        self.primary, self.standby = self.standby, self.primary

    def rebuild(self):
        """Whoever was the primary comes back as the standby."""
        self.standby.follow(self.primary)
        self.wait_until_followed()

    def close(self):
        for each in self.members:
            each.close()
