"""A fault becomes an incident, a metric and one ticket in a real Request Tracker, which closes when it is mended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.rt import RequestTracker
from testbeds.small_estates import one_service, request_tracker

pytestmark = pytest.mark.acceptance


def _open_p2(agent: Agent) -> float | None:
    return agent.metric("ridgeway_incidents_open", council="dacorum", priority="P2")


def test_a_fault_becomes_one_ticket_that_closes_when_the_fault_is_mended(
    new_agent: Callable[..., Agent], service: Service, rt: RequestTracker
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port, desk=request_tracker(rt.url)))
    agent.start()

    service.close()
    wait_until(lambda: [t["status"] for t in rt.tickets()] == ["new"], "one ticket is there")
    wait_until(lambda: _open_p2(agent) == 1, "the metric counts the incident")
    service.open()
    wait_until(lambda: [t["status"] for t in rt.tickets()] == ["resolved"], "the ticket is resolved")

    wait_until(lambda: _open_p2(agent) == 0, "the metric counts it no more")
    [incident] = agent.incidents()
    assert (incident["state"], incident["condition"], incident["resolution"]) == (
        "resolved", f"tcp/{service.port}", "recovered",
    )  # fmt: skip
    assert rt.tickets()[0]["key"] == incident["id"]


def test_a_fault_that_comes_back_reopens_the_same_ticket(
    new_agent: Callable[..., Agent], service: Service, rt: RequestTracker
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port, desk=request_tracker(rt.url)))
    agent.start()

    service.close()
    wait_until(lambda: len(rt.tickets()) == 1, "one ticket is there")
    service.open()
    wait_until(lambda: rt.tickets()[0]["status"] == "resolved", "the ticket is resolved")
    service.close()
    wait_until(lambda: rt.tickets()[0]["status"] == "open", "the ticket is open again")

    assert len(rt.tickets()) == 1
    assert [row["state"] for row in agent.incidents()] == ["open"]


def test_an_agent_killed_again_and_again_makes_one_ticket_and_closes_it(
    new_agent: Callable[..., Agent], service: Service, rt: RequestTracker
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port, desk=request_tracker(rt.url)))
    service.close()

    for lives in range(6):
        agent.start()
        wait_until(lambda: agent.states() != [], f"life {lives}: the fault is known")
        agent.kill()
    agent.start()
    wait_until(lambda: len(rt.tickets()) == 1, "one ticket is there")
    agent.kill()
    service.open()
    agent.start()
    wait_until(lambda: [t["status"] for t in rt.tickets()] == ["resolved"], "the ticket is resolved")

    assert agent.states() == ["resolved"]


def test_a_shadow_route_records_everything_and_sends_nothing(
    new_agent: Callable[..., Agent], service: Service, rt: RequestTracker
) -> None:
    agent = new_agent()
    shadow = request_tracker(rt.url).replace("queue: dacorum", "queue: dacorum, mode: shadow")
    agent.write(one_service(service.port, desk=shadow))
    agent.start()

    service.close()
    wait_until(lambda: agent.states() == ["open"], "the incident is open")
    service.open()
    wait_until(lambda: agent.states() == ["resolved"], "the incident is resolved")

    assert rt.tickets() == []


def test_a_desk_that_is_down_delays_the_ticket_and_nothing_else(
    new_agent: Callable[..., Agent], service: Service, rt: RequestTracker
) -> None:
    agent = new_agent()
    nowhere = Service()
    nowhere.close()
    agent.write(one_service(service.port, desk=request_tracker(f"http://127.0.0.1:{nowhere.port}")))
    agent.start()
    service.close()
    wait_until(lambda: agent.metric("ridgeway_outbox_items", desk="rt") == 1, "the wish for a ticket waits")
    runs = agent.metric("ridgeway_check_runs_total", kind="tcp") or 0

    wait_until(lambda: (agent.metric("ridgeway_check_runs_total", kind="tcp") or 0) > runs + 2, "probing goes on")
    agent.stop()
    agent.write(one_service(service.port, desk=request_tracker(rt.url)))
    agent.start()
    wait_until(lambda: len(rt.tickets()) == 1, "the ticket is made when the desk is back")

    assert agent.states() == ["open"]
