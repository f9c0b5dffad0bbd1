"""The AWS CLI, version 2, as a person would use it: configurations from files, exit statuses."""

import json

import pytest

from support import aws
from support.answer_cutter import AnswerCutter
from support.functions import function_arn
from support.vendor import Vendor, http, to_vendor

AWS = "/usr/bin/aws"  # Debian's is version 2; one that comes earlier in PATH may be older


class Cli:
    def __init__(self, server):
        self.server = server

    def run(self, operation, *words, endpoint=None, attempts=1):
        return aws.run_tool(
            self.server, [AWS, "--endpoint-url", endpoint or self.server.endpoint, "--output",
                          "json", "--no-cli-pager", "appflow", operation, *words],
            attempts=attempts)

    def ok(self, operation, *words, **more):
        done = self.run(operation, *words, **more)
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


def test_entities_of_s3(cli):
    folder = cli.server.data / "s3" / "headgate-demo" / "orders"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("Id,Amount\n")
    listed = cli.ok("list-connector-entities", "--connector-type", "S3", "--entities-path",
                    "headgate-demo")
    assert [each["name"] for each in listed["connectorEntityMap"]["Objects"]] == [
        "headgate-demo/orders/"]
    fields = cli.ok("describe-connector-entity", "--connector-type", "S3",
                    "--connector-entity-name", "headgate-demo/orders/")
    assert [each["identifier"] for each in fields["connectorEntityFields"]] == ["Id", "Amount"]


def test_a_connector_s_life(cli):
    """Its profiles and entities are in test_custom_connectors.py."""
    label = ("--connector-label", "own")
    lambda_arn = json.dumps({"lambda": {"lambdaArn": function_arn("headgate-sandbox")}})
    made = cli.ok("register-connector", *label, "--connector-provisioning-type", "LAMBDA",
                  "--connector-provisioning-config", lambda_arn)
    changed = cli.ok("update-connector-registration", *label, "--description", "changed")
    assert changed["connectorArn"] == made["connectorArn"]
    listed, = cli.ok("list-connectors")["connectors"]
    assert (listed["connectorLabel"], listed["connectorDescription"]) == ("own", "changed")
    cli.ok("unregister-connector", *label, "--force-delete")
    assert "(ResourceNotFoundException)" in cli.refused("unregister-connector", *label)


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


def test_250_profiles_in_pages(cli, canaries):
    """The CLI has no paginator for this operation: a person passes each token on."""
    names = [f"p{number:03}" for number in range(250)]
    client = aws.boto(cli.server)
    config = aws.config_for(canaries, "Amplitude", "accepted")
    for name in names:
        aws.create(client, name, "Amplitude", config)
    pages, token = [], ()
    while not pages or token:
        page = cli.ok("describe-connector-profiles", "--max-results", "100", *token)
        pages.append([each["connectorProfileName"] for each in page["connectorProfileDetails"]])
        token = ("--next-token", page["nextToken"]) if "nextToken" in page else ()
    assert pages == [names[:100], names[100:200], names[200:]]


def test_a_change_whose_answer_is_lost_is_repeated(servers, canaries, tmp_path):
    """With one effect where the CLI sends client tokens, which Debian's release does not know: its
    second try to create finds the profile that the first one made."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(aws.config_for(canaries, "Amplitude", "accepted")))
    words = ("--connector-profile-name", "cli", "--connection-mode", "Public",
             "--connector-profile-config", f"file://{path}")
    with Vendor(lambda _: http("200 OK", '{"data": {"series": []}}')) as agreeable:
        server = servers(*to_vendor(agreeable))
        with AnswerCutter(server) as cutter:
            over = {"endpoint": cutter.endpoint, "attempts": None}
            cutter.lose("CreateConnectorProfile")
            made = Cli(server).run("create-connector-profile", *words, "--connector-type",
                                   "Amplitude", **over)
            cutter.lose("UpdateConnectorProfile")
            changed = Cli(server).ok("update-connector-profile", *words, **over)
        asked = len(agreeable.requests)
    created, updated = (cutter.of(each) for each in ("CreateConnectorProfile",
                                                     "UpdateConnectorProfile"))
    for (body, answer), (again, repeated) in (created, updated):
        assert again == body and answer.status == 200
        if "clientToken" in body:
            assert repeated.status == 200 and repeated.body == answer.body
    knows_tokens = "clientToken" in created[0][0]
    assert ("clientToken" in updated[0][0]) == knows_tokens
    assert changed["connectorProfileArn"].endswith("connectorprofile/cli")
    assert made.returncode == (0 if knows_tokens else 254)
    assert knows_tokens or b"(ConflictException)" in made.stderr
    assert asked == (2 if knows_tokens else 3)  # a conflict is found before the vendor is asked
    assert server.count_rows("profiles") == 1


def test_the_catalogue(cli):
    first = cli.ok("describe-connectors")
    rest = cli.ok("describe-connectors", "--next-token", first["nextToken"])
    assert len(first["connectorConfigurations"]) == 20
    assert len(rest["connectorConfigurations"]) == 4
    one = cli.ok("describe-connector", "--connector-type", "Marketo")["connectorConfiguration"]
    assert one == first["connectorConfigurations"]["Marketo"]
    assert one["supportedSchedulingFrequencies"] == \
        ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "ONCE"]
    assert cli.ok("list-connectors") == {"connectors": []}


def test_a_tag_s_arn_in_the_path(cli):
    arn = "arn:aws:appflow:us-east-1:123456789012:flow/f1"
    assert "(ResourceNotFoundException) when calling the ListTagsForResource" in \
        cli.refused("list-tags-for-resource", "--resource-arn", arn)
