"""FortiOS `get system ha status`: health, members, synchronisation, heartbeat and monitored links, past elections.

FortiOS CLI Reference; releases up to 6.4 say master and slave, later ones primary and secondary.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Entry, Output, Unfit, distinct, moment, number, short, whole
from checks.network.documents import Document

_ROLES = {"primary": "primary", "master": "primary", "secondary": "secondary", "slave": "secondary"}
_MEMBER = re.compile(r"(?:([^,]{1,64}?) *, *)?([A-Za-z0-9]{4,32}) *, *HA cluster index *= *([0-9]{1,3})")
_WORKING = re.compile(r"([A-Za-z0-9]{4,32}) *, *HA operating index *= *([0-9]{1,3})")
_UPDATED = re.compile(r"([A-Za-z0-9]{4,32}) ?\(updated ([0-9]{1,9}) seconds? ago\)")
_USAGE = re.compile(
    r"sessions=([0-9]{1,12}), *average-cpu-[a-z/]+=(?:[0-9]{1,3}%/){3}([0-9]{1,3})%, *memory=([0-9]{1,3})%"
)
_WARNED = re.compile(r"([A-Za-z0-9]{4,32}) has (.{1,120})")
_ELECTED = re.compile(
    r"<([0-9]{4})/([0-9]{2})/([0-9]{2}) ([0-9]{1,2}:[0-9]{2}:[0-9]{2})> ([A-Za-z0-9]{4,32}) is selected as the "
    r"(?:primary|master) because (.{1,300})"
)
_KIND = re.compile(r"[a-z][a-z-]{0,20}/[A-Za-z0-9-]{0,20}")


def ha_status(output: Output) -> Document:
    """The whole answer. Raises Unfit.

    `elections` are the device's own failover log, newest first, `at` in Unix seconds of the device's clock taken as
    UTC, its zone being unknown; null where the release lists none.
    """
    said = output.outline()
    mode = said.said("Mode")
    clustered = not mode.casefold().startswith("standalone")
    groups = whole(said.said("number of vcluster"), "the number of virtual clusters")
    members = _members(said)
    if clustered:
        _check(said, members, groups)
    names = {serial: host for serial, host, _, _ in members}
    state, usage = _states(said), _usage(said)
    listed: list[Document] = [
        {
            "host": host, "serial": serial, "role": role, "index": index, "sync": state.get(serial),
            **usage.get(serial, {"sessions": None, "cpu_idle": None, "memory": None}),
        }
        for serial, host, role, index in members
    ]  # fmt: skip
    health, warnings = _health(said.entry("HA Health Status"), names)
    return {
        "health": health,
        "warnings": warnings,
        "model": said.maybe("Model"),
        "mode": mode,
        "group": said.maybe("Group"),
        "uptime": said.maybe("Cluster Uptime"),
        "changed": said.maybe("Cluster state change time"),
        "override": said.maybe("override"),
        "session_pickup": _pickup(said),
        "elections": _elections(said),
        "members": listed,
        "heartbeat": _links(said, "HBDEV stats", names, clustered),
        "monitored": _links(said, "MONDEV stats", names, False),
    }


def _members(said: Entry) -> list[tuple[str, str, str, int]]:
    """Serial number, host name, role and index of each, as listed at the end."""
    found = []
    for entry in said.under:
        role, member = _ROLES.get(entry.key.casefold()), _MEMBER.fullmatch(entry.value)
        if role is not None and member is not None:
            found.append((member[2], short(member[1] or member[2]), role, int(member[3])))
    return found


def _check(said: Entry, members: list[tuple[str, str, str, int]], groups: int) -> None:
    """A list that was cut off, or whose words were changed, must not look like a cluster that lost a member."""
    serials = {serial for serial, _, _, _ in members}
    if not members or not distinct(serial for serial, _, _, _ in members) or groups < 1:
        raise Unfit("a cluster without a list of its members")
    working = {
        found[1]
        for entry in said.under
        if entry.key.casefold() in _ROLES and (found := _WORKING.fullmatch(entry.value)) is not None
    }
    if working != serials:
        raise Unfit("the members are not those of the virtual clusters: it was cut off, or its words are new")
    if not set(_states(said)) <= serials:
        raise Unfit("a member has a configuration status and is not listed: its words are new")


def _states(said: Entry) -> dict[str, str]:
    """What is said of each member's configuration, by its serial number."""
    found: dict[str, str] = {}
    for section in said.every("Configuration Status"):
        for entry in section.under:
            member = _UPDATED.fullmatch(entry.key)
            if member is not None and entry.value:
                found[member[1]] = short(entry.value)
    return found


def _usage(said: Entry) -> dict[str, dict[str, Document]]:
    found: dict[str, dict[str, Document]] = {}
    for section in said.every("System Usage stats"):
        for entry in section.under:
            member = _UPDATED.fullmatch(entry.key)
            used = next((got for line in entry.under if (got := _USAGE.fullmatch(line.text))), None)
            if member is not None and used is not None:
                found[member[1]] = {
                    "sessions": number(used[1], "sessions"),
                    "cpu_idle": number(used[2], "a percentage"),
                    "memory": number(used[3], "a percentage"),
                }
    return found


def _health(entry: Entry, names: dict[str, str]) -> tuple[str, list[Document]]:
    """`OK`, `WARNING` or whatever stands there, and each thing that is not well with the member it is about."""
    warnings: list[Document] = []
    for line in entry.under:
        for part in (line.value if line.key else line.text).split(";"):
            if not part.strip():
                continue
            about = _WARNED.fullmatch(part.strip())
            warnings.append(
                {"member": names.get(about[1], about[1]), "problem": short(about[2])}
                if about is not None
                else {"member": "cluster", "problem": short(part)}
            )
    if warnings and entry.value.casefold() in ("", "ok"):
        return "WARNING", warnings
    if not entry.value:
        raise Unfit("nothing is said of the cluster's health")
    if entry.value.casefold() != "ok":
        warnings.append({"member": "cluster", "problem": short(entry.value)})
    return short(entry.value), warnings


def _pickup(said: Entry) -> str | None:
    """`enable` or `disable`; its line has the delay behind it."""
    value = said.maybe("ses_pickup")
    return None if value is None else value.partition(",")[0].strip()


def _elections(said: Entry) -> list[Document] | None:
    sections = [*said.every("Primary selected using"), *said.every("Master selected using")]
    if not sections:
        return None
    found: list[Document] = []
    for line in sections[0].under:
        told = _ELECTED.fullmatch(line.text)
        if told is not None:
            at = moment(told[1], told[2], told[3], told[4])
            found.append({"at": at, "member": told[5], "reason": short(told[6].rstrip("."))})
    return found


def _links(said: Entry, heading: str, names: dict[str, str], needed: bool) -> list[Document]:
    """Every link below a heading: its member, interface and state. Raises Unfit where a member has none."""
    found: list[Document] = []
    for section in said.every(heading):
        for entry in section.under:
            member = _UPDATED.fullmatch(entry.key)
            if member is None:
                continue
            links = [(line.key, state) for line in entry.under if (state := _link(line.value))]
            if not links:
                raise Unfit(f"no link of a member can be read in {heading!r}")
            found += [
                {"member": names.get(member[1], member[1]), "interface": short(name), "link": state,
                 "name": short(f"{names.get(member[1], member[1])} {name}")}
                for name, state in links
            ]  # fmt: skip
    if needed and not found:
        raise Unfit(f"there is no {heading!r}")
    return found


def _link(value: str) -> str | None:
    """`up`, `down` or another word, of a line such as `physical/1000auto, up, rx-bytes/…`; None for other lines."""
    parts = [part.strip() for part in value.split(",")]
    if len(parts) < 2 or not _KIND.fullmatch(parts[0]):
        return None
    return next((part for part in parts if part in ("up", "down")), parts[1][:20])
