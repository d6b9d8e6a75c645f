"""What in a text looks like an address, a host name, a mail address, a serial number, a user or a password."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address

from checks.recordings.tokens import Tokens

_REMOVED = "[removed]"
_QUAD = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])")
_VERSION_BEFORE = re.compile(r"(?:version|release|firmware|v|ver\.?)[ :=]*\Z", re.IGNORECASE)
_COLONS = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:\.[0-9.]{5,15})?(?![\w:])")
_MAC = re.compile(
    r"(?<![\w:.-])(?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![\w:]|[.-][0-9A-Fa-f])"
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_NUMBER = re.compile(r"(?<![0-9])(?<![0-9]\.)\+?[0-9]{3,}(?![0-9]|\.[0-9])")
_HOST = re.compile(
    r"(?<![\w@.-])(?:[A-Za-z0-9](?:[\w-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"(?:uk|com|net|org|gov|edu|eu|local|lan|internal|intranet|corp|home|int|info|biz|io|cloud|arpa|ac|nhs)(?![\w-])",
    re.IGNORECASE,
)
_SERIAL = re.compile(
    r"(?P<said>\b(?:serial(?: ?(?:number|num|no|#))?|s/n|sn)\b\.?\s{0,3}[:=#]?\s{0,3})"
    r"(?P<it>[A-Za-z0-9][A-Za-z0-9-]{4,40})",
    re.IGNORECASE,
)
_USER = re.compile(
    r"(?P<said>\b(?P<what>user(?:[ _]?name)?|login|account|ssid)\s{0,3}[:=]\s{0,3})"
    r"(?P<it>\"[^\"]{1,64}\"|[^\s,;\"]{1,64})",
    re.IGNORECASE,
)
_PASSWORD = re.compile(
    r"(?P<said>\b(?:password|passwd|passphrase|pwd|secret|community|token|psk|api[ _-]?key)\s{0,3}[:=]\s{0,3})"
    r"(?:\"[^\"]{1,200}\"|[^\s,;\"]{1,200})",
    re.IGNORECASE,
)


def is_public_knowledge(address: IPv4Address) -> bool:
    """Addresses that tell nothing: none, loopback, broadcast, multicast, netmasks."""
    number = int(address)
    inverted = number ^ 0xFFFFFFFF
    mask = number >= 0xFF000000 and inverted & (inverted + 1) == 0
    return address.is_unspecified or address.is_loopback or address.is_multicast or mask


def addresses(text: str) -> Iterator[IPv4Address]:
    """The IPv4 addresses in a text."""
    for found in _QUAD.finditer(text):
        address = _address(found)
        if address is not None:
            yield address


def masked(text: str, tokens: Tokens) -> str:
    """The text with everything masked that looks like it."""
    text = _PASSWORD.sub(lambda found: found["said"] + _REMOVED, text)
    text = _MAIL.sub(lambda found: tokens.mail(found[0]), text)
    text = _MAC.sub(lambda found: _hardware(found[0], tokens), text)
    text = _COLONS.sub(lambda found: _address6(found[0], tokens), text)
    text = _QUAD.sub(lambda found: _quad(found, tokens), text)
    text = _SERIAL.sub(_worded("serial", tokens), text)
    text = _USER.sub(_worded("user", tokens), text)
    return _HOST.sub(lambda found: _host(found[0], tokens), text)


def numbers(text: str, tokens: Tokens) -> str:
    """The text of a telephone system with the numbers of phones and lines masked; versions stay, and times of day."""
    return _NUMBER.sub(lambda found: tokens.word("number", found[0]), text)


def _worded(sort: str, tokens: Tokens) -> Callable[[re.Match[str]], str]:
    def made(found: re.Match[str]) -> str:
        it = found["it"]
        if sort == "serial" and not any(sign.isdigit() for sign in it):
            return found[0]  # "serial console", "Serial Interface"
        named = "ssid" if found.groupdict().get("what", "").lower() == "ssid" else sort
        return found["said"] + tokens.word(named, it.lower())

    return made


def _host(name: str, tokens: Tokens) -> str:
    return name if name.endswith("example.invalid") else tokens.word("name", name.lower()) + ".invalid"


def _address(found: re.Match[str]) -> IPv4Address | None:
    """None for a version number of four parts."""
    if _VERSION_BEFORE.search(found.string, 0, found.start()):
        return None
    try:
        return IPv4Address(found[0])
    except ValueError:
        return None


def _quad(found: re.Match[str], tokens: Tokens) -> str:
    address = _address(found)
    if address is None or is_public_knowledge(address):
        return found[0]
    return str(tokens.address(address))


def _address6(text: str, tokens: Tokens) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        return text
    return text if address.is_unspecified or address.is_loopback else str(tokens.address6(address))


def _hardware(text: str, tokens: Tokens) -> str:
    plain = bytes.fromhex(re.sub(r"[:.-]", "", text))
    if plain in (bytes(6), b"\xff" * 6):
        return text
    new = iter(tokens.hardware(plain).hex())
    return "".join(sign if sign in ":.-" else next(new) for sign in text)
