"""Databases that profiles name and that mean harm: what they ask for costs the server no more than
its bounds, other accounts go on beside them, and they learn nothing of the server's environment."""

import concurrent.futures
import contextlib
import signal
import threading

import pytest

from support.server import OTHER_ACCOUNT
from support.vendor import Vendor, http, silence, to_vendor
from support.vendor_database import Database, messages

ROLE = "arn:aws:iam::123456789012:role/stage"
AT_ONCE = 3  # more than there are CPU slots on a small machine
DELETES = 100
WAIT_S = 60
PG_VARIABLES = {
    "PGOPTIONS": "-c evil=1", "PGSERVICE": "canary", "PGSERVICEFILE": "/nonexistent/canary",
    "PGTZ": "Europe/Canary", "PGDATESTYLE": "canary", "PGGEQO": "canary", "PGUSER": "canary",
    "PGDATABASE": "canary", "PGAPPNAME": "canary", "PGCLIENTENCODING": "canary",
    "PGHOST": "canary.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGSSLMODE": "require",
    "PGCHANNELBINDING": "require", "PGPASSFILE": "/nonexistent/canary", "PGCONNECT_TIMEOUT": "1",
    "PGTARGETSESSIONATTRS": "standby", "PGSYSCONFDIR": "/nonexistent/canary"}


def asking_for(iterations):
    """A database that asks for so many SCRAM iterations, and is silent once they were computed;
    `asked` counts how often it did."""
    asked = threading.Semaphore(0)

    def answer(request):
        if request.raw[:1] != b"p":
            return messages(['R 10 "SCRAM-SHA-256\\0\\0"'])
        _, found, nonce = request.raw.partition(b"n=,r=")
        if not found:
            return silence
        asked.release()
        return messages(
            [f'R 11 "r={nonce.decode()}more,s=W22ZaJ0SNY7soEsUEjb6gQ==,i={iterations}"'])

    database = Database(answer)
    database.asked = asked
    return database


def wait_until_asked(database):
    for _ in range(AT_ONCE):
        assert database.asked.acquire(timeout=WAIT_S)


def redshift(database, canaries, name="database", options="?ssl=false"):
    return {"connectorProfileName": name, "connectorType": "Redshift", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Redshift": {
                    "bucketName": "stage", "roleArn": ROLE,
                    "databaseUrl": f"jdbc:redshift://127.0.0.1:{database.port}/dev{options}"}},
                "connectorProfileCredentials": {"Redshift": {
                    "username": "loader", "password": canaries.new()}}}}


def amplitude(canaries, name):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": "api-key", "secretKey": canaries.new()}}}}


@pytest.fixture
def server(servers):
    """It verifies with a vendor that accepts everything, and with databases on loopback."""
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        yield servers(*to_vendor(vendor), "--verify-timeout", "5")


@contextlib.contextmanager
def creating(server, bodies):
    """Creates all of them again and again, each by a client of its own, until the block ends; the
    answers, which are complete after it."""
    answers, ended = [], threading.Event()

    def create(body):
        while not ended.is_set():
            answers.append(server.call("CreateConnectorProfile", body))

    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        clients = [pool.submit(create, body) for body in bodies]
        try:
            yield answers
        finally:
            ended.set()
        for client in clients:
            client.result()


def delete_many(server, canaries):
    """Another account deletes what it has, one after the other."""
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    names = [f"p{number}" for number in range(DELETES)]
    for name in names:
        server.ok("CreateConnectorProfile", amplitude(canaries, name), key=other)
    yield
    for name in names:
        server.ok("DeleteConnectorProfile", {"connectorProfileName": name}, key=other)


@pytest.mark.parametrize("iterations,words", [
    (2**31 - 1, "asks for 2147483647 SCRAM iterations, of which this server computes at most"
                " 100000. Lower scram_iterations in the database"),
    (100000, "did not answer within the time limit"),
])
@pytest.mark.waits(10)
def test_costly_sign_ins_do_not_delay_other_accounts(server, canaries, iterations, words):
    deletes = delete_many(server, canaries)
    next(deletes)
    with asking_for(iterations) as database:
        bodies = [redshift(database, canaries, f"d{number}") for number in range(AT_ONCE)]
        with creating(server, bodies) as answers:
            wait_until_asked(database)
            assert next(deletes, None) is None
    assert {(each.status, each.error) for each in answers} == \
        {(401, "ConnectorAuthenticationException")}
    assert all(words in each.message for each in answers), answers[0].message


@pytest.mark.parametrize("iterations", [2**31 - 1, 100000])
def test_a_stop_does_not_wait_for_costly_sign_ins(servers, canaries, iterations):
    server = servers("--egress-allow", "127.0.0.1", "--verify-timeout", "300",
                     "--stop-timeout", "1")
    with asking_for(iterations) as database, \
            concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(AT_ONCE):
            pool.submit(server.call, "CreateConnectorProfile",
                        redshift(database, canaries, f"d{number}"))
        wait_until_asked(database)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == 0


@pytest.mark.parametrize("iterations", [1, 4095])
def test_few_iterations_are_refused_where_the_server_is_not_verified(server, canaries, iterations):
    """The proof of one iteration would let an impostor guess the password cheaply."""
    with asking_for(iterations) as database:
        answer = server.call("CreateConnectorProfile", redshift(database, canaries))
        assert answer.status == 401
        assert (f"asks for {iterations} SCRAM iterations, and at least 4096 are required of a "
                "database whose certificate is not verified") in answer.message
        assert [each.raw[:1] for each in database.requests][1:] == [b"p"]  # and no proof


@pytest.mark.embedded
def test_no_variable_reaches_a_database(servers, canaries):
    """Variables of libpq's, which an operator sets for the store perhaps."""
    server = servers("--egress-allow", "127.0.0.1", "--verify-timeout", "5", env=PG_VARIABLES)
    with Database() as database:
        database.script.extend([messages(['E "SFATAL\\0C28000\\0Mno\\0\\0"'])])
        answer = server.call("CreateConnectorProfile", redshift(database, canaries))
        assert answer.status == 401
        assert answer.message.endswith("at step api: no. Check username and password.")
        sent = [each.raw for each in database.requests]
    assert sent == [messages([
        'start 196608 "user\\0loader\\0database\\0dev\\0application_name\\0headgate\\0'
        'client_encoding\\0UTF8\\0\\0"'])]
