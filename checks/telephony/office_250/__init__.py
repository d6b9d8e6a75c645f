"""The kind `mitel_office_250`: the status page of a MiVoice Office 250, by one GET over HTTPS. Only read."""

from __future__ import annotations

import asyncio
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
    Subject,
    Target,
)
from checks.firewall.http.shape import understood
from checks.network.documents import Document, NotUnderstood, filled
from checks.network.limits import give_up_at
from checks.network.plan import families
from checks.telephony.office_250.judgement import FAMILIES, Office250Answers, judged
from checks.telephony.office_250.options import KIND, PROFILE, QUESTION, Office250Options
from checks.transports.aside import Crowded, Overdue, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Limits, Url, refusal
from checks.transports.http.line import LARGEST
from checks.transports.lockout import credential_fault
from config.estate import Credential, MofN, WakeClass
from config.profiles import load, search_path

_ROLE = "http"
_AT_ONCE = 32 * 1024
"""Octets of a page that are read in the loop; a longer one is read aside from it."""


async def collect(target: Target, options: Office250Options, ctx: Context) -> Observation:
    """Ask for the page once. What is not the page is kept as that; what brings none is a fault."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    answers: Office250Answers | None = None
    fault: Fault | None = None
    credential = target.credentials.get(_ROLE)
    deadline = give_up_at(ctx.deadline, begun)
    try:
        async with ctx.transports.http.turns.at(target.address, deadline):
            reply = await ctx.transports.http.ask(_question(target, options, credential), deadline=deadline)
        refused = refusal(reply)
        if refused is not None:
            raise refused
        answers = _answers(options, await _document(reply, options, ctx, target.address, deadline))
    except TransportFault as error:
        fault = _fault(error, credential)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def _question(target: Target, options: Office250Options, credential: Credential | None) -> HttpQuestion:
    asks = options.asks
    path = asks.questions[QUESTION].get
    return HttpQuestion(
        target=target.name,
        address=target.address,
        url=Url.read(f"https://:{options.port or asks.port}{path}", options.host or target.address),
        credential=credential,
        ca=options.ca,
        pins=options.pin,
        limits=Limits(body=LARGEST),
    )


async def _document(
    reply: HttpReply, options: Office250Options, ctx: Context, place: str, deadline: float
) -> Document | NotUnderstood:
    """The page as a document; a long one must not hold the loop. Raises TransportFault."""
    if reply.truncated:
        return NotUnderstood.of(reply.text(), f"it is longer than {LARGEST} octets")
    question = options.asks.questions[QUESTION]
    if len(reply.body) <= _AT_ONCE:
        return understood(question, reply.body, reply.text())
    try:
        return await ctx.transports.aside.ask(
            place, lambda _tether: understood(question, reply.body, reply.text()), deadline
        )
    except (Overdue, StillHanging) as error:
        raise TransportFault(Reason.HANGING, f"{reply.url.shown}: the page could not be read in time") from error
    except Crowded as error:
        raise TransportFault(Reason.LOCAL, f"{reply.url.shown}: {error}") from error


def _answers(options: Office250Options, document: Document | NotUnderstood) -> Office250Answers:
    if isinstance(document, NotUnderstood):
        return Office250Answers(not_understood=document)
    return Office250Answers(filled(options.plan.oids, (), {QUESTION: document}, 0))


def _fault(error: TransportFault, credential: Credential | None) -> Fault:
    if credential is not None and error.reason in (Reason.AUTHENTICATION, Reason.WITHHELD):
        return credential_fault(error, credential)
    return Fault(error.reason, error.message, f"http/{error.reason.value}")


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the page means. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, Office250Options)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, Office250Answers):
            at = observation.started + observation.duration
            return judged(options.plan, observation.answers, memory, at)
    return Assessment(findings=())


def shipped_families() -> tuple[Family, ...]:
    """Every family that the profile can make, and those of the kind itself."""
    made = families([load(PROFILE, search_path())])
    return (*FAMILIES, *(family for family in made if family not in FAMILIES))


CHECK = CheckKind(
    kind=KIND,
    title="A MiVoice Office 250, by its status page",
    options=Office250Options,
    answers=Office250Answers,
    defaults=KindDefaults(
        every=180.0, timeout=15.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        f"{KIND}/system": "What the system is, and what is not judged of it: always ok.",
        f"{KIND}/alarm": "The system has an alarm: its number says which.",
        f"{KIND}/flash": "The flash card is nearly full: delete voice messages.",
        f"{KIND}/page": "What came is not the status page: a log-in page, a cut answer, another product.",
        f"{KIND}/<value>": "A value is beyond its limit, or cannot be read.",
        "http/<reason>": "The web service does not answer, or may not be asked: its message says why.",
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
)
__all__ = ["CHECK", "Office250Answers", "Office250Options"]
