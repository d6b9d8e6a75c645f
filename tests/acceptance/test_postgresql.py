"""The agent on a real PostgreSQL: a whole fault, a kill, and a database that goes away and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.postgres import PostgresCluster
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, services

pytestmark = pytest.mark.acceptance


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    found = PostgresCluster()
    yield found
    found.close()


def test_a_whole_life_on_a_database_that_goes_away_and_comes_back(
    new_agent: Callable[..., Agent],
    new_service: Callable[[], Service],
    simulation: Simulation,
    cluster: PostgresCluster,
) -> None:
    first, second = new_service(), new_service()
    desk = simulation.desk()
    agent = new_agent(ledger=cluster.database())
    agent.write(services({"first": first.port, "second": second.port}, desk=demo_desk(desk.url)))
    agent.start()

    first.close()
    wait_until(desk.has(new=1), "a fault has its ticket")
    agent.kill()
    agent.start()
    after_kill = agent.causes("open")
    first.open()
    wait_until(desk.has(resolved=1), "the ticket is resolved in the second life")

    cluster.stop()
    second.close()
    wait_until(lambda: agent.metric("ridgeway_ledger_healthy") == 0, "the metric says that the ledger is away", 60)
    runs = agent.runs("tcp")
    wait_until(lambda: agent.runs("tcp") > runs + 9, "probing goes on")
    wait_until(lambda: "second" in agent.page("/"), "the page shows the new problem")
    said = agent.run("incidents", "list", status=None)
    while_away = desk.statuses()
    cluster.start()
    wait_until(desk.has(new=1, resolved=1), "the fault of the meantime has its ticket", 90)
    second.open()
    wait_until(desk.has(resolved=2), "and it is resolved", 60)

    assert after_kill == [("first", f"tcp/{first.port}")]
    assert while_away == {"resolved": 1}
    assert "Traceback" not in said and "cannot be" in said
    assert agent.causes() == [("first", f"tcp/{first.port}"), ("second", f"tcp/{second.port}")]
    for row in agent.known():
        events = agent.events(row["id"])
        assert (events.count("opened"), events.count("resolved")) == (1, 1), events
    assert agent.stop() == 0
