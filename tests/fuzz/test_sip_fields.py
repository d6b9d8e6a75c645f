"""Header fields, digest challenges and lists of bindings, mutated: read, or refused with a reason; never echoed raw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from checks.telephony.register.bindings import bindings, parted, shown
from checks.transports.sip import Headers, SipSyntaxError
from checks.transports.sip.digest import NoSuchDigest, answer
from checks.transports.sip.fields import address, challenges, cseq, host_of, retry_after, top_via
from checks.transports.sip.message import parsed
from testbeds.mutation import INPUTS, mutated

CHALLENGES = (
    b'WWW-Authenticate: Digest realm="forum", nonce="47364c23432d", opaque="", stale=FALSE, algorithm=MD5, qop="auth"',
    b'Proxy-Authenticate: Digest realm="a, \\"b\\"",\r\n nonce="n",algorithm=SHA-256,qop="auth,auth-int",stale=true',
)
FIELDS = (
    *CHALLENGES,
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport=5060;received=[2001:db8::1], SIP / 2.0 / TLS a:1",
    b'Contact: "A <b>" <sip:ridgeway-1@192.0.2.1:5060;transport=tcp>;expires=60;q=0.5, <mailto:b@example.com>',
    b"m: sip:4711@[2001:db8::7]:5062;expires=4294967295",
    b'From: "A, \\"B\\"" <sips:a%40b@example.com;x=1?h=v>;tag=77',
    b"CSeq: 2147483647 REGISTER\r\nRetry-After: 18 (busy);duration=5",
)
READERS: tuple[Callable[[Headers], Any], ...] = (
    top_via,
    cseq,
    retry_after,
    lambda said: address(said.first("from"), "From"),
    lambda said: host_of(said.first("contact") or ""),
    lambda said: [shown(one) for one in parted(bindings(said), "ridgeway-1")[1]],
)


def test_every_field_is_read_or_refused_with_a_reason() -> None:
    read = 0
    for said in _headers(FIELDS):
        for reader in READERS:
            read += _refusal(reader, said) == ""

    assert read > INPUTS / 10  # mutations that leave nothing to be read would prove nothing


def test_a_challenge_is_answered_in_one_line_or_refused_and_no_secret_is_told() -> None:
    answered = 0
    for said in _headers(CHALLENGES):
        for name in ("www-authenticate", "proxy-authenticate"):
            try:
                value = answer(challenges(said, name), "4711", "secret-horse", "REGISTER", "sip:a", "cnonce")
            except (SipSyntaxError, NoSuchDigest) as error:
                assert "secret-horse" not in str(error)
                assert str(error).isprintable()
                continue
            answered += 1
            assert value.isprintable() and "secret-horse" not in value
            (again,) = challenges(Headers((("authorization", value),)), "authorization")
            assert again.parameters["uri"] == "sip:a"

    assert answered > INPUTS / 20


def _headers(corpus: Sequence[bytes]) -> Iterator[Headers]:
    for octets in mutated(corpus):
        try:
            yield parsed(b"SIP/2.0 401 Who\r\n" + octets + b"\r\n\r\n").headers
        except SipSyntaxError as error:
            assert str(error)


def _refusal(reader: Callable[[Headers], Any], said: Headers) -> str:
    try:
        reader(said)
    except SipSyntaxError as error:
        return str(error) or "no reason"
    return ""
