"""`explain` says why, and what happens next."""

from agent.records import AlertLevel
from checks.contract import State
from testbeds.judging import LOCAL, ONCE, REFUSED, Stage, all_of, check, estate, finding, reach, target


def said(stage: Stage, name: str, check_name: str | None = None) -> str:
    explained = stage.judge.explain(name, check_name, stage.now)
    assert explained is not None
    return "\n".join(explained.lines)


def test_a_target_or_check_that_is_not_in_the_estate_has_no_explanation() -> None:
    stage = Stage(estate(target("fw")))

    assert stage.judge.explain("nobody", None, stage.now) is None
    assert stage.judge.explain("fw", "nothing", stage.now) is None


def test_a_check_without_a_result_is_unknown_and_not_ok() -> None:
    stage = Stage(estate(target("fw")))

    explained = stage.judge.explain("fw", "icmp", stage.now)

    assert explained is not None
    assert explained.checks[0].state == "unknown"
    assert "no result yet" in explained.checks[0].text


def test_a_check_whose_question_is_refused_now_is_not_said_to_be_as_it_was_last_read() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE))))
    stage.result("fw/snmp", finding("snmp/memory"))

    stage.result("fw/snmp", fault=REFUSED, after=60)

    explained = stage.judge.explain("fw", "snmp", stage.now)
    assert explained is not None
    assert explained.checks[0].state == "unknown"
    assert explained.checks[0].text.startswith("snmp (snmp): unknown (snmp/authentication), reached it; ")


def test_a_check_that_only_ever_failed_on_our_own_side_is_not_said_to_be_without_a_result() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE))))

    stage.result("fw/snmp", fault=LOCAL)

    assert "snmp (snmp): unknown (snmp/local), cannot tell whether it can be reached" in said(stage, "fw", "snmp")


def test_a_pending_alert_says_how_many_results_are_still_needed() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp"))))

    stage.result("fw/snmp", finding("snmp/memory", State.WARNING, "Memory is 93 % full"))

    text = said(stage, "fw", "snmp")
    assert "Memory is 93 % full" in text
    assert "1 of the last 2 results are bad; 2 are needed" in text


def test_a_held_alert_says_whom_it_waits_for_and_until_when() -> None:
    stage = Stage(estate(target("link"), target("pbx", needs=all_of("link"))))
    stage.lost("pbx/icmp", after=30, times=2)

    explained = stage.judge.explain("pbx", None, stage.now)

    assert explained is not None
    assert explained.alerts[0].level is AlertLevel.HELD
    assert "link must answer first" in explained.alerts[0].why
    assert explained.alerts[0].at is not None


def test_a_suppressed_alert_names_the_root() -> None:
    stage = Stage(estate(target("link"), target("pbx", needs=all_of("link"))))
    for name in ("link", "pbx", "link", "pbx"):
        stage.lost(f"{name}/icmp", after=5)

    assert "it lies behind link" in said(stage, "pbx")


def test_maintenance_is_named_as_the_reason_for_quiet() -> None:
    stage = Stage(estate(target("fw", check("fw", open_after=ONCE))))
    stage.windows["fw"] = "MNT-7"

    stage.lost("fw/icmp")

    assert "maintenance MNT-7 covers it" in said(stage, "fw")


def test_an_open_alert_says_what_it_takes_to_clear() -> None:
    stage = Stage(estate(target("fw", check("fw", open_after=ONCE))))

    stage.lost("fw/icmp")

    assert stage.level(reach("fw")) is AlertLevel.FIRING
    assert "2 of the last 2 results are good" in said(stage, "fw")
