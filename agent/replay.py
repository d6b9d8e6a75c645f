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
from agent.captured import not_captured
from agent.once import report
from agent.records import CheckResult
from checks.contract import CheckKind, Context, Credential, Observation, Subject, Target
from checks.firewall.answers import FirewallAnswers
from checks.firewall.asking import recognise
from checks.firewall.further import part_of
from checks.firewall.options import AUTO, FirewallOptions, recognisable
from checks.firewall.options import KIND as FIREWALL
from checks.firewall.pair.options import KIND as PAIR
from checks.network.answers import SnmpAnswers, keep
from checks.network.documents import Document, NotUnderstood
from checks.network.snmp import SnmpOptions
from checks.recordings.capture import KINDS, alone
from checks.recordings.playback import Playback, Playbacks
from checks.recordings.recording import RecordedCheck, Recording, RecordingError
from checks.telephony.mitel import MitelOptions
from checks.telephony.mitel.options import KIND as MITEL
from checks.telephony.mitel.options import profiles_of as of_telephony
from checks.telephony.mitel.product import IDENTITY, LEVEL, profile_for
from checks.transports import Transports
from config.estate import CheckSpec, Every
from config.profiles import ProfileError, ProfileModel, load, search_path

_SECONDS = 60.0
_VANTAGE = "recording"
_GENERIC = "generic"
SYSTEM = "1.3.6.1.2.1.1."
"""Where a device says what it is."""
IDENTIFYING = (SYSTEM, LEVEL)
"""What a recording is recognised by."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One assessed recording: the target that stands for it, and a result for each check."""

    target: Target
    results: tuple[CheckResult, ...]

    def report(self) -> dict[str, Any]:
        """The object that `ridgeway check --json` prints; a recording is of no council and no site."""
        return report(self.target, self.results) | {"council": None, "site": None}


async def replay_snmp(
    name: str, recording: Recording, checks: Sequence[RecordedCheck], kinds: Mapping[str, CheckKind], at: float
) -> Replay:
    """The recording as checks of kinds that ask over SNMP judge it, as if it had been read at `at` (Unix seconds).

    Raises RecordingError for options that do not fit.
    """
    opened = Transports.open()
    try:
        transports = replace(opened, snmp=Playback(recording))
        results = []
        target = _target(name)
        for check in checks:
            kind = _kind(name, check, kinds)
            spec = alone(_spec(kind, name, check.name, _options(kind, name, check.options), check.expect_empty))
            context = Context(_VANTAGE, transports, lambda: at)
            context.deadline = asyncio.get_running_loop().time() + _SECONDS
            observation = await kind.collect(target, spec.options, context)
            results.append(_judged(kind, target, spec, replace(observation, started=at, duration=0.0), at))
    finally:
        await opened.close()
    return Replay(target, tuple(results))


async def replay_pair(
    recordings: Mapping[str, Recording], profile: str, kinds: Mapping[str, CheckKind], at: float
) -> Replay:
    """Recordings of the members of one firewall, by their names, as the kind `firewall_pair` judges them together.

    The target is called after the first. Raises RecordingError for options that do not fit.
    """
    name, kind = next(iter(recordings)), kinds[PAIR]
    spec = _spec(kind, name, PAIR, _options(kind, name, {"members": list(recordings), "profile": profile}), ())
    members = tuple(_target(member, f"recording {number}") for number, member in enumerate(recordings))
    playbacks = Playbacks(dict(zip((one.address for one in members), recordings.values(), strict=True)))
    opened = Transports.open()
    try:
        context = Context(_VANTAGE, replace(opened, snmp=playbacks), lambda: at, inputs=members)
        context.deadline = asyncio.get_running_loop().time() + _SECONDS
        target = _target(name)
        observation = await kind.collect(target, spec.options, context)
    finally:
        await opened.close()
    return Replay(target, (_judged(kind, target, spec, replace(observation, started=at, duration=0.0), at),))


def check_for(recording: Recording, profile: str | None) -> RecordedCheck:
    """The check to judge a foreign recording by: of the named profile, else of the product it is recognised as.

    What no profile of a firewall or of telephony is known for is read with `generic`. Raises RecordingError for a
    profile that is not there, or cannot be used.
    """
    said = _said(recording)
    named = profile or recognise(said) or profile_for(said.values) or _GENERIC
    try:
        firewall = load(named, search_path()).firewall is not None
    except ProfileError as error:
        raise RecordingError(str(error)) from None
    kind = FIREWALL if firewall else MITEL if named in of_telephony() else "snmp"
    return RecordedCheck(named, {"profile": named}, kind=kind)


def one_member(check: CheckSpec, member: str) -> CheckSpec:
    """The check that asks one member of a pair what the pair's check asks it."""
    said = check.options.model_dump(exclude_defaults=True, include=set(FirewallOptions.model_fields))
    return replace(
        check, id=f"{member}/{FIREWALL}", target=member, name=FIREWALL, kind=FIREWALL, inputs=(),
        options=FirewallOptions.model_validate(said),
    )  # fmt: skip


def profile_of_pair(recordings: Sequence[Recording]) -> str:
    """The profile by which all of them were recorded as firewalls; `auto` where they do not say one."""
    said = [
        {str(one.options.get("profile", AUTO)) for one in each.checks if one.kind == FIREWALL} for each in recordings
    ]
    first = said[0] if said else set()
    return next(iter(first)) if len(first) == 1 and all(one == first for one in said) else AUTO


def wanted(name: str, checks: Sequence[RecordedCheck], kinds: Mapping[str, CheckKind]) -> tuple[str, ...]:
    """With what the OIDs begin that the checks can ask for: the rest of a recording need not be held."""
    roots = {SYSTEM}
    for check in checks:
        options = _options(_kind(name, check, kinds), name, check.options)
        if isinstance(options, SnmpOptions):
            plans = [options.plan]
        elif isinstance(options, FirewallOptions):
            products = recognisable() if options.profile == AUTO else (options.profile,)
            plans = [options.reader_of(product).plan for product in products]
        elif isinstance(options, MitelOptions):
            roots |= set(IDENTITY)
            plans = [options.plan_of(profile) for profile in options.profiles]
        else:
            return ()
        for plan in plans:
            roots |= {*plan.oids, *(f"{oid}." for table in plan.tables for oid in table.oids)}
    return tuple(sorted(roots))


def _said(recording: Recording) -> SnmpAnswers:
    answers = SnmpAnswers()
    for oid in IDENTITY:
        recorded = recording.values.get(oid)
        if recorded is not None and recorded.value is not None:
            keep({oid: recorded.value}, answers.values, answers.errors)
    return answers


def _kind(name: str, check: RecordedCheck, kinds: Mapping[str, CheckKind]) -> CheckKind:
    if check.kind not in KINDS or check.kind not in kinds:
        raise RecordingError(f"{name}: its check is of kind {check.kind[:40]!r}, which does not ask over SNMP")
    return kinds[check.kind]


def replay_observation(
    name: str, observation: Observation, check: RecordedCheck, kind: CheckKind, at: float | None
) -> Replay:
    """An observation as its kind judges it at `at`, or when it was made. Raises RecordingError."""
    target = _target(name, observation.target)
    spec = _spec(kind, name, check.name, _options(kind, name, check.options), check.expect_empty)
    now = observation.started + observation.duration if at is None else at
    return Replay(target, (_judged(kind, target, spec, observation, now),))


def replay_answers(
    name: str,
    profile: ProfileModel,
    documents: Mapping[str, Document | NotUnderstood],
    kinds: Mapping[str, CheckKind],
    at: float,
) -> Replay:
    """Answers to questions of a profile, as the kind `firewall` judges them. What is not there is not judged.

    Raises RecordingError.
    """
    kind = kinds["firewall"]
    options = _options(kind, name, {"profile": profile.profile})
    assert isinstance(options, FirewallOptions)  # the kind's
    part = part_of(options.reader, {question: (at, one) for question, one in documents.items()})
    target = _target(name)
    answers = FirewallAnswers(profile.profile, by_snmp=False, others={profile.way: part})
    observation = Observation(target.name, _VANTAGE, at, 0.0, answers, None)
    result = _judged(kind, target, _spec(kind, name, profile.profile, options, ()), observation, at)
    idle = not_captured(profile, documents)
    findings = tuple(one for one in result.assessment.findings if one.key not in idle)
    return Replay(target, (replace(result, assessment=replace(result.assessment, findings=findings)),))


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
