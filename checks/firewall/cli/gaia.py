"""Check Point Gaia: cluster state, critical devices, cluster interfaces, policy, hardware, connections, licences.

Check Point CLI Reference Guide and ClusterXL Administration Guide, R77 to R81; recordings of policy, hardware, version.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, moment, number, short, whole
from checks.network.documents import Document

_OFF = re.compile(r"HA module (?:is )?not started\.?|Cluster is not (?:enabled|configured)\.?", re.IGNORECASE)
_MODE = re.compile(r"Cluster Mode: +(\S.{0,80})")
_MEMBER = re.compile(
    r"([0-9]{1,2})( \(local\))? +([0-9A-Fa-f.:]{3,45}) +([0-9]{1,3})% +([A-Za-z][A-Za-z ]{1,30}?(?:\(!\))?)"
    r"(?: {2,}(\S.{0,60}))?"
)
_LIKE_MEMBER = re.compile(r"[0-9]{1,2}(?: \(local\))? +[0-9A-Fa-f.:]{3,45} .{0,200}")
_END = re.compile(r"(?:Active PNOTEs:|Local member is in current state since) .{1,120}")
_PNOTES = re.compile(r"Active PNOTEs: +(\S.{0,120})")
_CHANGE = re.compile(r"State change: +(\S.{0,80})")
_REASON = re.compile(r"Reason for state change: +(\S.{0,160})")
_WHEN = re.compile(r"Event time: +[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9:]{8}) ([0-9]{4})")
_COUNT = re.compile(r"Failover counter: +([0-9]{1,9})")


def cluster_state(output: Output) -> Document:
    """Every member with its state, and the last change. `clustered` is false where the module is not started.

    `changed_at` is in Unix seconds of the device's clock taken as UTC. Raises Unfit.
    """
    if output.find(_OFF) is not None:
        return {"clustered": False, "mode": None, "members": [], "own": None}
    mode = output.need(_MODE, "mode of the cluster")[1]
    rows: list[dict[str, Document]] = [
        {
            "id": found[1], "local": found[2] is not None, "address": found[3], "load": int(found[4]),
            "state": found[5].strip().casefold(), "name": short(found[6] or found[3]),
        }
        for found in output.all(_MEMBER)
    ]  # fmt: skip
    if len(rows) != sum(1 for _ in output.all(_LIKE_MEMBER)):
        raise Unfit("a member whose state cannot be read")
    output.need(_END, "line below the members: it was cut off")
    own = next((row for row in rows if row["local"]), None)
    if own is None:
        raise Unfit("no member is said to be the one that answers")
    when, pnotes, count = output.find(_WHEN), output.find(_PNOTES), output.find(_COUNT)
    members: list[Document] = [dict(row) for row in rows]
    return {
        "clustered": True,
        "mode": short(mode),
        "members": members,
        "own": own["address"],
        "state": own["state"],
        "pnotes": None if pnotes is None else pnotes[1],
        "change": _text(output.find(_CHANGE)),
        "reason": _text(output.find(_REASON)),
        "changed_at": None if when is None else moment(when[4], when[1], when[2], when[3]),
        "failovers": None if count is None else whole(count[1], "failovers"),
    }


def _text(found: re.Match[str] | None) -> str | None:
    return None if found is None else short(found[1])


_NO_PROBLEM = re.compile(r"There are no pnotes in problem state\.?", re.IGNORECASE)


def critical_devices(output: Output) -> Document:
    """What a member watches of itself, each with its state. Raises Unfit."""
    rows: list[dict[str, Document]] = []
    for line in output.lines:
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "Device Name" and value:
            rows.append({"name": short(value), "state": None})
        elif key == "Current state" and rows:
            rows[-1]["state"] = value.casefold()
    if any(not row["state"] for row in rows):
        raise Unfit("a critical device has no state")
    if not rows and output.find(_NO_PROBLEM) is None and output.find(_OFF) is None:
        raise Unfit("there is no critical device, and it does not say that all are well")
    listed: list[Document] = [dict(row) for row in rows]
    return {"devices": listed}


_REQUIRED = re.compile(r"Required interfaces: +([0-9]{1,4})")
_SECURED = re.compile(r"Required secured interfaces: +([0-9]{1,4})")
_PORT = re.compile(
    r"([A-Za-z][A-Za-z0-9_.:-]{0,30})(?: \(([A-Z, -]{1,20})\))? +(UP|DOWN|DISCONNECTED|Inbound|Outbound)\b.{0,120}",
    re.IGNORECASE,
)


def cluster_interfaces(output: Output) -> Document:
    """How many interfaces must be up, and which are. Raises Unfit."""
    if output.find(_OFF) is not None:
        return {"required": None, "required_secured": None, "up": None, "interfaces": []}
    rows: list[Document] = [{"name": found[1], "state": found[3].casefold()} for found in output.all(_PORT)]
    return {
        "required": whole(output.need(_REQUIRED, "number of required interfaces")[1], "interfaces"),
        "required_secured": whole(output.need(_SECURED, "number of secured interfaces")[1], "interfaces"),
        "up": sum(1 for found in output.all(_PORT) if found[3].casefold() == "up"),
        "interfaces": rows,
    }


_POLICY = re.compile(
    r"localhost +(\S{1,80}) +(?:([0-9]{1,2})([A-Z][a-z]{2})([0-9]{4}) +([0-9]{1,2}:[0-9]{2}:[0-9]{2})|-)(?: .{0,400})?"
)


def policy(output: Output) -> Document:
    """The policy that is installed, `-` for none, under the index that SNMP gives it. Raises Unfit."""
    found = output.need(_POLICY, "line of the local host")
    at = None if found[2] is None else moment(found[4], found[3], found[2], found[5])
    day = None if found[2] is None else short(f"{found[2]}{found[3]}{found[4]} {found[5]}")
    return {"policies": {"0": {"name": found[1]}}, "installed": at, "installed_text": day}


def asset(output: Output) -> Document:
    """The hardware, and its power supplies. Raises Unfit."""
    said = output.outline()
    supplies: list[Document] = []
    for entry in said.under:
        found = re.fullmatch(r"Power supply ([0-9]{1,2}) status", entry.key)
        if found is not None:
            supplies.append({"name": f"Power supply {found[1]}", "state": entry.value.casefold() or None})
    return {
        "platform": said.said("Platform"),
        "model": said.said("Model"),
        "serial": said.maybe("Serial Number"),
        "supplies": supplies,
    }


_VERSION = re.compile(r"Product version (Check Point .{1,60})")


def version(output: Output) -> Document:
    """The release. Raises Unfit."""
    return {"version": short(output.need(_VERSION, "version of Check Point Gaia")[1])}


_MEMORY = re.compile(r"Memory used: +([0-9]{1,3})% \(.{1,60}\).{0,60}")
_UNLIMITED = re.compile(r"Concurrent Connections: +([0-9]{1,12}) \(Unlimited\)")
_LIMITED = re.compile(r"Concurrent Connections: +[0-9]{1,3}% \(([0-9]{1,12}) out of ([0-9]{1,12})\).{0,60}")
_SYNC = re.compile(r"Status: +(\S.{0,80})")


def capacity(output: Output) -> Document:
    """Connections with their limit (null for none), the kernel's memory, the state of synchronisation. Raises Unfit."""
    free, limited, memory = output.find(_UNLIMITED), output.find(_LIMITED), output.find(_MEMORY)
    if free is None and limited is None:
        raise Unfit("there is no number of connections")
    sync = output.find(_SYNC)
    return {
        "connections": int(free[1] if free is not None else limited[1] if limited is not None else "0"),
        "limit": None if limited is None else int(limited[2]) or None,
        "memory_used": None if memory is None else number(memory[1], "a percentage"),
        "sync": None if sync is None else short(sync[1]),
    }


_LICENCES = re.compile(r"Host +Expiration +(?:Signature +)?Features")
_LICENCE = re.compile(r"([0-9A-Za-z.:-]{1,60}) +(never|[0-9]{1,2}[A-Z][a-z]{2}[0-9]{4}) +(\S.{0,300})")
_DAY = re.compile(r"([0-9]{1,2})([A-Z][a-z]{2})([0-9]{4})")


def licences(output: Output) -> Document:
    """Every licence: `expires` in Unix seconds, 0 for never. Raises Unfit."""
    output.need(_LICENCES, "heading of licences")
    rows: list[Document] = []
    for found in output.all(_LICENCE):
        day = _DAY.fullmatch(found[2])
        at = 0 if day is None else moment(day[3], day[2], day[1], "00:00:00")
        if at is None:
            raise Unfit(f"{found[2]!r} where a date belongs")
        rows.append({"name": short(found[3].split()[0]), "host": found[1], "expires": at})
    return {"licences": rows}
