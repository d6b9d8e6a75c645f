"""Records that people write: what is taken, what is refused and how, and what never leaves the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.telephony.readiness.options import ReadinessOptions
from checks.telephony.readiness.records import LARGEST, Line, Location, Register, masked
from config.data_file import DataFileError, read_data_file

GOOD = """
locations:
  - name: Forum
    numbers: ["01632960000", "01632 960 001"]
    address: The Forum, HP1 1DN
    owner: telephony team
    reviewed: "2026-03-02"
    review_every: 12
lines:
  - {name: lift, kind: analogue, used_for: lift, owner: facilities, migrated: null, numbers: "01632960009"}
"""


def read(tmp_path: Path, text: str | bytes) -> Register:
    file = tmp_path / "emergency.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_data_file(file, Register, LARGEST)


def test_a_file_of_records_is_read_and_its_numbers_are_kept_nowhere(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)

    assert [one.name for one in (*found.locations, *found.lines)] == ["Forum", "lift"]
    assert "01632960" not in repr(found) + found.model_dump_json()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("{}", "neither `locations` nor `lines`"),
        ("lines: []", "neither `locations` nor `lines`"),
        ("lines: nonsense", "lines"),
        ("- name: lift", "valid dictionary"),
        ("lines: [{name: lift}]", "lines.0.kind"),
        ("lines: [{name: lift, kind: isdn2, numbers: 01632960009}]", "put it in quotes"),
        ("lines: [{name: lift, kind: fibre}]", "'analogue', 'isdn2' or 'isdn30'"),
        ("lines: [{name: lift, kind: isdn2, ower: me}]", "'ower' is not a key"),
        ("lines: [{name: lift, kind: isdn2}, {name: LIFT, kind: isdn2}]", "two are called 'LIFT'"),
        ("lines: [{name: lift-1, kind: isdn2}, {name: lift 1, kind: isdn2}]", "or nearly so"),
        ("lines: [{name: …, kind: isdn2}]", "needs a letter"),
        ("lines: [{name: 01632 960 009, kind: isdn2}]", "may hold no telephone number"),
        ('lines: [{name: lift, kind: isdn2, owner: "me@example.org"}]', "name a role"),
        ("lines: [{name: lift, kind: isdn2, migrated: 0}]", "in quotes"),
        ('lines: [{name: lift, kind: isdn2, migrated: "31/01/2027"}]', "in quotes"),
        ('lines: [{name: lift, kind: isdn2, migrated: "2027-02-30"}]', "lines.0.migrated"),
        ("locations: [{name: Forum, review_every: 0}]", "review_every"),
        ("locations: [{name: Forum, numbers: {a: b}}]", "numbers"),
        (b"\xff\xfe", "emergency.yaml"),
        ("[" * 100, "emergency.yaml"),
        ("a: &a [x]\nb: [*a, *a", "emergency.yaml"),
    ],
)
def test_what_is_no_record_is_refused_with_the_place_and_the_way_to_mend_it(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(DataFileError) as refusal:
        read(tmp_path, text)

    assert words in str(refusal.value)


def test_a_file_that_is_too_large_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="is larger than"):
        read(tmp_path, b"#" * (LARGEST + 1))
    with pytest.raises(DataFileError, match="is a directory"):
        read_data_file(tmp_path, Register, LARGEST)
    with pytest.raises(DataFileError, match="cannot be read"):
        read_data_file(tmp_path / "nowhere.yaml", Register, LARGEST)


def test_more_records_than_a_table_holds_are_refused(tmp_path: Path) -> None:
    many = "lines:\n" + "".join(f"  - {{name: line-{number}, kind: isdn2}}\n" for number in range(501))

    with pytest.raises(DataFileError, match="500"):
        read(tmp_path, many)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_whatever_stands_in_the_file_it_is_a_register_or_a_refusal(tmp_path_factory: Any, octets: bytes) -> None:
    with pytest.raises(DataFileError):
        read(tmp_path_factory.mktemp("records"), octets)


@given(st.lists(st.sampled_from("0123456789"), min_size=6, max_size=15), st.sampled_from(["", " ", "-", "."]))
def test_no_way_of_writing_a_number_gets_into_a_name(digits: list[str], between: str) -> None:
    number = between.join(digits)

    with pytest.raises(ValidationError):
        Location(name=f"Forum {number}")
    with pytest.raises(ValidationError):
        Line(name="lift", kind="analogue", used_for=f"lift, {number}")
    assert number not in masked(f"a key {number} is not known")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "names nothing to look at"),
        ({"records": "emergency.yaml"}, "is no whole path"),
        ({"routes": {"a": {}}}, "either `sip` or `category`"),
        ({"routes": {"a": {"sip": {}, "category": "Lines", "target": "t"}}}, "either `sip` or `category`"),
        ({"routes": {"a": {"sip": {}}}}, "`sip` needs a `target`"),
        ({"routes": {"a": {"sip": {}, "target": "t", "listed_in_alarm_only": True}}}, "belongs to `category`"),
        ({"routes": {"A b": {"category": "Lines"}}}, "small letters"),
        ({"routes": {"a": {"category": "Lines"}, "b": {"category": "Lines"}}}, "two of them are the same"),
        ({"routes": {"a": {"target": "t", "sip": {"user": "999"}}}}, "a number is not asked"),
        ({"routes": {"a": {"target": "t", "sip": {"user": "+441632960000"}}}}, "a number is not asked"),
        ({"power": {"ups": {"profile": "power/none"}}}, "power/none"),
        ({"power": {"ups": {}}, "runtime_minutes": 10}, "runtime_critical_minutes"),
        ({"lines": [{"name": "a", "kind": "isdn2"}], "switch_off_critical_days": 91}, "switch_off_critical_days"),
        ({"lines": [{"name": "a", "kind": "isdn2"}], "switch_off": 1}, "in quotes"),
        ({"lines": [{"name": "a", "kind": "isdn2"}] * 2}, "two are called"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        ReadinessOptions.model_validate(options)

    assert words in str(refusal.value)
