"""The sandbox's database judged by clients of its protocol, unmodified: AWS's own driver for
Redshift, which alone knows its SHA-256, and PostgreSQL's psql with TLS and SCRAM."""

import os
import subprocess

import pytest

from support import sandbox as sandbox_of
from support.programs import find

TIMEOUT_S = 60
PASSWORD = "sandbox-password"
HOST = "acme.abc123xyz789.us-west-2.redshift.amazonaws.com"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """Its database's port and its authority's certificate."""
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each.database_port, each.ca


def sign_in(port, user, password=PASSWORD, database="dev"):
    """None, or the SQLSTATE with which AWS's driver was refused."""
    driver = pytest.importorskip(
        "redshift_connector", reason="redshift-connector is not installed")
    try:
        driver.connect(host="127.0.0.1", port=port, database=database, user=user,
                       password=password, ssl=False, timeout=TIMEOUT_S).close()
        return None
    except driver.Error as error:
        return error.args[0]["C"]


@pytest.mark.shows("peer", "redshift_connector", kind="Redshift")
@pytest.mark.parametrize("user", ["sandbox_md5", "sandbox_sha256"])
def test_the_vendors_driver_signs_in(sandbox, user):
    assert sign_in(sandbox[0], user) is None
    assert sign_in(sandbox[0], user, "another-password") == "28000"
    assert sign_in(sandbox[0], user, database="nowhere") == "3D000"


@pytest.mark.parametrize("user,sqlstate", [
    ("sandbox_nobody", "28000"), ("sandbox_no_entry", "28000"), ("sandbox_forbidden", "42501"),
    ("sandbox_throttled", "53300"), ("sandbox_starting", "57P03"),
])
def test_the_vendors_driver_is_refused(sandbox, user, sqlstate):
    assert sign_in(sandbox[0], user) == sqlstate


def psql(sandbox, user, query, password=PASSWORD, **options):
    if find("psql") is None:
        pytest.skip("psql is not there (Debian's package postgresql-client-15)")
    settings = {"host": HOST, "hostaddr": "127.0.0.1", "port": sandbox[0], "user": user,
                "dbname": "dev", "sslmode": "verify-full", "sslrootcert": sandbox[1], **options}
    return subprocess.run(
        [find("psql"), "-XqAt", " ".join(f"{name}={value}" for name, value in settings.items()),
         "-c", query],
        capture_output=True, timeout=TIMEOUT_S, env={**os.environ, "PGPASSWORD": password})


@pytest.mark.shows("peer", "psql", kind="Redshift")
@pytest.mark.parametrize("user", ["sandbox_md5", "sandbox_scram"])
def test_psql_signs_in_over_tls(sandbox, user):
    assert psql(sandbox, user, "SELECT 1").stdout == b"1\n"
    assert psql(sandbox, user, "select 1;", sslmode="disable").stdout == b"1\n"
    done = psql(sandbox, user, "SELECT 1", "another-password")
    assert done.returncode != 0 and b"password authentication failed" in done.stderr


def test_psql_is_told_what_is_not_played(sandbox):
    assert b"the sandbox answers SELECT 1, COPY" in psql(sandbox, "sandbox_md5", "SELECT 2").stderr
    assert b"permission denied" in psql(sandbox, "sandbox_no_query", "SELECT 1").stderr


def test_psql_lists_tables_and_columns(sandbox):
    """Without NULLs, an empty cell is one."""
    tables = psql(sandbox, "sandbox_md5", "SELECT name FROM information_schema.tables ORDER BY 1")
    assert tables.stdout == b"public.accounts\nsales.orders\n"
    columns = psql(sandbox, "sandbox_md5", "SELECT c.column_name FROM information_schema.columns "
                                           "c WHERE c.name = 'sales.orders' ORDER BY 1")
    assert columns.stdout.splitlines()[:2] == [b"id|bigint|NO|", b"account_id|integer|YES|"]


def test_psql_does_not_know_the_vendors_way(sandbox):
    done = psql(sandbox, "sandbox_sha256", "SELECT 1")
    assert b"authentication method 13 not supported" in done.stderr
