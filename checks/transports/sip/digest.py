"""Digest authentication of SIP (RFC 3261, section 22; RFC 7616; RFC 8760): MD5 and SHA-256, with and without `auth`.

`requests` has a digest of its own that is bound to HTTP requests and knows no proxy's challenge in the same exchange.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from checks.printable import printable
from checks.transports.sip.fields import Challenge

_HASHES: dict[str, Callable[[bytes], str]] = {
    "sha-256": lambda octets: hashlib.sha256(octets).hexdigest(),
    "md5": lambda octets: hashlib.md5(octets, usedforsecurity=False).hexdigest(),
}
"""The stronger first."""
_LONGEST = 1024


class NoSuchDigest(Exception):
    """The other side wants what we have not; the message says what."""


def answer(
    challenges: Sequence[Challenge], user: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> str:
    """The value of Authorization or Proxy-Authorization for the strongest challenge we know. Raises NoSuchDigest."""
    known = [challenge for challenge in challenges if challenge.scheme == "digest" and _algorithm(challenge) in _HASHES]
    if not known:
        wanted = ", ".join(f"{one.scheme} {one.parameters.get('algorithm', '')}".strip() for one in challenges[:5])
        raise NoSuchDigest(f"it wants {printable(wanted, 100) or 'nothing that it names'}; MD5 and SHA-256 can be had")
    challenge = min(known, key=lambda one: list(_HASHES).index(_algorithm(one)))
    said = challenge.parameters
    realm, nonce = said.get("realm", ""), said.get("nonce", "")
    qops = [word.strip().lower() for word in said.get("qop", "").split(",") if word.strip()]
    if qops and "auth" not in qops:
        raise NoSuchDigest(f"it wants the quality of protection {printable(qops[0], 20)}; only auth can be had")
    if not nonce or any(len(value) > _LONGEST for value in said.values()):
        raise NoSuchDigest("its challenge has no nonce, or one without end")
    if not all(value.isprintable() for value in said.values()):
        raise NoSuchDigest("its challenge holds control characters")  # which would stand in what we send
    digest = _HASHES[_algorithm(challenge)]
    secret = digest(f"{user}:{realm}:{password}".encode())
    what = digest(f"{method}:{uri}".encode())
    words = {"username": _quoted(user), "realm": _quoted(realm), "nonce": _quoted(nonce), "uri": _quoted(uri)}
    if qops:
        nc = f"{count:08x}"
        response = digest(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{what}".encode())
        words |= {"qop": "auth", "nc": nc, "cnonce": _quoted(cnonce)}
    else:
        response = digest(f"{secret}:{nonce}:{what}".encode())
    words["response"] = _quoted(response)
    if "algorithm" in said:
        words["algorithm"] = said["algorithm"]
    if "opaque" in said:
        words["opaque"] = _quoted(said["opaque"])
    return "Digest " + ", ".join(f"{name}={value}" for name, value in words.items())


def _algorithm(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").lower()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
