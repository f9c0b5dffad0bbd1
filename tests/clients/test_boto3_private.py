"""Private mode by boto3: every outcome of the sandbox, for each connector that can be private, and
the reads of deployment tools while the connection is made."""

import re

import pytest

from support import aws, private

CAUSES = {"CONNECTOR_AUTHENTICATION", "CONNECTOR_SERVER", "ACCESS_DENIED", "VALIDATION"}
NO_ROUTE = re.compile(r"There is no private route for (\S+)\.(?: |$)")
HOSTS_MAX = 8
PENDING = {"busy"}  # the vendor is busy with the same token: nothing is known of it yet
KINDS = [kind for kind in aws.sandbox_list() if kind in aws.PRIVATE]


def provision_all(server, kind, configs):
    """Makes a private profile for each outcome; their states once all have settled."""
    client = aws.boto(server)
    # Not named by the outcome, which may be the word that a credential is.
    names = {outcome: f"profile-{number}" for number, outcome in enumerate(configs)}
    for outcome, config in configs.items():
        client.create_connector_profile(
            connectorProfileName=names[outcome], connectorType=kind, connectionMode="Private",
            connectorProfileConfig=config)
    states = {outcome: private.settled(server, name) for outcome, name in names.items()
              if outcome not in PENDING}
    for outcome in PENDING & set(names):
        state = private.state(server, names[outcome])
        assert state["status"] == "PENDING" or NO_ROUTE.search(state["failureMessage"]), state
    for name in names.values():
        client.delete_connector_profile(connectorProfileName=name)
    return states


@pytest.mark.waits(6)
@pytest.mark.shows("private")
@pytest.mark.parametrize("kind", KINDS)
def test_every_outcome(servers, canaries, kind):
    """The operator learns from the failures which hosts or services need a route. A code that was
    used is known as that beyond its profile's end, so each round brings its own."""
    server = servers("--sandbox", "--verify-timeout", "4")
    for _ in range(HOSTS_MAX):
        configs = {outcome: aws.config_for(canaries, kind, outcome)
                   for outcome in aws.sandbox_list()[kind]}
        states = provision_all(server, kind, configs)
        missing = {NO_ROUTE.search(state.get("failureMessage", "")) for state in states.values()}
        missing = {found.group(1) for found in missing if found}
        if not missing:
            break
        server.stop()
        for name in missing:
            server.options += ["--private-route", f"{name}=10.0.0.7:443"]
        server.start()
    for outcome, state in states.items():
        if outcome.startswith("accepted"):
            assert state == {"status": "CREATED"}, (outcome, state)
        else:
            private.assert_failed(state, state["failureCause"], kind)
            assert state["failureCause"] in CAUSES, (outcome, state)
    assert states["rejected"]["failureCause"] == "CONNECTOR_AUTHENTICATION"


@pytest.mark.shows("private")
@pytest.mark.parametrize("kind", KINDS)
def test_from_public_to_private_and_back(servers, canaries, kind):
    server = servers("--sandbox")
    client = aws.boto(server)
    config = aws.config_for(canaries, kind, "accepted")
    aws.create(client, "profile", kind, config)
    for _ in range(HOSTS_MAX):
        client.update_connector_profile(
            connectorProfileName="profile", connectionMode="Private",
            connectorProfileConfig=config, clientToken=f"to-private-{server.starts}")
        state = private.settled(server, "profile")
        found = NO_ROUTE.search(state.get("failureMessage", ""))
        if not found:
            break
        server.stop()
        server.options += ["--private-route", f"{found.group(1)}=10.0.0.7:443"]
        client = aws.boto(server.start())
    details = client.describe_connector_profiles(
        connectorProfileNames=["profile"])["connectorProfileDetails"][0]
    assert details["privateConnectionProvisioningState"] == {"status": "CREATED"}
    assert details["connectionMode"] == "Private"
    aws.update(client, "profile", config)
    details = client.describe_connector_profiles(
        connectorProfileNames=["profile"])["connectorProfileDetails"][0]
    assert details["connectionMode"] == "Public"
    assert "privateConnectionProvisioningState" not in details


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in ("Snowflake", "SAPOData")])
def test_by_the_name_of_a_service(servers, canaries, kind):
    """The PrivateLink service that a profile names finds the route; a host's route does not."""
    service = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
    server = servers("--sandbox", "--private-route", f"{service}=10.0.0.7:443")
    client = aws.boto(server)
    config = aws.config_for(canaries, kind, "accepted")
    properties = config["connectorProfileProperties"][kind]
    for name, status in ((service, "CREATED"), (service[:-1] + "1", "FAILED")):
        properties["privateLinkServiceName"] = name
        client.create_connector_profile(
            connectorProfileName=status, connectorType=kind, connectionMode="Private",
            connectorProfileConfig=config)
        state = private.settled(server, status)
        assert state["status"] == status, state
    private.assert_failed(state, "VALIDATION", f"There is no private route for {name}.")
