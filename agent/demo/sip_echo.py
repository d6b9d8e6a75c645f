"""A SIP endpoint on loopback that answers and echoes: the telephone controllers of the demo, and a peer for tests.

| request | answer |
|---|---|
| OPTIONS | 200 |
| REGISTER | 200 with the binding; 401 before that where there are users |
| INVITE | 180, after `rings` seconds 200, and what is said is echoed; 401 likewise; 488 without a codec of ours; 486 |
| CANCEL | 200, and 487 to the INVITE |
| BYE | 200; 481 where there is no such call |

`Manner` changes that while it runs. It is no exchange for anybody: no call is put through.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Mapping

from agent.demo.echo_calls import EchoCalls, Say, Source
from agent.demo.rtp_echo import Manner
from agent.demo.sip_answers import METHODS, challenge, proved, response
from checks.transports.sip.fields import address
from checks.transports.sip.message import Request, Response, SipSyntaxError, Stream, parsed, written

_PIECE = 16 * 1024
_TRIES = 20


class SipEcho:
    """One endpoint, over UDP and TCP at the same port.

    `users` and their passwords are asked for before REGISTER and INVITE, by MD5 or SHA-256.
    """

    def __init__(
        self, at: tuple[str, int] = ("127.0.0.1", 0), *, users: Mapping[str, str] | None = None, algorithm: str = "MD5"
    ) -> None:
        self.at = at
        self.manner = Manner()
        self.asked: Counter[str] = Counter()
        """Requests by method; one that is sent again counts again."""
        self.bindings: dict[str, str] = {}
        """Contact and its seconds, by address of record."""
        self._users = dict(users or {})
        self._algorithm = algorithm
        self._nonce, self._tag = secrets.token_hex(16), secrets.token_hex(8)
        self._calls: EchoCalls | None = None
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams: set[asyncio.StreamWriter] = set()

    @property
    def calls(self) -> int:
        """How many calls there are now."""
        return 0 if self._calls is None else len(self._calls)

    async def start(self) -> None:
        """Begin to listen; a port 0 becomes a free one. Raises OSError if the address is taken."""
        host, wanted = self.at
        for _ in range(_TRIES if wanted == 0 else 1):
            server = await asyncio.start_server(self._stream, host, wanted, limit=_PIECE)
            self.at = (host, int(server.sockets[0].getsockname()[1]))
            try:
                self._datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=self.at
                )
            except OSError as error:
                server.close()
                refused = error
                continue
            self._server = server
            contact = f"<sip:echo@{host}:{self.at[1]}>"
            self._calls = EchoCalls(host, contact, self._tag, self.manner)
            return
        raise refused

    def stop(self) -> None:
        """Close every socket and forget every call; safe to call twice."""
        self.hang_up()
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None:
            self._datagrams.abort()
        for writer in self._streams:
            writer.transport.abort()
        self._server = self._datagrams = None

    def hang_up(self) -> None:
        """Forget every call without a word, as a controller that dies."""
        if self._calls is not None:
            self._calls.hang_up()

    def take(self, octets: bytes, source: Source) -> None:
        """A datagram. Whoever sends no SIP gets no answer."""

        def say(what: Response) -> None:
            if self._datagrams is not None and not self.manner.silent:
                self._datagrams.sendto(written(what), source)

        with contextlib.suppress(SipSyntaxError):
            self._heard(parsed(octets), source, say)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source: Source = writer.get_extra_info("peername")[:2]

        def say(what: Response) -> None:
            if not writer.is_closing() and not self.manner.silent:
                writer.write(written(what))

        self._streams.add(writer)
        stream = Stream()
        with contextlib.suppress(OSError, SipSyntaxError):
            while piece := await reader.read(_PIECE):
                for message in stream.fed(piece):
                    self._heard(message, source, say)
        self._streams.discard(writer)
        writer.close()

    def _heard(self, message: Request | Response, source: Source, say: Say) -> None:
        """One message. Raises SipSyntaxError where what it needs cannot be read."""
        calls = self._calls
        if isinstance(message, Response) or self.manner.silent or calls is None:
            return
        self.asked[message.method] += 1
        match message.method:
            case "ACK":
                calls.acknowledged(message)
            case "CANCEL":
                say(calls.cancelled(message, source))
            case "BYE":
                say(calls.ended(message, source))
            case "OPTIONS":
                allowed = ("allow", METHODS), ("accept", "application/sdp")
                say(self._refusal(message, source) or self._to(message, source, 200, *allowed))
            case "REGISTER":
                say(self._refusal(message, source) or self._registered(message, source))
            case "INVITE":
                refusal = self._refusal(message, source)
                if refusal is not None:
                    say(refusal)
                else:
                    calls.invited(message, source, say)
            case _:
                say(self._to(message, source, 405, ("allow", METHODS)))

    def _refusal(self, request: Request, source: Source) -> Response | None:
        """The answer where the manner says one, or where it is not proved who asks."""
        status = self.manner.status
        if status is not None:
            return self._to(request, source, status, *((("retry-after", "30"),) if status == 503 else ()))
        asked = self._users and request.method != "OPTIONS"
        if asked and not proved(request, self._users, self._nonce, self._algorithm):
            return self._to(request, source, 401, challenge(self._nonce, self._algorithm))
        return None

    def _registered(self, request: Request, source: Source) -> Response:
        """The binding made, kept or ended (RFC 3261, section 10.3). Raises SipSyntaxError."""
        who = address(request.headers.first("to"), "To").uri
        said = request.headers.first("contact")
        if said is not None:
            contact = None if said.strip() == "*" else address(said, "Contact")
            lasts = request.headers.first("expires") or "3600"
            lasts = lasts if contact is None else contact.parameters.get("expires", lasts)
            if contact is None or lasts.strip("0") == "":
                self.bindings.pop(who, None)
            else:
                self.bindings[who] = f"<{contact.uri}>;expires={lasts}"
        bound = self.bindings.get(who)
        return self._to(request, source, 200, *((("contact", bound),) if bound else ()))

    def _to(self, request: Request, source: Source, status: int, *more: tuple[str, str]) -> Response:
        return response(request, source, self._tag, status, *more)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, endpoint: SipEcho) -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, addr: Source) -> None:
        self._endpoint.take(data, addr)
