"""Tags on the wire: limits, what a refused request leaves behind, accounts and regions, the audit,
what ends with a connector, and policies that ask about tags."""

import json
import urllib.parse

import pytest

from support import wire
from support.functions import Functions, registration, to_functions
from support.operations import wait_until
from support.server import ACCOUNT, OTHER_ACCOUNT, Key, headgate


def arn_of(label="memory", kind="connector", region="us-east-1", account=ACCOUNT):
    return f"arn:aws:appflow:{region}:{account}:{kind}/{label}"


class Tags:
    """The three operations on one resource, with a key of its own or the server's."""

    def __init__(self, server, arn=None, **more):
        self.server, self.arn, self.more = server, arn or arn_of(), more

    def send(self, method, query="", body=b""):
        target = "/tags/" + urllib.parse.quote(self.arn, safe="") + query
        request = wire.signed_request(self.server, method, target, body, **self.more)
        with wire.Connection(self.server.host, self.server.port) as connection:
            return connection.exchange(request)

    def put(self, tags):
        return self.send("POST", body=json.dumps({"tags": tags}).encode())

    def remove(self, *keys):
        return self.send("DELETE", "?" + urllib.parse.urlencode([("tagKeys", key) for key in keys],
                                                                quote_via=urllib.parse.quote))

    def listed(self):
        answer = self.send("GET")
        assert answer.status == 200, answer.raw
        return answer.json()["tags"]


def refused(answer):
    assert answer.status != 200, answer.raw
    return answer.status, answer.error


NOT_VALID = (400, "ValidationException")
NOT_FOUND = (404, "ResourceNotFoundException")
DENIED = (403, "AccessDeniedException")


@pytest.fixture
def server(servers, canaries):
    """With a connector that is registered as memory."""
    with Functions() as functions:
        options, env = to_functions(functions, canaries)
        server = servers(*options, env=env)
        server.ok("RegisterConnector", registration("memory"))
        yield server


def test_limits_of_the_model(server):
    tags = Tags(server)
    longest = {"k" * 128: "v" * 256, "k": ""}
    assert tags.put(longest).status == 200
    assert tags.listed() == longest
    for bad in ({"k" * 129: "v"}, {"k": "v" * 257}, {"": "v"}, {"aws:k": "v"}, {"a b": "v"},
                {"k": "v*"}, {f"k{number}": "v" for number in range(51)}):
        assert refused(tags.put(bad)) == NOT_VALID, bad
    assert refused(tags.put(None)) == NOT_VALID
    assert refused(tags.send("DELETE")) == NOT_VALID
    assert refused(tags.remove(*[f"k{number}" for number in range(51)])) == NOT_VALID
    assert refused(tags.remove("aws:k")) == NOT_VALID
    assert tags.listed() == longest


def test_fifty_tags_of_a_resource(server):
    tags = Tags(server)
    fifty = {f"k{number}": str(number) for number in range(50)}
    assert tags.put(fifty).status == 200
    assert tags.put({**fifty, "k1": "one"}).status == 200
    answer = tags.put({"k2": "two", "k50": "50"})
    assert refused(answer) == NOT_VALID
    assert answer.message == "A resource can have at most 50 tags; with these it would have 51."
    assert tags.listed() == {**fifty, "k1": "one"}
    assert tags.remove(*list(fifty)[:49]).status == 200
    assert tags.put({"k50": "50"}).status == 200
    assert tags.listed() == {"k49": "49", "k50": "50"}


def test_keys_of_a_query_are_decoded(server):
    tags = Tags(server)
    odd = {"a+b": "1", "a:b/c=d": "2", "A": "3", "a": "4"}
    assert tags.put(odd).status == 200
    assert tags.remove("a+b", "a:b/c=d", "A").status == 200
    assert tags.listed() == {"a": "4"}


def test_other_accounts_and_regions(server):
    stranger = server.make_key("AKIAHEADGATETEST0002", "stranger", OTHER_ACCOUNT)
    tags = Tags(server)
    assert tags.put({"team": "sales"}).status == 200
    for other in (Tags(server, key=stranger), Tags(server, region="eu-west-1"),
                  Tags(server, arn_of(account=OTHER_ACCOUNT)), Tags(server, arn_of("other")),
                  Tags(server, arn_of(account=OTHER_ACCOUNT), key=stranger),
                  Tags(server, arn_of(kind="flow"))):
        for answer in (other.put({"team": "x"}), other.remove("team"), other.send("GET")):
            assert refused(answer) == NOT_FOUND, answer.raw
    assert tags.listed() == {"team": "sales"}


def test_tags_end_with_their_connector(server):
    tags = Tags(server)
    assert tags.put({"team": "sales"}).status == 200
    server.ok("UnregisterConnector", {"connectorLabel": "memory"})
    assert refused(tags.send("GET")) == NOT_FOUND
    assert refused(tags.put({"team": "sales"})) == NOT_FOUND
    server.ok("RegisterConnector", registration("memory"))
    assert tags.listed() == {}


def test_tags_outlive_a_restart_and_an_updated_registration(server):
    tags = Tags(server)
    assert tags.put({"team": "sales"}).status == 200
    server.ok("UpdateConnectorRegistration", {"connectorLabel": "memory", "description": "new"})
    server.stop()
    server.start()
    assert tags.listed() == {"team": "sales"}


def test_changes_are_audited(server):
    tags = Tags(server)
    assert tags.put({"team": "sales"}).status == 200
    assert tags.remove("team").status == 200
    assert refused(Tags(server, arn_of("other")).put({"a": "b"})) == NOT_FOUND
    wanted = [("TagResource", arn_of(), "ok"), ("UntagResource", arn_of(), "ok"),
              ("TagResource", arn_of("other"), NOT_FOUND[1])]

    def rows(_):
        return [tuple(row.values()) for row in server.query(
            "SELECT operation, resource, outcome FROM audit WHERE operation LIKE ?"
            " ORDER BY position", "%agResource")]

    wait_until(server, lambda seen: sorted(seen) == sorted(wanted), asked=rows)


def limited(server, tmp_path, number, *statements):
    path = tmp_path / f"policy-{number}.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    key = Key(f"AKIATAGS0000000000{number:02}", server.canaries.new(f"tags-{number}"), ACCOUNT)
    headgate("access-key", "create", *server.place, "--account", ACCOUNT, "--access-key-id", key.id,
             "--secret-access-key", key.secret, "--policy", str(path))
    return key


def statement(effect, *actions, **conditions):
    return {"Effect": effect, "Action": [f"appflow:{action}" for action in actions],
            "Resource": "*", **({"Condition": conditions} if conditions else {})}


def test_policies_ask_about_the_tags_of_a_resource(server, tmp_path):
    key = limited(server, tmp_path, 1, statement("Allow", "*"), statement(
        "Deny", "UnregisterConnector", "UntagResource",
        StringEquals={"aws:ResourceTag/protected": "yes"}))
    tags = Tags(server, key=key)
    assert tags.put({"protected": "yes", "team": "sales"}).status == 200
    assert refused(tags.remove("protected")) == DENIED
    answer = server.call("UnregisterConnector", {"connectorLabel": "memory"}, key=key)
    assert refused(answer) == DENIED
    assert Tags(server).remove("protected").status == 200
    assert tags.remove("team").status == 200
    assert server.call("UnregisterConnector", {"connectorLabel": "memory"}, key=key).status == 200


def test_policies_ask_about_the_tags_of_a_request(server, tmp_path):
    key = limited(server, tmp_path, 2, statement(
        "Allow", "TagResource", StringEquals={"aws:RequestTag/team": ["sales", "it"]},
        **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "env"]}}))
    tags = Tags(server, key=key)
    assert tags.put({"team": "sales", "env": "test"}).status == 200
    for bad in ({"team": "hr"}, {"env": "test"}, {"team": "it", "owner": "me"}, {}):
        assert refused(tags.put(bad)) == DENIED, bad
    assert refused(tags.send("GET")) == DENIED
    assert Tags(server).listed() == {"team": "sales", "env": "test"}
