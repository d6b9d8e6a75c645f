"""Where a request goes: a URL whose host names the service, while the connection goes to the target's address."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from checks.printable import printable

PORTS = {"http": 80, "https": 443}
LONGEST = 8192
"""Octets of a path and query; what most servers take (RFC 9110, section 4.1 asks for 8000)."""
_AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its parts. `host` is without brackets, `path` holds the query too and begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def read(cls, text: str, host: str) -> Url:
        """A path, or a whole URL; one without a host (`https://:8443/status`) has `host`. Raises ValueError.

        A path alone is asked by https on port 443.
        """
        if any(ord(char) <= 32 or ord(char) == 127 for char in text):
            raise ValueError("a URL has neither spaces nor control characters; write a space as %20")
        if text.startswith("/") and not text.startswith("//"):
            text = f"https://{text}"
        parts = urlsplit(text)
        if parts.scheme not in PORTS:
            raise ValueError("must be a path that begins with /, or a URL that begins with https:// or http://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("has a user or a password in it; use a credential in the role http")
        if parts.fragment:
            raise ValueError("has a fragment (#…), which is never sent to a server")
        path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_AS_IT_IS)
        if len(path) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} octets")
        port = PORTS[parts.scheme] if parts.port is None else parts.port  # may raise ValueError of its own
        if port == 0:
            raise ValueError("has port 0, which nothing can listen on")
        return cls(parts.scheme, host_name(parts.hostname or host), port, path)

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them: brackets around IPv6, no scope, no port that is usual."""
        host = self.host.partition("%")[0]
        host = f"[{host}]" if ":" in host else host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def shown(self) -> str:
        """The URL for people, without its query: too many products want keys there."""
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"

    def onward(self, location: str) -> Url | None:
        """Where a redirect leads, if it stays on this host: to the same scheme and port, or from http to https.

        None for any other place and for what is no URL: a request, and a credential with it, is never sent there.
        """
        try:
            there = Url.read(urljoin(str(self), location).partition("#")[0], self.host)
        except ValueError:
            return None
        if there.host.lower() != self.host.partition("%")[0].rstrip(".").lower():
            return None
        if (there.scheme, there.port) == (self.scheme, self.port) or (self.scheme, there.scheme) == ("http", "https"):
            return Url(there.scheme, self.host, there.port, there.path)
        return None


def host_name(text: str) -> str:
    """A DNS name without its last dot, or an address. Raises ValueError; names with umlauts are written as `xn--…`."""
    name = text.rstrip(".")
    if not _NAME.fullmatch(name):
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise ValueError(f"{printable(text, 80)!r} is neither a host name nor an address") from None
    return name
