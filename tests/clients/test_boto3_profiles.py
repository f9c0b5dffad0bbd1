"""boto3 through a profile's whole life, for each connector that is verified."""

import pytest

from support import aws
from support.server import OTHER_ACCOUNT

connectors = pytest.mark.parametrize("kind", aws.CONNECTORS)

AUTHENTICATION = "ConnectorAuthenticationException"


@connectors
def test_a_profile_s_life(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    made = aws.create(client, "life", kind, config)
    assert made["connectorProfileArn"] == \
        "arn:aws:appflow:us-east-1:123456789012:connectorprofile/life"
    before = sandboxed.describe("life")
    assert before["connectorType"] == kind and before["connectionMode"] == "Public"
    assert before["connectorProfileArn"] == made["connectorProfileArn"]
    assert before["connectorProfileProperties"] == config["connectorProfileProperties"]
    assert before["createdAt"] == before["lastUpdatedAt"]
    assert aws.CREDENTIALS_ARN.fullmatch(before["credentialsArn"])
    assert "connectorProfileCredentials" not in before and "kmsArn" not in before

    assert aws.update(client, "life", config)["connectorProfileArn"] == made["connectorProfileArn"]
    after = sandboxed.describe("life")
    assert after["lastUpdatedAt"] > before["lastUpdatedAt"]
    assert {**after, "lastUpdatedAt": 0} == {**before, "lastUpdatedAt": 0}

    assert client.delete_connector_profile(connectorProfileName="life")["ResponseMetadata"][
        "HTTPStatusCode"] == 200
    assert sandboxed.describe("life") is None
    assert aws.refused(client.delete_connector_profile, connectorProfileName="life") == \
        ("ResourceNotFoundException", 404, "Connector Profile with name life does not exist.")


@connectors
def test_wrong_credentials_change_nothing(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    aws.create(client, "kept", kind, aws.config_for(canaries, kind, "accepted"))
    listed, row = sandboxed.listing(), sandboxed.profile_row("kept")
    name, status, message = aws.refused(
        aws.update, client=client, name="kept", config=aws.config_for(canaries, kind, "rejected"))
    assert (name, status) == (AUTHENTICATION, 401)
    assert message
    assert sandboxed.listing() == listed
    assert sandboxed.profile_row("kept") == row


@connectors
def test_wrong_credentials_create_nothing(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    name, status, _ = aws.refused(aws.create, client=client, name="never", kind=kind,
                                  config=aws.config_for(canaries, kind, "rejected"))
    assert (name, status) == (AUTHENTICATION, 401)
    assert sandboxed.describe("never") is None
    assert sandboxed.count_rows("profiles") == 0


@connectors
def test_the_same_client_token_gives_the_same_answer_once(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "once", kind, config)
    first = aws.update(client, "once", config, clientToken="token-1")
    stored = sandboxed.profile_row("once")
    again = aws.update(client, "once", config, clientToken="token-1")
    assert again["connectorProfileArn"] == first["connectorProfileArn"]
    assert sandboxed.profile_row("once") == stored
    aws.update(client, "once", config, clientToken="token-2")
    assert sandboxed.profile_row("once") != stored


@connectors
def test_the_same_client_token_with_other_parameters(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "other", kind, config)
    aws.update(client, "other", config, clientToken="token-1")
    stored = sandboxed.profile_row("other")
    name, status, _ = aws.refused(
        aws.update, client=client, name="other", clientToken="token-1",
        config=aws.config_for(canaries, kind, "rejected"))
    assert (name, status) == ("ConflictException", 409)
    assert sandboxed.profile_row("other") == stored


@connectors
def test_a_failed_update_leaves_its_client_token_free(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    good = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "retry", kind, good)
    bad = aws.config_for(canaries, kind, "rejected")
    aws.refused(aws.update, client=client, name="retry", config=bad, clientToken="token-1")
    aws.update(client, "retry", good, clientToken="token-1")


@connectors
def test_a_client_token_outlives_a_restart(sandboxed, canaries, kind):
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(aws.boto(sandboxed), "durable", kind, config)
    first = aws.update(aws.boto(sandboxed), "durable", config, clientToken="token-1")
    stored = sandboxed.profile_row("durable")
    sandboxed.stop()
    sandboxed.start()
    again = aws.update(aws.boto(sandboxed), "durable", config, clientToken="token-1")
    assert again["connectorProfileArn"] == first["connectorProfileArn"]
    assert sandboxed.profile_row("durable") == stored


@connectors
def test_without_credentials_the_stored_ones_are_verified_and_kept(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "keep", kind, config)
    before = sandboxed.describe("keep")
    aws.update(client, "keep", aws.properties_only(config))
    assert sandboxed.describe("keep")["lastUpdatedAt"] > before["lastUpdatedAt"]


@pytest.mark.parametrize("kind", ["Salesforce", "Zendesk"])
def test_stored_credentials_go_to_no_other_host(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    aws.create(client, "tied", kind, aws.config_for(canaries, kind, "accepted"))
    listed, row = sandboxed.listing(), sandboxed.profile_row("tied")
    elsewhere = {"connectorProfileProperties": {kind: {"instanceUrl": "https://evil.example.com"}}}
    name, status, message = aws.refused(aws.update, client=client, name="tied", config=elsewhere)
    assert (name, status) == ("ValidationException", 400)
    assert "connectorProfileCredentials" in message
    assert (sandboxed.listing(), sandboxed.profile_row("tied")) == (listed, row)


@connectors
def test_unknown_profile(sandboxed, canaries, kind):
    assert aws.refused(aws.update, client=aws.boto(sandboxed), name="nobody",
                       config=aws.config_for(canaries, kind, "accepted")) == \
        ("ResourceNotFoundException", 404, "Connector Profile with name nobody does not exist.")


@connectors
def test_a_name_is_taken_once(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "taken", kind, config)
    row = sandboxed.profile_row("taken")
    name, status, message = aws.refused(aws.create, client=client, name="taken", kind=kind,
                                        config=config)
    assert (name, status) == ("ConflictException", 409) and "taken" in message
    assert sandboxed.profile_row("taken") == row


@connectors
def test_another_connector_s_key_is_refused(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    aws.create(client, "typed", kind, aws.config_for(canaries, kind, "accepted"))
    other = next(each for each in aws.CONNECTORS if each != kind)
    row = sandboxed.profile_row("typed")
    name, status, message = aws.refused(
        aws.update, client=client, name="typed", config=aws.config_for(canaries, other, "accepted"))
    assert (name, status) == ("ValidationException", 400)
    assert kind in message and other in message
    assert sandboxed.profile_row("typed") == row


@pytest.mark.parametrize("kind", [kind for kind in aws.CONNECTORS if kind not in aws.PRIVATE])
def test_private_mode_is_refused_where_there_is_none(sandboxed, canaries, kind):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "open", kind, config)
    row = sandboxed.profile_row("open")
    for call, more in ((client.update_connector_profile, {}),
                       (client.create_connector_profile, {"connectorType": kind})):
        name, status, message = aws.refused(
            call, connectorProfileName="open", connectionMode="Private",
            connectorProfileConfig=config, **more)
        assert (name, status) == ("ValidationException", 400) and "Private" in message
    assert sandboxed.profile_row("open") == row


def test_the_quota(servers, canaries):
    server = servers("--sandbox", "--profile-quota", "2")
    client = aws.boto(server)
    config = aws.config_for(canaries, "Amplitude", "accepted")
    for name in ("one", "two"):
        aws.create(client, name, "Amplitude", config)
    name, status, _ = aws.refused(aws.create, client=client, name="three", kind="Amplitude",
                                  config=config)
    assert (name, status) == ("ServiceQuotaExceededException", 402)
    client.delete_connector_profile(connectorProfileName="one")
    aws.create(client, "three", "Amplitude", config)


def test_accounts_and_regions_see_their_own(sandboxed, canaries):
    other = sandboxed.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    config = aws.config_for(canaries, "Amplitude", "accepted")
    here = aws.boto(sandboxed)
    aws.create(here, "mine", "Amplitude", config)
    for client in (aws.boto(sandboxed, other), aws.boto(sandboxed, region="eu-central-1")):
        assert client.describe_connector_profiles()["connectorProfileDetails"] == []
        assert aws.refused(aws.update, client=client, name="mine", config=config)[:2] == \
            ("ResourceNotFoundException", 404)
        assert aws.refused(client.delete_connector_profile, connectorProfileName="mine")[:2] == \
            ("ResourceNotFoundException", 404)
    made = aws.create(aws.boto(sandboxed, other, "eu-central-1"), "mine", "Amplitude", config)
    assert made["connectorProfileArn"] == \
        f"arn:aws:appflow:eu-central-1:{OTHER_ACCOUNT}:connectorprofile/mine"
    assert len(here.describe_connector_profiles()["connectorProfileDetails"]) == 1


def test_a_deleted_profile_leaves_no_seal(sandboxed, canaries):
    client = aws.boto(sandboxed)
    aws.create(client, "gone", "Salesforce", aws.config_for(canaries, "Salesforce", "accepted"))
    sealed = sandboxed.profile_row("gone")["sealed_credentials"]
    assert len(sealed) > 64
    client.delete_connector_profile(connectorProfileName="gone")
    for path, data in sandboxed.left_behind():
        assert sealed[-48:] not in data, f"the seal is still in {path}"
