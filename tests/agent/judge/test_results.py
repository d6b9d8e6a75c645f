"""One target, its results, and what the judge makes of them."""

from dataclasses import replace
from typing import Any

from agent.records import NOTHING_CHANGED, AlertLevel, Cause
from checks.contract import State
from config.estate import MofN
from testbeds.judging import (
    LOCAL,
    NO_ANSWER,
    ONCE,
    REFUSED,
    NoOptions,
    Stage,
    check,
    estate,
    finding,
    reach,
    target,
)

MEMORY = Cause("dacorum", "fw", "snmp/memory")
FULL = finding("snmp/memory", State.WARNING, "Memory is 93 % full")
FINE = finding("snmp/memory", State.OK, "Memory is 41 % full")


def firewall(**rules: object) -> Stage:
    return Stage(estate(target("fw", check("fw", "icmp"), check("fw", "snmp", **rules))))  # type: ignore[arg-type]


def test_the_same_good_result_again_changes_nothing_at_all() -> None:
    stage = firewall()
    stage.result("fw/snmp", FINE)

    again = stage.result("fw/snmp", FINE, after=60)

    assert again is NOTHING_CHANGED
    assert not stage.judge.alerts


def test_a_finding_opens_at_the_mth_bad_result_of_n_and_not_before() -> None:
    stage = firewall(open_after=MofN(2, 3))

    levels = []
    for said in (FULL, FINE, FULL):
        stage.result("fw/snmp", said, after=60)
        levels.append(stage.level(MEMORY))

    assert levels == [AlertLevel.PENDING, AlertLevel.PENDING, AlertLevel.FIRING]


def test_one_bad_result_is_forgiven_when_the_rule_asks_for_a_row() -> None:
    stage = firewall(open_after=MofN(3, 3))

    stage.result("fw/snmp", FULL, after=60)
    stage.result("fw/snmp", FINE, after=60)

    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_an_evidence_check_is_judged_on_one_result() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE, evidence=True)

    stage.result("fw/snmp", FULL)
    after_bad = stage.level(MEMORY)
    stage.result("fw/snmp", FINE, after=60)

    assert after_bad is AlertLevel.FIRING
    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_it_clears_only_after_as_many_good_results_as_the_rule_wants() -> None:
    stage = firewall(open_after=ONCE, clear_after=MofN(2, 2))
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", FINE, after=60)
    after_one = stage.level(MEMORY)
    stage.result("fw/snmp", FINE, after=60)

    assert after_one is AlertLevel.CLEARING
    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_unsupported_opens_nothing_and_is_not_ok_either() -> None:
    stage = firewall(open_after=ONCE)

    stage.result("fw/snmp", finding("snmp/memory", State.UNSUPPORTED))
    said = stage.judge.explain("fw", "snmp", stage.now)

    assert not stage.judge.alerts
    assert said is not None
    assert said.checks[0].state == "unsupported"


def test_a_key_that_is_not_covered_keeps_its_state() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", covers=[], after=60)

    assert stage.level(MEMORY) is AlertLevel.FIRING


def test_a_covered_key_that_may_go_ends_quietly() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    stage.result("fw/snmp", FULL)

    stage.result("fw/snmp", covers=["snmp/*"], may_go=["snmp/*"], after=60)

    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_a_covered_key_that_may_not_go_becomes_a_finding_of_its_own() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FINE, covers=["snmp/*"])

    stage.result("fw/snmp", covers=["snmp/*"], after=60)

    gone = stage.judge.alerts[MEMORY]
    assert gone.level is AlertLevel.FIRING
    assert gone.state is State.WARNING
    assert "no longer reported" in gone.summary


def test_a_key_that_went_is_over_when_it_is_reported_again() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    stage.result("fw/snmp", FINE, covers=["snmp/*"])
    stage.result("fw/snmp", covers=["snmp/*"], after=60)
    stage.result("fw/snmp", covers=["snmp/*"], after=60)

    stage.result("fw/snmp", FINE, covers=["snmp/*"], after=60)

    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_two_checks_of_one_cause_give_the_worst_and_a_good_one_does_not_close_it() -> None:
    checks = [check("fw", name, open_after=ONCE, clear_after=ONCE) for name in ("tls", "https")]
    stage = Stage(estate(target("fw", *checks)))
    certificate = Cause("dacorum", "fw", "certificate/expiry")
    stage.result("fw/tls", finding("certificate/expiry", State.CRITICAL))

    stage.result("fw/https", finding("certificate/expiry", State.OK), after=60)
    with_one_bad = (stage.judge.alerts[certificate].state, stage.level(certificate))
    stage.result("fw/tls", finding("certificate/expiry", State.OK), after=60)

    assert with_one_bad == (State.CRITICAL, AlertLevel.FIRING)
    assert stage.level(certificate) is AlertLevel.CLEAR


def test_failures_of_all_checks_to_reach_a_target_are_one_cause() -> None:
    stage = firewall()

    for _ in range(3):
        stage.lost("fw/icmp", after=30)
        stage.lost("fw/snmp", after=30)

    assert [alert.cause for alert in stage.judge.alerts.values()] == [reach("fw")]
    assert stage.level(reach("fw")) is AlertLevel.FIRING


def test_what_another_check_reaches_in_the_same_interval_is_the_protocols_own_fault() -> None:
    stage = firewall()

    for _ in range(3):
        stage.lost("fw/snmp", after=30)
        stage.good("fw/icmp", after=30)

    assert stage.level(Cause("dacorum", "fw", "snmp/no-answer")) is AlertLevel.FIRING
    assert stage.level(reach("fw")) is AlertLevel.CLEAR


def test_a_target_that_falls_silent_in_the_middle_of_a_poll_is_unreachable_and_nothing_else() -> None:
    stage = firewall()
    cut = Cause("dacorum", "fw", "snmp/no-answer")

    stage.result("fw/snmp", finding("snmp/model"), fault=NO_ANSWER, reached=True)
    suspected = stage.level(cut)
    for _ in range(3):
        stage.lost("fw/icmp", after=30)
        stage.lost("fw/snmp", after=30)

    assert suspected is AlertLevel.PENDING
    assert stage.level(cut) is AlertLevel.CLEAR
    assert [one.cause for one in stage.live()] == [reach("fw")]


def test_a_fault_beside_answers_of_others_is_folded_too_and_is_not_taken_for_gone() -> None:
    stage = Stage(estate(target("forum", check("forum", "ready"), check("forum"))))
    beside: dict[str, Any] = {"fault": replace(NO_ANSWER, condition="snmp/no-answer"), "reached": False}
    stage.good("forum/icmp")
    stage.result("forum/ready", finding("ready/routes"), **beside)

    for _ in range(4):
        stage.lost("forum/icmp", after=30)
        stage.result("forum/ready", finding("ready/routes"), after=30, **beside)

    assert [incident.cause for incident in stage.live()] == [reach("forum")]
    assert stage.level(Cause("dacorum", "forum", "snmp/no-answer")) is AlertLevel.CLEAR


def test_polls_that_are_cut_off_again_and_again_are_told_although_some_reach_nothing() -> None:
    stage = firewall()

    for _ in range(4):
        stage.result("fw/snmp", finding("snmp/model"), fault=NO_ANSWER, reached=True, after=60)
        stage.lost("fw/snmp", after=60)

    assert AlertLevel.FIRING in {stage.level(Cause("dacorum", "fw", "snmp/no-answer")), stage.level(reach("fw"))}


def test_an_answer_from_before_the_fault_does_not_make_it_the_protocols_own() -> None:
    stage = firewall(open_after=ONCE)
    stage.good("fw/icmp")

    stage.lost("fw/snmp", after=20)

    assert Cause("dacorum", "fw", "snmp/no-answer") not in stage.judge.alerts
    assert stage.level(reach("fw")) is AlertLevel.HELD


def test_before_a_target_counts_as_unreachable_its_other_checks_are_asked() -> None:
    stage = firewall(open_after=ONCE)
    stage.good("fw/icmp")

    stage.lost("fw/snmp", after=20)
    asked = [wish.target for wish in stage.probes]
    stage.lost("fw/icmp", after=1)

    assert asked == ["fw"]
    assert stage.level(reach("fw")) is AlertLevel.FIRING


def test_a_refusal_is_an_answer_so_the_target_is_reached() -> None:
    stage = firewall(open_after=ONCE)

    stage.result("fw/snmp", fault=REFUSED)

    assert stage.level(Cause("dacorum", "fw", "snmp/authentication")) is AlertLevel.FIRING
    assert reach("fw") not in stage.judge.alerts


def test_a_fault_on_our_own_side_says_nothing_about_the_target() -> None:
    stage = firewall(open_after=ONCE)

    stage.result("fw/snmp", fault=LOCAL)

    assert stage.level(Cause("dacorum", "fw", "snmp/local")) is AlertLevel.FIRING
    assert reach("fw") not in stage.judge.alerts


def test_a_fault_of_asking_is_over_when_the_question_is_answered() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    stage.result("fw/snmp", fault=REFUSED)

    stage.good("fw/snmp", after=60)

    assert stage.level(Cause("dacorum", "fw", "snmp/authentication")) is AlertLevel.CLEAR


def test_a_finding_is_not_closed_by_a_run_that_reached_nothing() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    stage.result("fw/snmp", FULL)

    stage.lost("fw/snmp", after=60, times=5)

    assert stage.level(MEMORY) is AlertLevel.FIRING


def test_twenty_one_alternating_results_flap_and_steady_ones_settle() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    for _ in range(10):
        stage.result("fw/snmp", FULL, after=60)
        stage.result("fw/snmp", FINE, after=60)
    flapping = stage.judge.alerts[MEMORY].flapping

    for _ in range(20):
        stage.result("fw/snmp", FINE, after=60)

    assert flapping
    assert MEMORY not in stage.judge.alerts or not stage.judge.alerts[MEMORY].flapping


def test_a_check_that_falls_silent_makes_its_bad_findings_stale_and_is_said_once_for_the_agent() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FULL)
    stage.good("fw/icmp")

    for _ in range(6):
        stage.good("fw/icmp", after=30)
        stage.tick()

    silent = Cause("shared", "here", "agent/checks-silent")
    assert stage.judge.alerts[MEMORY].stale
    assert stage.level(MEMORY) is AlertLevel.FIRING
    assert "fw/snmp" in stage.judge.alerts[silent].summary
    assert "fw/icmp" not in stage.judge.alerts[silent].summary


def test_a_silent_check_that_reports_again_is_fresh_again() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FULL)
    stage.wait(200)

    stage.result("fw/snmp", FULL)
    stage.good("fw/icmp")
    stage.tick()

    assert not stage.judge.alerts[MEMORY].stale
    assert stage.level(Cause("shared", "here", "agent/checks-silent")) is AlertLevel.CLEAR


def test_a_clock_that_jumps_makes_nothing_stale_and_opens_nothing() -> None:
    for jump in (-7_200.0, 7_200.0):
        stage = firewall(open_after=ONCE)
        stage.result("fw/snmp", FULL)
        stage.good("fw/icmp")
        before = len(stage.incidents)

        stage.now += jump
        stage.tick()

        assert not stage.judge.alerts[MEMORY].stale
        assert len(stage.incidents) == before


def test_a_key_that_is_no_longer_asked_about_after_a_change_of_options_is_withdrawn() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FULL)

    stage.reload(estate(target("fw", check("fw", "icmp"), check("fw", "snmp", options=NoOptions(value=2)))))
    after_reload = stage.level(MEMORY)
    judged = stage.result("fw/snmp", finding("snmp/uptime"), after=60)

    assert after_reload is AlertLevel.FIRING
    assert judged.withdrawn == (MEMORY,)
    assert stage.incident(MEMORY).resolution == "withdrawn"


def test_after_a_change_of_options_an_answer_that_is_not_whole_withdraws_what_it_covers_only() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FULL, finding("snmp/left-out", State.WARNING))
    left_out = replace(MEMORY, condition="snmp/left-out")

    stage.reload(estate(target("fw", check("fw", "icmp"), check("fw", "snmp", options=NoOptions(value=2)))))
    covers = ["snmp/uptime", left_out.condition]
    cut = stage.result("fw/snmp", finding("snmp/uptime"), covers=covers, whole=False, after=60)
    stage.crash()
    again = stage.result("fw/snmp", finding("snmp/uptime"), covers=covers, whole=False, after=60)
    whole = stage.result("fw/snmp", finding("snmp/uptime"), after=60)

    assert cut.withdrawn == (left_out,)
    assert again.withdrawn == ()
    assert whole.withdrawn == (MEMORY,)


def test_a_change_of_thresholds_alone_withdraws_nothing() -> None:
    stage = firewall(open_after=ONCE)
    stage.result("fw/snmp", FULL)

    stage.reload(estate(target("fw", check("fw", "icmp"), check("fw", "snmp", hold_down=60.0))))
    stage.result("fw/snmp", covers=[], after=60)

    assert stage.level(MEMORY) is AlertLevel.FIRING


def test_an_accepted_unreadable_check_opens_nothing() -> None:
    stage = firewall(open_after=ONCE)

    stage.result("fw/snmp", finding("snmp/no-answer", State.UNSUPPORTED), fault=NO_ANSWER, reached=None)

    assert not stage.judge.alerts


def test_a_result_of_a_check_that_left_the_estate_says_nothing() -> None:
    stage = firewall(open_after=ONCE)
    with_snmp = stage.estate
    stage.reload(estate(target("fw", check("fw", "icmp"))))
    stage.estate = with_snmp

    judged = stage.result("fw/snmp", FULL)

    assert judged is NOTHING_CHANGED


def test_results_are_the_same_when_played_twice() -> None:
    def play() -> list[object]:
        stage = firewall(open_after=MofN(2, 3))
        return [
            stage.result("fw/snmp", FULL, after=60),
            stage.result("fw/snmp", fault=NO_ANSWER, after=60),
            stage.good("fw/icmp", after=1),
            stage.result("fw/snmp", FULL, after=60),
        ]

    assert play() == play()


def test_a_run_that_asked_nothing_by_the_estates_own_wish_ends_no_fault_and_no_finding() -> None:
    stage = firewall(open_after=ONCE, clear_after=ONCE)
    refused = Cause("dacorum", "fw", REFUSED.condition.format("snmp"))
    stage.result("fw/snmp", FULL)
    stage.result("fw/snmp", fault=REFUSED, after=60)

    stage.result("fw/snmp", finding("snmp/hours", State.UNSUPPORTED, "not now"), after=60, reached=None, asked=False)
    held = stage.level(MEMORY), stage.level(refused)
    stage.result("fw/snmp", FINE, after=60)

    assert held == (AlertLevel.FIRING, AlertLevel.FIRING)
    assert stage.level(refused) is AlertLevel.CLEAR
