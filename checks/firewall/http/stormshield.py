"""The session of Stormshield's serverd over HTTPS: a log-in that gives a cookie, a session, the commands, a log-out.

Source: the vendor's own client, stormshield.sns.sslclient 1.1.2. An account that may change the firewall would hold the
right to do so as long as it is logged in, and keep an administrator from it: such an account is not used.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from checks.contract import Reason
from checks.firewall.http.parse import Unfit, from_xml
from checks.network.documents import Document
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Post
from checks.transports.http.line import Line

LOG_IN = "/auth/admin.html"
SESSION = "/api/auth/login"
LOG_OUT = "/api/auth/logout"
_FORM = "application/x-www-form-urlencoded"
_APP = "sslclient"
_OPEN = Post(urlencode({"app": _APP, "id": 0}).encode(), _FORM, "the session of serverd")
_COOKIE = re.compile(r"(?:^|, )([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}=[!-+\--:<-~]{1,500})(?=;|,|$)")
_ID = re.compile(r"[!-~]{1,200}")


class StormshieldSession:
    """One session."""

    def __init__(self) -> None:
        self._cookies = ""
        self._id = ""

    async def open(self, line: Line) -> None:
        """Log in with the credential's user and password, and open a session. Raises TransportFault."""
        logged = await line.send(
            replace(line.question(LOG_IN), credential=line.credential, log_in=_log_in, verdict=_verdict)
        )
        if _verdict(logged) is not True:
            raise line.refused(logged, str(_nws(logged).get("@msg", "")))
        cookies = _COOKIE.findall(logged.headers.get("set-cookie", ""))
        self._cookies = "; ".join(cookies)
        line.secrets += [cookie.partition("=")[2] for cookie in cookies]
        opened = await line.send(self._with_cookies(replace(line.question(SESSION), post=_OPEN)))
        said = _nws(opened)
        session = said.get("sessionid")
        if said.get("@code") != "100" or not isinstance(session, str) or not _ID.fullmatch(session):
            raise line.refused(opened, str(said.get("@msg", "")))
        self._id = session
        line.secrets.append(session)
        if "modify" in str(said.get("sessionlevel", "")).lower():
            raise TransportFault(
                Reason.FORBIDDEN,
                f"{line.target}: the credential {line.credential.name} may change the firewall, and while it is logged "
                "in keeps administrators from doing so; give the account rights to read only",
            )

    def dressed(self, line: Line, question: HttpQuestion) -> HttpQuestion:
        asked = question.url.path
        path = f"{asked}{'&' if '?' in asked else '?'}sessionid={quote(self._id, safe='')}"
        return self._with_cookies(replace(question, url=line.question(path).url))

    async def close(self, line: Line, until: float) -> None:
        """Log out. Raises TransportFault."""
        if self._id:
            question = self.dressed(line, line.question(LOG_OUT))
            self._id = ""
            await line.send_last(question, until)

    def _with_cookies(self, question: HttpQuestion) -> HttpQuestion:
        return replace(question, headers=(*question.headers, ("Cookie", self._cookies))) if self._cookies else question


def _log_in(user: str, password: str) -> Post:
    told = {"uid": _base64(user), "pswd": _base64(password), "app": _APP}
    return Post(urlencode(told).encode(), _FORM, "the log-in of serverd")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _verdict(reply: HttpReply) -> bool | None:
    """What is said with a status of 200 all the same. A firewall that sees brute force has had enough of us, too."""
    said = _nws(reply).get("@msg")
    return {"AUTH_SUCCESS": True, "AUTH_FAILED": False, "ERR_BRUTEFORCE": False}.get(str(said))


def _nws(reply: HttpReply) -> Mapping[str, Document]:
    try:
        said = from_xml(reply.body)
    except Unfit:
        return {}
    nws = said.get("nws") if isinstance(said, dict) else None
    return nws if isinstance(nws, dict) else {}
