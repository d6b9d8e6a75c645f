"""Does a target answer echo requests, how many of them, and how fast."""

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
    State,
    Subject,
    Target,
)
from checks.network.limits import FAMILIES, give_up_at
from checks.transports.fault import TransportFault
from config.estate import MofN, WakeClass

LOSS = "icmp/loss"
ROUND_TRIP = "icmp/round-trip"
_KEYS = frozenset({LOSS, ROUND_TRIP})

_ROUND_TRIP = Family(
    "ridgeway_icmp_round_trip_seconds", "Mean round trip of the answered echo requests of the last run.", unit="seconds"
)
_SLOWEST = Family(
    "ridgeway_icmp_round_trip_slowest_seconds",
    "Longest round trip of the last run; only where a run sends more than one request.",
    unit="seconds",
)
_LOSS = Family(
    "ridgeway_icmp_loss_ratio", "Share of the echo requests of the last run that were not answered.", unit="ratio"
)
_HOPS = Family("ridgeway_icmp_reply_hop_limit", "Hop limit (IPv4: time to live) left in the last reply.")


class IcmpOptions(BaseModel):
    """What an `icmp` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    packets: int = Field(1, ge=1, le=10, description="Echo requests per run.")
    spacing_seconds: float = Field(0.2, ge=0.05, le=2.0, description="Time between two requests of a run.")
    payload_bytes: int = Field(56, ge=16, le=1472, description="Octets of payload in each request.")
    ip_version: Literal[4, 6] | None = Field(None, description="Probe over this version of IP only.")
    loss_warning: float = Field(0.2, gt=0, le=1, description="Share of lost requests from which loss is a warning.")
    loss_critical: float = Field(0.6, gt=0, le=1, description="Share of lost requests from which loss is critical.")
    round_trip_warning_seconds: float | None = Field(None, gt=0, description="Mean round trip that is a warning.")
    round_trip_critical_seconds: float | None = Field(None, gt=0, description="Mean round trip that is critical.")

    @model_validator(mode="after")
    def _ordered(self) -> IcmpOptions:
        if self.loss_critical < self.loss_warning:
            raise ValueError("loss_critical must not be below loss_warning")
        warning, critical = self.round_trip_warning_seconds, self.round_trip_critical_seconds
        if warning is not None and critical is not None and critical < warning:
            raise ValueError("round_trip_critical_seconds must not be below round_trip_warning_seconds")
        return self


@dataclass(frozen=True, slots=True)
class IcmpAnswers:
    """Replies to `sent` echo requests, at least one; times in seconds."""

    address: str
    sent: int
    round_trips: tuple[float, ...]
    hop_limit: int | None


async def collect(target: Target, options: IcmpOptions, ctx: Context) -> Observation:
    """Ping the target; no reply at all is a fault and so folds into `target/unreachable`."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers: IcmpAnswers | None = None
    fault: Fault | None = None
    try:
        echoes = await ctx.transports.icmp.ping(
            target.address,
            deadline=give_up_at(ctx.deadline, begun),
            count=options.packets,
            spacing=options.spacing_seconds,
            payload=options.payload_bytes,
            family=FAMILIES[options.ip_version],
        )
        answers = IcmpAnswers(echoes.address, echoes.sent, echoes.round_trips, echoes.hop_limit)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"icmp/{error.reason.value}")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """Loss and round trip of the one observation there is."""
    del memory, now
    answers = observations[0].answers
    options = subject.check.options
    assert isinstance(answers, IcmpAnswers) and isinstance(options, IcmpOptions)  # for mypy
    received = len(answers.round_trips)
    mean = sum(answers.round_trips) / received
    loss = (answers.sent - received) / answers.sent
    findings = [_loss(answers, options, loss, mean)]
    if options.round_trip_warning_seconds is not None or options.round_trip_critical_seconds is not None:
        findings.append(_round_trip(options, mean))
    readings = [Reading(_ROUND_TRIP, mean), Reading(_LOSS, loss)]
    if answers.sent > 1:
        readings.append(Reading(_SLOWEST, max(answers.round_trips)))
    if answers.hop_limit is not None:
        readings.append(Reading(_HOPS, answers.hop_limit))
    return Assessment(tuple(findings), tuple(readings), _KEYS, _KEYS)


def _loss(answers: IcmpAnswers, options: IcmpOptions, loss: float, mean: float) -> Finding:
    received = len(answers.round_trips)
    if received == answers.sent:
        return Finding(LOSS, State.OK, f"{received} of {answers.sent} answered, {mean * 1000:.1f} ms on average")
    state = (
        State.CRITICAL if loss >= options.loss_critical else State.WARNING if loss >= options.loss_warning else State.OK
    )
    summary = f"{answers.sent - received} of {answers.sent} echo requests to {answers.address} were lost ({loss:.0%})"
    return Finding(LOSS, state, summary)


def _round_trip(options: IcmpOptions, mean: float) -> Finding:
    warning, critical = options.round_trip_warning_seconds, options.round_trip_critical_seconds
    if critical is not None and mean >= critical:
        return Finding(
            ROUND_TRIP, State.CRITICAL, f"round trip is {mean * 1000:.1f} ms, {critical * 1000:g} ms is critical"
        )
    if warning is not None and mean >= warning:
        return Finding(
            ROUND_TRIP, State.WARNING, f"round trip is {mean * 1000:.1f} ms, {warning * 1000:g} ms is too much"
        )
    return Finding(ROUND_TRIP, State.OK, f"round trip is {mean * 1000:.1f} ms")


def families() -> tuple[Family, ...]:
    return (_ROUND_TRIP, _SLOWEST, _LOSS, _HOPS)


CHECK = CheckKind(
    kind="icmp",
    title="Answers echo requests (ping)",
    options=IcmpOptions,
    answers=IcmpAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=3.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        LOSS: "Some echo requests were lost: look for a full or faulty link on the way, then at the target's own load.",
        ROUND_TRIP: "Answers take longer than agreed: look for a full link, a changed route or a busy target.",
        "icmp/local": "The agent's machine cannot ping, so nothing is known: allow ICMP as the finding says.",
        "icmp/name": "The target's name has no address here: check DNS, then the address in the estate.",
        "icmp/no-answer": "The target answers other checks but no ping: a firewall on the way or on it drops ICMP.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
