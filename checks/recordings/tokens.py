"""Tokens in the place of what is masked: the same for the same within one run, and of no use to anybody else.

The key is random and thrown away with the run, so that nobody can try out which address a token stands for.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

_BENCHMARKS = int(IPv4Address("198.18.0.0"))
"""198.18.0.0/15 is set aside for tests (RFC 2544) and 2001:db8::/32 for documentation (RFC 3849): nobody has them."""
_SIZE = 2**17
_DOCUMENTATION = int(IPv6Address("2001:db8::"))
_Made = Callable[[bytes], str]


class Tokens:
    """Gives tokens out. Two different values never get the same one."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each sort have been masked."""
        return dict(sorted(Counter(sort for sort, _ in self._given).items()))

    def word(self, sort: str, value: str) -> str:
        """A name, place, serial number and so on: `name-3fa92c01`."""
        return self._token(sort, value, lambda digest: f"{sort}-{digest[:4].hex()}")

    def letters(self, sort: str, octets: bytes) -> bytes:
        """As many letters as there are octets: for text within an OID, where a length stands before it."""
        stream = b"".join(self._digest(sort, f"{octets!r}{turn}") for turn in range(len(octets) // 32 + 1))
        return bytes(ord("a") + octet % 26 for octet in stream[: len(octets)])

    def address(self, value: IPv4Address) -> IPv4Address:
        """An IPv4 address of 198.18.0.0/15."""
        return IPv4Address(
            self._token(
                "address", str(value), lambda digest: str(IPv4Address(_BENCHMARKS + int.from_bytes(digest) % _SIZE))
            )
        )

    def address6(self, value: IPv6Address) -> IPv6Address:
        """An IPv6 address of 2001:db8::/32."""
        return IPv6Address(
            self._token(
                "address6", str(value), lambda digest: str(IPv6Address(_DOCUMENTATION + int.from_bytes(digest[:12])))
            )
        )

    def hardware(self, value: bytes) -> bytes:
        """A locally administered hardware address."""
        return bytes.fromhex(self._token("mac", value.hex(), lambda digest: "02" + digest[:5].hex()))

    def mail(self, value: str) -> str:
        """An e-mail address of nobody."""
        return self._token("mail", value.lower(), lambda digest: f"mail-{digest[:4].hex()}@example.invalid")

    def _token(self, sort: str, value: str, made: _Made) -> str:
        token = self._given.get((sort, value))
        turn = 0
        while token is None:
            candidate = made(self._digest(sort, f"{value}\0{turn}"))
            turn += 1
            if candidate not in self._taken:
                token = self._given[sort, value] = candidate
                self._taken.add(candidate)
        return token

    def _digest(self, sort: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{sort}\0{value}".encode("utf-8", "surrogateescape"), "sha256")
