"""Who is active, since when, and what failovers there were: seen by the change of roles from one round to the next.

No counter of a device is believed: keepalived's begins anew at nothing with its daemon.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from checks.contract import Finding, State
from checks.firewall.failovers import MOST, Failover
from checks.firewall.pair.note import Note
from checks.firewall.pair.service import Service
from checks.firewall.pair.views import View

KEY = "pair/facts"
_NOBODY = "not master"
_LONGEST = 200


def active_now(before: Note, serving: Service, several: bool, views: Sequence[View], at: float) -> Note:
    """The note with who is active at `at`; without one known to be the only one it stays as it was."""
    if several or serving.fails or len(serving.serving) != 1 or serving.serving[0] == before.active:
        return before
    name = serving.serving[0]
    if before.active not in {view.name for view in views}:  # none was known, or the estate has other members now
        return _with(before, name, 0.0)
    failover = Failover(at, at, before.active, name, _reason(name, views))
    return _with(before, name, at, (*before.past, failover)[-MOST:], before.count + 1)


def _with(
    before: Note, active: str, since: float, past: tuple[Failover, ...] | None = None, count: int | None = None
) -> Note:
    return Note(
        before.known, before.values, before.since, active, since, before.told_under,
        before.past if past is None else past, before.count if count is None else count,
    )  # fmt: skip


def _reason(name: str, views: Sequence[View]) -> str:
    """Why, in the device's own words; empty where it says nothing of this change."""
    view = next(view for view in views if view.name == name)
    wanted, elected = view.pair.reason, view.pair.elected
    if wanted is None:
        return ""
    said = next(iter(view.texts(wanted).values()), "")
    if said:
        return said
    for voice in view.voices:
        for table in voice.reader.plan.tables:
            if wanted in table.by_name:
                rows = view.rows(table.name)[0]
                if elected is not None and not (rows and view.serial and rows[0].text(elected) == view.serial):
                    return ""  # the newest choice that it knows of is not this one
                words = [row.text(wanted) for row in rows]
                return next((word for word in words if word and word != _NOBODY), "")[:_LONGEST]
    return ""


def facts(note: Note, serving: Service, views: Sequence[View], untold: Sequence[str]) -> Finding:
    """What is so without being good or bad: always ok. A planned swap is a fact."""
    words = []
    if len(serving.serving) == 1:
        name = serving.serving[0]
        since = f" since {_moment(note.active_since)}" if note.active_since and note.active == name else ""
        words.append(f"running on {name}{since}")
    words += [view.story() for view in views if len(serving.serving) != 1 or view.name not in serving.serving]
    evidence = {}
    if note.past:
        last = note.past[-1]
        why = f", because: {last.reason}" if last.reason else ""
        text = f"{_moment(last.at)}, from {last.away_from or 'none'} to {last.to}{why}"
        words.append(f"last failover {text}")
        evidence["last failover"] = text[:200]
        evidence["failovers seen"] = str(note.count)
    if untold:
        evidence["not told by this product"] = ", ".join(untold)
    return Finding(KEY, State.OK, "; ".join(words)[:300], evidence)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y %H:%M UTC").lstrip("0")
