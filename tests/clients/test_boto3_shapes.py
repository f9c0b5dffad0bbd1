"""Every connector's shapes, member by member as Amazon's model has them: what is required, how long
a text may be, that both unions name the profile's connector, that properties come back as sent."""

import json

import boto3
import botocore.config
import botocore.model
import pytest

from support import aws
from support.server import ROOT
from support.sigv4 import REGION

MODEL = botocore.model.ServiceModel(
    json.loads((ROOT / "api/appflow-2020-08-23.json").read_text()), "appflow")
UNIONS = ("connectorProfileProperties", "connectorProfileCredentials")
CUSTOM = {
    "connectorProfileProperties": {"CustomConnector": {
        "profileProperties": {"region": "eu"},
        "oAuth2Properties": {"tokenUrl": "https://login.custom.example/oauth/token",
                             "oAuth2GrantType": "CLIENT_CREDENTIALS",
                             "tokenUrlCustomProperties": {"audience": "api"}}}},
    "connectorProfileCredentials": {"CustomConnector": {
        "authenticationType": "OAUTH2",
        "oauth2": {"clientId": "client", "clientSecret": "custom-client-secret"}}},
}


def union(name):
    return MODEL.shape_for(name[0].upper() + name[1:])


# Connector types by the key that the unions have for them, which may be spelled otherwise.
KEYS = {kind: key for key in union(UNIONS[0]).members
        for kind in MODEL.shape_for("ConnectorType").enum if kind.lower() == key.lower()}

BUILT = [kind for kind in KEYS if kind in aws.sandbox_list()]


def places(config, shape, path=()):
    """Every (path, member's shape, is it required) below a shape, where the configuration has a
    structure or could have one."""
    for name, member in shape.members.items():
        yield (*path, name), member, name in shape.required_members
        if member.type_name == "structure":
            yield from places(config, member, (*path, name))


def value_at(config, path):
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def changed(config, path, value):
    """A copy with one member set, or taken away (None)."""
    made = json.loads(json.dumps(config))
    at = made
    for name in path[:-1]:
        at = at.setdefault(name, {})
    at.pop(path[-1], None)
    if value is not None:
        at[path[-1]] = value
    return made


def wrong_members(config, key):
    """(configuration, what is wrong, secret) for each single member that can be wrong."""
    for name in UNIONS:
        shape = union(name).members[key]
        for path, member, required in places(config, shape, (name, key)):
            there = value_at(config, path) is not None
            if required and there:
                yield changed(config, path, None), path, "Member must not be null", None
            longest = member.metadata.get("max") if member.type_name == "string" else None
            if longest and "enum" not in member.metadata:
                text = ("toolong" * (longest // 7 + 1))[:longest + 1]
                yield (changed(config, path, text), path,
                       f"Member must have length less than or equal to {longest}",
                       text if name == UNIONS[1] else None)


@pytest.fixture(scope="module")
def server(lasting_servers):
    return lasting_servers("--sandbox", "--profile-quota", "100")


@pytest.fixture
def client(server):
    """boto3's client without its own checks, so that the server's are seen."""
    client = boto3.client(
        "appflow", region_name=REGION, endpoint_url=server.endpoint,
        aws_access_key_id=server.key.id, aws_secret_access_key=server.key.secret,
        config=botocore.config.Config(retries={"total_max_attempts": 1},
                                      parameter_validation=False))
    aws.keep_answers(client, server)
    return client


def test_every_connector_of_the_model_is_here():
    assert len(KEYS) == len(union(UNIONS[0]).members) == len(union(UNIONS[1]).members) == 19
    assert set(aws.sandbox_list()) == set(KEYS)


@pytest.mark.shows("shapes")
@pytest.mark.parametrize("kind", BUILT)
def test_members(server, client, lasting_canaries, kind):
    if kind == "CustomConnector":
        config, stored = CUSTOM, False
        lasting_canaries.add_credentials(config)
    else:
        config, stored = aws.config_for(lasting_canaries, kind, "accepted"), True
        aws.create(client, kind, kind, config)
        assert server.describe(kind)["connectorProfileProperties"] == \
            config["connectorProfileProperties"]
    before = server.profile_row(kind) if stored else None
    wrong = list(wrong_members(config, KEYS[kind]))
    assert len(wrong) >= 1
    for sent, path, constraint, secret in wrong:
        name, status, message = aws.refused(aws.update, client=client, name=kind, config=sent)
        assert (name, status) == ("ValidationException", 400), (path, message)
        place = message.lower()
        assert f"{path[-1]}'".lower() in place and constraint in message, (path, message)
        assert secret is None or secret[:20] not in message
    if stored:
        assert server.profile_row(kind) == before


@pytest.mark.shows("shapes")
@pytest.mark.parametrize("kind", BUILT)
def test_the_union_of_another_connector(server, client, lasting_canaries, kind):
    if kind == "CustomConnector":
        config = CUSTOM
    else:
        config = aws.config_for(lasting_canaries, kind, "accepted")
    other = "Trendmicro" if kind == "Amplitude" else "Amplitude"
    wrong = {"connectorProfileProperties": {other: {}},
             "connectorProfileCredentials": config["connectorProfileCredentials"]}
    name, status, message = aws.refused(aws.create, client=client, name="wrong-union", kind=kind,
                                        config=wrong)
    assert (name, status) == ("ValidationException", 400), message
    assert server.describe("wrong-union") is None
