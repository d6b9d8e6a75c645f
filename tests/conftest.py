"""Makes `tests/testbeds` importable as `testbeds`, whatever the directory pytest is started from."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A test that runs a command in this process sets logging up for good; the next one wants to capture lines."""
    yield
    structlog.reset_defaults()
