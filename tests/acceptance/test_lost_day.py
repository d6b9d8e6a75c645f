"""A ledger of yesterday is restored: it adopts the open tickets, doubles none, and closes what is over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.postgres import PostgresCluster
from testbeds.rt import RequestTracker
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, request_tracker, services

pytestmark = pytest.mark.acceptance

STAYS, ENDS, COMES_BACK, LATER, LATER_ENDS, LATER_OVER, CALM = (
    "stays", "ends", "comes-back", "later", "later-ends", "later-over", "calm",
)  # fmt: skip


def the_lost_day(agent: Agent, world: dict[str, Service], statuses: Callable[[], list[str]], archive: Path) -> None:
    """Three faults, a backup, and a day after it; then a kill and the restore."""
    for name in (STAYS, ENDS, COMES_BACK):
        world[name].close()
    agent.start()
    wait_until(lambda: statuses() == ["new"] * 3, "three tickets before the backup", 60)

    agent.run("backup", "make", str(archive))

    world[LATER].close()
    world[LATER_ENDS].close()
    world[LATER_OVER].close()
    wait_until(lambda: len(statuses()) == 6, "three more tickets", 60)
    for name in (ENDS, COMES_BACK, LATER_OVER):
        world[name].open()
    wait_until(lambda: statuses().count("resolved") == 3, "three are over", 60)
    world[COMES_BACK].close()
    wait_until(lambda: statuses().count("resolved") == 2, "and one of them is back", 60)
    agent.kill()
    world[LATER_ENDS].open()
    agent.run("restore", str(archive), "--yes")


def go_on(agent: Agent, world: dict[str, Service], statuses: Callable[[], list[str]]) -> None:
    """What the restored ledger makes of it, until all is mended."""
    agent.start()
    wait_until(lambda: statuses().count("resolved") == 3, "what ended meanwhile is closed", 100)
    wait_until(lambda: {name for name, _ in agent.causes("open")} == {STAYS, COMES_BACK, LATER}, "three are open", 60)
    assert len(statuses()) == 6, "none was doubled"
    for name in (STAYS, COMES_BACK, LATER):
        world[name].open()
    wait_until(lambda: statuses() == ["resolved"] * 6, "all are closed", 100)


def test_a_ledger_of_yesterday_adopts_the_open_tickets_of_request_tracker(
    new_agent: Callable[..., Agent],
    new_service: Callable[[], Service],
    rt: RequestTracker,
    tmp_path: Path,
) -> None:
    world = {name: new_service() for name in (STAYS, ENDS, COMES_BACK, LATER, LATER_ENDS, LATER_OVER, CALM)}
    agent = new_agent()
    agent.write(services({name: one.port for name, one in world.items()}, desk=request_tracker(rt.url)))

    def statuses() -> list[str]:
        return sorted(ticket["status"] for ticket in rt.tickets())

    the_lost_day(agent, world, statuses, tmp_path / "kept.tar.gz")
    before = {ticket["id"]: ticket["key"] for ticket in rt.tickets()}
    go_on(agent, world, statuses)

    assert {ticket["id"]: ticket["key"] for ticket in rt.tickets()} == before, "six tickets, with the keys they had"
    verified = json.loads(agent.run("ledger", "verify", "--json"))
    assert verified["status"] == 0
    agent.stop()


def test_a_ledger_of_yesterday_on_postgresql_adopts_the_open_tickets(
    new_agent: Callable[..., Agent], new_service: Callable[[], Service], simulation: Simulation, tmp_path: Path
) -> None:
    world = {name: new_service() for name in (STAYS, ENDS, COMES_BACK, LATER, LATER_ENDS, LATER_OVER, CALM)}
    desk = simulation.desk()
    cluster = PostgresCluster()
    try:
        agent = new_agent(environment={"STATE_DIRECTORY": str(tmp_path)})
        agent.ledger = cluster.database()
        agent.write(services({name: one.port for name, one in world.items()}, desk=demo_desk(desk.url)))

        def statuses() -> list[str]:
            return sorted(status for status, count in desk.statuses().items() for _ in range(count))

        the_lost_day(agent, world, statuses, tmp_path / "kept.tar")
        go_on(agent, world, statuses)

        assert json.loads(agent.run("ledger", "verify", "--json"))["status"] == 0
        assert [name for name in os.listdir(tmp_path) if name.startswith("ledger-postgresql.before-restore.")]
        agent.stop()
    finally:
        cluster.close()
