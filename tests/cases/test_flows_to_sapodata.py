"""Flows from S3 to SAP's records, of both versions of OData: what was written is what the stand-in
has afterwards, with the token against forged requests, and what the system refuses and answers is
in the buckets."""

import json

import pytest

from support import moving
from support.sandbox_records import truth, written
from support.server import headgate
from test_sapodata_records import SETS, create_profile, with_profiles

WHO = {"A_BusinessPartner": "BusinessPartner", "A_BusinessPartnerAddress": "AddressID",
       "Order": "OrderID"}


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return with_profiles(lasting_servers("--sandbox"))


@pytest.fixture
def server(lasting):
    moving.clear(lasting)
    return lasting


def with_token(server, canaries, outcome):
    """A profile with an OAuth access token that has this outcome."""
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "SAPOData",
                                 "--outcome", "accepted-token"))
    config["connectorProfileCredentials"]["SAPOData"]["oAuthCredentials"]["accessToken"] = \
        f"sandbox-token-accepted-{outcome}-{canaries.new('token')}"
    create_profile(server, outcome, None, config)
    return outcome


def run(server, records, entity, operation, ids=(), profile=None, tasks=None, **more):
    """The run's record, the lines of the error bucket, and the answers that were kept."""
    kind, path = SETS[entity]
    moving.put(server, "records", moving.lines_of(records))
    properties = {
        "objectPath": f"{path}/{entity}", "writeOperationType": operation,
        "successResponseHandlingConfig": {"bucketName": moving.OUT, "bucketPrefix": "answers"},
        "errorHandlingConfig": {"bucketName": moving.OUT, "bucketPrefix": "failed"}, **more}
    if ids:
        properties["idFieldNames"] = list(ids)
    server.ok("CreateFlow", {**moving.flow("write"), "destinationFlowConfigList": [{
        "connectorType": "SAPOData", "connectorProfileName": profile or kind,
        "destinationConnectorProperties": {"SAPOData": properties}}],
        "tasks": tasks or [{"taskType": "Map", "sourceFields": [each], "destinationField": each,
                            "connectorOperator": {"S3": "NO_OP"}} for each in records[0]]})
    record = moving.run(server, "write")
    lines = {"failed": [], "answers": []}
    for key, body in moving.written(server).items():
        lines[key.split("/")[0]] += [json.loads(line) for line in body.splitlines()]
    return record, lines["failed"], lines["answers"]


def good(record, count, failed=0):
    result = record["executionResult"]
    assert record["executionStatus"] == "Successful", record
    assert result["recordsProcessed"] == count
    assert result.get("errorInfo", {}).get("putFailuresCount", 0) == failed


def now(server, entity):
    return {each[WHO[entity]]: each
            for each in written(server.data / "records", "SAPOData", entity)}


def test_entities_are_created_and_the_answers_are_kept(server):
    before = now(server, "A_BusinessPartner")
    wanted = [{"OrganizationBPName1": f"created {number} “L'Aquila”", "BusinessPartnerIsBlocked":
               number % 2 == 0, "YY1_CustomerClass_bus": None} for number in range(30)]
    wanted[4]["OrganizationBPName1"] = 4  # becomes a text
    wanted[5]["BusinessPartnerIsBlocked"] = "maybe"
    record, failed, answers = run(server, wanted, "A_BusinessPartner", "INSERT")
    good(record, 30, failed=1)
    assert [(each["record"], each["errorCode"]) for each in failed] == [(wanted[5], "Refused")]
    assert failed[0]["errorMessage"] == \
        "Invalid value for the property 'BusinessPartnerIsBlocked'"
    after = now(server, "A_BusinessPartner")
    made = [after[key] for key in after if key not in before]
    wanted[4]["OrganizationBPName1"] = "4"
    expected = [each for number, each in enumerate(wanted) if number != 5]
    assert [{name: each[name] for name in wanted[0]} for each in made] == expected
    # The entities as the system has made them.
    assert [each["BusinessPartner"] for each in answers] == [
        each["BusinessPartner"] for each in made]
    assert all(each["__metadata"]["uri"].endswith(f"('{each['BusinessPartner']}')")
               for each in answers)
    keys = set(moving.written(server))
    assert keys == {f"{folder}/write/{record['executionId']}/00000-0{end}" for folder, end in (
        ("failed", ""), ("answers", "-answers"))}


@pytest.mark.parametrize("entity, ids, changes", [
    ("A_BusinessPartner", ["BusinessPartner"], {"OrganizationBPName1": "changed"}),
    # Of several keys, and of a time, which version 2 has in a form of its own.
    ("A_BusinessPartnerAddress", ["AddressID"], {
        "CityName": "Ville-d'Avray", "ValidityStartDate": "2024-02-29T12:00:00.250Z"}),
    ("Order", ["OrderID"], {"Amount": "1234.50", "YY1_Channel": "phone"}),
])
def test_entities_are_updated_by_their_keys(server, entity, ids, changes):
    before = now(server, entity)
    keys = [name for name in ("BusinessPartner", WHO[entity]) if name in next(iter(
        before.values()))]
    chosen = list(before.values())[100:120]
    wanted = [{**{key: each[key] for key in dict.fromkeys(keys)}, **changes} for each in chosen]
    unknown = {**wanted[0], WHO[entity]: "9" * 10}
    without = {**wanted[0], WHO[entity]: None}
    record, failed, answers = run(server, [*wanted, unknown, without], entity, "UPDATE", ids)
    good(record, 22, failed=2)
    assert [each["record"] for each in failed] == [unknown, without] and not answers
    assert "Resource not found for the key" in failed[0]["errorMessage"]
    assert failed[1]["errorMessage"] == "the record has no value of a key of the entity set"
    after = now(server, entity)
    expected = {"CityName": "Ville-d'Avray", "ValidityStartDate": "/Date(1709208000250+0000)/",
                "Amount": 1234.5, "YY1_Channel": "phone", "OrganizationBPName1": "changed"}
    for key, each in before.items():
        is_chosen = each in chosen
        assert after[key] == ({**each, **{name: expected[name] for name in changes},
                               **{name: after[key][name] for name in ("LastChangeDate", "ChangedAt")
                                  if name in each}} if is_chosen else each)


def test_entities_are_upserted(server):
    """A second run, as after a crash, changes nothing."""
    run(server, [{"OrganizationBPName1": "whose number is before the new one's"}],
        "A_BusinessPartner", "INSERT")
    before = now(server, "A_BusinessPartner")
    known, last = list(before)[7], max(before)
    wanted = [{"BusinessPartner": known, "OrganizationBPName1": "known"},
              {"BusinessPartner": str(int(last) + 1), "OrganizationBPName1": "new"}]
    for _ in range(2):
        moving.clear(server)
        record, failed, _ = run(server, wanted, "A_BusinessPartner", "UPSERT", ["BusinessPartner"])
        good(record, 2)
        assert not failed
        after = now(server, "A_BusinessPartner")
        assert len(after) == len(before) + 1
        assert [after[each["BusinessPartner"]]["OrganizationBPName1"] for each in wanted] == [
            "known", "new"]


@pytest.mark.parametrize("outcome, works", [("csrf-ends", True), ("csrf-refused", False),
                                            ("write-fails", True)])
def test_a_write_that_fails(server, lasting_canaries, outcome, works):
    """A token that ended is got once more; an UPDATE is sent again after a fault."""
    profile = with_token(server, lasting_canaries, outcome)
    keys = list(now(server, "A_BusinessPartner"))[200:203]
    wanted = [{"BusinessPartner": key, "OrganizationBPName1": outcome} for key in keys]
    record, failed, _ = run(server, wanted, "A_BusinessPartner", "UPDATE", ["BusinessPartner"],
                            profile=profile)
    after = now(server, "A_BusinessPartner")
    names = [after[key]["OrganizationBPName1"] == outcome for key in keys]
    if works:
        good(record, 3)
        assert not failed and all(names)
        return
    assert record["executionStatus"] == "Error"
    assert "refuses the CSRF token" in record["executionResult"]["errorInfo"]["executionMessage"]
    assert names == [True, False, False]


def test_three_calls_in_a_row_without_an_answer_end_the_run(server, lasting_canaries):
    """Each is one record's, within one batch; what is behind them is not sent."""
    profile = with_token(server, lasting_canaries, "write-dumps")
    before = now(server, "A_BusinessPartner")
    wanted = [{"OrganizationBPName1": f"dump {number}"} for number in range(6)]
    record, failed, _ = run(server, wanted, "A_BusinessPartner", "INSERT", profile=profile)
    assert record["executionStatus"] == "Error", record
    message = record["executionResult"]["errorInfo"]["executionMessage"]
    assert "The outcome of the last 3 calls to the destination is unknown" in message, message
    assert [(each["record"], each["errorCode"]) for each in failed] == [
        (each, "Unknown") for each in wanted[1:4]]
    made = [each for key, each in now(server, "A_BusinessPartner").items() if key not in before]
    assert [each["OrganizationBPName1"] for each in made] == ["dump 0"]


def test_an_answer_that_cannot_be_kept_ends_the_writing(server):
    """An object of answers ends at 2 MiB, and there is no such bucket."""
    wanted = [{"OrganizationBPName1": f"{number:04} " + "x" * 5_000} for number in range(500)]
    _, _, answers = run(server, wanted[:1], "A_BusinessPartner", "INSERT")
    line = len(next(body for key, body in moving.written(server).items() if "answers" in key))
    assert len(answers) == 1
    moving.clear(server)
    before = now(server, "A_BusinessPartner")
    record, _, _ = run(server, wanted, "A_BusinessPartner", "INSERT",
                       successResponseHandlingConfig={"bucketName": "no-such-bucket"})
    assert record["executionStatus"] == "Error", record
    assert "no-such-bucket" in record["executionResult"]["errorInfo"]["executionMessage"], record
    made = len(now(server, "A_BusinessPartner")) - len(before)
    assert made == -(-2 * 1024 * 1024 // line)


@pytest.mark.parametrize("entity, operation, ids, says", [
    ("A_BusinessPartner", "UPDATE", ["OrganizationBPName1"],
     "OrganizationBPName1 in idFieldNames is no key of A_BusinessPartner, which has: "
     "BusinessPartner"),
    ("A_BusinessPartnerAddress", "INSERT", [], "A_BusinessPartnerAddress cannot be created"),
    ("Order", "UPSERT", ["OrderID"], "entities of Order cannot be created"),
])
def test_what_the_description_does_not_allow(server, entity, operation, ids, says):
    record, _, _ = run(server, [{name: "1" for name in (*ids, "Amount", "CityName")}], entity,
                       operation, ids)
    assert record["executionStatus"] == "Error", record
    assert says in record["executionResult"]["errorInfo"]["executionMessage"], record


def test_no_flow_deletes(server):
    kind, path = SETS["Order"]
    answer = server.call("CreateFlow", {**moving.flow("none"), "destinationFlowConfigList": [{
        "connectorType": "SAPOData", "connectorProfileName": kind,
        "destinationConnectorProperties": {"SAPOData": {
            "objectPath": f"{path}/Order", "writeOperationType": "DELETE"}}}]})
    assert answer.status == 400
    assert "writeOperationType must be one that SAPOData supports: INSERT" in answer.message


def test_the_sample_is_not_changed(server):
    """What other tests compare with."""
    assert len(truth("SAPOData", "A_BusinessPartner")) == 2100
