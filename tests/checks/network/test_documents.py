"""Documents as answers: where a place points, and what cannot be had there."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.answers import SnmpAnswers
from checks.network.documents import NotUnderstood, filled, rows, scalar, split

_CLUSTER: Any = {
    "mode": "a-p",
    "enabled": True,
    "uptime": 12,
    "load": 0.5,
    "nothing": None,
    "members": [{"serial": "A", "sync": 1}, {"serial": "B"}],
    "licences": {"ips": {"expires": 5}, "av": {"expires": 7}},
    "odd/name": {"~": "tilde"},
}
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def read(*places: str, columns: tuple[str, ...] = (), most: int = 100) -> SnmpAnswers:
    return filled(places, columns, {"ha": _CLUSTER, "page": NotUnderstood("<html>")}, most)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("ha#/mode", "a-p"),
        ("ha#/enabled", "true"),
        ("ha#/uptime", 12),
        ("ha#/load", 0.5),
        ("ha#/nothing", None),
        ("ha#/absent", None),
        ("ha#/mode/below", None),
        ("ha#/members/1/serial", "B"),
        ("ha#/members/7/serial", None),
        ("ha#/odd~1name/~0", "tilde"),
    ],
)
def test_a_place_names_a_value(place: str, said: object) -> None:
    assert read(place).values == {place: said}


@pytest.mark.parametrize("place", ["ha#/members", "ha#/licences", "ha#"])
def test_an_object_in_the_place_of_a_value_is_an_error_and_no_value(place: str) -> None:
    answers = read(place)

    assert (answers.values, answers.errors) == ({}, [place])


def test_every_element_of_a_list_is_a_row_by_its_position() -> None:
    answers = read(columns=("ha#/members/*/serial", "ha#/members/*/sync"))

    assert answers.rows == {
        "ha#/members/*/serial": {"1": "A", "2": "B"},
        "ha#/members/*/sync": {"1": 1, "2": None},
    }
    assert answers.cut == []


def test_every_value_of_an_object_is_a_row_by_its_key() -> None:
    assert read(columns=("ha#/licences/*/expires",)).rows == {"ha#/licences/*/expires": {"ips": 5, "av": 7}}


def test_an_element_that_xml_gave_once_is_a_list_of_one() -> None:
    single: Any = {"entry": {"name": "tunnel", "state": {"#text": "up", "@since": "1"}}}

    assert rows(single, ("entry", "*", "name"), 10) == ({"1": "tunnel"}, True)
    assert scalar(single, ("entry", "state")) == "up"
    assert scalar(single, ("entry", "state", "@since")) == "1"


def test_a_list_that_is_not_there_is_empty_and_a_column_that_holds_objects_is_cut() -> None:
    answers = read(columns=("ha#/absent/*/x", "ha#/licences/*"))

    assert answers.rows["ha#/absent/*/x"] == {}
    assert answers.cut == ["ha#/licences/*"]


def test_a_question_without_an_answer_leaves_its_places_out() -> None:
    answers = read("other#/mode", columns=("other#/members/*/x",))

    assert answers == SnmpAnswers()


def test_what_was_not_understood_is_as_good_as_not_asked_and_never_absent() -> None:
    answers = read("page#/mode", columns=("page#/members/*/x",))

    assert answers == SnmpAnswers()


def test_no_more_rows_are_kept_than_allowed_and_the_column_is_cut() -> None:
    answers = read(columns=("ha#/members/*/serial",), most=1)

    assert answers.rows == {"ha#/members/*/serial": {"1": "A"}}
    assert answers.cut == ["ha#/members/*/serial"]


def test_the_beginning_of_what_was_not_understood_is_printable_and_short() -> None:
    assert NotUnderstood.of("a\x1b[2J\n" + "b" * 1000).raw == "a [2J " + "b" * 194


@given(_ANY, st.lists(st.sampled_from(["a", "0", "*", "@x", "#text"]) | st.text(max_size=4), max_size=4))
def test_no_document_brings_it_down_and_every_value_is_plain(document: Any, steps: list[str]) -> None:
    place = "q#" + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
    columns = (place,) if split(place)[1].count("*") == 1 else ()
    scalars = () if "*" in steps else (place,)

    answers = filled(scalars, columns, {"q": document}, 5)

    cells = [*answers.values.values(), *(cell for row in answers.rows.values() for cell in row.values())]
    assert all(cell is None or isinstance(cell, int | float | str) for cell in cells)
    assert not any(isinstance(cell, bool) or (isinstance(cell, float) and not math.isfinite(cell)) for cell in cells)
    assert all(len(cell) <= 255 and cell.isprintable() for cell in cells if isinstance(cell, str))
