"""An Observation as JSON: there and back unchanged, and nothing taken that is not one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.catalogue import load_catalogue
from checks.contract import CheckKind, Fault, Observation, Reason, State
from checks.network.answers import SnmpAnswers
from checks.wire import LARGEST, WireError, observation_from_text, observation_json, observation_of

KINDS: Mapping[str, CheckKind] = load_catalogue()
SNMP = KINDS["snmp"]
FAULT = Fault(Reason.LIMIT, "the table is longer than it may be", "snmp/limit")
OBSERVATION = Observation(
    "fw-hemel",
    "forum",
    1_000.5,
    0.25,
    SnmpAnswers(
        {"1.3.1": 5, "1.3.2": 0.5, "1.3.3": None, "1.3.4": "x"}, {"1.3.5": {"1": 7, "2": "y"}}, ["1.3.6"], ["1.3.5"]
    ),
    FAULT,
)

plain = (
    st.none()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False)
    | st.text(st.characters(categories=("L", "N", "P", "S")), max_size=20)
)
oids = st.text("0123456789.", min_size=1, max_size=20)


@given(
    values=st.dictionaries(oids, plain, max_size=5),
    rows=st.dictionaries(oids, st.dictionaries(oids, plain, max_size=3), max_size=3),
    errors=st.lists(oids, max_size=3),
)
def test_what_goes_over_the_wire_comes_out_unchanged(
    values: dict[str, Any], rows: dict[str, dict[str, Any]], errors: list[str]
) -> None:
    sent = Observation("t", "v", 1.0, 0.5, SnmpAnswers(values, rows, errors, []), None)

    text = json.dumps(observation_json(sent, SNMP), allow_nan=False).encode()

    assert observation_from_text(text, KINDS) == sent


def test_a_fault_beside_answers_and_one_alone_travel() -> None:
    alone = Observation(
        "t", "v", 1.0, 0.5, None, Fault(Reason.NO_ANSWER, "no answer", "snmp/no-answer", State.CRITICAL)
    )

    assert observation_of(observation_json(OBSERVATION, SNMP), KINDS) == OBSERVATION
    assert observation_of(observation_json(alone, SNMP), KINDS) == alone


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_cannot_say_travels_all_the_same(number: float) -> None:
    sent = Observation("t", "v", 1.0, 0.5, SnmpAnswers({"1.3": number}))

    text = json.dumps(observation_json(sent, SNMP), allow_nan=False).encode()

    assert repr(observation_from_text(text, KINDS).answers.values["1.3"]) == repr(number)


def test_every_kind_that_is_installed_has_answers_that_can_travel() -> None:
    for kind in KINDS.values():
        bare = Observation("t", "v", 1.0, 0.5, None, FAULT)

        assert observation_of(observation_json(bare, kind), KINDS) == bare
        with pytest.raises(WireError, match="answers"):
            observation_of(observation_json(bare, kind) | {"answers": {"no-such-field": 1}}, KINDS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("fault"), "fault: Field required"),
        (lambda data: data.update(extra=1), "extra"),
        (lambda data: data.update(schema=2), "this agent reads version 1"),
        (lambda data: data.update(schema=True), "this agent reads version 1"),
        (lambda data: data.update(kind="no-such"), "there is no kind 'no-such'"),
        (lambda data: data.update(target=""), "target: a name"),
        (lambda data: data.update(vantage="v" * 256), "vantage: a name"),
        (lambda data: data.update(started="1"), "started"),
        (lambda data: data.update(started=-1), "started"),
        (lambda data: data.update(duration=1e9), "duration"),
        (lambda data: data.update(answers=None, fault=None), "nothing to judge"),
        (lambda data: data.update(answers=[]), "answers"),
        (lambda data: data["answers"].pop("cut"), "keys are missing"),
        (lambda data: data["answers"].update(more=1), "unknown to the kind"),
        (lambda data: data["answers"].update(errors="1.3"), "answers.errors"),
        (lambda data: data["answers"]["values"].update(x=True), "answers.values.x"),
        (lambda data: data["answers"]["values"].update(x=2**129), "128 bits"),
        (lambda data: data["answers"]["values"].update(x="y" * (2**20 + 1)), "a text of more than"),
        (lambda data: data["fault"].update(state="ok"), "never well"),
        (lambda data: data["fault"].update(reason="bad luck"), "fault.reason"),
        (lambda data: data["fault"].update(message="one\ntwo"), "fault.message"),
        (lambda data: data["fault"].update(message="m" * 501), "fault.message"),
        (lambda data: data.update(answers=_nested(40)), "nested"),
        (lambda data: data["answers"].update(values={str(n): n for n in range(200_001)}), "more than 200000 values"),
    ],
)
def test_what_is_no_observation_is_refused_with_the_place(change: Callable[[Any], object], words: str) -> None:
    data = json.loads(json.dumps(observation_json(OBSERVATION, SNMP)))

    change(data)

    with pytest.raises(WireError, match=words):
        observation_of(data, KINDS)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000, b"NaN", b"null", b'"x"', b" " * (LARGEST + 1)]
)
def test_text_that_is_no_observation_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        observation_from_text(text, KINDS)


@given(st.binary(max_size=200))
def test_no_octets_do_more_than_to_be_refused(octets: bytes) -> None:
    with pytest.raises(WireError):
        observation_from_text(octets, KINDS)


def test_control_characters_do_not_come_through() -> None:
    data = observation_json(OBSERVATION, SNMP) | {"target": "fw\x1b[2J\u202ehemel"}

    read = observation_of(data, KINDS)

    assert read.target == "fw\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}hemel"


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    data = observation_json(OBSERVATION, SNMP) | {"duration": "hunter2"}

    with pytest.raises(WireError) as refused:
        observation_of(data, KINDS)

    assert "hunter2" not in str(refused.value)


def test_answers_of_another_kind_are_not_written() -> None:
    with pytest.raises(WireError, match="SnmpAnswers"):
        observation_json(OBSERVATION, KINDS["tcp"])


def _nested(depth: int) -> Any:
    data: Any = 1
    for _ in range(depth):
        data = [data]
    return data
