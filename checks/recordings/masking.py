"""Masking a recording: addresses, names, places, serial numbers, users and secrets become tokens, the same everywhere.

Three rules: objects known to hold such things are masked whole (`checks.recordings.sensitive`); in every other text
what looks like one is masked; and what was learnt of either is masked wherever else it stands, within an OID too. Free
text can hold what no rule knows: read a recording before you give it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from checks.recordings import patterns
from checks.recordings.recording import OCTETS, Recorded, ordered, within
from checks.recordings.sensitive import HARDWARE, INDEXES, NEVER, NUMBERED, whole
from checks.recordings.tokens import Tokens
from checks.transports.snmp.tags import TAG_ADDRESS, TAG_OID

_FIRST_INDEX = 9
"""Before this part of an OID stand the MIB's own numbers (1.3.6.1.2.1.x.y.1.column at least)."""
_SHORTEST_WORD = 2
_SHORTEST_IN_INDEX = 3
_REMOVED = "[removed]"
_MAC = 6
_WIDTHS = {".": 1, "4": 4, "6": _MAC, "V": 16}


class Masker:
    """Masks with one set of tokens: what is masked by one masker stays recognisable as the same thing."""

    def __init__(self, key: bytes, names: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        """`names` are host names and addresses that are known, `secrets` what may stand nowhere at all."""
        self._tokens = Tokens(key)
        self._words: dict[str, str] = {}
        self._addresses: set[IPv4Address] = set()
        self._hardware: set[bytes] = set()
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._removed = 0
        self._known: re.Pattern[str] | None = None
        for name in names:
            self._learn_name(name)

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each sort were masked; `removed` counts values left out or cut out."""
        return self._tokens.counts | ({"removed": self._removed} if self._removed else {})

    def values(self, values: Mapping[str, Recorded]) -> dict[str, Recorded]:
        """A device's values, masked, in the order of their new OIDs."""
        kept = {oid: recorded for oid, recorded in values.items() if within(oid, NEVER) is None}
        self._removed += len(values) - len(kept)
        for oid, recorded in kept.items():
            self._learn(oid, recorded)
        return ordered({self.oid(oid): self._masked(oid, recorded) for oid, recorded in kept.items()})

    def text(self, text: str) -> str:
        """A text, in which whatever is known or looks sensitive is masked."""
        for secret in self._secrets:
            text = self._without(secret, text)
        text = patterns.masked(text, self._tokens)
        if self._words:
            if self._known is None:
                words = sorted(self._words, key=len, reverse=True)
                self._known = re.compile(rf"(?<![\w])(?:{'|'.join(map(re.escape, words))})(?![\w])", re.IGNORECASE)
            text = self._known.sub(self._known_word, text)
        return text

    def plain(self, data: Any) -> Any:
        """JSON data with every text in it masked, keys included."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self.text(str(key)): self.plain(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.plain(value) for value in data]
        return data

    def oid(self, oid: str) -> str:
        """An OID with the addresses and names in its index masked."""
        parts = oid.split(".")
        if len(parts) <= _FIRST_INDEX:
            return oid
        octets = [int(part) if len(part) < 4 else 256 for part in parts]
        at = self._table_index(oid, octets, parts)
        while at < len(parts):
            at += self._index_part(at, octets, parts)
        return ".".join(parts)

    def _table_index(self, oid: str, octets: list[int], parts: list[str]) -> int:
        """Mask the index of a table that is known to have addresses there; gives where it ends."""
        root = within(oid, INDEXES)
        if root is None:
            return _FIRST_INDEX
        at = root.count(".") + 2
        for sign in INDEXES[root]:
            if sign == "T":
                sign, at = _typed(octets, at)
            if sign == "S":
                at = self._spelt(octets, at, parts)
                continue
            width = _WIDTHS[sign]
            found = octets[at : at + width]
            if len(found) == width and max(found) < 256:
                if sign == "4":
                    _put(parts, at, self._address(IPv4Address(bytes(found))).packed)
                elif sign == "6":
                    _put(parts, at, self._tokens.hardware(bytes(found)))
                elif sign == "V":
                    _put(parts, at, self._tokens.address6(IPv6Address(bytes(found))).packed)
            at += width
        return at

    def _spelt(self, octets: list[int], at: int, parts: list[str]) -> int:
        """Mask a name whose length stands at `at`, whatever it is; gives where it ends."""
        length = octets[at] if at < len(octets) else 0
        name = octets[at + 1 : at + 1 + length]
        if len(name) != length or max(name, default=0) > 255:
            rest = octets[at:]
            if rest and all(31 < octet < 127 for octet in rest):  # a name without its length
                _put(parts, at, self._tokens.letters("name", bytes(rest)))
            return len(parts)
        _put(parts, at + 1, self._tokens.letters("name", bytes(name)))
        return at + 1 + length

    def _index_part(self, at: int, octets: list[int], parts: list[str]) -> int:
        """Mask what begins at `at`, if anything does; gives how far to go on."""
        four = octets[at : at + 4]
        if len(four) == 4 and max(four) < 256:
            address = IPv4Address(bytes(four))
            if address in self._addresses or _unmistakable(four):
                _put(parts, at, self._address(address).packed)
                return 4
        sixteen = octets[at : at + 16]
        if len(sixteen) == 16 and max(sixteen) < 256 and octets[at - 2 : at] == [2, 16]:
            _put(parts, at, self._tokens.address6(IPv6Address(bytes(sixteen))).packed)
            return 16
        six = octets[at : at + _MAC]
        if len(six) == _MAC and max(six) < 256 and bytes(six) in self._hardware:
            _put(parts, at, self._tokens.hardware(bytes(six)))
            return _MAC
        return self._word_part(at, octets, parts)

    def _word_part(self, at: int, octets: list[int], parts: list[str]) -> int:
        """A known name spelt out in an index, after its length."""
        length = octets[at]
        spelt = octets[at + 1 : at + 1 + length]
        if _SHORTEST_IN_INDEX <= length == len(spelt) and all(31 < octet < 127 for octet in spelt):
            sort = self._words.get(bytes(spelt).decode("ascii").lower())
            if sort is not None:
                _put(parts, at + 1, self._tokens.letters(sort, bytes(spelt)))
                return 1 + length
        return 1

    def _known_word(self, found: re.Match[str]) -> str:
        word = found[0].lower()
        return self._tokens.word(self._words[word], word)

    def _learn(self, oid: str, recorded: Recorded) -> None:
        value = recorded.value
        root = within(oid, INDEXES)
        if root is not None and INDEXES[root] == "S":
            spelt = [int(part) for part in oid.split(".")[root.count(".") + 3 :]]
            if all(31 < octet < 127 for octet in spelt):
                self._learn_word(bytes(spelt).decode("ascii"), "name")
        if recorded.tag == TAG_ADDRESS and isinstance(value, str):
            self._learn_address(IPv4Address(value))
        elif isinstance(value, bytes):
            if _is_hardware(oid, value):
                self._hardware.add(value)
                return
            text = _text(value)
            if text is None:
                return
            sort = whole(oid)
            if sort in ("name", "serial", "user"):
                self._learn_word(text.strip(), sort)
                if sort == "name":
                    self._learn_word(text.strip().partition(".")[0], sort)
            for address in patterns.addresses(text):
                self._learn_address(address)

    def _learn_name(self, name: str) -> None:
        try:
            self._learn_address(IPv4Address(name))
        except ValueError:
            self._learn_word(name, "name")
            self._learn_word(name.partition(".")[0], "name")

    def _learn_word(self, word: str, sort: str) -> None:
        if len(word) >= _SHORTEST_WORD and not word.isdigit():
            self._words.setdefault(word.lower(), sort)
            self._known = None

    def _learn_address(self, address: IPv4Address) -> None:
        if 1 < int(address) >> 24 < 224 and not patterns.is_public_knowledge(address):
            self._addresses.add(address)

    def _masked(self, oid: str, recorded: Recorded) -> Recorded:
        value = recorded.value
        if isinstance(value, bytes) and recorded.tag in OCTETS:
            return Recorded(recorded.tag, self._octets(oid, value))
        if recorded.tag == TAG_ADDRESS and isinstance(value, str):
            return Recorded(recorded.tag, str(self._address(IPv4Address(value))))
        if recorded.tag == TAG_OID and isinstance(value, str):
            return Recorded(recorded.tag, self.oid(value))
        return recorded

    def _octets(self, oid: str, value: bytes) -> bytes:
        if _is_hardware(oid, value):
            return value if value in (bytes(_MAC), b"\xff" * _MAC) else self._tokens.hardware(value)
        text = _text(value)
        sort = whole(oid)
        if sort is not None:
            known = (value.hex() if text is None else text).strip()
            return self._tokens.word(sort, known.lower()).encode() if known else value
        if text is not None and within(oid, NUMBERED) is not None:
            text = patterns.numbers(text, self._tokens)
        if text is not None:
            return self.text(text).encode("utf-8", "surrogateescape")
        if len(value) == 4 and IPv4Address(value) in self._addresses:
            return self._address(IPv4Address(value)).packed
        if len(value) == 16:
            return self._tokens.address6(IPv6Address(value)).packed
        for secret in self._secrets:
            if secret.encode() in value:
                self._removed += 1
                value = value.replace(secret.encode(), _REMOVED.encode())
        return value

    def _address(self, address: IPv4Address) -> IPv4Address:
        return address if patterns.is_public_knowledge(address) else self._tokens.address(address)

    def _without(self, secret: str, text: str) -> str:
        pattern = re.escape(secret) if len(secret) >= _SHORTEST_WORD else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text, found = re.subn(pattern, _REMOVED, text)
        self._removed += found
        return text


def _is_hardware(oid: str, value: bytes) -> bool:
    return len(value) == _MAC and (within(oid, HARDWARE) is not None or _text(value) is None)


def _text(value: bytes) -> str | None:
    """Octets that are text for people; None for others. Lines and tabs are text, a NUL at the end is."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    shown = text.rstrip("\0")
    return text if shown and all(sign.isprintable() or sign in "\r\n\t" for sign in shown) else None


def _typed(octets: list[int], at: int) -> tuple[str, int]:
    """What sort of address a type announces at `at`, and where it begins; some agents leave its length out."""
    kind = octets[at] if at < len(octets) else 0
    sign, width = {1: ("4", 4), 2: ("V", 16)}.get(kind, (".", 1))
    return sign, at + 1 + (octets[at + 1 : at + 2] == [width] and len(octets) > at + 1 + width)


def _unmistakable(four: list[int]) -> bool:
    """Private addresses that are hardly ever anything else in an index; 10/8 could be a column and its index."""
    return four[:2] == [192, 168] or (four[0] == 172 and 16 <= four[1] < 32)


def _put(parts: list[str], at: int, octets: bytes) -> None:
    parts[at : at + len(octets)] = [str(octet) for octet in octets]
