"""What a check of a pair remembers: its members' own notes, since when things differ, who was active, the failovers."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.contract import Memory
from checks.firewall.failovers import KEY, Failover, as_json, failovers

VERSION = 1
_MOST = 200
_LONGEST = 200
_LARGEST = 60_000
"""Characters, of the 65,536 that are kept. Members remember daily peaks: a longer note has theirs packed (RFC 1950)."""
_UNPACKED = 1024 * 1024
_TRENDS = "trends"
"""What of a member's note is left out first where even that is too long."""


@dataclass(frozen=True, slots=True)
class Note:
    """The check's memory, unpacked."""

    known: bool = False
    """Whether there was one at all: without it nobody can say that something has only just changed."""
    values: Mapping[str, Memory] = field(default_factory=dict)
    """By member: the note of its own values."""
    since: Mapping[str, float] = field(default_factory=dict)
    """By condition: when it was seen first (Unix seconds); 0 for one that was there when the watching began."""
    active: str = ""
    """The member that was last known to be the only active one."""
    active_since: float = 0.0
    """Since when; 0 where that is not known."""
    told_under: Mapping[str, str] = field(default_factory=dict)
    """By a fault's key: the member under whose name it is told, while it lasts on any."""
    past: tuple[Failover, ...] = ()
    count: int = 0
    """Failovers since the note was begun, of which `past` has the latest."""


class Since:
    """Since when what is bad now is so; what is not asked for any more is forgotten."""

    def __init__(self, before: Note, at: float) -> None:
        self._before = before
        self._at = at
        self.now: dict[str, float] = {}

    def longer(self, condition: str, grace: float) -> bool:
        """Note that it is so now; whether it has been for longer than the grace, or since the watching began."""
        began = self._before.since.get(condition, self._at if self._before.known else 0.0)
        self.now[condition] = began = min(began, self._at)  # a clock that was set back makes no eternal grace
        return self._at - began >= grace

    def keep(self, condition: str) -> bool:
        """It was not looked at this time: what was known of it stays. Whether anything was."""
        known = condition in self._before.since
        if known:
            self.now[condition] = self._before.since[condition]
        return known


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory; one of another version, or a damaged one, is empty but for its failovers."""
    past = failovers(memory)
    if memory is None or memory.version != VERSION:
        return Note(past=past)
    try:
        said = json.loads(memory.text)
        return Note(
            known=True,
            values={str(name): Memory(int(one[0]), _text(one[1])) for name, one in _opened(said["values"]).items()},
            since={str(name): float(at) for name, at in said["since"].items()},
            active=str(said["active"]),
            active_since=float(said["active_since"]),
            told_under={str(key): str(name) for key, name in said["told_under"].items()},
            past=past,
            count=max(int(said["count"]), len(past)),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error):
        return Note(past=past, count=len(past))


def packed(before: Note, after: Note) -> Memory | None:
    """The new note, or None when the old one says the same."""
    if before == after:
        return None
    rest = {
        "since": dict(list(after.since.items())[:_MOST]),
        "active": after.active[:_LONGEST],
        "active_since": after.active_since,
        "told_under": dict(list(after.told_under.items())[:_MOST]),
        KEY: as_json(after.past),
        "count": after.count,
    }
    values: dict[str, Any] = {name: [one.version, json.loads(one.text)] for name, one in after.values.items()}
    return Memory(VERSION, _fitting(values, rest))


def _fitting(values: dict[str, Any], rest: Mapping[str, object]) -> str:
    """The text of a note that is not too long: as it is, packed, or without the longest members' daily peaks."""
    text = _text({"values": values, **rest})
    if len(text) <= _LARGEST:
        return text
    text = _text({"values": _packed(values), **rest})
    for name in sorted(values, key=lambda name: -len(_text(values[name]))):
        if len(text) <= _LARGEST:
            break
        values[name][1].pop(_TRENDS, None)
        text = _text({"values": _packed(values), **rest})
    return text


def _packed(values: object) -> str:
    return base64.b85encode(zlib.compress(_text(values).encode(), 1)).decode("ascii")


def _opened(values: Any) -> Any:
    """The members' notes, packed or not. Raises ValueError or zlib.error for what is damaged, or far too long."""
    if not isinstance(values, str):
        return values
    opener = zlib.decompressobj()
    text = opener.decompress(base64.b85decode(values), _UNPACKED)
    if opener.unconsumed_tail:
        raise ValueError("more than a note can hold")
    return json.loads(text)


def _text(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
