"""One connection by SMTP: aiosmtpd's, with ends to its patience that hold against whoever does not read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol

from aiosmtpd.smtp import SMTP

from exporters.maildrop.door import Door, Outcome

LARGEST = 1024 * 1024
"""Octets of a mail; said to whoever asks (RFC 1870)."""
IDLE = 60.0
"""Seconds for a command, and for the whole of a mail."""
LONGEST = 300.0
"""Seconds of a connection."""
_COMMANDS = {"RCPT": 20, "NOOP": 10, "EHLO": 10, "HELO": 10, "*": 40}
"""How often each may be said in a connection."""
NAME = "ridgeway"
"""Not the machine's: a mail server beside the agent that is greeted by its own name takes that for a loop."""


_LINE, _DOT = b"\r\n", b"\r\n.\r\n"
_PIECE = 1024 * 1024
"""Octets, more than a reader ever holds: reading takes all there is."""


async def read_message(reader: asyncio.StreamReader, largest: int) -> bytes | None:
    """A message up to the line with a single dot, without the dots that hide others; None where it is larger.

    Only CR LF ends a line: a dot between bare line feeds is text, and what follows it is nobody's command (SMTP
    smuggling, as CVE-2024-27305). Raises ConnectionResetError.
    """
    kept, larger, looked_at = bytearray(_LINE), False, 0
    while (end := kept.find(_DOT, looked_at)) < 0:
        looked_at = max(0, len(kept) - len(_DOT) + 1)
        if len(kept) > largest:
            larger = True
            del kept[:looked_at]
            looked_at = 0
        piece = await reader.read(_PIECE)
        if not piece:
            raise ConnectionResetError
        kept += piece
    rest = bytes(kept[end + len(_DOT) :])
    if rest:
        reader.feed_data(rest)
    if larger or end > largest:
        return None
    return bytes(kept[:end]).replace(b"\r\n.", _LINE)[len(_LINE) :] + _LINE


class Places(Protocol):
    """How many mails may be on their way in at once."""

    def take(self, jobs: list[str]) -> bool: ...
    def leave(self, jobs: list[str]) -> None: ...


class MailSession(SMTP):
    """Use as a protocol of a server."""

    def __init__(
        self,
        door: Door,
        places: Places,
        closed: Callable[[MailSession], None],
        *,
        tls: ssl.SSLContext | None,
        must: bool,
    ) -> None:
        """`must`: nothing is taken before STARTTLS. `closed` is told of the end, once."""
        super().__init__(
            door,
            data_size_limit=LARGEST,
            hostname=NAME,
            ident="ESMTP",
            tls_context=tls,
            require_starttls=must,
            timeout=IDLE,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._door = door
        self._places = places
        self._closed_by = closed
        self._line: asyncio.Transport | None = None
        self._end: asyncio.TimerHandle | None = None

    @property
    def believed(self) -> bool:
        """Whether it has named a key of ours for the mail under way."""
        return self.envelope is not None and bool(self.envelope.rcpt_tos)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called again after STARTTLS, with the transport inside."""
        if self._line is None:
            assert isinstance(transport, asyncio.Transport)
            self._line = transport
            self._end = self.loop.call_later(LONGEST, transport.abort)
            super().connection_made(transport)
            assert self._handler_coroutine is not None
            self._handler_coroutine.add_done_callback(self._ended)
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Called twice where TLS could not be begun."""
        if self._end is None:
            return
        self._end.cancel()
        self._end = None
        super().connection_lost(error)
        self._closed_by(self)

    def hang_up(self) -> None:
        """At once, whether or not what was answered has been read."""
        if self._line is not None:
            self._line.abort()

    def _timeout_cb(self) -> None:
        self.hang_up()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """RFC 5321, section 4.1.1.4, for no more mails at once than there are places.

        aiosmtpd's own keeps each line by itself: 1 MiB of empty ones takes 50 MiB, and seconds of the loop.
        """
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        jobs = list(envelope.rcpt_tos)
        if not self._places.take(jobs):
            self._door.count(Outcome.LIMITED)
            await self.push("451 4.3.2 too many mails at once; send it again later")
            return
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            envelope.content = await read_message(self._reader, LARGEST)
            if envelope.content is None:
                self._door.refused(jobs, f"it has more than {LARGEST} octets")
                status = "552 5.3.4 Error: message size exceeds fixed maximum message size"
            else:
                status = await self._door.take(envelope)
        finally:
            self._places.leave(jobs)
        self.envelope = self._create_envelope()
        await self.push(status)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A line that breaks ends the task with an error of its own, which nobody else would look at."""
        if not task.cancelled() and task.exception() is not None:
            self.hang_up()
