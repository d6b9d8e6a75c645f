"""Five devices behind two lines: what hides behind a dead line, what does not, and what closes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from testbeds.agent import Agent
from testbeds.peers import wait_until
from testbeds.simulation import FULL, MEMORY, Simulation
from testbeds.small_estates import demo_desk, firewalls

pytestmark = pytest.mark.acceptance

LINES = ("line-a", "line-b")
BEHIND = tuple(f"phone-{number}" for number in range(1, 6))
REACH = "target/unreachable"


def _estate(simulation: Simulation, need: str, desk: str) -> str:
    ports = {name: simulation[name].port for name in (*LINES, *BEHIND)}
    return firewalls(ports, needs=dict.fromkeys(BEHIND, need), desk=demo_desk(desk))


def _asked_again(agent: Agent, times: int = 3) -> None:
    """Return when every check has run so many times more."""
    goal = agent.runs("snmp") + times * (len(LINES) + len(BEHIND))
    wait_until(lambda: agent.runs("snmp") >= goal, "every device has been asked again", 60)


def test_one_of_two_lines_dead_hides_nothing_and_both_hide_everything_behind_one_of_them(
    new_agent: Callable[..., Agent], simulation: Simulation
) -> None:
    simulation.add(*LINES, *BEHIND)
    simulation.start()
    desk = simulation.desk()
    agent = new_agent()
    agent.write(_estate(simulation, "{any: [line-a, line-b]}", desk.url))
    agent.start()

    simulation.silence("line-b")
    wait_until(lambda: agent.causes("open") == [("line-b", REACH)], "the one dead line is an incident")
    _asked_again(agent)
    with_one_dead = agent.causes()
    simulation.silence("line-a", *BEHIND)
    wait_until(lambda: agent.causes("open") == [("line-a", REACH), ("line-b", REACH)], "both lines are incidents")
    root = next(row["id"] for row in agent.known() if row["subject"] == "line-a")
    wait_until(lambda: len(_children(agent, root)) == len(BEHIND), "five devices are listed behind the first line")
    _asked_again(agent)
    explained = agent.run("explain", "phone-3")
    while_both_dead = agent.causes("open", "suspect")
    simulation.wake(*LINES, *BEHIND)
    wait_until(lambda: agent.causes("resolved") == [("line-a", REACH), ("line-b", REACH)], "both are over", 60)
    wait_until(desk.has(resolved=2), "both tickets are resolved")

    assert with_one_dead == [("line-b", REACH)]
    assert while_both_dead == [("line-a", REACH), ("line-b", REACH)]
    assert "line-a" in explained
    assert agent.causes() == [("line-a", REACH), ("line-b", REACH)]
    assert _children(agent, root) == []


def test_a_fault_of_its_own_is_told_although_the_line_to_it_is_said_to_be_dead(
    new_agent: Callable[..., Agent], simulation: Simulation
) -> None:
    simulation.add(*LINES, *BEHIND)
    simulation.start()
    desk = simulation.desk()
    agent = new_agent()
    agent.write(_estate(simulation, "line-a", desk.url))
    agent.start()

    simulation.silence("line-a", *BEHIND[1:])
    wait_until(lambda: agent.causes("open") == [("line-a", REACH)], "the line is an incident")
    simulation["phone-1"].set(MEMORY, FULL)
    fault = ("phone-1", "snmp/memory_used")
    wait_until(lambda: agent.causes("open") == [("line-a", REACH), fault], "the device that answers is heard")
    simulation["phone-1"].set(MEMORY, 54)
    wait_until(lambda: fault in agent.causes("resolved"), "its fault is over while the line is still dead")

    assert agent.causes("open") == [("line-a", REACH)]
    wait_until(desk.has(new=1, resolved=1), "its ticket is resolved, and the line's is not")


def test_what_was_open_before_its_line_died_closes_while_the_line_is_dead(
    new_agent: Callable[..., Agent], simulation: Simulation
) -> None:
    simulation.add(*LINES, *BEHIND)
    simulation.start()
    desk = simulation.desk()
    agent = new_agent()
    agent.write(_estate(simulation, "line-a", desk.url))
    agent.start()

    simulation.silence("phone-2")
    wait_until(lambda: agent.causes("open") == [("phone-2", REACH)], "the device is an incident of its own")
    simulation.silence("line-a", *BEHIND)
    both = [("line-a", REACH), ("phone-2", REACH)]
    wait_until(lambda: agent.causes("open") == both, "the line is another, and the first one stays")
    simulation.wake("phone-2")
    wait_until(lambda: agent.causes("resolved") == [("phone-2", REACH)], "the device closes by itself")
    while_dead = agent.causes("open")
    simulation.wake("line-a", *BEHIND)
    wait_until(lambda: agent.causes("resolved") == both, "the line closes too")

    assert while_dead == [("line-a", REACH)]
    wait_until(desk.has(resolved=2), "two tickets, both resolved")
    assert agent.causes() == both


def _children(agent: Agent, incident: str) -> list[str]:
    children: list[str] = json.loads(agent.run("incidents", "show", incident, "--json"))["children"]
    return children
