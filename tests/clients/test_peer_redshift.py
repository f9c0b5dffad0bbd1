"""The JDBC way of Redshift against a real PostgreSQL: SCRAM and MD5 passwords, TLS on and off."""

import pathlib

import pytest

from support import aws, postgres
from support.canary import Canaries

pytestmark = [
    pytest.mark.shows("peer", "PostgreSQL", kind="Redshift"),
    pytest.mark.skipif(postgres.programs() is None,
                       reason="PostgreSQL is not installed (Debian's package postgresql)"),
]

USERS = ("scram_user", "md5_user", "expired_user", "nologin_user", "crowded_user")
LATIN = "m\u00b2\u00b5\u00bd\u00a0\u00b4\u00fc\u00dfx"  # of which SASLprep changes five characters
WIDE = "\uff41bcdefgh"  # a full-width letter, which becomes an ordinary one
ROLE = "arn:aws:iam::123456789012:role/stage"


def setup_sql(passwords):
    return f"""
        SET password_encryption = 'scram-sha-256';
        CREATE ROLE scram_user LOGIN PASSWORD '{passwords["scram_user"]}';
        CREATE ROLE latin_user LOGIN PASSWORD '{LATIN}';
        CREATE ROLE wide_user LOGIN PASSWORD '{WIDE}';
        CREATE ROLE expired_user LOGIN PASSWORD '{passwords["expired_user"]}'
            VALID UNTIL '2001-01-01';
        CREATE ROLE nologin_user NOLOGIN PASSWORD '{passwords["nologin_user"]}';
        CREATE ROLE crowded_user LOGIN CONNECTION LIMIT 0 PASSWORD '{passwords["crowded_user"]}';
        SET password_encryption = 'md5';
        CREATE ROLE md5_user LOGIN PASSWORD '{passwords["md5_user"]}';
        CREATE DATABASE dev;
        CREATE DATABASE closed;
        REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
        \\connect dev
        CREATE SCHEMA "sales.eu";
        CREATE TABLE accounts (id integer PRIMARY KEY, "Name" varchar(20) NOT NULL, at timestamp
            DEFAULT now());
        CREATE TABLE "sales.eu"."o'brien" (id integer);
        CREATE TABLE secret (id integer);
        CREATE VIEW recent AS SELECT * FROM accounts;
        GRANT USAGE ON SCHEMA "sales.eu" TO scram_user;
        GRANT SELECT, INSERT ON accounts, recent, "sales.eu"."o'brien" TO scram_user;
    """


class Peer:
    def __init__(self, tls):
        self.passwords = {name: Canaries().new(name) for name in USERS}
        hba = ["host dev,closed md5_user 127.0.0.1/32 md5",
               "host dev,closed,nowhere all 127.0.0.1/32 scram-sha-256"]
        self.server = postgres.Postgres(tls, hba, setup_sql(self.passwords))

    def url(self, more="", database="dev", host="localhost"):
        return f"jdbc:redshift://{host}:{self.server.port}/{database}{more}"

    def config(self, user="scram_user", password=None, **url):
        return {
            "connectorProfileProperties": {"Redshift": {
                "databaseUrl": self.url(**url), "bucketName": "stage", "roleArn": ROLE}},
            "connectorProfileCredentials": {"Redshift": {
                "username": user, "password": password or self.passwords[user]}}}


@pytest.fixture(scope="module")
def tls_peer():
    peer = Peer(True)
    yield peer
    peer.server.close()


@pytest.fixture(scope="module")
def plain_peer():
    peer = Peer(False)
    yield peer
    peer.server.close()


def start(servers, canaries, peer, *options, trust=True):
    """A server that may go to loopback and trusts the peer's authority."""
    for password in peer.passwords.values():
        canaries.add(password)
    env = {"SSL_CERT_FILE": str(peer.server.ca)} if trust else {}
    return servers("--egress-allow", "127.0.0.1,::1", *options, env=env)


def refusal(server, config):
    """Creates a profile, which must be refused; what is said."""
    name, status, message = aws.refused(aws.create, client=aws.boto(server), name="database",
                                        kind="Redshift", config=config)
    assert (name, status) == ("ConnectorAuthenticationException", 401), message
    assert server.describe("database") is None
    return message


def sign_in(server, canaries, peer, user, more):
    client = aws.boto(server)
    config = peer.config(user, more=more)
    aws.create(client, "database", "Redshift", config)
    aws.update(client, "database", config)
    assert server.describe("database")["connectorProfileProperties"]["Redshift"]["databaseUrl"] \
        == peer.url(more)
    assert "connection authorized: user=" + user in peer.server.log()
    name, _, message = aws.refused(aws.update, client=client, name="database",
                                   config=peer.config(user, canaries.new("wrong"), more=more))
    assert name == "ConnectorAuthenticationException"
    assert "rejected the credentials at step api: password authentication failed" in message


@pytest.mark.parametrize("user", ["scram_user", "md5_user"])
def test_a_user_signs_in_over_tls(servers, canaries, tls_peer, user):
    sign_in(start(servers, canaries, tls_peer), canaries, tls_peer, user, "")
    assert "SSL enabled" in tls_peer.server.log()


@pytest.mark.parametrize("user", ["scram_user", "md5_user"])
def test_a_user_signs_in_without_tls(servers, canaries, plain_peer, user):
    sign_in(start(servers, canaries, plain_peer), canaries, plain_peer, user, "?ssl=false")
    assert "SSL enabled" not in plain_peer.server.log()


def test_a_password_is_prepared_as_the_database_does(servers, canaries, tls_peer):
    server = start(servers, canaries, tls_peer)
    aws.create(aws.boto(server), "latin", "Redshift", tls_peer.config("latin_user", LATIN))
    assert "set a password of letters that are in Latin-1" \
        in refusal(server, tls_peer.config("wide_user", WIDE))


def test_encryption_is_not_given_up(servers, canaries, plain_peer):
    server = start(servers, canaries, plain_peer)
    assert "offers no TLS" in refusal(server, plain_peer.config())
    assert "offers no TLS" in refusal(server, plain_peer.config(more=";sslmode=require"))


@pytest.mark.parametrize("user,url,words", [
    ("expired_user", {}, "rejected the credentials"),
    ("nologin_user", {}, "rejected the credentials"),
    ("crowded_user", {}, "rate limit reached"),
    ("scram_user", {"database": "nowhere"}, "cannot be used with this configuration"),
    ("scram_user", {"database": "closed"}, "lack a permission"),
    ("scram_user", {"database": "postgres"}, "request blocked at step api: no pg_hba"),
])
def test_refusals_are_told_apart(servers, canaries, tls_peer, user, url, words):
    server = start(servers, canaries, tls_peer, "--verify-timeout", "5")
    assert words in refusal(server, tls_peer.config(user, **url))


def test_certificates_are_verified(servers, canaries, tls_peer):
    server = start(servers, canaries, tls_peer)
    other_name = {"host": "127.0.0.1"}
    assert "another host name" in refusal(server, tls_peer.config(**other_name))
    aws.create(aws.boto(server), "ca", "Redshift",
               tls_peer.config(more="?sslmode=verify-ca", **other_name))
    stranger = start(servers, canaries, tls_peer, trust=False)
    assert "not trusted" in refusal(stranger, tls_peer.config())
    assert "not trusted" in refusal(stranger, tls_peer.config(more="?sslmode=verify-ca"))
    aws.create(aws.boto(stranger), "any", "Redshift", tls_peer.config(more="?sslmode=require"))


def test_the_policy_judges_each_address(servers, canaries, tls_peer):
    for password in tls_peer.passwords.values():
        canaries.add(password)
    server = servers(env={"SSL_CERT_FILE": str(tls_peer.server.ca)})
    before = tls_peer.server.log().count("connection received")
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        assert "may not connect to" in refusal(server, tls_peer.config(host=host))
    # Whether a name has an address that is refused, or none, is not said.
    for host in ("localhost", "gone.invalid"):
        assert f"{host}:" in (message := refusal(server, tls_peer.config(host=host)))
        assert "has no address that this server may connect to" in message
    assert tls_peer.server.log().count("connection received") == before


def test_a_stored_password_stays_where_it_was(servers, canaries, tls_peer):
    server = start(servers, canaries, tls_peer)
    client = aws.boto(server)
    aws.create(client, "database", "Redshift", tls_peer.config())
    same = aws.properties_only(tls_peer.config(database="dev", more="?loginTimeout=5"))
    aws.update(client, "database", same)
    for url in (tls_peer.url(host="127.0.0.1"), tls_peer.url("?ssl=false")):
        same["connectorProfileProperties"]["Redshift"]["databaseUrl"] = url
        name, _, message = aws.refused(aws.update, client=client, name="database", config=same)
        assert name == "ValidationException" and "Give connectorProfileCredentials" in message


def test_tables_and_columns_are_its_entities(servers, canaries, plain_peer):
    client = aws.boto(start(servers, canaries, plain_peer))
    aws.create(client, "database", "Redshift", plain_peer.config(more="?ssl=false"))
    listed = client.list_connector_entities(connectorProfileName="database")
    assert [each["name"] for each in listed["connectorEntityMap"]["Objects"]] == [
        "public.accounts", "sales.eu.o'brien"]

    def columns(table):
        described = client.describe_connector_entity(
            connectorProfileName="database", connectorEntityName=table)["connectorEntityFields"]
        return {each["identifier"]: (
            each["supportedFieldTypeDetails"]["v1"]["fieldType"],
            each["destinationProperties"]["isNullable"],
            each["destinationProperties"].get("isDefaultedOnCreate", False)) for each in described}

    assert columns("accounts") == columns("public.accounts") == {
        "id": ("integer", False, False), "Name": ("character varying", False, False),
        "at": ("timestamp without time zone", True, True)}
    assert columns("sales.eu.o'brien") == {"id": ("integer", True, False)}
    for table in ("public.secret", "public.none", "' OR '1'='1", "a\\'"):
        with pytest.raises(client.exceptions.ClientError, match="is no table here|satisfy"):
            columns(table)


@pytest.mark.embedded
def test_libpq_has_no_part_in_it(servers, canaries, tls_peer):
    """It computes as many SCRAM iterations as it is asked for, in one call that nothing ends."""
    server = start(servers, canaries, tls_peer)
    maps = pathlib.Path(f"/proc/{server.process.pid}/maps")
    aws.create(aws.boto(server), "database", "Redshift", tls_peer.config())
    try:
        loaded = maps.read_text()
    except PermissionError:
        pytest.skip("/proc shows the maps of a server to root only")
    assert "libpq.so" not in loaded
