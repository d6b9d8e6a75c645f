"""The skeleton reader: whatever the octets, a skeleton or `Malformed`, and nothing else."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.snmp import Missing, wire
from checks.transports.snmp.errors import Malformed


def response_of(*bindings: bytes, status: int = 0) -> bytes:
    """A v2c response of the given bindings, every length in the short form."""
    body = b"".join(bindings)
    pdu = b"\x02\x01\x07\x02\x01" + bytes([status]) + b"\x02\x01\x00\x30" + bytes([len(body)]) + body
    message = b"\x02\x01\x01\x04\x06public\xa2" + bytes([len(pdu)]) + pdu
    return b"\x30" + bytes([len(message)]) + message


NAME = b"\x06\x03\x2b\x06\x01"
TEXT = b"\x30\x0a" + NAME + b"\x04\x03foo"
TICKS = b"\x30\x08" + NAME + b"\x43\x01\x05"
NO_OBJECT = b"\x30\x07" + NAME + b"\x80\x00"
WHOLE = response_of(TEXT, TICKS, NO_OBJECT)


def skeleton(datagram: bytes) -> wire.Response:
    return wire.response(wire.community_pdu(datagram))


def test_a_response_is_read_to_its_status_and_types() -> None:
    read = skeleton(WHOLE)

    assert read == wire.Response(0, [0x04, 0x43, 0x80])
    assert read.missing() == [None, None, Missing.OBJECT]


def test_an_error_status_is_read() -> None:
    assert skeleton(response_of(status=16)).status == 16


@pytest.mark.parametrize("kept", range(len(WHOLE)))
def test_a_response_cut_at_any_octet_is_malformed(kept: int) -> None:
    with pytest.raises(Malformed):
        skeleton(WHOLE[:kept])


@pytest.mark.parametrize(
    "binding",
    [
        b"\x30\x0a" + NAME + b"\x04\x02foo",
        b"\x30\x0a" + NAME + b"\x04\x04foo",
        b"\x30\x07" + NAME + b"\x02\x00",
        b"\x30\x0b" + NAME + b"\x40\x04\x01\x02\x03",
        b"\x30\x0e" + NAME + b"\x43\x07\x01\x02\x03\x04\x05\x06\x07",
        b"\x30\x08" + NAME + b"\x80\x01\x00",
        b"\x30\x08" + NAME + b"\x01\x01\xff",
        b"\x30\x08" + NAME + b"\x06\x01\x86",
        b"\x30\x05" + NAME,
        b"\x30\x08\x06\x03\x2b\x06\x81\x43\x01\x05",
        b"\x31\x08" + NAME + b"\x43\x01\x05",
    ],
    ids=[
        "value-too-short", "value-too-long", "empty-integer", "address-of-three", "ticks-of-seven",
        "exception-with-body", "boolean", "cut-oid", "no-value", "cut-name", "no-sequence",
    ],
)  # fmt: skip
def test_an_irregular_binding_is_malformed(binding: bytes) -> None:
    with pytest.raises(Malformed):
        skeleton(response_of(binding))


@given(st.binary(max_size=200))
def test_any_octets_at_all_are_a_skeleton_or_malformed(octets: bytes) -> None:
    for read in (skeleton, wire.secured):
        try:
            read(octets)
        except Malformed:
            continue


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_octet_never_reads_beyond_the_datagram(at: int, octet: int) -> None:
    changed = WHOLE[:at] + bytes([octet]) + WHOLE[at + 1 :]

    try:
        read = skeleton(changed)
    except Malformed:
        return

    assert len(read.types) <= len(WHOLE) // 7


def test_a_signature_is_that_of_the_message_with_its_place_blank() -> None:
    key, place = b"k" * 32, slice(10, 34)
    blank = bytes(range(10)) + bytes(24) + b"and more"
    signature = hmac.new(key, blank, hashlib.sha256).digest()[:24]
    signed = blank[:10] + signature + blank[34:]
    head = wire.Secured(True, False, b"", 0, 0, b"", (place.start, place.stop), b"", (0, 0), None)

    assert wire.signed_by(signed, head, key, "sha256", 24)
    assert not wire.signed_by(signed, head, b"x" * 32, "sha256", 24)
    assert not wire.signed_by(signed[:-1] + b"?", head, key, "sha256", 24)
    assert not wire.signed_by(signed, head, key, "sha256", 12)
