"""The one place that catches gufo-snmp's panic: it catches that, and nothing else of its kind."""

from __future__ import annotations

import asyncio
import socket

import pytest
from gufo.snmp._fast import SnmpV2cClientSocket

from agent.stderr import StderrFilter
from checks.contract import Reason
from checks.transports.snmp.errors import Malformed, OutOfResources, Refused, Unreachable
from checks.transports.snmp.session import guarded, told

PANICS = b"\x30\x82\x01"
"""A length of two octets of which one is there: gufo-snmp 0.13 reads beyond the end."""


def test_a_real_panic_becomes_our_error(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        client = SnmpV2cClientSocket(f"127.0.0.1:{peer.getsockname()[1]}", "public", 0, 0, 0, 1_000_000_000)
        client.send_get("1.3.6.1.2.1.1.3.0")
        _, address = peer.recvfrom(2000)
        peer.sendto(PANICS, address)

        with StderrFilter() as filtered, pytest.raises(Malformed) as raised:
            guarded("192.0.2.1:161", client.recv_get)

    assert raised.value.reason is Reason.PROTOCOL and raised.value.again
    assert filtered.sieve.panics == 1
    assert "panicked" in capfd.readouterr().err


@pytest.mark.parametrize("stranger", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_is_not_a_panic_goes_on_its_way(stranger: type[BaseException]) -> None:
    def act() -> None:
        raise stranger

    with pytest.raises(stranger):
        guarded("192.0.2.1:161", act)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError("Connection refused (os error 111)"), Refused),
        (TimeoutError("connection refused"), Refused),
        (OSError("No route to host (os error 113)"), Unreachable),
        (OSError(101, "Network is unreachable"), Unreachable),
        (OSError("Too many open files (os error 24)"), OutOfResources),
    ],
    ids=["refused", "refused-as-timeout", "no-route", "network", "descriptors"],
)
def test_an_error_of_the_system_is_told_by_its_number(error: OSError, expected: type[Exception]) -> None:
    assert type(told("192.0.2.1:161", error)) is expected
