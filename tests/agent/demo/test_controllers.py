"""The demo's telephone controllers as their checks see them, over real SNMP and SIP, run by the agent's own runner."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.demo.controllers import Controllers, mivoice
from agent.demo.devices import SimulatedDevices
from agent.demo.sip_echo import SipEcho
from agent.once import run_once
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.telephony.mitel import MitelOptions
from checks.transports.lockout import Lockout
from config.load import load_estate
from testbeds.peers import free_port

HOSTS = {"pbx-a": "127.0.0.1", "pbx-b": "127.0.0.2"}
ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{read: {{kind: snmp-v2c, community: "env:TEST_COMMUNITY"}}}}
defaults:
  credentials: {{snmp: read}}
  timeout: 2s
  kinds: {{mitel: {{port: {snmp}, retries: 0, call_load: tenths}}}}
targets:
  pbx-a: {{address: 127.0.0.1, site: forum, checks: [mitel, {{sip_options: {{port: {sip}}}}}]}}
  pbx-b: {{address: 127.0.0.2, site: forum, checks: [mitel]}}
"""


class Watched:
    """Two controllers and an agent that looks at them once when it is asked."""

    def __init__(self, folder: Path, controllers: Controllers, snmp: int, sip: int) -> None:
        self.controllers = controllers
        self._file = folder / "estate.yaml"
        self._file.write_text(ESTATE.format(snmp=snmp, sip=sip))

    async def bad(self, name: str) -> dict[str, State]:
        """The findings of a controller that are not well."""
        kinds = load_catalogue()
        estate = load_estate(self._file, kinds, {})
        results = await run_once(estate, estate.targets[name], frozenset({"mitel", "sip_options"}), kinds, Lockout())
        findings = [finding for result in results for finding in result.assessment.findings]
        assert findings
        return {finding.key: finding.state for finding in findings if finding.state is not State.OK}


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setenv("TEST_COMMUNITY", "public")
    devices, port = SimulatedDevices(), free_port(socket.SOCK_DGRAM)
    for name, host in HOSTS.items():
        devices.add(name, {"1.3.6.1.2.1.1.3.0": ("uptime", 86_400)} | mivoice("councils"), host=host, port=port)
    endpoints = {name: SipEcho((host, 0)) for name, host in HOSTS.items()}
    await devices.start()
    for endpoint in endpoints.values():
        await endpoint.start()
    yield Watched(tmp_path, Controllers(devices, tuple(HOSTS), endpoints), port, endpoints["pbx-a"].at[1])
    for endpoint in endpoints.values():
        endpoint.stop()
    await devices.stop()


def test_a_controller_has_every_object_of_its_profile() -> None:
    plan = MitelOptions().plan_of("telephony/mivoice-business")
    system = "1.3.6.1.2.1."  # which every simulated device has
    wanted = {oid for oid in plan.oids if not oid.startswith(system)}
    columns = {oid for table in plan.tables if table.name != "resiliency" for oid in table.oids}

    values = mivoice("councils")

    assert wanted - values.keys() == set()
    assert [column for column in columns if not any(oid.startswith(f"{column}.") for oid in values)] == []


async def test_two_controllers_that_are_well_leave_nothing_to_complain_about(watched: Watched) -> None:
    assert [await watched.bad(name) for name in HOSTS] == [{}, {}]


async def test_a_primary_without_power_is_away_and_its_phones_are_on_the_other_until_they_are_home(
    watched: Watched,
) -> None:
    watched.controllers.lose_primary()
    away = await watched.bad("pbx-a")
    told = [await watched.bad("pbx-b")]
    watched.controllers.bring_back_primary()
    back = await watched.bad("pbx-a")
    told.append(await watched.bad("pbx-b"))
    watched.controllers.hand_back()
    told.append(await watched.bad("pbx-b"))

    assert State.CRITICAL in away.values()
    assert back == {}
    assert told == [{"mitel/resilience/pbx-a": State.WARNING}, {"mitel/resilience/pbx-a": State.WARNING}, {}]
