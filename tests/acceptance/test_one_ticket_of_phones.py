"""SIP of a controller dies while its machine lives: the checks that ask it open one incident, and it recovers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent.demo.sip_echo import SipEcho
from testbeds.agent import Agent, Service
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance
ESTATE = """
estate: {{name: phones, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{extension: {{kind: password, user: "7001", password: "env:EXTENSION"}}}}
defaults: {{every: 5s, timeout: 2s, open_after: 2 of 2, clear_after: 1 of 1}}
targets:
  forum: {{address: 127.0.0.1, site: forum, credentials: {{sip: extension}}, checks: [
    {{tcp: {{port: {alive}}}}}, {{sip_options: {{port: {sip}}}}}, {{sip_register: {{port: {sip}}}}}]}}
"""
KINDS = ("sip_options", "sip_register")


def _asked_again(agent: Agent, times: int) -> None:
    goals = {kind: agent.runs(kind) + times for kind in KINDS}
    wait_until(lambda: all(agent.runs(kind) >= goal for kind, goal in goals.items()), "each has asked again", 60)


@pytest.mark.parametrize("silent", [False, True], ids=["port closed", "silent"])
async def test_sip_that_is_gone_from_a_machine_that_lives_is_one_incident_and_recovers_with_it(
    new_agent: Callable[..., Agent], service: Service, silent: bool
) -> None:
    """Even where only one of the checks has ever had an answer: that the other is let in, too, is then known."""
    endpoint = SipEcho(users={"7001": "s3cret"})
    await endpoint.start()
    port = endpoint.at[1]
    agent = new_agent(environment={"EXTENSION": "s3cret"})
    agent.write(ESTATE.format(alive=service.port, sip=port))
    await asyncio.to_thread(agent.start)
    registered = {"name": "ridgeway_sip_registered", "target": "forum"}
    await asyncio.to_thread(wait_until, lambda: agent.metric(**registered) == 1, "it is registered")

    endpoint.manner.silent = silent
    if not silent:
        endpoint.stop()
    await asyncio.to_thread(wait_until, lambda: agent.causes("open"), "an incident is open", 60)
    await asyncio.to_thread(_asked_again, agent, 3)
    dead = agent.causes()
    endpoint.manner.silent = False
    if not silent:
        await endpoint.start()
    await asyncio.to_thread(wait_until, lambda: not agent.causes("open", "suspect"), "it is answered again", 60)
    await asyncio.to_thread(agent.stop)
    endpoint.stop()

    assert dead == [("forum", "sip_options/no-answer" if silent else f"sip_options/udp:127.0.0.1:{port}")]
