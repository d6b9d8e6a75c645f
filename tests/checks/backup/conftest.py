"""The transports of a test, and what must be true of every simulated firewall at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import checks.transports.http.exchange  # noqa: F401  # now: importing requests is no part of any question's time
from checks.transports import Transports


@pytest.fixture
async def transports() -> AsyncIterator[Transports]:
    opened = Transports.open()
    yield opened
    await opened.close()
