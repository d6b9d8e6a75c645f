"""What a person reads."""

from dataclasses import replace

from agent import wording
from agent.records import Cause, Incident
from checks.contract import State
from testbeds.judging import START, Stage, check, estate, finding, target

SUMMER = 1_782_907_200.0  # 1 July 2026, 12:00 UTC


def an_incident() -> Incident:
    stage = Stage(estate(target("fw", check("fw", "snmp"))))
    stage.result("fw/snmp", finding("snmp/memory", State.WARNING, "Memory is 93 % full"))
    return next(iter(stage.incidents.values()))


def test_times_are_those_of_the_office_and_say_so() -> None:
    assert wording.stamp(SUMMER) == "Wed 01 Jul 2026 13:00:00 BST"
    assert wording.stamp(START).endswith("GMT")


def test_a_moment_of_another_day_is_told_with_its_day() -> None:
    assert wording.clock(SUMMER, SUMMER + 60) == "13:00:00"
    assert wording.clock(SUMMER, SUMMER + 86_400) == "Wed 01 Jul 2026 13:00"


def test_a_duration_is_told_in_the_two_units_that_matter() -> None:
    assert [wording.lasting(one) for one in (5, 60, 3_700, 90_000)] == ["5 s", "1 min", "1 h 1 min", "1 d 1 h"]


def test_a_title_is_one_line_of_at_most_two_hundred_characters() -> None:
    title = wording.title(Cause("dacorum", "fw", "snmp/memory"), "two\nlines and " + "very " * 100)

    assert "\n" not in title
    assert len(title) <= 200


def test_only_twenty_children_are_named_and_the_rest_is_counted() -> None:
    children = [Cause("dacorum", f"desk-{number:03d}", "target/unreachable") for number in range(25)]

    text = "\n".join(wording.hidden(children))

    assert "(25)" in text
    assert text.count("  - ") == 20
    assert "and 5 more" in text


def test_what_was_withdrawn_is_never_said_to_have_recovered() -> None:
    text = wording.resolved(replace(an_incident(), resolution="withdrawn"))

    assert "Recovered" not in text
    assert text.startswith("Withdrawn")
