"""What a check of a firewall remembers: the note of its values, the members it has seen, daily peaks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.contract import Memory
from checks.firewall.forecast import Trends
from checks.firewall.members import Membership
from checks.trends.history import plain, unplain

VERSION = 1
TRENDS_VERSION = 1
"""Of the peaks alone: another way of making trends need not cost the rest."""
_MOST_MEMBERS = 16
_MOST_TRENDS = 64
_LARGEST = 60_000
"""Characters, of the 65,536 that are kept: a note of more is written without its trends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A member that was listed."""

    label: str


@dataclass(frozen=True, slots=True)
class Note:
    """The check's memory, unpacked."""

    values: Memory | None = None
    """The note that the judgement of the values made."""
    members: Mapping[str, Seen] = field(default_factory=dict)
    """By key: every member of the cluster as it was last known to be whole."""
    trends: Trends = field(default_factory=Trends)
    contested: Mapping[str, str] = field(default_factory=dict)
    """By key: the way by which it is bad, while another one calls it well."""


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory; one of another version, or a damaged one, is empty."""
    if memory is None or memory.version != VERSION:
        return Note()
    try:
        said = json.loads(memory.text)
        values = said["values"]
        members = {str(key)[:64]: Seen(str(label)[:64]) for key, label in list(said["members"].items())[:_MOST_MEMBERS]}
        kept = None if values is None else Memory(int(values[0]), str(values[1]))
        contested = {str(key)[:200]: str(way)[:8] for key, way in said.get("contested", {}).items()}
        return Note(kept, members, _trends(said.get("trends")), contested)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return Note()


def _trends(said: Any) -> Trends:
    """The trends in a note; damaged ones, or those of another version, are none."""
    try:
        if said is None or said["version"] != TRENDS_VERSION:
            return Trends()
        series = {str(name)[:140]: unplain(one) for name, one in list(said["series"].items())[:_MOST_TRENDS]}
        return Trends(str(said["serial"]), float(said["uptime"]), series)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Trends()


def packed(
    before: Note,
    values: Memory | None,
    found: Membership,
    wanted: int | None,
    trends: Trends,
    contested: Mapping[str, str],
) -> Memory | None:
    """The new note, or None when the old one says the same.

    Who was there stays known until as many members are listed again (a replaced one has another serial number), or
    the estate says that fewer belong to the cluster.
    """
    members = dict(before.members)
    listed = {member.key[:64]: Seen(member.label) for member in found.members[:_MOST_MEMBERS]}
    if found.complete and listed and len(listed) >= min(len(before.members), wanted or _MOST_MEMBERS):
        members = listed
    same = members == before.members and trends is before.trends and contested == before.contested
    if values is None and same:
        return None
    kept = values or before.values
    note: dict[str, Any] = {
        "values": None if kept is None else [kept.version, kept.text],
        "members": {key: seen.label for key, seen in members.items()},
    }
    if contested:
        note["contested"] = dict(contested)
    peaks = {
        "version": TRENDS_VERSION, "serial": trends.serial, "uptime": round(trends.uptime),
        "series": {name: plain(history) for name, history in trends.series.items()},
    }  # fmt: skip
    text = _text(note | {"trends": peaks})
    return Memory(VERSION, text if len(text) <= _LARGEST else _text(note))


def _text(note: Mapping[str, Any]) -> str:
    return json.dumps(note, separators=(",", ":"))
