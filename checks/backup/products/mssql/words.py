"""msdb's letters and numbers in the words of the model. Pure.

Sources: Transact-SQL reference, backupset, backupmediafamily, sysjobhistory, sysjobservers.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from checks.backup.model import Level, Outcome
from checks.backup.products.rows import count, one_line

LEVELS = {
    "D": Level.FULL, "I": Level.DIFFERENTIAL, "L": Level.LOG, "F": Level.OTHER, "G": Level.OTHER,
    "P": Level.OTHER, "Q": Level.OTHER,
}  # fmt: skip
"""By `backupset.type`. A file, a partial backup and their differentials do not bring a whole database back."""
JOBS = {
    "D": "full backup", "I": "differential backup", "L": "log backup", "F": "file backup",
    "G": "differential file backup", "P": "partial backup", "Q": "differential partial backup",
}  # fmt: skip
LOG_JOB = JOBS["L"]
_OUTCOMES = {
    0: Outcome.FAILED, 1: Outcome.SUCCESS, 2: Outcome.FAILED, 3: Outcome.CANCELLED, 4: Outcome.RUNNING,
}  # fmt: skip
RETRIED = 2
NEVER = 5
"""`last_run_outcome` of a job that has never run, or of which nobody knows."""
_QUARTER = 900
_UNKNOWN_ZONE = 127
_WIDEST = 56
"""Quarter hours: Kiribati is 14 hours ahead."""
_EARLIEST = 946_684_800.0
"""2000-01-01: what is older stands for no time at all, as 1900-01-01 does where CHECKDB has never run."""
_SHARE = re.compile(r"(\\\\[^\\/]{1,100}\\[^\\/]{1,100})[\\/]")
_DRIVE = re.compile(r"([A-Za-z]:)[\\/]")
_PATH = re.compile(r"/[^/]{1,100}")
_ADDRESS = re.compile(r"([A-Za-z0-9]{2,8}://[^/?#]{1,200}(?:/[^/?#]{1,100})?)")
_DEVICES = {5: "tape", 7: "virtual device"}
_NOWHERE = re.compile(r"(?:.*[\\/])?nul:?", re.IGNORECASE)


def outcome_of(status: object) -> Outcome:
    """Of `run_status` and `last_run_outcome`; what nobody knows is unknown."""
    return _OUTCOMES.get(status, Outcome.UNKNOWN) if isinstance(status, int) else Outcome.UNKNOWN


def time_of(text: object, zone: tzinfo, quarters: object = None) -> float | None:
    """A time that a server wrote in its own zone, in Unix seconds. `quarters`: `backupset.time_zone` of its row.

    In the hour that comes twice the first is meant, so that nothing is taken for newer than it is.
    """
    try:
        naive = datetime.fromisoformat(text[:23]) if isinstance(text, str) else None
    except ValueError:
        return None
    if naive is None or naive.tzinfo is not None:
        return None
    if isinstance(quarters, int) and quarters != _UNKNOWN_ZONE and -_WIDEST <= quarters <= _WIDEST:
        zone = timezone(timedelta(seconds=quarters * _QUARTER))
    try:
        found = naive.replace(tzinfo=zone).timestamp()
    except (OverflowError, ValueError):
        return None
    return found if found >= _EARLIEST else None


def agent_time(date: object, time: object, zone: tzinfo) -> float | None:
    """SQL Server Agent's yyyymmdd and hhmmss, both numbers without leading zeros; None for the 0 of never."""
    day, clock = count(date), count(time)
    if not day or clock is None:
        return None
    try:
        naive = datetime(day // 10_000, day // 100 % 100, day % 100, clock // 10_000, clock // 100 % 100, clock % 100)  # noqa: DTZ001 - its zone comes next
    except ValueError:
        return None
    return time_of(naive.isoformat(), zone)


def agent_seconds(duration: object) -> float | None:
    """A duration as the number HHMMSS: 10806 is 1 h 8 min 6 s, and more than 99 hours have more digits."""
    number = count(duration)
    if number is None or number % 100 >= 60 or number // 100 % 100 >= 60:
        return None
    return number // 10_000 * 3600.0 + number // 100 % 100 * 60 + number % 100


def place_of(device: object, name: object, server: str) -> str:
    """Where a backup lies, as the estate can name it: a share, a drive of the server, a container, tape.

    What follows in a path changes with every backup, and behind the `?` of an address there may be a signature.
    """
    kind = device % 100 if isinstance(device, int) else None
    if kind in _DEVICES:
        return _DEVICES[kind]
    path = name if isinstance(name, str) else ""
    for pattern, prefix in ((_SHARE, ""), (_ADDRESS, ""), (_DRIVE, f"{server} "), (_PATH, f"{server} ")):
        match = pattern.match(path)
        if match is not None:
            return one_line(prefix + (match[1] if match.re.groups else match[0]))
    return f"{server} disk"


def nowhere(name: object) -> bool:
    """Whether a backup was written to the null device: SQL Server calls it done, and nothing is kept."""
    return isinstance(name, str) and _NOWHERE.fullmatch(name) is not None
