"""A recording played on loopback by a lean SNMP agent: v1 and v2c, GET, GETNEXT and GETBULK, encoded here.

`agent.demo.devices` answers with pysnmp, at a fifth of a millisecond a value; this one is for walks of 100,000 values.
It shares no code with either engine that is tested against it, and lies on request (`lie`), to prove that they notice.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import lru_cache

from checks.recordings.recording import Recorded
from checks.transports.snmp.tags import TAG_ADDRESS, TAG_NULL, TAG_OID

_GET, _NEXT, _BULK, _RESPONSE = 0xA0, 0xA1, 0xA5, 0xA2
_NO_OBJECT, _NO_INSTANCE, _END = b"\x80\x00", b"\x81\x00", b"\x82\x00"
_LARGEST = 1_400
"""Octets of bindings in one reply, as a careful agent keeps to (RFC 3416, section 4.2.3)."""
_NO_SUCH_NAME = 2


class Player(asyncio.DatagramProtocol):
    """Plays one set of values; `port` is known after `start`."""

    def __init__(self, values: Mapping[str, Recorded]) -> None:
        pairs = sorted((tuple(map(int, oid.split("."))), recorded) for oid, recorded in values.items())
        self._numbers = [number for number, _ in pairs]
        self._bindings = [_wrapped(0x30, _oid(number) + encoded(recorded)) for number, recorded in pairs]
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0
        self.questions = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.port = self._transport.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)

    def lie(self, oid: str, recorded: Recorded) -> None:
        """Answer something else at an OID than what is played: what a defect in an engine would look like."""
        number = tuple(map(int, oid.split(".")))
        self._bindings[self._numbers.index(number)] = _wrapped(0x30, _oid(number) + encoded(recorded))

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        assert self._transport is not None
        self.questions += 1
        self._transport.sendto(self._answer(data), address)

    def _answer(self, data: bytes) -> bytes:
        message, _ = _element(data, 0)
        version, at = _element(message, 0)
        community, at = _element(message, at)
        tag = message[at]
        pdu, _ = _element(message, at)
        request, at = _element(pdu, 0)
        first, at = _element(pdu, at)
        second, at = _element(pdu, at)
        bindings, _ = _element(pdu, at)
        asked = []
        at = 0
        while at < len(bindings):
            binding, at = _element(bindings, at)
            asked.append(_numbers(_element(binding, 0)[0]))
        old = version == b"\0"
        status, rows = self._rows(tag, asked, int.from_bytes(first), int.from_bytes(second), old)
        body = _wrapped(2, request) + _wrapped(2, bytes([status])) + _wrapped(2, bytes([1 if status else 0]))
        body += bindings_of(asked) if status else _wrapped(0x30, b"".join(rows))
        return _wrapped(0x30, _wrapped(2, version) + _wrapped(4, community) + _wrapped(_RESPONSE, body))

    def _rows(
        self, tag: int, asked: list[tuple[int, ...]], alone: int, repeated: int, old: bool
    ) -> tuple[int, list[bytes]]:
        if tag == _GET:
            rows = [self._got(number, old) for number in asked]
        elif tag == _NEXT:
            rows = [self._following(number, old) for number in asked]
        else:
            assert tag == _BULK and alone == 0
            return 0, self._bulk(asked, repeated)
        if any(row is None for row in rows):
            return _NO_SUCH_NAME, []
        return 0, [row for row in rows if row is not None]

    def _got(self, number: tuple[int, ...], old: bool) -> bytes | None:
        at = bisect_left(self._numbers, number)
        if at < len(self._numbers) and self._numbers[at] == number:
            return self._bindings[at]
        if old:
            return None
        parent = number[:-1]
        after = bisect_right(self._numbers, parent)
        known = after < len(self._numbers) and self._numbers[after][: len(parent)] == parent
        return _wrapped(0x30, _oid(number) + (_NO_INSTANCE if known else _NO_OBJECT))

    def _following(self, number: tuple[int, ...], old: bool) -> bytes | None:
        at = bisect_right(self._numbers, number)
        if at < len(self._numbers):
            return self._bindings[at]
        return None if old else _wrapped(0x30, _oid(number) + _END)

    def _bulk(self, asked: list[tuple[int, ...]], repeated: int) -> list[bytes]:
        """Row by row what follows each, left out from where the reply would grow too large (RFC 3416, 4.2.3)."""
        rows: list[bytes] = []
        size = 0
        starts = [bisect_right(self._numbers, number) for number in asked]
        for step in range(repeated):
            for number, start in zip(asked, starts, strict=True):
                row = self._at(start + step, number)
                size += len(row)
                if rows and size > _LARGEST:
                    return rows
                rows.append(row)
            if starts and min(starts) + step >= len(self._numbers):
                return rows
        return rows

    def _at(self, place: int, asked: tuple[int, ...]) -> bytes:
        if place < len(self._numbers):
            return self._bindings[place]
        return _wrapped(0x30, _oid(self._numbers[-1] if self._numbers else asked) + _END)


def encoded(recorded: Recorded) -> bytes:
    """A value in BER (X.690), as SNMP has it."""
    value = recorded.value
    if recorded.tag == TAG_NULL or value is None:
        return b"\x05\x00"
    if recorded.tag == TAG_OID:
        return _oid(tuple(map(int, str(value).split("."))))
    if recorded.tag == TAG_ADDRESS:
        return _wrapped(TAG_ADDRESS, bytes(map(int, str(value).split("."))))
    if isinstance(value, int):
        return _wrapped(recorded.tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))
    assert isinstance(value, bytes)
    return _wrapped(recorded.tag, value)


def bindings_of(asked: list[tuple[int, ...]]) -> bytes:
    """The question's own bindings, which an error status sends back."""
    return _wrapped(0x30, b"".join(_wrapped(0x30, _oid(number) + b"\x05\x00") for number in asked))


def _wrapped(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + body


def _element(data: bytes, at: int) -> tuple[bytes, int]:
    """The contents of the element at `at`, and where the next begins."""
    size, start = data[at + 1], at + 2
    if size & 0x80:
        octets = size & 0x7F
        size = int.from_bytes(data[start : start + octets])
        start += octets
    return data[start : start + size], start + size


def _oid(number: tuple[int, ...]) -> bytes:
    first = number[0] * 40 + (number[1] if len(number) > 1 else 0)
    return _wrapped(6, b"".join(map(_base128, (first, *number[2:]))))


@lru_cache(maxsize=4096)
def _base128(part: int) -> bytes:
    octets = [part & 0x7F]
    while part := part >> 7:
        octets.append(0x80 | (part & 0x7F))
    return bytes(reversed(octets))


def _numbers(body: bytes) -> tuple[int, ...]:
    parts: list[int] = []
    part = 0
    for octet in body:
        part = part << 7 | octet & 0x7F
        if not octet & 0x80:
            parts.append(part)
            part = 0
    first = parts[0]
    head = (first // 40, first % 40) if first < 80 else (2, first - 80)
    return (*head, *parts[1:])
