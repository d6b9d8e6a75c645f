"""Pairs of firewalls by their values: a round of the kind `firewall_pair` over what two devices would answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from checks.contract import Assessment, Context, Memory, Observation, Reason, State, Subject
from checks.firewall.pair import CHECK, PairOptions
from checks.recordings.playback import Playbacks
from checks.recordings.recording import Recorded, Recording, ordered
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.snmp.tags import TAG_GAUGE, TAG_INTEGER, TAG_OCTETS, TAG_OID, TAG_TICKS
from checks.transports.ssh import Ran, SshDevice
from config.estate import Credential, Target
from testbeds.single import check
from testbeds.snmpd import community

Values = dict[str, Any]
SHARED = "192.0.2.254"
AT = 1_768_435_200.0
"""15 January 2026."""
FORTI = "1.3.6.1.4.1.12356.101"
MEMBERS = f"{FORTI}.13.2.1.1"
SERIALS = ("FGT60F0000000001", "FGT60F0000000002")
PALO = "1.3.6.1.4.1.25461.2.1.2"
VRRP = "1.3.6.1.4.1.9586.100.5.2.3.1"
IF = "1.3.6.1.2.1"


def fortigate(own: int, active: int = 0) -> Values:
    """One of a FortiGate pair, as it lists both; `own` 0 is the first."""
    values: Values = {
        f"{IF}.1.2.0": ("oid", f"{FORTI}.1.644"), f"{IF}.1.5.0": f"fw-{own + 1}", f"{IF}.1.3.0": ("uptime", 86_400),
        "1.3.6.1.4.1.12356.100.1.1.1.0": SERIALS[own], f"{FORTI}.4.1.1.0": "v7.2.10,build1706",
        f"{FORTI}.4.1.3.0": 12, f"{FORTI}.4.1.4.0": 50, f"{FORTI}.4.1.8.0": 4321, f"{FORTI}.13.1.1.0": 3,
        f"{FORTI}.4.2.1.0": "92.03510(2026-01-14 18:20)",
        f"{FORTI}.4.6.3.1.2.1.1.1": "FortiCare", f"{FORTI}.4.6.3.1.2.1.2.1": "Wed Sep 16 01:00:00 2037",
    }  # fmt: skip
    for row, serial in enumerate(SERIALS, start=1):
        values |= {
            f"{MEMBERS}.2.{row}": serial, f"{MEMBERS}.11.{row}": f"fw-{row}", f"{MEMBERS}.12.{row}": 1,
            f"{MEMBERS}.15.{row}": "EE98", f"{MEMBERS}.16.{row}": SERIALS[active],
        }  # fmt: skip
    for port in (1, 2):
        values |= {f"{IF}.31.1.1.1.1.{port}": f"port{port}", f"{IF}.2.2.1.8.{port}": 1}
    return values


def panos(state: str, peer: str, mode: str = "active-passive") -> Values:
    """One of a PAN-OS pair."""
    return {
        f"{IF}.1.2.0": ("oid", "1.3.6.1.4.1.25461.2.3.50"), f"{IF}.1.1.0": "a firewall",
        f"{IF}.1.3.0": ("uptime", 86_400),
        f"{PALO}.1.1.0": "10.2.9", f"{PALO}.1.11.0": state, f"{PALO}.1.12.0": peer, f"{PALO}.1.13.0": mode,
        f"{PALO}.3.3.0": 4321, f"{PALO}.3.2.0": 200_000,
        f"{IF}.25.3.3.1.2.1": 12, f"{IF}.25.3.3.1.2.2": 7,
    }  # fmt: skip


def keepalived(state: int | None, priority: int = 100) -> Values:
    """A Linux with keepalived in that state of its one instance; None: the daemon does not run."""
    values: Values = {
        f"{IF}.1.2.0": ("oid", "1.3.6.1.4.1.8072.3.2.10"), f"{IF}.1.1.0": "Linux", f"{IF}.1.3.0": ("uptime", 86_400),
        "1.3.6.1.4.1.2021.4.5.0": 1_000_000, "1.3.6.1.4.1.2021.4.6.0": 700_000,
    }  # fmt: skip
    if state is not None:
        values |= {f"{VRRP}.2.1": "V1", f"{VRRP}.4.1": state, f"{VRRP}.8.1": priority}
        values |= {f"{IF}.207.1.2.5.1.2.3.51.1": 3 if state == 2 else 0}
    return values


def listing(*addresses: str) -> str:
    """What `ip -j -p addr show` prints of a machine with these addresses."""
    local = ", ".join(f'{{"family": "inet", "local": "{one}"}}' for one in ("127.0.0.1", *addresses))
    return f'[{{"ifindex": 1, "ifname": "lo", "addr_info": [{local}]}}]'


@dataclass(slots=True)
class _Ssh:
    """Answers the one command with what each address is to list; None: nobody answers there."""

    lists: Mapping[str, str | None]
    asked: list[str] = field(default_factory=list)

    async def run(self, device: SshDevice, command: str, *, deadline: float, limit: int) -> Ran:
        del deadline, limit
        self.asked.append(command)
        text = self.lists.get(device.address)
        if text is None:
            raise TransportFault(Reason.NO_ANSWER, f"{device.address} does not answer")
        return Ran(text, "", 0, False, 0.1)


class Pair:
    """A check of a pair that remembers, and what its members answer now; None: one does not answer."""

    def __init__(self, first: Values | None, second: Values | None, *more: Values | None, **options: Any) -> None:
        self.values = [first, second, *more]
        self.addresses: list[str | None] = [None for _ in self.values]
        """What each prints over SSH."""
        self.reasons = [Reason.NO_ANSWER for _ in self.values]
        self.names = [f"fw-{letter}" for letter in "abcd"[: len(self.values)]]
        self.cut: list[tuple[str, ...]] = [() for _ in self.values]
        self.options = PairOptions.model_validate({"members": self.names} | options)
        self.with_ssh = False
        self.further: dict[str, Credential] = {}
        """Credentials for further ways."""
        self.now = AT
        self.kept: object = None
        self.memory: Memory | None = None
        self.spec = check(CHECK.kind, self.options, target="firewall", timeout=5.0)

    @property
    def subject(self) -> Subject:
        target = Target("firewall", SHARED, "dacorum", "forum", ("here",), (self.spec,))
        return Subject("firewall", "dacorum", "forum", self.spec, (target,))

    def observed(self) -> Observation:
        """One round."""
        return asyncio.run(self.collect())

    async def collect(self) -> Observation:
        hosts = [f"192.0.2.{number}" for number in range(1, len(self.values) + 1)]
        recordings = {host: self._recording(number) for number, host in enumerate(hosts)}
        ssh = _Ssh(dict(zip(hosts, self.addresses, strict=True)))
        transports = cast("Transports", type("Two", (), {"snmp": Playbacks(recordings), "ssh": ssh})())
        credentials: dict[str, Credential] = {"snmp": community(), **self.further}
        if self.with_ssh:
            credentials["ssh"] = Credential("ops", "ssh-key", {"user": "ops"})
        inputs = tuple(
            Target(name, host, "dacorum", "forum", ("here",), (), credentials=credentials)
            for name, host in zip(self.names, hosts, strict=True)
        )
        context = Context("here", transports, lambda: self.now, inputs=inputs, kept=self.kept)
        context.deadline = asyncio.get_running_loop().time() + 5.0
        observation = await CHECK.collect(self.subject.targets[0], self.options, context)
        self.kept = context.kept
        assert set(ssh.asked) <= {"ip -j -p addr show"}
        return replace(observation, duration=0.0)  # so that its end is the bench's own time

    def judged(self, observation: Observation) -> Assessment:
        assessment = CHECK.assess(self.subject, (observation,), self.memory, self.now)
        self.memory = assessment.memory or self.memory
        return assessment

    def said(self, later: float = 60.0) -> Assessment:
        """What the next round says, so many seconds later."""
        self.now += later
        return self.judged(self.observed())

    def bad(self, later: float = 60.0) -> dict[str, str]:
        """Every finding of the next round that is not well."""
        found = {finding.key: finding.state for finding in self.said(later).findings}
        return {key: state.value for key, state in found.items() if state is not State.OK}

    def _recording(self, number: int) -> Recording:
        values = self.values[number]
        if values is None:
            return Recording({}, cut={"1": self.reasons[number]})
        recorded = {oid: _recorded(value, self.now - AT) for oid, value in values.items() if value is not None}
        return Recording(ordered(recorded), cut=dict.fromkeys(self.cut[number], Reason.NO_ANSWER))


def _recorded(value: Any, passed: float) -> Recorded:
    if isinstance(value, tuple):
        kind, what = value
        return Recorded(TAG_OID, what) if kind == "oid" else Recorded(TAG_TICKS, int(100 * (what + passed)))
    if isinstance(value, str):
        return Recorded(TAG_OCTETS, value.encode())
    return Recorded(TAG_INTEGER if value < 0 else TAG_GAUGE, value)
