"""A whole daemon in this process whose estate is changed under it, in ways that only from inside can be arranged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.cli.estate import kinds
from agent.daemon import Daemon, Settings
from agent.daemon.core import running
from agent.daemon.reload import Reloader, ReloadError
from agent.records import IncidentState
from agent.windows import Windows
from config.estate import Estate
from config.load import load_estate
from testbeds.agent import Service
from testbeds.peers import free_port
from testbeds.small_estates import services


class Given:
    """In place of the file: what the test says is read next."""

    def __init__(self, estate: Estate) -> None:
        self.next = estate
        self.then: list[Estate] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _before: Estate, _path: Path | None = None) -> Estate:
        await self.gate.wait()
        return self.then.pop(0) if self.then else self.next

    async def close(self) -> None:
        return


@pytest.fixture
def up() -> AsyncIterator[Service]:
    service = Service()
    yield service
    service.close()


def read(tmp_path: Path, text: str) -> Estate:
    file = tmp_path / "estate.yaml"
    file.write_text(text)
    return load_estate(file, *kinds())


@asynccontextmanager
async def daemon_of(tmp_path: Path, estate: Estate) -> AsyncIterator[tuple[Daemon, Reloader, Given]]:
    settings = Settings.make(
        estate,
        ledger_url=str(tmp_path / "ledger.sqlite3"),
        control_socket=tmp_path / "control.socket",
        listen=[f"127.0.0.1:{free_port()}"],
    )
    given = Given(estate)
    async with running(estate, settings, *kinds(), load=given) as daemon:  # type: ignore[arg-type]
        assert daemon.reloader is not None
        yield daemon, daemon.reloader, given


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_second_reload_is_told_to_wait_and_signals_meanwhile_are_one_more(tmp_path: Path, up: Service) -> None:
    old = read(tmp_path, services({"web": up.port}))
    new = read(tmp_path, services({"web": up.port, "mail": up.port}))
    async with daemon_of(tmp_path, old) as (daemon, reloader, given):
        given.gate.clear()
        given.then = [new, old]
        first = asyncio.create_task(reloader.reload("me"))
        await asyncio.sleep(0)
        with pytest.raises(ReloadError) as busy:
            await reloader.reload("you")
        daemon.hang_up()
        daemon.hang_up()
        given.gate.set()
        done = await first
        await until(lambda: not given.then)
        await until(lambda: "mail" not in daemon._estate.targets)

        assert busy.value.status == 503
        assert done.plan.after == new.revision
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as ledger:
        actors = [row[0] for row in ledger.execute("SELECT actor FROM audit WHERE action = 'reload' ORDER BY id")]
    ledger.close()
    assert actors == ["me", "SIGHUP"]


async def test_a_part_that_fails_keeps_no_other_part_from_going_on(
    tmp_path: Path, up: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("planted")

    old = read(tmp_path, services({"web": up.port}))
    async with daemon_of(tmp_path, old) as (daemon, reloader, given):
        given.next = read(tmp_path, services({"web": up.port, "mail": up.port}))
        monkeypatch.setattr("exporters.desks.delivery.Delivery.use", fail)

        done = await reloader.reload("me")

        assert done.defects == ("desks",)
        assert "Restart the agent" in done.text
        await until(lambda: ("mail/tcp", "here") in daemon.pipeline.last)


async def test_a_renamed_target_keeps_incident_values_and_what_the_ledger_has_of_it(
    tmp_path: Path, up: Service
) -> None:
    closed = free_port()
    old = read(tmp_path, services({"web": up.port, "old": closed}, hold_down="1s"))
    text = services({"web": up.port, "new": closed}, hold_down="1s")
    text = text.replace("  new: {", "  new: {formerly: [old], ")
    async with daemon_of(tmp_path, old) as (daemon, reloader, given):
        live = daemon.pipeline.incidents.live
        await until(lambda: [one.state for one in live.values()] == [IncidentState.OPEN])
        (before,) = daemon.pipeline.incidents.live.values()
        given.next = read(tmp_path, text)

        await reloader.reload("me")

        (after,) = daemon.pipeline.incidents.live.values()
        assert (after.id, after.cause.subject, after.state) == (before.id, "new", IncidentState.OPEN)
        assert ("new/tcp", "here") in daemon.pipeline.last and ("old/tcp", "here") not in daemon.pipeline.last
        exposition = daemon.reloader._in_force.exposition  # type: ignore[union-attr]
        page = b"".join(exposition.page(openmetrics=False, now=daemon._clock())).decode()
        assert (
            'ridgeway_check_state{target="new",check="tcp",council="dacorum",vantage="here",state="critical"} 1' in page
        )
        assert 'target="old"' not in page
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as ledger:
        names = [
            ledger.execute(f"SELECT count(*) FROM {table} WHERE {column} LIKE 'old%'").fetchone()[0]
            for table, column in (
                ("checks", "check_id"),
                ("runs", "check_id"),
                ("spans", "subject"),
                ("alerts", "subject"),
            )
        ]
        spans = ledger.execute("SELECT count(*) FROM spans WHERE subject = 'new' AND state = 'critical'").fetchone()[0]
    ledger.close()
    assert names == [0, 0, 0, 0]
    assert spans == 1


async def test_a_target_renamed_while_no_agent_ran_keeps_its_history_too(tmp_path: Path, up: Service) -> None:
    async with daemon_of(tmp_path, read(tmp_path, services({"old": up.port}))) as (daemon, _, _):
        await until(lambda: ("old/tcp", "here") in daemon.pipeline.last)
    text = services({"new": up.port}).replace("  new: {", "  new: {formerly: [old], ")

    async with daemon_of(tmp_path, read(tmp_path, text)) as (daemon, _, _):
        assert ("new/tcp", "here") in daemon.pipeline.last

    with sqlite3.connect(tmp_path / "ledger.sqlite3") as ledger:
        checks = [row[0] for row in ledger.execute("SELECT check_id FROM checks")]
    ledger.close()
    assert checks == ["new/tcp"]


async def test_a_refused_estate_changes_nothing_and_shows_in_the_metrics(tmp_path: Path, up: Service) -> None:
    old = read(tmp_path, services({"web": up.port}))
    async with daemon_of(tmp_path, old) as (daemon, reloader, given):
        given.next = replace(old, name="another", revision="1")

        with pytest.raises(ReloadError) as refused:
            await reloader.reload("me")

        assert refused.value.status == 409 and "keeps the ledger of test" in str(refused.value)
        assert daemon._estate is old
        page = reloader._in_force.own.page(openmetrics=False).decode()
        assert "ridgeway_config_last_reload_successful 0.0" in page
        assert old.revision in page


def test_windows_of_another_estate_hold_at_once(tmp_path: Path) -> None:
    text = services({"web": 80})
    when = "start: '2027-01-01T00:00', end: '2027-01-30T00:00'"
    window = f"maintenance: {{w: {{match: {{kinds: [tcp]}}, reason: work, owner: me, {when}}}}}\n"
    old = read(tmp_path, text)
    windows = Windows(old)
    web = old.targets["web"]
    assert windows.covering(web, "tcp", "tcp/80", 1_800_000_000.0) is None

    windows.use(read(tmp_path, text + window))

    assert windows.covering(web, "tcp", "tcp/80", 1_800_000_000.0) == "w"
