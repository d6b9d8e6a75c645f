"""The kind `http`: a page answers, in time, with what it must hold, over a connection that can be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from checks.network.http_judgement import FAMILIES as METRICS
from checks.network.http_judgement import assessed
from checks.network.http_options import HttpOptions
from checks.network.http_reading import HttpAnswers, kept, without_page
from checks.network.limits import FAMILIES, give_up_at
from checks.transports.aside import Crowded, Overdue, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, Limits, TlsFault, TlsProblem, refusal
from checks.transports.lockout import credential_fault
from config.estate import MofN, WakeClass

if TYPE_CHECKING:
    from checks.transports.http import HttpReply
    from config.estate import Credential

ROLE = "http"
_AT_ONCE = 32 * 1024
"""Octets of a page that are searched in the loop; a longer page, and patterns, are searched aside from it."""
_OF_THE_PAGE = frozenset({Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.REFUSED, Reason.LIMIT, Reason.PROTOCOL})
"""Faults which mean that the page is not there; those of ours mean that nobody knows."""
_NOT_OF_THE_CERTIFICATE = frozenset(
    {TlsProblem.CLIENT_CERTIFICATE, TlsProblem.OLD, TlsProblem.NOT_TLS, TlsProblem.OTHER}
)
_THROTTLED = 429


async def collect(target: Target, options: HttpOptions, ctx: Context) -> Observation:
    """Ask for the page once. What stands between us and it is a fault, or the certificate's own finding."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    answers: HttpAnswers | None = None
    fault: Fault | None = None
    question = _question(target, options)
    deadline = give_up_at(ctx.deadline, begun)
    try:
        reply = await ctx.transports.http.ask(question, deadline=deadline)
        fault = _refused(reply, options, question.credential)
        if fault is None:
            answers = await _kept(reply, options, ctx, target.address, deadline)
    except TlsFault as error:
        if error.problem in _NOT_OF_THE_CERTIFICATE:
            fault = _fault(error, options, question.credential)
        else:
            answers = without_page(error, question.url.shown, target.address, error.port or question.url.port)
    except TransportFault as error:
        fault = _fault(error, options, question.credential)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def _question(target: Target, options: HttpOptions) -> HttpQuestion:
    return HttpQuestion(
        target=target.name,
        address=target.address,
        url=options.url_at(target.address),
        method=options.method,
        family=FAMILIES[options.ip_version],
        credential=None if options.anonymous else target.credentials.get(ROLE),
        ca=options.ca,
        pins=options.pin,
        follow=options.follow,
        limits=Limits(body=options.max_bytes),
    )


async def _kept(reply: HttpReply, options: HttpOptions, ctx: Context, place: str, deadline: float) -> HttpAnswers:
    """What is kept of the answer; a long page must not hold the loop."""
    if not options.reads_the_page or len(reply.body) <= _AT_ONCE:
        return kept(reply, options)
    try:
        return await ctx.transports.aside.ask(place, lambda _tether: kept(reply, options), deadline)
    except (Overdue, StillHanging) as error:
        raise TransportFault(Reason.HANGING, f"{reply.url.shown}: the page could not be searched in time") from error
    except Crowded as error:
        raise TransportFault(Reason.LOCAL, f"{reply.url.shown}: {error}") from error


def _refused(reply: HttpReply, options: HttpOptions, credential: Credential | None) -> Fault | None:
    """An answer that says nothing of the page: we may not see it, or ask too often. Else the status is judged."""
    if any(first <= reply.status <= last for first, last in options.expect_status):
        return None
    if reply.status == _THROTTLED or (reply.status == 403 and credential is not None):
        found = refusal(reply)
        assert found is not None  # both are statuses that refuse
        return Fault(found.reason, found.message, f"http/{found.reason.value}")
    return None


def _fault(error: TransportFault, options: HttpOptions, credential: Credential | None) -> Fault:
    if credential is not None and error.reason in (Reason.AUTHENTICATION, Reason.WITHHELD):
        return credential_fault(error, credential)
    if error.reason in _OF_THE_PAGE:
        return Fault(error.reason, error.message, f"http/{options.page}", State.CRITICAL)
    return Fault(error.reason, error.message, f"http/{error.reason.value}")


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """The page, its values and its certificate, as far as each was seen."""
    del memory
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, HttpAnswers) and isinstance(options, HttpOptions)  # for mypy
    return assessed(options, answers, now)


def families() -> tuple[Family, ...]:
    return METRICS


CHECK = CheckKind(
    kind="http",
    title="A web page answers with what it must hold, over a connection that can be trusted",
    options=HttpOptions,
    answers=HttpAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=10.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "http/<page>": "The page is not there, not what it must be, or slow: look at the service and what it needs.",
        "http/<page>/<value>": "A value of a JSON page is wrong or beyond its limit, or the page has it no more.",
        "http/certificate/<port>": "The certificate ends soon, or cannot be trusted: renew it, or mend what is named.",
        "http/forbidden": "The account may not read the page: give it the right, or take its credential away.",
        "http/limit": "The server says that it is asked too often: ask less often.",
        "http/name": "The target's name has no address here: check DNS, then the address in the estate.",
        "http/local": "The agent could not ask: its authorities, its secret, its firewall, its limits.",
        "http/hanging": "An earlier question to this target has not ended: look at the target, then at the agent.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
