"""PAN-OS `show high-availability all`: both members as the answering one sees them, links, versions, monitoring.

PAN-OS CLI reference; a recording of 6.1, whose outline later releases keep.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Entry, Output, Unfit, short
from checks.network.documents import Document

_OFF = re.compile(r"HA (?:is )?not (?:enabled|configured)\.?", re.IGNORECASE)
_STATE = re.compile(r"([A-Za-z-]{2,30})(?: \(last (.{1,60})\))?(?: .{0,80})?")
_LINK = re.compile(r"Interface ([^:]{1,60})")
_NOTHING: dict[str, Document] = {"state": None, "since": None}


def ha_all(output: Output) -> Document:
    """The whole answer; `mode` is `disabled` where there is no cluster. Raises Unfit."""
    if output.find(_OFF) is not None:
        return {
            "mode": "disabled",
            "local": {**_NOTHING, "state": "disabled"},
            "peer": {**_NOTHING, "state": "unknown"},
        }
    root = output.outline()
    group = next((entry for entry in root.under if entry.key.startswith("Group")), None)
    if group is None:
        raise Unfit("there is no group of a cluster, and it does not say that there is none")
    local, peer = group.entry("Local Information"), group.entry("Peer Information")
    connection = peer.said("Connection status").casefold()
    sync = group.entry("Configuration Synchronization")
    return {
        "mode": group.said("Mode").casefold(),
        "local": _member(local) | {"reason": _reason(local), "links": _own_links(local)},
        "peer": _peer(peer, connection) | {"reason": _reason(peer), "connection": connection},
        "compatibility": _compatibility(local, connection == "up"),
        "state_sync": (local.maybe("State Synchronization") or "").partition(";")[0].strip().casefold() or None,
        "config_sync_enabled": sync.maybe("Enabled"),
        "config_sync": sync.said("Running Configuration").casefold(),
        "monitored": _monitored(group),
        "link_monitoring": _enabled(group, "Link Monitoring Information"),
        "path_monitoring": _enabled(group, "Path Monitoring Information"),
    }  # fmt: skip


def _member(said: Entry) -> dict[str, Document]:
    state = _STATE.fullmatch(said.said("State"))
    if state is None:
        raise Unfit(f"a state that is none: {said.said('State')[:60]!r}")
    election = next(iter(said.every("Election Option Information")), Entry(""))
    version = next(iter(said.every("Version Information")), Entry(""))
    device = next(iter(said.every("Device Information")), Entry(""))
    return {
        "state": state[1].casefold(),
        "since": None if state[2] is None else short(state[2]),
        "model": device.maybe("Model"),
        "version": version.maybe("Build Release"),
        "priority": election.maybe("Priority"),
        "preemptive": election.maybe("Preemptive"),
    }


def _peer(said: Entry, connection: str) -> dict[str, Document]:
    """The other member; one that cannot be reached may have no state, which is then unknown."""
    if connection != "up" and said.maybe("State") is None:
        return {**_NOTHING, "state": "unknown"}
    return _member(said)


def _reason(said: Entry) -> str | None:
    """Why it is, or last was, not as it should be, in the device's own words."""
    for entry in said.under:
        if "reason" in entry.key.casefold() and entry.value:
            return short(f"{entry.key}: {entry.value}")
    return None


def _own_links(local: Entry) -> list[Document]:
    """HA1, HA2 and their backups with the state of each, as far as they are configured."""
    found: list[Document] = []
    for entry in local.under:
        state = entry.maybe("Link State")
        if state is not None:
            found.append({"name": short(entry.key.removesuffix(" Information")), "state": _word(state)})
    return found


def _compatibility(local: Entry, needed: bool) -> list[Document]:
    """What is compared between the members, and whether it matches."""
    found: list[Document] = []
    for section in local.every("Version Compatibility"):
        for entry in section.under:
            part = short(entry.key.removesuffix(" Compatibility"))
            found.append({"part": part, "match": entry.value.casefold() or None})
    if needed and not found:
        raise Unfit("nothing is said of the versions of the members")
    return found


def _monitored(group: Entry) -> list[Document]:
    """Every interface of every group of monitored links."""
    found: list[Document] = []
    for section in group.every("Link Monitoring Information"):
        for inner in section.under:
            for entry in inner.under:
                link = _LINK.fullmatch(entry.key)
                if link is not None:
                    found.append({"group": short(inner.key), "interface": short(link[1]), "state": _word(entry.value)})
    return found


def _enabled(group: Entry, heading: str) -> str | None:
    for section in group.every(heading):
        return section.maybe("Enabled")
    return None


def _word(text: str) -> str | None:
    """`Up` of `Up; Setting: 1Gb/s-full`."""
    return text.partition(";")[0].strip().casefold() or None
