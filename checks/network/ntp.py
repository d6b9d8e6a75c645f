"""The clock of a device that serves time, measured by the agent's own, and what the device says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    Finding,
    KindDefaults,
    Memory,
    Observation,
    Reading,
    Reason,
    State,
    Subject,
    Target,
)
from checks.network.limits import FAMILIES, give_up_at
from checks.transports.fault import TransportFault
from checks.transports.ntp import KissOfDeath, Sample
from config.estate import MofN, WakeClass

_OFFSET = Family(
    "ridgeway_ntp_offset_seconds", "Clock of the target minus clock of the agent, in the last run.", unit="seconds"
)
_DELAY = Family(
    "ridgeway_ntp_delay_seconds",
    "Time on the way there and back of the exchange that counted; the offset is true within half of it.",
    unit="seconds",
)
_STRATUM = Family("ridgeway_ntp_stratum", "Steps between the target and its reference clock; 16 is not synchronised.")
_ROOT_DELAY = Family(
    "ridgeway_ntp_root_delay_seconds", "Time to the reference clock and back, as the target says.", unit="seconds"
)
_ROOT_DISPERSION = Family(
    "ridgeway_ntp_root_dispersion_seconds", "Greatest error against the reference clock, as the target says.",
    unit="seconds",
)  # fmt: skip
_LEAP = Family(
    "ridgeway_ntp_leap", "Leap indicator: 0 none, 1 a second will be added, 2 taken away, 3 not synchronised."
)
_UNSYNCHRONISED = 3
_NO_STRATUM = 16
_GOOD_ENOUGH = 20
"""An exchange whose error is this many times smaller than the warning needs no second one."""


class NtpOptions(BaseModel):
    """What an `ntp` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(123, ge=1, le=65535, description="The UDP port to ask.")
    ip_version: Literal[4, 6] | None = Field(None, description="Ask over this version of IP only.")
    warning_offset_seconds: float = Field(
        1.0, ge=0.001, description="A clock that differs this much from the agent's is a warning."
    )
    critical_offset_seconds: float = Field(
        10.0, ge=0.001, description="A clock that differs this much from the agent's is critical."
    )
    max_stratum: int = Field(9, ge=1, le=15, description="A greater stratum is a warning.")
    max_root_distance_seconds: float = Field(
        1.5, gt=0, description="A server that may be this far from its reference clock is a warning."
    )
    samples: int = Field(3, ge=1, le=4, description="Exchanges at most; the one with the least delay counts.")
    spacing_seconds: float = Field(2.0, ge=0.2, le=10, description="Time between two exchanges.")

    @model_validator(mode="after")
    def _fitting(self) -> NtpOptions:
        if self.critical_offset_seconds < self.warning_offset_seconds:
            raise ValueError("critical_offset_seconds must not be below warning_offset_seconds")
        return self


@dataclass(frozen=True, slots=True)
class NtpAnswers:
    """The best exchange of `samples`, and what the server says of itself. Seconds."""

    address: str
    samples: int
    offset: float
    """The target's clock minus the agent's; true within half of `delay`."""
    delay: float
    leap: int
    version: int
    stratum: int
    root_delay: float
    root_dispersion: float
    reference: str

    @property
    def error(self) -> float:
        """How far the measured offset may be from the true one."""
        return self.delay / 2

    @property
    def synchronised(self) -> bool:
        return self.leap != _UNSYNCHRONISED and self.stratum < _NO_STRATUM

    @property
    def root_distance(self) -> float:
        """How far the server may be from its reference clock (RFC 5905, section 11.2.1, without what is between)."""
        return self.root_delay / 2 + self.root_dispersion


async def collect(target: Target, options: NtpOptions, ctx: Context) -> Observation:
    """Ask until one exchange is exact enough, at most `samples` times. What came counts, whatever failed beside it."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    taken: list[Sample] = []
    failed: TransportFault | None = None
    for number in range(options.samples):
        if number:
            if loop.time() + options.spacing_seconds >= deadline:
                break
            await asyncio.sleep(options.spacing_seconds)
        try:
            sample = await ctx.transports.ntp.ask(
                target.address, options.port, deadline=deadline, family=FAMILIES[options.ip_version]
            )
        except TransportFault as error:
            failed = error
            if error.reason is not Reason.NO_ANSWER:
                break
            continue
        taken.append(sample)
        if sample.delay / 2 * _GOOD_ENOUGH <= options.warning_offset_seconds:
            break
    answers = _answers(taken) if taken else None
    # A datagram may be lost; that is no news when the next was answered.
    lost = failed is not None and failed.reason is Reason.NO_ANSWER and answers is not None
    fault = None if failed is None or lost else _fault(failed)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def _answers(taken: Sequence[Sample]) -> NtpAnswers:
    best = min(taken, key=lambda sample: sample.delay)
    said = best.answer
    return NtpAnswers(
        address=best.address,
        samples=len(taken),
        offset=best.offset,
        delay=best.delay,
        leap=said.leap,
        version=said.version,
        stratum=said.stratum,
        root_delay=said.root_delay,
        root_dispersion=said.root_dispersion,
        reference=said.reference,
    )


def _fault(error: TransportFault) -> Fault:
    if isinstance(error, KissOfDeath):
        return Fault(error.reason, error.message, "ntp/kiss")
    silent = error.reason in (Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.REFUSED)
    return Fault(error.reason, error.message, f"ntp/{error.reason.value}", State.CRITICAL if silent else State.UNKNOWN)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """Whether the target is synchronised, and, apart from that, how far its clock is from the agent's."""
    del memory, now
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, NtpAnswers) and isinstance(options, NtpOptions)  # for mypy
    findings = [
        Finding("ntp/offset", *_offset(answers, options), _evidence(answers)),
        Finding("ntp/synchronised", *_synchronised(answers)),
    ]
    if answers.synchronised:  # else it claims no distance to anything, and what was found of it stays
        findings.append(Finding("ntp/distance", *_distance(answers, options)))
    readings = (
        Reading(_OFFSET, answers.offset),
        Reading(_DELAY, answers.delay),
        Reading(_STRATUM, answers.stratum),
        Reading(_ROOT_DELAY, answers.root_delay),
        Reading(_ROOT_DISPERSION, answers.root_dispersion),
        Reading(_LEAP, answers.leap),
    )
    kiss = frozenset() if observations[0].fault is not None else frozenset({"ntp/kiss"})
    return Assessment(tuple(findings), readings, frozenset(finding.key for finding in findings) | kiss, kiss)


def _offset(answers: NtpAnswers, options: NtpOptions) -> tuple[State, str]:
    """What is measured counts, unless the way was so slow that the truth may be on the other side of the limit."""
    apart, error = abs(answers.offset), answers.error
    if apart <= error and apart < options.warning_offset_seconds:
        measured = f"{_signed(answers.offset)} ± {_plain(error)}"
        said = f"no difference to the agent's clock that could be told (measured {measured})"
    else:
        way = "ahead of" if answers.offset > 0 else "behind"
        said = f"the clock is {_plain(apart)} ± {_plain(error)} {way} the agent's"
    if error >= options.warning_offset_seconds and apart - error < options.warning_offset_seconds:
        return State.UNKNOWN, f"{said}: the way there is too slow to judge by {_plain(options.warning_offset_seconds)}"
    if apart >= options.critical_offset_seconds:
        return State.CRITICAL, f"{said}; {_plain(options.critical_offset_seconds)} is critical"
    if apart >= options.warning_offset_seconds:
        return State.WARNING, f"{said}; {_plain(options.warning_offset_seconds)} is too much"
    return State.OK, said


def _synchronised(answers: NtpAnswers) -> tuple[State, str]:
    if not answers.synchronised:
        return State.CRITICAL, (
            "it says that it is not synchronised itself, so no client takes its time; look at its own time servers"
        )
    return State.OK, f"it is synchronised, at stratum {answers.stratum}"


def _distance(answers: NtpAnswers, options: NtpOptions) -> tuple[State, str]:
    if answers.root_distance >= options.max_root_distance_seconds:
        return State.WARNING, (
            f"it may be {_plain(answers.root_distance)} from its reference clock, "
            f"{_plain(options.max_root_distance_seconds)} is too much; has it lost its own time servers?"
        )
    if answers.stratum > options.max_stratum:
        return State.WARNING, (
            f"it is at stratum {answers.stratum}, more than {options.max_stratum}: a clock that runs by itself, or "
            "too many servers between"
        )
    return (
        State.OK,
        f"it is within {_plain(answers.root_distance)} of its reference clock, at stratum {answers.stratum}",
    )


def _evidence(answers: NtpAnswers) -> dict[str, str]:
    return {
        "address": answers.address,
        "reference": answers.reference,
        "samples": str(answers.samples),
        "version": str(answers.version),
    }


def _signed(seconds: float) -> str:
    return ("+" if seconds >= 0 else "-") + _plain(abs(seconds))


def _plain(seconds: float) -> str:
    """A span as a person would say it."""
    if seconds >= 172_800:
        return f"{seconds / 86_400:.0f} days"
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} hours"
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
    if seconds >= 0.001 or not seconds:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def families() -> tuple[Family, ...]:
    return (_OFFSET, _DELAY, _STRATUM, _ROOT_DELAY, _ROOT_DISPERSION, _LEAP)


CHECK = CheckKind(
    kind="ntp",
    title="A time server's clock, and whether it is synchronised itself",
    options=NtpOptions,
    answers=NtpAnswers,
    defaults=KindDefaults(
        every=300.0, timeout=10.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "ntp/offset": "The clock differs from the agent's: find out which is wrong, then mend its time source.",
        "ntp/synchronised": "The server has no time of its own to give: look at its upstream servers and its firewall.",
        "ntp/distance": "The server is far from any reference clock, or runs by itself: look at its upstream servers.",
        "ntp/kiss": "The server does not want to be asked by this machine: permit it, or ask less often.",
        "ntp/no-answer": "Nobody answers: look at the time service, then at the firewall between.",
        "ntp/refused": "The machine lives but serves no time: start the service, or take the check out.",
        "ntp/protocol": "The answer cannot be believed: look at the server's own sources, and at who answers there.",
        "ntp/local": "The agent's machine cannot ask at all: look at its firewall and its limits.",
        "ntp/name": "The target's name has no address here: check DNS, then the address in the estate.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
