"""The way from requests to a `Wire`: its adapter sends and parses, and never opens a connection itself.

Each request has a pool of its own with one connection that is open already, so nothing is kept, shared or retried.
"""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from checks.transports.http.wire import Meter

if TYPE_CHECKING:
    from checks.transports.http.question import HttpQuestion
    from checks.transports.http.url import Url
    from checks.transports.http.wire import Wire

_PART = 16 * 1024
_WIRE_SLACK = 64 * 1024
"""Octets that a body may cost on the wire beyond twice its length: chunk sizes and trailers."""


class OpenLine:
    """A wire in the place where requests expects a socket, with the meter through which all is read."""

    def __init__(self, wire: Wire, question: HttpQuestion, url: Url) -> None:
        limits = question.limits
        self._socket = wire.opened
        self.meter = Meter(
            self._socket,
            limits.head + _PART,
            f"{url.shown}: sends more than {limits.head} octets of headers; that is no page",
        )
        self._body = 2 * limits.body + _WIRE_SLACK
        self._flood = f"{url.shown}: sends more than {self._body} octets around a body of at most {limits.body}"
        self.request = prepared(question, url)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.meter, _PART)

    def sendall(self, data: bytes) -> None:
        self._socket.sendall(data)

    def head_is_read(self) -> None:
        """From here on the body's bounds hold."""
        self.meter.allow(self._body, self._flood)

    def settimeout(self, seconds: float | None) -> None:
        """The tether ends every wait; urllib3's own time-outs have no say."""

    def close(self) -> None:
        """The wire is closed by the one who opened it, after the body has been read."""


def prepared(question: HttpQuestion, url: Url) -> requests.PreparedRequest:
    """The request as it leaves, without what `prepare` would add: no cookies, no login from ~/.netrc, no hooks."""
    request = requests.PreparedRequest()
    request.method = question.method
    request.url = str(url)
    request.headers = CaseInsensitiveDict(
        {"Host": url.authority, "User-Agent": "ridgeway", "Accept": "*/*", "Accept-Encoding": "identity"}
    )
    if question.post is not None:
        request.method, request.body = "POST", question.post.body
        request.headers["Content-Type"] = question.post.content_type
        request.headers["Content-Length"] = str(len(question.post.body))
    request.headers.update(question.headers)
    request.headers["Connection"] = "close"
    return request


class _Connection(HTTPConnection):
    """A connection of urllib3 on a line that is open already."""

    def __init__(self, line: OpenLine, url: Url) -> None:
        super().__init__(url.host, url.port)
        self._line = line
        self.sock = cast("Any", line)

    def connect(self) -> None:
        raise ConnectionError("the one connection of this request is used up")

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own breaks it too
        """As urllib3's own, but that one writes odd headers, which are the peer's words, into the log."""
        parsed = http.client.HTTPConnection.getresponse(self)
        self._line.head_is_read()
        return HTTPResponse(
            body=parsed,
            headers=HTTPHeaderDict(parsed.msg.items()),
            status=parsed.status,
            version=parsed.version,
            reason=parsed.reason,
            preload_content=False,
            decode_content=False,
            original_response=parsed,
            enforce_content_length=True,
            request_method=self._line.request.method,
        )


class _Pool(HTTPConnectionPool):
    """A pool that has the one connection of its request."""

    def __init__(self, line: OpenLine, url: Url) -> None:
        super().__init__(url.host, url.port, maxsize=1)
        self._line, self._url = line, url

    def _new_conn(self) -> _Connection:
        return _Connection(self._line, self._url)


class WireAdapter(HTTPAdapter):
    """The adapter of requests for one request on one open line; making one costs 4 µs."""

    def __init__(self, line: OpenLine, url: Url) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._line, self._url = line, url

    def answer(self) -> HTTPResponse:
        """Send the request and read the answer's head; the body is still to be read, undecoded."""
        return cast("HTTPResponse", self.send(self._line.request, stream=True).raw)

    def get_connection_with_tls_context(self, *_: object, **__: object) -> _Pool:
        return _Pool(self._line, self._url)

    def cert_verify(self, *_: object, **__: object) -> None:
        """TLS is the wire's: it has verified the peer before anything is sent."""

    def request_url(self, *_: object, **__: object) -> str:
        return self._url.path

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The bare answer: no cookie is kept, and no encoding guessed."""
        response = requests.Response()
        response.request, response.raw, response.status_code = req, resp, resp.status
        return response
