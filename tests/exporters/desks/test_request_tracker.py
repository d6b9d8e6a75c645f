"""Request Tracker: the kit's answers, the options, and what a real RT does that its answers do not say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.records import Priority
from config.estate import DeskSpec
from exporters.desks.contract import QueueCount, Refused
from exporters.desks.request_tracker import DESK
from exporters.desks.request_tracker.adapter import RequestTracker as Adapter
from exporters.desks.request_tracker.options import RequestTrackerOptions
from exporters.desks.request_tracker.ticketsql import quoted
from exporters.desks.trial import test_desk as try_desk
from testbeds.desk_kit import NEW, TIMEOUT, DeskKit
from testbeds.rt import RequestTracker


class TestAnswers(DeskKit):
    kind = DESK

    def options(self, url: str) -> RequestTrackerOptions:
        return RequestTrackerOptions(url=url, token="env:DESK_TOKEN", timeout=TIMEOUT)


@pytest.fixture
def desk(rt: RequestTracker) -> Adapter:
    return Adapter("ict", RequestTrackerOptions(url=rt.url, token="env:RT_TOKEN"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"url": "http://rt.example"}, "plain http would show the token"),
        ({"url": "https://me:secret@rt.example"}, "without a name, a password"),
        ({"token": "1-39-5844"}, "written as file:/path"),
        ({"priorities": {"P1": 100}}, "a number for each of P1 to P5"),
        ({"priorities": {"P1": 1, "P2": 2, "P3": 2, "P4": 4, "P5": 5}}, "all different"),
        ({"correlation_field": "it's}"}, "custom field's name"),
        ({"colour": "green"}, "Extra inputs"),
    ],
)
def test_options_that_cannot_work_are_refused(change: dict[str, object], reason: str) -> None:
    good: dict[str, object] = {"url": "https://rt.example", "token": "env:T"}

    with pytest.raises(ValidationError, match=reason):
        RequestTrackerOptions.model_validate(good | change)


def test_a_token_written_in_the_estate_is_not_repeated_in_the_schema_or_options() -> None:
    options = RequestTrackerOptions(url="https://rt.example", token="file:/etc/ridgeway/rt-token")

    assert "file:/etc/ridgeway/rt-token" in str(options.token)
    assert RequestTrackerOptions.model_json_schema()["properties"]["token"]["type"] == "string"


@pytest.mark.parametrize("name", ["St Alban's", "a\\b", "x' OR id > 0 OR Subject = '"])
def test_a_quoted_name_stays_one_value(name: str) -> None:
    text = quoted(name)

    inside = text[1:-1].replace("\\\\", "").replace("\\'", "")
    assert text[0] == text[-1] == "'"
    assert "'" not in inside


@pytest.mark.acceptance
def test_a_queue_name_with_quotes_is_searched_as_one_value(desk: Adapter) -> None:
    desk.create(NEW, lambda: True)

    assert desk.counts(["x' OR id > 0 OR Subject = '", "dacorum"]) == [
        QueueCount("x' OR id > 0 OR Subject = '", 0, 0),
        QueueCount("dacorum", 1, 0),
    ]


@pytest.mark.acceptance
def test_a_ticket_lives_as_the_contract_says(rt: RequestTracker, desk: Adapter) -> None:
    number = desk.create(NEW, lambda: True)

    (found,) = desk.look_up(NEW.key)
    assert found == desk.read(number)
    assert (found.key, found.digest, found.queue, found.priority, found.open) == (
        NEW.key,
        NEW.digest,
        "dacorum",
        Priority.P2,
        True,
    )
    assert [ticket.number for ticket in desk.find_digest(NEW.digest)] == [number]

    desk.note(number, "[rwy note x 1]", "a note")
    desk.set_priority(number, Priority.P1)
    desk.resolve(number, "over")
    after = desk.read(number)
    assert (desk.has_note(number, "[rwy note x 1]"), desk.has_note(number, "[rwy note x 2]")) == (True, False)
    assert (after.priority, after.open, after.status) == (Priority.P1, False, "resolved")
    assert desk.find_digest(NEW.digest) == []

    desk.reopen(number, "again")
    assert desk.read(number).open
    assert [ticket.number for ticket in desk.changed_since(0.0)] == [number]


@pytest.mark.acceptance
def test_a_merged_ticket_is_read_as_its_survivor(desk: Adapter) -> None:
    first, second = (desk.create(NEW, lambda: True) for _ in range(2))

    desk.merge(second, first)

    assert desk.read(second).number == first
    assert [ticket.number for ticket in desk.look_up(NEW.key)] == [first]


@pytest.mark.acceptance
def test_deleted_and_unknown_tickets_are_read_as_deleted(rt: RequestTracker, desk: Adapter) -> None:
    number = desk.create(NEW, lambda: True)
    rt.call("DELETE", f"/ticket/{number}")

    assert desk.read(number).deleted
    assert desk.read("4711").deleted


@pytest.mark.acceptance
@pytest.mark.parametrize(("value", "priority"), [(100, "P1"), (99, "P2"), (40, "P4"), (0, "P5")])
def test_a_priority_that_a_person_chose_counts_as_the_nearest_less_urgent(
    rt: RequestTracker, desk: Adapter, value: int, priority: str
) -> None:
    number = desk.create(NEW, lambda: True)

    rt.call("PUT", f"/ticket/{number}", {"Priority": value})

    assert desk.read(number).priority == priority


@pytest.mark.acceptance
def test_counts_are_by_queue_with_pending_apart(rt: RequestTracker, desk: Adapter) -> None:
    for status in ("open", "stalled", "resolved"):
        rt.call("PUT", f"/ticket/{desk.create(NEW, lambda: True)}", {"Status": status})

    assert desk.counts(["dacorum", "shared"]) == [QueueCount("dacorum", 2, 1), QueueCount("shared", 0, 0)]


@pytest.mark.acceptance
def test_the_trial_proves_a_desk_and_leaves_one_resolved_ticket(rt: RequestTracker) -> None:
    spec = DeskSpec("ict", DESK.kind, RequestTrackerOptions(url=rt.url, token="env:RT_TOKEN"))

    lines = try_desk(spec, DESK, ["dacorum", "shared"], send=True)

    assert [line for line in lines if not line.ok] == []
    assert [ticket["status"] for ticket in rt.tickets()] == ["resolved"]
    assert {"create", "look-up by incident", "look-up by cause", "note", "priority", "resolve"} <= {
        line.name for line in lines
    }


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("change", "queue", "complaint"),
    [
        ({"correlation_field": "Ridgeway Incidnet"}, "dacorum", "there is: Ridgeway Cause, Ridgeway Incident"),
        ({}, "dacorun", "does it exist"),
        ({}, "Dacorum", "it is written 'dacorum'"),
        ({"token": "env:ONLOOKER"}, "dacorum", "grant the account CreateTicket"),
        ({"token": "env:WRONG"}, "dacorum", "is the token right"),
        ({"url": "/rt-elsewhere"}, "dacorum", "login page|404|does it exist"),
    ],
)
def test_the_self_check_says_what_is_wrong(
    rt: RequestTracker, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], queue: str, complaint: str
) -> None:
    monkeypatch.setenv("ONLOOKER", rt.tokens["onlooker"])
    monkeypatch.setenv("WRONG", "1-2-3")
    if "url" in change:
        change = {"url": rt.url + change["url"]}
    spec = DeskSpec(
        "ict", DESK.kind, RequestTrackerOptions.model_validate({"url": rt.url, "token": "env:RT_TOKEN"} | change)
    )

    lines = try_desk(spec, DESK, [queue], send=True)

    wrong = " ".join(line.text for line in lines if not line.ok)
    assert wrong
    assert any(part in wrong for part in complaint.split("|")), wrong
    assert rt.tickets() == []


@pytest.mark.acceptance
def test_an_account_that_may_only_look_is_refused_not_uncertain(
    rt: RequestTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLOOKER", rt.tokens["onlooker"])
    onlooker = Adapter("ict", RequestTrackerOptions(url=rt.url, token="env:ONLOOKER"))

    with pytest.raises(Refused, match="No permission to create tickets"):
        onlooker.create(NEW, lambda: True)
