"""SAPOData against SAP's own server for OData, CAP, with basic authentication: catalogs of version
2 and 4."""

import pathlib
import subprocess

import pytest

from support import aws
from support.canary import Canaries

HERE = pathlib.Path(__file__).parent

pytestmark = [
    pytest.mark.shows("peer", "@sap/cds", kind="SAPOData"),
    pytest.mark.skipif(not (HERE.parent / "node_modules/@sap/cds").is_dir(),
                       reason="@sap/cds is not installed (tests/package.json)"),
]

V2, V4 = "/odata/v2/catalog", "odata/v4/catalog/"


class Peer:
    def __init__(self):
        self.password = Canaries().new("password")
        self.process = subprocess.Popen(
            ["node", HERE / "cap_server.mjs", "APPFLOW", self.password], cwd=HERE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        assert line, "the CAP server has ended"
        self.port = int(line)

    def config(self, path=V2, user="APPFLOW", password=None):
        return {
            "connectorProfileProperties": {"SAPOData": {
                "applicationHostUrl": "http://127.0.0.1", "portNumber": self.port,
                "applicationServicePath": path, "clientNumber": "100", "logonLanguage": "EN",
                "disableSSO": True}},
            "connectorProfileCredentials": {"SAPOData": {"basicAuthCredentials": {
                "username": user, "password": password or self.password}}}}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def peer():
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def server(servers, canaries, peer):
    canaries.add(peer.password)
    return servers("--egress-allow", "127.0.0.1")


def test_catalogs_of_both_versions(server, peer, record_property):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(V2))
    aws.update(client, "erp", peer.config(V4))
    aws.update(client, "erp", aws.properties_only(peer.config(V2 + "/")))
    record_property("connector_peer", "SAPOData: @sap/cds")


@pytest.mark.parametrize("version", ("v2", "v4"))
def test_refusals(server, peer, canaries, version):
    client = aws.boto(server)
    aws.create(client, "erp", "SAPOData", peer.config(f"/odata/{version}/catalog"))
    row = server.profile_row("erp")
    wrong = canaries.new("wrong")
    for config, words in (
            (peer.config(f"/odata/{version}/catalog", password=wrong), "rejected the credentials"),
            (peer.config(f"/odata/{version}/catalog", user="NOBODY"), "rejected the credentials"),
            (peer.config(f"/odata/{version}/closed"),
             "lack a permission at step api (HTTP 403): Forbidden"),
            (peer.config(f"/odata/{version}/nothing"), "cannot be used with this configuration")):
        name, status, message = aws.refused(aws.update, client=client, name="erp", config=config)
        assert (name, status) == ("ConnectorAuthenticationException", 401)
        assert words in message, message
        assert server.profile_row("erp") == row
