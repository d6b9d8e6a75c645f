"""How a firewall's API is shown who asks: a closed list. None of them takes an administrator's session over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from checks.firewall.http.gaia import GaiaSession
from checks.firewall.http.stormshield import StormshieldSession
from checks.transports.http import HttpQuestion, HttpReply
from checks.transports.http.line import Line
from config.profiles.log_ins import Login


class LogIn(Protocol):
    """A log-in to one device, for the length of one reading."""

    async def open(self, line: Line) -> None:
        """Begin a session, where the API has one. Raises TransportFault."""

    def dressed(self, line: Line, question: HttpQuestion) -> HttpQuestion:
        """The question with what shows who asks."""

    async def close(self, line: Line, until: float) -> None:
        """End the session, if one was begun, until then (loop time). Raises TransportFault."""


class Header:
    """The credential goes with every question, in a header: never in the URL, which devices and proxies log."""

    def __init__(self, kind: str, key_header: str | None, verdict: Callable[[HttpReply], bool | None] | None) -> None:
        self._kind = kind
        self._key_header = key_header
        self._verdict = verdict

    async def open(self, line: Line) -> None:
        """There is no session. Raises TransportFault with LOCAL for a credential of another kind."""
        if line.credential.kind != self._kind:
            raise line.unfit(self._kind)

    def dressed(self, line: Line, question: HttpQuestion) -> HttpQuestion:
        return replace(question, credential=line.credential, key_header=self._key_header, verdict=self._verdict)

    async def close(self, line: Line, until: float) -> None:
        """There is no session."""


def _panos(reply: HttpReply) -> bool | None:
    """PAN-OS answers a wrong key with 403, as it does a right one that may not do this; the words tell them apart."""
    if reply.status == 403:
        return False if b"invalid credential" in reply.body.lower() else None
    return True if 200 <= reply.status <= 299 else None


LOG_INS: Mapping[Login, Callable[[], LogIn]] = {
    Login.BEARER: lambda: Header("token", None, None),
    Login.PANOS_KEY: lambda: Header("token", "X-PAN-KEY", _panos),
    Login.PFSENSE_KEY: lambda: Header("token", "X-API-Key", None),
    Login.BASIC: lambda: Header("password", None, None),
    Login.GAIA_SESSION: GaiaSession,
    Login.STORMSHIELD_SESSION: StormshieldSession,
    Login.MITEL_STATUS: lambda: Header("password", None, None),
}
"""By the word that a profile says."""
