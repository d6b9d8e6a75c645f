"""An outgoing call without socket and clock (RFC 3261, sections 9, 12 to 15 and 17; RFC 6026).

Messages and times go in, messages to be sent come out.

What it promises, whatever the far end sends and in whatever order: each 2xx is acknowledged, again when it comes again;
each dialog that is not the call's own (a fork, an answer that came after the CANCEL) is ended at once; once the call is
no longer wanted every dialog gets a BYE, and an INVITE without a final answer a CANCEL as soon as it may have one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from math import inf

from checks.transports.sip.asked import Asked
from checks.transports.sip.client import T1, TIMER_F, branch
from checks.transports.sip.dialog import (
    Dialog,
    acknowledgement,
    authorised,
    cancellation,
    dialog_of,
    remote_tag,
)
from checks.transports.sip.fields import address, cseq, top_via
from checks.transports.sip.guest import answer_to
from checks.transports.sip.invitation import SESSION_SECONDS, Invitation, Naming, invite
from checks.transports.sip.message import Headers, Message, Request, Response, SipSyntaxError, number, written
from checks.transports.sip.proofs import CHALLENGES, Proofs
from checks.transports.sip.wire import Carrier

TIMER_B = TIMER_F
"""Seconds without any answer after which an INVITE is given up."""
_LINGER = 64 * T1
"""Seconds for which more answers to the same INVITE may come (section 13.2.2.4), and a failure may come again."""
_MOST_ROUNDS = 6
"""INVITEs of one call: the bare one, answers to challenges, one with a longer interval."""
_MOST_LEGS = 20
_MOST_STRAYS = 200
_MOST_NOTED = 20
_LONGEST_INTERVAL = 3600


@dataclass(slots=True)
class Told:
    """What became of the call so far; times are the machine's."""

    sent_at: float
    invites: int = 0
    """How often an INVITE was sent, retransmissions and answers to challenges included."""
    provisional: list[int] = field(default_factory=list)
    ringing_at: float | None = None
    """The first answer that tells a caller something: 180 to 189."""
    answered_at: float | None = None
    final: Response | None = None
    """The final answer that is no 2xx."""
    body: bytes = b""
    """The far end's side of the sound."""
    silent: bool = False
    """Nothing at all came back until Timer B."""
    ended_by_far_end: float | None = None
    bye_status: int | None = None
    """What the far end said to our BYE."""
    others: int = 0
    """Further dialogs that the INVITE made, by forks or by an answer that came too late; each was ended at once."""
    declined: tuple[str, ...] = ()
    """Changes of the call that the far end asked for."""
    strays: int = 0
    """Messages that belong to no request of ours."""


@dataclass(slots=True)
class _Leg:
    """One dialog of the call."""

    dialog: Dialog
    number: int
    ack: bytes
    kept: bool
    bye: Asked | None = None
    over: bool = False
    """The far end has hung up, or our BYE has its answer."""
    proved: bool = False


class Calling:
    """`receive`, `tick` and `hang_up` tell it what happens; `sends` has what is to be sent then."""

    def __init__(self, what: Invitation, own: str, carrier: Carrier, now: float) -> None:
        """Raises NumberRefused."""
        self.told = Told(now)
        self.proofs = Proofs(what.account)
        self.wanted = True
        self._own = own
        self._what = what
        self._carrier = carrier
        self._named = Naming.new()
        self._sends: list[bytes] = []
        self._legs: dict[str, _Leg] = {}
        self._early: dict[str, bytes] = {}
        self._acks: dict[str, bytes] = {}
        self._cancel: Asked | None = None
        self._interval = SESSION_SECONDS
        self._number = secrets.randbelow(1_000_000)
        self._heard = False
        self._linger = inf
        self._invite(now)

    @property
    def reliable(self) -> bool:
        return self._carrier is not Carrier.UDP

    @property
    def up(self) -> bool:
        """Whether somebody has answered and nobody has hung up."""
        return any(leg.kept and not leg.over and leg.bye is None for leg in self._legs.values())

    @property
    def decided(self) -> bool:
        """Whether it was answered, refused or given up."""
        told = self.told
        return told.answered_at is not None or told.final is not None or told.silent

    def settled(self, now: float) -> bool:
        """Whether the far end has nothing left to be told: no dialog is open, nothing rings.

        A CANCEL that was confirmed is not the end of the call: its final answer is still to come, and may be a 2xx. It
        is awaited for 64 T1 (RFC 3261, section 9.1), unless the far end says that it knows no such call.
        """
        if any(not leg.over for leg in self._legs.values()):
            return False
        if self._legs or self.told.final is not None or self.told.silent:
            return True
        cancel = self._cancel
        return cancel is not None and (now >= cancel.until or (cancel.status is not None and cancel.status >= 300))

    def over(self, now: float) -> bool:
        """Whether nothing more is to be expected."""
        return self.settled(now) and now >= self._linger

    def sends(self) -> list[bytes]:
        """What is to be sent, in order; asked once."""
        out, self._sends = self._sends, []
        return out

    def wake(self, now: float) -> float:
        """When `tick` has to be called next."""
        times = [one.wake() for one in self._asked() if not one.over(now)]
        if not self._heard and not self.decided:
            times += [self._again, self._until]
        if self._linger > now:
            times.append(self._linger)
        return min(times, default=inf)

    def tick(self, now: float) -> None:
        """Time goes by."""
        if not self._heard and not self.decided:
            if now >= self._until:
                self.told.silent = True
                self._linger = min(self._linger, now)
            elif now >= self._again and self.wanted:
                self._send_invite(now)
        for one in self._asked():
            octets = one.due(now)
            if octets is not None:
                self._sends.append(octets)
        for leg in self._legs.values():
            leg.over = leg.over or (leg.bye is not None and leg.bye.over(now))
        if self._cancel is not None and self._cancel.over(now) and not self.decided and not self._legs:
            self._linger = min(self._linger, self._cancel.until)

    def hang_up(self, now: float) -> None:
        """The call is no longer wanted."""
        if not self.wanted:
            return
        self.wanted = False
        for leg in self._legs.values():
            self._end(leg, now)
        if not self.decided:
            self._again = inf  # an INVITE that got lost shall not arrive now
            if self._heard:
                self._call_off(now)
        self.tick(now)

    def lost(self, now: float) -> None:
        """There is no way to the far end. What it has not answered it has not got."""
        if not self._heard and not self.decided:
            self.told.silent = True
            self._linger = now

    def anew(self, own: str, now: float) -> None:
        """There is another connection: what has no answer yet is sent over it."""
        self._own = own
        for one in self._asked():
            one.once_more(now)
        self.tick(now)

    def receive(self, message: Message, now: float) -> None:
        """A message has come."""
        try:
            known = self._response(message, now) if isinstance(message, Response) else self._request(message, now)
        except SipSyntaxError:
            known = False
        self.told.strays += not known
        self.tick(now)

    # What we ask

    def _invite(self, now: float, more: tuple[tuple[str, str], ...] = ()) -> None:
        self._number += 1
        self._branch = branch()
        request = invite(self._what, self._named, self._number, self._own, self._carrier, more, self._interval)
        self._asked_for = self._with_via(request, self._branch)
        self._proofs = more
        self._wait, self._until = T1, now + TIMER_B
        self._heard = False
        self._send_invite(now)

    def _send_invite(self, now: float) -> None:
        self._sends.append(written(self._asked_for))
        self.told.invites += 1
        self._again = inf if self.reliable else now + self._wait
        self._wait *= 2

    def _call_off(self, now: float) -> None:
        """CANCEL, which may only follow a provisional answer (section 9.1)."""
        if self._cancel is None:
            request = cancellation(self._asked_for)
            self._cancel = Asked(request, self._branch, self._number, now, self.reliable)

    def _end(self, leg: _Leg, now: float) -> None:
        """BYE."""
        if leg.over or leg.bye is not None:
            return
        leg.number += 1
        name = branch()
        request = leg.dialog.request("BYE", leg.number)
        request = authorised(request, self.proofs.shown("BYE", request.uri))
        leg.bye = Asked(self._with_via(request, name), name, leg.number, now, self.reliable)

    def _asked(self) -> list[Asked]:
        byes = [leg.bye for leg in self._legs.values() if leg.bye is not None]
        return byes if self._cancel is None else [self._cancel, *byes]

    def _with_via(self, request: Request, name: str) -> Request:
        via = f"SIP/2.0/{self._carrier.upper()} {self._own};branch={name};rport"
        return replace(request, headers=Headers((("via", via), *request.headers.fields)))

    # What is answered

    def _response(self, response: Response, now: float) -> bool:
        headers = response.headers
        if headers.first("call-id") != self._named.call_id:
            return False
        if address(headers.first("from"), "From").tag != self._named.tag:
            return False
        name, (count, method) = top_via(headers).branch, cseq(headers)
        if method == "INVITE":
            if name == self._branch and count == self._number:
                self._to_invite(response, now)
                return True
            ack = self._acks.get(name)
            if ack is not None and response.status >= 300:
                self._sends.append(ack)
            return ack is not None
        for one in self._asked():
            if (one.branch, one.number, one.request.method) == (name, count, method):
                one.told(response)
                self._after(one, response, now)
                return True
        return False

    def _after(self, one: Asked, response: Response, now: float) -> None:
        leg = next((leg for leg in self._legs.values() if leg.bye is one), None)
        if leg is None or response.status < 200:
            return
        if response.status in CHALLENGES and not leg.proved and self.proofs.take(response):
            leg.proved = True
            leg.bye = None
            self._end(leg, now)
            return
        leg.over = True
        if leg.kept:
            self.told.bye_status = response.status

    def _to_invite(self, response: Response, now: float) -> None:
        if response.status < 200:
            self._provisional(response, now)
        elif response.status < 300:
            self._accepted(response, now)
        elif self._legs:
            pass  # a proxy's second thought: the call was answered before
        elif self._branch in self._acks:
            self._sends.append(self._acks[self._branch])
        else:
            self._failed(response, now)

    def _provisional(self, response: Response, now: float) -> None:
        told = self.told
        self._heard = True
        if len(told.provisional) < _MOST_NOTED:
            told.provisional.append(response.status)
        if told.ringing_at is None and 180 <= response.status < 190:
            told.ringing_at = now
        if response.body and len(self._early) < _MOST_LEGS:
            self._early[remote_tag(response.headers, "to")] = response.body
        if not self.wanted and not self.decided:
            self._call_off(now)

    def _accepted(self, response: Response, now: float) -> None:
        told, tag = self.told, remote_tag(response.headers, "to")
        leg = self._legs.get(tag)
        if leg is not None:
            self._sends.append(leg.ack)  # ours was lost
            return
        if len(self._legs) >= _MOST_LEGS:
            return
        self._heard = True
        dialog = dialog_of(self._asked_for, response)
        ack = self._with_via(authorised(dialog.request("ACK", self._number), self._proofs), branch())
        leg = _Leg(dialog, self._number, written(ack), kept=told.answered_at is None and self.wanted)
        self._sends.append(leg.ack)
        if not self._legs:
            self._linger = now + _LINGER
        self._legs[tag] = leg
        if leg.kept:
            told.answered_at = now
            told.body = response.body or self._early.get(tag, b"")
        else:
            told.others += 1
            self._end(leg, now)

    def _failed(self, response: Response, now: float) -> None:
        self._heard = True
        ack = self._acks[self._branch] = written(acknowledgement(self._asked_for, response))
        self._sends.append(ack)
        if self.wanted and len(self._acks) < _MOST_ROUNDS and self._again_for(response, now):
            return
        self.told.final = response
        self._linger = now if self.reliable else now + _LINGER

    def _again_for(self, response: Response, now: float) -> bool:
        """Whether this failure only asks for another INVITE, which has been sent."""
        if response.status in CHALLENGES and self.proofs.take(response):
            more = self.proofs.shown("INVITE", self._asked_for.uri)
            if not more:
                return False
            self._invite(now, more)
            return True
        if response.status == 422:  # a longer session interval (RFC 4028, section 6)
            try:
                least = number((response.headers.first("min-se") or "").split(";")[0].strip(), "Min-SE")
            except SipSyntaxError:
                return False
            if self._interval < least <= _LONGEST_INTERVAL:
                self._interval = least
                self._invite(now, self.proofs.shown("INVITE", self._asked_for.uri))
                return True
        return False

    # What they ask

    def _request(self, request: Request, now: float) -> bool:
        headers = request.headers
        ours = headers.first("call-id") == self._named.call_id
        ours = ours and address(headers.first("to"), "To").tag == self._named.tag
        leg = self._legs.get(remote_tag(headers, "from")) if ours else None
        said = answer_to(request, leg is not None)
        if said is not None and self.told.strays < _MOST_STRAYS:
            self._sends.append(written(said))
        if leg is None:
            return False
        if request.method == "BYE":
            if leg.kept and not leg.over and leg.bye is None:
                self.told.ended_by_far_end = now
            leg.over = True
        elif said is not None and said.status == 488 and len(self.told.declined) < _MOST_NOTED:
            self.told.declined = (*self.told.declined, request.method)
        return True
