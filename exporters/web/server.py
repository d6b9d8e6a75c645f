"""uvicorn inside the agent's own loop: our sockets, our signals, our stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from exporters.web.patience import LONGEST_HEAD, MOST_CONNECTIONS, Meet, anybody, patient

DEFAULT_PORT = 10190
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"
"""Loopback only, unless the command line says otherwise."""

_BACKLOG = 128


class ListenError(Exception):
    """An address cannot be listened on; the message says which, why and how to mend it."""


def listen(addresses: Sequence[str], option: str = "--web.listen-address") -> list[socket.socket]:
    """Open a listening socket per address: `host:port`, `[v6]:port`, or `:port` for every address of the machine.

    All or none: raises ListenError, which names the command line's option, after closing those already open.
    """
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            opened.append(_listen(address, option))
    except ListenError:
        for sock in opened:
            sock.close()
        raise
    return opened


def _listen(address: str, option: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ListenError(f"{option} {address}: write it as host:port, [IPv6]:port or :port")
    host = host.removeprefix("[").removesuffix("]")
    try:
        if not host:
            return socket.create_server(
                ("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
            )
        family, _, _, _, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        hint = "is another agent running?" if error.errno == errno.EADDRINUSE else "is it an address of this machine?"
        # create_server puts the address into strerror, and a name that is not found has numbers of its own
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ListenError(f"{option} {address}: {why}; {hint}") from error


class _Server(uvicorn.Server):
    """Leaves signals to the agent: uvicorn would take SIGTERM away and raise it again after its own stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it for open sockets, with the same patience for a handshake of TLS as for a head."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._protocol,
                sock=sock,
                ssl=self.config.ssl,
                backlog=self.config.backlog,
                ssl_handshake_timeout=LONGEST_HEAD if self.config.ssl is not None else None,
            )
            for sock in sockets or ()
        ]
        self.started = True
        self.answering.set()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn itself calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves an app on sockets that are already open, until stopped; by TLS where a context is given."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        *,
        tls: ssl.SSLContext | None = None,
        most: int = MOST_CONNECTIONS,
        streams: int = 0,
        meet: Meet = anybody,
    ) -> None:
        """`most`: connections beyond which the idlest is hung up on; with twice as many at work, 503 is answered.

        `streams`: how many more there may be, since so many answers last for ever. `meet` looks at each new connection.
        """
        self._sockets = list(sockets)
        config = uvicorn.Config(
            app,
            loop="none",
            http=patient(most + streams, meet),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=2 * most + streams,
            backlog=_BACKLOG,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16 * 1024,
            ssl_context_factory=(lambda _config, _default: tls) if tls is not None else None,
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket, as bound."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    async def start(self) -> None:
        """Return as soon as requests are answered."""
        self._serving = asyncio.create_task(self._server.serve(sockets=self._sockets), name="web server")
        answering = asyncio.create_task(self._server.answering.wait())
        await asyncio.wait({self._serving, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            self._serving.result()  # raises what kept it from starting

    async def stop(self) -> None:
        """Close idle connections at once, give requests under way a second, then end. Ends within two seconds."""
        if self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._serving = None
