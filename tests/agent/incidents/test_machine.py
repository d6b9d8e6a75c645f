"""One cause from its first bad result to the end of its incident."""

import pytest

from agent.incidents import AlreadyOver, NotLive, UnknownIncident
from agent.records import AlertLevel, Cause, EventKind, IncidentState, Priority
from checks.contract import State
from config.estate import Level, MofN
from testbeds.judging import ONCE, Stage, all_of, check, estate, finding, reach, target

MEMORY = Cause("dacorum", "fw", "snmp/memory")
FULL = finding("snmp/memory", State.WARNING, "Memory is 93 % full")
FINE = finding("snmp/memory", State.OK, "Memory is 41 % full")


def firewall(**rules: object) -> Stage:
    defaults: dict[str, object] = {"open_after": ONCE, "clear_after": MofN(2, 2)}
    return Stage(estate(target("fw", check("fw", "snmp", **(defaults | rules)))))  # type: ignore[arg-type]


def good_for(stage: Stage, seconds: float) -> None:
    for _ in range(int(seconds // 60)):
        stage.result("fw/snmp", FINE, after=60)
        stage.tick()


def test_the_first_bad_result_makes_a_suspect_without_a_ticket() -> None:
    stage = firewall(open_after=MofN(2, 2))

    stage.result("fw/snmp", FULL)

    assert stage.incident(MEMORY).state is IncidentState.SUSPECT
    assert not stage.wishes


def test_a_suspect_that_turns_out_good_is_cancelled() -> None:
    stage = firewall(open_after=MofN(2, 2))
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", FINE, after=60)

    assert stage.incident(MEMORY).state is IncidentState.CANCELLED
    assert not stage.wishes


def test_an_opening_wishes_for_one_ticket_at_each_desk_and_records_the_shadow_too() -> None:
    stage = firewall(open_after=MofN(2, 2))

    stage.result("fw/snmp", FULL)
    stage.result("fw/snmp", FULL, after=60)
    stage.result("fw/snmp", FULL, after=60)

    assert [(wish.desk, wish.kind.value, wish.mode) for wish in stage.wishes] == [
        ("rt", "ensure-ticket", "live"),
        ("archive", "ensure-ticket", "shadow"),
    ]


def test_the_clocks_of_an_incident_start_at_the_first_bad_result() -> None:
    stage = firewall(open_after=MofN(2, 2))
    stage.result("fw/snmp", FULL)
    first_bad = stage.now

    stage.result("fw/snmp", FULL, after=60)

    incident = stage.incident(MEMORY)
    assert incident.suspected_at == first_bad
    assert incident.opened_at == first_bad + 60


def test_an_incident_is_resolved_when_the_hold_down_is_over_and_not_before() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)

    good_for(stage, 660)
    just_before = stage.incident(MEMORY).state
    good_for(stage, 60)

    resolved = stage.incident(MEMORY)
    assert just_before is IncidentState.RECOVERING
    assert resolved.state is IncidentState.RESOLVED
    assert resolved.resolution == "recovered"
    assert stage.kinds(resolved) == ["ensure-ticket", "note", "resolve"]


def test_one_good_result_is_not_enough_however_long_ago_it_was() -> None:
    stage = firewall(clear_after=MofN(1, 2), every=3_600.0)
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", FINE, after=60)
    stage.wait(1_200)

    assert stage.incident(MEMORY).state is IncidentState.RECOVERING


def test_an_evidence_check_is_resolved_on_one_good_result() -> None:
    stage = firewall(clear_after=ONCE, every=86_400.0, evidence=True)
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", FINE, after=60)
    stage.wait(700)

    assert stage.incident(MEMORY).state is IncidentState.RESOLVED


def test_one_bad_result_that_is_no_relapse_only_starts_the_hold_down_anew() -> None:
    stage = firewall(open_after=MofN(2, 2))
    stage.result("fw/snmp", FULL)
    stage.result("fw/snmp", FULL, after=60)
    good_for(stage, 600)

    stage.result("fw/snmp", FULL, after=60)
    good_for(stage, 540)
    held_again = stage.incident(MEMORY).state
    good_for(stage, 180)

    assert held_again is IncidentState.RECOVERING
    assert stage.incident(MEMORY).state is IncidentState.RESOLVED
    assert stage.incident(MEMORY).relapses == 0


def test_bad_again_within_the_hold_down_is_the_same_incident_and_the_same_ticket() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    good_for(stage, 300)

    stage.result("fw/snmp", FULL, after=60)

    incident = stage.incident(MEMORY)
    assert (incident.state, incident.relapses) == (IncidentState.OPEN, 1)
    assert stage.kinds(incident).count("ensure-ticket") == 1


def test_bad_again_within_the_reopen_window_reopens_the_same_ticket() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    good_for(stage, 780)

    stage.result("fw/snmp", FULL, after=60)

    incident = stage.incident(MEMORY)
    assert len(stage.incidents) == 1
    assert (incident.state, incident.reopened) == (IncidentState.OPEN, 1)
    assert stage.kinds(incident) == ["ensure-ticket", "note", "resolve", "reopen"]


def test_bad_again_after_the_reopen_window_is_a_new_incident_that_follows_the_old_one() -> None:
    stage = firewall(reopen_window=3_600.0)
    stage.result("fw/snmp", FULL)
    good_for(stage, 780 + 3_700)
    first = stage.incident(MEMORY)

    stage.result("fw/snmp", FULL, after=60)

    assert first.state is IncidentState.CLOSED
    assert stage.incident(MEMORY).follows == first.id


def test_the_reopen_window_is_never_shorter_than_two_and_a_half_cadences() -> None:
    stage = firewall(reopen_window=60.0, every=3_600.0)

    stage.result("fw/snmp", FULL)

    assert stage.judge.alerts[MEMORY].reopen_window >= 2.5 * 3_600


@pytest.mark.parametrize(
    ("impact", "state", "expected"),
    [
        (Level.HIGH, State.CRITICAL, Priority.P1),
        (Level.HIGH, State.UNKNOWN, Priority.P2),
        (Level.MEDIUM, State.CRITICAL, Priority.P2),
        (Level.MEDIUM, State.WARNING, Priority.P4),
        (Level.LOW, State.WARNING, Priority.P5),
    ],
)
def test_priority_is_impact_times_urgency(impact: Level, state: State, expected: Priority) -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE), impact=impact)))

    stage.result("fw/snmp", finding("snmp/memory", state))

    assert stage.incident(MEMORY).priority is expected


def test_priority_is_raised_with_the_severity_and_never_lowered() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", finding("snmp/memory", State.CRITICAL), after=60)
    raised = stage.incident(MEMORY).priority
    stage.result("fw/snmp", FULL, after=60)

    incident = stage.incident(MEMORY)
    assert (raised, incident.priority, incident.severity) == (Priority.P2, Priority.P2, State.WARNING)
    assert stage.kinds(incident) == ["ensure-ticket", "priority", "note"]


def test_silence_resolves_nothing() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    good_for(stage, 120)

    stage.wait(7_200)

    assert stage.incident(MEMORY).state is IncidentState.RECOVERING


def test_unknown_resolves_nothing() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)

    for _ in range(30):
        stage.result("fw/snmp", finding("snmp/memory", State.UNKNOWN), after=60)
        stage.tick()

    assert stage.incident(MEMORY).state is IncidentState.OPEN


def test_maintenance_mutes_the_opening_and_at_its_end_what_is_still_bad_opens() -> None:
    stage = firewall()
    stage.windows["fw"] = "MNT-1"

    stage.result("fw/snmp", FULL)
    stage.result("fw/snmp", FULL, after=60)
    during = list(stage.wishes)
    stage.windows.clear()
    stage.wait(30)

    assert not during
    assert stage.incident(MEMORY).state is IncidentState.OPEN


def test_maintenance_does_not_mute_the_closing() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    stage.windows["fw"] = "MNT-1"
    stage.wait(30)

    good_for(stage, 720)

    kinds = [event.kind for event in stage.events]
    assert EventKind.MAINTENANCE in kinds
    assert stage.incident(MEMORY).state is IncidentState.RESOLVED


def test_twenty_one_alternating_results_are_one_incident_one_ticket_and_few_notes() -> None:
    stage = firewall(clear_after=ONCE)

    for turn in range(21):
        stage.result("fw/snmp", FULL if turn % 2 == 0 else FINE, after=60)
        stage.tick()

    incident = stage.incident(MEMORY)
    kinds = stage.kinds(incident)
    assert len(stage.incidents) == 1
    assert incident.flapping
    assert kinds.count("ensure-ticket") == 1
    assert len(kinds) <= 8


def test_what_flaps_is_not_resolved_before_it_is_steady() -> None:
    stage = firewall(clear_after=ONCE, hold_down=60.0)
    for turn in range(22):
        stage.result("fw/snmp", FULL if turn % 2 == 0 else FINE, after=60)

    good_for(stage, 180)
    while_flapping = stage.incident(MEMORY).state
    good_for(stage, 1_500)

    assert while_flapping is IncidentState.RECOVERING
    assert stage.incident(MEMORY).state is IncidentState.RESOLVED


def test_an_acknowledgement_is_noted_and_expires() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    incident = stage.incident(MEMORY)

    stage._keep(stage.machine.acknowledge(incident.id, "ada", stage.now + 600, "on it", stage.now))
    taken = stage.incident(MEMORY).acknowledged
    stage.wait(660)

    assert taken is not None
    assert taken.by == "ada"
    assert stage.incident(MEMORY).acknowledged is None
    assert stage.kinds(incident) == ["ensure-ticket", "note", "note"]


def test_an_acknowledgement_that_cannot_be_is_refused_with_a_reason() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    incident = stage.incident(MEMORY)

    with pytest.raises(UnknownIncident, match="no incident RWY-X"):
        stage.machine.acknowledge("RWY-X", "ada", stage.now + 60, "", stage.now)
    with pytest.raises(AlreadyOver):
        stage.machine.acknowledge(incident.id, "ada", stage.now, "", stage.now)
    good_for(stage, 720)
    with pytest.raises(NotLive, match="resolved"):
        stage.machine.acknowledge(incident.id, "ada", stage.now + 60, "", stage.now)


def test_a_target_taken_out_of_the_estate_resolves_as_withdrawn_and_never_as_recovered() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)

    stage.reload(estate(target("other")))

    incident = stage.incident(MEMORY)
    assert (incident.state, incident.resolution) == (IncidentState.RESOLVED, "withdrawn")
    assert stage.kinds(incident) == ["ensure-ticket", "resolve"]
    assert "not seen to recover" in stage.wishes[-1].text


def test_a_renamed_target_keeps_its_incident_and_its_ticket() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    before = stage.incident(MEMORY).id

    stage.reload(estate(target("edge", check("edge", "snmp", open_after=ONCE), formerly=("fw",))))
    stage.result("edge/snmp", FULL, after=60)
    renamed = Cause("dacorum", "edge", "snmp/memory")
    for _ in range(13):
        stage.result("edge/snmp", FINE, after=60)
        stage.tick()

    assert [one.id for one in stage.incidents.values()] == [before]
    assert stage.incident(renamed).state is IncidentState.RESOLVED


def test_the_grace_of_a_restart_is_not_taken_for_a_good_result() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    good_for(stage, 240)
    stage.wait(601)

    stage.crash()
    stage.reload(estate(target("edge", check("edge", "snmp", open_after=ONCE), formerly=("fw",))))
    stage.wait(60)

    assert stage.incident(Cause("dacorum", "edge", "snmp/memory")).state is IncidentState.RECOVERING


def test_what_was_lately_resolved_is_reopened_under_the_new_name_too() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    for _ in range(40):
        good_for(stage, 60)
    before = stage.incident(MEMORY)

    stage.reload(estate(target("edge", check("edge", "snmp", open_after=ONCE), formerly=("fw",))))
    stage.result("edge/snmp", FULL, after=60)

    incident = stage.incident(Cause("dacorum", "edge", "snmp/memory"))
    assert before.state is IncidentState.RESOLVED
    assert (incident.id, incident.reopened) == (before.id, 1)


def test_a_clock_that_jumps_neither_resolves_nor_closes_nor_opens() -> None:
    for jump in (-100_000.0, 100_000.0):
        stage = firewall()
        stage.result("fw/snmp", FULL)
        good_for(stage, 240)
        recovering = stage.incident(MEMORY).state

        stage.now += jump
        stage.tick()
        after_jump = stage.incident(MEMORY).state
        good_for(stage, 600)

        assert recovering is after_jump is IncidentState.RECOVERING
        assert stage.incident(MEMORY).state is IncidentState.RESOLVED


def test_a_clock_set_back_does_not_make_an_old_result_fresh_again() -> None:
    stage = firewall(hold_down=4_000.0)
    stage.result("fw/snmp", FULL)
    good_for(stage, 3_900)
    stage.wait(600)

    stage.now -= 600
    stage.wait(120)

    assert stage.incident(MEMORY).state is IncidentState.RECOVERING


def test_a_restart_in_the_middle_of_a_hold_down_neither_resolves_early_nor_forgets() -> None:
    stage = firewall()
    stage.result("fw/snmp", FULL)
    good_for(stage, 240)

    stage.crash()
    stage.now += 3_000
    stage.tick()
    before_any_result = stage.incident(MEMORY).state
    good_for(stage, 120)

    assert before_any_result is IncidentState.RECOVERING
    assert stage.incident(MEMORY).state is IncidentState.RESOLVED


def test_a_clock_set_back_while_the_agent_was_stopped_delays_no_closing_by_a_day_and_fakes_no_freshness() -> None:
    for silent in (False, True):
        stage = firewall()
        stage.result("fw/snmp", FULL)
        good_for(stage, 240)

        stage.crash()
        stage.now -= 86_400
        good_for(stage, 120)
        if silent:
            stage.wait(3_600)
        else:
            good_for(stage, 660)

        expected = IncidentState.RECOVERING if silent else IncidentState.RESOLVED
        assert stage.incident(MEMORY).state is expected


def test_what_the_ticket_says_is_enough_to_start_with() -> None:
    stage = firewall()

    stage.result("fw/snmp", FULL)

    wish = stage.wishes[0]
    assert "Memory is 93 % full" in wish.text
    assert "GMT" in wish.text
    assert "/runbooks/" in wish.text
    assert wish.title == "fw: Memory is 93 % full"


def test_the_ticket_of_a_link_names_what_hides_behind_it() -> None:
    link = target("link")
    behind = [target(f"phone-{number:02d}", needs=all_of("link")) for number in range(30)]
    stage = Stage(estate(link, *behind))
    for one in behind:
        stage.lost(f"{one.name}/icmp", after=0.1, times=2)

    stage.lost("link/icmp", after=3, times=2)

    text = stage.wishes[0].text
    stage.wait(10, step=1)
    notes = [wish.text for wish in stage.wishes if wish.kind.value == "note"]
    assert stage.level(reach("link")) is AlertLevel.FIRING
    assert "30" in text + notes[0]
    assert "and 10 more" in text + notes[0]
