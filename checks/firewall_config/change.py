"""How the note goes on with a reading, and with what people say of it. Pure.

A part that differs from the approved state is *pending*. It becomes approved when its change falls into announced work,
or when a person approves the state. A part that already waited when work was announced goes on waiting: what nobody
announced is not approved by what came on top of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from checks.contract import Approval, Planned
from checks.firewall_config.answers import Reading
from checks.firewall_config.note import MOST_CHANGES, Change, Held, How, Note, Pending, change, word

FIRST = "as it was found first"
Announced = Callable[[float, float], Sequence[Planned]]
"""Work that was announced for any moment between these two."""
_UNLIKE = "-"
"""A digest that no part has."""


def begun(reading: Reading, method: str, at: float) -> Note:
    """The first reading: what is found is what is held against, and nobody approved it."""
    parts = {part.name: Held(part.digest, part.lines) for part in reading.parts}
    return Note(method, at, parts, at, reading.tail, approved_why=FIRST)


def doubted(note: Note, reading: Reading, method: str) -> Note | None:
    """The note after a reading that looks cut: it does not end as the one before did. None when it is to be believed.

    It is believed when it comes a second time, since somebody may well have changed what stands last.
    """
    if note.method != method or note.tail == reading.tail:
        return None
    said = "".join(f"{part.name} {part.digest}\n" for part in reading.parts)
    digest = sha256(said.encode()).hexdigest()[:20]
    return None if note.doubt == digest else replace(note, doubt=digest)


def advanced(note: Note, reading: Reading, method: str, at: float, announced: Announced, slack: float) -> Note:
    """The note after a whole reading at `at`.

    A change may have been made at any moment since the reading before. It falls into announced work when at most
    `slack` seconds of that time lie outside of it.
    """
    now = {part.name: Held(part.digest, part.lines) for part in reading.parts}
    if note.method != method:
        note = _read_anew(note, now, method, at)
    before, after = note.present, min(note.read_at, at)
    differs = [
        name for name in (*now, *(gone for gone in before if gone not in now)) if now.get(name) != before.get(name)
    ]
    approved, pending = dict(note.parts), dict(note.pending)
    window = _matching(announced, after, at, slack) if differs else None
    log: list[Change] = []
    new, seen = [], []
    for name in differs:
        held, known = now.get(name), pending.pop(name, None)
        if held == approved.get(name):
            continue
        if known is None and window is not None:
            _approve(approved, name, held)
            new.append(name)
            continue
        first = known or Pending("", 0, after, at, at)
        last = first.last if known is not None and window is not None else at
        pending[name] = Pending(held.digest if held else "", held.lines if held else 0, first.after, first.since, last)
        seen.append(name)
    if new and window is not None:
        log.append(change(at, How.WINDOW, new, window.id))
    if seen:
        log.append(change(at, How.SEEN, seen))
    log += _announced_since(approved, pending, now, [*seen], at, partial(_matching, announced, slack=slack))
    if note.pending and not pending and not any(one.how is How.WINDOW for one in log):
        log.append(change(at, How.REVERTED, list(note.pending)))
    by_window = next((one.why for one in reversed(log) if one.how is How.WINDOW), None)
    if by_window is not None and not pending:
        note = replace(note, approved_at=at, approved_by="", approved_why=by_window)
    return replace(
        note,
        parts=_in_order(approved, now),
        pending=pending,
        read_at=at,
        tail=reading.tail,
        changed_at=at if differs else note.changed_at,
        doubt="",
        log=(*note.log, *log)[-MOST_CHANGES:],
    )


def approved(note: Note, given: Approval) -> Note:
    """The note once a person has approved the state as it was last read. Raises ValueError when it is another one."""
    if given.state and given.state != note.state:
        raise ValueError(f"the state is {note.state} now, not {given.state}: look at it again")
    entry = change(given.at, How.APPROVED, list(note.pending), given.change, given.by)
    return replace(
        note,
        approved_at=given.at,
        approved_by=word(given.by),
        approved_why=word(given.change + (f": {given.note}" if given.note else "")),
        parts=note.present,
        pending={},
        log=(*note.log, entry)[-MOST_CHANGES:],
    )


def _read_anew(note: Note, now: Mapping[str, Held], method: str, at: float) -> Note:
    """Digests of another method say nothing of each other: what waited goes on waiting, the rest is taken as it is."""
    parts, pending = dict(now), {}
    for name, one in note.pending.items():
        held = now.get(name)
        parts[name] = Held(_UNLIKE, 0)
        pending[name] = replace(one, digest=held.digest if held else "", lines=held.lines if held else 0)
    log = (*note.log, change(at, How.METHOD, list(now)))[-MOST_CHANGES:]
    return replace(note, method=method, parts=parts, pending=pending, log=log)


def _announced_since(
    approved: dict[str, Held],
    pending: dict[str, Pending],
    now: Mapping[str, Held],
    seen: Sequence[str],
    at: float,
    matching: Callable[[float, float], Planned | None],
) -> list[Change]:
    """Approve what waits, when its work was announced afterwards; but for what this reading has `seen`."""
    spans = {(one.after, one.last) for name, one in pending.items() if name not in seen}
    log: list[Change] = []
    for after, last in sorted(spans):
        window = matching(after, last)
        if window is None:
            continue
        names = [name for name, one in pending.items() if name not in seen and (one.after, one.last) == (after, last)]
        for name in names:
            _approve(approved, name, now.get(name))
            del pending[name]
        log.append(change(at, How.WINDOW, names, window.id))
    return log


def _matching(announced: Announced, after: float, until: float, slack: float) -> Planned | None:
    """The work into which a change between these moments falls."""
    for window in announced(after, until):
        outside = max(0.0, window.start - after) + max(0.0, until - window.end)
        if window.start <= until and window.end >= after and outside <= slack:
            return window
    return None


def _approve(approved: dict[str, Held], name: str, held: Held | None) -> None:
    if held is None:
        approved.pop(name, None)
    else:
        approved[name] = held


def _in_order(approved: Mapping[str, Held], now: Mapping[str, Held]) -> dict[str, Held]:
    """In the order of the reading; what it lacks comes last."""
    ordered = {name: approved[name] for name in now if name in approved}
    return ordered | {name: held for name, held in approved.items() if name not in now}
