"""What a row of resilience says beside its state: status and date, as evidence for people and drills."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from checks.network.rows import Row
from checks.network.transform import HEX, Unreadable, transformed
from config.profiles import Transform

STATUS, SINCE = "status", "since"
"""Keys of the evidence: a number, and a date in ISO 8601 by the device's own clock."""
_ZONED = 11
"""Octets of a DateAndTime that has a time zone (SNMPv2-TC); one without has 8, and is local time."""
_LOCAL = ZoneInfo("Europe/London")
"""Where the councils' devices stand."""


def evidence_of(row: Row) -> dict[str, str]:
    """Status (mitelIpera3000ResTblStatus) and date (ResTblDetectDate); neither where the device gives none."""
    told = {}
    status = row.number("resilience")
    if status is not None:
        told[STATUS] = str(status)
    since = _date(row.said("resilience_since")) if row.column("resilience_since") is not None else ""
    return told | ({SINCE: since} if since else {})


def _date(said: object) -> str:
    """A DateAndTime in ISO 8601, without a zone where it has none; empty for what is no date."""
    if not isinstance(said, str):
        return ""
    try:
        moment = transformed(Transform.DATE_AND_TIME, said, 1.0, 0.0)
    except Unreadable:
        return ""
    told = datetime.fromtimestamp(float(moment), UTC)
    zoned = said.startswith(HEX) and len(bytes.fromhex(said.removeprefix(HEX))) == _ZONED
    return told.isoformat() if zoned else told.replace(tzinfo=None).isoformat()


def status_in(evidence: Mapping[str, str]) -> int | None:
    said = evidence.get(STATUS, "")
    return int(said) if said.isdecimal() else None


def since_in(evidence: Mapping[str, str]) -> float | None:
    """When it began, in Unix seconds; None where the device gave no date."""
    try:
        moment = datetime.fromisoformat(evidence.get(SINCE, ""))
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=_LOCAL)).timestamp()
    except (ValueError, OverflowError):
        return None
