"""SIP messages of every kind, mutated: each is read or refused with a reason, whether it comes whole or in pieces."""

from __future__ import annotations

from checks.transports.sip import SipSyntaxError
from checks.transports.sip.message import LARGEST, Message, Stream, parsed
from testbeds.mutation import mutated

CORPUS = (
    b"OPTIONS sip:carol@192.0.2.4 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKhjhs8ass877;rport\r\n"
    b"Max-Forwards: 70\r\nTo: <sip:carol@192.0.2.4>\r\nFrom: Alice <sip:alice@192.0.2.1>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710\r\nCSeq: 63104 OPTIONS\r\nContact: <sip:alice@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
    b"SIP/2.0 401 Unauthorized\r\nv: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1;received=198.51.100.7\r\n"
    b't: "A \\"B\\"" <sip:b@[2001:db8::1]:5061>;tag=8\r\nf: sip:a@example.com\r\ni: 1@192.0.2.1\r\nCSeq: 1 INVITE\r\n'
    b'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth,auth-int", stale=true\r\n'
    b"l: 0\r\n\r\n",
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2,\r\n SIP/2.0/UDP 192.0.2.9\r\nTo: <sip:b@b>\r\n"
    b"From: <sip:a@a>;tag=1\r\nCall-ID: 2\r\nCSeq: 2 INVITE\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n\r\nv=0\r\n",
)


def test_a_datagram_is_read_or_refused_with_a_reason() -> None:
    for octets in mutated(CORPUS):
        assert _read(octets) is not None


def test_a_stream_is_read_or_given_up_and_keeps_no_more_than_a_message() -> None:
    for octets in mutated(CORPUS):
        stream, kept = Stream(), 0

        try:
            for at in range(0, len(octets), 777):
                list(stream.fed(octets[at : at + 777]))
                kept = max(kept, stream.waiting)
        except SipSyntaxError as error:
            assert str(error)

        assert kept <= 2 * LARGEST


def _read(octets: bytes) -> Message | str:
    try:
        return parsed(octets)
    except SipSyntaxError as error:
        return str(error)
