"""MiVoice Business: levels, categories, licences, bandwidth, call load."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import State, covered
from testbeds.mitel import IPERA, NOW, assessed, bad, business, readings, said

SIP = "mitel/category/SIP Link"
OK, WARNING, CRITICAL, UNKNOWN = State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN


@pytest.mark.parametrize(
    ("number", "state", "shown"), [(1, OK, 0), (2, WARNING, 2), (3, CRITICAL, 3), (4, CRITICAL, 4)]
)
def test_the_scale_of_the_call_servers_calls_three_major_and_four_critical(
    number: int, state: State, shown: int
) -> None:
    assessment = assessed(business(number, [("Lines", number, 10, 2)]))

    assert bad(assessment).get("mitel/category/Lines", OK) is state
    words = {1: "as it should be", 2: "minor", 3: "major", 4: "critical"}[number]
    assert words in said(assessment, "mitel/category/Lines")
    assert readings(assessment)["alarm_level", "Lines"] == readings(assessment)["system_level",] == shown


@given(number=st.integers(-(2**31), 2**31 - 1).filter(lambda number: number not in (1, 2, 3, 4)))
def test_any_other_number_is_unknown_and_has_no_reading(number: int) -> None:
    assessment = assessed(business(number, [("Lines", number, 10, 2)]))

    assert bad(assessment) == {"mitel/level": UNKNOWN, "mitel/category/Lines": UNKNOWN}
    assert ("alarm_level", "Lines") not in readings(assessment)
    assert ("system_level",) not in readings(assessment)


def test_a_healthy_system_may_list_no_category() -> None:
    assessment = assessed(business())

    assert bad(assessment) == {}
    assert covered(assessment.covers, SIP) and covered(assessment.may_go, SIP)


def test_a_category_is_one_finding_with_its_numbers_and_the_overall_level_is_not_a_second() -> None:
    assessment = assessed(business(3, [("SIP Link", 3, 1, 1), ("Lines", 1, 20, 0)]))

    assert bad(assessment) == {SIP: CRITICAL}
    assert said(assessment, SIP) == "SIP Link: level: major, 1 out of service, 1 available"
    assert said(assessment, "mitel/level") == "overall level: major: mitel/category/SIP Link says why"
    (finding,) = [finding for finding in assessment.findings if finding.key == SIP]
    assert finding.evidence["major threshold"] == "50"


def test_a_category_keeps_its_name_when_its_row_moves() -> None:
    first = assessed(business(2, [("SIP Link", 2, 9, 1)]))
    second = assessed(business(2, [("Lines", 1, 9, 0), ("SIP Link", 2, 9, 1)]))

    assert bad(first) == bad(second) == {SIP: WARNING}


def test_a_level_that_no_row_explains_is_a_finding_of_its_own() -> None:
    assert bad(assessed(business(2))) == {"mitel/level": WARNING}
    assert "nothing in its tables" in said(assessed(business(2)), "mitel/level")
    assert bad(assessed(business(3, [("Lines", 2, 9, 1)]))) == {
        "mitel/level": CRITICAL, "mitel/category/Lines": WARNING,
    }  # fmt: skip


def test_one_of_eleven_trunks_lost_is_a_warning_of_ours_though_the_system_stays_clear() -> None:
    assessment = assessed(business(1, [("SIP Link", 1, 10, 1), ("Lines", 1, 10, 1)]))

    assert bad(assessment) == {SIP: WARNING}
    assert said(assessment, SIP).endswith("thresholds, 1 out of service, 10 available")
    assert readings(assessment)["resources_unavailable", "SIP Link"] == 1


def test_our_own_alarm_does_not_explain_a_level_of_the_system() -> None:
    assessment = assessed(business(2, [("SIP Link", 1, 10, 1)]))

    assert bad(assessment) == {SIP: WARNING, "mitel/level": WARNING}


def test_the_estate_says_from_how_many_it_is_a_warning() -> None:
    rows = [("SIP Link", 1, 10, 1), ("IP Sets", 1, 200, 5)]

    assessment = assessed(business(1, rows), unavailable_warning={"ip set*": 5, "SIP*": 2})

    assert bad(assessment) == {"mitel/category/IP Sets": WARNING}


def test_a_table_that_was_cut_short_covers_no_category() -> None:
    answers = business(3, [("SIP Link", 3, 1, 1)])
    answers.snmp.cut.append(f"{IPERA}.2.4.1.8")

    assessment = assessed(answers, whole=False)

    assert not covered(assessment.covers, SIP)
    assert bad(assessment) == {"mitel/level": CRITICAL}


def test_a_category_whose_count_was_not_read_is_not_called_clear() -> None:
    answers = business(2, [("SIP Link", 1, 10, 1), ("Lines", 2, 9, 1)])
    answers.snmp.rows.pop(f"{IPERA}.2.4.1.3")

    assessment = assessed(answers, whole=False)

    assert SIP not in {finding.key for finding in assessment.findings}
    assert not covered(assessment.covers, SIP)
    assert bad(assessment) == {"mitel/category/Lines": WARNING} and covered(assessment.covers, "mitel/category/Lines")


def test_licences_are_compared_with_those_bought() -> None:
    assessment = assessed(business(_1_2_1=100, _1_2_2=96))

    assert bad(assessment) == {"mitel/user_licences": WARNING}
    assert readings(assessment)["licences_limit", "users"] == 100
    assert readings(assessment)["licences_used", "users"] == 96


def test_none_bought_and_some_used_is_not_licensed_separately_and_has_no_ratio() -> None:
    assessment = assessed(business(_1_2_1=24, _1_2_2=17, _1_2_3=0, _1_2_4=16))

    assert bad(assessment) == {}
    assert "device licences are not licensed separately, 16 are used" in said(assessment, "mitel/system")
    assert ("licences_limit", "devices") not in readings(assessment)


def test_calls_refused_since_the_last_poll_are_a_warning_and_a_high_total_is_not() -> None:
    first = assessed(business(rejections=500))
    same = assessed(business(uptime=86_460, rejections=500), first.memory, NOW + 60)
    more = assessed(business(uptime=86_520, rejections=503), same.memory, NOW + 120)

    assert [bad(one) for one in (first, same, more)] == [{}, {}, {"mitel/rejections/Town to town": WARNING}]
    assert said(more, "mitel/rejections/Town to town").startswith("Town to town: calls refused")


def test_a_call_load_is_not_judged_until_a_value_above_100_proves_tenths() -> None:
    first = assessed(business(_1_6_1_1_6=95))
    second = assessed(business(_1_6_1_1_6=950), first.memory, NOW + 60)
    third = assessed(business(_1_6_1_1_6=95), second.memory, NOW + 120)

    assert [bad(one) for one in (first, second, third)] == [{}, {"mitel/call_load": WARNING}, {}]
    assert "95, percent or tenths" in said(first, "mitel/system")
    assert ("call_load_ratio",) not in readings(first)
    assert readings(third)["call_load_ratio",] == pytest.approx(0.095)


@pytest.mark.parametrize(
    ("unit", "value", "state"),
    [
        ("percent", 95, WARNING),
        ("tenths", 95, OK),
        ("percent", 101, UNKNOWN),
        ("auto", -1, UNKNOWN),
        ("tenths", 1001, UNKNOWN),
    ],
)
def test_the_unit_of_the_call_load_may_be_said(unit: str, value: int, state: State) -> None:
    assert bad(assessed(business(_1_6_1_1_6=value), call_load=unit)).get("mitel/call_load", OK) is state


def test_the_cause_of_the_last_start_is_told_and_an_unknown_number_is_called_so() -> None:
    assert "last start: power on" in said(assessed(business(_2_7=3)), "mitel/system")
    assert "last start: 9, which is not among" in said(assessed(business(_2_7=9)), "mitel/system")
