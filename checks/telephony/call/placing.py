"""Placing a test call: allowed now, one at a time, through the first place that takes it, heard, and hung up."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from checks.contract import Context, Reason, Target
from checks.printable import printable
from checks.telephony.account import ROLE, account, extension
from checks.telephony.call.answers import CallAnswers, Sound
from checks.telephony.call.options import LEAST_SECONDS, OVERHEAD_SECONDS, SipCallOptions
from checks.telephony.numbers import NumberRefused, masked
from checks.telephony.way import certificate_name, endpoint_name, places
from checks.transports.fault import TransportFault
from checks.transports.lockout import Try
from checks.transports.rtp import Direction, Media, SdpError, answer, offer
from checks.transports.sip import Account, Place, Response
from checks.transports.sip.calling import Calling
from checks.transports.sip.invitation import Invitation
from checks.transports.sip.line import Line, away
from config.calendar import is_open, next_open
from config.cron import LONDON
from config.estate import Credential

_MOST_PLACES = 8
_NEXT = frozenset({Reason.REFUSED, Reason.UNREACHABLE})
"""Faults after which nobody can have got the call, so that another place may be tried."""
_HANG_UP = 2.0
"""Seconds for the far end to confirm that the call is over; it is told on in the background."""
_CALLER = "ridgeway"
_OF_WHO_CALLS = frozenset({401, 403, 407})
"""Answers that may be about the password; any other means that it was taken."""


def held_back(options: SipCallOptions, last: float | None, now: float) -> str:
    """Why no call may be made at this moment; empty where one may. `last` is when the last one was made."""
    hours = options.open_hours
    if not is_open(hours, now):
        opens = datetime.fromtimestamp(next_open(hours, now), ZoneInfo(LONDON))
        return f"no call is made before {opens:%a %d %b, %H:%M}: the estate does not allow it at this hour"
    if last is not None and 0 <= now - last < LEAST_SECONDS:
        return f"a call was made {now - last:.0f} s ago, and there is never more than one in {LEAST_SECONDS:.0f} s"
    return ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A try to log in that is under way (`checks.transports.lockout`)."""

    account: Account
    attempt: Try
    held: contextlib.AsyncExitStack
    """Closed as soon as its end is known, long before the call's."""


async def placed(
    target: Target, options: SipCallOptions, ctx: Context, trial: Trial | None, deadline: float
) -> CallAnswers:
    """Call, listen, hang up, all before `deadline` (loop time).

    Raises TransportFault: NAME, NO_ANSWER, REFUSED, UNREACHABLE, PROTOCOL, AUTHENTICATION, LIMIT, LOCAL.
    """
    loop = asyncio.get_running_loop()
    needed = options.ring_seconds + options.seconds + OVERHEAD_SECONDS
    if deadline - loop.time() < needed - 1:
        raise TransportFault(
            Reason.LOCAL, f"no call was made: it may take {needed:g} s; give the check a `timeout` longer than that"
        )
    wanted = await places(target, options, ctx, loop.time(), loop.time() + OVERHEAD_SECONDS / 2, _MOST_PLACES)
    for number, place in enumerate(wanted.found):
        try:
            return await _Placing(target, options, ctx, trial, deadline).at(place)
        except TransportFault as error:
            if error.reason not in _NEXT or number + 1 == len(wanted.found):
                raise
    raise TransportFault(Reason.NAME, f"{target.address}: has no address")


class _Placing:
    """One call to one place."""

    def __init__(
        self, target: Target, options: SipCallOptions, ctx: Context, trial: Trial | None, deadline: float
    ) -> None:
        self._target = target
        self._options = options
        self._ctx = ctx
        self._trial = trial
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()

    async def at(self, place: Place) -> CallAnswers:
        options, target, transports = self._options, self._target, self._ctx.transports
        where = f"{place.address.ip} port {place.port}/{options.transport}"
        named = certificate_name(options, target)
        until = self._loop.time() + OVERHEAD_SECONDS / 2
        async with (
            transports.sip.line(options.transport, place.address, place.port, until, options.ca, named) as line,
            transports.rtp.opened(_host(line.own), self._deadline) as media,
        ):
            call = self._called(line, media, place)
            by = min(self._loop.time() + options.ring_seconds, self._deadline - options.seconds - _HANG_UP)
            await line.until(lambda: call.decided, by)
            await self._log_in(call, where)
            told = call.told
            if not told.provisional and told.final is None and told.answered_at is None:
                raise away(line, where)
            sound = await self._heard(line, media, call) if told.answered_at is not None else None
            waited = self._loop.time() - told.sent_at
            final = told.final  # before our CANCEL makes one
            line.hang_up()
            over = await line.settled(min(self._deadline, self._loop.time() + _HANG_UP))
            found = _answers(call, endpoint_name(options, place), final, over)
            return replace(found, waited_seconds=waited, sound=sound)

    def _called(self, line: Line, media: Media, place: Place) -> Calling:
        """The INVITE is sent: the number is looked at once more where it is written."""
        options = self._options
        ip = place.address.ip
        host = f"[{ip}]" if ":" in ip else ip
        domain = options.domain or (host if options.port is None and not options.srv else f"{host}:{place.port}")
        sound = offer(_host(line.own), media.port, secrets.randbits(31), options.codecs)
        user = options.caller or _user(self._target) or _CALLER
        account = self._trial.account if self._trial is not None else None
        try:
            return line.invite(Invitation(options.number, domain, user, domain, sound, account))
        except NumberRefused as error:
            raise TransportFault(Reason.LOCAL, f"no call was made: the number is never dialled: {error}") from error

    async def _log_in(self, call: Calling, where: str) -> None:
        """The try of the log-in ends here, for others wait. Raises TransportFault with AUTHENTICATION."""
        if self._trial is None:
            return
        proofs, final = call.proofs, call.told.final
        if proofs.refused:
            self._trial.attempt.refused()
        elif proofs.used and (call.up or (final is not None and final.status not in _OF_WHO_CALLS)):
            self._trial.attempt.accepted()
        await self._trial.held.aclose()
        if proofs.refused:
            raise TransportFault(
                Reason.AUTHENTICATION,
                f"{where}: it does not take the password of the test extension for a call; look at the extension "
                "there, then at the secret",
            )

    async def _heard(self, line: Line, media: Media, call: Calling) -> Sound:
        """The sound of a call that was answered."""
        try:
            theirs = answer(call.told.body)
            media.start(theirs.remote, theirs.remote_rtcp, theirs.codec)
        except SdpError as error:
            return Sound(printable(str(error), 150))
        except TransportFault as error:
            if error.reason is not Reason.PROTOCOL:
                raise  # ours, and not the answer's
            return Sound(printable(error.message, 150))
        until = min(self._loop.time() + self._options.seconds, self._deadline - _HANG_UP)
        await line.until(lambda: not call.up, until)
        return Sound(
            codec=theirs.codec,
            far_listens=theirs.direction in (Direction.SENDRECV, Direction.RECVONLY),
            far_speaks=theirs.direction in (Direction.SENDRECV, Direction.SENDONLY),
            report=await media.stop(),
        )


def _answers(call: Calling, endpoint: str, final: Response | None, over: bool) -> CallAnswers:
    told = call.told
    up = told.answered_at
    rang = told.ringing_at if told.ringing_at is not None else up
    gone = told.ended_by_far_end
    return CallAnswers(
        endpoint=endpoint,
        status=200 if up is not None else final.status if final is not None else None,
        reason=masked(printable(final.reason, 60)) if final is not None and up is None else "",
        provisional=tuple(told.provisional),
        invites=told.invites,
        setup_seconds=rang - told.sent_at if rang is not None else None,
        answer_seconds=up - told.sent_at if up is not None else None,
        hung_up_after=gone - up if gone is not None and up is not None else None,
        told=over and (told.answered_at is None or gone is not None or told.bye_status is not None),
        others=told.others,
        declined=told.declined[:5],
        log_in=printable(call.proofs.trouble, 150),
    )


def account_of(target: Target, options: SipCallOptions) -> tuple[Credential, Account] | None:
    """Who calls, where the target has a credential for it. Raises TransportFault with LOCAL, without any secret."""
    credential = target.credentials.get(ROLE)
    if credential is None:
        return None
    return credential, account(credential, options.auth_user)


def _user(target: Target) -> str:
    credential = target.credentials.get(ROLE)
    return extension(credential) if credential is not None else ""


def _host(own: str) -> str:
    """The address of `host:port`, without the brackets of IPv6."""
    return own.rpartition(":")[0].strip("[]")
