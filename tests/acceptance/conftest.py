"""Real agents and the real desk that these tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbeds.agent import Agent, Service
from testbeds.rt import rt, running_rt
from testbeds.simulation import TOKEN, Simulation

__all__ = ["rt", "running_rt"]


@pytest.fixture
def new_agent(tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Makes agents, each in a folder of its own, that are gone when the test is over."""
    made: list[Agent] = []

    def make(**settings: object) -> Agent:
        home = tmp_path / f"agent-{len(made)}"
        home.mkdir()
        agent = Agent(home, **settings)  # type: ignore[arg-type]
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.kill()


@pytest.fixture
def new_service() -> Iterator[Callable[[], Service]]:
    """Makes TCP services that can be closed and opened."""
    made: list[Service] = []

    def make() -> Service:
        made.append(Service())
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(new_service: Callable[[], Service]) -> Service:
    """One of them."""
    return new_service()


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    """Simulated devices and desks; the agents' community and desk token are in the environment."""
    monkeypatch.setenv("COMMUNITY", "public")
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    played = Simulation()
    yield played
    played.close()
