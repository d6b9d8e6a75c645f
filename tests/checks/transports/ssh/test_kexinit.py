"""What a server offers, read from its first octets."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.ssh.kexinit import Ours, nothing_common, offer, only_sha1, version
from testbeds.raw_ssh import MODERN, VERSION, kexinit, packet

OURS = Ours(
    *(frozenset(MODERN[name].split(",")) for name in ("key_exchange", "host_keys", "ciphers", "signatures"))
)  # fmt: skip


def test_the_offer_is_read_after_greeting_lines_and_other_packets() -> None:
    hello = b"Authorised use only\r\n" + VERSION + packet(b"\x04\x00debug") + kexinit()

    found = offer(hello)

    assert version(hello) == "SSH-2.0-Ancient_1.0"
    assert found is not None
    assert found.host_keys == ("ssh-ed25519", "rsa-sha2-512")
    assert nothing_common(found, OURS) == []


@pytest.mark.parametrize(
    ("lists", "what"),
    [
        ({"key_exchange": "diffie-hellman-group14-sha1"}, "key exchange (diffie-hellman-group14-sha1)"),
        ({"key_exchange": "diffie-hellman-group1-sha1,kex-strict-s-v00@openssh.com"}, "key exchange"),
        ({"host_keys": "ssh-rsa,ssh-dss"}, "host key (ssh-rsa, ssh-dss)"),
        ({"signatures": "hmac-sha1,hmac-md5"}, "message signatures (hmac-sha1, hmac-md5)"),
    ],
)
def test_a_server_with_nothing_newer_than_sha1_is_recognised(lists: dict[str, str], what: str) -> None:
    found = offer(VERSION + kexinit(**lists))

    assert found is not None
    assert [part for part in only_sha1(found, OURS) if part.startswith(what)] != []


@pytest.mark.parametrize(
    "lists",
    [
        {},
        {"key_exchange": "diffie-hellman-group14-sha1,ecdh-sha2-nistp256"},
        {"host_keys": "ssh-rsa,rsa-sha2-512"},
        {"signatures": "hmac-sha1,hmac-sha2-256"},
        {"key_exchange": "sntrup761x25519-sha512@openssh.com"},
    ],
)
def test_sha1_beside_something_newer_is_no_finding(lists: dict[str, str]) -> None:
    found = offer(VERSION + kexinit(**lists))

    assert found is not None
    assert only_sha1(found, OURS) == []


def test_a_server_that_shares_no_cipher_is_told_apart() -> None:
    found = offer(VERSION + kexinit(ciphers="chacha20-poly1305@openssh.com"))

    assert found is not None
    assert nothing_common(found, OURS) == ["cipher (it offers chacha20-poly1305@openssh.com)"]


@pytest.mark.parametrize(
    "hello",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        VERSION,
        VERSION + kexinit()[:100],
        VERSION + struct.pack(">IB", 0xFFFFFFFF, 4) + bytes(100),
        VERSION + struct.pack(">IB", 0, 4) + bytes(100),
        VERSION + packet(b"\x14" + bytes(16) + struct.pack(">I", 0xFFFFFFFF)),
    ],
)
def test_what_holds_no_whole_offer_gives_none(hello: bytes) -> None:
    assert offer(hello) is None


@given(st.binary(max_size=400))
def test_no_octets_make_the_reader_stumble(octets: bytes) -> None:
    offer(VERSION + octets)
    offer(octets)
    version(octets)
