"""Certificates and handshakes of any port that speaks TLS, at once or after STARTTLS."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

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
from checks.network.certificate import NOT_AFTER, Unreadable, read
from checks.network.limits import FAMILIES, give_up_at
from checks.network.reference_name import is_address
from checks.network.tls_judgement import HANDSHAKE, VERSION, ChainFault, Shown, TlsAnswers, judge
from checks.network.tls_options import TlsOptions
from checks.transports.fault import TransportFault
from checks.transports.tls import Complaint, Handshake
from config.estate import MofN, WakeClass

_OF_THIS_MACHINE = (Reason.LOCAL, Reason.NAME)


async def collect(target: Target, options: TlsOptions, ctx: Context) -> Observation:
    """Shake hands once, and keep what was shown. A port where that is not possible is critical, not unknown."""
    started = ctx.now()
    begun = asyncio.get_running_loop().time()
    answers: TlsAnswers | None = None
    fault: Fault | None = None
    name = _wanted(target, options)
    try:
        answers = _answers(
            await ctx.transports.tls.handshake(
                target.address,
                options.port,
                deadline=give_up_at(ctx.deadline, begun),
                server_name=name,
                starttls=options.starttls,
                ca=options.ca,
                family=FAMILIES[options.ip_version],
                sni=not is_address(name),
            )
        )
    except TransportFault as error:
        if error.reason in _OF_THIS_MACHINE:
            fault = Fault(error.reason, error.message, f"tls/{error.reason.value}")
        else:
            fault = Fault(error.reason, error.message, f"tls/{options.port}/handshake", State.CRITICAL)
    return Observation(target.name, ctx.vantage, started, asyncio.get_running_loop().time() - begun, answers, fault)


def _wanted(target: Target, options: TlsOptions) -> str:
    return options.server_name or target.address.partition("%")[0]


def _answers(made: Handshake) -> TlsAnswers:
    used = frozenset(made.path)
    added = tuple(der for der in made.path if der not in frozenset(made.sent))
    shown = tuple(Shown(_text(der), True, der in used) for der in made.sent)
    return TlsAnswers(
        address=made.address,
        version=made.version,
        cipher=made.cipher,
        seconds=made.seconds,
        shown=shown + tuple(Shown(_text(der), False, True) for der in added),
        count=made.count,
        chain_faults=tuple(_chain_fault(complaint) for complaint in made.complaints),
        trust_fault=made.trust_fault,
        wants_certificate=made.wants_certificate,
        broken=made.broken,
    )


def _text(der: bytes) -> str:
    return base64.b64encode(der).decode("ascii")


def _chain_fault(complaint: Complaint) -> ChainFault:
    try:
        certificate = read(complaint.der)
    except Unreadable:
        return ChainFault(complaint.code, complaint.depth, "an unreadable certificate", "an unreadable one")
    subject = certificate.common_name or certificate.subject
    return ChainFault(complaint.code, complaint.depth, subject, certificate.issuer)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """One finding for each thing that can be wrong; all of them are judged every time."""
    del memory
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, TlsAnswers) and isinstance(options, TlsOptions)  # for mypy
    return judge(answers, options, _wanted(subject.targets[0], options), now)


def families() -> tuple[Family, ...]:
    return (NOT_AFTER, HANDSHAKE, VERSION)


CHECK = CheckKind(
    kind="tls",
    title="Certificates of a port, and its TLS handshake",
    options=TlsOptions,
    answers=TlsAnswers,
    defaults=KindDefaults(
        every=900.0, timeout=10.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "tls/<port>/handshake": "No TLS session can be made: look at the service, its log, and whether it offers TLS.",
        "tls/<port>/expiry": "The certificate ends soon, has ended, or is not valid yet: renew it and load it.",
        "tls/<port>/intermediates": "A certificate above the server's own ends soon or has ended: get the new chain.",
        "tls/<port>/chain": "The chain is incomplete or leads to nobody trusted: mend what the server sends, or `ca`.",
        "tls/<port>/name": "The certificate is for other names: get one for this name, or set `server_name`.",
        "tls/<port>/version": "The server chose an old version or a weak cipher: change its TLS settings.",
        "tls/<port>/key": "A key is too short or a signature is SHA-1: get a new certificate.",
        "tls/<port>/pin": "The key is not the pinned one: find out who changed it before you change the pin.",
        "tls/<port>/issuer": "Another authority than expected issued it: find out who had it issued.",
        "tls/local": "The agent's machine cannot connect at all: look at its firewall and its limits.",
        "tls/name": "The target's name has no address here: check DNS, then the address in the estate.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
