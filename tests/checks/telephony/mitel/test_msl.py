"""The MSL family: the scale of the common alarms, applications, active alarms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import State, covered
from checks.telephony.mitel.alarms import application_name
from testbeds.mitel import ALARMS, APPLICATIONS, GATEWAY, assessed, bad, msl, readings, said

ALARM = "mitel/alarm/MiVoice Border Gateway/communications/SIP trunk"
APPLICATION = "mitel/application/MiVoice Border Gateway"
OK, WARNING, CRITICAL, UNKNOWN = State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN
SCALE = [
    (1, OK, "as it should be", 0), (2, UNKNOWN, "indeterminate", -1), (3, CRITICAL, "critical", 4),
    (4, CRITICAL, "major", 3), (5, WARNING, "minor", 2), (6, WARNING, "warning", 1),
]  # fmt: skip


@pytest.mark.parametrize(("number", "state", "word", "shown"), SCALE)
def test_the_scale_of_the_common_alarms_calls_three_critical_and_four_major(
    number: int, state: State, word: str, shown: int
) -> None:
    assessment = assessed(msl(level=number))

    assert bad(assessment).get("mitel/level", OK) is state
    assert word in said(assessment, "mitel/level")
    assert readings(assessment)["system_level",] == shown
    assert bad(assessed(msl(gateway=number))).get(APPLICATION, OK) is state
    assert said(assessed(msl(gateway=number)), APPLICATION).startswith("MiVoice Border Gateway: level: ")
    assert bad(assessed(msl(alarm=number))).get(ALARM, OK) is state


@given(number=st.integers(-(2**31), 2**31 - 1).filter(lambda number: number not in range(1, 7)))
def test_any_other_number_is_unknown(number: int) -> None:
    assessment = assessed(msl(level=number, gateway=number, alarm=number))

    assert bad(assessment) == {"mitel/level": UNKNOWN, APPLICATION: UNKNOWN, ALARM: UNKNOWN}


def test_an_alarm_is_one_finding_and_neither_its_application_nor_the_level_is_another() -> None:
    assessment = assessed(msl(level=4, gateway=4, alarm=4))

    assert bad(assessment) == {ALARM: CRITICAL}
    assert said(assessment, ALARM) == (
        "MiVoice Border Gateway, communications, SIP trunk: level: major: trunk 1 is down"
    )


def test_another_alarm_of_the_same_application_is_another_finding() -> None:
    answers = msl(level=4, alarm=4)
    answers.snmp.rows[f"{ALARMS}.4"][GATEWAY] = "licence"

    assert list(bad(assessed(answers))) == ["mitel/alarm/MiVoice Border Gateway/communications/licence"]


def test_the_applications_are_told_with_their_versions() -> None:
    answers = msl()
    answers.snmp.rows[f"{APPLICATIONS}.4"][GATEWAY] = "11.0.0.1"

    assert "MiVoice Border Gateway 11.0.0.1" in said(assessed(answers), "mitel/system")


def test_a_server_that_lists_no_application_is_unknown() -> None:
    answers = msl()
    for column in (3, 4, 6):
        answers.snmp.rows[f"{APPLICATIONS}.{column}"].clear()

    assert bad(assessed(answers)) == {"mitel/applications": UNKNOWN}


def test_of_two_applications_with_one_name_the_worse_alarm_stands() -> None:
    for first, second in ((4, 1), (1, 4)):
        answers = msl(alarm=first)
        other = "10.1.3.6.1.4.1.1027.1.7.5"
        answers.snmp.rows[f"{APPLICATIONS}.3"][other] = "MiVoice Border Gateway"
        answers.snmp.rows[f"{APPLICATIONS}.6"][other] = 1
        for column, cell in ((2, "communications"), (4, "SIP trunk"), (5, second)):
            answers.snmp.rows[f"{ALARMS}.{column}"][other] = cell

        assert bad(assessed(answers)) == {ALARM: CRITICAL}


@pytest.mark.parametrize("column", [f"{ALARMS}.2", f"{APPLICATIONS}.3"])
def test_where_the_name_of_an_alarm_was_not_read_the_level_speaks_and_no_alarm_clears(column: str) -> None:
    answers = msl(level=3, alarm=3)
    answers.snmp.cut.append(column)

    assessment = assessed(answers, whole=False)

    assert bad(assessment) == {"mitel/level": CRITICAL}
    assert not covered(assessment.covers, ALARM)


@pytest.mark.parametrize(("index", "name"), [
    (GATEWAY, "Teleworker"), ("10.1.3.6.1.4.1.1027.1.7.11", "NuPoint"),
    ("10.1.3.6.1.4.1.1027.1.7.2", "1.3.6.1.4.1.1027.1.7.2"), ("10.1.3.6.1.4.1.1027.1.7.99", "1.3.6.1.4.1.1027.1.7.99"),
    ("3.1.2", "3.1.2"), ("", ""),
])  # fmt: skip
def test_an_application_without_a_name_is_called_by_its_oid(index: str, name: str) -> None:
    assert application_name(index) == name
