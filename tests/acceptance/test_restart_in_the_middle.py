"""One story of faults, told to two agents: one lives through it, the other is killed again and again in its midst.

RIDGEWAY_RESTARTS sets how often (12; `make chaos` takes 50).
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.simulation import FULL, MEMORY, Desk, Simulation
from testbeds.small_estates import demo_desk, firewalls

pytestmark = pytest.mark.acceptance

KILLS = int(os.environ.get("RIDGEWAY_RESTARTS", "12"))
NAMES = ("line", "phone-1", "phone-2", "firewall", "switch", "other")
SCENE = 60.0
"""Most seconds until both agents have seen what a scene brings; some of them the one that is killed spends dead."""


class Story:
    """Scene by scene, what goes wrong and what is mended; the next begins when both agents have seen the last."""

    def __init__(self, simulation: Simulation, services: dict[str, Service]) -> None:
        self._simulation = simulation
        self._services = services
        self.scenes: tuple[tuple[Callable[[], None], set[str]], ...] = (
            (self._first, {"line", "web"}),
            (self._second, {"line", "firewall", "switch"}),
            (self._third, {"firewall", "switch", "other"}),
            (self._fourth, set()),
        )
        """What happens, and of which targets an incident is open then."""

    def _first(self) -> None:
        self._simulation.silence("line", "phone-1", "phone-2")
        self._services["web"].close()

    def _second(self) -> None:
        self._simulation["firewall"].set(MEMORY, FULL)
        self._simulation.silence("switch")
        self._services["web"].open()

    def _third(self) -> None:
        self._simulation.wake("line", "phone-1", "phone-2")
        self._simulation["other"].set(MEMORY, 85)

    def _fourth(self) -> None:
        self._simulation["firewall"].set(MEMORY, 54)
        self._simulation["other"].set(MEMORY, 54)
        self._simulation.wake("switch")


@pytest.mark.timeout(240 + 10 * KILLS)
def test_an_agent_killed_again_and_again_tells_the_same_story_as_one_that_lived(
    new_agent: Callable[..., Agent], new_service: Callable[[], Service], simulation: Simulation
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    simulation.add(*NAMES)
    simulation.start()
    web = new_service()
    story = Story(simulation, {"web": web})
    living, killed = new_agent(), new_agent()
    desks = {id(agent): simulation.desk() for agent in (living, killed)}
    for agent in (living, killed):
        agent.write(_estate(simulation, web, desks[id(agent)]))
    living.start()
    killed.start()

    with ThreadPoolExecutor(1) as teller:
        told = teller.submit(_tell, story, (living, killed))
        _kill_again_and_again(killed, chance)
        told.result()
    for agent in (living, killed):
        wait_until(agent.is_ready, "both are up", 30)
        wait_until(lambda agent=agent: _over(agent), "everything is over", 60)  # type: ignore[misc]
        wait_until(lambda agent=agent: set(desks[id(agent)].statuses()) == {"resolved"}, "every ticket is resolved", 60)  # type: ignore[misc]

    assert living.causes() == _expected(web)
    assert killed.causes() == _expected(web)
    for agent in (living, killed):
        tickets = [ticket.key for ticket in desks[id(agent)].tickets()]
        assert sorted(tickets) == sorted(row["id"] for row in agent.known())
        _check_events(agent)


def _expected(web: Service) -> list[tuple[str, str]]:
    return [
        ("firewall", "snmp/memory_used"),
        ("line", "target/unreachable"),
        ("other", "snmp/memory_used"),
        ("switch", "target/unreachable"),
        ("web", f"tcp/{web.port}"),
    ]


def _estate(simulation: Simulation, web: Service, desk: Desk) -> str:
    ports = {name: simulation[name].port for name in NAMES}
    text = firewalls(ports, needs={"phone-1": "line", "phone-2": "line"}, hold_down="2s", desk=demo_desk(desk.url))
    row = f"  web: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {web.port}}}}}]}}\n"
    return text.replace("desks:", row + "desks:", 1)


def _kill_again_and_again(agent: Agent, chance: random.Random) -> None:
    for life in range(KILLS):
        time.sleep(chance.uniform(0.05, 1.7))
        agent.kill()
        agent.start(ready=chance.random() < 0.8)
        print(f"life {life + 2} begins")


def _tell(story: Story, agents: tuple[Agent, ...]) -> None:
    for act, seen in story.scenes:
        act()
        for agent in agents:
            wait_until(lambda agent=agent, seen=seen: _open(agent) == seen, f"open: {sorted(seen)}", SCENE)  # type: ignore[misc]


def _open(agent: Agent) -> set[str]:
    """Targets with an open incident, read from the ledger's file: the agent may be dead at this moment."""
    ledger = sqlite3.connect(f"file:{agent.home / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=5)
    try:
        return {row[0] for row in ledger.execute("SELECT subject FROM incidents WHERE state = 'open'")}
    except sqlite3.OperationalError:
        return {"nobody can read it now"}
    finally:
        ledger.close()


def _over(agent: Agent) -> bool:
    return bool(agent.known()) and {row["state"] for row in agent.known()} <= {"resolved", "cancelled"}


def _check_events(agent: Agent) -> None:
    """Numbers without gaps, times in order within an incident, and no step of a life twice."""
    wait_until(lambda: _waiting(agent) == 0, "the agent has heard that every ticket is resolved")
    ledger = sqlite3.connect(agent.home / "ledger.sqlite3")
    try:
        numbers = [row[0] for row in ledger.execute("SELECT sequence FROM events ORDER BY sequence")]
        last = ledger.execute("SELECT sequence FROM ledger_info").fetchone()[0]
    finally:
        ledger.close()
    assert numbers == list(range(1, last + 1))
    for row in agent.known():
        kinds = agent.events(row["id"])
        steps = [kind for kind in kinds if kind in ("opened", "reopened", "recovering", "relapsed", "resolved")]
        assert steps == ["opened", "recovering", "resolved"], (row["subject"], kinds)


def _waiting(agent: Agent) -> int:
    """Wishes to the desk that are not known to be done."""
    with closing(sqlite3.connect(agent.home / "ledger.sqlite3")) as ledger:
        count: int = ledger.execute("SELECT count(*) FROM outbox WHERE phase != 'done'").fetchone()[0]
    return count
