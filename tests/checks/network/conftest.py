"""A snmpd for each module of tests."""

from collections.abc import Iterator

import pytest

from testbeds import snmpd


@pytest.fixture(scope="module")
def agent() -> Iterator[snmpd.Snmpd]:
    with snmpd.running() as started:
        yield started
