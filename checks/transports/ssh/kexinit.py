"""What a server says of itself before anything is secret: its version and the algorithms it offers. Pure.

RFC 4253, sections 4.2 (greeting lines and version), 6 (packets) and 7.1 (SSH_MSG_KEXINIT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

_KEXINIT = 20
_COOKIE = 16
_LONGEST_PACKET = 35_000
_MOST_NAMES = 200
_NOT_ALGORITHMS = ("ext-info-", "kex-strict-")


@dataclass(frozen=True, slots=True)
class Offer:
    """The algorithms a server offers, in its order."""

    key_exchange: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers: tuple[str, ...]
    signatures: tuple[str, ...]
    """Message authentication codes, both directions."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The algorithms that are taken here."""

    key_exchange: frozenset[str]
    host_keys: frozenset[str]
    ciphers: frozenset[str]
    signatures: frozenset[str]


def version(hello: bytes) -> str | None:
    """The server's version line without control characters, for example `SSH-2.0-OpenSSH_9.2`; None without one."""
    found = _version_line(hello)
    return None if found is None else _ascii(found[0])[:255]


def offer(hello: bytes) -> Offer | None:
    """What the server offers, from the first octets it sent; None when they hold no whole KEXINIT."""
    found = _version_line(hello)
    if found is None:
        return None
    at = found[1]
    while at + 6 <= len(hello):
        length, padding = struct.unpack_from(">IB", hello, at)
        if not 2 <= length <= _LONGEST_PACKET or at + 4 + length > len(hello):
            return None
        payload = hello[at + 5 : at + 4 + length - padding]
        if payload[:1] == bytes([_KEXINIT]):
            return _read(payload)
        at += 4 + length  # some servers greet with SSH_MSG_DEBUG or SSH_MSG_IGNORE
    return None


def only_sha1(offered: Offer, ours: Ours) -> list[str]:
    """For which parts the server has nothing to offer but SHA-1 (or MD5), each with the names it offers."""
    parts = (
        ("key exchange", offered.key_exchange, ours.key_exchange),
        ("host key", offered.host_keys, ours.host_keys),
        ("message signatures", offered.signatures, ours.signatures),
    )
    return [
        f"{what} ({_some(names)})"
        for what, names, known in parts
        if known.isdisjoint(names) and any(_old(name) for name in names)
    ]


def nothing_common(offered: Offer, ours: Ours) -> list[str]:
    """For which parts there is no algorithm that both sides know, each with what the server offers."""
    parts = (
        ("key exchange", offered.key_exchange, ours.key_exchange),
        ("host key", offered.host_keys, ours.host_keys),
        ("cipher", offered.ciphers, ours.ciphers),
        ("message signature", offered.signatures, ours.signatures),
    )
    return [f"{what} (it offers {_some(names)})" for what, names, known in parts if known.isdisjoint(names)]


def _old(name: str) -> bool:
    return "sha1" in name or "md5" in name or name in ("ssh-rsa", "ssh-dss")


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:4]) or "none"
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def _version_line(hello: bytes) -> tuple[bytes, int] | None:
    at = 0
    while True:
        end = hello.find(b"\n", at)
        if end < 0:
            return None
        if hello.startswith(b"SSH-", at):
            return hello[at:end].rstrip(b"\r"), end + 1
        at = end + 1


def _read(payload: bytes) -> Offer | None:
    lists: list[tuple[str, ...]] = []
    at = 1 + _COOKIE
    for _ in range(10):
        if at + 4 > len(payload):
            return None
        (length,) = struct.unpack_from(">I", payload, at)
        at += 4
        if at + length > len(payload):
            return None
        lists.append(_names(payload[at : at + length]))
        at += length
    return Offer(
        tuple(name for name in lists[0] if not name.startswith(_NOT_ALGORITHMS)),
        lists[1],
        _both(lists[2], lists[3]),
        _both(lists[4], lists[5]),
    )


def _names(text: bytes) -> tuple[str, ...]:
    return tuple(_ascii(name)[:64] for name in text.split(b",")[:_MOST_NAMES] if name)


def _both(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _ascii(text: bytes) -> str:
    return "".join(chr(octet) for octet in text if 32 <= octet < 127)
