"""Every outcome that the sandbox can show, through UpdateConnectorProfile by boto3: what is
accepted is stored, what is refused is told and changes nothing."""

import concurrent.futures
import dataclasses

import pytest

from support import aws

AT_ONCE = 24
VERIFY_TIMEOUT_S = 4

# What the message must say; an outcome with another name is one vendor's own.
REJECTED = ("rejected the credentials",)
LIMIT = ("rate limit reached",)
NO_ANSWER = ("gave no usable response", "returned an unexpected response", "is unreachable")
BLOCKED = ("request blocked",)
CANNOT = ("cannot be used with this configuration",)
SAYS = {
    "rejected": REJECTED, "expired": REJECTED, "revoked": REJECTED, "used-code": REJECTED,
    "code-expired": REJECTED, "wrong-redirect-uri": REJECTED, "wrong-client": REJECTED,
    "refresh-revoked": REJECTED, "jwt-expired": REJECTED,
    "forbidden": ("they lack a permission",),
    "throttled": LIMIT, "throttled-no-retry-after": LIMIT,
    "server-error": NO_ANSWER, "reset": NO_ANSWER, "truncated": NO_ANSWER, "slow": NO_ANSWER,
    "malformed": NO_ANSWER, "oversized": NO_ANSWER,
    "login-page": CANNOT + REJECTED, "redirect": CANNOT,
    "firewall": BLOCKED, "ip-restricted": BLOCKED, "pkce-required": CANNOT,
    "busy": ("is busy with another request",), "inactive-organization": REJECTED,
}
# What the hint must say, and the words that none may have: a page of a firewall tells nothing about
# the credentials.
ADVISES = {
    ("Snowflake", "rejected"): "Check user name and password.",
    ("Salesforce", "inactive-organization"): "The organization is inactive",
    ("Salesforce", "ip-restricted"): "IP address",
    ("Salesforce", "pkce-required"): "PKCE",
    ("Salesforce", "busy"): "Try again.",
}
NEVER_SAYS = {"firewall": ("credential", "permission", "password", "token", "revoked")}
# What a vendor does not keep apart; its README says more.
SAYS_HERE = {("Amplitude", "forbidden"): REJECTED, ("Infornexus", "forbidden"): BLOCKED,
             (aws.CUSTOM, "firewall"): CANNOT, (aws.CUSTOM, "code-throttled"): LIMIT,
             (aws.CUSTOM, "code-server-error"): NO_ANSWER, (aws.CUSTOM, "code-redirect"): CANNOT}


@dataclasses.dataclass
class Profile:
    """A profile as others see it and as it is stored."""

    described: bytes
    row: dict


@dataclasses.dataclass
class Update:
    """An update: what was sent, what was answered (or how it was refused), before and after."""

    config: dict
    before: Profile
    after: Profile
    answer: dict = None
    refusal: tuple = None


def look(server, name):
    answer = server.call("DescribeConnectorProfiles", {"connectorProfileNames": [name]})
    assert answer.status == 200, answer.body
    return Profile(answer.body, server.profile_row(name))


def update_with(server, client, kind, number, good, config):
    """Creates a profile with good credentials, then updates it."""
    name = f"profile-{number}"  # not the outcome's, which may be the word that a credential is
    aws.create(client, name, kind, good)
    before = look(server, name)
    try:
        answer = aws.update(client, name, config)
    except client.exceptions.ClientError as error:
        refusal = aws.refusal(error)
        return Update(config, before, look(server, name), refusal=refusal)
    return Update(config, before, look(server, name), answer=answer)


@pytest.fixture(scope="module")
def updates(lasting_servers, lasting_canaries):
    """Updates with every outcome, some at a time: what slow ones take would otherwise add up."""
    server = lasting_servers("--sandbox", "--verify-timeout", str(VERIFY_TIMEOUT_S),
                             "--profile-quota", "10000")
    client = aws.boto(server)
    configs = {(kind, outcome): aws.config_for(lasting_canaries, kind, outcome)
               for kind, outcome in aws.outcomes()}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            (kind, outcome): pool.submit(update_with, server, client, kind, number,
                                         configs[kind, "accepted"], config)
            for number, ((kind, outcome), config) in enumerate(configs.items())}
    return running


@pytest.mark.waits(15)
@pytest.mark.shows("outcome")
@pytest.mark.parametrize("kind,outcome", aws.outcomes())
def test_outcome(updates, kind, outcome):
    update = updates[kind, outcome].result()
    before, after = update.before, update.after
    if outcome.startswith("accepted"):
        assert update.refusal is None, update.refusal
        assert update.answer["connectorProfileArn"] == before.row["arn"]
        assert after.row["sealed_credentials"] != before.row["sealed_credentials"]
        assert after.row["updated_at_ms"] > before.row["updated_at_ms"]
        assert after.row["created_at_ms"] == before.row["created_at_ms"]
        return
    assert update.refusal, "it was accepted"
    name, status, message = update.refusal
    assert (name, status) == ("ConnectorAuthenticationException", 401), message
    assert kind in message
    said = SAYS_HERE.get((kind, outcome)) or SAYS.get(outcome, ("",))
    assert any(words in message for words in said), message
    assert ADVISES.get((kind, outcome), "") in message
    for word in NEVER_SAYS.get(outcome, ()):
        assert word not in message.lower().replace("at step token", ""), message
    assert after == before


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in aws.outcomes()}))
def test_the_outcomes_that_must_be_there(kind):
    names = set(aws.sandbox_list()[kind])
    assert {"accepted", "accepted-after-throttle", "rejected", "expired", "revoked", "forbidden",
            "throttled", "throttled-no-retry-after", "server-error", "reset", "truncated", "slow",
            "malformed", "oversized", "login-page", "redirect", "firewall"} <= names, names
