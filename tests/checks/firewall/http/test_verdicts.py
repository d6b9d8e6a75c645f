"""Declared changes of every product's sample answers, and the verdict that each must bring about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from agent.api_captures import ApiCapture
from agent.replay import replay_api
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.firewall.http.shape import understood
from config.profiles import load, search_path
from testbeds.by_api import AT
from testbeds.firewall_api import asks_of, samples

KINDS = load_catalogue()
PANOS, SRX, GAIA = "firewall/panos-http", "firewall/srx-http", "firewall/gaia-http"
SENSE, PFSENSE, STORM = "firewall/opnsense-http", "firewall/pfsense-http", "firewall/stormshield-http"
FORTI = "firewall/fortigate-http"
CRITICAL, WARNING, UNKNOWN = "critical", "warning", "unknown"
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Change:
    """One text of one sample in the place of another."""

    profile: str
    question: str
    before: str
    after: str
    bad: Mapping[str, str] = field(default_factory=dict)
    days: float = 0.0


def _bad(**states: str) -> dict[str, str]:
    return {f"firewall/{key}": state for key, state in states.items()}


SYNC = {"firewall/member_sync/fw-2": WARNING}
NODE = "firewall/node_{}/SN310A00000002"
CHANGES = {
    "FortiGate: a member out of sync": Change(FORTI, "ha_checksums", '"all": "4df9cc"\n   }\n  }\n ]', '"all": "77aa"}}]', SYNC),
    "FortiGate: a word for sync nobody knows is none": Change(FORTI, "ha_checksums", "checksum", "sums", {"firewall/member_sync/fw-1": UNKNOWN, "firewall/member_sync/fw-2": UNKNOWN}),
    "FortiGate: the primary is told by an older word": Change(FORTI, "ha_checksums", "is_manage_primary", "is_manage_master"),
    "FortiGate: both members call themselves primary": Change(FORTI, "ha_checksums", '"is_manage_primary": 0', '"is_manage_primary": 1', _bad(ha=CRITICAL)),
    "FortiGate: a role nobody knows": Change(FORTI, "ha_checksums", '"is_manage_primary": 1', '"is_manage_primary": 7', _bad(ha=UNKNOWN)),
    "FortiGate: an expired service": Change(FORTI, "licences", '"expires": 2133648000,\n   "last_update": 1764400000', '"expires": 1764000000, "last_update": 1764400000', {"firewall/licence_expiry/antivirus": CRITICAL}),
    "FortiGate: a service near its end": Change(FORTI, "licences", '"expires": 2133648000,\n   "last_update": 1764400000', '"expires": 1767000000, "last_update": 1764400000', {"firewall/licence_expiry/antivirus": WARNING}),
    "FortiGate: a loaded certificate near its end": Change(FORTI, "certificates", "2133648000", "1764900000", {"firewall/certificate_end/vpn.council.example": CRITICAL}),
    "FortiGate: the factory's certificate may end": Change(FORTI, "certificates", "1600000000", "1500000000"),
    "FortiGate: signatures a month old": Change(FORTI, "licences", "x", "x", _bad(antivirus_updated=WARNING, ips_updated=WARNING), days=40),
    "PAN-OS: out of sync": Change(PANOS, "ha", "<running-sync>synchronized", "<running-sync>not synchronized", _bad(ha_sync=WARNING)),
    "PAN-OS: a sync in a new word": Change(PANOS, "ha", "<running-sync>synchronized", "<running-sync>sort of", _bad(ha_sync=UNKNOWN)),
    "PAN-OS: two actives": Change(PANOS, "ha", "<state>passive", "<state>active", _bad(ha=CRITICAL)),
    "PAN-OS: the peer is not functional": Change(PANOS, "ha", "<state>passive", "<state>non-functional", _bad(ha=WARNING)),
    "PAN-OS: the peer is not there": Change(PANOS, "ha", "<state>passive", "<state>unknown", _bad(ha=WARNING)),
    "PAN-OS: itself suspended": Change(PANOS, "ha", "<local-info><state>active", "<local-info><state>suspended", _bad(ha=WARNING)),
    "PAN-OS: a state nobody knows": Change(PANOS, "ha", "<local-info><state>active", "<local-info><state>hibernating", _bad(ha=UNKNOWN)),
    "PAN-OS: no cluster": Change(PANOS, "ha", "<enabled>yes", "<enabled>no"),
    "PAN-OS: a control link is down": Change(PANOS, "ha", "<conn-ha1><conn-status>up", "<conn-ha1><conn-status>down", _bad(ha1_link=WARNING)),
    "PAN-OS: another release than the peer": Change(PANOS, "ha", "<build-compat>Match", "<build-compat>Mismatch", _bad(ha_build_compat=WARNING)),
    "PAN-OS: the licence has ended": Change(PANOS, "licences", "August 05, 2037", "August 05, 2025", {"firewall/licence_expiry/Threat Prevention": CRITICAL}),
    "PAN-OS: a date nobody can read": Change(PANOS, "licences", "August 05, 2037", "when it rains", {"firewall/licence_expiry/Threat Prevention": UNKNOWN}),
    "PAN-OS: a licence that never ends": Change(PANOS, "licences", "August 05, 2037", "Never"),
    "PAN-OS: sessions near the limit": Change(PANOS, "sessions", "<num-active>5524", "<num-active>220000", _bad(sessions_ratio=WARNING)),
    "PAN-OS: a limit of none": Change(PANOS, "sessions", "<num-max>262142", "<num-max>0"),
    "PAN-OS: a sensor with an alarm": Change(PANOS, "environment", "<alarm>False</alarm><RPMs>", "<alarm>True</alarm><RPMs>", {"firewall/sensor_alarm/Fan #1 RPM": WARNING}),
    "PAN-OS: it refuses": Change(PANOS, "sessions", 'status="success"', 'status="error"', _bad(sessions=UNKNOWN, sessions_ratio=UNKNOWN) | {"firewall/http/sessions": UNKNOWN}),
    "OPNsense: demoted": Change(SENSE, "vips", '"demotion": "0"', '"demotion": "240"', _bad(ha_demotion=WARNING)),
    "OPNsense: in maintenance": Change(SENSE, "vips", '"maintenancemode": false', '"maintenancemode": true', _bad(ha=WARNING, ha_maintenance=WARNING)),
    "OPNsense: the standby": Change(SENSE, "vips", '"MASTER"', '"BACKUP"'),
    "OPNsense: an address that is not set up": Change(SENSE, "vips", '"MASTER"', '"INIT"', _bad(ha=CRITICAL) | {"firewall/address_state/192.0.2.10": WARNING, "firewall/address_state/198.51.100.10": WARNING}),
    "OPNsense: a state nobody knows": Change(SENSE, "vips", '"MASTER"', '"LEADER"', _bad(ha=UNKNOWN) | {"firewall/address_state/192.0.2.10": UNKNOWN, "firewall/address_state/198.51.100.10": UNKNOWN}),
    "OPNsense: a gateway is down": Change(SENSE, "gateways", '"status": "none"', '"status": "down"', {"firewall/gateway_state/WAN_GW": WARNING}),
    "OPNsense: states near their limit": Change(SENSE, "states", '"1234"', '"199000"', _bad(sessions_ratio=CRITICAL)),
    "OPNsense: a certificate that is used has ended": Change(SENSE, "certificates", "2133648000", "1600000000", {"firewall/certificate_end/web": CRITICAL}),
    "pfSense: in maintenance": Change(PFSENSE, "carp", '"maintenance_mode": false', '"maintenance_mode": true', _bad(ha=WARNING, ha_maintenance=WARNING)),
    "pfSense: an address that is not set up": Change(PFSENSE, "addresses", '"carp_status": "master"', '"carp_status": "init"', _bad(ha=CRITICAL) | {"firewall/address_state/192.0.2.10": WARNING}),
    "pfSense: a gateway is down": Change(PFSENSE, "gateways", '"online"', '"down"', {"firewall/gateway_state/WAN_DHCP": WARNING}),
    "Gaia: the cluster has a problem": Change(GAIA, "cluster", '"cluster-status": "ok"', '"cluster-status": "problem"', _bad(ha_status=CRITICAL)),
    "Gaia: two actives": Change(GAIA, "cluster", '"status": "standby"', '"status": "active"', _bad(ha=CRITICAL)),
    "Gaia: active with a problem": Change(GAIA, "cluster", '"status": "active"', '"status": "active(!)"', _bad(ha=CRITICAL)),
    "Gaia: a member lost": Change(GAIA, "cluster", '"status": "standby"', '"status": "lost"', _bad(ha=WARNING)),
    "Gaia: a state nobody knows": Change(GAIA, "cluster", '"status": "active"', '"status": "lively"', _bad(ha=UNKNOWN)),
    "SRX: a node is lost": Change(SRX, "cluster", "<redundancy-group-status>secondary", "<redundancy-group-status>lost", {"firewall/node_state/node1": WARNING, "firewall/node_state/node1#4": WARNING}),
    "SRX: a secondary that cannot take over": Change(SRX, "cluster", "<device-priority>100", "<device-priority>0", {"firewall/node_priority/node1": WARNING, "firewall/node_priority/node1#4": WARNING}),
    "SRX: an interface monitor failed": Change(SRX, "cluster", "<monitor-failures>None</monitor-failures></device-stats>", "<monitor-failures>IF</monitor-failures></device-stats>", {"firewall/node_failures/node1": WARNING, "firewall/node_failures/node1#4": WARNING}),
    "SRX: a licence has ended": Change(SRX, "licences", "2037-12-25", "2018-12-25", {"firewall/licence_expiry/idp-sig": CRITICAL}),
    "SRX: a major alarm": Change(SRX, "alarms", "<alarm-summary><no-active-alarms/></alarm-summary>", "<alarm-detail><alarm-class>Major</alarm-class><alarm-description>PEM 0</alarm-description></alarm-detail>", {"firewall/alarm_class/PEM 0": CRITICAL}),
    "Stormshield: out of sync": Change(STORM, "ha", 'name="IsConfigSync" value="1"/></section></data>', 'name="IsConfigSync" value="0"/></section></data>', {NODE.format("sync"): WARNING}),
    "Stormshield: the peer does not answer": Change(STORM, "ha", 'title="SN310A00000002"><key name="Reply" value="1"', 'title="SN310A00000002"><key name="Reply" value="0"', {NODE.format("online"): WARNING}),
    "Stormshield: two actives": Change(STORM, "ha", 'value="Passive"', 'value="Active"', _bad(ha=CRITICAL)),
    "Stormshield: the command is refused": Change(STORM, "health", '<serverd ret="101"', '<serverd ret="205"', {"firewall/http/health": UNKNOWN}),
    "Stormshield: a power supply failed": Change(STORM, "health", 'name="power" value="Good"', 'name="power" value="Major"', {"firewall/health_power/SN310A00000001": CRITICAL}),
}  # fmt: skip


def judged(profile: str, bodies: Mapping[str, bytes], at: float = AT) -> dict[str, str]:
    """What is not well, by finding; questions that ask the same get the same answer."""
    asks, documents = asks_of(profile), {}
    for name, question in asks.questions.items():
        alike = [other for other, one in asks.questions.items() if one.paths == question.paths and other in bodies]
        if alike:
            documents[name] = understood(question, bodies[alike[0]], bodies[alike[0]].decode())
    of = replay_api(ApiCapture("sample", load(profile, search_path()), documents), KINDS, at)
    findings = of.results[0].assessment.findings
    return {finding.key: finding.state.value for finding in findings if finding.state is not State.OK}


@pytest.mark.parametrize("name", CHANGES)
def test_each_declared_change_brings_its_verdict(name: str) -> None:
    case = CHANGES[name]
    bodies = samples(case.profile)
    text = bodies[case.question].decode()
    assert case.before in text

    assert judged(case.profile, bodies) == {}
    changed = bodies | {case.question: text.replace(case.before, case.after).encode()}
    assert judged(case.profile, changed, AT + case.days * DAY) == case.bad


@pytest.mark.parametrize("profile", [FORTI, PANOS, SENSE, PFSENSE, GAIA, SRX, STORM])
@pytest.mark.parametrize("kind", ["cut", "page"])
def test_no_answer_that_is_cut_or_a_web_page_is_ever_well(profile: str, kind: str) -> None:
    for question, body in samples(profile).items():
        wrong = body[: len(body) // 2] if kind == "cut" else b"<!DOCTYPE html><html><body>Log in</body></html>"

        assert judged(profile, samples(profile) | {question: wrong}).get(f"firewall/http/{question}") == UNKNOWN
