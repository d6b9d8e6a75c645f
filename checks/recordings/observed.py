"""An observation of any kind as a file: the Observation as JSON, and the check it was made for, without which it cannot
be judged.

`{"ridgeway-observation": 1, "check": …, "options": {…}, "expect_empty": […], "observation": {…}}`; a bare observation,
as agents send it to each other (`checks.wire`), is read too and judged with its kind's default options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.contract import CheckKind, Observation
from checks.recordings.recording import RecordedCheck, RecordingError
from checks.wire import WireError, observation_json, observation_of, parsed
from config.estate import CheckSpec

VERSION = 1
_MARK = "ridgeway-observation"
_KEYS = {_MARK, "check", "options", "expect_empty", "observation"}


def written(observation: Observation, check: CheckSpec, kind: CheckKind) -> dict[str, Any]:
    """The object to be written, not masked yet. Raises RecordingError."""
    try:
        return {
            _MARK: VERSION,
            "check": check.name,
            "options": check.options.model_dump(mode="json", exclude_defaults=True),
            "expect_empty": sorted(check.expect_empty),
            "observation": observation_json(observation, kind),
        }
    except WireError as error:
        raise RecordingError(str(error)) from error


def read(raw: bytes, name: str, kinds: Mapping[str, CheckKind]) -> tuple[Observation, RecordedCheck, CheckKind]:
    """What is in a file's contents; `name` stands in errors. Raises RecordingError."""
    try:
        data = parsed(raw)
        if not isinstance(data, dict):
            raise WireError("an observation is a JSON object")
        told: dict[str, Any] = data if _MARK in data else {_MARK: VERSION, "observation": data}
        if told[_MARK] != VERSION or not told.keys() <= _KEYS:
            raise WireError(f"it is no observation of version {VERSION}, or has keys that do not belong there")
        observation = observation_of(told.get("observation"), kinds)
        kind = kinds[told["observation"]["kind"]]
        return observation, _check(told, kind), kind
    except WireError as error:
        raise RecordingError(f"{name}: {error}") from None


def _check(told: Mapping[str, Any], kind: CheckKind) -> RecordedCheck:
    name, options, empty = told.get("check", kind.kind), told.get("options", {}), told.get("expect_empty", [])
    if not isinstance(options, dict) or not isinstance(empty, list):
        raise WireError("options is an object and expect_empty a list")
    if not all(isinstance(text, str) and 0 < len(text) < 256 and text.isprintable() for text in (name, *empty)):
        raise WireError("check and expect_empty are names")
    return RecordedCheck(name, options, tuple(empty))
