"""A whole agent, simulated MiVoice Business systems, and every trap of Mitel's by a real sender, in all versions."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.demo.devices import SimpleValue, SimulatedUser
from checks.telephony.mitel.traps import EMERGENCY, NOTICES
from testbeds.agent import Agent
from testbeds.mitel import IPERA
from testbeds.notifications import enterprise_v1, notification, send
from testbeds.peers import free_port, wait_until
from testbeds.simulation import Simulation
from testbeds.snmpd import AUTH_PASSWORD, PRIVACY_PASSWORD

pytestmark = pytest.mark.acceptance

MITEL = "1.3.6.1.4.1.1027"
LEVEL = f"{IPERA}.2.1.0"
USER = "sha256aes256"
SYSTEM_NAME = "1.3.6.1.2.1.1.5.0"
HEALTHY: dict[str, SimpleValue] = {
    "1.3.6.1.2.1.1.1.0": "VerPl:3300 ICP;VerHw:CX;VerMCD:9.4",
    "1.3.6.1.2.1.1.2.0": ("oid", f"{MITEL}.1.2.3"),
    "1.3.6.1.2.1.1.3.0": ("uptime", 86_400),
    SYSTEM_NAME: "icp",
    LEVEL: 1,
}
TRAPS = (
    *((f"{MITEL}.1.2.3", number) for number in (301, 302, 303, 501, 502, 503)),
    *((f"{MITEL}.1.2.2", number) for number in (301, 302, 303, 501, 502, 503)),
    (f"{MITEL}.1.2.2", 201),
    (f"{MITEL}.1.2.1", 201),
    *((f"{MITEL}.1.2.4", number) for number in range(406, 412)),
    (f"{MITEL}.4.1.1.3", 401),
)
"""Enterprise and specific number. The one of the MSL family has no form of version 1."""
COMMON = f"{MITEL}.4.9.1.2.1"
ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
defaults: {{every: 2s, timeout: 1s, open_after: 1 of 1, clear_after: 1 of 1, hold_down: 1s, reopen_window: 150m}}
credentials:
  telephony: {{kind: snmp-v2c, community: "env:COMMUNITY"}}
  signed:
    kind: snmp-v3
    user: sha256aes256
    auth: {{protocol: sha256, password: "env:AUTH"}}
    privacy: {{protocol: aes256, password: "env:PRIVACY"}}
targets:
  icp-a:
    {{address: 127.0.0.2, site: forum, system_name: ICP-A, credentials: {{snmp: telephony}}, checks: [{{mitel: {{port: {a}, traps: 'yes'}}}}]}}
  icp-b:
    {{address: 127.0.0.2, site: forum, system_name: ICP-B, credentials: {{snmp: telephony}}, checks: [{{mitel: {{port: {b}, traps: 'yes'}}}}]}}
  icp-signed:
    {{address: 127.0.0.3, site: forum, credentials: {{snmp: signed}}, checks: [{{mitel: {{port: {c}}}}}]}}
"""  # noqa: E501 - an estate as it is written


class Listener(Agent):
    """An agent that takes traps."""

    trap_port = 0

    def command(self) -> list[str]:
        return [*super().command(), "--snmp.trap-address", f"127.0.0.1:{self.trap_port}"]


@dataclass
class Site:
    agent: Listener
    simulation: Simulation

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.agent.trap_port}"

    def sent(self, source: str, *arguments: str) -> None:
        asyncio.run(send(f"--clientAddr={source}", *arguments, patience=10))

    def counted(self, name: str) -> float:
        return self.agent.metric("ridgeway_snmp_traps_total", trap=name) or 0

    def unannounced(self, target: str) -> float | None:
        family = "ridgeway_telephony_unannounced_changes_total"
        return self.agent.metric(family, target=target, change="level")

    def lines(self) -> list[str]:
        rows = (json.loads(line) for line in self.agent.log.read_text().splitlines() if line.startswith("{"))
        return [row["event"] for row in rows if row.get("logger") == "agent.traps"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    simulation = Simulation((SimulatedUser(USER, "sha256", AUTH_PASSWORD, "aes256", PRIVACY_PASSWORD),))
    for name, host in (("a", "127.0.0.2"), ("b", "127.0.0.2"), ("c", "127.0.0.3")):
        simulation.devices.add(name, HEALTHY, host=host, community="dial-tone" if name != "c" else "unused")
    simulation.start()
    agent = Listener(
        tmp_path, environment={"COMMUNITY": "dial-tone", "AUTH": AUTH_PASSWORD, "PRIVACY": PRIVACY_PASSWORD}
    )
    agent.trap_port = free_port(socket.SOCK_DGRAM)
    agent.write(ESTATE.format(**{name: simulation[name].port for name in "abc"}))
    agent.start()
    yield Site(agent, simulation)
    agent.kill()
    simulation.close()


def test_every_trap_of_mitel_is_understood_in_versions_1_2c_and_3(site: Site) -> None:
    signed = ["-v3", "-u", USER, "-l", "authPriv", "-a", "SHA-256", "-A", AUTH_PASSWORD, "-x", "AES-256", "-X",
              PRIVACY_PASSWORD, site.place, "77"]  # fmt: skip
    named = (SYSTEM_NAME, "s", "icp-b")

    for enterprise, number in TRAPS:
        site.sent("127.0.0.2", *enterprise_v1(site.place, enterprise, number, *named, community="dial-tone"))
        site.sent("127.0.0.9", *notification(site.place, f"{enterprise}.0.{number}", *named, community="dial-tone"))
        site.sent("127.0.0.3", *signed, f"{enterprise}.0.{number}", SYSTEM_NAME, "s", "x")
    site.sent("127.0.0.2", *notification(site.place, COMMON, *named, community="dial-tone"))
    wait_until(lambda: sum(site.counted(name) for name in NOTICES.names) == 3 * len(TRAPS) + 1, "all have come")

    assert site.counted("other") == 0
    assert {name for name in NOTICES.names if site.counted(name) == 0} == set()
    assert site.counted(EMERGENCY) == 3
    assert site.counted("mitelIpera3000NotifAlarm") == 6
    said = "\n".join(site.lines())
    assert "trap from icp-b (127.0.0.2): an alarm was detected or cleared; polled now" in said
    assert "trap from icp-signed (127.0.0.3): an alarm was detected or cleared; polled now" in said
    assert "from icp-a" not in said, "the two behind one address are told apart by their names"
    assert said.count("an emergency call was made (calling, dialled and location numbers are masked)") == 3


def test_a_change_without_a_trap_is_counted_and_one_with_a_trap_is_not(site: Site) -> None:
    wait_until(lambda: site.agent.runs("mitel") >= 20, "nobody can say any more that the agent was not listening")

    site.simulation["a"].set(LEVEL, 3)
    site.simulation["b"].set(LEVEL, 3)
    alarm = notification(site.place, f"{MITEL}.1.2.3.0.301", SYSTEM_NAME, "s", "icp-b", community="dial-tone")
    site.sent("127.0.0.2", *alarm)
    wait_until(lambda: site.unannounced("icp-a") == 1, "the change of the silent one is counted")
    both = {("icp-a", "mitel/level"), ("icp-b", "mitel/level")}
    wait_until(lambda: both <= set(site.agent.causes("open")), "both changes are seen")

    assert site.unannounced("icp-b") == 0
