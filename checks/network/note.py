"""What a check of the kind `snmp` remembers from one poll to the next: start times, and counters judged by rate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.contract import Memory
from checks.network.plan import UPTIME
from checks.network.transform import Answer, Unreadable

VERSION = 1
_MOST_COUNTERS = 1_000
_BOOT_JITTER = 3.0
"""Seconds by which two readings of one start may differ: the way to the device and back, and its clock's grain."""
_WRAP_SECONDS = 2**32 / 100
"""sysUpTime begins anew after 497 days without any start."""
_WRAP_SLACK = 600.0


@dataclass(slots=True)
class Note:
    """The check's memory, unpacked. `at` and `uptime` are when it was made, by our clock and by the device's."""

    at: float = 0.0
    boots: dict[str, float] = field(default_factory=dict)
    uptime: float | None = None
    counters: dict[str, float] = field(default_factory=dict)


class Notebook:
    """The last note, and the next one in the making."""

    def __init__(self, memory: Memory | None, at: float, values: Mapping[str, Answer]) -> None:
        """`values` are the scalars of this poll; sysUpTime among them tells of a restart."""
        self._memory = memory
        self._read = unpacked(memory)
        self._old = self._read or Note()
        self._new = Note(at)
        self._restarted = False
        uptime = values.get(UPTIME)
        if isinstance(uptime, int):
            self._new.uptime = uptime / 100
            self._restarted = self._fell(self._new.uptime)

    def _fell(self, uptime: float) -> bool:
        before = self._old.uptime
        if before is None or uptime >= before:
            return False
        reached = before + (self._new.at - self._old.at)
        return abs(reached - _WRAP_SECONDS - uptime) > _WRAP_SLACK

    def same_boot(self, name: str, boot: float) -> float:
        """The start noted before, if this is the same one seen through jitter or through sysUpTime's wrap."""
        before = self._old.boots.get(name)
        if before is not None and boot >= before - _BOOT_JITTER:
            wraps, rest = divmod(boot - before + _BOOT_JITTER, _WRAP_SECONDS)
            if rest <= (2 * _BOOT_JITTER if wraps == 0 else _WRAP_SLACK):
                boot = before
        self._new.boots[name] = boot
        return boot

    def rate(self, name: str, value: float, bits: int) -> float | None:
        """The counter's growth a second since the last note; None where that cannot be told yet. Raises Unreadable."""
        if len(self._new.counters) >= _MOST_COUNTERS:
            raise Unreadable(f"more than {_MOST_COUNTERS} counters; choose the rows that matter with the option rows")
        self._new.counters[name] = value
        before = self._old.counters.get(name)
        elapsed = self._new.at - self._old.at
        if before is None or elapsed <= 0 or self._restarted:
            return None
        grown = value - before
        if grown < 0:
            grown += 2.0**bits
            if grown > 2.0 ** (bits - 1):
                return None  # not a wrap: the counter was reset
        return grown / elapsed

    def packed(self) -> Memory | None:
        """The new note, or None when the old one says the same: most polls then write nothing."""
        new = self._new
        new.boots = self._old.boots | new.boots
        if self._read is not None and not new.counters and new.boots == self._old.boots:
            return None
        note = {"at": new.at, "boots": new.boots, "uptime": new.uptime, "counters": new.counters}
        return Memory(VERSION, json.dumps(note, separators=(",", ":")))


def unpacked(memory: Memory | None) -> Note | None:
    """The note in a memory; one of another version, or a damaged one, is none."""
    if memory is None or memory.version != VERSION:
        return None
    try:
        note = json.loads(memory.text)
        uptime = note["uptime"]
        return Note(
            at=float(note["at"]),
            boots={str(name): float(value) for name, value in note["boots"].items()},
            uptime=None if uptime is None else float(uptime),
            counters={str(name): float(value) for name, value in note["counters"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
