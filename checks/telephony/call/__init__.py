"""The kind `sip_call`: a real call to a test number, heard both ways, and hung up whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
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
from checks.network.limits import give_up_at
from checks.telephony.call.answers import CallAnswers
from checks.telephony.call.judgement import FAMILIES, judged
from checks.telephony.call.note import unpacked
from checks.telephony.call.options import KIND, LEAST_SECONDS, OVERHEAD_SECONDS, SipCallOptions
from checks.telephony.call.placing import Trial, account_of, held_back, placed
from checks.telephony.sip_options import answering, told_by
from checks.telephony.way import AWAY, OF_THE_ENDPOINT
from checks.transports.fault import TransportFault
from checks.transports.lockout import CONDITION, credential_fault
from config.estate import Credential, MofN, WakeClass
from config.secrets import Secret

_ASKING = 4.0
"""Seconds to find out by OPTIONS whether who does not answer a call answers anything."""
_OF_THE_ACCOUNT = frozenset({Reason.AUTHENTICATION, Reason.WITHHELD})


async def collect(target: Target, options: SipCallOptions, ctx: Context) -> Observation:
    """Make one call, if one may be made now. A fault: nobody answered at all, or we could not call."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    # The note too: an agent that starts over and over keeps nothing else from one run to the next.
    calls = (ctx.kept if isinstance(ctx.kept, float) else None, unpacked(ctx.memory).last)
    why = held_back(options, max((at for at in calls if at is not None), default=None), started)
    answers = CallAnswers(held_back=why) if why else None
    fault: Fault | None = None
    if answers is None:
        credential: Credential | None = None
        try:
            known = account_of(target, options)
            credential = known[0] if known is not None else None
            patience = deadline - options.ring_seconds - options.seconds - OVERHEAD_SECONDS
            async with contextlib.AsyncExitStack() as held:
                await held.enter_async_context(
                    ctx.transports.sip.turns.at(f"the line to {target.name}", max(begun, patience))
                )
                trial: Trial | None = None
                if known is not None:
                    tried = await held.enter_async_context(contextlib.AsyncExitStack())
                    account = known[1]
                    identity = (Secret(account.user), account.password)
                    lockout = ctx.transports.lockout.trial(known[0], target.name, max(begun, patience), identity)
                    trial = Trial(account, await tried.enter_async_context(lockout), tried)
                ctx.kept = started
                answers = await placed(target, options, ctx, trial, deadline)
        except TransportFault as error:
            answers = await _told_elsewhere(error, target, options, ctx)
            fault = None if answers is not None else _fault(error, credential)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _told_elsewhere(
    error: TransportFault, target: Target, options: SipCallOptions, ctx: Context
) -> CallAnswers | None:
    """That nobody is there at all, where a check by OPTIONS has the incident of it; None where calls alone fail."""
    name = told_by(options, target.checks) if error.reason in AWAY else ""
    if not name:
        return None
    until = asyncio.get_running_loop().time() + _ASKING
    if error.reason is Reason.NO_ANSWER and await answering(target, options, ctx, until) is not False:
        return None
    return CallAnswers(held_back=f"no call came about: {error.message}; the check {name} says so", away=True)


def _fault(error: TransportFault, credential: Credential | None) -> Fault:
    if credential is not None and error.reason in _OF_THE_ACCOUNT:
        return credential_fault(error, credential)
    state = State.CRITICAL if error.reason in OF_THE_ENDPOINT else State.UNKNOWN
    return Fault(error.reason, error.message, f"{KIND}/{error.reason.value}", state)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """How the call went."""
    options, answers = subject.check.options, observations[0].answers
    assert isinstance(options, SipCallOptions) and isinstance(answers, CallAnswers)  # the catalogue pairs them
    return judged(options, answers, memory, now)


def families() -> tuple[Family, ...]:
    return FAMILIES


CHECK = CheckKind(
    kind=KIND,
    title="A test call is answered and heard both ways",
    options=SipCallOptions,
    answers=CallAnswers,
    defaults=KindDefaults(
        every=900.0, timeout=45.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING,
        fastest=LEAST_SECONDS,
    ),
    finding_keys={
        "sip_call/call": "The test call was not answered: see its status; then whether people can call.",
        "sip_call/setup": "It takes long until it rings: look at routes that are tried in vain before.",
        "sip_call/audio": "The call is answered, but not heard in one direction or both: look at firewalls and NAT.",
        "sip_call/quality": "Calls sound bad: look at loss, jitter and delay of the lines between.",
        "sip_call/marking": "Sound arrives without its mark: something on the way bleaches DSCP.",
        "sip_call/end": "The call ended otherwise than it should: see who hung up.",
        "sip_call/hours": "No call came about now: not at this hour, or another check says that nobody is there.",
        "sip_call/no-answer": "Nothing answers a call at all: see whether the target is there, and takes this agent.",
        "sip_call/refused": "Nothing listens for calls there: see whether the service runs.",
        "sip_call/unreachable": "There is no way to the target: see the network.",
        "sip_call/protocol": "What answers is no SIP, or its certificate cannot be trusted: the finding says which.",
        "sip_call/name": "The target's name has no address or no SRV record: check DNS, then the estate.",
        "sip_call/limit": "Too many test calls are under way at once: spread them.",
        "sip_call/local": "The agent's machine cannot call: look at the secret, its firewall, the check's time-out.",
        f"{CONDITION}<name>": "The far end does not take the password: mend it, then say so with credentials retry.",
    },
    families=families,
    collect=collect,
    assess=assess,
)  # fmt: skip
__all__ = ["CHECK", "CallAnswers", "SipCallOptions"]
