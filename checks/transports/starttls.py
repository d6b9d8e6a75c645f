"""From plain text to TLS, as each protocol has it; afterwards nothing but TLS may follow.

Nothing is ever said beyond what asks for TLS: no login, no mail, no query. The text protocols stand here, those of
octets in `starttls_binary`. Sources: RFC 3207 (SMTP), RFC 9051 and RFC 2595 (IMAP, POP3), RFC 4217 (FTP), RFC 6120
(XMPP), RFC 5804 (ManageSieve), RFC 4642 (NNTP).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from checks.contract import Reason
from checks.transports import starttls_binary as binary
from checks.transports.conversation import Conversation
from checks.transports.fault import TransportFault

_SHOWN = 100
_MOST_LINES = 100


class StartTls(StrEnum):
    """The protocols in which TLS can be asked for."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    FTP = "ftp"
    LDAP = "ldap"
    POSTGRES = "postgres"
    MYSQL = "mysql"
    XMPP = "xmpp"
    SIEVE = "sieve"
    NNTP = "nntp"
    MSSQL = "mssql"
    RDP = "rdp"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a protocol gets to TLS, and what it says over it before it hangs up, so that no log complains."""

    upgrade: Callable[[Conversation, str], Awaitable[None]]
    """Talks until the peer has agreed; the text is the name that is asked for. Raises TransportFault, Ended."""
    farewell: bytes = b""
    framed: bool = False
    """The handshake itself travels in TDS packets (MS-TDS 2.2.6.5)."""


async def upgrade(protocol: StartTls, wire: Conversation, name: str) -> None:
    """Talk until the peer has agreed to TLS. Raises TransportFault (messages lack where), Ended.

    What the peer said ahead of its own agreement to TLS is text that anybody on the way may have put there, and would
    later be taken for an answer given under TLS (as in CVE-2011-0411 and CVE-2021-23222): refused.
    """
    await DIALECTS[protocol].upgrade(wire, name)
    if wire.buffered:
        raise TransportFault(
            Reason.PROTOCOL,
            f"sent {len(wire.buffered)} octets of plain text after it agreed to TLS, which somebody on the way may "
            "have put there (as CVE-2011-0411): look at what stands between, then update the service",
        )


async def _smtp(wire: Conversation, name: str) -> None:
    del name
    await _expect(wire, "220", "greeting")
    own = wire.local_address
    await wire.send(f"EHLO [{'IPv6:' if ':' in own else ''}{own}]\r\n".encode())
    offers = await _expect(wire, "250", "answer to EHLO")
    if not any(line[4:].strip().upper() == "STARTTLS" for line in offers):
        raise _not_offered("its answer to EHLO does not name STARTTLS")
    await _ask(wire, "STARTTLS", "220")


async def _ftp(wire: Conversation, name: str) -> None:
    del name
    await _expect(wire, "220", "greeting")
    await _ask(wire, "AUTH TLS", "234")


async def _nntp(wire: Conversation, name: str) -> None:
    del name
    said = await wire.line()
    if said[:3] not in ("200", "201"):
        raise _unexpected("greeting", said)
    await wire.send(b"STARTTLS\r\n")
    said = await wire.line()
    if said[:3] != "382":
        raise _not_offered(f"it answers {said[:_SHOWN]!r}")


async def _pop3(wire: Conversation, name: str) -> None:
    del name
    said = await wire.line()
    if not said.startswith("+OK"):
        raise _unexpected("greeting", said)
    await wire.send(b"STLS\r\n")
    said = await wire.line()
    if not said.startswith("+OK"):
        raise _not_offered(f"it answers {said[:_SHOWN]!r}")


async def _imap(wire: Conversation, name: str) -> None:
    del name
    said = await wire.line()
    if not said.upper().startswith("* OK"):
        raise _unexpected("greeting", said)  # also PREAUTH, after which there is no way to TLS any more
    await wire.send(b"a1 STARTTLS\r\n")
    for _ in range(_MOST_LINES):
        said = await wire.line()
        if said.startswith("a1 "):
            break
    if not said.upper().startswith("A1 OK"):
        raise _not_offered(f"it answers {said[:_SHOWN]!r}")


async def _sieve(wire: Conversation, name: str) -> None:
    del name
    offered = False
    for _ in range(_MOST_LINES):
        said = await wire.line()
        offered = offered or said.upper().startswith('"STARTTLS"')
        if not said.startswith('"'):
            break
    if not said.upper().startswith("OK"):
        raise _unexpected("greeting", said)
    if not offered:
        raise _not_offered("its capabilities do not name STARTTLS")
    await wire.send(b"STARTTLS\r\n")
    said = await wire.line()
    if not said.upper().startswith("OK"):
        raise _not_offered(f"it answers {said[:_SHOWN]!r}")


async def _xmpp(wire: Conversation, name: str) -> None:
    """The names that may be asked for hold no character that XML would have to escape."""
    await wire.send(
        f"<?xml version='1.0'?><stream:stream to='{name}' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>".encode()
    )
    while True:
        element = await wire.until(b">")
        if b"<stream:error" in element or element.endswith((b"</stream:features>", b"<stream:features/>")):
            raise _not_offered("its stream features do not name starttls")
        if b"<starttls" in element:
            break
    while not element.endswith((b"</stream:features>", b"<stream:error>")):
        element = await wire.until(b">")
    await wire.send(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    element = await wire.until(b">")
    if b"<proceed" not in element:
        raise _not_offered("it does not proceed when asked")
    if not element.endswith(b"/>"):
        await wire.until(b"</proceed>")


async def _ask(wire: Conversation, command: str, agreed: str) -> None:
    await wire.send(f"{command}\r\n".encode())
    last = (await _reply(wire))[-1]
    if not last.startswith(agreed):
        raise _not_offered(f"it answers {last[:_SHOWN]!r}")


async def _expect(wire: Conversation, code: str, what: str) -> list[str]:
    lines = await _reply(wire)
    if not lines[-1].startswith(code):
        raise _unexpected(what, lines[-1])
    return lines


async def _reply(wire: Conversation) -> list[str]:
    """The lines of one reply: `250-…` goes on, `250 …` ends it (RFC 5321, section 4.2.1; RFC 959, section 4.2)."""
    lines: list[str] = []
    while len(lines) < _MOST_LINES:
        line = await wire.line()
        lines.append(line)
        last = line[:3] == lines[0][:3] and line[3:4] != "-"
        if last or (len(lines) == 1 and not line[:3].isdigit()):
            return lines
    raise TransportFault(Reason.LIMIT, f"its answer has more than {_MOST_LINES} lines")


def _not_offered(why: str) -> TransportFault:
    return TransportFault(Reason.PROTOCOL, f"TLS is not offered: {why}; switch it on in the service")


def _unexpected(what: str, said: str) -> TransportFault:
    return TransportFault(Reason.PROTOCOL, f"its {what} is {said[:_SHOWN]!r}, which is not this protocol's")


DIALECTS: Mapping[StartTls, Dialect] = {
    StartTls.SMTP: Dialect(_smtp, b"QUIT\r\n"),
    StartTls.IMAP: Dialect(_imap, b"a2 LOGOUT\r\n"),
    StartTls.POP3: Dialect(_pop3, b"QUIT\r\n"),
    StartTls.FTP: Dialect(_ftp, b"QUIT\r\n"),
    StartTls.LDAP: Dialect(binary.ldap, binary.LDAP_UNBIND),
    StartTls.POSTGRES: Dialect(binary.postgres),
    StartTls.MYSQL: Dialect(binary.mysql),
    StartTls.XMPP: Dialect(_xmpp, b"</stream:stream>"),
    StartTls.SIEVE: Dialect(_sieve, b"LOGOUT\r\n"),
    StartTls.NNTP: Dialect(_nntp, b"QUIT\r\n"),
    StartTls.MSSQL: Dialect(binary.mssql, framed=True),
    StartTls.RDP: Dialect(binary.rdp),
}
