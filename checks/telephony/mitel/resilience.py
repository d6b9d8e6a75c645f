"""Whose phones run on this controller, their backup, and what a restart makes of that knowledge. Pure.

The table is the backup's own and is lost when it restarts: that a row is missing then says nothing of the phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.contract import Finding, State
from checks.network.rows import Row, Rows
from checks.printable import printable
from checks.telephony.mitel.note import Note

PREFIX = "mitel/resilience"


@dataclass(frozen=True, slots=True)
class Resilience:
    """The findings, and what is to be remembered."""

    findings: tuple[Finding, ...]
    open: frozenset[str]
    lost: Mapping[str, float]


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
    open_now: set[str] = set(before.open) if not rows.complete else set()
    for row in rows.rows:
        found = told.get(f"{PREFIX}/{row.label}")
        if found is None:
            continue
        primary = name_of(row)
        lost.pop(primary, None)
        open_now.discard(primary)
        if found.state is not State.OK:  # a status that nobody knows may mean that phones are here
            open_now.add(primary)
        findings.append(_finding(primary, found, row.label))
    if rows.complete:
        lost = {name: since for name, since in lost.items() if settles is None or at - since < settles}
        findings += [_after_a_restart(name) for name in lost]
    return Resilience(tuple(findings), frozenset(open_now), lost)


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
        return Finding(key, State.OK, f"the phones of {name} are at home")
    if found.state is State.WARNING:
        words = f"redundancy lost: phones of {name} run on this controller, their backup; calls work, but see to {name}"
        return Finding(key, State.WARNING, words[:300], found.evidence)
    return Finding(key, found.state, f"{name}: {found.summary.removeprefix(f'{label}: ')}"[:300], found.evidence)


def _after_a_restart(primary: str) -> Finding:
    name = printable(primary)
    words = (
        f"phones of {name} were on this backup when it restarted, and its table is lost with that: "
        f"whether they are at home again is not known; see whether {name} works"
    )
    return Finding(f"{PREFIX}/{primary}", State.UNKNOWN, words[:300])
