"""Does a port accept connections; or, as a test of what a firewall is meant to do, does it refuse them."""

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
from checks.printable import printable
from checks.transports.fault import TransportFault
from checks.transports.tcp import Outcome
from config.estate import MofN, WakeClass

_CONNECT = Family(
    "ridgeway_tcp_connect_seconds",
    "Time until the port accepted the connection in the last run; absent when it did not.",
    unit="seconds",
    labels=("port",),
)
_SHOWN = 80
_ANSWERED = (Outcome.OPEN, Outcome.REFUSED)


class TcpOptions(BaseModel):
    """What a `tcp` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(ge=1, le=65535, description="The port to connect to.")
    ip_version: Literal[4, 6] | None = Field(None, description="Probe over this version of IP only.")
    expect_banner: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Text that the peer must say by itself in its first 1,024 octets.",
    )
    warning_seconds: float | None = Field(None, gt=0, description="A connection that takes this long is a warning.")
    critical_seconds: float | None = Field(None, gt=0, description="A connection that takes this long is critical.")
    expect_closed: bool = Field(
        False, description="The port must NOT accept connections: a test of a firewall's intent."
    )
    control_port: int | None = Field(
        None, ge=1, le=65535,
        description="With expect_closed: a port of the same target that must accept, so that silence proves a filter.",
    )  # fmt: skip
    accept_silence: bool = Field(
        False, description="With expect_closed: count silence as closed although nothing proves that the target lives."
    )

    @model_validator(mode="after")
    def _fitting(self) -> TcpOptions:
        if not self.expect_closed and (self.control_port is not None or self.accept_silence):
            raise ValueError("control_port and accept_silence only make sense with expect_closed: true")
        if self.expect_closed and (self.expect_banner or self.warning_seconds or self.critical_seconds):
            raise ValueError("a port that must be closed can have neither a banner nor a connect time")
        if self.control_port == self.port:
            raise ValueError("control_port must be another port than port")
        if self.warning_seconds and self.critical_seconds and self.critical_seconds < self.warning_seconds:
            raise ValueError("critical_seconds must not be below warning_seconds")
        return self


@dataclass(frozen=True, slots=True)
class TcpAnswers:
    """How the attempt ended, and the control attempt where one was asked for. Times in seconds."""

    address: str
    outcome: Outcome
    seconds: float
    banner: str | None = None
    """What the peer said, printable; None when nobody listened for it."""
    control: Outcome | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target answered in any way; silence at a port that must be closed tells nothing."""
        return True if self.outcome in _ANSWERED or self.control in _ANSWERED else None


async def collect(target: Target, options: TcpOptions, ctx: Context) -> Observation:
    """Connect once, and to the control port beside it. Silence of a port that should be open is a fault."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers: TcpAnswers | None = None
    fault: Fault | None = None
    try:
        asked = await _ask(target.address, options, ctx, give_up_at(ctx.deadline, begun))
        if asked.outcome in _ANSWERED or options.expect_closed:
            answers = asked
        else:
            fault = _unanswered(asked, options.port)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"tcp/{error.reason.value}")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _ask(host: str, options: TcpOptions, ctx: Context, deadline: float) -> TcpAnswers:
    transport, family = ctx.transports.tcp, FAMILIES[options.ip_version]
    if options.control_port is not None:
        made, control = await asyncio.gather(
            transport.connect(host, options.port, deadline=deadline, family=family),
            transport.connect(host, options.control_port, deadline=deadline, family=family),
        )
        return TcpAnswers(made.address, made.outcome, made.seconds, control=control.outcome)
    wanted = options.expect_banner.encode() if options.expect_banner is not None else None
    made = await transport.connect(host, options.port, deadline=deadline, family=family, banner=wanted)
    said = None if wanted is None else printable(made.banner.decode("utf-8", "replace"))
    return TcpAnswers(made.address, made.outcome, made.seconds, said)


def _unanswered(asked: TcpAnswers, port: int) -> Fault:
    where, key = f"{asked.address} port {port}", f"tcp/{port}"
    if asked.outcome is Outcome.SILENT:
        return Fault(Reason.NO_ANSWER, f"{where}: no answer to the connection request", key, State.CRITICAL)
    return Fault(Reason.UNREACHABLE, f"{where}: the network says that there is no way to it", key, State.CRITICAL)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """The port's one finding; it cannot go away without having been judged."""
    del memory, now
    answers = observations[0].answers
    options = subject.check.options
    assert isinstance(answers, TcpAnswers) and isinstance(options, TcpOptions)  # for mypy
    key = f"tcp/{options.port}"
    state, summary = (_closed if options.expect_closed else _open)(options, answers)
    readings: tuple[Reading, ...] = ()
    if answers.outcome is Outcome.OPEN:
        readings = (Reading(_CONNECT, answers.seconds, (str(options.port),)),)
    return Assessment((Finding(key, state, summary),), readings, frozenset((key,)))


def _open(options: TcpOptions, answers: TcpAnswers) -> tuple[State, str]:
    where = f"port {options.port}"
    if answers.outcome is not Outcome.OPEN:
        return State.CRITICAL, f"{where}: connection refused by {answers.address}; the service is not listening there"
    wanted, said = options.expect_banner, answers.banner
    if wanted is not None and (said is None or printable(wanted) not in said):
        heard = f"said {said[:_SHOWN]!r}" if said else "said nothing"
        return State.CRITICAL, f"{where}: accepts connections but {heard} where {wanted[:_SHOWN]!r} is expected"
    took = f"{answers.seconds * 1000:.1f} ms"
    if options.critical_seconds is not None and answers.seconds >= options.critical_seconds:
        return State.CRITICAL, f"{where}: connecting took {took}, {options.critical_seconds * 1000:g} ms is critical"
    if options.warning_seconds is not None and answers.seconds >= options.warning_seconds:
        return State.WARNING, f"{where}: connecting took {took}, {options.warning_seconds * 1000:g} ms is too much"
    return State.OK, f"{where}: accepts connections ({took})"


def _closed(options: TcpOptions, answers: TcpAnswers) -> tuple[State, str]:
    where = f"port {options.port}"
    if answers.outcome is Outcome.OPEN:
        return State.CRITICAL, f"{where}: accepts connections but must be closed; look at the firewall's rules"
    if answers.outcome is Outcome.REFUSED:
        return State.OK, f"{where}: closed, as it must be (connection refused)"
    if answers.control is Outcome.OPEN:
        return State.OK, f"{where}: closed, as it must be (dropped; port {options.control_port} accepts)"
    if options.accept_silence:
        return State.OK, f"{where}: no connection, as it must be (silence counts as closed here)"
    if options.control_port is not None:
        return State.UNKNOWN, f"{where}: no answer, and control port {options.control_port} does not accept either"
    return State.UNKNOWN, f"{where}: no answer may be a filter or a dead target; give control_port or accept_silence"


def families() -> tuple[Family, ...]:
    return (_CONNECT,)


CHECK = CheckKind(
    kind="tcp",
    title="A port accepts connections, or refuses them as a firewall is meant to",
    options=TcpOptions,
    answers=TcpAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=5.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "tcp/<port>": "The port does not do what it must: look at the service behind it, then at the firewall between.",
        "tcp/local": "The agent's machine cannot connect at all: look at its firewall and its limits.",
        "tcp/name": "The target's name has no address here: check DNS, then the address in the estate.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
