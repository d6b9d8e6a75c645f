"""Juniper SRX: chassis cluster, its interfaces, alarms, licences, version, time since the start.

Junos CLI Reference; recordings of cluster status, cluster interfaces, version and start, the reference for the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.firewall.cli.output import Output, Unfit, moment, short, whole
from checks.network.documents import Document

_OFF = re.compile(r"(?:error: )?Chassis cluster is not enabled\.?", re.IGNORECASE)
_OWN = re.compile(r"\{([a-z-]{3,20}):(node[01])\}")
"""What Junos prints above the prompt of a cluster's node: `{primary:node0}`."""
_CLUSTER = re.compile(r"Cluster ID: +([0-9]{1,3})")
_GROUP = re.compile(r"Redundancy group: +([0-9]{1,3}) *, +Failover count: +([0-9]{1,9})")
_NODE = re.compile(r"(node[01]) +([0-9]{1,3}) +([a-z-]{3,20}) +(yes|no|n/a) +(yes|no|n/a)(?: +(\S.{0,60}))?")
_ORDER = ("primary", "secondary", "secondary-hold", "hold", "ineligible", "disabled", "lost")


def cluster_status(output: Output) -> Document:
    """Every node of every redundancy group. `own` is the answering node, where the prompt tells. Raises Unfit.

    A `nodes` entry has the node's state in the groups of the data plane (1 and above) where there are any: the first
    of primary, secondary, and the others that it has in one of them; `active/active` where each leads a group.
    """
    if output.find(_OFF) is not None:
        return {"clustered": False, "own": None, "lost": None, "groups": [], "nodes": []}
    output.need(_CLUSTER, "identity of the cluster")
    rows: list[dict[str, Document]] = []
    states: dict[str, dict[int, str]] = {}
    group: re.Match[str] | None = None
    for line in output.lines:
        heading, node = _GROUP.fullmatch(line.strip()), _NODE.fullmatch(line.strip())
        if heading is not None:
            group = heading
        elif node is not None and group is not None:
            states.setdefault(node[1], {})[int(group[1])] = node[3]
            rows.append(
                {"name": f"{node[1]} group {group[1]}", "group": int(group[1]), "node": node[1],
                 "priority": int(node[2]), "state": node[3], "preempt": node[4], "manual": node[5],
                 "failures": _failures(node[6]), "failovers": int(group[2])}
            )  # fmt: skip
    groups = {row["group"] for row in rows}
    if not rows or len(rows) != 2 * len(groups) or len(rows) != sum(len(told) for told in states.values()):
        raise Unfit("a redundancy group does not tell of both nodes")
    own = output.find(_OWN)
    listed: list[Document] = [dict(row) for row in rows]
    shared = _shared(states)
    nodes: list[Document] = [
        {"node": node, "state": "active/active" if shared else _state(told)} for node, told in states.items()
    ]
    lost = next((node for node, told in states.items() if _state(told) == "lost"), None)
    return {
        "clustered": True, "own": None if own is None else own[2], "lost": lost, "groups": listed, "nodes": nodes,
    }  # fmt: skip


def _failures(said: str | None) -> str | None:
    return None if said in (None, "None", "n/a") else said


def _state(told: dict[int, str]) -> str:
    data = [state for group, state in told.items() if group > 0] or list(told.values())
    return min(data, key=lambda state: _ORDER.index(state) if state in _ORDER else len(_ORDER))


def _shared(states: Mapping[str, Mapping[int, str]]) -> bool:
    """Whether each node is the primary of a group of its own, as it may be, and no group has two."""
    primaries = [
        {group for group, state in told.items() if group > 0 and state == "primary"} for told in states.values()
    ]
    return len(primaries) == 2 and all(primaries) and not primaries[0] & primaries[1]


_CONTROL = re.compile(r"Control link(?: [01])? status: +(\S{1,20})", re.IGNORECASE)
_FABRIC = re.compile(r"Fabric link status: +(\S{1,20})", re.IGNORECASE)
_EM = re.compile(r"([0-9]) +((?:em|fxp)[0-9]{1,2}) +(Up|Down)\b.{0,60}", re.IGNORECASE)
_FAB = re.compile(r"(fab[01]) +(\S{1,30}) +(Up|Down)(?: */ *(Up|Down))?(?: .{0,40})?", re.IGNORECASE)
_RETH = re.compile(r"(reth[0-9]{1,3}) +(Up|Down) +([0-9]{1,3}|Not configured)", re.IGNORECASE)
_MONITORED = re.compile(
    r"([a-z]{2,4}-[0-9]{1,2}/[0-9]{1,2}/[0-9]{1,3}) +([0-9]{1,3}) +(Up|Down)(?: +([0-9]{1,3}))?(?: .{0,40})?",
    re.IGNORECASE,
)


def cluster_interfaces(output: Output) -> Document:
    """Control and fabric links, redundant interfaces of a group, monitored interfaces. Raises Unfit."""
    if output.find(_OFF) is not None:
        return {"control": None, "fabric": None, "control_links": [], "fabric_links": [], "reth": [], "monitored": []}
    return {
        "control": output.need(_CONTROL, "state of the control link")[1].casefold(),
        "fabric": output.need(_FABRIC, "state of the fabric link")[1].casefold(),
        "control_links": [{"name": found[2], "state": found[3].casefold()} for found in output.all(_EM)],
        "fabric_links": [
            {"name": f"{found[1]} {found[2]}", "fabric": found[1], "child": found[2], "state": found[3].casefold(),
             "monitored": None if found[4] is None else found[4].casefold()}
            for found in output.all(_FAB)
        ],
        "reth": [
            {"name": found[1], "state": found[2].casefold(), "group": found[3].casefold()}
            for found in output.all(_RETH)
        ],
        "monitored": [
            {"name": found[1], "weight": int(found[2]), "state": found[3].casefold()}
            for found in output.all(_MONITORED)
        ],
    }  # fmt: skip


_MONITORING = re.compile(r"FPC +PIC +CPU +Mem +current +maximum.{0,60}")
_OF_NODE = re.compile(r"(node[01]):")
_SPU = re.compile(r"([0-9]{1,2}) +([0-9]{1,2}) +([0-9]{1,3}) +([0-9]{1,3}) +([0-9]{1,12}) +([0-9]{1,12})(?: +.{1,60})?")


def monitoring(output: Output) -> Document:
    """Every processor of the data plane: percentages, sessions and how many it can hold.

    `sessions` and `limit` are sums of one node's; of a cluster's those of the node that has more. Raises Unfit.
    """
    output.need(_MONITORING, "heading of processors")
    rows: list[Document] = []
    sums: dict[str, tuple[int, int]] = {}
    node = ""
    for line in output.lines:
        of_node, found = _OF_NODE.fullmatch(line.strip()), _SPU.fullmatch(line.strip())
        if of_node is not None:
            node = of_node[1]
        elif found is not None:
            used, most = int(found[5]), int(found[6])
            sums[node] = (sums.get(node, (0, 0))[0] + used, sums.get(node, (0, 0))[1] + most)
            rows.append(
                {"name": f"{node} {found[1]}/{found[2]}".strip(), "cpu": int(found[3]), "memory": int(found[4]),
                 "sessions": used, "limit": most or None}
            )  # fmt: skip
    if not rows:
        raise Unfit("there is no processor")
    used, most = max(sums.values())
    return {"processors": rows, "sessions": used, "limit": most or None}


_BOOTED = re.compile(r"System booted: ([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9:]{8}) (\S{1,10}) \((.{1,40}) ago\)")
_CONFIGURED = re.compile(
    r"Last configured: ([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9:]{8}) (\S{1,10}) \((.{1,40}) ago\)(?: by (\S{1,60}))?"
)
_CLOCK = re.compile(r"Time Source: +(\S.{0,40})")


def uptime(output: Output) -> Document:
    """Last start and last change, in Unix seconds of the device's clock taken as UTC. Raises Unfit."""
    booted, changed, clock = output.need(_BOOTED, "time of the start"), output.find(_CONFIGURED), output.find(_CLOCK)
    return {
        "booted_at": moment(booted[1], booted[2], booted[3], booted[4]),
        "zone": booted[5],
        "configured_at": None if changed is None else moment(changed[1], changed[2], changed[3], changed[4]),
        "configured_by": None if changed is None else changed[7],
        "time_source": None if clock is None else short(clock[1]),
    }


_ALARMS = re.compile(r"(No|[0-9]{1,4}) alarms? currently active", re.IGNORECASE)
_ALARM = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}) (?:\S{1,10}) +(Major|Minor) +(\S.{0,160})")


def alarms(output: Output) -> Document:
    """Every alarm of the chassis, of all nodes together. Raises Unfit where their number is not that of the lines."""
    counts = [0 if found[1].casefold() == "no" else int(found[1]) for found in output.all(_ALARMS)]
    if not counts:
        raise Unfit("it does not say how many alarms are active")
    rows: list[Document] = [
        {"name": short(found[3]), "class": found[2].casefold(), "since": found[1]} for found in output.all(_ALARM)
    ]
    if len(rows) != sum(counts):
        raise Unfit(f"{sum(counts)} alarms are active, {len(rows)} can be read")
    return {"alarms": rows}


_LICENCES = re.compile(r"License usage:", re.IGNORECASE)
_LICENCE = re.compile(
    r"([a-z0-9][A-Za-z0-9_.-]{1,60}) +([0-9]{1,9}) +([0-9]{1,9}) +([0-9]{1,9}) +(permanent|invalid|"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9:]{8})?(?: \S{1,10})?|[0-9]{1,6} days?)"
)


def licences(output: Output) -> Document:
    """Every feature that needs a licence: used, installed, needed and not there, and its end in words. Raises Unfit."""
    output.need(_LICENCES, "heading of licences")
    rows: list[Document] = [
        {"name": found[1], "used": whole(found[2], "licences"), "installed": whole(found[3], "licences"),
         "needed": whole(found[4], "licences"), "expires": found[5]}
        for found in output.all(_LICENCE)
    ]  # fmt: skip
    return {"licences": rows}


_MODEL = re.compile(r"Model: +(\S{1,40})")
_JUNOS = re.compile(r"Junos: +(\S{1,40})")
_OLD_JUNOS = re.compile(r"JUNOS Software Release \[(\S{1,40})\]")
_HOST = re.compile(r"Hostname: +(\S{1,64})")


def version(output: Output) -> Document:
    """Who it is; of a cluster's nodes the first. Raises Unfit."""
    junos = output.find(_JUNOS) or output.need(_OLD_JUNOS, "release of Junos")
    return {
        "host": output.need(_HOST, "host name")[1],
        "model": output.need(_MODEL, "model")[1],
        "version": junos[1],
        "versions": len({found[1] for found in output.all(_JUNOS)}) or 1,
    }
