"""Peers that drip, flood, lie and hang: each is left in time, after a bounded number of octets, with all closed."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import ssl
import threading
from collections.abc import Callable
from random import Random

import pytest

from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Limits, TlsFault, TlsProblem, Url
from config.estate import Credential
from testbeds.certificates import Authority

HEAD = b"HTTP/1.1 200 OK\r\n"
BIG = b"x" * 65_536


async def ask(url: str, seconds: float = 0.4, **more: object) -> HttpReply:
    """One question with transports of its own; no thread still waits afterwards."""
    transports = Transports.open()
    try:
        question = HttpQuestion("web", "127.0.0.1", Url.read(url, "127.0.0.1"), **more)
        return await transports.http.ask(question, deadline=asyncio.get_running_loop().time() + seconds)
    finally:
        await transports.close()
        async with asyncio.timeout(10):
            while transports.aside.busy:
                await asyncio.sleep(0.01)


async def fault_of(url: str, seconds: float = 0.4, **more: object) -> TransportFault:
    with pytest.raises(TransportFault) as caught:
        await ask(url, seconds, **more)
    return caught.value


def heard(link: socket.socket) -> bytes:
    """The request, up to its empty line."""
    came = b""
    while b"\r\n\r\n" not in came:
        part = link.recv(65_536)
        if not part:
            break
        came += part
    return came


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """Hears the request, says these parts and hangs up."""

    def script(link: socket.socket) -> None:
        heard(link)
        for part in parts:
            link.sendall(part)

    return script


def drips(before: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Says something, and then a drop of it again and again, for ever; the peer's time-out never sees a silence."""

    def script(link: socket.socket) -> None:
        heard(link)
        link.sendall(before)
        while not threading.Event().wait(0.02):
            link.sendall(drop)

    return script


def floods(before: bytes, flood: bytes) -> Callable[[socket.socket], None]:
    def script(link: socket.socket) -> None:
        heard(link)
        link.sendall(before)
        while True:
            link.sendall(flood)

    return script


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEAD + b"\r\n", b"x"),
        (HEAD, b"x"),
        (b"", b"H"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "body to the end", "header", "status", "chunks", "size of a chunk", "interim answers"],
)
async def test_an_answer_that_drips_is_cut_at_the_deadline_and_never_taken_for_whole(scripted, before, drop):
    server = scripted(drips(before, drop))

    fault = await fault_of(f"http://:{server.port}/")

    assert fault.reason is Reason.LIMIT
    assert fault.message.endswith("accepted the connection, but no whole answer came within the time")


@pytest.mark.parametrize(
    ("before", "flood", "words"),
    [
        (HEAD, b"".join(b"X-%d: %s\r\n" % (number, b"y" * 2000) for number in range(600)), "of headers"),
        (HEAD, b"X: y\r\n" * 5_000, "than 100 headers"),
        (HEAD + b"X: ", BIG, "than 65536 octets"),
        (b"HTTP/1.1 200 ", BIG, "than 65536 octets"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "of headers"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 1000 + b"\r\nx\r\n", "octets around a body"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 5_000, "octets around a body"),
    ],
    ids=["headers", "many headers", "one header", "status line", "interim answers", "chunk extensions", "trailers"],
)
async def test_a_flood_around_the_body_is_refused_after_a_bounded_number_of_octets(scripted, before, flood, words):
    server = scripted(floods(before, flood))

    fault = await fault_of(f"http://:{server.port}/", seconds=10, limits=Limits(body=100_000))

    assert (fault.reason, words in fault.message) == (Reason.LIMIT, True), fault.message


@pytest.mark.parametrize(
    ("before", "flood"),
    [
        (HEAD + b"Content-Length: 9999999999\r\n\r\n", BIG),
        (HEAD + b"\r\n", BIG),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + BIG + b"\r\n"),
    ],
    ids=["announced", "to the end", "endless chunks"],
)
async def test_a_body_without_end_is_cut_at_its_limit_and_says_so(scripted, before, flood):
    server = scripted(floods(before, flood))

    reply = await ask(f"http://:{server.port}/", seconds=10, limits=Limits(body=100_000))

    assert (len(reply.body), reply.truncated) == (100_000, True)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
async def test_a_compressed_bomb_stops_at_the_limit(scripted, encoding):
    import zlib

    bomb = b"\0" * 200_000_000
    packed = zlib.compress(bomb, 9) if encoding == "deflate" else gzip.compress(bomb, 9)
    server = scripted(says(HEAD + b"Content-Encoding: " + encoding.encode() + b"\r\n\r\n", packed))

    reply = await ask(f"http://:{server.port}/", seconds=10)

    assert (len(reply.body), reply.truncated) == (1_048_576, True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "hangs up without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"\x00\xff" * 40 + b"\r\n", "does not speak HTTP"),
        (b"<html>HTTP/0.9 has no status line</html>", "does not speak HTTP"),
        (b"HTTP/1.1 900 What\r\n\r\n", None),
        (b"HTTP/1.1 abc OK\r\n\r\n", "does not speak HTTP"),
        (HEAD + b"Content-Length: 100\r\n\r\nshort", "ends before all"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "ends before all"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", "ends before all"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nno gzip", "cannot be decoded"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(os.urandom(5000))[:1000], "ends in its middle"),
        (HEAD + b"Content-Encoding: br\r\n\r\nxx", "encoded as br"),
    ],
)
async def test_what_is_no_whole_answer_of_http_is_a_fault_that_says_why(scripted, said, words):
    server = scripted(says(said))

    if words is None:
        assert (await ask(f"http://:{server.port}/", seconds=10)).status == 900
        return
    fault = await fault_of(f"http://:{server.port}/", seconds=10)

    assert (fault.reason, words in fault.message) == (Reason.PROTOCOL, True), fault.message


async def test_a_connection_that_the_peer_half_closed_is_answered_or_ends(scripted):
    def half(link: socket.socket) -> None:
        heard(link)
        link.sendall(HEAD + b"Content-Length: 4\r\n\r\nokay")
        link.shutdown(socket.SHUT_WR)
        link.recv(1)

    server = scripted(half)

    assert (await ask(f"http://:{server.port}/", seconds=10)).body == b"okay"


async def test_a_peer_that_never_reads_nor_writes_is_left_at_the_deadline(scripted):
    server = scripted(lambda link: threading.Event().wait(0.8))

    fault = await fault_of(f"http://:{server.port}/")

    assert fault.reason is Reason.LIMIT


async def test_a_public_page_does_not_take_back_the_refusal_of_a_private_one_beside_it(scripted):
    refused = threading.Event()
    asked_for = []

    def script(link: socket.socket) -> None:
        path = heard(link).split()[1]
        asked_for.append(path)
        if path == b"/private":
            link.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            link.close()
            refused.set()
        else:
            refused.wait(5)
            threading.Event().wait(0.1)  # the refusal must have been noted before this answer comes
            link.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

    server = scripted(script)
    transports = Transports.open()
    loop = asyncio.get_running_loop()
    wrong = Credential("reader", "password", {"user": "u", "password": "wrong"})
    urls = [Url.read(f"http://:{server.port}/{path}", "127.0.0.1") for path in ("public", "private")]

    for _ in range(4):
        questions = [HttpQuestion("web", "127.0.0.1", url, credential=wrong) for url in urls]
        asked = [transports.http.ask(question, deadline=loop.time() + 10) for question in questions]
        await asyncio.gather(*asked, return_exceptions=True)

    assert asked_for.count(b"/private") == 1
    await transports.close()


@pytest.mark.parametrize("drop", [b"", b"\x02"], ids=["silent", "dripping"])
async def test_a_handshake_that_never_ends_is_cut_at_the_deadline(scripted, drop):
    def never(link: socket.socket) -> None:
        link.recv(65_536)
        link.sendall(b"\x16\x03\x03\x3f\xff" if drop else b"")  # the head of the longest record there is
        while drop and not threading.Event().wait(0.02):
            link.sendall(drop)
        link.recv(1)

    server = scripted(never)

    fault = await fault_of(f"https://:{server.port}/")

    assert fault.reason is Reason.LIMIT


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\n"], ids=["silent", "dripping"])
async def test_what_drips_inside_tls_is_cut_at_the_deadline_too(scripted, before, tmp_path):
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue().write(tmp_path))

    def script(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as inside:
            if before:
                drips(before, b"x")(inside)
            heard(inside)
            inside.recv(1)

    server = scripted(script)

    fault = await fault_of(f"https://:{server.port}/", ca=str(tmp_path / "ca.pem"))

    assert fault.reason is Reason.LIMIT and "no whole answer" in fault.message


async def test_plain_http_behind_https_is_told_from_a_bad_certificate(scripted):
    server = scripted(lambda link: (link.recv(1000), link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))[1])

    fault = await fault_of(f"https://:{server.port}/", seconds=10)

    assert isinstance(fault, TlsFault) and fault.problem is TlsProblem.NOT_TLS
    assert "should the URL begin with http://" in fault.message


async def test_a_peer_that_hangs_up_in_the_handshake_is_told_so(scripted):
    server = scripted(lambda link: link.recv(1000))

    fault = await fault_of(f"https://:{server.port}/", seconds=10)

    assert fault.reason is Reason.PROTOCOL and "TLS handshake" in fault.message


async def test_words_of_the_peer_are_made_printable_before_anybody_sees_them(scripted):
    server = scripted(says(b"HTTP/1.1 200 O\x1bK\r\nX-Told: a\x07b\r\nx-told: c\r\nServer: \xff\x00x\r\n\r\n"))

    reply = await ask(f"http://:{server.port}/", seconds=10)

    assert reply.reason == "O.K"
    assert reply.headers["x-told"] == "a.b, c"
    assert all(value.isprintable() for value in reply.headers.values())


async def test_forty_questions_to_a_peer_that_hangs_leave_no_socket_and_no_thread_waiting(scripted):
    server = scripted(drips(HEAD, b"x"))
    transports = Transports.open()
    loop = asyncio.get_running_loop()
    url = Url.read(f"http://:{server.port}/", "127.0.0.1")

    asked = [transports.http.ask(HttpQuestion("web", "127.0.0.1", url), deadline=loop.time() + 0.4) for _ in range(40)]
    ended = await asyncio.gather(*asked, return_exceptions=True)

    assert {type(one) for one in ended} == {TransportFault}
    for _ in range(250):  # a thread ends a moment after the answer that it gave
        if not transports.aside.busy:
            break
        await asyncio.sleep(0.02)
    assert (transports.aside.busy, transports.aside.hanging) == (0, 0)
    await transports.close()


async def test_a_question_that_is_cancelled_closes_its_connection(scripted):
    came = threading.Event()

    def told(link: socket.socket) -> None:
        heard(link)
        came.set()
        link.recv(1)

    server = scripted(told)
    transports = Transports.open()
    loop = asyncio.get_running_loop()
    url = Url.read(f"http://:{server.port}/", "127.0.0.1")
    asking = asyncio.ensure_future(
        transports.http.ask(HttpQuestion("web", "127.0.0.1", url), deadline=loop.time() + 60)
    )
    await asyncio.to_thread(came.wait, 10)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    while transports.aside.busy:
        await asyncio.sleep(0.01)

    await transports.close()


ANSWERS = (
    HEAD + b"Content-Type: text/html\r\nContent-Length: 12\r\n\r\nall is well\n",
    HEAD + b"Transfer-Encoding: chunked\r\nX-A: b\r\n c\r\n\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n",
    HEAD + b"Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + gzip.compress(b"hello"),
)


def mutated(random: Random) -> bytes:
    """An answer in which some octets are changed, doubled, or lost."""
    answer = bytearray(random.choice(ANSWERS))
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(answer))
        what = random.randrange(4)
        if what == 0:
            answer[at] = random.randrange(256)
        elif what == 1:
            answer[at:at] = answer[at : at + random.randint(1, 20)]
        elif what == 2:
            del answer[at : at + random.randint(1, 5)]
        else:
            answer[at:at] = random.choice([b"\r\n", b"\n", b"\0", b":", b"-1", b"99999999999999999999", b"\xff\xfe"])
    return bytes(answer)


async def test_four_hundred_broken_answers_are_replies_or_faults_and_never_anything_else(scripted):
    random = Random(20261123)
    said = [mutated(random) for _ in range(400)]
    turn = iter(said)
    server = scripted(lambda link: says(next(turn))(link))
    transports = Transports.open()
    url = Url.read(f"http://:{server.port}/", "127.0.0.1")
    loop = asyncio.get_running_loop()
    ended = []

    for _ in said:
        try:
            question = HttpQuestion("web", "127.0.0.1", url, follow=True)
            ended.append((await transports.http.ask(question, deadline=loop.time() + 5)).status)
        except TransportFault as fault:
            assert fault.message.isprintable()
            ended.append(fault.reason)

    assert Reason.PROTOCOL in ended and 200 in ended
    assert transports.aside.hanging == 0
    await transports.close()
