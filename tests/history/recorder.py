"""An unmodified boto3 client whose every attempt is recorded, by the events that botocore has for
whoever wants to look on. Its own retries are on."""

import time

import botocore.exceptions
import botocore.parsers

from history import calls
from history.calls import Attempt, Call, Shown
from support import aws

ATTEMPTS = 4

NOBODY_LISTENED = (botocore.exceptions.EndpointConnectionError,
                   botocore.exceptions.ConnectTimeoutError)


def judge(attempt, answer, exception):
    """What an attempt came to, by the answer as botocore parsed it or by what kept it away."""
    attempt.ended = time.monotonic()
    if exception is not None:
        attempt.message = str(exception)
        attempt.verdict = calls.UNSENT if isinstance(exception, NOBODY_LISTENED) else calls.UNKNOWN
        return
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    attempt.verdict = (calls.OK if status < 300 else
                       calls.UNKNOWN if status >= 500 else calls.REFUSED)
    error = answer.get("Error", {})
    attempt.code, attempt.message = error.get("Code", ""), error.get("Message", "")


class Recorder:
    """One client of one node, used by one thread at a time."""

    def __init__(self, history, node, key, kinds, read_timeout_s):
        self.history = history
        self.node = node
        self.kinds = kinds
        self.call = None
        self.client = aws.boto(node.server, key=key, retries=ATTEMPTS,
                               read_timeout_s=read_timeout_s)
        events = self.client.meta.events
        events.register("before-send.appflow", self._sends)
        events.register("response-received.appflow", self._received)

    def _sends(self, **_):
        self.call.attempts.append(Attempt(self.node.name, time.monotonic()))

    def _received(self, parsed_response, exception, **_):
        judge(self.call.attempts[-1], parsed_response, exception)

    def _make(self, call, function, **parameters):
        """Makes a call; its answer, or None when there was none or a refusal."""
        self.call = call
        self.history.calls.append(call)
        try:
            return function(**parameters)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError,
                botocore.parsers.ResponseParserError):
            assert call.attempts, "it was never sent"
            return None

    def send(self, like, value=None):
        """Sends a create or an update as another call has it, under the same token: with another
        value if one is given."""
        kind = self.kinds.of(like.name)
        call = Call(like.operation, like.name, value or like.value, like.token, keeps=like.keeps,
                    good=like.good, private=kind.private, one_time=kind.one_time)
        config = kind.config(call.value, call.good)
        more = {"name": call.name, "clientToken": call.token, "mode": kind.mode,
                "config": aws.properties_only(config) if call.keeps else config}
        if call.operation == "create":
            answer = self._make(call, aws.create, client=self.client, kind=kind.type, **more)
        else:
            answer = self._make(call, aws.update, client=self.client, **more)
        call.arn = answer["connectorProfileArn"] if answer else ""
        return call

    def delete(self, name):
        call = Call("delete", name)
        self._make(call, self.client.delete_connector_profile, connectorProfileName=name)
        return call

    def describe(self, name=""):
        """Of one profile, or of all in one page."""
        call = Call("describe", name)
        answer = self._make(call, self.client.describe_connector_profiles,
                            **({"connectorProfileNames": [name]} if name else
                               {"maxResults": 100}))
        if answer:
            assert "nextToken" not in answer
            call.shown = {each["connectorProfileName"]: self.shown(each)
                          for each in answer["connectorProfileDetails"]}
        return call

    def shown(self, details):
        kind = self.kinds.of(details["connectorProfileName"])
        assert details["connectionMode"] == kind.mode
        return Shown(kind.value_of(details), details["createdAt"].timestamp(),
                     details["lastUpdatedAt"].timestamp(), details["connectorProfileArn"],
                     details.get("privateConnectionProvisioningState", {}).get("status", ""))
