"""The session of Check Point's Gaia API: `login` gives an identifier that goes with every question, `logout` ends it.

Source: Check Point Gaia API Reference, "login", "logout". A session that is not ended stays for ten minutes, and a
gateway has only so many.
"""

from __future__ import annotations

import json
from dataclasses import replace

from checks.contract import Reason
from checks.firewall.http.parse import Unfit, from_json
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Post
from checks.transports.http.line import Line

LOG_IN = "/gaia_api/login"
LOG_OUT = "/gaia_api/logout"
_HEADER = "X-chkp-sid"
_JSON = "application/json"
_NOTHING = Post(b"{}", _JSON, "the log-out of Gaia")


class GaiaSession:
    """One session."""

    def __init__(self) -> None:
        self._sid = ""

    async def open(self, line: Line) -> None:
        """Log in with the credential's user and password. Raises TransportFault."""
        reply = await line.send(
            replace(line.question(LOG_IN), credential=line.credential, log_in=_log_in, verdict=_verdict)
        )
        if reply.status != 200:
            raise line.refused(reply)
        self._sid = _sid(reply)
        if not self._sid:
            raise TransportFault(
                Reason.PROTOCOL, f"{reply.url.shown}: the log-in brings no session: is this a Gaia API?"
            )
        line.secrets.append(self._sid)

    def dressed(self, line: Line, question: HttpQuestion) -> HttpQuestion:  # noqa: ARG002 - of every log-in
        post = question.post or _NOTHING
        return replace(question, headers=(*question.headers, (_HEADER, self._sid)), post=post)

    async def close(self, line: Line, until: float) -> None:
        """Log out; the identifier is worth nothing after that. Raises TransportFault."""
        if self._sid:
            question = self.dressed(line, line.question(LOG_OUT))
            self._sid = ""
            await line.send_last(question, until)


def _log_in(user: str, password: str) -> Post:
    return Post(json.dumps({"user": user, "password": password}).encode(), _JSON, "the log-in of Gaia")


def _verdict(reply: HttpReply) -> bool | None:
    """Gaia refuses a wrong password with 400, 401 or 403, by release; whatever it means, it is not tried again fast."""
    if reply.status in (400, 401, 403):
        return False
    return True if reply.status == 200 and _sid(reply) else None


def _sid(reply: HttpReply) -> str:
    try:
        said = from_json(reply.text())
    except Unfit:
        return ""
    sid = said.get("sid") if isinstance(said, dict) else None
    return sid if isinstance(sid, str) and 0 < len(sid) <= 200 and sid.isascii() and sid.isprintable() else ""
