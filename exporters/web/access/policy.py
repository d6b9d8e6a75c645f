"""What is in force at a moment, and whom it lets in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from config.estate import Access, Rights
from exporters.web.access.certificate import Shown
from exporters.web.access.file import WebFile
from exporters.web.access.passwords import Passwords
from exporters.web.access.proxy import is_trusted, said_by
from exporters.web.access.refusals import Reason, Refused
from exporters.web.access.source import Web
from exporters.web.access.tokens import Tokens
from exporters.web.principal import Principal

READER = Rights(None)
"""Whoever has a password or a certificate where the estate lists nobody: as with Prometheus' exporters, they read."""
_LONGEST_TOKEN = 4096


def asks_who(file: WebFile | None, access: Access) -> bool:
    """Whether there is a way to say who one is; if so, everybody must."""
    return (file is not None and file.authenticates) or bool(access.tokens) or access.proxy is not None


def lacking(file: WebFile | None, access: Access, *, exposed: bool, shows: bool = True) -> str:
    """What keeps these from being used together, as a sentence; empty where nothing does.

    `exposed`: an address that is not loopback is listened on. `shows`: things of councils are shown there; a prober
    shows none, so that it need not ask the people whom the estate lists for its judge.
    """
    asked = asks_who(file, access)
    if shows and (access.people or access.others is not None) and not asked:
        return (
            "access: the estate lists people, and nothing asks who they are; add basic_auth_users or client "
            "certificates to --web.config.file, or `tokens` or `proxy` to `access`"
        )
    if not exposed or (asked and file is not None and file.tls is not None):
        return ""
    missing = [] if file is not None and file.tls is not None else ["TLS (`tls_server_config` in --web.config.file)"]
    if not asked:
        missing.append(
            "authentication (`basic_auth_users` or client certificates there, or `tokens` or `proxy` in the estate's "
            "`access`)"
        )
    needed = " and ".join(missing)
    return f"--web.listen-address: an address that is not on loopback needs {needed}; without, listen on 127.0.0.1"


@dataclass(frozen=True, slots=True)
class Policy:
    web: Web | None
    access: Access
    tokens: Tokens
    passwords: Passwords | None

    @property
    def asks_who(self) -> bool:
        return asks_who(self.web.file if self.web is not None else None, self.access)

    @property
    def schemes(self) -> tuple[str, ...]:
        """Of WWW-Authenticate."""
        basic = ('Basic realm="Ridgeway", charset="UTF-8"',) if self.passwords is not None else ()
        return (*basic, *(('Bearer realm="Ridgeway"',) if self.access.tokens else ()))

    def headers(self) -> Mapping[str, str]:
        """What the file adds to every answer."""
        return self.web.file.content.http_server_config.headers if self.web is not None else {}

    def admits(self, shown: Shown | None, now: float) -> bool:
        """Whether this certificate still holds, and is among those that are let in; nobody needs to show one here."""
        tls = self.web.file.tls if self.web is not None else None
        allowed = tls.client_allowed_sans if tls is not None else []
        return shown is None or (now < shown.ends and (not allowed or not shown.names.isdisjoint(allowed)))

    async def who(self, headers: list[tuple[bytes, bytes]], address: str, shown: Shown | None) -> Principal:
        """Who asks, from this address, having shown this certificate. Raises Refused, and Busy.

        Authorization decides where it is sent, whatever else there is; two that contradict each other are refused.
        """
        authorization = [value for name, value in headers if name == b"authorization"]
        proxy = self.access.proxy
        trusted = is_trusted(proxy, address)
        vouched = said_by(proxy, headers) if proxy is not None and trusted else None
        if authorization and vouched is not None:
            raise Refused(Reason.AMBIGUOUS)
        if authorization:
            return await self._authorized(authorization, address)
        if vouched is not None:
            return self._person(vouched)
        # The certificate of a trusted proxy is the proxy's own, and names nobody who asks through it.
        if shown is not None and not trusted:
            return self._certified(shown)
        spoofed = proxy is not None and any(name == proxy.header.lower().encode() for name, _ in headers)
        raise Refused(Reason.PROXY if spoofed else Reason.NO_CREDENTIALS)

    async def _authorized(self, values: list[bytes], address: str) -> Principal:
        scheme, _, content = values[0].strip().partition(b" ")
        if len(values) == 1 and scheme.lower() == b"bearer" and self.access.tokens:
            return self._with_token(content.strip())
        if len(values) == 1 and scheme.lower() == b"basic" and self.passwords is not None:
            user, password = _pair(content.strip())
            if not await self.passwords.right(user, password, address):
                raise Refused(Reason.PASSWORD)
            return self._person(user)
        raise Refused(Reason.MALFORMED)

    def _with_token(self, brought: bytes) -> Principal:
        token = self.tokens.shown(brought[:_LONGEST_TOKEN])
        if token is None:
            raise Refused(Reason.TOKEN)
        return Principal(f"token:{token.name}", token.rights.councils, token.rights.may_act)

    def _certified(self, shown: Shown) -> Principal:
        """Where there are passwords as well, a certificate alone is not enough: the toolkit asks for both."""
        tls = self.web.file.tls if self.web is not None else None
        if self.passwords is not None or tls is None or tls.client_auth_type == "NoClientCert":
            raise Refused(Reason.NO_CREDENTIALS)
        if shown.person is None:
            raise Refused(Reason.CERTIFICATE)
        return self._person(shown.person)

    def _person(self, name: str) -> Principal:
        rights = self.access.people.get(name, self.access.others)
        if rights is None and not self.access.people:
            rights = READER
        if rights is None:
            raise Refused(Reason.NOT_LISTED)
        return Principal(name, rights.councils, rights.may_act)


def _pair(content: bytes) -> tuple[str, bytes]:
    """RFC 7617; the user in UTF-8, as `charset` says. Raises Refused."""
    try:
        user, colon, password = base64.b64decode(content, validate=True).partition(b":")
        name = user.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(Reason.MALFORMED) from error
    if not colon or not name:
        raise Refused(Reason.MALFORMED)
    return name, password
