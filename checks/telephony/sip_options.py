"""The kind `sip_options`: does everything behind a name answer OPTIONS (RFC 3261, section 11), and what does it say."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

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
from checks.network.limits import give_up_at
from checks.printable import printable
from checks.telephony.numbers import masked
from checks.telephony.silence import answered_before, heard, nobody, noted
from checks.telephony.statuses import Sign, sign, state
from checks.telephony.way import (
    OF_THE_ENDPOINT,
    Way,
    certificate_name,
    contact,
    endpoint_name,
    nameless_findings,
    places,
)
from checks.transports.fault import TransportFault
from checks.transports.sip import Answer, Carrier, Headers, Place, Request, SipSyntaxError, transact
from checks.transports.sip.fields import address as contact_of
from checks.transports.sip.fields import host_of, retry_after
from config.estate import CheckSpec, MofN, WakeClass

KIND = "sip_options"
_MOST_ENDPOINTS = 16
_DAY = 86_400.0
_CERTIFICATES = "sip_certificate/*"
_MAY_GO = frozenset({f"{KIND}/*", _CERTIFICATES})
UP = Family("ridgeway_sip_up", "Whether an endpoint answers SIP in a way that means it works.", labels=("endpoint",))
CODE = Family("ridgeway_sip_response_code", "Status of the last answer.", labels=("endpoint",))
ROUND_TRIP = Family(
    "ridgeway_sip_round_trip_seconds", "Time from the first sending to the answer.", unit="seconds",
    labels=("endpoint",),
)  # fmt: skip
SENT = Family("ridgeway_sip_requests_sent", "How often the last question had to be sent.", labels=("endpoint",))
CERTIFICATE = Family(
    "ridgeway_sip_certificate_expiry_timestamp_seconds", "When the certificate of an endpoint ends.", unit="seconds",
    labels=("endpoint",),
)  # fmt: skip


class SipOptions(Way):
    """What a `sip_options` check may be told."""

    user: str | None = Field(
        None, pattern=r"^[A-Za-z0-9\-_.!~*'()&=+$,;?/%]{1,64}$", description="The user part of the URI that is asked."
    )
    warning_seconds: float | None = Field(None, gt=0, description="An answer that takes this long is a warning.")
    certificate_warning_days: float = Field(30.0, ge=0, description="Days before its end a certificate is a warning.")
    certificate_critical_days: float = Field(7.0, ge=0, description="The same for critical.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.certificate_warning_days < self.certificate_critical_days:
            raise ValueError("certificate_critical_days must not be above certificate_warning_days")
        return self


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place, and what it answered, or why it did not."""

    name: str
    """As metrics and findings call it: `udp:192.0.2.10:5060`."""
    status: int | None = None
    reason: str = ""
    seconds: float = 0.0
    sent: int = 0
    retry_after: float | None = None
    contact: str = ""
    certificate_ends: float | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class SipAnswers:
    """Every endpoint that was asked."""

    endpoints: tuple[Endpoint, ...]
    known: frozenset[str] = frozenset()
    """Those that have answered before."""
    nameless: tuple[tuple[str, str], ...] = ()
    """Hosts of SRV records that have no address, each with what is wrong."""

    @property
    def reached(self) -> bool | None:
        """Silence tells nothing: many carriers drop strangers, and whoever is behind a closed port is there."""
        if any(one.status is not None or (one.fault is not None and one.fault.reached) for one in self.endpoints):
            return True
        return None


async def collect(target: Target, options: SipOptions, ctx: Context) -> Observation:
    """Ask every address at once. A fault: nobody answers who has answered before, or we cannot ask."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    known = answered_before(ctx)
    answers: SipAnswers | None = None
    fault: Fault | None = None
    try:
        endpoints, nameless = await asked(target, options, ctx, deadline)
        fault = nobody([(one.name, one.fault) for one in endpoints], known)
        if fault is None:
            asked_before = frozenset(one.name for one in endpoints if one.name in known)
            answers = SipAnswers(endpoints, asked_before, nameless)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"{KIND}/{error.reason.value}")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def asked(
    target: Target, options: SipOptions, ctx: Context, deadline: float
) -> tuple[tuple[Endpoint, ...], tuple[tuple[str, str], ...]]:
    """What every place answers until `deadline` (loop time), and hosts without an address. Who answers is noted.

    Raises TransportFault where no place could be found: NAME, LOCAL.
    """
    begun = asyncio.get_running_loop().time()
    wanted = await places(target, options, ctx, begun, deadline, _MOST_ENDPOINTS)
    if len(wanted.found) == 1:  # as nearly always, and a task less
        endpoints: tuple[Endpoint, ...] = (await _asked(wanted.found[0], target, options, ctx, deadline),)
    else:
        asking = (_asked(place, target, options, ctx, deadline) for place in wanted.found)
        endpoints = tuple(await asyncio.gather(*asking))
    ctx.transports.sip.answered_at(one.name for one in endpoints if one.status is not None)
    return endpoints, wanted.nameless


async def _asked(place: Place, target: Target, options: SipOptions, ctx: Context, deadline: float) -> Endpoint:
    name, ip = endpoint_name(options, place), place.address.ip
    where = f"{ip} port {place.port}/{options.transport}"
    sip, named = ctx.transports.sip, certificate_name(options, target)
    try:
        if options.transport is Carrier.UDP:
            way = sip.asking(place.address, place.port)
        else:
            way = sip.way(options.transport, place.address, place.port, deadline, options.ca, named)
        async with way as wire:
            answer = await transact(wire, question(options, ip, wire.own), deadline, where)
            return _told(name, answer, wire.certificate_ends)
    except TransportFault as error:
        state = State.CRITICAL if error.reason in OF_THE_ENDPOINT else State.UNKNOWN
        return Endpoint(name, fault=Fault(error.reason, error.message, f"{KIND}/{error.reason.value}", state))


def told_by(way: Way, checks: Iterable[CheckSpec]) -> str:
    """The name of a check of this kind among these that asks the same places, and so has the incident of whatever they
    answer to OPTIONS; empty where there is none."""
    same = (way.srv, way.transport, way.at_port, way.domain if way.srv else None)
    for spec in checks:
        other = spec.options
        if not isinstance(other, SipOptions) or spec.accept_unreadable is not None:
            continue
        if (other.srv, other.transport, other.at_port, other.domain if other.srv else None) == same:
            return spec.name
    return ""


async def answering(target: Target, way: Way, ctx: Context, until: float) -> bool | None:
    """Whether any of these places answers OPTIONS in any way before `until` (loop time); None: none could be asked."""
    asking = SipOptions.model_validate(way.model_dump(include=set(Way.model_fields)))
    try:
        endpoints, _ = await asked(target, asking, ctx, min(ctx.deadline, until))
    except TransportFault:
        return None  # what is wrong with the name, or with this machine, is told by whoever called
    return any(one.status is not None for one in endpoints)


def question(options: SipOptions, ip: str, own: str) -> Request:
    """The OPTIONS request (RFC 3261, section 11.1), without Via."""
    host = options.domain or (f"[{ip}]" if ":" in ip else ip)
    user = f"{options.user}@" if options.user else ""
    port = f":{options.at_port}" if options.domain is None and options.port is not None else ""
    uri = f"{options.scheme}:{user}{host}{port}"
    chance = secrets.token_hex(24)
    fields = (
        ("max-forwards", "70"),
        ("from", f"<sip:ridgeway@{own}>;tag={chance[:16]}"),
        ("to", f"<{uri}>"),
        ("call-id", chance[16:]),
        ("cseq", "1 OPTIONS"),
        ("contact", contact(options, "ridgeway", own)),
        ("accept", "application/sdp"),
        ("user-agent", "Ridgeway"),
    )
    return Request("OPTIONS", uri, Headers(fields))


def _told(name: str, answer: Answer, certificate_ends: float | None) -> Endpoint:
    response = answer.response
    contact = ""
    if 300 <= response.status < 400:
        with contextlib.suppress(SipSyntaxError):
            contact = printable(_place(contact_of(response.headers.first("contact"), "Contact").uri))[:100]
    return Endpoint(
        name, response.status, masked(printable(response.reason))[:60], answer.seconds, answer.sent,
        retry_after(response.headers), contact, certificate_ends,
    )  # fmt: skip


def _place(uri: str) -> str:
    """Where a URI leads, without a number of anybody, which its user part may be. Raises SipSyntaxError."""
    host, port = host_of(uri)
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        host = masked(host)
    return host if port is None else f"{host}:{port}"


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """A finding for each endpoint, and one for its certificate. An address that has left DNS may go."""
    options, answers = subject.check.options, observations[0].answers
    assert isinstance(options, SipOptions) and isinstance(answers, SipAnswers)  # the catalogue pairs them
    known = answers.known | heard(memory)
    findings: list[Finding] = [*nameless_findings(KIND, answers.nameless)]
    readings: list[Reading] = []
    for one in answers.endpoints:
        findings.append(_finding(one, options, one.name in known))
        readings += _readings(one)
        if one.certificate_ends is not None:
            findings.append(_certificate(one.certificate_ends, one.name, options, now))
    note = noted(memory, (one.name for one in answers.endpoints if one.status is not None))
    return Assessment(tuple(findings), tuple(readings), _covered(options, answers, findings), _MAY_GO, note)


def _covered(options: SipOptions, answers: SipAnswers, findings: Sequence[Finding]) -> frozenset[str]:
    """Everything; of certificates those that were seen, where one was not: that one keeps its state."""
    if options.transport is not Carrier.TLS or all(one.certificate_ends is not None for one in answers.endpoints):
        return _MAY_GO
    return frozenset({f"{KIND}/*", *(finding.key for finding in findings)})


def _finding(one: Endpoint, options: SipOptions, known: bool) -> Finding:
    name = one.name
    key = f"{KIND}/{name}"
    if one.status is None:
        assert one.fault is not None  # it is one or the other
        if one.fault.reason is Reason.NO_ANSWER and not known:
            words = f"{one.fault.message}; it has never answered, so a filter may drop strangers"
            return Finding(key, State.UNKNOWN, words[:300])
        return Finding(key, one.fault.state, one.fault.message[:300])
    meaning = sign(one.status, one.retry_after)
    said = f"{one.status} {one.reason}".strip()
    words = f"{name} answers {said}: it is {meaning.value}"
    if one.contact:
        words += f", at {one.contact}"
    if one.retry_after is not None and meaning is Sign.DEGRADED:
        words += f"; it asks to be left alone for {one.retry_after:g} s"
    how = state(meaning)
    if how is State.OK and options.warning_seconds is not None and one.seconds >= options.warning_seconds:
        how = State.WARNING
        words += f"; the answer took {one.seconds * 1000:.0f} ms, {options.warning_seconds * 1000:g} ms is too much"
    return Finding(key, how, words[:300], {"status": said, "sent": str(one.sent)})


def _certificate(ends: float, name: str, options: SipOptions, now: float) -> Finding:
    days = (ends - now) / _DAY
    how = State.OK
    if days < options.certificate_critical_days:
        how = State.CRITICAL
    elif days < options.certificate_warning_days:
        how = State.WARNING
    return Finding(f"sip_certificate/{name}", how, f"the certificate of {name} ends in {math.floor(days)} days")


def _readings(one: Endpoint) -> Iterator[Reading]:
    name = one.name
    up = one.status is not None and state(sign(one.status, one.retry_after)) is State.OK
    yield Reading(UP, float(up), (name,))
    if one.status is not None:
        yield Reading(CODE, float(one.status), (name,))
        yield Reading(ROUND_TRIP, one.seconds, (name,))
        yield Reading(SENT, float(one.sent), (name,))
    if one.certificate_ends is not None:
        yield Reading(CERTIFICATE, one.certificate_ends, (name,))


def families() -> tuple[Family, ...]:
    return (UP, CODE, ROUND_TRIP, SENT, CERTIFICATE)


CHECK = CheckKind(
    kind=KIND,
    title="SIP endpoints answer OPTIONS",
    options=SipOptions,
    answers=SipAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=10.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "sip_options/<endpoint>": "The endpoint does not answer, or says that it is not well: see its status.",
        "sip_certificate/<endpoint>": "The certificate that SIP over TLS shows is near its end: renew it.",
        "sip_options/srv/<host>": "An SRV record names a host without an address: mend DNS.",
        "sip_options/name": "The target's name has no address or no SRV record: check DNS, then the estate.",
        "sip_options/local": "The agent's machine cannot ask: look at its firewall, its limits and the file `ca`.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
