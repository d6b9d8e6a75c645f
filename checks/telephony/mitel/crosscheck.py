"""OPTIONS beside SNMP: does the system that speaks of itself answer SIP, and do the two agree. The asking is that of
the kind `sip_options`; the judgement is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.contract import Context, Fault, Finding, Reason, State, Target
from checks.printable import printable
from checks.telephony import sip_options
from checks.telephony.sip_options import Endpoint, SipAnswers, SipOptions
from checks.telephony.statuses import sign, state
from checks.transports.sip import Carrier
from config.estate import CheckSpec

KEY = "mitel/disagreement"
_OURS = frozenset({Reason.NAME, Reason.LOCAL, Reason.LIMIT})
"""Faults that are no word of the system's."""


class CrossCheck(BaseModel):
    """Where the system is asked OPTIONS in the same round."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Carrier = Carrier.UDP
    port: int | None = Field(default=None, ge=1, le=65535)
    """5060, and 5061 for tls, unless said."""
    user: str | None = None
    domain: str | None = None
    address: str | None = Field(default=None, min_length=1, max_length=253)
    """Where it answers SIP, if that is not the target's address."""
    ca: str | None = None
    """File of authorities for tls, in place of the machine's own."""
    server_name: str | None = None
    """The name that its certificate must be for."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        _ = self.asking
        return self

    @property
    def asking(self) -> SipOptions:
        """What the kind `sip_options` is told to ask."""
        return SipOptions.model_validate(self.model_dump(exclude={"address"}))


@dataclass(frozen=True, slots=True)
class SipHeard:
    """What came of OPTIONS: endpoints with their answers, or the fault of asking."""

    endpoints: tuple[Endpoint, ...] = ()
    known: frozenset[str] = frozenset()
    """Endpoints that had answered before."""
    fault: Fault | None = None


class Voice(StrEnum):
    """How the system is by SIP."""

    UP = "answers SIP"
    UNWELL = "answers SIP, but not as one that is well"
    DEAD = "does not answer SIP"
    STRANGER = "has never answered SIP"
    """Which a filter against strangers does too."""
    UNASKED = "could not be asked by SIP"


async def heard(target: Target, options: CrossCheck, ctx: Context) -> SipHeard:
    """Ask every address by OPTIONS, as the kind `sip_options` does."""
    at = target if options.address is None else replace(target, address=options.address)
    observation = await sip_options.collect(at, options.asking, ctx)
    answers = observation.answers
    if isinstance(answers, SipAnswers):
        return SipHeard(answers.endpoints, answers.known)
    return SipHeard(fault=observation.fault)


def voice(said: SipHeard, answered_before: bool) -> Voice:
    """The worst of its endpoints that tells; `answered_before`: whether it ever answered as far as is remembered."""
    if said.fault is not None:
        return _silence(said.fault, answered_before=True)
    voices = [_voice(one, answered_before or one.name in said.known) for one in said.endpoints]
    order = (Voice.DEAD, Voice.UNWELL, Voice.STRANGER, Voice.UNASKED, Voice.UP)
    return next((one for one in order if one in voices), Voice.UNASKED)


def _voice(one: Endpoint, answered_before: bool) -> Voice:
    if one.status is not None:
        return Voice.UP if state(sign(one.status, one.retry_after)) is State.OK else Voice.UNWELL
    assert one.fault is not None  # it is one or the other
    return _silence(one.fault, answered_before)


def _silence(fault: Fault, answered_before: bool) -> Voice:
    if fault.reason in _OURS:
        return Voice.UNASKED
    if fault.reason is Reason.PROTOCOL:
        return Voice.UNWELL  # somebody is there: a certificate that is not trusted, an answer that is none
    if fault.reason is Reason.NO_ANSWER and not answered_before:
        return Voice.STRANGER
    return Voice.DEAD


def answers(said: SipHeard | None) -> bool:
    """Whether SIP was answered at all, which shows that the system is there."""
    return said is not None and any(one.status is not None for one in said.endpoints)


def in_words(said: SipHeard) -> str:
    """What was heard, for people: `200 OK`, or why nothing was."""
    if said.fault is not None:
        return printable(said.fault.message)[:120]
    told = (
        f"{one.status} {one.reason}".strip() if one.fault is None else printable(one.fault.message)
        for one in said.endpoints[:3]
    )
    return ", ".join(told)[:120]


def told_elsewhere(options: CrossCheck, target: Target, checks: Iterable[CheckSpec]) -> str:
    """The name of the target's own check of the same endpoint, which has the incident of whatever SIP is."""
    return sip_options.told_by(options.asking, checks) if options.address in (None, target.address) else ""


def judged(said: SipHeard, how: Voice, findings: Mapping[str, Finding], level: str, elsewhere: str) -> Finding:
    """Do they agree; `findings` are those of the alarms, `level` the key of the overall level.

    Only what the alarms do not tell is bad here: an alarm has its own incident, and so has SIP that a check of its
    own asks (`elsewhere`).
    """
    overall = findings.get(level)
    words, evidence = in_words(said), {"sip": in_words(said)}
    if overall is not None:
        evidence["level"] = overall.summary[:100]
    if how is Voice.UP:
        return Finding(KEY, State.OK, _agreement(overall, words), evidence)
    if elsewhere:
        return Finding(KEY, State.OK, f"it {how.value} ({words}): the check {elsewhere} says so"[:300], evidence)
    if how in (Voice.STRANGER, Voice.UNASKED):
        why = "; a filter may drop strangers" if how is Voice.STRANGER else ""
        return Finding(KEY, State.UNKNOWN, f"it {how.value} ({words}){why}: nothing can be compared"[:300], evidence)
    if overall is not None and overall.state is State.CRITICAL:
        return Finding(KEY, State.OK, f"it {how.value} ({words}), and its level is as bad: {level}"[:300], evidence)
    if overall is None:
        text = f"it {how.value} ({words}), and its alarms cannot be read"
    elif overall.state is State.UNKNOWN:
        text = f"it {how.value} ({words}), and what its level means is not known: {overall.summary}"
    else:
        clear = "clear" if overall.state is State.OK else "no worse than minor"
        text = f"it calls its alarms {clear}, but {how.value} ({words}): see whether calls work"
    return Finding(KEY, _badness(said, how), text[:300], evidence)


def _badness(said: SipHeard, how: Voice) -> State:
    if how is Voice.DEAD:
        return State.CRITICAL
    states = [state(sign(one.status, one.retry_after)) for one in said.endpoints if one.status is not None]
    return State.CRITICAL if State.CRITICAL in states else State.WARNING


def _agreement(overall: Finding | None, words: str) -> str:
    if overall is None or not overall.state.bad:
        return f"it answers SIP ({words})"[:300]
    return f"it answers SIP ({words}), though not all is well by its alarms: calls may still work"[:300]
