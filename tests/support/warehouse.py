"""Redshift's COPY over a real PostgreSQL: a front passes the protocol on, and loads the objects of
a COPY itself, from the folder where the sandbox keeps its buckets, as Redshift would from S3: all
of them or none, by the names of the records' members in whatever case, with a row in the view of
loads and, where a record does not fit, one in the view of errors."""

import json
import pathlib
import re
import socket
import socketserver
import struct
import threading

from support import postgres

USER = "loader"
COPY = re.compile(
    r"""COPY (?P<table>.+?) FROM 's3://(?P<bucket>[^/']+)/(?P<key>[^']+)' """
    r"""IAM_ROLE '(?P<role>[^']+)' REGION '(?P<region>[^']+)' MANIFEST """
    r"""FORMAT AS JSON 'auto ignorecase' TIMEFORMAT 'auto' DATEFORMAT 'auto'\Z""")
SETUP = f"""
    CREATE ROLE {USER} LOGIN;
    CREATE DATABASE dev;
    \\connect dev
    CREATE TABLE sys_load_history (data_source text, status text, loaded_rows bigint,
        start_time timestamp DEFAULT clock_timestamp());
    CREATE TABLE sys_load_error_detail (file_name char(256), line_number bigint,
        column_name char(127), error_message char(512), start_time timestamp DEFAULT now());
    GRANT SELECT ON sys_load_history, sys_load_error_detail TO {USER};
"""
FAILED = "Load into table '{}' failed.  Check 'sys_load_error_detail' system table for details."


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


class LoadFailed(Exception):
    def __init__(self, state, text):
        super().__init__(text)
        self.state, self.text = state, text


class Warehouse:
    """`tables`: SQL that makes them, in the database dev. USER has no password yet."""

    def __init__(self, tables):
        self.server = postgres.Postgres(False, [f"host dev {USER} 127.0.0.1/32 md5"],
                                        SETUP + tables + f";GRANT SELECT, INSERT ON ALL TABLES IN "
                                        f"SCHEMA public TO {USER};")
        self.buckets = None  # the folder that stands for S3
        self.copies = []     # of each: what the statement names
        self.cut_before = self.cut_after = False  # the connection, around the next COPY
        self.held = threading.Event()  # at a COPY, while `goes` is clear
        self.goes = threading.Event()
        self.goes.set()
        self.looked = threading.Semaphore(0)  # at what the database says of its loads
        front = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                Conversation(front, self.request).pass_on()

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.goes.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()
        self.server.close()

    def rows(self, sql):
        """What a query gives, each row as JSON."""
        made = self.server.sql(f"\\connect dev\nSELECT row_to_json(q) FROM ({sql}) q;")
        return [json.loads(line) for line in made.splitlines()]

    def do(self, sql):
        self.server.sql(f"\\connect dev\n{sql}")

    # --- COPY ---

    def load(self, statement):
        """Loads what it names. LoadFailed: the database's error."""
        asked = COPY.match(statement)
        assert asked, statement
        self.copies.append(asked.groupdict())
        source = f"s3://{asked['bucket']}/{asked['key']}"
        try:
            self.insert(asked, self.entries(asked))
        except LoadFailed:
            self.do(f"INSERT INTO sys_load_history VALUES ({quoted(source)}, 'aborted', 0)")
            raise

    def entries(self, asked):
        path = self.buckets / asked["bucket"] / asked["key"]
        if not path.exists():
            raise LoadFailed("XX000", "S3ServiceException:The specified key does not exist.,"
                                      "Status 404,Error NoSuchKey")
        entries = json.loads(path.read_text())["entries"]
        assert all(each["mandatory"] is True for each in entries)
        return [each["url"] for each in entries]

    def insert(self, asked, urls):
        """All in one transaction."""
        table, source = asked["table"], f"s3://{asked['bucket']}/{asked['key']}"
        records = []
        for url in urls:
            path = self.buckets / pathlib.PurePosixPath(url.removeprefix("s3://"))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                record = {name.lower(): value for name, value in json.loads(line).items()}
                records.append((url, number, record))
        load = "".join(f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, "
                       f"{quoted(json.dumps(record))});\n" for _, _, record in records)
        try:
            self.do(f"BEGIN;\n{load}INSERT INTO sys_load_history VALUES ({quoted(source)}, "
                    f"'completed', {len(records)});\nCOMMIT;")
        except AssertionError as error:
            self.refuse(table, records, str(error))

    def refuse(self, table, records, said):
        if "does not exist" in said:
            raise LoadFailed("42P01", f'relation "{table}" does not exist')
        line = int(re.search(r"<stdin>:(\d+)", said)[1]) - 3  # behind \connect and BEGIN
        url, number, _ = records[line]
        text = re.search(r"ERROR:  (.*?)\\n", said)[1] if "\\n" in said else \
            re.search(r"ERROR:  (.*)", said)[1]
        self.do(f"INSERT INTO sys_load_error_detail VALUES ({quoted(url)}, {number}, 'amount', "
                f"{quoted(text)})")
        raise LoadFailed("XX000", FAILED.format(table))


class Conversation:
    """One client's, message by message."""

    def __init__(self, front, near):
        self.front, self.near = front, near

    def pass_on(self):
        with socket.create_connection(("127.0.0.1", self.front.server.port)) as far:
            threading.Thread(target=self.bring_back, args=(far,), daemon=True).start()
            try:
                self.take_all(far)
            except OSError:
                pass  # the client has gone
            finally:
                far.shutdown(socket.SHUT_RDWR)

    def take_all(self, far):
        stream = self.near.makefile("rb")
        typed = False
        while message := read_message(stream, typed):
            typed = True
            text = message[5:-1].decode() if message[:1] == b"Q" else ""
            if "FROM sys_load_history" in text:
                self.front.looked.release()
            if not text.startswith("COPY "):
                far.sendall(message)
            elif not self.copy(text):
                return

    def bring_back(self, far):
        try:
            while data := far.recv(65536):
                self.near.sendall(data)
        except OSError:
            pass
        finally:
            self.near.close()

    def copy(self, statement):
        """False: the connection is cut."""
        front = self.front
        if front.cut_before:
            front.cut_before = False
            return False
        front.held.set()
        front.goes.wait()
        try:
            front.load(statement)
            answer = typed_message(b"C", b"COPY\0")
        except LoadFailed as failed:
            answer = typed_message(b"E", b"SERROR\0" + f"C{failed.state}\0M{failed.text}\0".encode()
                                   + b"\0")
        if front.cut_after:
            front.cut_after = False
            return False
        self.near.sendall(answer + typed_message(b"Z", b"I"))
        return True


def typed_message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def read_message(stream, typed):
    head = stream.read(5 if typed else 4)
    if len(head) < (5 if typed else 4):
        return b""
    return head + stream.read(struct.unpack("!I", head[-4:])[0] - 4)
