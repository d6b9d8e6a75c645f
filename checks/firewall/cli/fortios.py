"""FortiOS: `get system status`, `get system performance status`, conserve mode, tunnels, checksums of the cluster.

FortiOS CLI Reference; recordings of 6.0 and 7.0 for the first, the reference alone for the others.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, number, short, whole
from checks.network.documents import Document

_VERSION = re.compile(r"(Forti[A-Za-z0-9-]{2,40}) (v[0-9].{1,80})")
_ROLES = {
    "master": "primary",
    "primary": "primary",
    "slave": "secondary",
    "secondary": "secondary",
    "backup": "secondary",
}


def system_status(output: Output) -> Document:
    """Who it is and what it does in its cluster. Raises Unfit."""
    said = output.outline()
    version = _VERSION.fullmatch(said.said("Version"))
    if version is None:
        raise Unfit("its version is not that of FortiOS")
    mode, _, role = said.said("Current HA mode").partition(",")
    return {
        "model": version[1],
        "version": short(version[2]),
        "serial": said.said("Serial-Number"),
        "host": said.said("Hostname"),
        "ha_mode": mode.strip().casefold(),
        "ha_role": _ROLES.get(role.strip().casefold(), short(role)) or None,
        "log_disk": said.maybe("Log hard disk"),
        "antivirus": said.maybe("Virus-DB"),
        "ips": said.maybe("IPS-DB"),
        "fips": said.maybe("FIPS-CC mode"),
        "licence": said.maybe("License Status"),
        "evaluation_ends": said.maybe("Evaluation License Expires"),
        "changed": said.maybe("Cluster state change time"),
        "system_time": said.maybe("System time"),
        "last_reboot": said.maybe("Last reboot reason"),
    }


_CPU = re.compile(
    r"CPU([0-9]{0,4}) states: ([0-9]{1,3})% user ([0-9]{1,3})% system ([0-9]{1,3})% nice ([0-9]{1,3})% idle"
    r"(?: .{0,80})?"
)
_MEMORY = re.compile(r"Memory: ([0-9]{1,15})k total, ([0-9]{1,15})k used \(([0-9]{1,3}(?:\.[0-9])?)%\)(?:, .{0,120})?")
_OLD_MEMORY = re.compile(r"Memory states: ([0-9]{1,3})% used")
_SESSIONS = re.compile(r"Average sessions: ([0-9]{1,12}) sessions in (?:last )?1 minutes?(?:, .{0,160})?")
_RATE = re.compile(r"Average session setup rate: ([0-9]{1,12}) sessions per second in last 1 minutes?(?:, .{0,160})?")
_UPTIME = re.compile(r"Uptime: ([0-9]{1,6}) days?, +([0-9]{1,2}) hours?, +([0-9]{1,2}) minutes?")


def performance(output: Output) -> Document:
    """Load. `uptime` is in seconds, of which only the minutes are told. Raises Unfit."""
    processors = list(output.all(_CPU))
    every = next((found for found in processors if not found[1]), None)
    if every is None:
        raise Unfit("there is no line of all processors together")
    memory = output.find(_MEMORY)
    days, hours, minutes = (int(part) for part in output.need(_UPTIME, "uptime").groups())
    rate = output.find(_RATE)
    cores: list[Document] = [
        {"core": f"core {found[1]}", "used": 100 - min(100, int(found[5]))} for found in processors if found[1]
    ]
    return {
        "cpu_used": 100 - min(100, int(every[5])),
        "cores": cores,
        "memory_used": number(memory[3] if memory else output.need(_OLD_MEMORY, "memory in use")[1], "a percentage"),
        "sessions": whole(output.need(_SESSIONS, "number of sessions")[1], "sessions"),
        "session_rate": None if rate is None else whole(rate[1], "a rate"),
        "uptime": days * 86_400 + hours * 3_600 + minutes * 60,
    }


_SHARE = re.compile(r"[0-9]{1,12} MB +([0-9]{1,3})% of total RAM")


def conserve(output: Output) -> Document:
    """Conserve mode, and how far it is: percentages of the memory. Raises Unfit."""
    said = output.outline()

    def share(name: str) -> int:
        found = _SHARE.fullmatch(said.said(name))
        if found is None:
            raise Unfit(f"no percentage in {name!r}")
        return int(found[1])

    return {
        "mode": said.said("memory conserve mode"),
        "used": share("memory used"),
        "red": share("memory used threshold red"),
        "green": share("memory used threshold green"),
    }


_TUNNEL = re.compile(
    r"'([^']{1,80})' ([0-9A-Fa-f.:]{2,60}) +selectors\(total,up\): *([0-9]{1,6})/([0-9]{1,6})(?: +.{0,200})?"
)


def tunnels(output: Output) -> Document:
    """Every IPsec tunnel, by the name of its phase 1. Without any the output is empty. Raises Unfit."""
    output.nothing_but(_TUNNEL)
    rows: list[Document] = []
    for found in output.all(_TUNNEL):
        total, up = int(found[3]), int(found[4])
        state = "up" if up >= total > 0 else "partly" if up else "down"
        peer = found[2].rpartition(":")[0] or found[2]
        rows.append({"name": found[1], "peer": peer, "selectors": total, "selectors_up": up, "state": state})
    return {"tunnels": rows}


_OF_MEMBER = re.compile(r"=+ ([A-Za-z0-9]{4,32}) =+")
_PART = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,39}): ((?:[0-9a-f]{2} ?){4,32})")


def checksums(output: Output) -> Document:
    """The checksum of every part of the configuration by member, and whether the members agree. Raises Unfit."""
    members: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    counts = False
    for line in output.lines:
        text = line.strip()
        member, part = _OF_MEMBER.fullmatch(text), _PART.fullmatch(text)
        if member is not None:
            current, counts = members.setdefault(member[1], {}), False
        elif text in ("debugzone", "checksum"):
            counts = text == "checksum"  # the other is of what is being changed now
        elif part is not None and counts and current is not None:
            current[part[1]] = "".join(part[2].split())
    if not members or any("all" not in parts for parts in members.values()):
        raise Unfit("a member has no checksum of everything: it was cut off, or the peer did not answer")
    names = dict.fromkeys(name for parts in members.values() for name in parts)
    agree: list[Document] = [
        {"part": name, "agrees": len({parts.get(name) for parts in members.values()}) == 1} for name in names
    ]
    listed: list[Document] = [
        {"serial": serial, "all": parts["all"], "global": parts.get("global")} for serial, parts in members.items()
    ]
    return {"members": listed, "parts": agree}
