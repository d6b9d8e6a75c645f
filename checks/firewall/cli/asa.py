"""Cisco ASA and FTD: version, processor, memory, connections, resources, remote access, licences.

Cisco ASA Series Command Reference; recordings of version, resources, remote access, licences, detailed processors.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, moment, number, short, whole
from checks.network.documents import Document

_ASA = re.compile(r"Cisco Adaptive Security Appliance Software Version (\S{1,40})(?: .{0,60})?")
_FTD = re.compile(r"Model +: (.{1,80}?) Version (\S{1,40} \(Build [0-9]{1,8}\))")
_UP = re.compile(r"(\S{1,64}) up ((?:[0-9]{1,5} (?:years?|days?|hours?|mins?|secs?) ?){1,5})")
_HARDWARE = re.compile(r"Hardware: +([^,]{1,60}),.{0,200}")
_MODEL = re.compile(r"Model Id: +(\S{1,60})")
_SERIAL = re.compile(r"Serial Number: +(\S{1,40})")
_CHANGED = re.compile(r"Configuration last modified by (.{1,120})")


def version(output: Output) -> Document:
    """Who it is. Raises Unfit."""
    asa, ftd = output.find(_ASA), output.find(_FTD)
    if asa is None and ftd is None:
        raise Unfit("there is no version of ASA or FTD")
    up = [found for found in output.all(_UP) if not found[0].startswith("failover cluster")]
    if asa is not None and not up:
        raise Unfit("there is no line that says how long it is up")
    hardware, model, serial = output.find(_HARDWARE), output.find(_MODEL), output.find(_SERIAL)
    named = model[1] if model else hardware[1] if hardware else ftd[1] if ftd else None
    changed = output.find(_CHANGED)
    return {
        "version": asa[1] if asa else ftd[2] if ftd else None,
        "model": named,
        "serial": None if serial is None else serial[1],
        "host": up[0][1] if up else None,
        "uptime": up[0][2].strip() if up else None,
        "changed": None if changed is None else short(changed[1]),
    }


_CPU = re.compile(
    r"(?:CPU utilization for )?5 seconds = ([0-9]{1,3}(?:\.[0-9])?)%; 1 minute: ([0-9]{1,3}(?:\.[0-9])?)%; "
    r"5 minutes: ([0-9]{1,3}(?:\.[0-9])?)%"
)
_CORE = re.compile(
    r"(Core [0-9]{1,3}) +([0-9.]{1,6}) \([^)]{1,30}\) +([0-9.]{1,6}) \([^)]{1,30}\) +([0-9.]{1,6}) \([^)]{1,30}\)"
)


def cpu(output: Output) -> Document:
    """Percentages over five seconds, a minute, five minutes; in the detailed form the last line is the total."""
    every = list(output.all(_CPU))
    total = next((line for line in output.lines if line.startswith("Total CPU")), None)
    if not every or (len(every) > 1 and total is None):
        raise Unfit("there is no processor time of the whole device")
    last = every[-1]
    cores: list[Document] = [
        {"core": found[1], "five_seconds": number(found[2], "a percentage"),
         "one_minute": number(found[3], "a percentage"), "five_minutes": number(found[4], "a percentage")}
        for found in output.all(_CORE)
    ]  # fmt: skip
    return {
        "five_seconds": number(last[1], "a percentage"),
        "one_minute": number(last[2], "a percentage"),
        "five_minutes": number(last[3], "a percentage"),
        "cores": cores,
    }


_FREE = re.compile(r"Free memory: +([0-9]{1,18}) bytes.{0,40}")
_USED = re.compile(r"Used memory: +([0-9]{1,18}) bytes.{0,40}")


def memory(output: Output) -> Document:
    """Octets. Raises Unfit."""
    return {
        "free": whole(output.need(_FREE, "free memory")[1], "octets"),
        "used": whole(output.need(_USED, "memory in use")[1], "octets"),
    }


_CONNECTIONS = re.compile(r"([0-9]{1,12}) in use, ([0-9]{1,12}) most used")
_INSPECTED = re.compile(
    r"(?:Inspect|Cluster|preserve-connection|fwd connections|dir connections|centralized)\b.{0,200}"
)


def connections(output: Output) -> Document:
    """Connections now, and the most there were. Raises Unfit."""
    output.nothing_but(_CONNECTIONS, _INSPECTED)  # a list of translations begins with the same line
    found = output.need(_CONNECTIONS, "number of connections")
    return {"now": whole(found[1], "connections"), "most": whole(found[2], "connections")}


_RESOURCES = re.compile(r"Resource +Current +Peak +Limit +Denied(?: +Context)?")
_RESOURCE = re.compile(
    r"(\S.{0,40}?) +([0-9]{1,12}) +([0-9]{1,12}) +([0-9]{1,12}|unlimited|N/A)(?:\([A-Z]\))? +([0-9]{1,12})"
    r"(?: +(\S{1,60}))?"
)


def resources(output: Output) -> Document:
    """Every resource of every context; `limit` is null where there is none. Raises Unfit."""
    output.need(_RESOURCES, "heading of resources")
    rows: list[Document] = []
    for found in output.all(_RESOURCE):
        context = found[6] or "System"
        rows.append(
            {"name": f"{context} {found[1]}", "resource": found[1], "context": context, "current": int(found[2]),
             "peak": int(found[3]), "limit": int(found[4]) if found[4].isdigit() else None, "denied": int(found[5])}
        )  # fmt: skip
    if not rows:
        raise Unfit("there is no resource")
    return {"resources": rows}


_SESSIONS = re.compile(
    r"([A-Z][A-Za-z0-9/. -]{1,40}?) *: +([0-9]{1,9}) : +([0-9]{1,12}) : +([0-9]{1,9})(?: : +([0-9]{1,9}))?"
)
_TOTAL = re.compile(r"Total Active and Inactive *: +([0-9]{1,9})\b.{0,80}")
_CAPACITY = re.compile(r"Device Total VPN Capacity *: +([0-9]{1,9})")
_LOAD = re.compile(r"Device Load *: +([0-9]{1,3})%")
_NONE = re.compile(r"INFO: There are presently no active sessions.{0,80}", re.IGNORECASE)


def vpn_sessions(output: Output) -> Document:
    """Users of remote access; `users` is their sum. Raises Unfit."""
    if output.find(_NONE) is not None:
        return {"users": 0, "capacity": None, "load": None, "kinds": []}
    end = next((number for number, line in enumerate(output.lines) if line.strip() == "Tunnels Summary"), None)
    kinds: list[Document] = []
    for line in output.lines[:end]:
        found = _SESSIONS.fullmatch(line.strip())
        if found is not None and not line.startswith(" "):  # indented lines are parts of the one above
            kinds.append(
                {"name": found[1], "active": int(found[2]), "cumulative": int(found[3]), "peak": int(found[4])}
            )
    capacity, load = output.find(_CAPACITY), output.find(_LOAD)
    return {
        "users": whole(output.need(_TOTAL, "number of sessions")[1], "sessions"),
        "capacity": None if capacity is None else int(capacity[1]),
        "load": None if load is None else int(load[1]),
        "kinds": kinds,
    }


_ENDS = re.compile(r"([A-Z][a-z]{2}) ([0-9]{1,2}) (?:([0-9:]{8}) ([0-9]{4})|([0-9]{4}) ([0-9:]{8}))(?: [A-Z]{1,5})?")


def licences(output: Output) -> Document:
    """Smart Licensing: what the device says of its registration and its authorisation.

    `ends` is when the registration ends, in Unix seconds of the device's clock taken as UTC. Raises Unfit.
    """
    said = output.outline()
    status = next((line.strip() for line in output.lines if line.strip().startswith("Smart Licensing is ")), None)
    if status is None:
        raise Unfit("it does not say whether Smart Licensing is enabled")
    if not status.endswith("ENABLED"):
        return {"smart": status.rpartition(" ")[2], "registration": None, "authorization": None, "ends": None}
    registration, authorization = said.entry("Registration"), said.entry("License Authorization")
    return {
        "smart": "ENABLED",
        "registration": registration.said("Status").partition(" - ")[0],
        "authorization": authorization.said("Status").partition(" on ")[0],
        "ends": _end(registration.maybe("Registration Expires")),
        "deadline": authorization.maybe("Communication Deadline"),
        "last_contact": (authorization.maybe("Last Communication Attempt") or "").partition(" on ")[0] or None,
        "evaluation_left": authorization.maybe("Evaluation Period Remaining"),
    }


def _end(said: str | None) -> int | None:
    if said is None:
        return None
    found = _ENDS.fullmatch(said)
    if found is None:
        raise Unfit(f"{said[:40]!r} where a date belongs")
    return moment(found[4] or found[5], found[1], found[2], found[3] or found[6])
