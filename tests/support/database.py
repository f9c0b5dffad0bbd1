"""Where the server under test keeps its data: a file of its own, or a database of its own in one
PostgreSQL that serves the whole run (HEADGATE_TEST_STORE=postgresql)."""

import atexit
import contextlib
import functools
import os
import sqlite3
import uuid

import psycopg
import psycopg.rows

from support import canary, pages
from support.postgres import Postgres

REMOTE = os.environ.get("HEADGATE_TEST_STORE") == "postgresql"


def database_for(server):
    return PostgresDatabase() if REMOTE else FileDatabase(server)


class FileDatabase:
    def __init__(self, server):
        self.server = server
        self.options = []
        self.zeros = "zeroblob({})"

    @contextlib.contextmanager
    def _connected(self, mode):
        path = self.server.data / "headgate.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode={mode}", uri=True)) as database:
            database.row_factory = sqlite3.Row
            yield database

    def query(self, sql, *values):
        with self._connected("ro") as database:
            return [dict(row) for row in database.execute(sql, values)]

    def change(self, sql, *values):
        with self._connected("rw") as database, database:
            database.execute(sql, values)
        if not self.server.running():
            pages.mend(self.server.data / "headgate.db")

    def version_sql(self, version):
        """Sets the version of the schema."""
        return f"PRAGMA user_version = {version}"

    def left_behind(self):
        """Its files lie with the server's."""
        return []

    def drop(self):
        """It goes with the server's directory."""


class Elsewhere:
    """A database that the test itself looks after."""

    def __init__(self, *options):
        self.options = list(options)

    def left_behind(self):
        return []

    def drop(self):
        """The test does."""


@functools.cache
def cluster():
    made = Postgres(False, ["host all owner 127.0.0.1/32 trust",
                            "host all all 127.0.0.1/32 scram-sha-256"], "")
    atexit.register(made.close)
    return made


class PostgresDatabase:
    zeros = "decode(repeat('00', {}), 'hex')"

    def __init__(self):
        self.name = f"headgate_{uuid.uuid4().hex}"
        self.where = f"host=127.0.0.1 port={cluster().port} user=owner"
        with psycopg.connect(f"{self.where} dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}")
        self.url = f"postgresql://owner@127.0.0.1:{cluster().port}/{self.name}"
        self.options = ["--store", self.url]

    def drop(self):
        """At the end of its test, so that it takes no room until the end of all."""
        administer(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def _connect(self):
        return psycopg.connect(f"{self.where} dbname={self.name} options=-csearch_path=headgate",
                               row_factory=psycopg.rows.dict_row)

    def query(self, sql, *values):
        with self._connect() as connection:
            return connection.execute(sql.replace("?", "%s"), values).fetchall()

    def change(self, sql, *values):
        with self._connect() as connection:
            connection.execute(sql.replace("?", "%s"), values)

    def version_sql(self, version):
        return f"UPDATE schema_version SET version = {version}"

    def left_behind(self):
        """Every row as it would be read from the disk."""
        with self._connect() as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'headgate'").fetchall()
            for table in (each["tablename"] for each in tables):
                with connection.cursor().copy(
                        f"COPY {table} TO STDOUT (FORMAT binary)") as copied:
                    yield f"table {table}", b"".join(bytes(part) for part in copied)


def search_cluster(canaries):
    """The whole of PostgreSQL's own files, its log and its write-ahead log among them."""
    canaries.assert_absent((str(path), canary.content(path))
                           for path in canary.files_below(cluster().directory))


def sessions(database, which="true"):
    return f"""SELECT pid FROM pg_stat_activity
               WHERE datname = '{database.name}' AND application_name = 'headgate' AND {which}"""


def administer(sql):
    with psycopg.connect(f"host=127.0.0.1 port={cluster().port} user=owner dbname=postgres",
                         autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def cut_sessions(database):
    """How many there were."""
    return len(administer(f"SELECT pg_terminate_backend(pid) FROM ({sessions(database)}) AS s"))
