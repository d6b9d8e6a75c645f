"""The measured part of the page: complete, never frozen, never broken by what a device says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from checks.contract import Family, Fault, Finding, MetricType, Reading, Reason, State
from config.estate import Cron, Every
from exporters.prometheus.exposition import SERIES_PER_CHECK, Exposition
from exporters.prometheus.families import FamilyError
from testbeds.pages import FAMILIES, NOW, PACKETS, SESSIONS, TEMPERATURE, result, subject

SILENCE = Fault(Reason.NO_ANSWER, "no answer", "snmp/no-answer")
READINGS = (
    Reading(SESSIONS, 812.0),
    Reading(TEMPERATURE, 31.5, ("inlet",)),
    Reading(PACKETS, 1e12),
    Reading(TEMPERATURE, 44.0, ("cpu",)),
)
Key = tuple[str, frozenset[tuple[str, str]]]


def made(*families: Family) -> Exposition:
    return Exposition(families or FAMILIES)


def whole(page: Exposition, now: float = NOW, *, openmetrics: bool = False, councils: Iterable[str] = ()) -> str:
    chosen = frozenset(councils) or None
    return b"".join(page.page(openmetrics=openmetrics, now=now, councils=chosen)).decode()


def samples(page: Exposition, now: float = NOW) -> dict[Key, float]:
    """Every sample of the text page by name and labels; fails when a series stands twice."""
    found: dict[Key, float] = {}
    for family in parse_text(whole(page, now)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} stands twice"
            found[key] = sample.value
    return found


def value(page: Exposition, name: str, now: float = NOW, **labels: str) -> float | None:
    """The one sample that has these labels among its own, or None."""
    found = [v for (n, have), v in samples(page, now).items() if n == name and set(labels.items()) <= have]
    assert len(found) < 2, f"{name}{labels} is not one series but {len(found)}"
    return found[0] if found else None


def state(page: Exposition, now: float = NOW, **labels: str) -> str:
    """The one state a check shows; fails when it shows none or several."""
    shown = [
        dict(have)["state"]
        for (name, have), v in samples(page, now).items()
        if name == "ridgeway_check_state" and set(labels.items()) <= have and v == 1
    ]
    assert len(shown) == 1, shown
    return shown[0]


def test_a_result_stands_on_the_page_with_all_its_readings_and_common_labels() -> None:
    page = made()

    page.update(result(subject(), READINGS), State.OK)

    labels = {"target": "hh-fw-a", "council": "dacorum", "vantage": "forum"}
    assert value(page, "ridgeway_test_sessions", **labels) == 812
    assert value(page, "ridgeway_test_temperature_celsius", sensor="inlet", **labels) == 31.5
    assert value(page, "ridgeway_test_temperature_celsius", sensor="cpu", **labels) == 44
    assert value(page, "ridgeway_test_packets_total", **labels) == 1e12
    assert state(page, check="snmp", **labels) == "ok"
    assert value(page, "ridgeway_target_up", **labels) == 1
    assert value(page, "ridgeway_check_last_run_timestamp_seconds", check="snmp", **labels) == NOW
    assert value(page, "ridgeway_check_interval_seconds", check="snmp", **labels) == 60


def test_readings_of_a_check_s_inputs_are_told_apart_by_one_label_more() -> None:
    page = made()

    page.update(result(subject(), [Reading(SESSIONS, 0.0), Reading(SESSIONS, 1.0, ("fw-a",))]), State.OK)

    labels = {"target": "hh-fw-a", "council": "dacorum", "vantage": "forum"}
    assert value(page, SESSIONS.name, member="fw-a", **labels) == 1.0
    assert samples(page)[SESSIONS.name, frozenset(labels.items())] == 0.0


def test_changed_values_are_rendered_again_and_unchanged_ones_stay() -> None:
    page = made()
    page.update(result(subject(), READINGS), State.OK)

    page.update(result(subject(), (Reading(SESSIONS, 9.0), *READINGS[1:]), at=NOW + 60), State.WARNING)

    assert value(page, "ridgeway_test_sessions") == 9
    assert value(page, "ridgeway_test_temperature_celsius", sensor="cpu") == 44
    assert state(page) == "warning"
    assert value(page, "ridgeway_check_last_run_timestamp_seconds") == NOW + 60


def test_a_changed_label_leaves_no_old_series_behind() -> None:
    page = made()
    page.update(result(subject(), [Reading(TEMPERATURE, 30.0, ("inlet",))]), State.OK)

    page.update(result(subject(), [Reading(TEMPERATURE, 30.0, ("outlet",))]), State.OK)

    assert value(page, "ridgeway_test_temperature_celsius", sensor="inlet") is None
    assert value(page, "ridgeway_test_temperature_celsius", sensor="outlet") == 30


def test_what_could_not_be_read_gives_no_series() -> None:
    page = made()
    page.update(result(subject(), READINGS), State.OK)

    page.update(result(subject(), (), at=NOW + 60, reached=False, fault=SILENCE), State.UNKNOWN)

    assert value(page, "ridgeway_test_sessions") is None
    assert state(page) == "unknown"
    assert value(page, "ridgeway_target_up") == 0
    assert value(page, "ridgeway_check_last_run_timestamp_seconds") == NOW + 60
    assert value(page, "ridgeway_check_last_success_timestamp_seconds") == NOW


def test_a_result_that_is_too_old_takes_its_values_off_the_page_and_keeps_its_timestamps() -> None:
    page = made()
    page.update(result(subject(), READINGS, findings=[Finding("snmp/x", State.WARNING, "x")]), State.OK)
    late = NOW + 155.1

    assert state(page, NOW + 155) == "ok"
    assert state(page, late) == "unknown"
    assert value(page, "ridgeway_check_stale", late) == 1
    assert value(page, "ridgeway_target_up", late) == 0
    assert value(page, "ridgeway_test_sessions", late) is None
    assert value(page, "ridgeway_finding_problem", late) is None
    assert value(page, "ridgeway_check_last_run_timestamp_seconds", late) == NOW
    assert value(page, "ridgeway_check_last_success_timestamp_seconds", late) == NOW
    assert page.checks_stale() == 1


def test_a_stale_check_that_runs_again_is_whole_again() -> None:
    page = made()
    page.update(result(subject(), READINGS), State.OK)
    page.tick(NOW + 1_000)

    page.update(result(subject(), READINGS, at=NOW + 1_000), State.OK)

    assert state(page, NOW + 1_000) == "ok"
    assert value(page, "ridgeway_check_stale", NOW + 1_000) == 0
    assert value(page, "ridgeway_target_up", NOW + 1_000) == 1
    assert value(page, "ridgeway_test_sessions", NOW + 1_000) == 812


@pytest.mark.parametrize("step", [3_600.0, -3_600.0])
def test_a_step_of_the_clock_makes_nothing_older_or_younger(step: float) -> None:
    page = made()
    page.update(result(subject(), READINGS, valid_for=150), State.OK)
    page.tick(NOW + 1)

    unnoticed = value(page, "ridgeway_check_stale", NOW + step + 2)
    page.shift(step)
    young = value(page, "ridgeway_check_stale", NOW + step + 149)
    old = value(page, "ridgeway_check_stale", NOW + step + 151)

    assert (unnoticed, young, old) == (0, 0, 1)


def test_time_that_has_really_passed_without_a_look_makes_stale_a_moment_later() -> None:
    page = made()
    page.update(result(subject(), READINGS, valid_for=150), State.OK)
    page.tick(NOW + 1)

    page.tick(NOW + 1_000)

    assert value(page, "ridgeway_check_stale", NOW + 1_004) == 1


def test_one_check_that_expires_early_does_not_hide_that_another_expires_later() -> None:
    page = made()
    page.update(result(subject("a"), valid_for=10), State.OK)
    page.update(result(subject("b"), valid_for=20), State.OK)

    assert (state(page, NOW + 11, target="a"), state(page, NOW + 11, target="b")) == ("unknown", "ok")
    assert state(page, NOW + 21, target="b") == "unknown"


def test_a_target_is_up_while_any_of_its_checks_reaches_it() -> None:
    page = made()
    page.update(result(subject(check="ping"), reached=True), State.OK)
    page.update(result(subject(check="snmp"), reached=False, fault=SILENCE), State.UNKNOWN)
    assert value(page, "ridgeway_target_up") == 1

    page.update(result(subject(check="ping"), at=NOW + 60, reached=False, fault=SILENCE), State.CRITICAL)

    assert value(page, "ridgeway_target_up") == 0


def test_a_run_that_cannot_tell_whether_the_target_answered_does_not_count_as_up() -> None:
    page = made()

    page.update(result(subject(), reached=None), State.UNKNOWN)

    assert value(page, "ridgeway_target_up") == 0


def test_checks_of_the_estate_are_unknown_until_their_first_result_and_stale_when_none_comes() -> None:
    page = made()

    page.configure([subject()], "forum", NOW)

    assert state(page) == "unknown"
    assert value(page, "ridgeway_check_stale") == 0
    assert value(page, "ridgeway_target_up") == 0
    assert value(page, "ridgeway_check_last_run_timestamp_seconds") is None
    assert value(page, "ridgeway_check_stale", NOW + 156) == 1


def test_a_check_of_two_vantages_has_its_series_twice_and_one_may_be_down_while_the_other_is_up() -> None:
    page = made()
    both = subject()
    both = replace(both, check=replace(both.check, vantages=("forum", "gateway")))
    page.configure([both], "forum", NOW)

    page.update(result(both, READINGS), State.OK)
    away = Fault(Reason.LOCAL, "the prober at gateway does not answer", "vantage/away")
    page.update(replace(result(both, fault=away, reached=None), vantage="gateway"), State.UNKNOWN)

    assert value(page, "ridgeway_test_sessions", vantage="forum") == 812
    assert value(page, "ridgeway_test_sessions", vantage="gateway") is None
    assert value(page, "ridgeway_target_up", vantage="forum") == 1
    assert value(page, "ridgeway_target_up", vantage="gateway") == 0
    assert value(page, "ridgeway_check_state", vantage="gateway", state="ok") == 0
    assert len([have for name, have in samples(page) if name == "ridgeway_target_info"]) == 1

    page.configure([subject()], "forum", NOW)

    assert {dict(have).get("vantage") for _, have in samples(page)} == {"forum", None}


def test_a_reload_takes_off_what_left_the_estate_and_keeps_the_rest() -> None:
    page = made()
    page.configure([subject("a"), subject("b")], "forum", NOW)
    page.update(result(subject("a"), READINGS), State.OK)
    page.update(result(subject("b"), READINGS), State.OK)

    page.configure([subject("a", schedule=Every(300.0))], "forum", NOW + 1)

    assert {dict(have).get("target") for _, have in samples(page)} == {"a", None}
    assert value(page, "ridgeway_test_sessions", target="a") == 812
    assert value(page, "ridgeway_check_interval_seconds", target="a") == 300


def test_a_check_that_moves_to_another_council_leaves_nothing_under_the_old_one() -> None:
    page = made()
    page.configure([subject()], "forum", NOW)
    page.update(result(subject(), READINGS), State.OK)

    page.configure([subject(council="shared")], "forum", NOW)

    assert {dict(have).get("council") for _, have in samples(page)} == {"shared", None}
    assert state(page) == "unknown"


def test_a_dropped_check_leaves_the_page() -> None:
    page = made()
    page.update(result(subject(), READINGS), State.OK)

    page.drop("hh-fw-a/snmp")

    assert {name for name, _ in samples(page)} == {"ridgeway_state_code"}


def test_the_interval_of_a_cron_check_follows_from_how_long_its_result_is_valid() -> None:
    page = made()

    page.update(result(subject(schedule=Cron("0 6 * * *", "Europe/London")), valid_for=2.5 * 86_400 + 5), State.OK)

    assert value(page, "ridgeway_check_interval_seconds") == 86_400


def test_what_the_ledger_kept_stands_on_the_page_after_a_restart_as_old_as_it_is() -> None:
    page = made()

    page.restore(result(subject("a"), READINGS, at=NOW - 100), State.OK, NOW - 100, NOW)
    page.restore(result(subject("b"), READINGS, at=NOW - 1_000, fault=SILENCE), State.OK, NOW - 5_000, NOW)

    assert state(page, target="a") == "ok"
    assert state(page, target="b") == "unknown"
    assert value(page, "ridgeway_test_sessions", target="b") is None
    assert value(page, "ridgeway_check_last_run_timestamp_seconds", target="b") == NOW - 1_000
    assert value(page, "ridgeway_check_last_success_timestamp_seconds", target="b") == NOW - 5_000


def test_a_kept_result_from_the_future_says_nothing() -> None:
    page = made()

    page.restore(result(subject(), READINGS, at=NOW + 3_600), State.OK, NOW + 3_600, NOW)

    assert state(page) == "unknown"


def test_two_checks_that_give_the_same_series_give_it_once_and_the_loser_takes_over_when_the_first_is_gone() -> None:
    page = made()
    page.update(result(subject(check="one"), [Reading(SESSIONS, 1.0)]), State.OK)
    page.update(result(subject(check="two"), [Reading(SESSIONS, 2.0), Reading(PACKETS, 5.0)]), State.OK)
    assert value(page, "ridgeway_test_sessions") == 1
    assert value(page, "ridgeway_test_packets_total") == 5
    assert page.counts()["duplicate"] == 1

    page.drop("hh-fw-a/one")
    page.update(result(subject(check="two"), [Reading(SESSIONS, 3.0), Reading(PACKETS, 6.0)]), State.OK)

    assert value(page, "ridgeway_test_sessions") == 3
    assert page.counts()["duplicate"] == 0


def test_one_check_that_gives_a_series_twice_gives_its_first_value() -> None:
    page = made()

    page.update(result(subject(), [Reading(SESSIONS, 1.0), Reading(SESSIONS, 2.0)]), State.OK)

    assert value(page, "ridgeway_test_sessions") == 1
    assert page.counts()["duplicate"] == 1


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        pytest.param(Reading(Family("ridgeway_other", "Other."), 1.0), "undeclared", id="a family nobody declared"),
        pytest.param(Reading(Family("ridgeway_test_sessions", "Else."), 1.0), "undeclared", id="declared otherwise"),
        pytest.param(Reading(TEMPERATURE, 1.0, ("in\x00let",)), "label", id="a control character in a label"),
        pytest.param(Reading(TEMPERATURE, 1.0, ("in\ud800let",)), "label", id="a lone surrogate in a label"),
        pytest.param(Reading(TEMPERATURE, 1.0, ("x" * 5_000,)), "label", id="a label too long"),
        pytest.param(Reading(TEMPERATURE, 1.0, ()), "label", id="a label missing"),
        pytest.param(Reading(SESSIONS, 1.0, ("fw-a", "more")), "label", id="a label too many"),
        pytest.param(Reading(PACKETS, -1.0), "value", id="a negative counter"),
        pytest.param(Reading(PACKETS, math.nan), "value", id="a counter that is no number"),
        pytest.param(Reading(PACKETS, math.inf), "value", id="a counter without end"),
        pytest.param(Reading(SESSIONS, 10**400), "value", id="a number no double can hold"),
    ],
)
def test_a_reading_that_would_break_the_page_is_left_off_and_counted(reading: Reading, reason: str) -> None:
    page = made()
    good = Reading(TEMPERATURE, 20.0, ("good",))

    page.update(result(subject(), [good, reading]), State.OK)
    page.update(result(subject(), [good, reading]), State.OK)

    assert page.counts() == {"duplicate": 0, "undeclared": 0, "label": 0, "value": 0, "limit": 0, reason: 1}
    assert value(page, "ridgeway_test_temperature_celsius", sensor="good") == 20
    list(parse_openmetrics(whole(page, openmetrics=True) + "# EOF\n"))


def test_a_value_that_turns_unfit_in_the_steady_state_is_left_off_too() -> None:
    page = made()
    page.update(result(subject(), [Reading(PACKETS, 1.0), Reading(SESSIONS, 1.0)]), State.OK)

    page.update(result(subject(), [Reading(PACKETS, -1.0), Reading(SESSIONS, 10**400)]), State.OK)

    assert value(page, "ridgeway_test_packets_total") is None
    assert value(page, "ridgeway_test_sessions") is None
    assert page.counts()["value"] == 2


def test_one_check_cannot_flood_the_page() -> None:
    page = made()
    many = [Reading(TEMPERATURE, 1.0, (str(number),)) for number in range(SERIES_PER_CHECK + 7)]

    page.update(result(subject(), many), State.OK)

    assert page.counts()["limit"] == 7


def test_infinity_and_no_number_are_written_as_both_formats_spell_them() -> None:
    page = made()
    readings = [Reading(TEMPERATURE, v, (str(v),)) for v in (math.inf, -math.inf, math.nan, -0.0, 5e-324)]

    page.update(result(subject(), readings), State.OK)

    text = whole(page)
    assert 'sensor="inf"} +Inf\n' in text
    assert 'sensor="-inf"} -Inf\n' in text
    assert 'sensor="nan"} NaN\n' in text
    assert value(page, "ridgeway_test_temperature_celsius", sensor="5e-324") == 5e-324


def test_findings_that_are_not_ok_stand_on_the_page_while_they_last() -> None:
    page = made()
    bad = [
        Finding("snmp/fan", State.CRITICAL, "x"),
        Finding("snmp/ok", State.OK, "x"),
        Finding("a\nb", State.WARNING, ""),
    ]
    page.update(result(subject(), findings=bad), State.CRITICAL)
    assert value(page, "ridgeway_finding_problem", finding="snmp/fan", state="critical") == 1
    assert value(page, "ridgeway_finding_problem", finding="snmp/ok") is None
    assert value(page, "ridgeway_finding_problem", finding="a\nb") == 1

    page.update(result(subject(), findings=[Finding("snmp/fan", State.OK, "x")]), State.OK)

    assert value(page, "ridgeway_finding_problem") is None


def test_a_page_for_one_council_holds_only_its_series_and_the_codes_of_states() -> None:
    page = made()
    page.update(result(subject("a", council="dacorum"), READINGS), State.OK)
    page.update(result(subject("b", council="aylesbury-vale"), READINGS), State.OK)

    text = whole(page, councils=["aylesbury-vale"])

    assert 'target="b"' in text
    assert 'target="a"' not in text
    assert "ridgeway_state_code" in text


def test_what_the_estate_says_of_a_target_can_be_joined_by_its_name() -> None:
    page = made()

    page.configure([subject("a", check="one"), subject("a", check="two")], "forum", NOW)

    expected = {"target": "a", "council": "dacorum", "site": "hemel-civic", "impact": "high"}
    assert [dict(have) for name, have in samples(page) if name == "ridgeway_target_info"] == [expected]


def test_a_page_is_as_it_was_when_it_was_asked_for_however_slowly_it_is_taken() -> None:
    page = made()
    page.update(result(subject(), [Reading(SESSIONS, 1.0)]), State.OK)

    pieces = page.page(openmetrics=False, now=NOW)
    page.drop("hh-fw-a/snmp")
    page.update(result(subject("other"), [Reading(SESSIONS, 2.0)]), State.OK)

    text = b"".join(pieces).decode()
    assert 'ridgeway_test_sessions{target="hh-fw-a",council="dacorum",vantage="forum"} 1.0\n' in text
    assert "other" not in text


def test_families_that_cannot_stand_on_one_page_are_refused_with_each_reason() -> None:
    wrong = [
        Family("ridgeway_packets", "P.", MetricType.COUNTER),
        Family("ridgeway_state_code", "Taken."),
        Family("ridgeway_load_percent", "Load."),
        Family("temperature_celsius", "T."),
        Family("ridgeway_silent", " "),
        Family("ridgeway_labelled", "L.", labels=("job",)),
        Family("ridgeway_size", "S.", unit="bytes"),
        Family("ridgeway_calls_total", "C."),
        Family("ridgeway_outbox_items", "O."),
    ]

    with pytest.raises(FamilyError) as caught:
        Exposition(wrong, taken=["ridgeway_outbox_items"])

    said = str(caught.value)
    for family in wrong:
        assert f"the family {family.name} " in said
