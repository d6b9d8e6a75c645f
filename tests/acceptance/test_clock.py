"""The whole agent, with a clock that is stepped by an hour and by a day, both ways, while it works."""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import apscheduler.schedulers.base
import pytest
import requests

from agent.cli.estate import kinds, read
from agent.daemon import Settings
from agent.daemon.core import Daemon
from agent.records import EventKind, IncidentChange
from testbeds.agent import Service
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, services

pytestmark = pytest.mark.acceptance

HOUR, DAY = 3_600.0, 86_400.0
STEPS = (HOUR, -HOUR, -DAY, DAY, DAY)


class Clock:
    """The time of day, as far wrong as the test wants it."""

    def __init__(self) -> None:
        self.wrong = 0.0

    def __call__(self) -> float:
        return time.time() + self.wrong


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock that the daemon and APScheduler's own `datetime.now` both read."""
    made = Clock()

    class Stepped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(made(), tz)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Stepped)
    return made  # type: ignore[return-value]


class Watched:
    """A daemon in this loop, and everything that it says of its incidents."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._estate = read(home / "estate.yaml")
        self._home = home
        self._clock = clock
        self.changes: list[tuple[str, EventKind]] = []
        self.daemon: Daemon

    async def start(self) -> None:
        settings = Settings.make(
            self._estate,
            ledger_url=str(self._home / "ledger.sqlite3"),
            control_socket=self._home / "control.socket",
            listen=["127.0.0.1:0"],
        )
        self.daemon = Daemon(self._estate, settings, *kinds(), lambda: 0, clock=self._clock)
        await self.daemon.start()
        self.daemon.pipeline.listeners.append(self._note)

    def _note(self, change: IncidentChange) -> None:
        self.changes += [(change.incident.cause.subject, event.kind) for event in change.events]

    def started(self, check: str) -> float:
        result = self.daemon.pipeline.last.get((check, "here"))
        return result.started if result is not None else 0.0

    async def runs(self, times: int = 3) -> None:
        """Return when every quick check has run so many times more, by whatever clock."""
        for _ in range(times):
            before = {name: self.started(f"{name}/tcp") for name in ("fine", "bad")}
            await until(partial(self._moved_on, before), "runs go on")

    def _moved_on(self, before: Mapping[str, float | None]) -> bool:
        return all(self.started(f"{name}/tcp") != at for name, at in before.items())

    async def page(self, path: str) -> str:
        host, port = self.daemon.addresses[0]
        answer = await asyncio.to_thread(requests.get, f"http://{host}:{port}{path}", timeout=10)
        return answer.text


async def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"waited {seconds:.0f} s in vain: {what}")


def kept(home: Path, check: str) -> float:
    """When the check's newest result in the ledger was started."""
    ledger = sqlite3.connect(home / "ledger.sqlite3")
    try:
        rows = ledger.execute("SELECT started FROM checks WHERE check_id = ?", (check,)).fetchall()
    finally:
        ledger.close()
    return float(rows[0][0]) if rows else 0.0


async def test_a_stepped_clock_opens_closes_and_stops_nothing(
    tmp_path: Path, clock: Clock, simulation: Simulation, new_service: Callable[[], Service]
) -> None:
    desk = simulation.desk()
    played = {name: new_service() for name in ("fine", "bad", "slow")}
    text = services({name: one.port for name, one in played.items()}, hold_down="2s", desk=demo_desk(desk.url))
    slow = f"{{port: {played['slow'].port}}}"
    (tmp_path / "estate.yaml").write_text(text.replace(slow, slow.replace("}", ", every: 10m}")))
    watched = Watched(tmp_path, clock)
    played["bad"].close()
    try:
        await watched.start()
        watched.daemon.pipeline._outlets.probe("slow")  # else its first run comes within a minute
        await until(lambda: ("bad", EventKind.OPENED) in watched.changes, "the fault is an incident")
        await until(desk.has(new=1), "and a ticket")
        await until(lambda: watched.started("slow/tcp") > 0, "the slow check has run")

        for step in STEPS:
            watched.changes.clear()
            clock.wrong += step
            await watched.runs()
            metrics = await watched.page("/metrics")
            assert watched.changes == [], f"a step of {step:+.0f} s changed incidents"
            assert "\nridgeway_checks_stale 0.0" in metrics, f"a step of {step:+.0f} s made checks stale"
            assert 'ridgeway_tcp_connect_seconds{target="slow"' in metrics, f"a step of {step:+.0f} s lost a reading"
            assert ">stale<" not in await watched.page("/targets"), f"a step of {step:+.0f} s made targets stale"
            await until(
                lambda: abs(kept(tmp_path, "fine/tcp") - clock()) < 60, f"{step:+.0f}: results are still kept", 20
            )

        watched.changes.clear()
        played["bad"].open()
        await until(lambda: ("bad", EventKind.RECOVERING) in watched.changes, "it recovers")
        clock.wrong -= DAY
        await until(lambda: ("bad", EventKind.RESOLVED) in watched.changes, "the hold-down is neither cut nor endless")
        await until(desk.has(resolved=1), "the ticket is resolved")
    finally:
        await watched.daemon.stop()


async def test_a_clock_set_right_between_two_lives_opens_and_closes_nothing(
    tmp_path: Path, clock: Clock, simulation: Simulation, new_service: Callable[[], Service]
) -> None:
    desk = simulation.desk()
    played = {name: new_service() for name in ("fine", "bad")}
    ports = {name: one.port for name, one in played.items()}
    (tmp_path / "estate.yaml").write_text(services(ports, desk=demo_desk(desk.url)))
    watched = Watched(tmp_path, clock)
    clock.wrong = DAY
    played["bad"].close()
    await watched.start()
    try:
        await until(lambda: ("bad", EventKind.OPENED) in watched.changes, "the fault is an incident")
        await until(desk.has(new=1), "and a ticket")
    finally:
        await watched.daemon.stop()

    for wrong in (0.0, -DAY, DAY):
        clock.wrong = wrong
        watched.changes.clear()
        await watched.start()
        try:
            await watched.runs()
            assert watched.changes == [], f"a life that began {wrong:+.0f} s wrong changed incidents"
        finally:
            await watched.daemon.stop()

    assert desk.statuses() == {"new": 1}
