"""A whole agent that asks once an hour, devices that change and say so, and real traps and informs."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cadence import phase
from agent.demo.devices import SimulatedUser
from agent.schedule import CATCH_UP
from testbeds.agent import Agent
from testbeds.notifications import Sent, send, v1, v2, v3
from testbeds.peers import free_port, wait_until
from testbeds.simulation import FULL, HEALTHY, MEMORY, Simulation
from testbeds.snmpd import AUTH_PASSWORD, PRIVACY_PASSWORD

pytestmark = pytest.mark.acceptance

USER = "sha256aes256"
HEAD = """
estate: {name: test, vantage: here}
councils: {dacorum: {title: Dacorum}}
sites: {forum: {council: dacorum}}
vantages: {here: {site: forum}}
defaults: {every: 1h, timeout: 3s, open_after: 1 of 1, clear_after: 1 of 1, hold_down: 1s, reopen_window: 150m}
credentials:
  firewalls: {kind: snmp-v2c, community: "env:COMMUNITY"}
  telephony: {kind: snmp-v2c, community: "env:TELEPHONY"}
  signed:
    kind: snmp-v3
    user: sha256aes256
    auth: {protocol: sha256, password: "env:AUTH"}
    privacy: {protocol: aes256, password: "env:PRIVACY"}
targets:
"""


def late(word: str) -> str:
    """A target's name whose first run the schedule puts at the end of the first minute: only traps have it asked."""
    return next(
        name
        for name in (f"{word}-{number}" for number in range(1_000))
        if phase(f"{name}/snmp", CATCH_UP) > 0.9 * CATCH_UP
    )


FIREWALL, OTHER, PHONES, SIGNED = late("fw"), late("fw-forum"), late("mivb"), late("fw-signed")
HOSTS = {FIREWALL: "127.0.0.2", OTHER: "127.0.0.3", PHONES: "127.0.0.4", SIGNED: "127.0.0.5"}
ROLES = {FIREWALL: "firewalls", OTHER: "firewalls", PHONES: "telephony", SIGNED: "signed"}


class Listener(Agent):
    """An agent that takes traps."""

    trap_port = 0

    def command(self) -> list[str]:
        return [*super().command(), "--snmp.trap-address", f"127.0.0.1:{self.trap_port}"]


@dataclass
class Site:
    """The agent, its devices, and their traps."""

    agent: Listener
    simulation: Simulation

    def trap(self, source: str, arguments: Callable[..., list[str]] = v2, *more: str) -> Sent:
        told = arguments(f"127.0.0.1:{self.agent.trap_port}", *more)
        return asyncio.run(send(f"--clientAddr={source}", *told, patience=10))

    def questions(self, name: str) -> int:
        return self.simulation[name].questions

    def counted(self, outcome: str) -> float:
        return self.agent.metric("ridgeway_snmp_notifications_total", outcome=outcome) or 0

    def lines(self) -> list[str]:
        rows = (json.loads(line) for line in self.agent.log.read_text().splitlines() if line.startswith("{"))
        return [row["event"] for row in rows if row.get("logger") == "agent.traps"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Four healthy devices and an agent that has asked none of them yet."""
    simulation = Simulation((SimulatedUser(USER, "sha256", AUTH_PASSWORD, "aes256", PRIVACY_PASSWORD),))
    communities = {"firewalls": "public", "telephony": "dial-tone", "signed": "unused"}
    for name, host in HOSTS.items():
        simulation.devices.add(name, HEALTHY, host=host, community=communities[ROLES[name]])
    simulation.start()
    agent = Listener(
        tmp_path,
        environment={
            "COMMUNITY": "public",
            "TELEPHONY": "dial-tone",
            "AUTH": AUTH_PASSWORD,
            "PRIVACY": PRIVACY_PASSWORD,
        },
    )
    agent.trap_port = free_port(socket.SOCK_DGRAM)
    agent.write(
        HEAD
        + "".join(
            f"  {name}: {{address: {host}, site: forum, credentials: {{snmp: {ROLES[name]}}}, "
            f"checks: [{{snmp: {{profile: firewall/fortigate, port: {simulation[name].port}, retries: 0}}}}]}}\n"
            for name, host in HOSTS.items()
        )
    )
    agent.start()
    yield Site(agent, simulation)
    agent.kill()
    simulation.close()


def test_a_trap_opens_at_once_what_the_schedule_would_see_in_an_hour_and_a_burst_is_one_more_poll(site: Site) -> None:
    site.simulation[FIREWALL].set(MEMORY, FULL)

    site.trap("127.0.0.2", v1)
    wait_until(lambda: [subject for subject, _ in site.agent.causes("open")] == [FIREWALL], "the incident opens", 10)
    once = site.questions(FIREWALL)
    site.simulation[FIREWALL].set(MEMORY, 54)
    for _ in range(8):
        site.trap("127.0.0.2")
    wait_until(lambda: site.counted("coalesced") == 8, "the burst has come")
    assert site.agent.runs("snmp") == 1
    wait_until(lambda: site.agent.causes("open", "recovering") == [], "the incident is over", 25)

    assert site.agent.runs("snmp") == 2
    assert site.questions(FIREWALL) == 2 * once
    assert site.counted("prompted") == 1
    assert site.questions(OTHER) == site.questions(PHONES) == site.questions(SIGNED) == 0
    assert f"trap from {FIREWALL} (127.0.0.2): linkDown; polled now" in site.lines()
    assert f"{FIREWALL} polled once more, for 8 traps since" in site.lines()


def test_a_trap_alone_opens_nothing(site: Site) -> None:
    site.trap("127.0.0.2")
    wait_until(lambda: site.agent.runs("snmp") == 1, "the firewall is asked")

    assert site.agent.known() == []
    assert site.counted("prompted") == 1


def test_what_proves_nothing_asks_nobody(site: Site) -> None:
    site.trap("127.0.0.2", v2, "guessed")
    site.trap("127.0.0.4", v2, "public")
    site.trap("127.0.0.9")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\x30\x03abc", ("127.0.0.1", site.agent.trap_port))
    wait_until(lambda: site.counted("malformed") == 1, "all have come")

    assert [site.counted(outcome) for outcome in ("unauthentic", "unknown_sender", "prompted")] == [2, 1, 0]
    assert sum(site.questions(name) for name in HOSTS) == 0
    assert "guessed" not in site.agent.log.read_text()
    said = "\n".join(site.lines())
    assert "datagram from 127.0.0.1 ignored: it is no notification that can be read" in said
    assert f"datagram from {FIREWALL} (127.0.0.2) ignored: a community that no target of the estate has" in said
    assert "trap from 127.0.0.4: linkDown; it proved another target's credential than its own, ignored" in said
    assert "trap from 127.0.0.9: linkDown; no target of the estate has this address or name, ignored" in said


def test_an_inform_of_version_3_is_acknowledged_and_has_the_device_asked(site: Site) -> None:
    site.simulation[SIGNED].set(MEMORY, FULL)

    sent = site.trap("127.0.0.5", v3, USER, "authPriv", "SHA-256", "AES-256", "-Ci")

    assert sent.status == 0, sent.said
    wait_until(lambda: [subject for subject, _ in site.agent.causes("open")] == [SIGNED], "the incident opens", 10)
    assert f"inform from {SIGNED} (127.0.0.5): linkDown; polled now" in site.lines()


def test_a_forwarder_and_a_translated_address_name_the_device(site: Site) -> None:
    site.trap("127.0.0.9", v2, "public", "1.3.6.1.6.3.18.1.3.0", "a", "127.0.0.3")
    site.trap("127.0.0.9", v2, "dial-tone", "1.3.6.1.2.1.1.5.0", "s", f"{PHONES}.example.org")
    wait_until(lambda: site.agent.runs("snmp") == 2, "both devices are asked")

    assert site.questions(OTHER) > 0
    assert site.questions(PHONES) > 0
    assert site.questions(FIREWALL) == 0


def test_a_port_that_is_taken_is_said_at_the_start(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "second"
    home.mkdir()
    second = Listener(home, environment=site.agent.environment)
    second.trap_port = site.agent.trap_port
    second.write((tmp_path / "estate.yaml").read_text())

    second.start(ready=False)
    assert second.process is not None
    ended = second.process.wait(30)

    assert ended == 1
    assert f"--snmp.trap-address 127.0.0.1:{second.trap_port}: Address already in use" in second.log.read_text()
