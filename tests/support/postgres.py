"""A real PostgreSQL for the length of a test: its own data, port, certificate and user of the
system, since it refuses to run as root."""

import atexit
import fcntl
import functools
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

from support.ports import free_port
from support.programs import UNPACKED, find
from support.scratch import for_database, of_run

TIMEOUT_S = 60
READY = re.compile("ready to accept (read-only )?connections")


def programs():
    """Where initdb and postgres are, or None."""
    found = find("initdb")
    return pathlib.Path(found).resolve().parent if found else None


@functools.cache
def programs_for_all():
    """The same where another user can run them: a copy if they lie in a folder of root's own."""
    folder = programs()
    if all(each.stat().st_mode & 0o001 for each in folder.parents):
        return folder
    copy = shared_copy(of_run()) if of_run() else own_copy()
    return copy / folder.relative_to(UNPACKED)


def shared_copy(directory):
    """One for all processes of a run; the first makes it."""
    copy = directory / "postgres-programs"
    with open(directory / "postgres-programs.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            shutil.copytree(UNPACKED / "usr", directory / "postgres-programs.new/usr",
                            symlinks=True)
            (directory / "postgres-programs.new").rename(copy)
    return copy


def own_copy():
    copy = pathlib.Path(tempfile.mkdtemp(prefix="headgate-postgres-programs-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    shutil.copytree(UNPACKED / "usr", copy / "usr", symlinks=True)
    return copy


def make_certificates(directory, name, *others):
    """An authority and a server's certificate for one host name, and for `others` in OpenSSL's form
    ("IP:127.0.0.1"); the authority's path."""
    run = lambda *words: subprocess.run(["openssl", *words], cwd=directory, check=True,
                                        capture_output=True, timeout=TIMEOUT_S)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("req", "-x509", *key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=test CA",
        "-days", "2")
    run("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    (directory / "names").write_text("subjectAltName=" + ",".join([f"DNS:{name}", *others]) + "\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
        "-CAcreateserial", "-extfile", "names", "-out", "server.crt", "-days", "2")
    return directory / "ca.pem"


def unprivileged():
    """Who runs it: nobody else's files are his. None: we are not root and it may be us."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is no user postgres or nobody to run PostgreSQL as")


class Postgres:
    """One server. `hba` holds the lines of pg_hba.conf for TCP, `sql` what is run at the start,
    `settings` more of postgresql.conf."""

    initdb_options = ()

    def __init__(self, tls, hba, sql, settings=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headgate-postgres-",
                                                       dir=for_database()))
        self.user = unprivileged()
        self.bin = programs_for_all() if self.user else programs()
        self.port = free_port()
        self.process = None
        self.ca = make_certificates(self.directory, "localhost")
        (self.directory / "server.key").chmod(0o600)
        if self.user:
            for path in [self.directory, *self.directory.iterdir()]:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self._make_data()
        self._configure(tls, hba, settings or {})
        self.start()
        self.sql(sql)

    def _as_user(self):
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} \
            if self.user else {}
        return {**who, "cwd": self.directory, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}

    def _run(self, program, *words, **more):
        done = subprocess.run([self.bin / program, *words], capture_output=True,
                              timeout=TIMEOUT_S, **self._as_user(), **more)
        assert done.returncode == 0, (program, done.stderr.decode())
        return done.stdout.decode()

    def _make_data(self):
        self._run("initdb", "-D", "data", "-U", "owner", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync", *self.initdb_options)

    def _configure(self, tls, hba, more):
        data = self.directory / "data"
        (data / "pg_hba.conf").write_text("\n".join(["local all owner trust", *hba]) + "\n")
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.directory}'\nfsync = off\n"
                "log_connections = on\nmax_connections = 200\n"
                "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
                "dynamic_shared_memory_type = mmap\n"  # so that it goes with the directory
                f"ssl = {'on' if tls else 'off'}\n"
                f"ssl_cert_file = '{self.directory}/server.crt'\n"
                f"ssl_key_file = '{self.directory}/server.key'\n")
            settings.writelines(f"{name} = '{value}'\n" for name, value in more.items())

    def start(self):
        """Starts it, or starts it again, and waits until it answers."""
        log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", "data"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, **self._as_user())
        log.close()
        until = time.monotonic() + TIMEOUT_S
        while not READY.search(self.log()):
            assert self.process.poll() is None and time.monotonic() < until, self.log()
            time.sleep(0.02)

    def restart(self):
        """Ends it as its operator would, and waits until it is there again."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT_S)
        self.start()

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def sql(self, text):
        return self._run("psql", "-h", str(self.directory), "-p", str(self.port), "-U", "owner",
                         "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt", "-f", "-",
                         input=text.encode())

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()  # lets no new session in and waits for none
            try:
                self.process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(TIMEOUT_S)
        shutil.rmtree(self.directory, ignore_errors=True)
