"""What the estate may say of a test call, and what is refused with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.telephony.call import SipCallOptions
from checks.telephony.call.placing import held_back
from checks.telephony.numbers import refused
from config.load import load_estate
from config.problems import EstateError

_ESTATE = """\
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum Borough Council}}}}
sites: {{forum: {{council: dacorum, title: The Forum}}}}
vantages: {{here: {{site: forum}}}}
defaults:
  kinds:
    sip_call: {{allowed_numbers: ["5600", "01632 960123"], hours: {{monday-friday: "09:00-17:00"}}}}
targets:
  pbx:
    address: 192.0.2.1
    site: forum
    checks:
      - sip_call: {check}
"""


def said(**more: object) -> SipCallOptions:
    return SipCallOptions.model_validate({"number": "5600", "allowed_numbers": ["5600"]} | more)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London")).timestamp()


def loaded(folder: Path, check: str) -> SipCallOptions:
    path = folder / "estate.yaml"
    path.write_text(_ESTATE.format(check=check))
    options = load_estate(path, load_catalogue(), {}).targets["pbx"].checks[0].options
    assert isinstance(options, SipCallOptions)
    return options


def test_numbers_and_hours_are_allowed_once_for_all_and_one_is_called(tmp_path: Path) -> None:
    options = loaded(tmp_path, '{number: "(01632) 960-123"}')

    assert options.number == "01632960123"
    assert options.allowed_numbers == ("5600", "01632960123")


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ('{number: "5601"}', "number is not among allowed_numbers"),
        ('{number: "999", allowed_numbers: ["999"]}', "is never dialled: emergency services"),
        ('{number: "5600", allowed_numbers: ["5600", "9 999"]}', "is never dialled: emergency services"),
        ('{number: "0906 123 4567", allowed_numbers: ["0906 123 4567"]}', "is never dialled: a premium rate number"),
        ('{number: "+33 1 2345 6789"}', "is never dialled: an international number"),
        ('{number: "*21*5600#"}', "may page, forward or record"),
        ("{number: 5600}", "put it in quotes"),
        ("{}", '"number" is missing'),
        ('{number: "5600", every: 30s, timeout: 20s}', "must not run more often than every 1m"),
        ('{number: "5600", hours: {someday: "08:00-18:00"}}', "is no day of the week"),
        ('{number: "5600", hours: {friday-monday: "08:00-18:00"}}', "from the earlier day to the later"),
        ('{number: "5600", hours: {monday-friday: "08:00-18:00", monday: "08:00-18:00"}}', "a second time"),
        ('{number: "5600", hours: {}}', "no call would ever be made"),
        ('{number: "5600", hours: {monday: "18:00-08:00"}}', "must close after it opens"),
        ('{number: "5600", seconds: 60}', "10"),
        ('{number: "5600", critical_r: 85}', "must not be above warning_r"),
        ('{number: "5600", caller: "a b"}', "caller"),
    ],
)
def test_what_may_not_be_is_refused_with_the_estate(tmp_path: Path, check: str, words: str) -> None:
    with pytest.raises(EstateError) as error:
        loaded(tmp_path, check)

    assert words in str(error.value)


@given(st.text("0123456789+*# -", min_size=1, max_size=16))
def test_no_number_that_is_never_dialled_can_be_allowed(number: str) -> None:
    if refused(number) is not None:
        with pytest.raises(ValidationError):
            said(number=number, allowed_numbers=[number])


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2026-11-30T07:59:59", False),
        ("2026-11-30T08:00:00", True),
        ("2026-11-30T17:59:59", True),
        ("2026-11-30T18:00:00", False),
        ("2026-12-05T12:00:00", False),  # a Saturday
        ("2026-12-25T12:00:00", False),  # a Friday
        ("2026-07-01T08:00:00", True),  # summer time
    ],
)
def test_calls_are_made_in_the_hours_of_london_and_on_no_bank_holiday(moment: str, allowed: bool) -> None:
    assert (held_back(said(), None, at(moment)) == "") is allowed


def test_who_wants_calls_on_bank_holidays_says_so() -> None:
    assert held_back(said(bank_holidays=True), None, at("2026-12-25T12:00:00")) == ""


def test_a_call_that_is_held_back_names_the_next_moment() -> None:
    assert "before Mon 07 Dec, 08:00" in held_back(said(), None, at("2026-12-04T18:00:00"))
    assert "12 s ago" in held_back(said(), at("2026-12-04T12:00:00"), at("2026-12-04T12:00:12"))
    assert held_back(said(), at("2026-12-04T12:00:00"), at("2026-12-04T12:01:00")) == ""
