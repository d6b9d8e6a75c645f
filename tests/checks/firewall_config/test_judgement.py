"""What a reading means: the finding, what it waits for, and when that is over by the calendar of the people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.windows import Windows
from checks.contract import Approval, Assessment, Memory, Observation, Planned, State, Subject, Target
from checks.firewall_config import CHECK, FirewallConfigOptions
from checks.firewall_config.answers import ConfigAnswers, Part, Reading
from checks.firewall_config.judgement import DRIFT, MEMBERS, READING
from checks.wire import observation_from_text, observation_json
from config.calendar import is_open
from config.estate import Cron, Estate, Every, Maintenance, Selector, WorkingHours
from testbeds.single import check, estate, subject, target

LONDON = ZoneInfo("Europe/London")
HOURS = WorkingHours(
    "Europe/London", {day: (time(8, 30), time(17, 0)) for day in range(5)}, closed=frozenset({"2026-12-29"})
)
HOUR = 3_600.0


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp()


def world(*windows: Maintenance) -> Estate:
    return replace(estate(target(check("firewall_config", FirewallConfigOptions(syntax="asa")))), working_hours=HOURS,
                   maintenance=windows)  # fmt: skip


class Firewall:
    """A firewall that is read when told to, and what its check remembers."""

    def __init__(self, *windows: Maintenance, syntax: str = "asa", by_hand: bool = False, **options: object) -> None:
        chosen = FirewallConfigOptions.model_validate({"syntax": syntax} | options)
        spec = check("firewall_config", chosen, schedule=Every(HOUR))
        self.subject: Subject = replace(subject(spec), work=None if by_hand else Windows(world(*windows)))
        self.memory: Memory | None = None

    def read(self, at: float, *more: Reading, tail: str = "end", gap: str = "", **parts: str) -> Assessment:
        own = Reading("fw-a", _parts(parts) if not gap else (), tail, gap)
        return self.judge(at, ConfigAnswers("m", (own, *more)))

    def judge(self, at: float, answers: ConfigAnswers) -> Assessment:
        observation = Observation("fw-a", "here", at, 1.0, answers)
        made = CHECK.assess(self.subject, (observation,), self.memory, at)
        self.memory = made.memory or self.memory
        return made


def _parts(named: dict[str, str]) -> tuple[Part, ...]:
    return tuple(Part(name, digest, digest, 3) for name, digest in named.items())


def said(made: Assessment) -> dict[str, tuple[State, str]]:
    return {finding.key: (finding.state, finding.summary) for finding in made.findings}


def values(made: Assessment) -> dict[str, float]:
    return {reading.family.name.removeprefix("ridgeway_firewall_config_"): reading.value for reading in made.readings}


def once(start: str, end: str) -> Maintenance:
    begin, over = (datetime.fromtimestamp(moment(each), UTC) for each in (start, end))
    return Maintenance("MNT-1", Selector(targets=("fw-a",)), "upgrade CHG-5", "ops", begin, over)


def test_what_was_found_first_is_said_to_be_approved_by_nobody() -> None:
    made = Firewall().read(moment("2026-11-02T09:00"), policy="1")

    assert said(made)[DRIFT] == (State.OK, "as it was found first on 2 Nov 2026; nobody has approved it")
    assert values(made) == {"approved": 1.0, "lines": 3.0, "pending_parts": 0.0}


def test_a_change_is_told_at_once_and_is_a_warning_on_the_next_working_day() -> None:
    firewall = Firewall()
    firewall.read(moment("2026-11-06T17:00"), policy="1", admin="1")

    evening = firewall.read(moment("2026-11-06T18:00"), policy="2", admin="1")
    sunday = firewall.read(moment("2026-11-08T23:00"), policy="2", admin="1")
    early = firewall.read(moment("2026-11-09T08:00"), policy="2", admin="1")
    monday = firewall.read(moment("2026-11-09T09:00"), policy="2", admin="1")

    waits = "changed, seen Fri 6 Nov 18:00, announced by nobody so far: policy; a ticket at Mon 9 Nov 08:30"
    assert [said(made)[DRIFT] for made in (evening, sunday, early)] == [(State.OK, waits)] * 3
    assert said(monday)[DRIFT] == (
        State.WARNING, "changed without announced work or an approved change, seen Fri 6 Nov 18:00: policy",
    )  # fmt: skip
    evidence = next(finding.evidence for finding in monday.findings if finding.key == DRIFT)
    assert evidence["parts"] == "policy: 3 lines, 3 now"
    assert evidence["changed after"] == "2026-11-06T17:00:00Z"
    assert values(monday)["approved"] == 0.0
    assert values(monday)["last_change_timestamp_seconds"] == moment("2026-11-06T18:00")


def test_a_change_in_a_window_is_the_approved_state_and_says_so() -> None:
    firewall = Firewall(once("2026-11-06T18:00", "2026-11-06T20:00"))
    firewall.read(moment("2026-11-06T17:30"), policy="1")

    made = firewall.read(moment("2026-11-06T18:30"), policy="2")

    assert said(made)[DRIFT] == (State.OK, "as approved on 6 Nov 2026 (MNT-1)")
    assert values(made)["approved"] == 1.0


def test_a_recurring_window_announces_too_after_it_is_over() -> None:
    nightly = Maintenance("patches", Selector(kinds=("firewall_config",)), "patches", "ops",
                          cron=Cron("0 22 * * *", "Europe/London"), duration=HOUR)  # fmt: skip
    firewall = Firewall(nightly)
    firewall.read(moment("2026-11-06T21:40"), policy="1")
    firewall.read(moment("2026-11-06T22:40"), policy="1")

    made = firewall.read(moment("2026-11-06T23:40"), policy="2")
    unannounced = firewall.read(moment("2026-11-07T12:40"), policy="3")

    assert said(made)[DRIFT][1] == "as approved on 6 Nov 2026 (patches)"
    assert "announced by nobody" in said(unannounced)[DRIFT][1]


def test_a_window_of_another_firewall_announces_nothing_here() -> None:
    other = replace(once("2026-11-06T18:00", "2026-11-06T20:00"), selector=Selector(targets=("fw-z",)))
    firewall = Firewall(other)
    firewall.read(moment("2026-11-06T17:30"), policy="1")

    assert values(firewall.read(moment("2026-11-06T18:30"), policy="2"))["approved"] == 0.0


def test_without_a_calendar_a_change_is_a_warning_at_once() -> None:
    firewall = Firewall(by_hand=True)
    firewall.read(0.0, policy="1")

    assert said(firewall.read(HOUR, policy="2"))[DRIFT][0] is State.WARNING


@settings(deadline=None, max_examples=200)
@given(st.floats(moment("2026-01-01T00:00"), moment("2027-12-31T00:00")))
def test_the_ticket_waits_for_the_next_working_day_and_not_a_day_longer(at: float) -> None:
    """Weekends, Christmas, closed days, and both nights on which the clocks change."""
    seen = datetime.fromtimestamp(at, LONDON)
    work = Windows(world())

    due = work.next_working_day(at)

    local = datetime.fromtimestamp(due, LONDON)
    assert due > at
    assert (local.hour, local.minute) == (8, 30)
    assert is_open(HOURS, due)
    assert not is_open(HOURS, due - 1)
    day = seen.date() + timedelta(days=1)
    while day < local.date():
        assert not is_open(HOURS, datetime.combine(day, time(12), LONDON).timestamp())
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("seen", "due"),
    [
        ("2026-11-06T18:00", "2026-11-09T08:30"),
        ("2026-11-09T08:29", "2026-11-09T08:30"),
        ("2026-11-09T08:30", "2026-11-10T08:30"),
        ("2026-12-24T16:00", "2026-12-30T08:30"),
        ("2026-03-27T18:00", "2026-03-30T08:30"),
        ("2026-10-23T18:00", "2026-10-26T08:30"),
        ("2027-03-25T12:00", "2027-03-30T08:30"),
    ],
    ids=[
        "Friday evening",
        "before work",
        "at its beginning",
        "Christmas and a closed day",
        "spring",
        "autumn",
        "Easter",
    ],
)
def test_days_on_which_nobody_is_there_do_not_count(seen: str, due: str) -> None:
    firewall = Firewall()
    firewall.read(moment(seen) - HOUR, policy="1")
    firewall.read(moment(seen), policy="2")

    before = firewall.read(moment(due) - 1, policy="2") if moment(due) - moment(seen) > 60 else None
    after = firewall.read(moment(due), policy="2")

    assert before is None or said(before)[DRIFT][0] is State.OK
    assert said(after)[DRIFT][0] is State.WARNING


def test_a_reading_that_is_cut_is_unknown_and_says_nothing_of_drift() -> None:
    firewall = Firewall()
    firewall.read(0.0, policy="1")

    made = firewall.read(HOUR, gap="its last line is not the one that ends such a configuration")

    assert said(made) == {
        READING: (
            State.UNKNOWN,
            "fw-a: the configuration was not read whole: its last line is not the one that ends such a configuration",
        )
    }
    assert DRIFT not in made.covers
    assert made.readings == ()
    assert made.memory is None


def test_where_nothing_tells_the_end_a_shorter_reading_has_to_come_twice() -> None:
    firewall = Firewall(syntax="gaia")
    firewall.read(0.0, user="1", ntp="1")

    first = firewall.read(HOUR, tail="x", user="1")
    second = firewall.read(2 * HOUR, tail="x", user="1")

    assert said(first)[READING][0] is State.UNKNOWN
    assert DRIFT not in said(first)
    assert "announced by nobody so far: ntp" in said(second)[DRIFT][1]


def members(*others: tuple[str, dict[str, str], str]) -> Sequence[Reading]:
    return [Reading(name, _parts(parts), "end", gap) for name, parts, gap in others]


def test_members_that_differ_are_named_with_their_parts() -> None:
    firewall = Firewall(members=["fw-a", "fw-b"], differ=["system ha*"])

    made = firewall.read(0.0, *members(("fw-b", {"policy": "2", "system ha x": "9"}, "")), policy="1", admin="1")

    assert said(made)[MEMBERS] == (State.WARNING, "fw-b differs from fw-a in policy, admin")
    assert values(made)["differing_parts"] == 2.0


def test_members_that_are_the_same_are_ok_and_one_that_was_not_read_is_unknown() -> None:
    firewall = Firewall(members=["fw-a", "fw-b"])

    same = firewall.read(0.0, *members(("fw-b", {"policy": "1"}, "")), policy="1")
    away = firewall.read(HOUR, *members(("fw-b", {}, "no answer")), policy="1")

    assert said(same)[MEMBERS] == (State.OK, "the same on fw-a, fw-b, but for what is each one's own")
    assert said(away)[MEMBERS] == (State.UNKNOWN, "cannot be compared: fw-b: no answer")
    assert said(away)[DRIFT][0] is State.OK


def test_the_members_are_further_targets_of_the_run() -> None:
    assert CHECK.inputs(FirewallConfigOptions(syntax="asa", members=["fw-a", "fw-b"])) == ["fw-a", "fw-b"]
    assert CHECK.inputs(FirewallConfigOptions(syntax="asa")) == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"syntax": "fortyos"}, "there is no syntax 'fortyos'; did you mean 'fortios'?"),
        ({"syntax": "../fortios"}, "there is no syntax"),
        ({"syntax": "asa", "members": ["fw-a"]}, "name at least two"),
        ({"syntax": "asa", "run": "reload"}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("?", r"\?")):
        FirewallConfigOptions.model_validate(options)


def test_the_answers_travel_from_another_vantage() -> None:
    reading = Reading("fw-a", _parts({"policy": "1"}), "end")
    sent = Observation("fw-a", "there", 1.0, 1.0, ConfigAnswers("m", (reading, Reading("fw-b", gap="no answer"))))

    text = json.dumps(observation_json(sent, CHECK)).encode()

    assert observation_from_text(text, {"firewall_config": CHECK}) == sent


def test_another_way_of_reading_takes_what_it_finds_and_says_so() -> None:
    one, other = FirewallConfigOptions(syntax="asa"), FirewallConfigOptions(syntax="asa", ignore=["ntp"])

    assert one.method != other.method
    assert one.method == FirewallConfigOptions(syntax="asa", port=2222, differ=["x"]).method


def test_windows_are_asked_for_this_target_and_kind() -> None:
    asked: list[tuple[str, str, str]] = []

    class Diary:
        def announced(
            self, target: Target, kind: str, condition: str, _after: float, _until: float
        ) -> Sequence[Planned]:
            asked.append((target.name, kind, condition))
            return ()

        def next_working_day(self, after: float) -> float:
            return after + 1

    firewall = Firewall()
    firewall.subject = replace(firewall.subject, work=Diary())
    firewall.read(0.0, policy="1")
    firewall.read(HOUR, policy="2")

    assert set(asked) == {("fw-a", "firewall_config", DRIFT)}


def test_what_was_remembered_and_is_lost_is_not_taken_for_approved() -> None:
    firewall = Firewall()
    firewall.read(moment("2026-11-04 10:00"), acl="a")
    firewall.memory = Memory(1, "{")

    lost = firewall.read(moment("2026-11-04 11:00"), acl="b")
    still = firewall.read(moment("2026-11-04 12:00"), acl="b")
    assert firewall.memory is not None and CHECK.approvals is not None
    firewall.memory = CHECK.approvals.approved(firewall.memory, Approval(moment("2026-11-04 12:30"), "jo", "CHG-7"))
    approved = firewall.read(moment("2026-11-04 13:00"), acl="b")

    assert [said(one)[DRIFT][0] for one in (lost, still, approved)] == [State.UNKNOWN, State.UNKNOWN, State.OK]


def test_a_change_that_a_wrong_clock_put_into_the_future_does_not_wait_until_then() -> None:
    firewall = Firewall()
    firewall.read(moment("2026-11-04 10:00"), acl="a")
    firewall.read(moment("2030-11-04 11:00"), acl="b")

    seen = firewall.read(moment("2026-11-04 12:00"), acl="b")
    later = firewall.read(moment("2026-11-05 09:00"), acl="b")

    assert said(seen)[DRIFT][0] is State.OK
    assert said(later)[DRIFT][0] is State.WARNING
