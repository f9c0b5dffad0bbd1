"""A link on which a person authorizes, where a mock vendor could not send the browser back."""

import pytest

CONSENT = [("X-Headgate-Consent", "true")]
REQUEST = {"connectorProfileName": "crm", "connectorType": "Salesforce",
           "connectionMode": "Public", "connectorProfileConfig": {
               "connectorProfileProperties": {"Salesforce": {}},
               "connectorProfileCredentials": {"Salesforce": {"oAuth2GrantType":
                                                              "AUTHORIZATION_CODE"}}}}


@pytest.mark.parametrize("words, is_made", [
    ((), True), (("--public-url", "http://localhost:8620"), True),
    (("--public-url", "https://box.example"), False)])
def test_a_sandbox_is_for_browsers_of_this_machine(servers, words, is_made):
    server = servers("--sandbox", *words)
    answer = server.call("CreateConnectorProfile", REQUEST, headers=CONSENT)
    if is_made:
        assert answer.status == 200, answer.message
        return
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "only a browser on this machine" in answer.message
    assert server.count_rows("consents") == 0
