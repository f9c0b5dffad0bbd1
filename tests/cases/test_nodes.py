"""Servers that share a store in PostgreSQL: what one does the others know, what one was doing when
it died another goes on with, and a connection that goes leaves no question open."""

import concurrent.futures
import pathlib
import re
import select
import signal
import subprocess
import time
import urllib.parse

import psycopg
import pytest

from support import crowd, operations, private, wire
from support.commit_cutter import CommitCutter
from support.database import PostgresDatabase, administer, cluster, cut_sessions
from support.proc import need_environ
from support.salesforce import REDIRECT, Salesforce, set_app
from support.server import command
from support.vendor import Vendor, http, to_vendor

AMPLITUDE = {"connectorProfileProperties": {"Amplitude": {}}}


def amplitude(canaries, name="p", **more):
    return {"connectorProfileName": name, "connectionMode": "Public", "connectorProfileConfig": {
        **AMPLITUDE, "connectorProfileCredentials": {
            "Amplitude": {"apiKey": "api-key", "secretKey": canaries.new()}}}, **more}


def new(canaries, name="p", **more):
    return amplitude(canaries, name, connectorType="Amplitude", **more)


@pytest.fixture
def agreeable():
    """A vendor that accepts whatever it is shown."""
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        yield vendor


def test_what_one_writes_another_reads(nodes, agreeable, canaries):
    first, second = [nodes(*to_vendor(agreeable)).start() for _ in range(2)]
    arn = first.ok("CreateConnectorProfile", new(canaries))["connectorProfileArn"]
    assert second.describe("p")["connectorProfileArn"] == arn
    second.ok("UpdateConnectorProfile", amplitude(canaries))
    assert first.describe("p") == second.describe("p")
    first.ok("DeleteConnectorProfile", {"connectorProfileName": "p"})
    assert second.describe("p") is None


def test_three_start_at_once_on_nothing(nodes):
    """One makes the tables, the service secret and the first access key; all serve."""
    made = [nodes() for _ in range(3)]
    nothing = PostgresDatabase()
    for node in made:
        node.database = nothing
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda node: node.start(), made))
    assert len(nothing.query("SELECT * FROM schema_version")) == 1
    assert len(nothing.query("SELECT * FROM access_keys")) == 1
    assert sum((node.data / "credentials").exists() for node in made) == 1


def test_one_token_at_two_nodes(nodes, canaries):
    """One of them works, the other waits for its answer; the code is shown once."""
    with Salesforce(canaries) as vendor:
        first = nodes(*to_vendor(vendor, "Salesforce"))
        set_app(first, canaries)
        second = nodes(*to_vendor(vendor, "Salesforce"))
        for node in (first, second):
            node.start()
        request = {"connectorProfileName": "crm", "connectionMode": "Public", "clientToken": "t",
                   "connectorType": "Salesforce", "connectorProfileConfig": {
                       "connectorProfileProperties": {"Salesforce": {}},
                       "connectorProfileCredentials": {"Salesforce": {"oAuthRequest": {
                           "authCode": vendor.new_code(), "redirectUri": REDIRECT}}}}}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda node: node.call("CreateConnectorProfile", request),
                                    [first, second] * 2))
        assert [each.status for each in answers] == [200] * 4, [each.body for each in answers]
        assert len({each.body for each in answers}) == 1
        assert list(vendor.codes.values()) == [1]
        other = {**request, "connectorProfileName": "other"}
        assert second.call("CreateConnectorProfile", other).status == 409


def test_connections_that_are_cut_are_made_again(nodes, database, agreeable, canaries):
    node = nodes(*to_vendor(agreeable)).start()
    node.ok("CreateConnectorProfile", new(canaries))
    for _ in range(3):
        assert cut_sessions(database) >= 2
        assert node.describe("p")
        node.ok("UpdateConnectorProfile", amplitude(canaries, clientToken="t"))
        assert cut_sessions(database) >= 2
        node.ok("UpdateConnectorProfile", amplitude(canaries))
        canaries.new("next")


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("operation", ["Create", "Update", "Delete"])
def test_the_fate_of_a_commit_is_looked_up(nodes, database, agreeable, canaries, operation,
                                           arrives):
    """It was lost on the way, or its answer was: the change is made once, and answered as made. Who
    took what is committed for lost would answer that it exists, was changed by another, is gone."""
    node = nodes(*to_vendor(agreeable))
    made = [("Create", new(canaries)), ("Update", amplitude(canaries)),
            ("Delete", {"connectorProfileName": "p"})]
    with CommitCutter(cluster().port) as way:
        database.options = ["--store", database.url.replace(str(cluster().port), str(way.port))]
        node.start()
        for number, (name, request) in enumerate(made, 1):
            if name == operation:
                way.arm(arrives)
            node.ok(f"{name}ConnectorProfile", request)
            assert bool(node.describe("p")) == (name != "Delete")
            assert node.query("SELECT count(*) AS n, min(outcome) AS is, max(outcome) AS also "
                              "FROM audit WHERE region IS NOT NULL"
                              ) == [{"n": number, "is": "ok", "also": "ok"}]
        assert way.cut.is_set()
        assert len(agreeable.requests) == 2
        node.stop()


def test_a_connection_that_could_not_be_set_up_is_not_used(nodes, database, agreeable, canaries):
    """Without its settings it would look for tables in another schema."""
    node = nodes(*to_vendor(agreeable), "--store-connections", "1")
    with CommitCutter(cluster().port) as way:
        database.options = ["--store", database.url.replace(str(cluster().port), str(way.port))]
        node.start()
        node.ok("CreateConnectorProfile", new(canaries))
        cut_sessions(database)
        way.spoil(b"SET search_path", b"SET search_puth")
        assert node.call("DescribeConnectorProfiles").status == 500
        way.unspoil()
        assert node.describe("p")
        node.stop()


def ask_without_waiting(node, path):
    where = urllib.parse.urlsplit(operations.address(node))
    connection = wire.Connection(where.hostname, where.port)
    connection.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def test_health_does_not_wait_for_the_database(nodes, database):
    """Nor do metrics. Whether it is ready is told when the database says something again."""
    node = nodes(*operations.OPTION)
    with CommitCutter(cluster().port) as way:
        database.options = ["--store", database.url.replace(str(cluster().port), str(way.port))]
        node.start()
        assert operations.ask(node, "/readyz")[0] == 200
        way.flows.clear()
        with ask_without_waiting(node, "/readyz") as readiness:
            assert operations.ask(node, "/healthz")[::2] == (200, "ok\n")
            assert operations.metrics(node)["headgate_store_failing"] == 0
            assert select.select([readiness.socket], [], [], 0)[0] == []
            way.flows.set()
            assert readiness.exchange(b"").status == 200
        node.stop()


CROWD = 640
READERS = 16  # --store-connections
ERRORS_A_CONNECTION = 6  # while one read gives up: a session that was lost, and tries to connect


def requests_with_a_new_key(node, name, canaries):
    """Which no loop knows: it is looked up first."""
    node.key = node.make_key(name, name)
    requests = [("UpdateConnectorProfile", amplitude(canaries)),
                ("DescribeConnectorProfiles", {"connectorProfileNames": ["p"]})]
    return [crowd.signed(node, *each) for each in requests] * (CROWD // len(requests))


@pytest.fixture
def way(database):
    """To the database, for nodes that are started from now on."""
    with CommitCutter(cluster().port) as cutter:
        database.options = ["--store",
                            database.url.replace(str(cluster().port), str(cutter.port))]
        yield cutter


@pytest.mark.waits(30)
def test_a_crowd_at_a_database_that_is_silent(nodes, way, agreeable, canaries):
    """Only those in hand wait for it in vain. The others are told so then, rather than each finding
    out by itself; one at a time goes on asking, so that it is noticed when there is an answer."""
    node = nodes(*operations.OPTION, *to_vendor(agreeable)).start()
    node.ok("CreateConnectorProfile", new(canaries))
    requests = requests_with_a_new_key(node, "AKIAHEADGATETEST0002", canaries)
    with crowd.Crowd(node, CROWD) as many:
        way.flows.clear()
        answers = [answer for answer, _ in many.exchange(requests)]
    assert {(each.status, each.header("Retry-After")) for each in answers} == {(503, "1")}
    assert operations.metrics(node)["headgate_store_errors_total"] <= READERS * ERRORS_A_CONNECTION
    assert len(agreeable.requests) == 1
    way.flows.set()
    until = time.monotonic() + private.WAIT_S
    while node.call("DescribeConnectorProfiles").status == 503:
        assert time.monotonic() < until  # the one probe, which may be a background thread's
    assert node.describe("p")
    node.ok("UpdateConnectorProfile", amplitude(canaries))
    node.stop()


def stopped_with_a_silent_store(nodes, way, agreeable, canaries, limit_s, also=lambda: None):
    """A node that was asked to stop while a crowd waits for its store."""
    node = nodes(*operations.OPTION, *to_vendor(agreeable), "--stop-timeout", str(limit_s)).start()
    node.ok("CreateConnectorProfile", new(canaries))
    requests = requests_with_a_new_key(node, "AKIAHEADGATETEST0002", canaries)
    with crowd.Crowd(node, CROWD) as many:
        way.flows.clear()
        also()
        many.send(requests)
        operations.wait_until(node, lambda seen: seen["headgate_connections_open"] >= CROWD)
        node.process.send_signal(signal.SIGTERM)
        return node.wait_for_end(), node.log


@pytest.mark.waits(30)
def test_a_stop_while_a_crowd_waits_for_a_silent_database(nodes, way, agreeable, canaries):
    """What has not begun by then is not tried, one round of readers after the other."""
    status, log = stopped_with_a_silent_store(nodes, way, agreeable, canaries, 25)
    assert status == 0, log[-3000:]


@pytest.mark.waits(10)
def test_a_stop_while_a_commit_waits_for_a_silent_database(nodes, way, agreeable, canaries):
    """It could wait for longer than a stop may take; what it wrote was not acknowledged."""
    node = nodes(*to_vendor(agreeable), "--stop-timeout", "3").start()
    node.ok("CreateConnectorProfile", new(canaries))
    with crowd.Crowd(node, 1) as one:
        way.hold_at(b"COMMIT")
        one.send([crowd.signed(node, "UpdateConnectorProfile", amplitude(canaries))])
        assert way.held.wait(private.WAIT_S)
        node.process.send_signal(signal.SIGTERM)
        assert node.wait_for_end() == 0, node.log[-3000:]


@pytest.mark.as_users_run_it  # the thread sanitizer reports the threads that such an end leaves
@pytest.mark.waits(10)
def test_a_stop_has_a_hard_end(nodes, way, database, agreeable, canaries):
    """The store's library waits, while it connects, for longer than a stop may take."""
    status, log = stopped_with_a_silent_store(nodes, way, agreeable, canaries, 0,
                                              lambda: cut_sessions(database))
    assert status == 1 and "error The server has not stopped 4 s after it was asked to" in log, log


def test_a_name_is_looked_up_by_its_key_in_tables_that_are_new(nodes):
    """PostgreSQL does not know yet that most names begin with the same account and region."""
    node = nodes()
    node.start()
    plan = node.query("EXPLAIN SELECT version FROM profiles"
                      " WHERE account = 'a' AND region = 'r' AND name = 'n'")
    assert "profiles_pkey" in str(plan), plan
    node.stop()


def test_writers_that_are_long_gone_are_forgotten(database, nodes):
    """Numbers of commits are kept for writers that may still ask for them."""
    node = nodes()
    database.change("INSERT INTO writers (id, batch, at_ms) VALUES ('old', 1, 0)")
    node.start()
    assert database.query("SELECT * FROM writers WHERE id = 'old'") == []


@pytest.mark.waits(15)
def test_a_private_connection_of_a_node_that_died(nodes, canaries):
    """Another node, which was up all the time, finds it and makes it."""
    with private.Gated(canaries) as vendor:
        first = nodes(*private.options(vendor))
        set_app(first, canaries)
        second = nodes(*private.options(vendor))
        for node in (first, second):
            node.start()
        vendor.gate.clear()
        first.ok("CreateConnectorProfile", private.create(vendor.new_tokens()))
        vendor.wait_for(1)
        first.kill()
        vendor.drop()
        vendor.gate.set()
        assert private.settled(second) == {"status": "CREATED"}


def test_a_restart_of_the_database_is_outlived(nodes, database, agreeable, canaries):
    """Reads and changes wait for it."""
    node = nodes(*to_vendor(agreeable)).start()
    node.ok("CreateConnectorProfile", new(canaries))
    cluster().restart()
    assert node.describe("p")
    node.ok("UpdateConnectorProfile", amplitude(canaries))


@pytest.mark.parametrize("url, words", [
    ("postgresql://owner@127.0.0.1:1/x", "cannot be reached"),
    ("postgresql://owner:canary-p/w@127.0.0.1/x", "PostgreSQL connection URL"),
    ("mysql://127.0.0.1/x", "PostgreSQL connection URL"),
    ("", "PostgreSQL connection URL"),
    ("postgresql://owner@127.0.0.1:{port}/nobodys", "nobodys"),
    ("postgresql://nobody:x@127.0.0.1:{port}/postgres", "nobody")])
def test_a_store_that_is_not_there(tmp_path, url, words):
    done = subprocess.run(
        command("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--store",
                url.format(port=cluster().port)), capture_output=True, timeout=60)
    said = done.stderr.decode()
    assert words in said and "canary" not in said, said
    assert "\t" not in said and "  " not in said
    assert done.returncode == (2 if "connection URL" in words else 1)
    assert not (tmp_path / "data").exists()


def test_a_node_without_the_keyring_is_told_to_copy_it(nodes, database, tmp_path):
    node = nodes().start()
    done = subprocess.run(command("serve", "--data", tmp_path / "second", *database.options,
                                  "--listen", "127.0.0.1:0"), capture_output=True, timeout=60)
    assert done.returncode == 1 and b"Copy the keyring of a node" in done.stderr, done.stderr
    assert b"another --data" not in done.stderr
    assert "data in PostgreSQL" in node.log


def test_a_newer_schema_is_refused(nodes, database):
    node = nodes()
    database.change("UPDATE schema_version SET version = version + 1")
    done = subprocess.run(command("serve", *node.place, "--listen", "127.0.0.1:0"),
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and b"newer version of Headgate" in done.stderr, done.stderr


def test_the_password_shows_nowhere(database, canaries, servers, tmp_path):
    """From the URL or PGPASSWORD: not in the process's arguments or environment afterwards."""
    password = canaries.new("database-password")
    role = f"role_{database.name}"
    administer(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
    place = f"127.0.0.1:{cluster().port}/{database.name}"
    for url, env in ((f"postgresql://{role}:{password}@{place}", {}),
                     (f"postgresql://{role}@{place}", {"PGPASSWORD": password}),
                     (None, {"HEADGATE_STORE": f"postgresql://{role}:{password}@{place}"})):
        database.options = ["--store", url] if url else []
        node = servers("--keyring", tmp_path / "keyring", env=env, start=False, make_key=False)
        node.database = database
        node.start()
        need_environ(node)
        assert b"PATH=" in node.environ
        assert node.count_rows("access_keys") == 1
        node.stop()


def test_a_quota_is_exact_over_all_nodes(nodes, agreeable, canaries):
    """Many creates at once, by two nodes: as many as the quota lets, and no more."""
    quota, calls, regions = 5, 16, ("us-east-1", "us-east-2", "us-west-1", "us-west-2")
    made = [nodes("--profile-quota", str(quota), *to_vendor(agreeable)).start() for _ in range(2)]

    def create(number, region):
        node = made[number % len(made)]
        answer = node.call("CreateConnectorProfile", new(canaries, f"p{number}"), region=region)
        return answer.status, answer.error

    with concurrent.futures.ThreadPoolExecutor(calls) as pool:
        for region in regions:
            answers = list(pool.map(create, range(calls), [region] * calls))
            assert sorted(answers, key=str) == [(200, None)] * quota + \
                [(402, "ServiceQuotaExceededException")] * (calls - quota)
            listed = made[0].ok("DescribeConnectorProfiles", {}, region=region)
            assert len(listed["connectorProfileDetails"]) == quota


MANY = """INSERT INTO profiles (account, region, name, version, connector_type, connector_label,
    connection_mode, credentials_arn, created_at_ms, updated_at_ms, properties,
    credentials_version)
    SELECT '123456789012', 'us-east-1', 'n' || i, 1, {type}, {label}, 'Public', 'arn', 0, 0, '{{}}',
    1
    FROM generate_series(1, 20000) AS i"""
ROWS_READ = """SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
    FROM pg_stat_user_tables WHERE relname = 'profiles'"""
ENTRIES_READ = """SELECT sum(idx_tup_read) AS entries
    FROM pg_stat_user_indexes WHERE relname = 'profiles'"""
SESSIONS_S = 60
CALLS = 20  # more than it takes until PostgreSQL plans a statement once for all


def stop_and_count(node, database):
    """Rows and entries of indexes that were read of the profiles so far. A session tells its part
    when it ends, the test's own among them."""
    node.stop()
    until = time.monotonic() + SESSIONS_S
    while administer(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database.name}'"
                     " AND backend_type = 'client backend'"):
        assert time.monotonic() < until
    return database.query(ROWS_READ)[0]["rows"], database.query(ENTRIES_READ)[0]["entries"]


@pytest.mark.parametrize("analyzed", ["analyzed", "not analyzed"])
@pytest.mark.parametrize("kind, label, sought", [
    ("Salesforce", None, {"connectorType": "Zendesk"}),
    ("CustomConnector", "many", {"connectorType": "Zendesk"}),
    ("CustomConnector", "many", {"connectorLabel": "one"}),
])
def test_one_among_many_is_found_by_an_index(nodes, database, kind, label, sought, analyzed):
    """PostgreSQL's own counters tell what was read, once its sessions have ended."""
    node = nodes().start()
    node.stop()
    database.change(MANY.format(type=f"'{kind}'", label=f"'{label}'" if label else "NULL"))
    if analyzed == "analyzed":
        database.change("ANALYZE profiles")  # a sample, which one among a million is not in
    database.change("UPDATE profiles SET name = 'z', connector_type = "
                    f"'{sought.get('connectorType', kind)}', connector_label = "
                    f"{'NULL' if 'connectorType' in sought else chr(39) + 'one' + chr(39)} "
                    "WHERE name = 'n77'")
    before = stop_and_count(node, database)
    node.start()
    for _ in range(CALLS):
        answer = node.ok("DescribeConnectorProfiles", sought)
        assert [each["connectorProfileName"] for each in answer["connectorProfileDetails"]] == ["z"]
        assert "nextToken" not in answer
    for read_before, read_after in zip(before, stop_and_count(node, database)):
        assert CALLS <= read_after - read_before <= 4 * CALLS


STATEMENTS = pathlib.Path(__file__).resolve().parents[2] / "src/store/db/statements.inc"
MANY_EXPIRE = {
    "client_tokens": "INSERT INTO client_tokens SELECT '123456789012', 'us-east-1', 'o', 't' || i,"
                     " i, 'hash', '{}' FROM generate_series(1, 20000) AS i",
    "token_grants": "INSERT INTO token_grants SELECT decode(md5(CAST(i AS TEXT)), 'hex'),"
                 " '123456789012', 'us-east-1', 'p', 1, i FROM generate_series(1, 20000) AS i",
    "audit": "INSERT INTO audit (position, at_ms, account, operation, outcome)"
             # positions that no row of the server has
             " SELECT 1000000 + i, i, '123456789012', 'o', 'ok'"
             " FROM generate_series(1, 20000) AS i",
}


def statement(name):
    """Its text, as it is sent."""
    text = re.search(rf'STATEMENT\({name},\s*((?:"[^"]*"\s*)+)\)', STATEMENTS.read_text())
    return "".join(re.findall(r'"([^"]*)"', text.group(1)))


EXPIRE = ("bigint, bigint", "10, 1000")
TRIM = ("text, text, text, bigint, bytea, bigint, bigint, bigint",
        "'123456789012', 'us-east-1', 'p', 256, '', 10, 0, 1000")


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("name, table, of", [
    ("SQL_CLIENT_TOKEN_EXPIRE", "client_tokens", EXPIRE),
    ("SQL_TOKEN_GRANT_EXPIRE", "token_grants", EXPIRE),
    ("SQL_AUDIT_EXPIRE", "audit", EXPIRE), ("SQL_TOKEN_GRANT_TRIM", "token_grants", TRIM)])
def test_what_goes_is_found_by_an_index(nodes, database, name, table, of, mode):
    """Also before PostgreSQL knows how many rows there are."""
    nodes().start().stop()
    database.change(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    database.change(MANY_EXPIRE[table])
    with psycopg.connect(f"{database.where} dbname={database.name} options=-csearch_path=headgate",
                         prepare_threshold=None) as connection:
        connection.execute(f"SET plan_cache_mode = {mode}")
        types, values = of
        connection.execute(f"PREPARE removal({types}) AS {statement(name)}")
        plan = "\n".join(row for row, in connection.execute(f"EXPLAIN EXECUTE removal({values})"))
    assert f"Seq Scan on {table}  (" not in plan, plan  # an inner one would have another name


@pytest.mark.as_users_run_it  # a slow server still runs when it looks at all profiles
@pytest.mark.parametrize("analyzed", ["analyzed", "not analyzed"])
def test_a_quota_is_counted_no_further(nodes, database, agreeable, canaries, analyzed):
    node = nodes("--profile-quota", "10", *to_vendor(agreeable)).start()
    node.stop()
    database.change("ALTER TABLE profiles SET (autovacuum_enabled = off)")  # it reads, too
    database.change(MANY.format(type="'Salesforce'", label="NULL"))
    if analyzed == "analyzed":
        database.change("ANALYZE profiles")
    before = stop_and_count(node, database)
    node.start()
    for number in range(CALLS):
        answer = node.call("CreateConnectorProfile", new(canaries, f"more-{number}"))
        assert (answer.status, answer.error) == (402, "ServiceQuotaExceededException")
    assert node.ok("CreateConnectorProfile", new(canaries, "elsewhere"), region="eu-central-1")
    for read_before, read_after in zip(before, stop_and_count(node, database)):
        assert read_after - read_before <= 40 * CALLS
