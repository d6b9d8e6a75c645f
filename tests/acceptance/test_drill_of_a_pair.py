"""A drill of a pair of simulated FortiGates: the plug is pulled, the other member takes over, the first comes back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.demo.devices import SimpleValue, SimulatedDevices
from testbeds.agent import RIDGEWAY, Agent, Service
from testbeds.fortigate import MEMBER, SERIALS, fortigate
from testbeds.peers import free_port, wait_until

pytestmark = pytest.mark.acceptance
ESTATE = """
estate: {{name: drills, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{key: {{kind: snmp-v2c, community: "env:COMMUNITY"}}}}
targets:
  forum: {{address: 127.0.0.1, site: forum, checks: [{{firewall_pair:
    {{members: [fw-a, fw-b], port: {port}, retries: 0, timeout: 1s, every: 5s}}}}]}}
  fw-a: {{address: 127.0.9.1, site: forum, credentials: {{snmp: key}}, checks: []}}
  fw-b: {{address: 127.0.9.2, site: forum, credentials: {{snmp: key}}, checks: []}}
"""


def values(own: int, active: int) -> dict[str, SimpleValue]:
    """One of a FortiGate pair, as it lists both."""
    listed: dict[str, SimpleValue] = {f"{MEMBER}.16.{row}": SERIALS[active] for row in (1, 2)}
    return fortigate(own) | listed


@dataclass
class Pair:
    """Two firewalls, what lies behind them, and the agent."""

    agent: Agent
    devices: SimulatedDevices
    behind: Service

    def active(self, which: int, *, silent: int | None = None) -> None:
        """From now on this member is active, and another one may have lost its power."""
        for own, name in enumerate(("fw-a", "fw-b")):
            for oid, value in values(own, which).items():
                self.devices[name].set(oid, value)
            self.devices[name].silent = own == silent

    def drill(self) -> dict[str, Any]:
        rows = json.loads(self.agent.run("drill", "list", "--json"))["drills"]
        shown: dict[str, Any] = json.loads(self.agent.run("drill", "show", rows[0]["id"], "--json")) if rows else {}
        return shown


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    devices, port = SimulatedDevices(()), free_port()
    for own, name in enumerate(("fw-a", "fw-b")):
        devices.add(name, values(own, 0), host=f"127.0.9.{own + 1}", port=port)
    asyncio.run_coroutine_threadsafe(devices.start(), loop).result(20)
    behind = Service()
    agent = Agent(tmp_path, environment={"COMMUNITY": "public"})
    agent.write(ESTATE.format(port=port))
    agent.start()
    try:
        yield Pair(agent, devices, behind)
    finally:
        agent.stop()
        behind.close()
        asyncio.run_coroutine_threadsafe(devices.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_pulled_plug_is_a_proven_failover_that_is_listed_as_announced_with_what_it_cost(pair: Pair) -> None:
    command = [RIDGEWAY, "drill", "firewall", "fw-a", "-m", "yearly", "--until", "whole", "--json",
               "--probe", f"tcp:127.0.0.1:{pair.behind.port}", "--control.socket", str(pair.agent.control)]  # fmt: skip
    wait_until(lambda: "of forum" in pair.agent.run("explain", "forum"), "the pair is known")
    line = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _seen(pair, lambda drill: drill["looks"] and drill["looks"][-1]["active"] == ["fw-a"], "fw-a is active")
        pair.behind.close()
        pair.active(0, silent=0)
        _seen(pair, lambda drill: drill["away"] and drill["probes"][0]["lost"] > 5, "the service is lost")
        pair.active(1, silent=0)
        pair.behind.open()
        _seen(pair, lambda drill: drill["failovers"], "the failover is seen")
        still = pair.drill()["outcome"]
        pair.active(1)
        said, told = line.communicate(timeout=90)
    finally:
        line.kill()
        line.communicate()

    drill = json.loads(said)
    (listed,) = json.loads(pair.agent.run("failovers", "--json"))["failovers"]
    assert still is None, "one member is away: the pair is not whole"
    assert (drill["outcome"], drill["target"], drill["ended_by"]) == ("proven", "forum", "agent")
    assert sorted(drill["covers"]) == ["forum", "fw-a", "fw-b"]
    assert [(swap["away_from"], swap["to"]) for swap in drill["failovers"]] == [("fw-a", "fw-b")]
    assert "FAILOVER: fw-a to fw-b" in told
    assert (listed["target"], listed["away_from"], listed["to"]) == ("forum", "fw-a", "fw-b")
    assert listed["announced"]["drill"] == drill["id"]
    assert listed["loss"]["told_by"] == "drill"
    assert listed["loss"]["seconds"] == drill["probes"][0]["longest"]["seconds"]
    assert pair.agent.metric("ridgeway_last_proven_failover_timestamp_seconds", target="forum", council="dacorum")
    assert "Last proven failover of forum" in pair.agent.run("explain", "fw-b")


def _seen(pair: Pair, so: Callable[[dict[str, Any]], object], what: str) -> None:
    wait_until(lambda: (drill := pair.drill()) and so(drill), what)
