"""The AWS SDKs for Go, Java and JavaScript, an old boto3 and a new one: errors have the SDK's own
types, pages are followed to the end, and the SDK repeats a change whose answer was lost or
throttled.

A small program drives each SDK. It reads commands, one a line, words separated by tabs:

    create NAME API-KEY SECRET-KEY
    update NAME API-KEY SECRET-KEY
    delete NAME
    pages

It writes a line for each: `ok` and the ARN, or `ok` and each page's names; or `error`, the name of
the SDK's type (`untyped` if it has none for this error), status, request ID and message.
tools/deps.sh builds the programs."""

import dataclasses
import pathlib
import re
import sys

import pytest

from support import aws, operations
from support.answer_cutter import AnswerCutter
from support.vendor import Vendor, http, to_vendor

HERE = pathlib.Path(__file__).parent
PROGRAMS = HERE.parent.parent / "build/clients"
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ARN = aws.ARN.format(region="us-east-1", account="123456789012", name="p")
NAMES = [f"p{number:03}" for number in range(250)]
DEFAULT = None  # attempts: the SDK's own number


@dataclasses.dataclass
class Sdk:
    name: str
    needs: pathlib.Path  # the file that tools/deps.sh makes last, once the SDK is there
    command: list
    attempts: int = DEFAULT  # when throttled
    client_tokens: bool = True
    types_throttling: bool = True  # as an answer of DescribeConnectorProfiles
    obeys_retry_after: bool = True  # or x-amz-retry-after


SDKS = [
    # This release waits for a random time, so its three attempts may be too few. It has types only
    # for the errors that Amazon's model lists for the operation.
    Sdk("go", PROGRAMS / "go/fetched", [PROGRAMS / "go/appflow"], attempts=10,
        types_throttling=False, obeys_retry_after=False),
    Sdk("java", PROGRAMS / "java/fetched",
        ["java", "-XX:TieredStopAtLevel=1", "-cp",
         f"{PROGRAMS / 'java/classes'}:{PROGRAMS / 'java/libraries'}/*", "Appflow"]),
    # Its model has neither client tokens nor ThrottlingException; it waits for a random time too.
    Sdk("old-boto3", PROGRAMS / "old-boto3/fetched",
        [PROGRAMS / "old-boto3/bin/python", HERE / "sdk_boto3.py"],
        client_tokens=False, types_throttling=False, obeys_retry_after=False),
    # This release takes the seconds of Retry-After for seconds since 1970, and waits for a random
    # time.
    Sdk("javascript", HERE.parent / "node_modules/@aws-sdk/client-appflow/package.json",
        ["node", HERE / "sdk_javascript.mjs"], attempts=10, obeys_retry_after=False),
    Sdk("new-boto3", pathlib.Path(sys.executable), [sys.executable, HERE / "sdk_boto3.py"]),
]


def name_of(sdk):
    return sdk.name


def only(some):
    return pytest.mark.parametrize("sdk", list(some), ids=name_of, indirect=True)


@pytest.fixture(params=SDKS, ids=name_of)
def sdk(request):
    if not request.param.needs.exists():
        pytest.skip(f"tools/deps.sh could not install this SDK: {request.param.name}")
    return request.param


def run(sdk, server, *commands, endpoint=None, attempts=1):
    """Outcomes of the commands, in order, as lists of words."""
    lines = "".join("\t".join(words) + "\n" for words in commands)
    words = [*sdk.command, endpoint or server.endpoint]
    done = aws.run_tool(server, words, lines.encode(), attempts)
    outcomes = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert done.returncode == 0 and len(outcomes) == len(commands), (outcomes, done.stderr.decode())
    return outcomes


def keys(canaries, outcome="accepted"):
    config = aws.config_for(canaries, "Amplitude", outcome)
    found = config["connectorProfileCredentials"]["Amplitude"]
    return found["apiKey"], found["secretKey"]


@pytest.fixture
def agreeable():
    """A vendor that accepts any credentials."""
    with Vendor(lambda _: http("200 OK", '{"data": {"series": []}}')) as vendor:
        yield vendor


def test_errors_have_the_sdk_s_own_types(sdk, servers, canaries):
    server = servers("--sandbox", "--account-read-rate", "0.01:1")
    good, bad = (keys(canaries, each) for each in ("accepted", "rejected"))
    made, page, *refused = run(
        sdk, server, ("create", "p", *good), ("pages",), ("create", "p", *good),
        ("update", "p", *bad), ("update", "a b", *good), ("update", "missing", *good),
        ("delete", "missing"), ("pages",))
    assert (made, page) == (["ok", ARN], ["ok", "p"])
    assert [(kind, name, status) for kind, name, status, *_ in refused] == [
        ("error", "ConflictException", "409"),
        ("error", "ConnectorAuthenticationException", "401"),
        ("error", "ValidationException", "400"),
        ("error", "ResourceNotFoundException", "404"),
        ("error", "ResourceNotFoundException", "404"),
        ("error", "ThrottlingException" if sdk.types_throttling else "untyped", "429")]
    assert all(REQUEST_ID.fullmatch(each[3]) for each in refused), refused
    said = [each[4] for each in refused]
    for message, words in zip(said, ("name p already exists", "Incorrect credentials", "a b",
                                     "name missing does not", "name missing does not",
                                     "Rate exceeded"), strict=True):
        assert words in message, said


@pytest.fixture(scope="module")
def many(lasting_servers, lasting_canaries):
    server = lasting_servers("--sandbox")
    api_key, secret_key = keys(lasting_canaries)
    for name in NAMES:
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": api_key, "secretKey": secret_key}}}})
    return server


def test_250_profiles_in_pages(sdk, many):
    # With the SDK's retries: Go's HTTP client may find a kept connection closed on its own side.
    (outcome,) = run(sdk, many, ("pages",), attempts=DEFAULT)
    assert outcome == ["ok", *[" ".join(NAMES[at:at + 20]) for at in range(0, 250, 20)]]


def lose_answers(sdk, server, canaries, *commands):
    """Sends changes and loses the first answer to each; the outcomes, and pairs of body and answer
    for each operation."""
    changes = {"create": "CreateConnectorProfile", "update": "UpdateConnectorProfile"}
    with AnswerCutter(server) as cutter:
        for command in commands:
            cutter.lose(changes[command])
        outcomes = run(sdk, server, *[(command, "p", "api-key", canaries.new(command))
                                      for command in commands],
                       endpoint=cutter.endpoint, attempts=DEFAULT)
    return outcomes, [cutter.of(changes[command]) for command in commands]


@only(sdk for sdk in SDKS if sdk.client_tokens)
def test_a_change_whose_answer_is_lost_is_repeated_with_one_effect(
        sdk, servers, agreeable, canaries):
    server = servers(*to_vendor(agreeable))
    outcomes, exchanges = lose_answers(sdk, server, canaries, "create", "update")
    assert outcomes == [["ok", ARN], ["ok", ARN]]
    for (body, answer), (again, replayed) in exchanges:
        assert again == body and body["clientToken"]
        assert answer.status == replayed.status == 200 and replayed.body == answer.body
    assert len(agreeable.requests) == 2


@only(sdk for sdk in SDKS if not sdk.client_tokens)
def test_an_sdk_that_knows_no_client_token_repeats_a_change(sdk, servers, agreeable, canaries):
    """Its second try to create finds the profile that the first one made."""
    server = servers(*to_vendor(agreeable))
    (made, changed), exchanges = lose_answers(sdk, server, canaries, "create", "update")
    assert made[:3] == ["error", "ConflictException", "409"] and changed == ["ok", ARN]
    for (body, _), (again, _) in exchanges:
        assert again == body and "clientToken" not in body
    assert [[answer.status for _, answer in each] for each in exchanges] == [[200, 409], [200, 200]]


@pytest.mark.waits(3)
def test_throttled_changes_are_waited_for(sdk, servers, canaries):
    """Calls follow each other faster than the rate. An SDK that waits as long as the answer says
    needs one retry for each call; a wait that is too short would need more."""
    rate = "1:1" if sdk.obeys_retry_after else "5:1"
    server = servers("--sandbox", "--account-change-rate", rate, *operations.OPTION)
    good = keys(canaries)
    outcomes = run(sdk, server, ("create", "p", *good), *[("update", "p", *good)] * 2,
                   ("delete", "p"), attempts=sdk.attempts)
    assert outcomes == [["ok", ARN]] * 3 + [["ok"]]
    retries = operations.throttled(server, "account-change-rate")
    assert 0 < retries and (retries <= 3 or not sdk.obeys_retry_after)
