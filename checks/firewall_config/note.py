"""What a check of a configuration remembers: the approved state, what differs from it since when, and the last changes.

Digests and names of parts only, in at most 64 KiB: at most 150 parts (`checks.firewall_config.normal.MOST_PARTS`) as
they were approved, the same number of others that may have come instead, and the last twelve changes with eight of
their parts. Moments are kept in whole seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from checks.contract import Memory
from checks.printable import printable

VERSION = 1
MOST_CHANGES = 12
MOST_NAMED = 8
_LONGEST_WORD = 100


class How(StrEnum):
    """What became of a change."""

    SEEN = "seen"
    """Nobody has announced it so far."""
    WINDOW = "window"
    """It fell into announced work."""
    APPROVED = "approved"
    """A person approved the state, with the reference of its change."""
    REVERTED = "reverted"
    """All is again as it was approved."""
    METHOD = "method"
    """The configuration is read in another way than before."""


@dataclass(frozen=True, slots=True)
class Held:
    """A part as it was approved."""

    digest: str
    lines: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A part that is not as it was approved."""

    digest: str
    """Empty: the part is gone."""
    lines: int
    after: float
    """The last reading before it: it was changed later than this."""
    since: float
    """The first reading that shows a change that nobody announced."""
    last: float
    """The last reading that shows a further one."""


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the log."""

    at: float
    how: How
    parts: tuple[str, ...]
    """At most eight of them."""
    count: int
    why: str = ""
    """The window, or the reference of the change."""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """The check's memory, unpacked."""

    method: str
    approved_at: float
    parts: Mapping[str, Held]
    """The approved state, in the order of the last reading."""
    read_at: float
    """The last reading that was whole."""
    tail: str
    """How that one ended: the digest of its last statement."""
    approved_by: str = ""
    """Who approved it; nobody, when it is what was found first."""
    approved_why: str = ""
    pending: Mapping[str, Pending] = field(default_factory=dict)
    changed_at: float | None = None
    """The reading that first showed the last change."""
    doubt: str = ""
    """Digest of a reading that looked cut, and is believed when it comes again."""
    log: tuple[Change, ...] = ()

    @property
    def present(self) -> dict[str, Held]:
        """The state as it was last read."""
        now: dict[str, Held] = {}
        for name in (*self.parts, *(new for new in self.pending if new not in self.parts)):
            one = self.pending.get(name)
            if one is None:
                now[name] = self.parts[name]
            elif one.digest:
                now[name] = Held(one.digest, one.lines)
        return now

    @property
    def state(self) -> str:
        """A name for the state as it was last read: what somebody saw who approves it."""
        said = "\n".join(f"{name} {held.digest}" for name, held in sorted(self.present.items()))
        return sha256(said.encode()).hexdigest()[:12]


def change(at: float, how: How, parts: list[str], why: str = "", by: str = "") -> Change:
    """A line for the log, of bounded length."""
    return Change(at, how, tuple(parts[:MOST_NAMED]), len(parts), word(why), word(by))


def word(text: str) -> str:
    """What a person wrote, bounded, on one line and in ASCII: so that it takes no more room than it has letters."""
    return printable(text).encode("ascii", "replace").decode()[:_LONGEST_WORD]


def packed(note: Note) -> Memory:
    """The note as it is kept."""
    kept: dict[str, Any] = {
        "method": note.method,
        "approved": [int(note.approved_at), note.approved_by, note.approved_why],
        "read": int(note.read_at),
        "changed": None if note.changed_at is None else int(note.changed_at),
        "tail": note.tail,
        "doubt": note.doubt,
        "parts": {name: [held.digest, held.lines] for name, held in note.parts.items()},
        "pending": {
            name: [one.digest, one.lines, int(one.after), int(one.since), int(one.last)]
            for name, one in note.pending.items()
        },
        "log": [[int(one.at), one.how.value, one.parts, one.count, one.why, one.by] for one in note.log],
    }
    return Memory(VERSION, json.dumps(kept, separators=(",", ":")))


def unpacked(memory: Memory | None) -> Note | None:
    """The note in a memory; one of another version, or a damaged one, is none."""
    if memory is None or memory.version != VERSION:
        return None
    try:
        kept = json.loads(memory.text)
        at, by, why = kept["approved"]
        return Note(
            method=str(kept["method"]),
            approved_at=float(at),
            approved_by=str(by),
            approved_why=str(why),
            read_at=float(kept["read"]),
            changed_at=None if kept["changed"] is None else float(kept["changed"]),
            tail=str(kept["tail"]),
            doubt=str(kept["doubt"]),
            parts={str(name): Held(str(one[0]), int(one[1])) for name, one in kept["parts"].items()},
            pending={
                str(name): Pending(str(one[0]), int(one[1]), float(one[2]), float(one[3]), float(one[4]))
                for name, one in kept["pending"].items()
            },
            log=tuple(
                Change(float(one[0]), How(one[1]), tuple(map(str, one[2])), int(one[3]), str(one[4]), str(one[5]))
                for one in kept["log"]
            ),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None
