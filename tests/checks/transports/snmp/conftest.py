"""A snmpd for each module of tests, and a transport for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from checks.transports.snmp import SnmpTransport
from testbeds import snmpd


@pytest.fixture(scope="module")
def agent() -> Iterator[snmpd.Snmpd]:
    with snmpd.running() as started:
        yield started


@pytest.fixture
async def snmp() -> AsyncIterator[SnmpTransport]:
    transport = SnmpTransport()
    yield transport
    await transport.close()
