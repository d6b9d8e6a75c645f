"""The kind `sip_register`: can a set register, as a test extension finds out, and is it let go again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

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
from checks.telephony.account import ROLE, account
from checks.telephony.account import extension as extension_of
from checks.telephony.register.judgement import REGISTERED, SECONDS, Registrations, judged
from checks.telephony.register.options import KIND, RegisterOptions
from checks.telephony.register.visit import Extension, Registrar, Visit
from checks.telephony.silence import answered_before, nobody
from checks.telephony.way import ASKED, AWAY, OF_THE_ENDPOINT, certificate_name, endpoint_name, places
from checks.transports.fault import TransportFault
from checks.transports.lockout import CONDITION, credential_fault
from checks.transports.sip import ChallengeFault, Place, Wire
from config.estate import MofN, WakeClass
from config.secrets import Secret

_MOST_REGISTRARS = 8
_WAITING = 0.5
"""Of the time there is, for the turn."""
_OF_THE_ACCOUNT = frozenset({Reason.AUTHENTICATION, Reason.WITHHELD})


async def collect(target: Target, options: RegisterOptions, ctx: Context) -> Observation:
    """Register at every registrar, one after another, so that no two registrations of ours stand at once.

    For the same reason checks that have the same extension take turns.
    """
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    known = answered_before(ctx)
    answers: Registrations | None = None
    fault: Fault | None = None
    try:
        extension = _extension(target, options)
        wanted = await places(target, options, ctx, begun, deadline, _MOST_REGISTRARS)
        turn = f"the test extension of {target.credentials[ROLE].name}"
        async with ctx.transports.sip.turns.at(turn, begun + (deadline - begun) * _WAITING):
            made, refused = await _all_visited(wanted.found, target, options, extension, ctx, deadline)
        silent = nobody([(one.name, one.fault) for one in made], known) if refused is None else None
        fault = refused or silent
        if made and silent is None:
            before = frozenset(one.name for one in made if one.name in known)
            answers = Registrations(tuple(made), refused is None, before, wanted.nameless)
        ctx.transports.sip.answered_at(one.name for one in made if one.status is not None)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"{KIND}/{error.reason.value}")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _all_visited(
    found: Sequence[Place],
    target: Target,
    options: RegisterOptions,
    extension: Extension,
    ctx: Context,
    deadline: float,
) -> tuple[list[Registrar], Fault | None]:
    """The visits, and the fault of the account where one ended them: the next would be a further try."""
    loop = asyncio.get_running_loop()
    made: list[Registrar] = []
    for number, place in enumerate(found):
        until = loop.time() + (deadline - loop.time()) / (len(found) - number)
        one = await _visited(place, target, options, extension, ctx, until)
        if isinstance(one, Fault):
            return made, one
        made.append(one)
    return made, None


async def _visited(
    place: Place, target: Target, options: RegisterOptions, extension: Extension, ctx: Context, until: float
) -> Registrar | Fault:
    """One visit; a fault where the account was refused, or is not tried for its own good."""
    name, credential = endpoint_name(options, place), target.credentials[ROLE]
    where = f"{place.address.ip} port {place.port}/{options.transport}"
    named = certificate_name(options, target)
    visit = Visit(name, where, options, extension)

    @contextlib.asynccontextmanager
    async def opening(deadline: float) -> AsyncIterator[Wire]:
        sip = ctx.transports.sip
        async with sip.way(options.transport, place.address, place.port, deadline, options.ca, named) as wire:
            yield wire

    try:
        identity = (Secret(extension.account.user), extension.account.password)
        async with ctx.transports.lockout.trial(credential, target.name, until, identity) as attempt:
            return await visit.made(opening, attempt, until)
    except TransportFault as error:
        if error.reason in _OF_THE_ACCOUNT:
            return credential_fault(error, credential)
        if error.reason is Reason.NO_ANSWER and visit.heard:
            error = TransportFault(Reason.PROTOCOL, f"{where}: it asks who registers, and then says nothing more")
        bad = error.reason in OF_THE_ENDPOINT and not isinstance(error, ChallengeFault)
        state = State.CRITICAL if bad else State.UNKNOWN
        kind = ASKED if error.reason in AWAY else KIND
        fault = Fault(error.reason, error.message, f"{kind}/{error.reason.value}", state)
        return Registrar(name, left=visit.left, fault=fault)


def _extension(target: Target, options: RegisterOptions) -> Extension:
    """The test extension of the credential. Raises TransportFault with LOCAL, which never holds a secret."""
    credential = target.credentials[ROLE]
    host = options.domain or (f"[{target.address}]" if ":" in target.address else target.address)
    return Extension(extension_of(credential), host, account(credential, options.auth_user))


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """A finding for each registrar, and two beside it."""
    del now  # nothing of it grows old by itself
    options, answers = subject.check.options, observations[0].answers
    assert isinstance(options, RegisterOptions) and isinstance(answers, Registrations)  # the catalogue pairs them
    return judged(options, answers, memory)


def families() -> tuple[Family, ...]:
    return (REGISTERED, SECONDS)


CHECK = CheckKind(
    kind=KIND,
    title="A test extension registers, and is let go again",
    options=RegisterOptions,
    answers=Registrations,
    defaults=KindDefaults(
        every=300.0, timeout=15.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "sip_register/<endpoint>": "The registrar does not take the test extension: phones may not register either.",
        "sip_options/<endpoint>": "The registrar is not there at all: one cause with what `sip_options` says of it.",
        "sip_options/no-answer": "The same where all of them are silent, and something else of the target answers.",
        "sip_register/<endpoint>/other": "Somebody else is registered as the test extension: find out who.",
        "sip_register/<endpoint>/left": "It is not proved that the registration was taken back: it ends by itself.",
        "sip_register/srv/<host>": "An SRV record names a host without an address: mend DNS.",
        "sip_register/name": "The target's name has no address or no SRV record: check DNS, then the estate.",
        "sip_register/local": "The agent's machine cannot ask: look at the secret, its firewall, the file `ca`.",
        f"{CONDITION}<name>": "The registrar does not take the password: mend it, then say so with credentials retry.",
    },
    families=families,
    collect=collect,
    assess=assess,
    requires=(ROLE,),
)
__all__ = ["CHECK", "RegisterOptions", "Registrations"]
