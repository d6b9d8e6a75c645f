"""Which answers are the right thing, and how nested ones become rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.firewall.http.shape import understood
from checks.network.documents import NotUnderstood
from config.profiles.asks import HttpQuestion


def read(document: object, **question: Any) -> Any:
    text = json.dumps(document)
    return understood(HttpQuestion.model_validate({"get": "/x"} | question), text.encode(), text)


def test_rows_reach_through_any_number_of_levels_and_know_what_they_passed() -> None:
    answer = [
        {"vdom": "root", "results": [{"name": "p1", "rgwy": "192.0.2.1", "proxyid": [{"p2name": "a", "status": "up"}]}]}
    ]

    rows = read(answer, rows="/*/results/*/proxyid/*")

    assert rows == {
        "1": {
            "p2name": "a", "status": "up", "@1": "1", "@1.vdom": "root", "@2": "1", "@2.name": "p1",
            "@2.rgwy": "192.0.2.1", "@3": "1",
        }
    }  # fmt: skip


def test_keys_of_objects_are_at_hand_and_one_object_stands_for_a_list_of_one() -> None:
    one = {"results": {"wan-mon": {"wan1": {"status": "up"}}}, "status": "success"}

    assert read(one, rows="/*/results/*/*") == read([one], rows="/*/results/*/*")
    assert read(one, rows="/*/results/*/*")["1"]["@2"] == "wan-mon"


def test_rows_that_are_called_by_a_field_meet_and_repeated_names_stay_apart() -> None:
    rows = read({"results": [{"id": "A"}, {"id": "B"}, {"id": "A"}, {}]}, rows="/results/*", by="id")

    assert list(rows) == ["A", "B", "A#3", "4"]


@pytest.mark.parametrize(
    ("sums", "agree"),
    [(["a", "a"], [True, True]), (["a", "b"], [True, False]), (["a"], [True]), ([None, "b", "c"], [None, True, False])],
)
def test_agreement_is_with_the_first_that_says_anything(sums: list[str | None], agree: list[bool | None]) -> None:
    rows = read({"results": [{"sum": one} for one in sums]}, rows="/results/*", agree="/sum")

    assert [row.get("@agrees") for row in rows.values()] == agree


def test_parallel_lists_become_rows_and_lists_of_objects_one_row() -> None:
    stats = {"group": [{"id": 1, "stats": {"name": ["node0", "node1"], "priority": ["200", "0"]}}]}

    rows = read(stats, rows="/group/*/stats", parallel=True)

    assert [(row["name"], row["priority"], row["@1.id"]) for row in rows.values()] == [
        ("node0", "200", 1),
        ("node1", "0", 1),
    ]
    assert read({"n": [{"a": 1}, {"b": 2}]}, rows="/*")["1"] == {"a": 1, "b": 2, "@1": "n"}


def test_only_the_rows_that_are_wanted_are_kept() -> None:
    rows = read({"rows": [{"mode": "carp"}, {"mode": "ipalias"}]}, rows="/rows/*", only={"mode": "carp"})

    assert [row["mode"] for row in rows.values()] == ["carp"]


@pytest.mark.parametrize(
    ("answer", "question", "why"),
    [
        ({"status": "error"}, {"must_say": {"/status": "success"}}, "it says error at /status"),
        ({}, {"must_say": {"/status": "success"}}, "it says nothing"),
        ([{"status": "success"}, {"status": "error"}], {"must_say": {"/*/status": "success"}}, "success, error"),
        ({"rows": []}, {"must_have": ["/carp"]}, "it has no /carp"),
    ],
)
def test_another_products_answer_is_not_understood(answer: object, question: dict[str, Any], why: str) -> None:
    found = read(answer, **question)

    assert isinstance(found, NotUnderstood) and why in found.why


@pytest.mark.parametrize("body", [b"", b"  ", b"<html><title>Log in</title></html>", b'{"results": [1, 2', b"\xff\xfe"])
def test_empty_html_and_cut_answers_are_not_understood_and_shown(body: bytes) -> None:
    found = understood(HttpQuestion(get="/x"), body, body.decode("utf-8", "replace"))

    assert isinstance(found, NotUnderstood) and found.why and len(found.raw) <= 200


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "@1"]), inner, max_size=3),
)


@given(_ANY, st.sampled_from(["/*", "/a/*", "/*/*", "/a", "/*/b/*"]), st.booleans())
def test_rows_of_whatever_came_are_always_an_object_of_objects(answer: object, rows: str, parallel: bool) -> None:
    found = read(answer, rows=rows, by="a", agree="/b", parallel=parallel)

    assert isinstance(found, dict) and all(isinstance(row, dict) for row in found.values())
