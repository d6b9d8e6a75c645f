"""One reading of Veeam's REST API: log in, GET page after page, log out. It asks nothing that changes anything.

Source: Veeam Backup & Replication REST API Reference, revisions 1.2-rev1 to 1.3-rev2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from checks.backup.products.rest import LARGEST, Row, Unfit, clock_of, document
from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Limits, Post, refusal
from checks.transports.http.line import Line

PAGE = 1000
"""Rows that are asked for at once; a server that gives fewer is asked for the rest."""
MOST_ROWS = 60_000
REVISIONS = ("1.3-rev2", "1.3-rev1", "1.3-rev0", "1.2-rev1")
"""Those that are known, the newest first. A newer server answers in an older one."""
_TOKEN, _LOG_OUT = "/api/oauth2/token", "/api/oauth2/logout"
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Session:
    """A log-in to one server, for the length of one reading. `clock` is the server's own, as of its last answer."""

    line: Line
    revision: str
    clock: float | None = None
    _token: str = ""

    async def open(self) -> None:
        """Log in. Raises TransportFault."""
        question = replace(self._question(_TOKEN), credential=self.line.credential, log_in=_log_in, verdict=_verdict)
        reply = await self._sent(question)
        if reply.status != 200:
            raise self.line.refused(reply)
        token = document(reply).get("access_token")
        if not isinstance(token, str) or not 0 < len(token) <= 8192 or not token.isascii() or not token.isprintable():
            raise TransportFault(
                Reason.PROTOCOL, f"{reply.url.shown}: the log-in brings no token: is this Veeam's API?"
            )
        self._token = token
        self.line.secrets.append(token)

    async def close(self, until: float) -> None:
        """Log out, until then (loop time). Raises TransportFault."""
        if self._token:
            question = replace(self._dressed(_LOG_OUT), post=Post(b"", _FORM, "the log-out of Veeam"))
            self._token = ""
            await self.line.send_last(question, until)

    async def one(self, path: str) -> Row:
        """What a path answers. Raises TransportFault, Unfit."""
        reply = await self._sent(self._dressed(path))
        fault = refusal(reply)
        if fault is not None:
            raise fault
        return document(reply)

    async def rows(self, path: str, **filters: str) -> list[Row]:
        """All rows of a list, page after page. Raises TransportFault; Unfit where they do not add up."""
        found: list[Row] = []
        while True:
            said = await self.one(f"{path}?{urlencode({**filters, 'skip': len(found), 'limit': PAGE})}")
            data, pages = said.get("data"), said.get("pagination")
            total = pages.get("total") if isinstance(pages, dict) else None
            if not isinstance(data, list) or not isinstance(total, int) or isinstance(total, bool):
                raise Unfit(f"{path} answers no list with `data` and `pagination`")
            found += [row for row in data if isinstance(row, dict)]
            if total > MOST_ROWS:
                raise Unfit(f"{path} has {total} rows; {MOST_ROWS} are read at most")
            if len(found) >= total:
                return found
            if not data:
                raise Unfit(f"{path} was cut short: {len(found)} of {total} rows came")

    def _question(self, path: str) -> HttpQuestion:
        question = self.line.question(path)
        headers = (("x-api-version", self.revision), ("accept", "application/json"))
        return replace(question, headers=headers, limits=Limits(body=LARGEST))

    def _dressed(self, path: str) -> HttpQuestion:
        question = self._question(path)
        return replace(question, headers=(*question.headers, ("authorization", f"Bearer {self._token}")))

    async def _sent(self, question: HttpQuestion) -> HttpReply:
        reply = await self.line.send(question, self.line.deadline)
        self.clock = clock_of(reply)
        return reply


def _log_in(user: str, password: str) -> Post:
    form = urlencode({"grant_type": "password", "username": user, "password": password})
    return Post(form.encode(), _FORM, "the log-in of Veeam")


def _verdict(reply: HttpReply) -> bool | None:
    """A wrong password is refused with 400 or 401, by revision."""
    if reply.status in (400, 401, 403):
        return False
    return True if reply.status == 200 else None
