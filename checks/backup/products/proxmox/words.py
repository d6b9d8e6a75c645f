"""Words of tasks and snapshots in the words of the model. Pure.

Source: proxmox-backup, `TaskState`; facts of PVE's task list. A word that nobody knows is *unknown*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.backup.model import Outcome

_WARNINGS = re.compile(r"WARNINGS: \d{1,9}")
_UPID = re.compile(r"UPID:[^:]{1,64}:[0-9A-Fa-f]{1,16}:[0-9A-Fa-f]{1,16}:[0-9A-Fa-f]{1,16}:([0-9A-Fa-f]{8,9}):.*")
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0
"""2000 and 2100: what is beyond them is no time."""


def ended_as(status: object, over: bool = True) -> Outcome:
    """How a task ended, by its status text; anything but the known words is the error's own message."""
    if not isinstance(status, str) or not status.strip():
        return Outcome.UNKNOWN if over else Outcome.RUNNING
    if status == "RUNNING" and not over:
        return Outcome.RUNNING
    if status == "OK":
        return Outcome.SUCCESS
    if _WARNINGS.fullmatch(status):
        return Outcome.PARTIAL
    return Outcome.UNKNOWN if status in ("unknown", "RUNNING") else Outcome.FAILED


def outcome(row: Mapping[str, object]) -> Outcome:
    """Of a row of a task list. A status that came without an end is believed."""
    return ended_as(row.get("status"), over=row.get("endtime") is not None)


def time_of(value: object) -> float | None:
    """A time in Unix seconds, as both products tell them; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _EARLIEST <= value <= _LATEST:
        return None
    return float(value)


def began(upid: object) -> float | None:
    """When a task of the Backup Server began: the sixth field of its identifier is that time, in hexadecimal."""
    match = _UPID.fullmatch(upid) if isinstance(upid, str) and len(upid) < 1024 else None
    return time_of(int(match[1], 16)) if match else None


def sound(verification: object) -> bool | None:
    """What a verification of a snapshot found; None where there was none, or its word is not known."""
    state = verification.get("state") if isinstance(verification, dict) else None
    return {"ok": True, "failed": False}.get(state) if isinstance(state, str) else None
