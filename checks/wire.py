"""An Observation as JSON: how it travels from the agent of another vantage, and how it is kept in a recording.

Reading is strict. Whoever sent the data may be hostile or of another version: sizes and depth are bounded, control
characters are removed, and an observation with a key too many or too few is refused, because a key that one side does
not know (columns cut short, say) could be the one that keeps a judgement from being green by mistake.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from checks.contract import CheckKind, Fault, Observation, Reason, State

SCHEMA = 1
"""The version of the envelope; another one is refused."""
LARGEST = 8 * 1024 * 1024
"""Octets of JSON text that `observation_from_text` takes."""
_MOST_VALUES = 200_000
_DEEPEST = 32
_LONGEST_TEXT = 1024 * 1024
_LONGEST_NAME = 255
_LONGEST_MESSAGE = 500
_LARGEST_NUMBER = 2**128
_LATEST = 1e11
_LONGEST_RUN = 1e7
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_NOT_FINITE = "not-finite"
"""JSON has no infinity; a device may answer one (an Opaque float). It travels as `{"not-finite": "inf"}`."""


class WireError(ValueError):
    """The data is no observation that can be used; the message says what is wrong and where, never with a value."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fault(_Model):
    reason: Reason
    message: str
    condition: str
    state: State


class _Envelope(_Model):
    version: int = Field(alias="schema")
    kind: str
    target: str
    vantage: str
    started: float = Field(ge=0, le=_LATEST, allow_inf_nan=False)
    duration: float = Field(ge=0, le=_LONGEST_RUN, allow_inf_nan=False)
    answers: Any
    fault: _Fault | None


_ENVELOPE = TypeAdapter(_Envelope)


def observation_json(observation: Observation, kind: CheckKind) -> dict[str, Any]:
    """The observation of a check of `kind` as a JSON object: any JSON library can write it.

    Keys: `schema`, `kind`, `target`, `vantage`, `started` (Unix seconds), `duration` (seconds), `answers` (an object,
    or null), `fault` (an object of `reason`, `message`, `condition` and `state`, or null).
    Raises WireError if the answers are not the kind's, or not of plain values.
    """
    answers = observation.answers
    if answers is not None:
        if not isinstance(answers, kind.answers):
            raise WireError(f"the answers are {type(answers).__name__}, not those of the kind {kind.kind}")
        try:
            answers = _finite(_adapter_of(kind).dump_python(answers, mode="json", warnings="error"))
        except PydanticSerializationError as error:
            raise WireError(f"answers of the kind {kind.kind} are not of plain values: {error}"[:300]) from error
    return {
        "schema": SCHEMA,
        "kind": kind.kind,
        "target": observation.target,
        "vantage": observation.vantage,
        "started": observation.started,
        "duration": observation.duration,
        "answers": answers,
        "fault": None if observation.fault is None else asdict(observation.fault),
    }


def observation_of(data: object, kinds: Mapping[str, CheckKind]) -> Observation:
    """The observation in a JSON object of `observation_json`, already parsed. Raises WireError."""
    clean = _cleaned(data)
    if not isinstance(clean, dict):
        raise WireError("an observation is a JSON object")
    if clean.get("schema") != SCHEMA or isinstance(clean.get("schema"), bool):
        raise WireError(f"schema: this agent reads version {SCHEMA}; let both agents be of one version")
    envelope = _validated(_ENVELOPE, clean, "")
    for name in ("kind", "target", "vantage"):
        if not 0 < len(getattr(envelope, name)) <= _LONGEST_NAME:
            raise WireError(f"{name}: a name of 1 to {_LONGEST_NAME} characters belongs there")
    if envelope.answers is None and envelope.fault is None:
        raise WireError("neither answers nor a fault: that is nothing to judge")
    kind = kinds.get(envelope.kind)
    if kind is None:
        raise WireError(f"kind: there is no kind {envelope.kind[:60]!r} here; install its plug-in on both sides")
    return Observation(
        target=envelope.target,
        vantage=envelope.vantage,
        started=envelope.started,
        duration=envelope.duration,
        answers=None if envelope.answers is None else _answers(kind, envelope.answers),
        fault=None if envelope.fault is None else _fault(envelope.fault),
    )


def observation_from_text(text: bytes, kinds: Mapping[str, CheckKind]) -> Observation:
    """The same from JSON text as it came over the network, at most `LARGEST` octets. Raises WireError."""
    return observation_of(parsed(text), kinds)


def parsed(text: bytes) -> object:
    """JSON text that somebody else wrote, as plain values. Raises WireError."""
    if len(text) > LARGEST:
        raise WireError(f"more than {LARGEST} octets")
    try:
        data: object = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise WireError("it is nested too deeply") from None
    except ValueError as error:  # also UnicodeDecodeError, and integers of more digits than Python takes
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise WireError(f"it is not JSON in UTF-8{where}") from None
    return data


def _answers(kind: CheckKind, data: object) -> Any:
    adapter = _adapter_of(kind)
    answers = _validated(adapter, _restored(data), "answers")
    if _finite(adapter.dump_python(answers, mode="json")) != data:
        raise WireError(
            f"answers: keys are missing or unknown to the kind {kind.kind}; let both sides be of one version"
        )
    return answers


def _fault(fault: _Fault) -> Fault:
    for name in ("message", "condition"):
        if "\n" in getattr(fault, name) or len(getattr(fault, name)) > _LONGEST_MESSAGE:
            raise WireError(f"fault.{name}: one line of at most {_LONGEST_MESSAGE} characters belongs there")
    if not fault.state.bad:
        raise WireError("fault.state: a fault is never well")
    return Fault(fault.reason, fault.message, fault.condition, fault.state)


def _validated(adapter: TypeAdapter[Any], data: object, where: str) -> Any:
    """Through JSON text, for only there does strictness take a list for a tuple and a word for an enumeration."""
    try:
        return adapter.validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(part)[:40] for part in ([where] if where else []) + list(first["loc"])[:6])
        raise WireError(f"{path}: {first['msg'][:200]}" if path else first["msg"][:200]) from None


@lru_cache(maxsize=256)
def _adapter(answers: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("type[Any]", answers))


def _adapter_of(kind: CheckKind) -> TypeAdapter[Any]:
    try:
        return _adapter(cast("Hashable", kind.answers))
    except (PydanticUserError, NameError) as error:
        raise WireError(f"answers of the kind {kind.kind} cannot travel: {error}"[:300]) from error


def _finite(data: Any) -> Any:
    """Numbers that JSON cannot say, spelt as an object."""
    if isinstance(data, float) and not math.isfinite(data):
        return {_NOT_FINITE: str(data)}
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return data


def _restored(data: Any) -> Any:
    if isinstance(data, dict):
        if data.keys() == {_NOT_FINITE} and data[_NOT_FINITE] in ("inf", "-inf", "nan"):
            return float(data[_NOT_FINITE])
        return {key: _restored(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_restored(value) for value in data]
    return data


def _cleaned(data: object) -> object:
    """A copy of bounded size and depth, without control characters. Raises WireError."""
    return _Cleaner().clean(data, 0)


class _Cleaner:
    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def clean(self, data: object, depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise WireError(f"more than {_MOST_VALUES} values")
        if depth > _DEEPEST:
            raise WireError(f"nested more than {_DEEPEST} deep")
        if isinstance(data, str):
            return _text(data)
        if isinstance(data, dict):
            return {_text(str(key)): self.clean(value, depth + 1) for key, value in data.items()}
        if isinstance(data, list):
            return [self.clean(value, depth + 1) for value in data]
        if isinstance(data, float) and not math.isfinite(data):
            raise WireError("a number that is not finite")
        if isinstance(data, int) and abs(data) > _LARGEST_NUMBER:
            raise WireError("a number of more than 128 bits")
        if data is None or isinstance(data, bool | int | float):
            return data
        raise WireError(f"a {type(data).__name__} is no JSON value")


def _text(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise WireError(f"a text of more than {_LONGEST_TEXT} characters")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
