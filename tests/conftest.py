"""Makes `tests/testbeds` importable as `testbeds`, whatever the directory pytest is started from."""

import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from checks.transports import Transports

sys.path.insert(0, str(Path(__file__).parent))


from testbeds.planted import planted, pytest_sessionfinish, pytest_terminal_summary

__all__ = ["planted", "pytest_sessionfinish", "pytest_terminal_summary"]

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:  # of a run in the background, which every agent would inherit
        signal.signal(number, handler)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, which is loaded only if it is installed
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """The way in which `make test` parts the tests among its processes."""
    from testbeds.parted import ByFile

    return ByFile(config, log)


@pytest.fixture
async def transports() -> AsyncIterator["Transports"]:
    """The transports of an agent, closed when the test is over."""
    from checks.transports import Transports

    opened = Transports.open()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A test that runs a command in this process sets logging up for good; the next one wants to capture lines."""
    yield
    structlog.reset_defaults()
