"""SIP messages: what is read, what is refused, and that nothing which comes can do harm."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.sip.fields import address, challenges, cseq, host_of, retry_after, top_via
from checks.transports.sip.message import (
    LARGEST,
    Headers,
    Message,
    Request,
    Response,
    SipSyntaxError,
    Stream,
    parsed,
    written,
)

OK = b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport=7\r\nl: 0\r\nCSeq: 7 OPTIONS\r\n\r\n"


def headers(*lines: str) -> Headers:
    return parsed(("SIP/2.0 200 OK\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode()).headers


def test_a_response_is_read_with_compact_names_and_its_body() -> None:
    message = parsed(b"SIP/2.0 404 Not  here\r\nL : 3\r\nX-Odd: a\r\n b\r\n\r\nabcdef")

    assert message == Response(404, "Not  here", Headers((("content-length", "3"), ("x-odd", "a b"))), b"abc")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "does not end"),
        (b"\r\n\r\n\r\n", "does not end"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "first line"),
        (b"SIP/2.0 99 Low\r\n\r\n", "first line"),
        (b"SIP/2.0 700 High\r\n\r\n", "status"),
        (b"SIP/3.0 200 OK\r\n\r\n", "version"),
        (b"SIP/2.0 200 OK\r\n folded\r\n\r\n", "folded"),
        (b"SIP/2.0 200 OK\r\nno colon\r\n\r\n", "no header field"),
        (b"SIP/2.0 200 OK\r\nX: \xff\r\n\r\n", "UTF-8"),
        (b"SIP/2.0 200 OK\r\nX: a\nY: b\r\n\r\n", "bare CR or LF"),
        (b"SIP/2.0 200 OK\r\nX: a\rY: b\r\n\r\n", "bare CR or LF"),
        (b"SIP/2.0 200 OK\r\nl: 5\r\n\r\nabc", "shorter"),
        (b"SIP/2.0 200 OK\r\nl: -1\r\n\r\n", "no number"),
        (b"SIP/2.0 200 OK\r\nl: 1\r\nl: 2\r\n\r\nab", "differ"),
        (b"SIP/2.0 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n", "more than 8192"),
        (b"SIP/2.0 200 OK\r\nX: a\r\n" + b" " + b"b" * 5000 + b"\r\n " + b"b" * 5000 + b"\r\n\r\n", "more than 8192"),
        (b"SIP/2.0 200 OK\r\n" + b"X: a\r\n" * 201 + b"\r\n", "more than 200"),
        (b"a" * (LARGEST + 1), "more than 65536"),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(SipSyntaxError, match=why):
        parsed(octets)


def test_a_stream_gives_messages_however_they_are_cut() -> None:
    whole = b"\r\n\r\n" + OK + b"SIP/2.0 180 Ringing\r\nContent-Length: 2\r\n\r\nhi" + OK

    for piece in range(1, 40):
        stream, got = Stream(), []
        for at in range(0, len(whole), piece):
            got += stream.fed(whole[at : at + piece])

        assert [message.status for message in got if isinstance(message, Response)] == [200, 180, 200]
        assert got[1].body == b"hi"


def test_a_stream_without_length_or_end_is_refused() -> None:
    with pytest.raises(SipSyntaxError, match="no Content-Length"):
        list(Stream().fed(b"SIP/2.0 200 OK\r\n\r\n"))
    with pytest.raises(SipSyntaxError, match="more than 65536"):
        list(Stream().fed(b"x" * (LARGEST + 1)))
    with pytest.raises(SipSyntaxError, match="more than 65536"):
        list(Stream().fed(b"SIP/2.0 200 OK\r\nl: 70000\r\n\r\n"))


def test_fields_are_understood() -> None:
    said = headers(
        "Via: SIP / 2.0 / TLS  [2001:db8::1]:5061 ; branch = z9hG4bK1 ;ttl=3, SIP/2.0/UDP other",
        'From: "A, \\"B\\" <x>" <sip:a@example.com;x=1>;tag=77',
        "Contact: sip:b@example.com;expires=3",
        "CSeq:  12   INVITE",
        'WWW-Authenticate: Digest realm="a, b", nonce="n", algorithm=SHA-256, qop="auth,auth-int"',
        "Retry-After: 18 (I am busy)",
    )

    assert (top_via(said).transport, top_via(said).host, top_via(said).port) == ("TLS", "[2001:db8::1]", 5061)
    assert top_via(said).branch == "z9hG4bK1"
    assert address(said.first("from"), "From").uri == "sip:a@example.com;x=1"
    assert address(said.first("from"), "From").tag == "77"
    assert address(said.first("contact"), "Contact").parameters == {"expires": "3"}
    assert cseq(said) == (12, "INVITE")
    assert challenges(said, "www-authenticate")[0].parameters["realm"] == "a, b"
    assert retry_after(said) == 18
    assert host_of("sips:u@[::1]:5061;x") == ("[::1]", 5061)


@pytest.mark.parametrize(
    "line",
    [
        "Via: UDP host",
        "Via: SIP/2.0/UDP",
        "Via: SIP/2.0/UDP host:99999",
        "Via: SIP/2.0/UDP host;=x",
        'Via: SIP/2.0/UDP h;a="',
    ],
)
def test_a_via_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(SipSyntaxError):
        top_via(headers(line))


@given(st.binary(max_size=400))
def test_no_octets_bring_it_down(octets: bytes) -> None:
    for data in (octets, OK[:40] + octets + b"\r\n\r\n", b"SIP/2.0 200 " + octets):
        try:
            message = parsed(data)
        except SipSyntaxError:
            continue
        look_at(message)


@pytest.mark.parametrize("value", ['a"<"', '"a" <sip:b', "<sip:b> c", '"', "<>", "<sip:a><sip:b>"])
def test_an_address_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SipSyntaxError):
        address(value, "From")


@given(st.lists(st.sampled_from(list('";<>,=\\ aZ:@/()%[]?.2\t'))).map("".join))
def test_no_field_brings_it_down(value: str) -> None:
    lines = (f"{name}: {value}" for name in ("Via", "From", "To", "CSeq", "WWW-Authenticate"))

    with contextlib.suppress(SipSyntaxError):
        look_at(headers(*lines))


def look_at(message: Message | Headers) -> None:
    """Everything that a client reads of a message; only SipSyntaxError may come of it."""
    said = message if isinstance(message, Headers) else message.headers
    for read in (
        lambda: top_via(said),
        lambda: cseq(said),
        lambda: address(said.first("from"), "From"),
        lambda: address(said.first("contact"), "Contact"),
        lambda: challenges(said, "www-authenticate"),
        lambda: retry_after(said),
        lambda: host_of(said.first("to") or ""),
    ):
        with contextlib.suppress(SipSyntaxError):
            read()


@given(
    st.integers(100, 699),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=20),
    st.binary(max_size=50),
)
def test_what_is_written_is_read_again(status: int, reason: str, body: bytes) -> None:
    sent = Response(status, reason, Headers((("via", "SIP/2.0/UDP a"), ("call-id", "x"))), body)

    got = parsed(written(sent))

    assert isinstance(got, Response)
    assert (got.status, got.reason, got.body, got.headers.first("call-id")) == (status, reason, body, "x")


REFUSED = {"badvers", "bigcode", "clerr", "ltgtruri", "lwsruri", "lwsstart", "mcl01", "ncl", "test", "trws"}
FIELD_REFUSED = {"badaspec", "insuf", "quotbal", "scalar02", "scalarlg"}
METHOD_DIFFERS = {"mismatch01", "mismatch02"}
"""What of RFC 4475 a client must not take. Of section 3.1.2 these are taken, since nothing of them matters to one
that only asks: `badinv01` (separators that are too many), `escruri` and `regbadct` (headers in a URI), `baddate` and
`baddn`."""


@pytest.mark.truth
def test_every_torture_message_has_the_verdict_of_its_section() -> None:
    folder = os.environ.get("RIDGEWAY_RECORDINGS")
    files = sorted(Path(folder, "telephony", "rfc4475").glob("*.dat")) if folder else []
    if not files:
        pytest.skip("no recordings")
    refused, in_fields, differing = set(), set(), set()

    for file in files:
        try:
            message = parsed(file.read_bytes())
        except SipSyntaxError:
            refused.add(file.stem)
            continue
        try:
            top_via(message.headers)
            address(message.headers.first("to"), "To")
            address(message.headers.first("from"), "From")
            _, method = cseq(message.headers)
        except SipSyntaxError:
            in_fields.add(file.stem)
            continue
        if isinstance(message, Request) and method != message.method:
            differing.add(file.stem)

    assert len(files) == 50
    assert (refused, in_fields, differing) == (REFUSED, FIELD_REFUSED, METHOD_DIFFERS)
