"""One HTTP request and its answer within a total time and a total size, sent at most once.

`requests` limits each wait for bytes, not their sum: a peer that sends a byte a second holds it for ever (measured with
`timeout=(1, 1)`: still hanging after 6 s). Here a timer shuts the socket down at the deadline, whatever it is doing.
Every request has a connection of its own, so a stale one never makes a create uncertain. Nothing is retried, no
redirect is followed, and neither ~/.netrc nor proxy variables of the environment are heeded.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as UrllibError

MAX_ANSWER = 8 * 1024 * 1024
_PART = 65_536


class ExchangeError(Exception):
    """No usable answer. `sent` says whether the request, or a part of it, has left this machine."""

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class _NotNow(Exception):
    """The request may not leave any more: too late, or its sender says so."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole. `headers` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; ValueError when it is not JSON (a login page, for instance)."""
        return json.loads(self.body)


@dataclass(slots=True)
class _Call:
    """One request on its way: its deadline on the monotonic clock, and its socket once there is one."""

    deadline: float
    may_send: Callable[[], bool]
    sent: bool = False
    over: bool = False
    wire: socket.socket | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, connected: socket.socket) -> None:
        """Keep a second handle on the connection: TLS takes the first one away."""
        with self.lock:
            if self.over:
                raise _NotNow("no time is left after connecting")
            self.wire = connected.dup()

    def before_send(self) -> None:
        if self.sent:
            return
        if self.over or time.monotonic() >= self.deadline or not self.may_send():
            raise _NotNow("it was held up until there was no time left to send it")
        self.sent = True

    def end(self) -> None:
        """Cut the connection; whoever waits for it gets an error now."""
        with self.lock:
            self.over = True
            if self.wire is not None:
                with contextlib.suppress(OSError):  # the peer was faster
                    self.wire.shutdown(socket.SHUT_RDWR)
                self.wire.close()
                self.wire = None


class Exchange:
    """Requests to one server, one at a time. `close` may come from another thread and cuts off what is under way."""

    def __init__(self, base: str, *, timeout: float, ca_file: str | None = None, max_answer: int = MAX_ANSWER) -> None:
        self._base = base.rstrip("/")
        self._timeout = timeout
        self._max_answer = max_answer
        self._call: _Call | None = None
        self._closed = False
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        adapter = _Adapter(lambda: self._call)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> Reply:
        """Send one request and read the whole answer, whatever its status. Raises ExchangeError.

        `may_send` is asked immediately before the first byte leaves.
        """
        call = self._call = _Call(time.monotonic() + self._timeout, may_send)
        alarm = threading.Timer(self._timeout, call.end)
        alarm.daemon = True
        alarm.start()
        try:
            if self._closed:
                raise ExchangeError("the desk's connection was closed", sent=False)
            response = self._session.request(
                method,
                self._base + path,
                params=params,
                json=body,
                headers={**headers, "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"},
                # A third each, so that a dead IPv6 address leaves time for the IPv4 one.
                timeout=(self._timeout / 3, self._timeout),
                allow_redirects=False,
                stream=True,
            )
            return self._read(response, call)
        except _NotNow as late:
            raise ExchangeError(f"not sent: {late}", sent=False) from late
        except (requests.RequestException, UrllibError, OSError, ValueError) as error:
            what = f"no whole answer within {self._timeout:g} s" if call.over else _reason(error)
            raise ExchangeError(what, sent=call.sent) from error
        finally:
            alarm.cancel()
            call.end()

    def _read(self, response: requests.Response, call: _Call) -> Reply:
        with response:
            parts, size = [], 0
            # Undecoded: a compressed answer was not asked for, and could be a bomb.
            while part := response.raw.read(_PART, decode_content=False):
                parts.append(part)
                size += len(part)
                if size > self._max_answer:
                    raise ExchangeError(f"the answer is longer than {self._max_answer} bytes", sent=True)
            if call.over:
                raise ExchangeError(f"no whole answer within {self._timeout:g} s", sent=True)
            return Reply(response.status_code, response.headers, b"".join(parts))

    def close(self) -> None:
        self._closed = True
        call = self._call
        if call is not None:
            call.end()
        self._session.close()


def _reason(error: Exception) -> str:
    """The innermost cause without addresses of objects: `[Errno 111] Connection refused`."""
    cause: BaseException = error
    while cause.__context__ is not None or cause.__cause__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    text = str(cause) or type(cause).__name__
    return text[:200]


class _Adapter(HTTPAdapter):
    """The transport of requests, with connections that tell the call under way about themselves."""

    def __init__(self, current: Callable[[], _Call | None]) -> None:
        self._current = current
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        current = self._current

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _watched(current(), super()._new_conn())

            def send(self, data: Any) -> None:
                _before(current(), self)
                super().send(data)

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _watched(current(), super()._new_conn())

            def send(self, data: Any) -> None:
                _before(current(), self)
                super().send(data)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}


def _watched(call: _Call | None, connected: socket.socket) -> socket.socket:
    if call is not None:
        try:
            call.watch(connected)
        except _NotNow:
            connected.close()
            raise
    return connected


def _before(call: _Call | None, connection: HTTPConnection) -> None:
    if connection.sock is None:
        connection.connect()  # would be made inside `send`; but what has not been connected has not been sent either
    if call is not None:
        call.before_send()
