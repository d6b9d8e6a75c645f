"""The ledger's disk fills up: probing and metrics go on, the agent says so, and nothing is lost or doubled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, services

pytestmark = pytest.mark.acceptance


@contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """A file system of 4 MiB at this place."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small file system that this test fills")
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "ridgeway-test", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


def test_a_full_disk_stops_the_ledger_and_nothing_else(
    new_agent: Callable[..., Agent], new_service: Callable[[], Service], simulation: Simulation, tmp_path: Path
) -> None:
    before, meanwhile, calm = new_service(), new_service(), new_service()
    desk = simulation.desk()
    agent = new_agent()
    ports = {"before": before.port, "meanwhile": meanwhile.port, "calm": calm.port}
    agent.write(services(ports, desk=demo_desk(desk.url)))
    with small_disk(tmp_path / "disk") as disk:
        agent.ledger = str(disk / "ledger.sqlite3")
        agent.start()
        before.close()
        wait_until(desk.has(new=1), "a fault before has its ticket")
        healthy = agent.metric("ridgeway_ledger_healthy")

        filler = fill(disk)
        meanwhile.close()
        wait_until(lambda: agent.metric("ridgeway_ledger_healthy") == 0, "the metric says that the disk is full", 60)
        runs = agent.runs("tcp")
        wait_until(lambda: agent.runs("tcp") > runs + 9, "probing goes on")
        page = agent.page("/")
        connects = agent.metric("ridgeway_tcp_connect_seconds", target="calm")
        wait_until(lambda: "meanwhile" in agent.page("/"), "the page shows the new problem")
        before.open()
        while_full = desk.statuses()
        waiting = agent.metric("ridgeway_ledger_queue_writes") or 0

        filler.unlink()
        wait_until(lambda: agent.metric("ridgeway_ledger_healthy") == 1, "it writes again", 60)
        wait_until(desk.has(new=1, resolved=1), "what opened and what ended meanwhile reach the desk", 90)
        after = agent.page("/")
        meanwhile.open()
        wait_until(desk.has(resolved=2), "the second fault's ticket is resolved", 60)
        agent.kill()
        agent.start()
        wait_until(lambda: agent.causes("resolved") == _both(before, meanwhile), "a new life knows both")
        events = _events(agent)
        agent.stop()

    assert healthy == 1
    assert "The ledger cannot be written" in page and "is full; make room" in page
    assert "The ledger cannot be written" not in after
    assert connects is not None and waiting > 0
    assert while_full == {"new": 1}
    assert [kinds.count("opened") for kinds in events.values()] == [1, 1]
    assert [kinds.count("resolved") for kinds in events.values()] == [1, 1]
    assert "ledger cannot be written" in agent.log.read_text()


def _both(before: Service, meanwhile: Service) -> list[tuple[str, str]]:
    return [("before", f"tcp/{before.port}"), ("meanwhile", f"tcp/{meanwhile.port}")]


def _events(agent: Agent) -> dict[str, list[str]]:
    return {row["subject"]: agent.events(row["id"]) for row in agent.known()}
