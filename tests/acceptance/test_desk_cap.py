"""Thirty faults at once at a desk that takes ten new tickets a day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, services

pytestmark = pytest.mark.acceptance

FAULTS, CAP = 30, 10


def test_the_cap_holds_new_tickets_back_in_sight_and_never_holds_back_a_closing(
    new_agent: Callable[..., Agent], new_service: Callable[[], Service], simulation: Simulation
) -> None:
    played = {f"web-{number:02}": new_service() for number in range(FAULTS)}
    desk = simulation.desk()
    agent = new_agent()
    agent.write(services({name: one.port for name, one in played.items()}, desk=demo_desk(desk.url, cap=CAP)))
    agent.start()

    for one in played.values():
        one.close()
    wait_until(lambda: len(agent.causes("open")) == FAULTS, "every fault is an incident", 60)
    wait_until(desk.has(new=CAP), "as many tickets as the cap allows", 60)
    wait_until(lambda: agent.metric("ridgeway_desk_capped", desk="desk") == 1, "the metric says that it is capped")
    wait_until(
        lambda: agent.metric("ridgeway_outbox_items", desk="desk") == FAULTS - CAP, "the others are seen to wait"
    )
    phases = _phases(agent)
    for one in played.values():
        one.open()
    wait_until(lambda: len(agent.causes("resolved")) == FAULTS, "every fault is over", 60)
    wait_until(desk.has(resolved=CAP), "every ticket that was made is resolved", 60)
    over = ["done"] * CAP + ["wanted"] * (FAULTS - CAP)
    wait_until(lambda: _phases(agent) == over, "the agent has heard that they are")  # a moment after the desk knew

    assert phases == ["linked"] * CAP + ["wanted"] * (FAULTS - CAP)
    assert "desk.cap_reached" in agent.log.read_text()


def _phases(agent: Agent) -> list[str]:
    return sorted(ticket["phase"] for row in agent.known() for ticket in row["tickets"])
