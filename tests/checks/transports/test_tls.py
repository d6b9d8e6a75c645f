"""TLS handshakes: what is seen of a chain, whatever is wrong with it, and what hostile servers can do about it."""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from pathlib import Path

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.tls import MOST_CERTIFICATES, TlsTransport
from testbeds import network, tls_peers
from testbeds.certificates import Authority, expired
from testbeds.peers import free_port

AUTHORITY = Authority()


@pytest.fixture
async def transport():
    made = TlsTransport()
    yield made
    await made.close()


@pytest.fixture
def ca(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(AUTHORITY.pem)
    return str(path)


async def _shaken(transport, port, seconds=5.0, **more):
    deadline = asyncio.get_running_loop().time() + seconds
    return await transport.handshake("127.0.0.1", port, deadline=deadline, **{"server_name": "localhost"} | more)


async def test_the_whole_chain_is_seen_and_trusted_by_the_authority_given(transport, ca):
    issued = AUTHORITY.issue(intermediate=True)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued)) as served:
        made = await _shaken(transport, served.port, ca=ca)

    assert made.sent[0] == issued.der
    assert (made.count, len(made.path), made.complaints) == (2, 3, ())
    assert (made.version, made.broken, made.trust_fault, made.wants_certificate) == ("TLSv1.3", "", "", False)
    assert made.path[:2] == made.sent


async def test_the_name_is_asked_for_by_sni_and_an_address_never_is(transport):
    asked = []
    context = tls_peers.server_context(AUTHORITY.issue())
    context.sni_callback = lambda session, name, own: asked.append(name)

    async with tls_peers.serving(tls_peers.only_shake, context) as served:
        await _shaken(transport, served.port, server_name="www.test")
        await _shaken(transport, served.port, server_name="127.0.0.1", sni=False)

    assert asked == ["www.test", None]


async def test_nothing_of_the_chain_is_lost_when_nobody_trusts_it(transport):
    issued = expired(AUTHORITY)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued)) as served:
        made = await _shaken(transport, served.port)

    assert made.sent == (issued.der,)
    assert [(complaint.code, complaint.depth) for complaint in made.complaints][:1] == [(20, 0)]


async def test_a_certificate_that_stands_itself_in_the_file_is_trusted(transport, tmp_path):
    issued = AUTHORITY.issue(intermediate=True)
    path = tmp_path / "leaf.pem"
    path.write_text(issued.leaf_pem)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued)) as served:
        made = await _shaken(transport, served.port, ca=str(path))

    assert made.complaints == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), ("nothing of the kind", "must hold certificates"), ("BROKEN", "certificate 2 in it")],
)
async def test_an_authority_file_that_cannot_be_read_is_said_and_the_chain_is_seen_all_the_same(
    transport, tmp_path, content, said
):
    path = tmp_path / "ca.pem"
    if content is not None:
        broken = AUTHORITY.pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        path.write_text(broken if content == "BROKEN" else content)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as served:
        made = await _shaken(transport, served.port, ca=str(path))

    assert made.count == 1
    assert said in made.trust_fault


async def test_an_authority_file_that_hangs_costs_the_chain_and_nothing_else(transport, tmp_path):
    path = tmp_path / "pipe.pem"
    os.mkfifo(path)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as served:
        made = await _shaken(transport, served.port, ca=str(path), seconds=0.6)
        again = await _shaken(transport, served.port, ca=str(path), seconds=0.6)
    os.close(os.open(path, os.O_WRONLY))  # whoever reads it may end

    assert [shaken.count for shaken in (made, again)] == [1, 1]
    assert "cannot be read in time" in again.trust_fault


async def test_the_systems_store_is_the_one_that_openssl_is_told_of(transport, ca, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", ca)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as served:
        made = await _shaken(transport, served.port)

    assert (made.complaints, made.trust_fault, len(made.path)) == ((), "", 2)


async def test_a_changed_authority_file_is_seen_after_a_while(tmp_path, ca):
    now = [0.0]
    transport = TlsTransport()
    transport.trust._monotonic = lambda: now[0]
    other = Path(ca)
    other.write_text(Authority("another").pem)

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as served:
        before = await _shaken(transport, served.port, ca=ca)
        other.write_text(AUTHORITY.pem)
        soon = await _shaken(transport, served.port, ca=ca)
        now[0] += 601
        later = await _shaken(transport, served.port, ca=ca)
    await transport.close()

    assert [bool(made.complaints) for made in (before, soon, later)] == [True, True, False]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_insists_on_a_clients_certificate_is_no_failure(transport, version):
    issued = AUTHORITY.issue()
    context = tls_peers.server_context(issued)
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=AUTHORITY.pem)

    async with tls_peers.serving(tls_peers.only_shake, context) as served:
        made = await _shaken(transport, served.port)

    assert (made.wants_certificate, made.broken) == (True, "")
    assert made.sent[0] == issued.der


async def test_more_certificates_than_anybody_has_are_counted_and_not_kept(transport):
    issued = AUTHORITY.issue()
    pem = issued.leaf_pem + Authority("other").pem * 40

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued, pem)) as served:
        made = await _shaken(transport, served.port)

    assert (made.count, len(made.sent)) == (41, MOST_CERTIFICATES)


async def test_a_thousand_certificates_are_refused(transport):
    issued = AUTHORITY.issue()
    pem = issued.leaf_pem + Authority("other").pem * 1000

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued, pem)) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port)

    assert caught.value.reason is Reason.LIMIT
    assert "far more than a handshake needs" in caught.value.message


def _record(handshake: bytes) -> bytes:
    """A handshake message in TLS records of 16 KiB."""
    pieces = [handshake[at : at + 16_384] for at in range(0, len(handshake), 16_384)]
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2) + piece for piece in pieces)


SERVER_HELLO = b"\x02\x00\x00\x2d\x03\x03" + bytes(range(32)) + b"\x00\xc0\x2f\x00\x00\x05\xff\x01\x00\x01\x00"


@pytest.mark.parametrize(
    ("certificates", "reason", "said"),
    [
        (b"\x00\x00\x06\x00\x00\x03\x30\x01\x00", Reason.PROTOCOL, "is not well-formed"),
        (b"\x00\x00\x00", Reason.PROTOCOL, "the TLS handshake fails"),
        (b"\xff\xff\xff" + bytes(10_000_000), Reason.LIMIT, "far more than a handshake needs"),
    ],
    ids=["malformed DER", "none", "10 MB"],
)
async def test_certificates_that_are_none_end_the_handshake(transport, certificates, reason, said):
    async def speak(reader, writer):
        await reader.read(4096)
        length = min(len(certificates), 0xFFFFFF)
        writer.write(_record(SERVER_HELLO) + _record(b"\x0b" + length.to_bytes(3) + certificates))
        await writer.drain()

    async with tls_peers.serving(speak) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port)

    assert caught.value.reason is reason
    assert said in caught.value.message


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0" * 100,
        b"220 mail\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
async def test_what_is_not_tls_is_said_in_words(transport, said):
    async def speak(reader, writer):
        writer.write(said)
        await writer.drain()

    async with tls_peers.serving(speak) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port)

    assert caught.value.reason is Reason.PROTOCOL
    assert "the TLS handshake fails" in caught.value.message


async def test_a_server_that_hangs_up_is_said_to(transport):
    async def leave(reader, writer):
        writer.close()

    async with tls_peers.serving(leave) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port)

    assert caught.value.reason is Reason.PROTOCOL


@pytest.mark.parametrize("drips", [False, True])
async def test_a_server_that_is_silent_or_drips_is_given_up_at_the_deadline(transport, drips):
    async def behave(reader, writer):
        writer.write(_record(SERVER_HELLO)[:20])
        while drips:
            writer.write(b"\x01")
            await asyncio.sleep(0.01)
        await reader.read()

    async with tls_peers.serving(behave) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port, seconds=0.3)

    assert caught.value.reason is Reason.PROTOCOL


async def test_a_port_nobody_listens_on_is_refused(transport):
    with pytest.raises(TransportFault) as caught:
        await _shaken(transport, free_port())

    assert caught.value.reason is Reason.REFUSED


def test_a_target_that_swallows_everything_gives_no_answer():
    tests = str(Path(network.__file__).parents[1])
    said = network.run_python(
        f"""
        import asyncio, sys, time
        sys.path.insert(0, {tests!r})
        from checks.transports.tls import TlsTransport
        from checks.transports.fault import TransportFault
        async def ask(host):
            transport = TlsTransport()
            try:
                await transport.handshake(host, 443, deadline=time.monotonic() + 0.5, server_name="x")
            except TransportFault as error:
                print(error.reason.value)
            await transport.close()
        asyncio.run(ask("10.11.0.2"))
        asyncio.run(ask("203.0.113.1"))
        """,
        (*network.SILENT, "ip route add unreachable 203.0.113.1"),
    )

    assert said.splitlines() == ["no-answer", "unreachable"]


async def test_no_socket_stays_open_whatever_happened(transport):
    async def hang(reader, writer):
        await reader.read()

    before = _sockets()
    async with (
        tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as good,
        tls_peers.serving(hang) as hanging,
    ):
        for _ in range(5):
            await _shaken(transport, good.port)
            waiting = asyncio.create_task(_shaken(transport, hanging.port))
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            with pytest.raises(TransportFault):
                await _shaken(transport, hanging.port, seconds=0.02)
    async with asyncio.timeout(5):
        while _sockets() - before:
            await asyncio.sleep(0)


def _sockets():
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{name}"))
    return {link for link in found if link.startswith("socket:")}


async def test_connections_are_freed_with_their_handshake(transport):
    import gc
    import weakref

    from OpenSSL import SSL

    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(AUTHORITY.issue())) as served:
        for _ in range(5):
            await _shaken(transport, served.port)

    gc.collect()
    assert isinstance(SSL.Connection._reverse_mapping, weakref.WeakValueDictionary)
    assert len(SSL.Connection._reverse_mapping) == 0


async def test_the_server_is_left_in_order_and_not_by_a_reset_though_it_speaks_on(transport):
    context = tls_peers.server_context(AUTHORITY.issue())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        ended = asyncio.create_task(asyncio.to_thread(_speak_on, listener, context))
        await _shaken(transport, listener.getsockname()[1])

        assert await ended == "in order"


def _speak_on(listener, context):
    """Says more after the handshake, as many a server does, and tells how the connection ended."""
    plain, _ = listener.accept()
    plain.settimeout(5)
    with context.wrap_socket(plain, server_side=True) as opened:
        for _ in range(3):
            opened.send(b"220 and another thing\r\n")
            time.sleep(0.02)
        with socket.socket(fileno=opened.detach()) as bare:
            try:
                while bare.recv(1000):
                    pass
            except ConnectionResetError:
                return "by a reset"
    return "in order"
