"""Profiles whose data key is wrapped by a key of AWS KMS: what is asked when, what each refusal
leads to, and that a profile recovers with its key."""

import json

import pytest

from support import private
from support.functions import ACCESS_KEY
from support.keeping import Keeping, create, make_due, update, wait_for
from support.kms import KEY, Kms, refusal
from support.salesforce import set_app
from support.server import ACCOUNT, OTHER_ACCOUNT, headgate
from support.sigv4 import REGION
from support.vendor import http, reset, to_vendor

OTHER_KEY = KEY.replace("1234abcd", "abcd1234")


@pytest.fixture
def kms(canaries):
    with Kms(canaries) as service:
        yield service


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made


@pytest.fixture
def server(servers, vendor, kms, canaries):
    made = servers(*to_vendor(vendor, "Salesforce"), "--kms-url", kms.url, start=False,
                   env={"AWS_ACCESS_KEY_ID": ACCESS_KEY,
                        "AWS_SECRET_ACCESS_KEY": canaries.new("aws")})
    set_app(made, canaries)
    return made.start()


def keyed(tokens, name="kept", arn=KEY):
    return {**create(tokens, name), "kmsArn": arn}


def again(server):
    """With nothing in memory."""
    server.stop()
    server.start()


def test_a_data_key_is_asked_for_once(server, vendor, kms, canaries):
    """Credentials and tokens are under it: without AWS KMS they cannot be used."""
    tokens = vendor.new_tokens()
    server.ok("CreateConnectorProfile", keyed({"refreshToken": tokens["refreshToken"]}))
    assert kms.asked == ["GenerateDataKey", "Decrypt"]
    [(_, context, _)] = kms.wrapped.values()
    assert context == {"headgate:account": ACCOUNT, "headgate:profile":
                       f"arn:aws:appflow:{REGION}:{ACCOUNT}:connectorprofile/kept"}
    assert "kmsArn" not in server.describe("kept")
    # In memory from then on: a description, a use, an update of each kind.
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update())
    server.ok("UpdateConnectorProfile", update({"refreshToken": tokens["refreshToken"]}))
    assert kms.asked == ["GenerateDataKey", "Decrypt"] and not vendor.shown_twice()
    again(server)
    server.describe("kept")
    assert len(kms.asked) == 2
    server.ok("UpdateConnectorProfile", update())
    assert kms.asked[2:] == ["Decrypt"] and len(kms.wrapped) == 1
    # The forecast needs no key, nor does the rotation of the keyring's; a deletion neither.
    kms.state[KEY] = refusal("DisabledException")
    again(server)
    [shown] = json.loads("[%s]" % headgate("profile", "list", "--json", *server.place))
    assert shown["name"] == "kept" and "idle limit" in json.dumps(shown)
    headgate("key", "rotate", *server.place)
    assert "1 profiles" in headgate("check", *server.place)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "kept"})
    assert len(kms.asked) == 3


STATES = [
    (refusal("DisabledException"), "AccessDeniedException", "the key is disabled"),
    (refusal("KMSInvalidStateException"), "AccessDeniedException", "going to be deleted"),
    (refusal("AccessDeniedException"), "AccessDeniedException", "kms:GenerateDataKey and kms:Dec"),
    (refusal("NotFoundException"), "ValidationException", "has no such key"),
    (refusal("InvalidKeyUsageException"), "ValidationException", "symmetric encryption"),
    (refusal("ThrottlingException"), "ThrottlingException", "called again later"),
    (refusal("KeyUnavailableException"), "ConnectorServerException", "HTTP status 400"),
    (refusal("UnrecognizedClientException"), "AccessDeniedException", "this server's access key"),
    (http("500 Internal Server Error", "{}"), "ConnectorServerException", "HTTP status 500"),
    (http("200 OK", "{"), "ConnectorServerException", "no usable response"),
    (lambda asked: http("200 OK", json.dumps({"KeyId": OTHER_KEY})), "ConnectorServerException",
     "no usable response"),
    (lambda asked: reset, "ConnectorServerException", "could not be reached"),
]


def test_a_key_that_cannot_be_used(server, vendor, kms):
    """Nothing is changed and the vendor not asked; the profile works again when the key does."""
    tokens = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    server.ok("CreateConnectorProfile", keyed(tokens))
    row, calls = server.profile_row("kept"), len(vendor.requests)
    for state, error, words in STATES:
        again(server)
        kms.state[KEY] = state
        for refused in (server.call("CreateConnectorProfile", keyed(tokens, "other")),
                        server.call("UpdateConnectorProfile", update()),
                        server.call("UpdateConnectorProfile", update(tokens))):
            assert refused.error == error, refused.body
            assert refused.message.startswith(f"The AWS KMS key {KEY} cannot be used: ")
            assert words in refused.message and "user/headgate" not in refused.message
    assert len(vendor.requests) == calls and server.profile_row("kept") == row
    again(server)
    kms.state[KEY] = None
    server.ok("UpdateConnectorProfile", update())
    assert not vendor.shown_twice()


ARNS = [
    (KEY.replace(REGION, "eu-west-1"), f"a key of the region {REGION}"),
    (KEY.replace(ACCOUNT, OTHER_ACCOUNT), f"a key of the account {ACCOUNT}"),
    (f"arn:aws:kms:{REGION}:{ACCOUNT}:grant/1", "a key or an alias"),
]


def test_a_key_of_another_place(server, vendor, kms):
    for arn, words in ARNS:
        refused = server.call("CreateConnectorProfile", keyed(vendor.new_tokens(), arn=arn))
        assert refused.error == "ValidationException" and words in refused.message, refused.body
    assert not kms.asked and not vendor.requests


def test_a_server_that_may_encrypt_and_not_decrypt(server, vendor, kms):
    """It would lose what it keeps; so would one that believed any answer."""

    def deny(asked):
        return (refusal("AccessDeniedException") if "CiphertextBlob" in asked
                else http("200 OK", json.dumps(kms.GenerateDataKey(asked))))

    def unwrap_another(asked):
        return http("200 OK", json.dumps(kms.GenerateDataKey({"KeySpec": "AES_256", **asked})))

    for state, error, words in (
            (deny, "AccessDeniedException", "kms:Decrypt"),
            (unwrap_another, "ConnectorServerException", "unwraps is not what it wrapped")):
        kms.state[KEY] = state
        refused = server.call("CreateConnectorProfile", keyed(vendor.new_tokens()))
        assert refused.error == error and words in refused.message, refused.body
    assert not vendor.requests and server.count_rows("profiles") == 0


def test_one_accounts_key_costs_no_other(server, vendor, kms):
    """It does not answer: after a few calls it is left alone. Another account's is used."""
    foreign = KEY.replace(ACCOUNT, OTHER_ACCOUNT)
    kms.state.update({foreign: None, KEY: lambda asked: reset})
    key = server.make_key("AKIAHEADGATETEST0002", "second-key", OTHER_ACCOUNT)
    for _ in range(7):
        refused = server.call("CreateConnectorProfile", keyed(vendor.new_tokens()))
        assert refused.error == "ConnectorServerException"
    assert "did not answer the last calls" in refused.message
    assert len(kms.asked) <= 5 * 2  # a call that was broken off is made once more
    server.ok("CreateConnectorProfile", keyed(vendor.new_tokens(), arn=foreign), key=key)


def test_the_keeper_waits_for_the_key(server, vendor, kms):
    """It counts no failure of the credentials, and shows no token."""
    tokens = vendor.new_tokens()
    server.ok("CreateConnectorProfile", keyed({"refreshToken": tokens["refreshToken"]}))
    kms.state[KEY] = refusal("KMSInvalidStateException")
    before = len(vendor.refreshed)
    make_due(server)
    row = wait_for(server, state="backing-off", reason="key_unavailable")
    assert row["words"].startswith(f"The AWS KMS key {KEY} cannot be used: its state")
    assert len(vendor.refreshed) == before
    kms.state[KEY] = None
    make_due(server)
    wait_for(server, state="fresh")
    server.ok("UpdateConnectorProfile", update())
    assert not vendor.shown_twice()


def test_without_a_url_a_key_is_stored_only(servers, vendor, kms, canaries):
    """As before; what a server with one has sealed is not opened without it."""
    server = servers(*to_vendor(vendor, "Salesforce"), start=False,
                     env={"AWS_ACCESS_KEY_ID": ACCESS_KEY,
                          "AWS_SECRET_ACCESS_KEY": canaries.new("aws")})
    set_app(server, canaries)
    server.start()
    tokens = vendor.new_tokens()
    server.ok("CreateConnectorProfile", keyed(tokens))
    server.wait_for_log(f"kmsArn of profile kept (account {ACCOUNT}, {REGION}) is stored and not")
    server.stop()
    server.start("--kms-url", kms.url)
    server.ok("UpdateConnectorProfile", update())
    again(server)
    assert kms.asked == ["GenerateDataKey", "Decrypt"]  # under the key from its next change on
    refused = server.call("UpdateConnectorProfile", update(tokens))
    assert (refused.status, refused.error) == (503, "ServiceUnavailableException")
    assert "was started without --kms-url" in refused.message


def test_a_private_profile_waits_for_its_key(servers, kms, canaries):
    with private.Gated(canaries) as vendor:
        server = servers(*private.options(vendor), "--egress-allow", "127.0.0.1", "--kms-url",
                         kms.url, start=False,
                         env={"AWS_ACCESS_KEY_ID": ACCESS_KEY,
                              "AWS_SECRET_ACCESS_KEY": canaries.new("aws")})
        set_app(server, canaries)
        server.start()
        vendor.gate.clear()
        server.ok("CreateConnectorProfile", {**private.create(
            {"accessToken": vendor.new_tokens()["accessToken"]}), "kmsArn": KEY})
        vendor.wait_for(1)
        server.kill()  # the provisioning begins again, with nothing in memory
        vendor.drop()
        vendor.gate.set()
        kms.state[KEY] = refusal("ThrottlingException")
        server.database.change("UPDATE jobs SET due_at_ms = 1, lease_until_ms = 0")
        server.start()
        server.wait_for_log("waits until its secret can be read, for at most an hour: ")
        assert private.state(server)["status"] == "PENDING"
        kms.state[KEY] = None
        assert private.settled(server) == {"status": "CREATED"}
        # A key that is refused is final; the credentials stay under it, for when it comes back.
        server.ok("UpdateConnectorProfile", private.change(None))
        assert private.settled(server) == {"status": "CREATED"}
