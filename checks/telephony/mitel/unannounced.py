"""Whether a system's traps arrive: a change that a poll saw is compared with what the system announced. Pure.

Polling is the truth, so a trap that is lost costs a minute at most. That all of them are lost nobody would notice.
A change is judged at a later poll than the one that saw it, so that a trap which is slower than the poll still counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from checks.contract import Family, Finding, Hearing, MetricType, Reading, State
from checks.network.answers import SnmpAnswers
from checks.network.plan import Plan
from checks.network.rows import rows_of
from checks.telephony.mitel.traps import EMERGENCY, REMEDY

TRAPS = "mitel/traps"
SLOT = "mitel/emergency_notices"
KEYS = frozenset({TRAPS, SLOT})
UNANNOUNCED = Family(
    "ridgeway_telephony_unannounced_changes_total",
    "Polls that saw a change which no trap had announced, by what changed; only where traps are expected.",
    MetricType.COUNTER,
    labels=("change",),
)
IN_A_ROW = 3
"""So many unannounced changes without an announced one between them are a finding."""
_PATIENCE = 5.0
"""Seconds that a trap may be later than the poll which saw what it announces."""
_QUIET = 86_400.0
"""Seconds without an emergency notice after which it is taken that none come here any more. A system repeats one every
minute for as long as nobody acknowledges it."""
_LOOKED_AT = (("categories", "category", 1), ("resiliency", "resilience", 3), ("alarms", "alarm", 1))
"""Tables, the column in which a change is announced, and its value that says as much as no row at all."""


class Expect(StrEnum):
    """Whether the system is expected to send traps to this agent."""

    AUTO = "auto"
    """As soon as one has come."""
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Ears:
    """What the agent heard of a target, which it polls every so many seconds and then for so many at most."""

    target: str
    hearing: Hearing
    every: float
    timeout: float

    @property
    def lookback(self) -> float:
        """Seconds before a poll in which a trap may have announced what the poll sees and the one before did not."""
        return 2 * self.every + self.timeout


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered from poll to poll; times are Unix seconds."""

    prints: Mapping[str, int] = field(default_factory=dict)
    """What each part of the system looked like at the last whole poll, as a checksum."""
    waiting: frozenset[str] = frozenset()
    """Parts whose change may still be announced."""
    seen: float = 0.0
    """When the last change was seen that had not been announced by then."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Changes that no trap announced, by part."""
    run: int = 0
    """How many since the last trap."""
    sends: bool = False
    """Whether a trap has ever come."""
    emergency: float = 0.0
    """When the last emergency notice came."""

    def packed(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"waiting": sorted(self.waiting)}

    @classmethod
    def unpacked(cls, said: Any) -> Watch:
        """Of its JSON. Raises what comes of a damaged note: TypeError, ValueError, KeyError, AttributeError."""
        if not said:
            return cls()
        return cls(
            prints={str(part): int(value) for part, value in said["prints"].items()},
            waiting=frozenset(str(part) for part in said["waiting"]),
            seen=float(said["seen"]),
            counts={str(part): int(count) for part, count in said["counts"].items()},
            run=int(said["run"]),
            sends=said["sends"] is True,
            emergency=float(said["emergency"]),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be said of it, and remembered."""

    watch: Watch
    findings: tuple[Finding, ...] = ()
    readings: tuple[Reading, ...] = ()


def judged(
    plan: Plan, answers: SnmpAnswers, whole: bool, before: Watch, at: float, ears: Ears | None, expect: Expect
) -> Told:
    """`at`: when the answers were given; `ears` are missing where a check is run by hand, and nothing is said then."""
    if ears is None:
        return Told(before)
    hearing, changed = ears.hearing, ears.hearing.changed(ears.target)
    emergency = hearing.newest(ears.target, EMERGENCY)
    watch = replace(
        before,
        sends=before.sends or changed is not None,
        emergency=before.emergency if emergency is None else emergency[0],
    )
    slot = _slot(watch, at)
    if "level" not in plan.by_name:
        return Told(watch, slot)
    prints = dict(_prints(plan, answers)) if whole else {}
    expected = expect is Expect.YES or (expect is Expect.AUTO and watch.sends)
    if not expected or hearing.since is None:
        watch = replace(watch, prints={**watch.prints, **prints}, waiting=frozenset(), run=0)
        return Told(watch, (*((_DEAF,) if expect is Expect.YES else ()), *slot))
    listening = hearing.since <= at - ears.lookback
    watch = _compared(watch, prints, at, ears, changed, listening)
    readings = tuple(Reading(UNANNOUNCED, float(watch.counts.get(part, 0)), (part,)) for part in _parts(plan))
    return Told(watch, (_finding(watch, hearing.newest(ears.target)), *slot), readings)


def _compared(
    watch: Watch, prints: Mapping[str, int], at: float, ears: Ears, changed: float | None, listening: bool
) -> Watch:
    """Settle what waited, then see what is new. What was not heard, since nobody listened, is not counted."""
    if changed is not None and changed > watch.seen - ears.lookback:
        watch = replace(watch, waiting=frozenset(), run=0)
    elif watch.waiting and not listening:
        watch = replace(watch, waiting=frozenset())
    elif watch.waiting and at - watch.seen >= _PATIENCE:
        counts = {**watch.counts, **{part: watch.counts.get(part, 0) + 1 for part in watch.waiting}}
        watch = replace(watch, waiting=frozenset(), run=watch.run + 1, counts=counts)
    new = {part for part, value in prints.items() if watch.prints.get(part, value) != value}
    announced = changed is not None and changed > at - ears.lookback
    if new and listening and not announced:
        watch = replace(watch, waiting=watch.waiting | new, seen=at)
    return replace(watch, prints={**watch.prints, **prints})


def _parts(plan: Plan) -> tuple[str, ...]:
    tables = {table.name for table in plan.tables}
    return ("level", *(column for table, column, _ in _LOOKED_AT if table in tables))


def _prints(plan: Plan, answers: SnmpAnswers) -> Iterator[tuple[str, int]]:
    """By part, as far as it was read to its end."""
    level = answers.values.get(plan.by_name["level"].oids[0])
    if level is not None:
        yield "level", zlib.crc32(repr(level).encode())
    tables = {table.name: table for table in plan.tables}
    for name, column, nothing in _LOOKED_AT:
        rows = rows_of(tables[name], answers) if name in tables else None
        if rows is not None and rows.complete:
            cells = answers.rows.get(tables[name].by_name[column].oids[0], {})
            said = sorted(
                (row.label, repr(cells.get(row.index))) for row in rows.rows if cells.get(row.index) != nothing
            )
            yield column, zlib.crc32(repr(said).encode())


def _finding(watch: Watch, newest: tuple[float, str] | None) -> Finding:
    evidence = {"unannounced changes": str(sum(watch.counts.values()))}
    if newest is not None:
        evidence |= {"last trap": newest[1], "last trap at": datetime.fromtimestamp(newest[0], UTC).isoformat()}
    if watch.run >= IN_A_ROW:
        words = (
            f"{watch.run} changes in a row were seen by polling and announced by no trap: traps of this system do not "
            "arrive; look at its trap settings, the firewall on the way, and the agent's log. Polling goes on"
        )
        return Finding(TRAPS, State.WARNING, words[:300], evidence)
    words = "traps of this system arrive" if newest is not None else "no trap has come since the agent started"
    return Finding(TRAPS, State.OK, words, evidence)


def _slot(watch: Watch, at: float) -> tuple[Finding, ...]:
    """Emergency notices come here, so somebody who should have them may have none."""
    if not watch.emergency or at - watch.emergency > _QUIET:
        return ()
    return (Finding(SLOT, State.CRITICAL, f"emergency notices come to this agent: {REMEDY}"[:300]),)


_DEAF = Finding(
    TRAPS, State.WARNING,
    "the estate expects traps of this system, but this agent listens for none: start it with --snmp.trap-address",
)  # fmt: skip
