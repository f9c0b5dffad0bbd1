"""Kills the server when a vendor has listed its entities and nothing of it is stored: it lists them
again after the next start."""

import json

from support.server import headgate
from test_crash import call_until_death, note_use, start_with_fault

ASKED = {"connectorProfileName": "listed"}


def test_killed_when_the_vendor_has_answered(servers):
    server = servers("--sandbox", start=False)
    note_use(server)
    server.start()
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Zendesk",
                                 "--outcome", "accepted"))
    server.ok("CreateConnectorProfile", {**ASKED, "connectorType": "Zendesk",
                                         "connectionMode": "Public",
                                         "connectorProfileConfig": config})
    wanted = server.ok("ListConnectorEntities", ASKED)
    server.stop()
    assert start_with_fault(server, "metadata:asked")
    assert call_until_death(server, "ListConnectorEntities", ASKED)[1]
    server.start()
    assert server.ok("ListConnectorEntities", ASKED) == wanted
