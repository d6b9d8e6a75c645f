"""Firewalls' APIs on loopback, over real TLS: each plays its product's log-in, answers what it has, and counts.

What a firewall answers lies in `api/<profile>/<question>.json` or `.xml`, written by us after the vendors' published
layouts. Nothing else is answered: any other question is in `beyond`, with its method, path and body.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote

from checks.firewall.http import gaia, stormshield
from config.profiles import load, search_path
from config.profiles.asks import HttpAsks
from config.profiles.log_ins import Login
from testbeds.https_api import HANGS_UP, Answer, Asked, https_api

USER, PASSWORD, TOKEN = "ridgeway", "pass word+1", "token-0123456789"
__all__ = [
    "HANGS_UP",
    "PASSWORD",
    "TOKEN",
    "USER",
    "Answer",
    "Asked",
    "FirewallApi",
    "asks_of",
    "firewall_api",
    "samples",
]
_SAMPLES = Path(__file__).parent / "api"


def samples(profile: str) -> dict[str, bytes]:
    """What a firewall of a profile answers, by question; a question without a file is answered with 404."""
    return {file.stem: file.read_bytes() for file in sorted((_SAMPLES / profile.rpartition("/")[2]).iterdir())}


def asks_of(profile: str) -> HttpAsks:
    asks = load(profile, search_path()).asks
    assert asks is not None and asks.http is not None
    return asks.http


@dataclass(slots=True)
class FirewallApi:
    """One simulated firewall. `answers` may be changed while it runs."""

    profile: str
    answers: dict[str, Answer] = field(default_factory=dict)
    """By question."""
    asked: list[Asked] = field(default_factory=list)
    beyond: list[Asked] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    most_at_once: int = 0
    opened: int = 0
    """Sessions."""
    sessions: set[str] = field(default_factory=set)
    """Those that are open."""
    closed: int = 0
    level: str = "base,log_read"
    deaf: bool = False
    """Knows no credential."""
    guarded: bool = False
    """Where the product asks for a credential only if it is set up so."""
    older: bool = False
    """Knows paths by their older names only."""
    port: int = 0
    pin: str = ""

    @property
    def asks(self) -> HttpAsks:
        return asks_of(self.profile)

    def answer(self, asked: Asked) -> Answer:
        """Log-in, session, question: as the product has them."""
        self.asked.append(asked)
        by_session = {Login.GAIA_SESSION: self._gaia, Login.STORMSHIELD_SESSION: self._stormshield}
        special = by_session.get(self.asks.login)
        found = special(asked) if special is not None else None
        if found is not None:
            return found
        if special is None and not self._knows(asked):
            return Answer(b'{"status":"error","http_status":401}', 401)
        return self._question(asked)

    def _question(self, asked: Asked) -> Answer:
        path = asked.path
        if self.asks.login is Login.STORMSHIELD_SESSION:
            path, _, session = path.rpartition("&sessionid=")
            if session not in self.sessions:
                return Answer(b'<nws code="203" msg="Invalid session"/>', kind="text/xml")
        missing = Answer(b'{"status":"error","http_status":404}', 404)
        for name, question in self.asks.questions.items():
            paths = [unquote(one) for one in question.paths]
            body = "" if question.post is None else question.body or "{}"
            if path in paths and (asked.method, asked.body) == ("POST" if question.post else "GET", body):
                older = self.older and question.or_get and path == paths[0]
                return missing if older else self.answers.get(name, missing)
        self.beyond.append(asked)
        return Answer(b"", 500)

    def _knows(self, asked: Asked) -> bool:
        if self.asks.login is Login.MITEL_STATUS and not self.guarded:
            return "authorization" not in asked.headers
        basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        header, value = {
            Login.BEARER: ("authorization", f"Bearer {TOKEN}"),
            Login.PANOS_KEY: ("x-pan-key", TOKEN),
            Login.PFSENSE_KEY: ("x-api-key", TOKEN),
            Login.BASIC: ("authorization", basic),
            Login.MITEL_STATUS: ("authorization", basic),
        }[self.asks.login]
        return not self.deaf and asked.headers.get(header) == value and TOKEN not in asked.path

    def _new_session(self) -> str:
        self.opened += 1
        session = f"session-{self.opened:08d}"
        self.sessions.add(session)
        return session

    def _end(self, session: str) -> None:
        self.closed += session in self.sessions
        self.sessions.discard(session)

    def _gaia(self, asked: Asked) -> Answer | None:
        if asked.path == gaia.LOG_IN:
            if json.loads(asked.body) != {"user": USER, "password": PASSWORD}:
                return Answer(b'{"code":"err_login_failed","message":"Authentication to server failed."}', 400)
            return Answer(json.dumps({"sid": self._new_session(), "url": "x", "session-timeout": 600}).encode())
        sid = asked.headers.get("x-chkp-sid", "")
        if sid not in self.sessions:
            return Answer(b'{"code":"generic_err_wrong_session_id"}', 401)
        if asked.path == gaia.LOG_OUT:
            self._end(sid)
            return Answer(b'{"message":"OK"}')
        return None

    def _stormshield(self, asked: Asked) -> Answer | None:
        if asked.path == stormshield.LOG_IN:
            said = {
                name: base64.b64decode(values[0]).decode()
                for name, values in parse_qs(asked.body).items()
                if name != "app"
            }
            if said != {"uid": USER, "pswd": PASSWORD}:
                return Answer(b'<nws code="101" msg="AUTH_FAILED"/>', kind="text/xml")
            return Answer(
                b'<nws code="100" msg="AUTH_SUCCESS"/>', kind="text/xml",
                headers=(("Set-Cookie", "netasq_sslclient=cookie-12345678; Path=/; Secure; HttpOnly"),),
            )  # fmt: skip
        if asked.headers.get("cookie") != "netasq_sslclient=cookie-12345678":
            return Answer(b'<nws code="205" msg="Authentication error"/>', kind="text/xml")
        if asked.path == stormshield.SESSION:
            text = (
                f'<nws code="100" msg="OK"><sessionid>{self._new_session()}</sessionid><protocol>1</protocol>'
                f"<sessionlevel>{self.level}</sessionlevel></nws>"
            )
            return Answer(text.encode(), kind="text/xml")
        if asked.path.startswith(f"{stormshield.LOG_OUT}?sessionid="):
            self._end(asked.path.partition("=")[2])
            return Answer(b'<nws code="100" msg="OK"/>', kind="text/xml")
        return None


@asynccontextmanager
async def firewall_api(profile: str, **changes: bytes | Answer | None) -> AsyncIterator[FirewallApi]:
    """A firewall that answers its samples, with some of them changed, or taken away (None)."""
    api = FirewallApi(profile)
    for name, body in samples(profile).items():
        api.answers[name] = _as_answer(body)
    for name, change in changes.items():
        api.answers.pop(name, None)
        if change is not None:
            api.answers[name] = change if isinstance(change, Answer) else _as_answer(change)
    async with https_api(api.answer, api) as (api.port, api.pin):
        yield api


def _as_answer(body: bytes) -> Answer:
    return Answer(body, kind="application/xml" if body.lstrip().startswith(b"<") else "application/json")
