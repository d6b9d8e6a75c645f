"""A small SQL Server on loopback: TDS 7.4 with TLS inside PRELOGIN, LOGIN7, SQL batches, and answers of an `Msdb`.

Source: MS-TDS 2.2 (packets, PRELOGIN, LOGIN7, tokens). It knows two types, bigint and nvarchar, and reads nothing that
writes. `special` says how a statement is treated that is not to be answered in order.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from testbeds.msdb import Column, Msdb, SqlError

USER, PASSWORD = "ridgeway", "korrekt-pferd-7"
ON, NOT_SUPPORTED = 1, 2
_BATCH, _REPLY, _ATTENTION, _LOGIN, _PRELOGIN = 0x01, 0x04, 0x06, 0x10, 0x12
_COLLATION = b"\x09\x04\xd0\x00\x34"


class Cut(Exception):
    """The connection is to be cut here."""


class Silent(Exception):
    """Nothing is to be said any more."""


@dataclass
class SqlServer:
    """An instance, what it was asked, and how it misbehaves."""

    msdb: Msdb
    context: ssl.SSLContext
    encryption: int = ON
    password: str = PASSWORD
    log_in_error: tuple[int, str] | None = None
    route: str = ""
    """Where it sends its clients."""
    special: Callable[[str], bytes | None] = lambda _: None
    """Tokens in place of an answer, or raises SqlError, Cut or Silent."""
    full: int = 4088
    """Octets in a packet that is not the last, beside its head."""
    port: int = 0
    statements: list[str] = field(default_factory=list)
    logins: list[dict[str, str]] = field(default_factory=list)
    in_clear: list[bytes] = field(default_factory=list)
    """Everything that came without TLS, handshakes left out."""
    open: int = 0


@asynccontextmanager
async def serving(server: SqlServer) -> AsyncIterator[SqlServer]:
    """The server, listening; all of it is gone after the block."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.open += 1
        try:
            await _Talk(server, reader, writer).through()
        except (Cut, OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            server.open -= 1
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", server.port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
            await task


class _Talk:
    """One connection."""

    def __init__(self, server: SqlServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = None

    async def through(self) -> None:
        await self._message()
        fields = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 16, 101, 0, 0, self.server.encryption])
        await self._send(_REPLY, fields)
        if self.server.encryption == NOT_SUPPORTED:
            self.server.in_clear.append(await self.reader.read(4096))
            return
        await self._shake()
        kind, login = await self._message()
        assert kind == _LOGIN
        if not await self._logged_in(_login(login)):
            return
        while True:
            kind, batch = await self._message()
            if kind == _ATTENTION:
                await self._send(_REPLY, _done(0x20))
                continue
            assert kind == _BATCH
            statement = batch[struct.unpack_from("<I", batch)[0] :].decode("utf-16-le")
            self.server.statements.append(statement)
            try:
                await self._send(_REPLY, self._answer(statement))
            except Silent:
                await self.reader.read(1)

    async def _logged_in(self, login: dict[str, str]) -> bool:
        self.server.logins.append(login)
        error = self.server.log_in_error
        if error is None and (login["user"], login["password"]) != (USER, self.server.password):
            error = (18456, f"Login failed for user '{login['user']}'.")
        if error is not None:
            await self._send(_REPLY, told(*error) + _done(2))
            return False
        ack = b"\x01" + bytes([0x74, 0, 0, 4]) + _short("Microsoft SQL Server") + bytes([16, 0, 16, 101])
        tokens = b"\xad" + struct.pack("<H", len(ack)) + ack
        if self.server.route:
            alternate = b"\x00" + struct.pack("<HH", self.server.port, len(self.server.route))
            value = alternate + self.server.route.encode("utf-16-le")
            change = b"\x14" + struct.pack("<H", len(value)) + value + b"\0\0"
            tokens += b"\xe3" + struct.pack("<H", len(change)) + change
        size = b"\x04" + _short("4096") + _short("4096")
        tokens += b"\xe3" + struct.pack("<H", len(size)) + size
        await self._send(_REPLY, tokens + told(5701, "Changed database context to 'master'.", token=0xAB) + _done())
        return True

    def _answer(self, statement: str) -> bytes:
        try:
            tokens = self.server.special(statement)
            if tokens is not None:
                return tokens
            if statement.startswith("SET "):
                return _done()
            columns, rows = self.server.msdb.run(statement)
        except SqlError as error:
            return told(error.number, str(error)) + _done(2)
        return table(columns, rows)

    async def _message(self) -> tuple[int, bytes]:
        """All packets of one message."""
        found = b""
        while True:
            head = await self._exactly(8)
            found += await self._exactly(struct.unpack(">H", head[2:4])[0] - 8)
            if head[1] & 1:
                return head[0], found

    async def _exactly(self, count: int) -> bytes:
        if self.tls is None:
            return await self.reader.readexactly(count)
        found = b""
        while len(found) < count:
            try:
                piece = self.tls.read(count - len(found))
            except ssl.SSLWantReadError:
                octets = await self.reader.read(65536)
                if not octets:
                    raise Cut from None
                self.came.write(octets)
                continue
            if not piece:
                raise Cut
            found += piece
        return found

    async def _send(self, kind: int, body: bytes) -> None:
        full = self.server.full
        pieces = [body[at : at + full] for at in range(0, len(body), full)] or [b""]
        for at, piece in enumerate(pieces):
            packet = struct.pack(">BBHHBB", kind, int(at == len(pieces) - 1), 8 + len(piece), 0, 1, 0) + piece
            if self.tls is None:
                self.writer.write(packet)
            else:
                self.tls.write(packet)
                self.writer.write(self.goes.read())
        await self.writer.drain()

    async def _shake(self) -> None:
        tls = self.server.context.wrap_bio(self.came, self.goes, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if self.goes.pending:
                await self._send(_PRELOGIN, self.goes.read())
            if done:
                self.tls = tls
                return
            self.came.write((await self._message())[1])


def table(columns: list[Column], rows: list[Any]) -> bytes:
    """Rows as tokens."""
    found = b"\x81" + struct.pack("<H", len(columns))
    for name, size in columns:
        kind = b"\xe7" + struct.pack("<H", 2 * size) + _COLLATION if size else b"\x26\x08"
        found += struct.pack("<IH", 0, 9) + kind + _short(name)
    return found + b"".join(_row(columns, row) for row in rows) + _done(0x10, len(rows))


def _row(columns: list[Column], row: Any) -> bytes:
    told = b"\xd1"
    for (_, size), value in zip(columns, row, strict=True):
        if size == 0:
            told += b"\0" if value is None else b"\x08" + struct.pack("<q", value)
        elif value is None:
            told += b"\xff\xff"
        else:
            octets = str(value).encode("utf-16-le")
            told += struct.pack("<H", len(octets)) + octets
    return told


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _done(status: int = 0, rows: int = 0) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", status, 0, rows)


def told(number: int, words: str, token: int = 0xAA) -> bytes:
    """An error, or with the token 0xAB an information."""
    body = (
        struct.pack("<iBB", number, 1, 14 if token == 0xAA else 10)
        + struct.pack("<H", len(words))
        + words.encode("utf-16-le")
    )
    body += _short("SQL01") + _short("") + struct.pack("<I", 1)
    return bytes([token]) + struct.pack("<H", len(body)) + body


def _login(body: bytes) -> dict[str, str]:
    names = ("host", "user", "password", "app", "server")
    found = {}
    for at, name in enumerate(names):
        offset, size = struct.unpack_from("<HH", body, 36 + 4 * at)
        octets = body[offset : offset + 2 * size]
        if name == "password":
            octets = bytes(((one ^ 0xA5) >> 4) | ((one ^ 0xA5) << 4 & 0xF0) for one in octets)
        found[name] = octets.decode("utf-16-le")
    found["read only"] = str(bool(body[26] & 0x20))
    return found
