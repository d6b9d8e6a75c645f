"""STARTTLS in every protocol, against scripted servers: as it should be, not offered, refused, and injected into."""

import asyncio
import contextlib

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.starttls import StartTls
from checks.transports.tls import TlsTransport
from testbeds import tls_peers
from testbeds.certificates import Authority

AUTHORITY = Authority()
ISSUED = AUTHORITY.issue(["mail.test"])


@pytest.fixture
async def transport():
    made = TlsTransport()
    yield made
    await made.close()


async def _shaken(transport, port, protocol, seconds=5.0):
    deadline = asyncio.get_running_loop().time() + seconds
    return await transport.handshake(
        "127.0.0.1", port, deadline=deadline, server_name="mail.test", starttls=StartTls(protocol)
    )


async def _fault(transport, script, protocol, seconds=5.0):
    async with tls_peers.serving(tls_peers.after(script, tls_peers.server_context(ISSUED))) as served:
        with pytest.raises(TransportFault) as caught:
            await _shaken(transport, served.port, protocol, seconds)
    return caught.value


FAREWELLS = {
    "smtp": b"QUIT\r\n", "imap": b"a2 LOGOUT\r\n", "pop3": b"QUIT\r\n", "ftp": b"QUIT\r\n", "sieve": b"LOGOUT\r\n",
    "nntp": b"QUIT\r\n", "xmpp": b"</stream:stream>", "ldap": b"\x30\x05\x02\x01\x02\x42\x00",
}  # fmt: skip


@pytest.mark.parametrize("protocol", [*tls_peers.SCRIPTS, *tls_peers.WRAPPED])
async def test_each_protocol_comes_to_tls_and_takes_its_leave(transport, protocol):
    context = tls_peers.server_context(ISSUED)
    wrapped = tls_peers.WRAPPED.get(protocol)
    behave = wrapped(context) if wrapped else tls_peers.after(tls_peers.SCRIPTS[protocol], context)

    async with tls_peers.serving(behave) as served:
        made = await _shaken(transport, served.port, protocol)
        async with asyncio.timeout(5):
            while not served.parted:
                await asyncio.sleep(0)

    assert made.sent == (ISSUED.der,)
    assert made.broken == ""
    assert made.version == ("TLSv1.2" if protocol == "mssql" else "TLSv1.3")
    if not wrapped:
        assert served.parted == [FAREWELLS.get(protocol, b"")]


@pytest.mark.parametrize("protocol", [protocol.value for protocol in StartTls])
async def test_every_protocol_that_may_be_asked_for_is_proved_here(protocol):
    assert protocol in {*tls_peers.SCRIPTS, *tls_peers.WRAPPED}


lines, octets = tls_peers.lines, tls_peers.octets
REFUSALS = {
    "smtp": lines(b"220 mail\r\n", (b"EHLO", b"250-mail\r\n250 SIZE\r\n")),
    "smtp, when asked": lines(b"220 mail\r\n", (b"EHLO", b"250 STARTTLS\r\n"), (b"STARTTLS", b"454 not now\r\n")),
    "imap": lines(b"* OK ready\r\n", (b"a1 STARTTLS", b"a1 BAD what\r\n")),
    "pop3": lines(b"+OK ready\r\n", (b"STLS", b"-ERR what\r\n")),
    "ftp": lines(b"220 ready\r\n", (b"AUTH TLS", b"502 what\r\n")),
    "sieve": lines(b'"IMPLEMENTATION" "x"\r\nOK\r\n'),
    "nntp": lines(b"200 news\r\n", (b"STARTTLS", b"580 no\r\n")),
    "xmpp": lines(b"<stream:stream><stream:features><mechanisms/></stream:features>"),
    "ldap": octets((31, tls_peers.ldap_answer(2))),
    "ldap, as Active Directory writes": octets((31, tls_peers.ldap_answer(52, long_form=True))),
    "postgres": octets((8, b"N")),
    "mysql": octets(greeting=tls_peers.mysql_greeting(0)),
    "mssql": octets((26, tls_peers.mssql_answer(2))),
    "rdp": octets((19, tls_peers.rdp_answer(3, 2))),
    "rdp, of old": octets((19, bytes.fromhex("0300000b06d00000123400"))),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_server_that_offers_no_tls_is_said_to(transport, case):
    fault = await _fault(transport, REFUSALS[case], case.partition(",")[0])

    assert fault.reason is Reason.PROTOCOL
    assert "TLS is not offered" in fault.message


INJECTIONS = {
    "smtp": lines(
        b"220 mail\r\n", (b"EHLO", b"250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n250 Ok, not under TLS\r\n")
    ),
    "imap": lines(b"* OK\r\n", (b"a1 STARTTLS", b"a1 OK\r\n* PREAUTH\r\n")),
    "postgres": octets((8, b"SR\0\0\0\x08\0\0\0\0")),
    "ldap": octets((31, tls_peers.ldap_answer(0) + b"\x30\x00")),
    "xmpp": lines(
        b"<stream:features><starttls/></stream:features><proceed/><success/>",
    ),
}


@pytest.mark.parametrize("protocol", INJECTIONS)
async def test_plain_text_after_the_agreement_is_refused(transport, protocol):
    fault = await _fault(transport, INJECTIONS[protocol], protocol)

    assert "plain text after it agreed to TLS" in fault.message


@pytest.mark.parametrize(
    ("protocol", "greeting", "reason"),
    [
        ("smtp", b"554 go away\x07\r\n", Reason.PROTOCOL),
        ("smtp", b"SSH-2.0-OpenSSH\r\n", Reason.PROTOCOL),
        ("smtp", b"220-more\r\n" * 200, Reason.LIMIT),
        ("smtp", b"2" * 5000, Reason.LIMIT),
        ("imap", b"* PREAUTH hello\r\n", Reason.PROTOCOL),
        ("pop3", b"-ERR busy\r\n", Reason.PROTOCOL),
        ("sieve", b'"A" "b"\r\n' * 200, Reason.PROTOCOL),
        ("mysql", b"\x1a\0\0\0\xff\x69\x04Host '192.0.2.1' is blocked", Reason.REFUSED),
        ("mysql", b"\xff\xff\xff\0", Reason.PROTOCOL),
        ("mysql", b"\x01\0\0\0\x0a", Reason.PROTOCOL),
        ("rdp", b"HTTP/1.1 400 Bad\r\n\r\n", Reason.PROTOCOL),
        ("ldap", b"\x30\x84\xff\xff\xff\xff", Reason.PROTOCOL),
        ("ldap", b"\x30\x03\x02\x01\x01", Reason.PROTOCOL),
        ("ldap", b"\x30\x00", Reason.PROTOCOL),
        ("postgres", b"E", Reason.PROTOCOL),
        ("mssql", b"\x04\x01\x00\x08\0\0\0\0", Reason.PROTOCOL),
        ("mssql", b"\x04\x01\x00\x0b\0\0\0\0\x01\x00\x05", Reason.PROTOCOL),
        ("xmpp", b"<stream:error/>" + b"<a>" * 20_000, Reason.PROTOCOL),
        ("xmpp", b"<a>" * 20_000, Reason.LIMIT),
    ],
)
async def test_what_is_not_the_protocol_ends_at_once_and_in_words(transport, protocol, greeting, reason):
    async def speak(reader, writer):
        writer.write(greeting)
        await reader.read(1000)
        return False

    fault = await _fault(transport, speak, protocol)

    assert fault.reason is reason
    assert fault.message.isprintable()


@pytest.mark.parametrize("protocol", ["smtp", "imap", "xmpp", "sieve", "mssql"])
async def test_a_banner_without_end_is_cut_off(transport, protocol):
    async def chatter(reader, writer):
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"\x04\0\x10\0\0\0\0\0" + b"x" * 4088 if protocol == "mssql" else b"2" * 65_536)
                await writer.drain()
        return False

    fault = await _fault(transport, chatter, protocol)

    assert fault.reason is Reason.LIMIT


@pytest.mark.parametrize("protocol", ["smtp", "postgres", "mysql", "rdp", "xmpp"])
async def test_a_server_that_keeps_silent_is_a_fault_of_its_own_not_of_the_way(transport, protocol):
    async def silence(reader, writer):
        await reader.read()
        return False

    fault = await _fault(transport, silence, protocol, seconds=0.2)

    assert fault.reason is Reason.PROTOCOL
    assert "accepts connections but" in fault.message
