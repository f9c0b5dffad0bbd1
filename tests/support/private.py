"""Private mode: a server whose only way to a vendor is the operator's private route, and what its
profiles' states are waited for with."""

import re
import socket
import threading
import time

from support.salesforce import Salesforce

HOST = "acme.inside.example"  # nobody can look it up
WAIT_S = 60
FAILURE_MESSAGE = re.compile(r"[\s\w/!@#+=.-]*", re.ASCII)  # the model's


class Gated(Salesforce):
    """Answers only while its gate is open, so that a profile stays PENDING until a test says so."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Semaphore(0)
        self.dropped = 0

    def wait_for(self, count):
        """Until that many more requests have come to the gate."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=WAIT_S)

    def drop(self):
        """Forgets what waits at the gate: it never came to the vendor. Wait for all of it first."""
        self.dropped += 1

    def answer_one(self, request):
        dropped = self.dropped
        self.arrived.release()
        assert self.gate.wait(WAIT_S)
        return super().answer_one(request) if dropped == self.dropped else None


def options(vendor, account=""):
    """No entry of an egress list: the private route is the only way to loopback. It is the own
    account's, or that of an `account` with a colon ("*:" is every account's)."""
    return ("--endpoint", f"Salesforce=http://{HOST}", "--private-route",
            f"{account}{HOST}={vendor.authority}", "--verify-timeout", "60")


def closed_port():
    """An address on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def change(credentials, mode="Private", name="inside", sandbox=False, **more):
    config = {"connectorProfileProperties": {"Salesforce": {
        "isSandboxEnvironment": sandbox, "usePrivateLinkForMetadataAndAuthorization": True}}}
    if credentials is not None:
        config["connectorProfileCredentials"] = {"Salesforce": credentials}
    return {"connectorProfileName": name, "connectionMode": mode, "connectorProfileConfig": config,
            **more}


def create(credentials, **more):
    return change(credentials, connectorType="Salesforce", **more)


def state(server, name="inside", **kwargs):
    return server.describe(name, **kwargs).get("privateConnectionProvisioningState")


def settled(server, name="inside", **kwargs):
    """Waits until the profile is not PENDING any more; its state."""
    until = time.monotonic() + WAIT_S
    while True:
        now = state(server, name, **kwargs)
        if now is None or now["status"] != "PENDING":
            return now
        assert time.monotonic() < until, server.log[-3000:]
        time.sleep(0.01)


def assert_failed(found, cause, words):
    assert set(found) == {"status", "failureCause", "failureMessage"}
    assert (found["status"], found["failureCause"]) == ("FAILED", cause)
    message = found["failureMessage"]
    assert FAILURE_MESSAGE.fullmatch(message) and 0 < len(message) <= 2048, message
    assert words in message, message
