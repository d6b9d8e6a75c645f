"""A registrar as a test wants it: digest by its own arithmetic, bindings that are kept, and every oddity on request."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from checks.transports.sip.message import Request
from testbeds.sip_peer import reply

USER, PASSWORD, REALM = "4711", "right-horse", "forum.example"
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass
class Registrar:
    """Answers REGISTER; give `answer` to a peer of `testbeds.sip_peer`."""

    algorithm: str = "MD5"
    password: str = PASSWORD
    auth_user: str = USER
    proxy: bool = False
    """A proxy asks (407), then the registrar itself (401)."""
    stale: int = 0
    """So many nonces are found stale."""
    least: int = 0
    """Registrations for fewer seconds are too brief (423)."""
    deaf_to_removal: bool = False
    ignores_removal: bool = False
    breaks_off: bool = False
    """Says nothing to a registration with credentials, though it keeps it."""
    lists: bool = True
    rewrites: bool = False
    """Writes another host into a Contact, as a border gateway does."""
    bindings: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    """Credentials that were not right."""
    asked: list[Request] = field(default_factory=list)
    nonces: int = 0

    def answer(self, request: Request, _count: int) -> list[bytes]:
        self.asked.append(request)
        if self.proxy and not self._right(request, "proxy-authorization"):
            return [self._challenge(request, 407, "Proxy-Authenticate")]
        if not self._right(request, "authorization"):
            return [self._challenge(request, 401, "WWW-Authenticate")]
        if self.stale:
            self.stale -= 1
            return [self._challenge(request, 401, "WWW-Authenticate", ", stale=TRUE")]
        expires = int(request.headers.first("expires") or 0)
        contact = request.headers.first("contact") or ""
        uri = contact.partition("<")[2].partition(">")[0]
        if expires and expires < self.least:
            return [reply(request, 423, "Interval Too Brief", ("min-expires", str(self.least)))]
        if self.rewrites:
            uri = re.sub(r"@[^;>]*", "@203.0.113.5:7000", uri)
        if expires == 0 and self.deaf_to_removal:
            return []
        if expires:
            self.bindings[uri] = expires
        elif not self.ignores_removal:
            self.bindings.pop(uri, None)
        if expires and self.breaks_off:
            return []
        listed = [("contact", f"<{one}>;expires={left}") for one, left in self.bindings.items()] if self.lists else []
        return [reply(request, 200, "OK", *listed)]

    def _challenge(self, request: Request, status: int, name: str, more: str = "") -> bytes:
        self.nonces += 1
        nonce = f"nonce{self.nonces}"
        value = f'Digest realm="{REALM}", nonce="{nonce}", algorithm={self.algorithm}, qop="auth", opaque="o"{more}'
        return reply(request, status, "Who is there", (name.lower(), value))

    def _right(self, request: Request, name: str) -> bool:
        said = request.headers.first(name)
        if said is None:
            return False
        got = {key: quoted or plain for key, quoted, plain in _PARAMETER.findall(said)}
        digest = _HASHES[self.algorithm]
        secret = digest(f"{self.auth_user}:{REALM}:{self.password}".encode()).hexdigest()
        what = digest(f"{request.method}:{request.uri}".encode()).hexdigest()
        wanted = digest(f"{secret}:{got['nonce']}:{got['nc']}:{got['cnonce']}:{got['qop']}:{what}".encode()).hexdigest()
        right = got["response"] == wanted and got["username"] == self.auth_user and got["uri"] == request.uri
        self.wrong += not right
        return right
