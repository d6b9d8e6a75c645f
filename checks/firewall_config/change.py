"""How the note goes on with a reading, and with what people say of it. Pure.

A part that differs from the approved state is *pending*. It becomes approved when its change falls into announced work,
or when a person approves the state. A part that already waited when work was announced goes on waiting: what nobody
announced is not approved by what came on top of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256

from checks.contract import Approval, Planned
from checks.firewall_config.answers import Reading
from checks.firewall_config.note import MOST_CHANGES, Change, Held, How, Note, Pending, change, word

FIRST = "as it was found first"
LOST = "as it was found when what was remembered of it was lost"
Announced = Callable[[float, float], Sequence[Planned]]
"""Work that was announced for any moment between these two."""
_UNLIKE = "-"
"""A digest that no part has."""


def begun(reading: Reading, method: str, at: float, *, anew: bool = False) -> Note:
    """The first reading, or the first `anew`: what is found is what is held against, and nobody approved it."""
    parts = {part.name: Held(part.digest, part.lines) for part in reading.parts}
    return Note(method, at, parts, at, reading.tail, approved_why=LOST if anew else FIRST)


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
    note = replace(note, pending={name: _not_later(one, at) for name, one in note.pending.items()})
    before, after = note.present, min(note.read_at, at)
    differs = [name for name in dict.fromkeys((*now, *before)) if now.get(name) != before.get(name)]
    matching = partial(_matching, announced, slack=slack)
    step = _Step(dict(note.parts), dict(note.pending), now, at)
    step.follow(differs, after, matching(after, at) if differs else None)
    step.look_back([name for name in step.pending if name not in differs], matching)
    windows = [one.why for one in step.log if one.how is How.WINDOW]
    if note.pending and not step.pending and not windows:
        step.log.append(change(at, How.REVERTED, list(note.pending)))
    if windows and not step.pending:
        note = replace(note, approved_at=at, approved_by="", approved_why=windows[-1])
    return replace(
        note,
        parts=step.in_order(),
        pending=step.pending,
        read_at=at,
        tail=reading.tail,
        changed_at=at if differs else note.changed_at,
        doubt="",
        log=(*note.log, *step.log)[-MOST_CHANGES:],
    )


@dataclass(slots=True)
class _Step:
    """One reading's way into the note."""

    approved: dict[str, Held]
    pending: dict[str, Pending]
    now: Mapping[str, Held]
    at: float
    log: list[Change] = field(default_factory=list)

    def follow(self, differs: Sequence[str], after: float, window: Planned | None) -> None:
        """Parts that are not as they were in the reading before, at `after`; `window` is the work they fall into."""
        new, seen = [], []
        for name in differs:
            held, known = self.now.get(name), self.pending.pop(name, None)
            if held == self.approved.get(name):
                continue
            if known is None and window is not None:
                self._approve(name)
                new.append(name)
                continue
            first = known or Pending("", 0, after, self.at, self.at)
            last = first.last if window is not None else self.at
            digest, lines = (held.digest, held.lines) if held is not None else ("", 0)
            self.pending[name] = Pending(digest, lines, first.after, first.since, last)
            seen.append(name)
        if new and window is not None:
            self.log.append(change(self.at, How.WINDOW, new, window.id))
        if seen:
            self.log.append(change(self.at, How.SEEN, seen))

    def look_back(self, waiting: Sequence[str], matching: Callable[[float, float], Planned | None]) -> None:
        """Parts that go on waiting: their work may have been announced afterwards."""
        spans = {(self.pending[name].after, self.pending[name].last) for name in waiting}
        for span in sorted(spans):
            window = matching(*span)
            if window is None:
                continue
            names = [name for name in waiting if (one := self.pending.get(name)) and (one.after, one.last) == span]
            for name in names:
                self._approve(name)
                del self.pending[name]
            self.log.append(change(self.at, How.WINDOW, names, window.id))

    def in_order(self) -> dict[str, Held]:
        """The approved state in the order of the reading; what the reading lacks comes last."""
        ordered = {name: self.approved[name] for name in self.now if name in self.approved}
        return ordered | {name: held for name, held in self.approved.items() if name not in self.now}

    def _approve(self, name: str) -> None:
        held = self.now.get(name)
        if held is None:
            self.approved.pop(name, None)
        else:
            self.approved[name] = held


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


def _not_later(one: Pending, at: float) -> Pending:
    """What a clock that was wrong put into the future began now: else it would wait until then."""
    return replace(one, after=min(one.after, at), since=min(one.since, at), last=min(one.last, at))


def _matching(announced: Announced, after: float, until: float, slack: float) -> Planned | None:
    """The work into which a change between these moments falls."""
    for window in announced(after, until):
        outside = max(0.0, window.start - after) + max(0.0, until - window.end)
        if window.start <= until and window.end >= after and outside <= slack:
            return window
    return None
