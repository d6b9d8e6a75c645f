"""What a check of a firewall remembers: the note of its values, and the members it has seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.contract import Memory
from checks.firewall.members import Membership

VERSION = 1
_MOST_MEMBERS = 16


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


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory; one of another version, or a damaged one, is empty."""
    if memory is None or memory.version != VERSION:
        return Note()
    try:
        said = json.loads(memory.text)
        values = said["values"]
        members = {str(key)[:64]: Seen(str(label)[:64]) for key, label in list(said["members"].items())[:_MOST_MEMBERS]}
        return Note(None if values is None else Memory(int(values[0]), str(values[1])), members)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return Note()


def packed(before: Note, values: Memory | None, found: Membership, wanted: int | None) -> Memory | None:
    """The new note, or None when the old one says the same.

    Who was there stays known until as many members are listed again (a replaced one has another serial number), or
    the estate says that fewer belong to the cluster.
    """
    members = dict(before.members)
    listed = {member.key[:64]: Seen(member.label) for member in found.members[:_MOST_MEMBERS]}
    if found.complete and listed and len(listed) >= min(len(before.members), wanted or _MOST_MEMBERS):
        members = listed
    if values is None and members == before.members:
        return None
    kept = values or before.values
    text = json.dumps(
        {
            "values": None if kept is None else [kept.version, kept.text],
            "members": {key: seen.label for key, seen in members.items()},
        },
        separators=(",", ":"),
    )
    return Memory(VERSION, text)
