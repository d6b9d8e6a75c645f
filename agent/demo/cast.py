"""Who plays in the demo: the simulated devices of `config/examples/demo.yaml`, healthy, each at its own address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.demo.controllers import Controllers, mivoice
from agent.demo.devices import SimpleValue, SimulatedDevices
from agent.demo.firewalls import FortiGatePair, fortigate, panos
from agent.demo.portal import LIFE, Authority, Portal
from agent.demo.server import HostKey, SimulatedServer
from agent.demo.sip_echo import SipEcho
from agent.demo.vault import Vault
from checks.firewall.pair import PairOptions
from checks.network.http_options import HttpOptions
from checks.network.ssh_command import SshCommandOptions
from checks.telephony.sip_options import SipOptions
from config.estate import CheckSpec, Estate, Target

CONTROLLERS = ("pbx-forum", "pbx-aylesbury")
"""The one whose phones the other takes over, and that other one."""
PALO_ALTO = "fw-aylesbury"
"""The firewall that is no FortiGate. Nothing in the estate says so: the agent finds out by itself."""
_SYSTEM = "1.3.6.1.2.1.1"
_INTERFACES = "1.3.6.1.2.1.2.2.1"
_INTERFACES_X = "1.3.6.1.2.1.31.1.1.1"
_HOST = "1.3.6.1.2.1.25"
_UCD = "1.3.6.1.4.1.2021"
_LINUX = "1.3.6.1.4.1.8072.3.2.10"

HEALTHY_DISK = 71
_MOUNT = "/srv/backup"
_DISK_KIB = 2_113_784_984


@dataclass(slots=True)
class Cast:
    """Everybody in the play."""

    devices: SimulatedDevices
    pair: FortiGatePair
    controllers: Controllers
    backup: SimulatedServer
    portal: Portal
    vault: Vault

    def fill_disk(self, percent: int) -> None:
        """Fill the backup server's disk so far, as its `df` tells it."""
        for line in self.backup.answers:
            self.backup.answers[line] = _df(percent)


def cast_of(
    estate: Estate,
    *,
    community: str,
    password: str,
    host_key: HostKey,
    authority: Authority,
    folder: Path,
    vault: Vault,
) -> Cast:
    """The cast of an estate, healthy. Certificates are written to `folder`."""
    devices = SimulatedDevices()
    ((_, paired),) = _checks(estate, "firewall_pair")
    assert isinstance(paired.options, PairOptions)  # for mypy
    members = [(estate.targets[name], paired) for name in paired.options.members]
    asked = (each for kind in ("snmp", "firewall", "mitel") for each in _checks(estate, kind))
    for target, spec in (*asked, *members):
        options = spec.options.model_dump()
        values = _values(target, spec.kind, str(options["profile"]))
        devices.add(target.name, values, host=target.address, port=int(options["port"]), community=community)
    pair = FortiGatePair(devices, paired.options.members)
    ((target, spec),) = _checks(estate, "ssh_command")
    assert isinstance(spec.options, SshCommandOptions)  # for mypy
    user = str(target.credentials["ssh"].settings["user"])
    backup = SimulatedServer((target.address, spec.options.port), user, password, host_key)
    backup.answers[spec.options.plan.line] = _df(HEALTHY_DISK)
    ((target, spec),) = _checks(estate, "http")
    assert isinstance(spec.options, HttpOptions)  # for mypy
    url = spec.options.url_at(target.address)
    portal = Portal((target.address, url.port), url.host, authority, folder, "all is well")
    portal.show_certificate(LIFE)
    return Cast(devices, pair, Controllers(devices, CONTROLLERS, _endpoints(estate)), backup, portal, vault)


def _endpoints(estate: Estate) -> dict[str, SipEcho]:
    """Who answers SIP, by target."""
    endpoints = {}
    for target, spec in _checks(estate, "sip_options"):
        assert isinstance(spec.options, SipOptions)  # for mypy
        endpoints[target.name] = SipEcho((target.address, spec.options.at_port))
    return endpoints


def services(estate: Estate) -> list[tuple[str, int]]:
    """Address and port of each TCP service that a `tcp` check asks."""
    return [(target.address, int(spec.options.model_dump()["port"])) for target, spec in _checks(estate, "tcp")]


def _checks(estate: Estate, kind: str) -> Iterator[tuple[Target, CheckSpec]]:
    return ((target, spec) for target in estate.targets.values() for spec in target.checks if spec.kind == kind)


def _df(percent: int) -> str:
    """What df(1) prints with -P and -k."""
    used = _DISK_KIB * percent // 100
    return (
        "Filesystem     1024-blocks       Used Available Capacity Mounted on\n"
        f"/dev/sdb1       {_DISK_KIB} {used} {_DISK_KIB - used}      {percent}% {_MOUNT}\n"
    )


def _values(target: Target, kind: str, profile: str) -> Mapping[str, SimpleValue]:
    values = _system(target)
    if kind == "mitel":
        return values | mivoice("councils")
    if profile == "interfaces":
        return values | _two_interfaces()
    if profile == "auto":  # the default of firewalls
        return values | (panos() if target.name == PALO_ALTO else fortigate(target.name)) | _two_interfaces()
    if profile == "net-snmp-host":
        return values | _host()
    return values


def _system(target: Target) -> dict[str, SimpleValue]:
    """SNMPv2-MIB system group, and hrSystemUptime of HOST-RESOURCES-MIB."""
    return {
        f"{_SYSTEM}.1.0": f"Simulated device: {target.title}",
        f"{_SYSTEM}.2.0": ("oid", _LINUX),
        f"{_SYSTEM}.3.0": ("uptime", 864_000),
        f"{_SYSTEM}.4.0": "ict@council.example",
        f"{_SYSTEM}.5.0": target.name,
        f"{_SYSTEM}.6.0": target.site,
        f"{_HOST}.1.1.0": ("uptime", 864_000),
    }


def _two_interfaces() -> dict[str, SimpleValue]:
    """IF-MIB (RFC 2863): an uplink and the local network, both up."""
    values: dict[str, SimpleValue] = {"1.3.6.1.2.1.2.1.0": 2}
    for index, name in ((1, "wan0"), (2, "lan0")):
        values |= {
            f"{_INTERFACES}.1.{index}": index,
            f"{_INTERFACES}.2.{index}": name,
            f"{_INTERFACES}.3.{index}": 6,
            f"{_INTERFACES}.4.{index}": 1500,
            f"{_INTERFACES}.5.{index}": ("gauge", 1_000_000_000),
            f"{_INTERFACES}.7.{index}": 1,
            f"{_INTERFACES}.8.{index}": 1,
            f"{_INTERFACES}.9.{index}": ("ticks", 0),
            f"{_INTERFACES}.13.{index}": ("counter", 0),
            f"{_INTERFACES}.14.{index}": ("counter", 0),
            f"{_INTERFACES}.19.{index}": ("counter", 0),
            f"{_INTERFACES}.20.{index}": ("counter", 0),
            f"{_INTERFACES_X}.1.{index}": name,
            f"{_INTERFACES_X}.6.{index}": ("counter64", 123_456_789_012 * index),
            f"{_INTERFACES_X}.10.{index}": ("counter64", 98_765_432_109 * index),
            f"{_INTERFACES_X}.15.{index}": ("gauge", 1000),
            f"{_INTERFACES_X}.18.{index}": "",
        }
    return values


def _host() -> dict[str, SimpleValue]:
    """UCD-SNMP-MIB memory and load, and the storage table of HOST-RESOURCES-MIB."""
    storage = f"{_HOST}.2.3.1"
    return {
        f"{_UCD}.4.3.0": 2_097_148,
        f"{_UCD}.4.4.0": 2_097_148,
        f"{_UCD}.4.5.0": 8_388_608,
        f"{_UCD}.4.6.0": 3_145_728,
        f"{_UCD}.4.11.0": 5_242_876,
        f"{_UCD}.4.14.0": 131_072,
        f"{_UCD}.4.15.0": 2_097_152,
        f"{_UCD}.4.27.0": 5_242_880,
        f"{_UCD}.10.1.5.1": 12,
        f"{_UCD}.10.1.5.2": 15,
        f"{_UCD}.10.1.5.3": 9,
        f"{_HOST}.1.6.0": ("gauge", 143),
        f"{storage}.1.31": 31,
        f"{storage}.2.31": ("oid", "1.3.6.1.2.1.25.2.1.4"),
        f"{storage}.3.31": "/",
        f"{storage}.4.31": 4096,
        f"{storage}.5.31": 52_428_800,
        f"{storage}.6.31": 20_971_520,
    }
