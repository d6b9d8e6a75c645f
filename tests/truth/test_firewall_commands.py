"""What Ridgeway reads of recorded commands, beside what the published templates (ntc-templates) read of the same.

`COMPARED` says where the two mean the same thing, and how one becomes the other. What the templates do not take at all
(the verdicts) is judged by hand in `firewall_command_verdicts.yaml`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from checks.firewall.cli import PARSERS, parsed
from checks.network.documents import NotUnderstood, rows, scalar, split
from checks.network.text_date import text_date
from testbeds.command_recordings import Recorded, every, ours, read_by

pytestmark = pytest.mark.truth

Side = Callable[[Any], list[str]]
_NONE = ("", "None", "n/a")


def theirs(*fields: str, means: Callable[[str], str] = str, row: slice = slice(None)) -> Side:
    """The template's values of these fields, one after the other; what it calls nothing is left out."""

    def take(sample: list[dict[str, Any]]) -> list[str]:
        found = []
        for field in fields:
            for entry in sample[row]:
                said = entry[field] if isinstance(entry[field], list) else [entry[field]]
                found += [means(one) for one in said if one not in _NONE]
        return [one for one in found if one not in _NONE]

    return take


def at(*places: str, means: Callable[[str], str] = str) -> Side:
    """Our values at these places, absent ones left out."""

    def take(document: Any) -> list[str]:
        found = []
        for place in places:
            _, steps = split(f"q#{place}")
            said = list(rows(document, steps, 10_000)[0].values()) if "*" in steps else [scalar(document, steps)]
            found += [means(str(one)) for one in said if one is not None]
        return found

    return take


def fraction(text: str) -> str:
    return f"{float(text):g}"


def moment(text: str) -> str:
    """ASA writes the year last or before the time; both as Unix seconds."""
    words = text.removesuffix(" UTC").split()
    ordered = f"{words[0]} {words[1]} {words[2]} {words[3]}" if ":" in words[2] else " ".join(
        [words[0], words[1], words[3], words[2]]
    )  # fmt: skip
    return f"{text_date(ordered):.0f}"


def role(text: str) -> str:
    return text.replace(", ", " ").replace("master", "primary").replace("slave", "secondary")


def sessions_of(document: Any) -> list[str]:
    return [f"{one['answered']}/{one['sent']}" for one in document["paths"]]


def failovers(document: Any) -> list[str]:
    return list({one["group"]: str(one["failovers"]) for one in document["groups"]}.values())


def installed(document: Any) -> list[str]:
    return [str(document["installed_text"])]


def of_kind(kind: str, field: str) -> Side:
    """The template's rows of one kind of link of a chassis cluster."""
    return lambda sample: [str(one[field]).split("/")[0].strip() for one in sample if one["link_type"] == kind]


def booted(sample: list[dict[str, Any]]) -> list[str]:
    one = sample[0]
    when = f"{one['boot_year']}-{one['boot_month']}-{one['boot_day']} {one['boot_time']}"
    return [f"{text_date(when):.0f}"]


def configured(sample: list[dict[str, Any]]) -> list[str]:
    one = sample[0]
    when = f"{one['last_config_year']}-{one['last_config_month']}-{one['last_config_day']} {one['last_config_time']}"
    return [f"{text_date(when):.0f}"]


COMPARED: dict[str, dict[str, tuple[Side, Side]]] = {
    "fortios/ha-status": {
        "mode": (theirs("ha_mode"), at("/mode")),
        "model": (theirs("model"), at("/model")),
        "group": (theirs("ha_group"), at("/group")),
        "warnings": (theirs("ha_health", means=lambda text: text.partition(" has ")[2]), at("/warnings/*/problem")),
        "uptime": (theirs("cluster_uptime"), at("/uptime")),
        "last change": (theirs("cluster_state_changed_time"), at("/changed")),
        "override": (theirs("ha_override_status"), at("/override")),
        "session pickup": (theirs("ha_session_pickup_status"), at("/session_pickup")),
        "host names": (theirs("ha_master_unit_name", "ha_slave_unit_name"), at("/members/*/host")),
        "serial numbers": (theirs("ha_master_unit_serial", "ha_slave_unit_serial"), at("/members/*/serial")),
        "indexes": (theirs("ha_master_unit_index", "ha_slave_unit_index"), at("/members/*/index")),
    },
    "fortios/system-status": {
        "model, version": (theirs("version", means=lambda text: text.replace(" ", "\n", 1)), lambda document: [
            f"{document['model']}\n{document['version']}"
        ]),
        "serial number": (theirs("serial_number"), at("/serial")),
        "host name": (theirs("hostname"), at("/host")),
        "mode, role": (theirs("current_ha_mode", means=role), lambda document: [
            " ".join(filter(None, [document["ha_mode"], document["ha_role"]]))
        ]),
        "log disk": (theirs("log_hard_disk"), at("/log_disk")),
        "antivirus": (theirs("virus_db"), at("/antivirus")),
        "ips": (theirs("ips_db"), at("/ips")),
        "fips": (theirs("fips_cc_mode"), at("/fips")),
        "licence": (theirs("license_status"), at("/licence")),
        "evaluation": (theirs("evaluation_license_expires"), at("/evaluation_ends")),
        "last change": (theirs("cluster_state_change_time"), at("/changed")),
        "time": (theirs("system_time"), at("/system_time")),
        "last reboot": (theirs("last_reboot_reason"), at("/last_reboot")),
    },
    "asa/failover": {
        "failover": (theirs("state", means=str.lower), at("/failover")),
        "unit": (theirs("role", means=str.lower), at("/this/unit")),
        "link": (
            theirs("lan_intf_name", "lan_intf", "lan_intf_state"), at("/link/name", "/link/interface", "/link/state"),
        ),
        "versions": (theirs("sw_version", "sw_version_mate"), lambda document: (
            [] if document["version"] is None else [document["version"]["ours"], document["version"]["mate"]]
        )),
        "states": (theirs("service_state", "service_state_mate"), at("/this/groups/*", "/other/groups/*")),
        "interfaces": (theirs("interfaces", "interfaces_mate"), at("/interfaces/*/interface")),
        "their states": (
            theirs("interfaces_status", "interfaces_status_mate", means=str.lower), at("/interfaces/*/state"),
        ),
        "watched": (
            theirs("interfaces_state", "interfaces_state_mate", means=str.lower), at("/interfaces/*/monitored"),
        ),
        "contexts": (theirs("interfaces_context", "interfaces_context_mate"), at("/interfaces/*/context")),
    },
    "asa/version": {
        "version": (theirs("version"), at("/version")),
        "model": (lambda sample: [sample[0]["model"] or sample[0]["hardware"].split(",")[0]], at("/model")),
        "host name": (theirs("hostname"), at("/host")),
        "uptime": (theirs("uptime"), at("/uptime")),
        "serial number": (theirs("serial"), at("/serial")),
        "last change": (theirs("last_mod"), at("/changed")),
    },
    "asa/cpu": {
        "cores": (theirs("core"), at("/cores/*/core")),
        "five seconds": (theirs("cpu_5_sec", means=fraction), at("/cores/*/five_seconds", means=fraction)),
        "a minute": (theirs("cpu_1_min", means=fraction), at("/cores/*/one_minute", means=fraction)),
        "five minutes": (theirs("cpu_5_min", means=fraction), at("/cores/*/five_minutes", means=fraction)),
    },
    "asa/resources": {
        "resources": (theirs("resource"), at("/resources/*/resource")),
        "contexts": (theirs("context"), at("/resources/*/context")),
        "now": (theirs("current"), at("/resources/*/current")),
        "peak": (theirs("peak"), at("/resources/*/peak")),
        "limits": (theirs("limit", means=lambda text: text.replace("unlimited", "")), at("/resources/*/limit")),
        "denied": (theirs("denied"), at("/resources/*/denied")),
    },
    "asa/vpn-sessions": {
        "users": (theirs("total_active_and_inactive"), at("/users")),
        "capacity": (theirs("device_total_vpn_capacity"), at("/capacity")),
        "load": (theirs("device_load_percent"), at("/load")),
    },
    "asa/licences": {
        "smart": (theirs("smart_status"), at("/smart")),
        "registration": (theirs("registration_status"), at("/registration")),
        "authorisation": (theirs("auth_status"), at("/authorization")),
        "end": (theirs("registration_expiration_date", means=moment), at("/ends")),
        "deadline": (theirs("auth_deadline"), at("/deadline")),
        "last contact": (theirs("auth_last_communication"), at("/last_contact")),
        "evaluation": (theirs("eval_remaining"), at("/evaluation_left")),
    },
    "panos/ha": {
        "mode": (theirs("mode", means=str.lower), at("/mode")),
        "own state": (theirs("state"), at("/local/state")),
        "links": (theirs("ha1_link_state", "ha2_link_state", means=str.lower), at("/local/links/*/state")),
        "priority": (theirs("priority"), at("/local/priority")),
        "preemptive": (theirs("preemptive"), at("/local/preemptive")),
        "versions": (
            theirs(
                "sw_version", "app_content_compatibility", "anti_virus_compatibility", "threat_content_compatibility",
                "vpn_client_sw_compatibility", "global_protect_client_sw_compatibility", means=str.lower,
            ),
            at("/compatibility/*/match"),
        ),
        "sessions": (theirs("state_sync", means=str.lower), at("/state_sync")),
        "configuration": (theirs("config_sync", "running_configuration"), at("/config_sync_enabled", "/config_sync")),
        "monitoring": (
            theirs("link_monitoring_enabled", "path_monitoring_enabled"), at("/link_monitoring", "/path_monitoring"),
        ),
    },
    "panos/system": {
        "host name": (theirs("hostname"), at("/host")),
        "model": (theirs("model"), at("/model")),
        "serial number": (theirs("serial", means=lambda text: text.replace("unknown", "")), at("/serial")),
        "version": (theirs("os"), at("/version")),
        "uptime": (theirs("uptime"), at("/uptime")),
        "family": (theirs("family"), at("/family")),
        "virtual systems": (theirs("multi_vsys"), at("/multi_vsys")),
        "operation": (theirs("operational_mode"), at("/operational_mode")),
    },
    "panos/licences": {
        "features": (theirs("feature"), at("/licences/*/feature")),
        "descriptions": (theirs("description"), at("/licences/*/description")),
        "issued": (theirs("issued"), at("/licences/*/issued")),
        "expires": (theirs("expires"), at("/licences/*/expires")),
        "expired": (theirs("expired"), at("/licences/*/expired")),
        "base": (theirs("base_license"), at("/licences/*/base")),
    },
    "panos/jobs": {
        "enqueued": (theirs("enqueued"), at("/jobs/*/enqueued")),
        "numbers": (theirs("id"), at("/jobs/*/id")),
        "kinds": (theirs("type"), at("/jobs/*/type")),
        "results": (theirs("status", "result"), at("/jobs/*/status", "/jobs/*/result")),
    },
    "panos/paths": {
        "destinations": (theirs("destination"), at("/paths/*/destination")),
        "groups": (theirs("grp_name", "vr_name", "type"), at("/paths/*/group", "/paths/*/router", "/paths/*/type")),
        "answered": (theirs("success_rate"), sessions_of),
        "latency": (theirs("rtt_avg", means=fraction), at("/paths/*/latency", means=fraction)),
    },
    "gaia/asset": {
        "platform": (theirs("platform", row=slice(1)), at("/platform")),
        "model": (theirs("model", row=slice(1)), at("/model")),
        "serial number": (theirs("serial", row=slice(1)), at("/serial")),
    },
    "gaia/policy": {
        "policy": (theirs("policy"), at("/policies/0/name")),
        "installed": (theirs("policy_install_date"), installed),
    },
    "gaia/version": {
        "release": (theirs("version"), at("/version", means=lambda text: text.removeprefix("Check Point Gaia "))),
    },
    "srx/cluster-status": {
        "nodes": (theirs("node"), at("/groups/*/node")),
        "priorities": (theirs("priority"), at("/groups/*/priority")),
        "states": (theirs("status"), at("/groups/*/state")),
        "failed monitors": (theirs("monitor_failures"), at("/groups/*/failures")),
        "failovers": (theirs("failover_count"), failovers),
    },
    "srx/cluster-interfaces": {
        "control link": (lambda sample: [sample[0]["control_link_status"].lower()], at("/control")),
        "control interfaces": (of_kind("Control", "interface"), at("/control_links/*/name")),
        "fabric interfaces": (of_kind("Fabric", "interface"), at("/fabric_links/*/fabric")),
        "fabric states": (of_kind("Fabric", "status"), at("/fabric_links/*/state", means=str.capitalize)),
        "redundant interfaces": (of_kind("Redundant-ethernet", "interface"), at("/reth/*/name")),
        "their states": (of_kind("Redundant-ethernet", "status"), at("/reth/*/state", means=str.capitalize)),
        "watched interfaces": (
            lambda sample: [one["interface"] for one in sample if one["weight"]], at("/monitored/*/name"),
        ),
    },
    "srx/uptime": {
        "start": (booted, at("/booted_at")),
        "change": (configured, at("/configured_at")),
        "by": (theirs("last_config_user"), at("/configured_by")),
        "clock": (theirs("time_source"), at("/time_source")),
    },
    "srx/version": {
        "host name": (theirs("hostname", row=slice(1)), at("/host")),
        "model": (theirs("model", row=slice(1)), at("/model")),
        "release": (theirs("junos_version", row=slice(1)), at("/version")),
    },
}  # fmt: skip
"""By parser and value: what the template takes, and what we take."""


def test_there_is_a_comparison_for_every_recorded_command() -> None:
    if not ours():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    assert {one.parser for one in ours()} == set(COMPARED)


@pytest.mark.parametrize("one", ours(), ids=lambda one: one.name)
def test_a_recorded_command_says_what_the_template_takes_from_it(one: Recorded) -> None:
    document = parsed(one.parser, one.text)

    assert not isinstance(document, NotUnderstood), document.why
    for value, (template, we) in COMPARED[one.parser].items():
        assert we(document) == template(one.rows), value


def test_the_table_of_values_by_product_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    if not ours():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    right: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    absent: Counter[tuple[str, str]] = Counter()

    for one in ours():
        document = parsed(one.parser, one.text)
        for value, (template, we) in COMPARED[one.parser].items():
            expected, said = template(one.rows), we(document)
            counted = right if said == expected else wrong
            counted[one.parser, value] += max(len(expected), len(said))
            absent[one.parser, value] += not expected and not said

    with capsys.disabled():
        print(f"\n{'command':24}{'value':24}{'right':>7}{'wrong':>7}{'absent':>8}")
        for parser, value in sorted({*right, *wrong, *absent}):
            key = parser, value
            print(f"{parser:24}{value:24}{right[key]:7}{wrong[key]:7}{absent[key]:8}")
        print(f"{len(ours())} recordings, {right.total()} values right, {wrong.total()} wrong")
    assert wrong.total() == 0 and right.total() > 600


def test_no_parser_takes_another_command_for_its_own_and_all_are_quick() -> None:
    if not ours():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    began = time.process_time()

    taken = [
        (parser, where)
        for where, file in every()
        for parser in PARSERS
        if (text := file.read_text(encoding="utf-8")).strip() and where not in read_by(parser)
        if not isinstance(parsed(parser, text), NotUnderstood)
    ]

    assert taken == []
    assert time.process_time() - began < 60
