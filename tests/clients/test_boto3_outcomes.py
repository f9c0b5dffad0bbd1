"""Every outcome that the sandbox can show, through UpdateConnectorProfile by boto3."""

import pytest

from support import aws


@pytest.mark.parametrize("kind,outcome", aws.outcomes())
def test_outcome(servers, canaries, kind, outcome):
    server = servers("--sandbox", "--verify-timeout", "4")
    client = aws.boto(server)
    aws.create(client, "profile", kind, aws.config_for(canaries, kind, "accepted"))
    listed, row = server.listing(), server.profile_row("profile")
    config = aws.config_for(canaries, kind, outcome)
    if outcome.startswith("accepted"):
        answer = aws.update(client, "profile", config)
        assert answer["connectorProfileArn"] == row["arn"]
        after = server.profile_row("profile")
        assert after["sealed_credentials"] != row["sealed_credentials"]
        assert after["updated_at_ms"] > row["updated_at_ms"]
        return
    name, status, message = aws.refused(aws.update, client=client, name="profile", config=config)
    assert (name, status) == ("ConnectorAuthenticationException", 401)
    assert kind in message, message
    assert server.listing() == listed
    assert server.profile_row("profile") == row


@pytest.mark.parametrize("kind", aws.sandbox_list())
def test_the_outcomes_that_must_be_there(kind):
    names = set(aws.sandbox_list()[kind])
    assert {"accepted", "rejected", "throttled", "slow", "reset", "malformed"} <= names, names
