"""Veeam's words in the words of the model. Their spelling changes between revisions, so case does not count. Pure.

Sources: the OpenAPI files of revisions 1.2-rev1 to 1.3-rev2. A word that is in none of them is *unknown*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from checks.backup.model import Level, Outcome

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The identifier that means none."""
GIB = 1024**3
"""What Veeam calls GB."""
_RUNNING = frozenset({"starting", "stopping", "working", "pausing", "resuming", "postprocessing", "actionrequired"})
_WAITING = frozenset({"waitingtape", "waitingrepository", "waitingslot"})
_RESULTS = {"success": Outcome.SUCCESS, "warning": Outcome.PARTIAL, "failed": Outcome.FAILED}
_LEVELS = {
    "full": Level.FULL, "activefull": Level.FULL, "syntheticfull": Level.FULL, "syntethicfull": Level.FULL,
    "increment": Level.INCREMENTAL, "incremental": Level.INCREMENTAL, "rollback": Level.FULL,
    "different": Level.DIFFERENTIAL,
}  # fmt: skip
"""Of restore points and of sessions. A rollback is what an older full became, and is as whole as one."""
_ENABLED = {
    "running": True, "inactive": True, "enabled": True, "stopping": True, "stopped": True, "starting": True,
    "disabled": False,
}  # fmt: skip
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_EARLIEST = 946_684_800.0
"""2000-01-01: what is older stands for no time at all, as 1900-01-01 does while a run goes on."""


def outcome(row: Mapping[str, object]) -> Outcome:
    """How a session or a task session stands, by its state and its result together.

    A result that came while the state says something else is believed: `Starting` with `Failed` has failed.
    """
    state = _folded(row.get("state"))
    said = row.get("result")
    result = said if isinstance(said, Mapping) else {"result": said}
    word = _folded(result.get("result"))
    if result.get("isCanceled") is True:
        return Outcome.CANCELLED
    if word in _RESULTS:
        return _RESULTS[word]
    if state in _RUNNING or (state == "idle" and word == "none"):
        return Outcome.RUNNING
    if state in _WAITING:
        return Outcome.WAITING
    return Outcome.UNKNOWN


def enabled(status: object) -> bool | None:
    """Whether a job may run; None for a word that nobody knows."""
    return _ENABLED.get(_folded(status))


def level(word: object) -> Level:
    """Of a restore point's type, or a session's algorithm."""
    return _LEVELS.get(_folded(word), Level.OTHER)


def time_of(text: object, zone: tzinfo | None) -> float | None:
    """A time in Unix seconds. Without an offset it is the server's own; None where its zone is not known."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[2] is None and zone is None):
        return None
    try:
        when = datetime.fromisoformat(f"{match[1]}{'+00:00' if match[2] == 'Z' else match[2] or ''}")
    except ValueError:
        return None
    found = (when if when.tzinfo is not None else when.replace(tzinfo=zone)).timestamp()
    return found if found >= _EARLIEST else None


def identity(value: object) -> str:
    """An identifier; empty for none."""
    found = value.lower() if isinstance(value, str) and len(value) <= 64 else ""
    return "" if found == NOBODY else found


def _folded(value: object) -> str:
    return value.casefold() if isinstance(value, str) else ""
