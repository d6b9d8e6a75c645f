"""What a far end answers and asks in a call, mutated: whatever is made of it, the call can be ended."""

from __future__ import annotations

from copy import deepcopy

from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError, parsed, written
from testbeds.far_end import SDP, FarEnd
from testbeds.mutation import mutated

_ROUTE = ("record-route", "<sip:near.example;lr>, <sip:far.example;lr>")
_CHALLENGE = ("proxy-authenticate", 'Digest realm="a", nonce="b", qop="auth", algorithm=SHA-256, stale=true')


def _answers(end: FarEnd) -> list[bytes]:
    """What a far end may answer to the INVITE."""
    kept = [field for field in end.last("INVITE").headers.fields if field[0] in ("via", "from", "call-id", "cseq")]
    to = end.last("INVITE").headers.first("to")
    found = []
    for status, more in (
        (100, ()),
        (180, (_ROUTE,)),
        (200, (_ROUTE,)),
        (407, (_CHALLENGE,)),
        (422, (("min-se", "91"),)),
    ):
        fields = (*kept, ("to", f"{to};tag=far"), ("contact", "<sip:5600@192.0.2.9:5060;x=y>"), *more)
        found.append(written(Response(status, "So", Headers(fields), SDP)))
    return found


def _requests(end: FarEnd) -> list[bytes]:
    """What a far end may ask in the call."""
    sent = end.last("INVITE").headers
    fields = (
        ("via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK2"),
        ("from", f"{sent.first('to')};tag=far"), ("to", f"{sent.first('from')}"),
        ("call-id", f"{sent.first('call-id')}"),
    )  # fmt: skip
    methods = ("BYE", "INVITE", "OPTIONS", "ACK", "CANCEL")
    return [written(Request(one, "sip:x", Headers((*fields, ("cseq", f"7 {one}"))), SDP)) for one in methods]


def _copied(end: FarEnd) -> FarEnd:
    account = end.call._what.account
    return deepcopy(end, {id(account): account})  # a secret is not copied


def test_whatever_answers_a_call_or_asks_in_it_the_call_can_be_ended() -> None:
    ringing, talking = FarEnd.called(login=True), FarEnd.called(login=True)
    talking.say(200, body=SDP)
    corpus = [*_answers(ringing), *_answers(talking), *_requests(talking)]

    for octets in mutated(corpus):
        try:
            message = parsed(octets)
        except SipSyntaxError:
            continue
        for end in map(_copied, (ringing, talking)):
            end.call.receive(message, 1.0)
            end.call.hang_up(2.0)

            sent = end.call.sends()
            assert len(sent) <= 4 and sum(map(len, sent)) < 256 * 1024
            end.call.tick(200.0)
            assert end.call.settled(200.0)
