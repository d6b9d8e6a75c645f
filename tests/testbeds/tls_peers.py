"""TLS servers in the test's own loop, and scripted ones that come to TLS as each STARTTLS protocol does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from testbeds.certificates import Issued

Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Talks in plain text; true when TLS is to follow."""


def server_context(issued: Issued, pem: str | None = None) -> ssl.SSLContext:
    """What a server shows: the chain of a certificate, or other PEM that begins with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:
        chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        chain.write_text(issued.chain_pem if pem is None else pem)
        key.write_text(issued.key_pem)
        context.load_cert_chain(chain, key)
    return context


class Served:
    """A listening port; `parted` holds, per connection, what came after the handshake, or the error that came."""

    def __init__(self) -> None:
        self.port = 0
        self.parted: list[bytes | str] = []


@asynccontextmanager
async def serving(behave: Behave, context: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """A server that treats every connection as it is told; all of it is gone after the block."""
    served, connections = Served(), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append((asyncio.current_task(), writer))
        try:
            await behave(reader, writer)
            served.parted.append(await reader.read(1000))
        except (OSError, asyncio.IncompleteReadError) as error:
            served.parted.append(type(error).__name__)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task, writer in connections:
            task.cancel()
            writer.transport.abort()
            with contextlib.suppress(asyncio.CancelledError, OSError, ssl.SSLError):
                await task
        await server.wait_closed()


async def only_shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nothing beyond the handshake."""


def after(script: Script, context: ssl.SSLContext) -> Behave:
    """Plain text as the script has it, then TLS."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await script(reader, writer):
            await writer.start_tls(context)

    return behave


def lines(greeting: bytes, *exchanges: tuple[bytes, bytes], tls: bool = True) -> Script:
    """A greeting, then for each line that begins so an answer; anything else ends the connection."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(greeting)
        for wanted, answer in exchanges:
            line = await reader.readline()
            if not line.startswith(wanted):
                raise ConnectionError(f"{line!r} where {wanted!r} belongs")
            writer.write(answer)
        await writer.drain()
        return tls

    return script


def octets(*exchanges: tuple[int, bytes], greeting: bytes = b"", tls: bool = True) -> Script:
    """A greeting, then for each request of so many octets an answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(greeting)
        for count, answer in exchanges:
            await reader.readexactly(count)
            writer.write(answer)
        await writer.drain()
        return tls

    return script


async def xmpp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await reader.readuntil(b"version='1.0'>")
    writer.write(
        b"<?xml version='1.0'?><stream:stream from='x' id='1' xmlns='jabber:client' version='1.0'><stream:features>"
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
    )
    await reader.readuntil(b"tls'/>")
    writer.write(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    return True


def mysql_greeting(flags: int = 0x0800) -> bytes:
    body = b"\x0a8.0.36\0" + bytes(4) + b"A" * 8 + b"\0" + struct.pack("<H", flags) + b"\x2d" + bytes(2) + bytes(15)
    return len(body).to_bytes(3, "little") + b"\0" + body


def mssql_answer(encryption: int) -> bytes:
    body = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + b"\x0f\0\x10\0\0\0" + bytes([encryption])
    return struct.pack(">BBHHBB", 4, 1, 8 + len(body), 0, 1, 0) + body


def rdp_answer(kind: int, value: int) -> bytes:
    return bytes.fromhex("030000130ed00000123400") + struct.pack("<BBHI", kind, 0, 8, value)


def ldap_answer(code: int, *, long_form: bool = False) -> bytes:
    result = b"\x0a\x01" + bytes([code]) + b"\x04\x00\x04\x00"
    if long_form:  # as Active Directory writes it
        operation = b"\x78\x84" + len(result).to_bytes(4) + result
        body = b"\x02\x01\x01" + operation
        return b"\x30\x84" + len(body).to_bytes(4) + body
    body = b"\x02\x01\x01\x78" + bytes([len(result)]) + result
    return b"\x30" + bytes([len(body)]) + body


SCRIPTS: dict[str, Script] = {
    "smtp": lines(
        b"220-mail.test ESMTP\r\n220 at your service\r\n",
        (b"EHLO [127.0.0.1]", b"250-mail.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"),
        (b"STARTTLS", b"220 go ahead\r\n"),
    ),
    "imap": lines(b"* OK ready\r\n", (b"a1 STARTTLS", b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n")),
    "pop3": lines(b"+OK ready\r\n", (b"STLS", b"+OK begin\r\n")),
    "ftp": lines(b"220-Welcome\r\n files here\r\n220 ready\r\n", (b"AUTH TLS", b"234 go\r\n")),
    "sieve": lines(b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK "ready"\r\n', (b"STARTTLS", b'OK "begin"\r\n')),
    "nntp": lines(b"200 news\r\n", (b"STARTTLS", b"382 go\r\n")),
    "xmpp": xmpp,
    "ldap": octets((31, ldap_answer(0))),
    "postgres": octets((8, b"S")),
    "rdp": octets((19, rdp_answer(2, 2))),
}
"""Every protocol but those of `WRAPPED`, which are made of octets all the way."""


def mssql(context: ssl.SSLContext) -> Behave:
    """PRELOGIN, and a handshake in its packets."""

    async def packet(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readexactly(8)
        return await reader.readexactly(struct.unpack(">H", head[2:4])[0] - 8)

    def wrapped(flight: bytes) -> bytes:
        pieces = [flight[at : at + 1000] for at in range(0, len(flight), 1000)]
        return b"".join(struct.pack(">BBHHBB", 0x12, 1, 8 + len(piece), 0, 1, 0) + piece for piece in pieces)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(mssql_answer(1))
        await _shake(context, lambda: packet(reader), lambda flight: writer.write(wrapped(flight)))

    return behave


def mysql(context: ssl.SSLContext) -> Behave:
    """A greeting; the request for TLS may come in one piece with TLS itself, which asyncio's own start_tls loses."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(mysql_greeting())
        await reader.readexactly(36)
        await _shake(context, lambda: reader.read(4096), writer.write)

    return behave


async def _shake(
    context: ssl.SSLContext, receive: Callable[[], Awaitable[bytes]], send: Callable[[bytes], None]
) -> None:
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(came, goes, server_side=True)
    while True:
        try:
            session.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        send(goes.read())
        if done:
            return
        came.write(await receive())


WRAPPED = {"mssql": mssql, "mysql": mysql}
