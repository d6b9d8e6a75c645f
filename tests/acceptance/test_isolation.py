"""The agent loses its own way out: one incident that says so, and nothing about what lies behind."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testbeds.agent import Agent
from testbeds.apart import CABLE, apart, inside, page
from testbeds.peers import wait_until
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, firewalls, services

pytestmark = pytest.mark.acceptance

BEHIND = ("fw-1", "fw-2", "fw-3", "fw-4")
ISOLATED = [("here", "agent/isolated")]


@pytest.mark.parametrize("first", ["gateway", "devices"])
def test_a_silent_gateway_is_one_incident_whoever_falls_silent_first(
    new_agent: Callable[..., Agent], simulation: Simulation, first: str
) -> None:
    simulation.add("gateway", *BEHIND)
    simulation.start()
    desk = simulation.desk()
    agent = new_agent()
    ports = {device.name: device.port for device in simulation.devices}
    agent.write(firewalls(ports, gateway="gateway", desk=demo_desk(desk.url)))
    agent.start()
    wait_until(lambda: agent.runs("snmp") > 2 * len(ports), "everything has been asked")
    before = agent.metric("ridgeway_agent_isolated")

    silent, answered = (("gateway",), BEHIND) if first == "gateway" else (BEHIND, ("gateway",))
    simulation.silence(*silent)
    runs = agent.runs("snmp")
    wait_until(lambda: agent.runs("snmp") > runs + 2, "some have been asked since")
    simulation.silence(*answered)
    wait_until(lambda: agent.causes("open") == ISOLATED, "the agent says that it is cut off")
    wait_until(lambda: agent.metric("ridgeway_agent_isolated") == 1, "the metric says it")
    page = agent.page("/")
    runs = agent.runs("snmp")
    wait_until(lambda: agent.runs("snmp") > runs + 4 * len(ports), "it goes on asking", 60)
    meanwhile = agent.causes("open", "suspect")
    wait_until(desk.has(new=1), "there is one ticket")
    simulation.wake(*BEHIND, "gateway")
    wait_until(lambda: agent.causes("resolved") == ISOLATED, "it is over")

    assert before == 0
    assert "This agent is cut off" in page
    assert meanwhile == ISOLATED
    wait_until(desk.has(resolved=1), "the ticket is resolved")
    wait_until(lambda: agent.metric("ridgeway_agent_isolated") == 0, "the metric is back")
    assert "This agent is cut off" not in agent.page("/")
    assert agent.causes("open", "resolved", "closed", "recovering", "suspect") == ISOLATED


class ApartAgent(Agent):
    """An agent in a network of its own, in which a web server answers at 10.13.0.1 port 8000."""

    def command(self) -> list[str]:
        served = shlex.join([sys.executable, "-m", "http.server", "--bind", "10.13.0.1", "8000"])
        return apart(super().command(), [*CABLE, f"{served} >/dev/null 2>&1 &"])

    def page(self, path: str) -> str:
        assert self.process is not None
        return page(self.process.pid, f"{self.url}{path}")

    def is_ready(self) -> bool:
        return "Ready" in self.page("/-/ready")

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
        super().kill()


def test_an_agent_whose_network_is_gone_is_cut_off_and_says_nothing_of_what_lies_behind(tmp_path: Path) -> None:
    agent = ApartAgent(tmp_path)
    text = services(dict.fromkeys(("gateway", *BEHIND), 8000)).replace("127.0.0.1", "10.13.0.1")
    agent.write(text.replace("{site: forum}}", "{site: forum, gateway: gateway}}"))
    agent.start()
    assert agent.process is not None
    try:
        wait_until(lambda: agent.runs("tcp") > 10, "everything has been asked")
        healthy = agent.causes()

        inside(agent.process.pid, ["ip", "address", "del", "10.13.0.1/24", "dev", "near"])
        wait_until(lambda: agent.causes("open") == ISOLATED, "the agent says that it is cut off", 60)
        runs = agent.runs("tcp")
        wait_until(lambda: agent.runs("tcp") > runs + 20, "it goes on asking", 60)
        meanwhile = agent.causes("open", "suspect")
        inside(agent.process.pid, ["ip", "address", "add", "10.13.0.1/24", "dev", "near"])
        wait_until(lambda: agent.causes("resolved") == ISOLATED, "it is over", 60)
        after = agent.causes()
    finally:
        agent.kill()

    assert (healthy, meanwhile, after) == ([], ISOLATED, ISOLATED)
