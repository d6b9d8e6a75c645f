"""Makes `tests/testbeds` importable as `testbeds`, whatever the directory pytest is started from."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, which is loaded only if it is installed
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """The way in which `make test` parts the tests among its processes."""
    from testbeds.parted import ByFile

    return ByFile(config, log)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A test that runs a command in this process sets logging up for good; the next one wants to capture lines."""
    yield
    structlog.reset_defaults()
