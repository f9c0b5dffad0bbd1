"""A private key by reference: the server signs assertions itself, for each renewal another one. The
vendor verifies each."""

import base64
import json
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from support.keeping import create, job, make_due, state, update, wait_for, wait_until_done
from support.salesforce import Salesforce
from support.server import ACCOUNT, headgate
from support.vendor import http, to_vendor

REFUSED = http("400 Bad Request", json.dumps({
    "error": "invalid_grant", "error_description": "invalid assertion"}))


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Verifying(Salesforce):
    """Gives an access token, and no refresh token, for an assertion by the key of its app."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.key = None
        self.claims = []

    def give_tokens(self, form):
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert set(form) == {"grant_type", "assertion"}
        self.canaries.add(form["assertion"])
        text, _, signature = form["assertion"].rpartition(".")
        header, claims = (json.loads(decoded(part)) for part in text.split("."))
        try:
            assert header["alg"] == "RS256"
            self.key.public_key().verify(decoded(signature), text.encode(), padding.PKCS1v15(),
                                         hashes.SHA256())
        except InvalidSignature:
            return REFUSED
        self.claims.append(claims)
        token = self.fresh("access")
        self.live_access.add(token)
        return http("200 OK", json.dumps({"access_token": token, "token_type": "Bearer"}))


@pytest.fixture
def vendor(canaries):
    with Verifying(canaries) as made:
        yield made


@pytest.fixture
def source(vendor, canaries, tmp_path):
    """Puts a key at the file that the profile's reference names, and gives the reference."""
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "key"

    def put(known=True, **members):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()
        for line in pem.splitlines()[1:-1]:
            canaries.add(line)
        file.write_text(json.dumps({"privateKey": pem, "iss": "consumer-key",
                                    "sub": "integration@example.com", **members}))
        if known:
            vendor.key = key
        return f"{{{{resolve:file:{file}}}}}"

    put.file = file
    return put


@pytest.fixture
def server(servers, vendor, source, tmp_path):
    return servers(*to_vendor(vendor, "Salesforce"), "--reference",
                   f"{ACCOUNT}=file:{tmp_path / 'own'}")


def bearer(reference):
    return {"oAuth2GrantType": "JWT_BEARER", "jwtToken": reference}


def test_it_is_renewed_again_and_again(server, vendor, source):
    credentials = bearer(source())
    server.ok("CreateConnectorProfile", create(credentials))
    [claims] = vendor.claims
    assert 0 < claims.pop("exp") - time.time() <= 121
    assert claims == {"iss": "consumer-key", "sub": "integration@example.com",
                      "aud": "https://login.salesforce.com"}
    for renewals in (2, 3):
        make_due(server)
        wait_until_done(server, renewals - 1)
        assert len(vendor.claims) == renewals and state(server)["state"] == "fresh"
    # Used after the vendor ended the token, and sent again: a further assertion is signed.
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update())
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update(credentials))
    assert len(vendor.claims) == 5 and job(server)["due_at_ms"] > time.time() * 1000
    shown = json.loads(headgate("profile", "list", "--json", *server.place))
    assert "until the vendor's app has another key" in json.dumps(shown)
    # Another key at the source is used as soon as the vendor refuses the one of before.
    source()
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update())
    # The vendor's refusal is that of a grant.
    source(known=False)
    make_due(server)
    wait_for(server, reason="grant_refused")


def test_what_is_no_key_is_refused(server, vendor, source):
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()
    for members, words in (({"privateKey": small}, "it must have 2048 to 8192"),
                           ({"privateKey": "-----BEGIN"}, "no PEM text of an RSA key"),
                           ({"sub": ""}, "its member sub must be a text that is not empty")):
        reference = source(**members)
        refused = server.call("CreateConnectorProfile", create(bearer(reference)))
        assert (refused.status, refused.error) == (400, "ValidationException"), refused.body
        assert refused.message.startswith(f"The reference {reference} in jwtToken cannot be used:")
        assert words in refused.message
    # Given itself it is no assertion, and elsewhere no secret.
    for credentials in (bearer(source.file.read_text()), {"accessToken": source()}):
        refused = server.call("CreateConnectorProfile", create(credentials))
        assert refused.error == "ValidationException", refused.body
    assert not vendor.requests
