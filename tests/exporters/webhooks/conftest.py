"""Receivers, and a ledger on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.ledger.ledger import Ledger
from exporters.feed import hub
from exporters.webhooks import schedule
from testbeds.postgres import PostgresCluster
from testbeds.receiver import OTHER_SECRET, SECRET, Receiver
from testbeds.telling import opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.acceptance)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.database()


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    kept = opened(location)
    yield kept
    kept.close()


@pytest.fixture
def new_receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes receivers that are closed when the test is over."""
    with ExitStack() as stack:

        def make(**options: object) -> Receiver:
            receiver = Receiver(**options)  # type: ignore[arg-type]
            stack.callback(receiver.close)
            return receiver

        yield make


@pytest.fixture
def receiver(new_receiver: Callable[..., Receiver]) -> Receiver:
    return new_receiver()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("OTHER_HOOK", OTHER_SECRET)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule in hundredths of a second: what is waited for is the order of things, not the clock."""
    monkeypatch.setattr(schedule, "PAUSES", (0.02,) * (schedule.TRIES - 1))
    monkeypatch.setattr(hub, "POLL", 0.02)
