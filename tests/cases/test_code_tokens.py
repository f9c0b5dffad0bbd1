"""Refresh tokens that the credentials have no member for: a code brings them, they are kept, and
the token keeper renews them. Judged by the vendor's ledger."""

import json

import pytest

from support import families
from support.keeping import job, make_due, state, wait_until_done
from support.salesforce import set_app

LIVES = {"expires_in": 2 * 86400, "refresh_token_expires_in": 90 * 86400}


@pytest.fixture
def vendor():
    with families.Families(1, kinds=("grace", "old access"), delay_s=0) as made:
        yield made


def test_what_a_code_brought_is_renewed(servers, vendor, canaries):
    """Slack's, where the old one works for a while, and Zendesk's, whose renewal ends the old
    access token. The code is sent once."""
    server = servers(*vendor.options(), start=False)
    set_app(server, canaries)
    server.start()
    kept = list(vendor.families.values())
    sent = {}
    for family in kept:
        request = families.create(family)
        server.ok("CreateConnectorProfile", request)
        sent[family.name] = request["connectorProfileConfig"]["connectorProfileCredentials"]
        assert job(server, family.name)["due_at_ms"] > 0, family.name
    for turn in (1, 2):
        make_due(server)
        for family in kept:
            wait_until_done(server, turn, name=family.name)
            assert state(server, family.name)["state"] == "fresh", family.name
            assert len(family.ledger) == turn and all(line.given for line in family.ledger)
    for family in kept:
        # As deployment tools send it: the code of before, beside what is there. It counts as known.
        server.ok("UpdateConnectorProfile", families.update(family))
        server.ok("UpdateConnectorProfile", families.update(
            family, next(iter(sent[family.name].values()))))
        assert set(family.codes.values()) == {1} and not family.harm()
        described = json.dumps(server.describe(family.name))
        assert not any(token in described for token in
                       (*family.refresh, *family.access, *family.replaced))
    asked = [json.loads(request.body) for request in vendor.requests
             if request.target == families.ZENDESK_TOKENS]
    assert len(asked) == 3 and all(LIVES.items() <= each.items() for each in asked)
