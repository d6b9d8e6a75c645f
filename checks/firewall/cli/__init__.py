"""What firewalls print for commands, understood: by `product/command` a function from text to a document.

A closed list: a profile may send no command that no parser here is for, and gives it no parameter. Required fields are
required: what lacks one is `NotUnderstood` with what came, never half a document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from checks.firewall.cli import (
    asa,
    asa_failover,
    fortios,
    fortios_ha,
    gaia,
    panos,
    panos_ha,
    pfsense,
    srx,
    vyos,
)
from checks.firewall.cli.output import Output, Unfit
from checks.network.documents import Document, NotUnderstood


@dataclass(frozen=True, slots=True)
class Parser:
    """Who understands an output, and the exact lines that may be sent to get it."""

    commands: tuple[str, ...]
    read: Callable[[Output], Document]


PARSERS: Mapping[str, Parser] = {
    "fortios/system-status": Parser(("get system status",), fortios.system_status),
    "fortios/ha-status": Parser(("get system ha status",), fortios_ha.ha_status),
    "fortios/performance": Parser(("get system performance status",), fortios.performance),
    "fortios/conserve": Parser(("diagnose hardware sysinfo conserve",), fortios.conserve),
    "fortios/tunnels": Parser(("get vpn ipsec tunnel summary",), fortios.tunnels),
    "fortios/checksums": Parser(("diagnose sys ha checksum cluster",), fortios.checksums),
    "panos/ha": Parser(("show high-availability all",), panos_ha.ha_all),
    "panos/system": Parser(("show system info",), panos.system_info),
    "panos/sessions": Parser(("show session info",), panos.session_info),
    "panos/licences": Parser(("request license info",), panos.licences),
    "panos/jobs": Parser(("show jobs all",), panos.jobs),
    "panos/paths": Parser(("show high-availability path-monitoring",), panos.path_monitoring),
    "panos/environmentals": Parser(("show system environmentals",), panos.environmentals),
    "asa/failover": Parser(("show failover",), asa_failover.failover),
    "asa/failover-state": Parser(("show failover state",), asa_failover.failover_state),
    "asa/version": Parser(("show version",), asa.version),
    "asa/cpu": Parser(("show cpu usage", "show cpu usage detailed"), asa.cpu),
    "asa/memory": Parser(("show memory",), asa.memory),
    "asa/connections": Parser(("show conn count",), asa.connections),
    "asa/resources": Parser(("show resource usage",), asa.resources),
    "asa/vpn-sessions": Parser(("show vpn-sessiondb",), asa.vpn_sessions),
    "asa/licences": Parser(("show license all",), asa.licences),
    "gaia/cluster-state": Parser(("show cluster state", "cphaprob state"), gaia.cluster_state),
    "gaia/critical-devices": Parser(("cphaprob list", "show cluster members pnotes problem"), gaia.critical_devices),
    "gaia/cluster-interfaces": Parser(
        ("cphaprob -a if", "show cluster members interfaces all"), gaia.cluster_interfaces
    ),
    "gaia/policy": Parser(("fw stat",), gaia.policy),
    "gaia/asset": Parser(("show asset all",), gaia.asset),
    "gaia/version": Parser(("show version all",), gaia.version),
    "gaia/capacity": Parser(("fw ctl pstat",), gaia.capacity),
    "gaia/licences": Parser(("cplic print",), gaia.licences),
    "srx/cluster-status": Parser(("show chassis cluster status",), srx.cluster_status),
    "srx/cluster-interfaces": Parser(("show chassis cluster interfaces",), srx.cluster_interfaces),
    "srx/monitoring": Parser(("show security monitoring",), srx.monitoring),
    "srx/uptime": Parser(("show system uptime",), srx.uptime),
    "srx/alarms": Parser(("show chassis alarms",), srx.alarms),
    "srx/licences": Parser(("show system license",), srx.licences),
    "srx/version": Parser(("show version",), srx.version),
    "vyos/vrrp": Parser(("show vrrp",), vyos.vrrp),
    "vyos/memory": Parser(("show system memory",), vyos.memory),
    "vyos/version": Parser(("show version",), vyos.version),
    "pfsense/interfaces": Parser(("ifconfig",), pfsense.interfaces),
    "pfsense/demotion": Parser(("sysctl net.inet.carp.demotion",), pfsense.demotion),
    "pfsense/filter": Parser(("pfctl -si",), pfsense.filter_status),
    "pfsense/limits": Parser(("pfctl -sm",), pfsense.limits),
}
"""Every parser there is, by the name that profiles say."""


def parsed(name: str, text: str) -> Document | NotUnderstood:
    """The document of an output, by the parser of that name. Raises KeyError for a name that is none."""
    read = PARSERS[name].read
    try:
        return read(Output(text))
    except Unfit as why:
        return NotUnderstood.of(text, str(why))
