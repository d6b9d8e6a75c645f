"""Does a DNS server answer a question, with what it must, and as fast as it must.

The target is the server. As a test of filtering, the expected answer may be that the name does not exist.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    KindDefaults,
    Memory,
    Observation,
    Reason,
    State,
    Subject,
    Target,
)
from checks.network.dns_judgement import ANSWERS, EXPIRY, LOOKUP, SERIAL, assessed
from checks.network.dns_reply import DnsAnswers, DnsReply, canonical, chain, read
from checks.network.limits import FAMILIES, give_up_at
from checks.transports.dns import Question, Reply
from checks.transports.fault import TransportFault
from config.estate import MofN, WakeClass
from config.patterns import PatternText

_LABEL = re.compile(r"[A-Za-z0-9_*]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_SERVICE_IS_NOT_THERE = (Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.REFUSED)
Value = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class DnsOptions(BaseModel):
    """What a `dns` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(description="The name to ask for; for PTR records an address will do.")
    type: Literal["A", "AAAA", "MX", "TXT", "SRV", "PTR", "NS", "SOA", "CNAME", "CAA"] = Field(
        "A", description="The type of record to ask for."
    )
    port: int = Field(53, ge=1, le=65535, description="The server's port.")
    transport: Literal["udp", "tcp", "both"] = Field(
        "udp", description="Ask over UDP (again over TCP when the reply is too long), over TCP, or both."
    )
    ip_version: Literal[4, 6] | None = Field(None, description="Ask over this version of IP only.")
    recursion: bool = Field(True, description="Ask the server to find out for us what it does not know itself.")
    expect_rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL", "NOTAUTH"] = Field(
        "NOERROR", description="The code of the answer; NXDOMAIN as a test of a filter, REFUSED of an access list."
    )
    expect: tuple[Value, ...] | None = Field(
        None, max_length=100, description="Exactly these values; an empty list: the name has no such records."
    )
    expect_contains: tuple[Value, ...] = Field((), max_length=100, description="At least these values.")
    expect_pattern: PatternText | None = Field(None, description="A regular expression that every value must hold.")
    expect_count: int = Field(1, ge=1, le=100, description="At least so many records.")
    authoritative: bool = Field(False, description="The answer must be the server's own (flag AA).")
    min_ttl: int | None = Field(
        None, ge=0, le=604_800, description="Seconds for which the answer may be kept at least; needs authoritative."
    )
    serial: bool = Field(False, description="With SOA: the zone's serial must not go back.")
    same_serial_as: tuple[Annotated[str, StringConstraints(min_length=1, max_length=253)], ...] = Field(
        (), max_length=8, description="With serial: addresses of servers that must have the same serial."
    )
    serial_lag_seconds: int = Field(
        3_600, ge=0, le=604_800, description="How long the other servers may have another serial."
    )
    authenticated: bool = Field(False, description="The server must vouch for the answer by DNSSEC (flag AD).")
    signature_warning_days: float | None = Field(
        None, gt=0, le=365, description="Days that the signatures of the answer must still hold; fewer are a warning."
    )
    signature_critical_days: float | None = Field(None, gt=0, le=365, description="Fewer days are critical.")
    warning_seconds: float | None = Field(None, gt=0, description="An answer that takes this long is a warning.")
    critical_seconds: float | None = Field(None, gt=0, description="An answer that takes this long is critical.")

    @property
    def key(self) -> str:
        """The condition of the answer's finding."""
        return f"dns/{self.query}/{self.type}"

    @property
    def signed(self) -> bool:
        """Whether the signatures are asked for and judged."""
        return self.signature_warning_days is not None or self.signature_critical_days is not None

    @field_validator("query")
    @classmethod
    def _host(cls, value: str) -> str:
        try:
            return ipaddress.ip_address(value).reverse_pointer
        except ValueError:
            pass
        name = "." if value == "." else value.lower().removesuffix(".")
        if len(name) > 253 or (name != "." and not all(_LABEL.fullmatch(label) for label in name.split("."))):
            raise ValueError("must be a host name, as in www.example.org (with other letters as xn--…)")
        return name

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, data: Any) -> Any:
        """Expected values in the one form in which they are compared."""
        if not isinstance(data, dict):
            return data
        record = data.get("type", "A")
        changed = dict(data)
        for name in ("expect", "expect_contains"):
            values = data.get(name)
            if isinstance(values, (list, tuple)) and isinstance(record, str):
                changed[name] = tuple(_expected(record, name, value) for value in values)
        return changed

    @model_validator(mode="after")
    def _fitting(self) -> DnsOptions:
        told = self.model_fields_set
        content = {"expect", "expect_contains", "expect_pattern", "expect_count", "min_ttl", "serial"} & told
        if self.expect_rcode != "NOERROR" and (content or self.signed):
            raise ValueError(f"an answer {self.expect_rcode} holds no records to expect anything of")
        if self.expect is not None and {"expect_contains", "expect_pattern", "expect_count"} & told:
            raise ValueError("expect names every value already; use it alone")
        if self.serial and self.type != "SOA":
            raise ValueError("serial needs type: SOA")
        if (self.same_serial_as or "serial_lag_seconds" in told) and not self.serial:
            raise ValueError("same_serial_as and serial_lag_seconds need serial: true")
        if self.min_ttl is not None and not self.authoritative:
            raise ValueError("min_ttl needs authoritative: true, for in a cache the time counts down")
        for low, high in (
            (self.warning_seconds, self.critical_seconds),
            (self.signature_critical_days, self.signature_warning_days),
        ):
            if low is not None and high is not None and high < low:
                raise ValueError("critical must lie beyond warning")
        return self


def _expected(record: str, name: str, value: object) -> object:
    if not isinstance(value, str):
        return value  # refused by the field itself
    try:
        return canonical(record, value)
    except ValueError as error:
        raise ValueError(f"{name}: {value[:100]!r} {error}") from error


async def collect(target: Target, options: DnsOptions, ctx: Context) -> Observation:
    """Ask once (over UDP up to three times, for datagrams get lost). No reply at all is a fault."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    ways = ("udp", "tcp") if options.transport == "both" else (options.transport,)
    others = [_serial(address, options, ctx, deadline) for address in options.same_serial_as]
    asked = [_ask(target.address, options, ctx, way == "tcp", deadline) for way in ways]
    outcomes, serials = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*others))
    replies = {way: got for way, got in zip(ways, outcomes, strict=True) if isinstance(got, DnsReply)}
    faults = {way: got for way, got in zip(ways, outcomes, strict=True) if isinstance(got, TransportFault)}
    answers: DnsAnswers | None = None
    fault: Fault | None = None
    if replies:
        named = dict(zip(options.same_serial_as, serials, strict=True))
        answers = DnsAnswers(
            replies,
            {way: error.message for way, error in faults.items()},
            {address: got for address, got in named.items() if isinstance(got, int)},
            {address: got for address, got in named.items() if isinstance(got, str)},
        )
    else:
        fault = _unanswered(next(iter(faults.values())), options)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _ask(host: str, options: DnsOptions, ctx: Context, tcp: bool, deadline: float) -> DnsReply | TransportFault:
    question = Question(options.query, options.type, options.recursion, options.signed or options.authenticated)
    try:
        return read(await _whole(host, question, options, ctx, tcp, deadline))
    except TransportFault as error:
        return error


async def _whole(host: str, question: Question, options: DnsOptions, ctx: Context, tcp: bool, deadline: float) -> Reply:
    """A reply that is not cut: over TCP when it is too long for UDP."""
    family = FAMILIES[options.ip_version]
    transport = ctx.transports.dns
    reply = await transport.ask(host, options.port, question, deadline=deadline, tcp=tcp, family=family)
    if reply.truncated and not tcp:
        reply = await transport.ask(host, options.port, question, deadline=deadline, tcp=True, family=family)
    if reply.truncated:
        raise TransportFault(Reason.PROTOCOL, f"{host} port {options.port}: the reply is truncated even over TCP")
    return reply


async def _serial(host: str, options: DnsOptions, ctx: Context, deadline: float) -> int | str:
    """The zone's serial at another server, or why there is none."""
    reply = await _ask(host, options, ctx, False, deadline)
    if isinstance(reply, TransportFault):
        return reply.message
    found = chain(options.query, "SOA", reply.records).found
    serial = found[0].serial if found else None
    return serial if serial is not None else f"its answer ({reply.rcode}) holds none"


def _unanswered(error: TransportFault, options: DnsOptions) -> Fault:
    if error.reason in _SERVICE_IS_NOT_THERE:
        return Fault(error.reason, error.message, options.key, State.CRITICAL)
    return Fault(error.reason, error.message, f"dns/{error.reason.value}")


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """The answer's finding, and those of the serial and the signatures where they are asked for."""
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, DnsAnswers) and isinstance(options, DnsOptions)  # for mypy
    return assessed(options, answers, memory, now)


def families() -> tuple[Family, ...]:
    return (LOOKUP, ANSWERS, SERIAL, EXPIRY)


CHECK = CheckKind(
    kind="dns",
    title="A DNS server answers, and with what it must",
    options=DnsOptions,
    answers=DnsAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=5.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "dns/<query>/<type>": "The server does not answer, or not with what it must: the finding names the difference.",
        "dns/<query>/serial": "The zone's serial went back or differs between servers: look at the last change of it.",
        "dns/<query>/signature": "The zone's signatures end soon or are missing: look at what signs the zone.",
        "dns/protocol": "The server's replies are malformed or to another question: somebody lies, or it is broken.",
        "dns/limit": "Floods of replies that belong to no question: look for an attack on the server's network.",
        "dns/local": "The agent's machine cannot ask: look at its firewall and its limits.",
        "dns/name": "The target's name has no address here: give the server by its address.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
