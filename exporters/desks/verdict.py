"""What an HTTP answer of a desk means: one rule for all desks that speak JSON.

| answer | a question | an order |
|---|---|---|
| 2xx with JSON | the answer | done, to be read back |
| 2xx without JSON (a login page) | not done | uncertain |
| 3xx, 4xx but for those below | refused | refused |
| 401, 3xx | refused, everything | refused, everything |
| 408, 409, 425 | not done | uncertain |
| 429 | not done | not done |
| 5xx, no answer, a cut one, one too long | not done | uncertain |
| not connected, not sent | not done | not done |

503 with Retry-After stays uncertain for orders: a proxy may say it after the desk has done the work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from config.secrets import MASK, Secret, SecretError
from exporters.desks.contract import NotDone, Refused, Uncertain
from exporters.desks.exchange import Exchange, ExchangeError, Reply
from exporters.retry_after import retry_after

_UNCLEAR = frozenset({408, 409, 425})
_TOO_MANY = 429
_LONGEST_QUOTE = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class JsonDesk:
    """Questions and orders to a desk's JSON interface, answered as the table above says."""

    def __init__(self, name: str, exchange: Exchange, token: Callable[[], Secret], scheme: str) -> None:
        self._name = name
        self._exchange = exchange
        self._token = token
        self._scheme = scheme

    def question(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """GET; changes nothing, so whatever goes wrong is NotDone or Refused."""
        return self._ask("GET", path, params=params, order=False)

    def order(self, method: str, path: str, body: object, may_send: Callable[[], bool] = lambda: True) -> Any:
        """A request that changes something, sent at most once. NotDone, Refused or Uncertain."""
        return self._ask(method, path, body=body, may_send=may_send, order=True)

    def close(self) -> None:
        self._exchange.close()

    def _ask(self, method: str, path: str, *, order: bool, **request: Any) -> Any:
        try:
            token = self._token().reveal()
        except SecretError as error:
            raise NotDone(f"{self._name}: {error}") from error
        unclear: type[NotDone | Uncertain] = Uncertain if order else NotDone
        where = f"{self._name}: {method} {path}"
        try:
            reply = self._exchange.ask(method, path, headers={"Authorization": f"{self._scheme} {token}"}, **request)
        except ExchangeError as error:
            text = f"{where}: {error}".replace(token, MASK)
            raise (unclear if error.sent else NotDone)(text) from error
        quote = _quote(reply, token)
        if 200 <= reply.status < 300:
            if not reply.body:
                return None
            try:
                return reply.json()
            except ValueError as error:
                raise unclear(f"{where}: {reply.status}, but not JSON; is this a login page? {quote}") from error
        text = f"{where}: {reply.status} {quote}"
        if reply.status == _TOO_MANY:
            raise NotDone(text, _retry_after(reply))
        if reply.status >= 500 or reply.status in _UNCLEAR:
            raise NotDone(text, _retry_after(reply)) if not order else Uncertain(text)
        if 300 <= reply.status < 400:
            raise Refused(f"{text}; it redirects to another address, write that one in the estate", everything=True)
        raise Refused(text, everything=reply.status == 401)


def _quote(reply: Reply, token: str) -> str:
    """The beginning of an answer, fit for a log line."""
    text = reply.body[: 4 * _LONGEST_QUOTE].decode("utf-8", "replace").replace(token, MASK)
    return _CONTROL.sub(" ", text)[:_LONGEST_QUOTE].strip()


def _retry_after(reply: Reply) -> float | None:
    return retry_after(reply.headers.get("Retry-After", ""), reply.headers.get("Date", ""))
