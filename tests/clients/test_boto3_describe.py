"""DescribeConnectorProfiles: filters, pages and tokens."""

import pytest

from support import aws

NAMES = [f"p{number:02}" for number in range(25)]


@pytest.fixture
def many(sandboxed, canaries):
    client = aws.boto(sandboxed)
    config = aws.config_for(canaries, "Amplitude", "accepted")
    for name in reversed(NAMES):
        aws.create(client, name, "Amplitude", config)
    aws.create(client, "zendesk", "Zendesk", aws.config_for(canaries, "Zendesk", "accepted"))
    return sandboxed


def names_of(answer):
    return [each["connectorProfileName"] for each in answer["connectorProfileDetails"]]


def pages(client, **parameters):
    """Each page's names, following nextToken to the end."""
    found = []
    while True:
        answer = client.describe_connector_profiles(**parameters)
        found.append(names_of(answer))
        if not answer.get("nextToken"):
            return found
        assert len(found) < 100
        parameters["nextToken"] = answer["nextToken"]


def test_pages(many):
    client = aws.boto(many)
    everything = NAMES + ["zendesk"]
    assert pages(client) == [everything[:20], everything[20:]]
    assert pages(client, maxResults=10) == [everything[:10], everything[10:20], everything[20:]]
    assert pages(client, maxResults=13) == [everything[:13], everything[13:]]
    assert pages(client, maxResults=100) == [everything]
    assert pages(client, maxResults=1, connectorType="Zendesk") == [["zendesk"]]


def test_filters(many):
    client = aws.boto(many)
    describe = client.describe_connector_profiles
    assert names_of(describe(connectorProfileNames=["p07", "p03", "nobody"])) == ["p03", "p07"]
    assert names_of(describe(connectorProfileNames=["nobody"])) == []
    assert names_of(describe(connectorType="Zendesk")) == ["zendesk"]
    assert names_of(describe(connectorType="Salesforce")) == []
    assert names_of(describe(connectorType="Zendesk", connectorProfileNames=["p01"])) == []
    assert pages(client, connectorType="Amplitude", maxResults=20) == [NAMES[:20], NAMES[20:]]


def test_a_token_that_was_tampered_with_is_refused(many):
    client = aws.boto(many)
    token = client.describe_connector_profiles(maxResults=5)["nextToken"]
    assert "p04" not in token and " " not in token
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
               for at in (0, len(token) // 2, len(token) - 2)]
    for bad in changed + ["nonsense", token[:-4], token + token]:
        assert aws.refused(client.describe_connector_profiles, maxResults=5, nextToken=bad)[:2] == \
            ("ValidationException", 400), bad


def test_a_token_belongs_to_its_account_and_region(many):
    token = aws.boto(many).describe_connector_profiles(maxResults=5)["nextToken"]
    elsewhere = aws.boto(many, region="eu-central-1")
    assert aws.refused(elsewhere.describe_connector_profiles, nextToken=token)[:2] == \
        ("ValidationException", 400)


def test_an_empty_filter_list_means_no_filter(many):
    client = aws.boto(many)
    assert len(names_of(client.describe_connector_profiles(connectorProfileNames=[]))) == 20
