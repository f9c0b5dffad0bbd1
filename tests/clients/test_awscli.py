"""The AWS CLI, version 2, as a person would use it: configurations from files, exit statuses."""

import json

import pytest

from support import aws

AWS = "/usr/bin/aws"  # Debian's is version 2; one that comes earlier in PATH may be older


class Cli:
    def __init__(self, server):
        self.server = server

    def run(self, operation, *words):
        return aws.run_tool(self.server, [AWS, "--endpoint-url", self.server.endpoint,
                                          "--output", "json", "--no-cli-pager", "appflow",
                                          operation, *words])

    def ok(self, operation, *words):
        done = self.run(operation, *words)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, operation, *words):
        done = self.run(operation, *words)
        assert done.returncode == 254, (done.returncode, done.stdout, done.stderr)
        return done.stderr.decode()


@pytest.fixture
def cli(sandboxed):
    return Cli(sandboxed)


@pytest.mark.parametrize("kind", aws.CONNECTORS)
def test_a_profile_s_life(cli, canaries, tmp_path, kind):
    files = {}
    for outcome in ("accepted", "rejected"):
        path = tmp_path / f"{outcome}.json"
        path.write_text(json.dumps(aws.config_for(canaries, kind, outcome)))
        files[outcome] = f"file://{path}"

    def parameters(outcome, *more):
        return ("--connector-profile-name", "cli", "--connection-mode", "Public",
                "--connector-profile-config", files[outcome], *more)

    arn = "arn:aws:appflow:us-east-1:123456789012:connectorprofile/cli"
    assert cli.ok("create-connector-profile", *parameters("accepted", "--connector-type", kind)) \
        == {"connectorProfileArn": arn}
    before = cli.ok("describe-connector-profiles", "--connector-profile-names", "cli")
    assert before["connectorProfileDetails"][0]["connectorProfileArn"] == arn
    assert cli.ok("update-connector-profile", *parameters("accepted")) == \
        {"connectorProfileArn": arn}
    after = cli.ok("describe-connector-profiles", "--connector-profile-names", "cli")
    assert after["connectorProfileDetails"][0]["lastUpdatedAt"] > \
        before["connectorProfileDetails"][0]["lastUpdatedAt"]

    assert "(ConnectorAuthenticationException) when calling the UpdateConnectorProfile" in \
        cli.refused("update-connector-profile", *parameters("rejected"))
    assert "(ConflictException)" in cli.refused(
        "create-connector-profile", *parameters("accepted", "--connector-type", kind))
    assert cli.ok("describe-connector-profiles", "--connector-profile-names", "cli") == after

    cli.ok("delete-connector-profile", "--connector-profile-name", "cli")
    assert "(ResourceNotFoundException)" in \
        cli.refused("delete-connector-profile", "--connector-profile-name", "cli")


def test_pages(cli, canaries):
    client = aws.boto(cli.server)
    config = aws.config_for(canaries, "Amplitude", "accepted")
    for name in ("a", "b", "c"):
        aws.create(client, name, "Amplitude", config)
    first = cli.ok("describe-connector-profiles", "--max-results", "2")
    rest = cli.ok("describe-connector-profiles", "--max-results", "2",
                  "--next-token", first["nextToken"])
    names = [each["connectorProfileName"]
             for page in (first, rest) for each in page["connectorProfileDetails"]]
    assert names == ["a", "b", "c"] and "nextToken" not in rest


def test_a_tag_s_arn_in_the_path(cli):
    arn = "arn:aws:appflow:us-east-1:123456789012:flow/f1"
    assert "ListTagsForResource" in cli.refused("list-tags-for-resource", "--resource-arn", arn)
