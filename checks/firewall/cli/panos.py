"""PAN-OS: system, sessions, licences, jobs, path monitoring, environment.

PAN-OS CLI reference; recordings of 7.0 for system, licences, jobs and paths, the reference alone for the others.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, number, short, whole
from checks.network.documents import Document


def system_info(output: Output) -> Document:
    """Who it is, and how old its signatures are. Raises Unfit."""
    said = output.outline()
    serial = said.said("serial")
    return {
        "host": said.said("hostname"),
        "model": said.said("model"),
        "serial": None if serial == "unknown" else serial,
        "version": said.said("sw-version"),
        "uptime": said.said("uptime"),
        "time": said.maybe("time"),
        "family": said.maybe("family"),
        "operational_mode": said.maybe("operational-mode"),
        "multi_vsys": said.maybe("multi-vsys"),
        "app_date": _known(said.maybe("app-release-date")),
        "antivirus_date": _known(said.maybe("av-release-date")),
        "threat_date": _known(said.maybe("threat-release-date")),
        "wildfire_date": _known(said.maybe("wildfire-release-date")),
    }


def _known(said: str | None) -> str | None:
    return None if said in (None, "unknown", "n/a") else said


_SUPPORTED = re.compile(r"Number of sessions supported: +([0-9]{1,12})")
_ALLOCATED = re.compile(r"Number of (?:allocated|active) sessions: +([0-9]{1,12})")
_RATE = re.compile(r"New connection establish rate: +([0-9]{1,12}) cps")


def session_info(output: Output) -> Document:
    """Sessions, how many there may be (null for 0, which is none), and new ones a second. Raises Unfit."""
    rate = output.find(_RATE)
    return {
        "sessions": whole(output.need(_ALLOCATED, "number of sessions")[1], "sessions"),
        "limit": whole(output.need(_SUPPORTED, "number of sessions that it supports")[1], "sessions") or None,
        "rate": None if rate is None else whole(rate[1], "a rate"),
    }


def licences(output: Output) -> Document:
    """Every licence: `expires` is a date in words, or `Never`. Raises Unfit."""
    rows: list[dict[str, Document]] = []
    for line in output.lines:
        key, _, value = line.strip().partition(":")
        if line.strip() == "License entry:":
            rows.append({})
        elif rows and key in _LICENCE:
            rows[-1][_LICENCE[key]] = short(value) or None
    for row in rows:
        if not row.get("feature") or not row.get("expires") or row.get("expired") not in ("yes", "no"):
            raise Unfit("a licence lacks its feature, its end, or whether it has ended")
    if not rows:
        output.need(_TODAY, "licence")
    listed: list[Document] = [dict(row) for row in rows]
    return {"licences": listed}


_TODAY = re.compile(r"Current \S{1,10} Date: .{6,40}")
_LICENCE = {
    "Feature": "feature", "Description": "description", "Serial": "serial", "Issued": "issued", "Expires": "expires",
    "Expired?": "expired", "Base license": "base",
}  # fmt: skip

_JOB = re.compile(
    r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8})(?: +(?:[0-9]{4}/[0-9]{2}/[0-9]{2} )?[0-9:]{8})? +([0-9]{1,12}) +"
    r"(?:([0-9]{1,6}) +)?([A-Za-z][A-Za-z0-9_-]{0,40}) +(?:(?:Yes|No) +)?([A-Z]{3,6}) +([A-Z]{2,6}) *(.{0,60})"
)
_JOBS = re.compile(r"Enqueued\b.{0,200}")


def jobs(output: Output) -> Document:
    """The device's jobs, newest first, and the failed ones among the last of each kind. Raises Unfit."""
    output.need(_JOBS, "heading of jobs")
    rows: list[Document] = []
    failed: list[Document] = []
    seen: set[str] = set()
    for found in output.all(_JOB):
        row: dict[str, Document] = {
            "enqueued": found[1], "id": found[2], "type": found[4], "status": found[5], "result": found[6],
        }  # fmt: skip
        rows.append(row)
        if found[4] not in seen and found[6] == "FAIL":
            failed.append(row)
        if found[5] == "FIN":
            seen.add(found[4])
    if not rows and len(output.lines) > 2:
        raise Unfit("no line is that of a job")
    return {"jobs": rows, "failed": failed, "failed_kinds": len(failed)}


_PATHS = re.compile(r"total paths monitored : +([0-9]{1,6})")
_PATH = re.compile(
    r"([^/]{1,60})/([^/]{1,60})/([A-Za-z-]{1,40}) +([0-9A-Fa-f.:]{2,45}) +([0-9]{1,6})/([0-9]{1,6}) +([0-9./]{1,40}) +"
    r"([0-9]{1,6})/([0-9]{1,9})"
)


def path_monitoring(output: Output) -> Document:
    """Every path that is probed, and which answer. Raises Unfit."""
    total = whole(output.need(_PATHS, "number of monitored paths")[1], "paths")
    rows: list[Document] = []
    for found in output.all(_PATH):
        good, sent = int(found[5]), int(found[6])
        times = found[7].split("/")
        rows.append(
            {
                "name": f"{found[2]} {found[4]}", "group": found[1], "router": found[2], "type": found[3],
                "destination": found[4], "answered": good, "sent": sent, "state": "up" if good else "down",
                "loss": None if sent == 0 else 1 - min(good, sent) / sent,
                "latency": number(times[-1], "a time in milliseconds"),
            }
        )  # fmt: skip
    if len(rows) != total:
        raise Unfit(f"{total} paths are monitored, {len(rows)} can be read")
    return {"paths": rows}


_HEADING = re.compile(r"-{2,6} ?([A-Za-z][A-Za-z ]{1,40}?) ?-{2,6}")
_PART = re.compile(
    r"(S?[0-9]{1,3}) (\S.{0,60}?) (True|False)(?: (True|False|-?[0-9]{1,7}(?:\.[0-9]{1,4})?))?(?: .{0,80})?"
)


def environmentals(output: Output) -> Document:
    """Every sensor with its alarm, by kind: thermal, fans, power. Raises Unfit."""
    kinds: dict[str, list[Document]] = {"thermal": [], "fans": [], "rails": [], "supplies": []}
    current: list[Document] | None = None
    seen = False
    for line in output.lines:
        heading, part = _HEADING.fullmatch(line.strip()), _PART.fullmatch(" ".join(line.split()))
        if heading is not None:
            current, seen = kinds.get(_KINDS.get(heading[1].casefold(), "")), True
        elif part is not None and current is not None:
            value = part[4] if part[4] is not None and part[4] not in ("True", "False") else None
            row: dict[str, Document] = {"name": short(f"{part[1]} {part[2]}"), "alarm": part[3] == "True"}
            row["value"] = None if value is None else float(value)
            row["inserted"] = part[4] == "True" if part[4] in ("True", "False") else None
            current.append(row)
    if not seen:
        raise Unfit("there is no heading of sensors")
    return dict(kinds)


_KINDS = {
    "thermal": "thermal", "fans": "fans", "fan": "fans", "power": "rails", "power rails": "rails",
    "power supplies": "supplies", "power supply": "supplies",
}  # fmt: skip
