"""Whose phones run on this controller, their backup, and what a restart makes of that knowledge. Pure.

The table is the backup's own and is lost when it restarts: that a row is missing then says nothing of the phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks.contract import Finding, State
from checks.network.rows import Row, Rows
from checks.printable import printable
from checks.telephony.mitel.since import evidence_of

if TYPE_CHECKING:
    from checks.telephony.mitel.note import Note

PREFIX = "mitel/resilience"
AT_HOME = 3
"""handOffComplete, mitelIpera3000ResTblStatus."""


@dataclass(frozen=True, slots=True)
class Resilience:
    """The findings, and what is to be remembered."""

    findings: tuple[Finding, ...]
    open: frozenset[str]
    lost: Mapping[str, float]
    """Primaries whose row a restart took away, and when that was seen (Unix seconds)."""
    listed: frozenset[str] = frozenset()
    """Primaries that have a row."""
    complete: bool = False
    """Whether the table was read to its end."""


def judged(
    rows: Rows | None, told: Mapping[str, Finding], before: Note, restarted: bool, at: float, settles: float | None
) -> Resilience:
    """`told` is what the values say, by the key of a row; `settles` the seconds after which a lost row is over."""
    lost = dict(before.lost)
    if restarted:
        lost |= dict.fromkeys(before.open, at)
    if rows is None:
        return Resilience((), before.open, lost)
    findings: list[Finding] = []
    listed: set[str] = set()
    open_now: set[str] = set(before.open) if not rows.complete else set()
    for row in rows.rows:
        found = told.get(f"{PREFIX}/{row.label}")
        if found is None:
            continue
        primary = name_of(row)
        listed.add(primary)
        lost.pop(primary, None)
        open_now.discard(primary)
        if found.state is not State.OK:  # a status that nobody knows may mean that phones are here
            open_now.add(primary)
        found = replace(found, evidence=dict(found.evidence) | evidence_of(row))
        findings.append(_finding(primary, found, row.label))
    if rows.complete:
        lost = {name: since for name, since in lost.items() if settles is None or at - since < settles}
    return Resilience(tuple(findings), frozenset(open_now), lost, frozenset(listed), rows.complete)


def name_of(row: Row) -> str:
    """The primary's name: its column, or else the index, which is the same text with its length before it."""
    return row.text("primary")[:64] or _spelt(row.index.split(".")) or row.label


def _spelt(parts: Sequence[str]) -> str:
    numbers = [int(part) for part in parts if part.isdigit()]
    if len(numbers) < 2 or numbers[0] != len(numbers) - 1 or any(number > 255 for number in numbers):
        return ""
    return printable(bytes(numbers[1:]).decode("utf-8", "replace"))[:64]


def _finding(primary: str, found: Finding, label: str) -> Finding:
    key, name = f"{PREFIX}/{primary}", printable(primary)
    if found.state is State.OK:
        return Finding(key, State.OK, f"the phones of {name} are at home", found.evidence)
    if found.state is State.WARNING:
        words = f"redundancy lost: phones of {name} run on this controller, their backup; calls work, but see to {name}"
        return Finding(key, State.WARNING, words[:300], found.evidence)
    return Finding(key, found.state, f"{name}: {found.summary.removeprefix(f'{label}: ')}"[:300], found.evidence)
