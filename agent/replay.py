"""Assessing a recording as a live check is assessed, without any network: the same collect, assess and fold.

The SNMP checks ask a recording in the place of a device; an observation of another kind is what its collect brought.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from agent import fold
from agent.once import report
from agent.records import CheckResult
from checks.contract import CheckKind, Context, Credential, Observation, Subject, Target
from checks.recordings.playback import Playback
from checks.recordings.recording import RecordedCheck, Recording, RecordingError
from checks.transports import Transports
from config.estate import CheckSpec, Every

_SECONDS = 60.0
_VANTAGE = "recording"


@dataclass(frozen=True, slots=True)
class Replay:
    """One assessed recording: the target that stands for it, and a result for each check."""

    target: Target
    results: tuple[CheckResult, ...]

    def report(self) -> dict[str, Any]:
        """The object that `ridgeway check --json` prints; a recording is of no council and no site."""
        return report(self.target, self.results) | {"council": None, "site": None}


async def replay_snmp(
    name: str, recording: Recording, checks: Sequence[RecordedCheck], kind: CheckKind, at: float
) -> Replay:
    """The recording as the checks of the kind `snmp` judge it, as if it had been read at `at` (Unix seconds).

    Raises RecordingError for options that do not fit.
    """
    opened = Transports.open()
    try:
        context = Context(_VANTAGE, replace(opened, snmp=Playback(recording)), lambda: at)
        results = []
        target = _target(name)
        for check in checks:
            spec = _spec(kind, name, check.name, _options(kind, name, check.options), check.expect_empty)
            context.deadline = asyncio.get_running_loop().time() + _SECONDS
            observation = await kind.collect(target, spec.options, context)
            results.append(_judged(kind, target, spec, replace(observation, started=at, duration=0.0), at))
    finally:
        await opened.close()
    return Replay(target, tuple(results))


def replay_observation(
    name: str, observation: Observation, check: RecordedCheck, kind: CheckKind, at: float | None
) -> Replay:
    """An observation as its kind judges it at `at`, or when it was made. Raises RecordingError."""
    target = _target(name, observation.target)
    spec = _spec(kind, name, check.name, _options(kind, name, check.options), check.expect_empty)
    now = observation.started + observation.duration if at is None else at
    return Replay(target, (_judged(kind, target, spec, observation, now),))


def _judged(kind: CheckKind, target: Target, spec: CheckSpec, observation: Observation, now: float) -> CheckResult:
    subject = Subject(target.name, target.council, target.site, spec, (target,))
    if observation.answers is None:
        assert observation.fault is not None  # collects and the wire see to it
        assessment = fold.without_answers(kind.kind, observation.fault, None, now)
    else:
        try:
            assessment = kind.assess(subject, (observation,), None, now)
        except Exception as error:  # a recording may hold what no device answers, and plug-ins raise anything
            raise RecordingError(
                f"{target.name}: the kind {kind.kind} cannot judge this ({type(error).__name__}): the recording was "
                "altered, or the kind has a defect"
            ) from error
        assessment = fold.with_answers(kind.kind, assessment, observation.fault, None, now)
    reached = fold.reached(observation, None)
    return CheckResult(
        subject, observation.vantage, now, observation.started, observation.duration, (observation,), assessment,
        reached, observation.fault, _SECONDS,
    )  # fmt: skip


def _options(kind: CheckKind, name: str, options: Mapping[str, object]) -> BaseModel:
    try:
        return kind.options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"][:6]) or "options"
        raise RecordingError(
            f"{name}: options of the kind {kind.kind}: {where}: {first['msg'].removeprefix('Value error, ')[:300]}"
        ) from None


def _spec(kind: CheckKind, target: str, name: str, options: BaseModel, expect_empty: tuple[str, ...]) -> CheckSpec:
    defaults = kind.defaults
    return CheckSpec(
        f"{target}/{name}", target, name, kind.kind, options, Every(defaults.every), defaults.timeout,
        defaults.open_after, defaults.clear_after, defaults.hold_down, defaults.reopen_window, defaults.wake,
        defaults.evidence, (_VANTAGE,), frozenset(expect_empty),
    )  # fmt: skip


def _target(name: str, address: str = "recording") -> Target:
    nobody = Credential("recording", "snmp-v2c", {})
    return Target(name, address, "", "", (_VANTAGE,), (), credentials={"snmp": nobody})


def now() -> float:
    """The time at which a recording that does not say its own is judged."""
    return time.time()
