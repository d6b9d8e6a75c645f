"""What the checks read, kept as rendered bytes and joined at a scrape.

A result is rendered when its check ends, not when Prometheus asks, so that a scrape costs only a join (measured in
`tests/benchmarks/exposition.py`). Samples carry no timestamps, since those switch off Prometheus' own staleness;
instead a result that is too old takes its values off the page: its state turns unknown, `ridgeway_check_stale` 1 and
`ridgeway_target_up` 0, while the timestamps of the last run stay.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from agent.records import CheckResult
from checks.contract import Family, Finding, MetricType, Reading, State, Subject
from config.estate import Every, Target
from exporters.prometheus import families as known
from exporters.prometheus.columns import NO_SHAPE, Column, Shape, Shapes, Store
from exporters.prometheus.families import Declared, FamilyError, declared, header, problems_of
from exporters.prometheus.sample import LabelError, escaped, number, pairs

SERIES_PER_CHECK = 5_000
PROBLEMS_PER_CHECK = 100
REFUSALS = ("duplicate", "undeclared", "label", "value", "limit")
"""Why a series may be left off the page: another check of the same subject already gives it, its family was never
declared, a label or value that would break the page, or too many from one check."""
LEAP = 180.0
"""Seconds between two looks at the time beyond which the clock may have been stepped."""
LEAP_NOTICED = 3.0
"""Seconds within which a step is told by `shift`."""

_PIECE_LINES = 4096
_PIECE_BYTES = 256 * 1024
_log = structlog.get_logger("exporters.prometheus")

Place = tuple[Column, int]


@dataclass(slots=True)
class _Standing:
    """Whether a target answers, seen from one vantage: up while any fresh check reached it."""

    column: Column
    cell: int
    prefix: bytes
    checks: int = 0
    reaching: int = 0

    def render(self) -> None:
        self.column.lines[self.cell] = self.prefix + (b"1\n" if self.reaching else b"0\n")


@dataclass(slots=True)
class _Entry:
    """One check from one vantage."""

    subject: Subject
    vantage: str
    reading_labels: bytes
    check_labels: bytes
    standings: tuple[_Standing, ...]
    expires: float = math.inf
    stale: bool = False
    state: State = State.UNKNOWN
    reached: tuple[bool, ...] = ()
    readings: tuple[Reading, ...] = ()
    shape: Shape = NO_SHAPE
    cells: list[int] = field(default_factory=list)
    refused: tuple[tuple[str, str], ...] = ()
    problems: list[tuple[str, State]] = field(default_factory=list)
    own: dict[str, Place] = field(default_factory=dict)
    """The cells of the generic families, by name."""


class Exposition:
    """The measured part of the page. Belongs to the event loop: no method may be called from another thread."""

    def __init__(self, families: Iterable[Family], taken: Iterable[str] = ()) -> None:
        """`families`: all that may ever come (`families_of`); `taken`: base names that others put on the page.

        Raises FamilyError for declarations that would break a scrape.
        """
        self._families = {family.name: family for family in families}
        problems = problems_of(list(self._families.values()), taken)
        if problems:
            raise FamilyError("metric families that cannot stand on one page: " + "; ".join(problems))
        generic = [family for family in known.GENERIC if family is not known.STATE_CODE]
        whole = [*generic, *(declared(family) for family in self._families.values())]
        self._stores = {family.name: Store(family) for family in sorted(whole, key=lambda family: family.name)}
        self._shapes = Shapes(self._stores)
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._by_identity: dict[bytes, list[_Entry]] = {}
        self._standings: dict[bytes, _Standing] = {}
        self._infos: dict[str, tuple[Target, Place]] = {}
        """Every target by name, and where its line of `ridgeway_target_info` stands."""
        self._suffixes: dict[tuple[str, tuple[str, ...]], bytes | None] = {}
        self._earliest = math.inf
        self._looked = math.inf
        self._rest_until = -math.inf

    # What the agent tells it

    def configure(self, subjects: Iterable[Subject], vantage: str, now: float) -> None:
        """The checks of the estate, at start and after a reload: each is *unknown* until its first result.

        Each is there once for every vantage it names, or for `vantage` where it names none.
        Checks that are not among `subjects` leave the page, and so do their targets.
        """
        wanted = {
            (subject.check.id, place): subject for subject in subjects for place in subject.check.vantages or (vantage,)
        }
        self.take_off([key for key in self._entries if key not in wanted])
        for key, subject in wanted.items():
            self._want(key, subject, now)
        targets = {target.name for subject in wanted.values() for target in subject.targets}
        for name in [name for name in self._infos if name not in targets]:
            self._forget(name)

    def change(self, gone: Iterable[tuple[str, str]], subjects: Iterable[Subject], vantage: str, now: float) -> None:
        """The same where only some checks went, by id and vantage, and some are new or changed."""
        self.take_off(gone)
        for subject in subjects:
            for place in subject.check.vantages or (vantage,):
                self._want((subject.check.id, place), subject, now)

    def take_off(self, checks: Iterable[tuple[str, str]]) -> None:
        """These checks, by id and vantage, leave the page, and their target with the last of them."""
        for key in checks:
            entry = self._entries.get(key)
            if entry is not None:
                self._remove(key)
                for target, standing in zip(entry.subject.targets, entry.standings, strict=True):
                    if not standing.checks:
                        self._forget(target.name)

    def _want(self, key: tuple[str, str], subject: Subject, now: float) -> None:
        entry = self._entries.get(key)
        if entry is not None and _identity(subject, key[1]) != (entry.reading_labels, entry.check_labels):
            self._remove(key)
            entry = None
        entry = entry or self._add(subject, key[1])
        schedule = subject.check.schedule
        if entry.expires == math.inf and isinstance(schedule, Every):
            self._expire_at(entry, now + 2.5 * schedule.seconds + subject.check.timeout)
        self._adopt(entry, subject)
        for target in subject.targets:
            self._tell_of(target)

    def update(self, result: CheckResult, state: State) -> None:
        """Put a finished run on the page. `state` is the check's, as judged from its findings."""
        subject = result.subject
        spec = subject.check
        entry = self._entries.get((spec.id, result.vantage)) or self._add(subject, result.vantage)
        if entry.subject is not subject:
            self._adopt(entry, subject)
        if entry.stale:
            self._mark_stale(entry, False)
        self._expire_at(entry, result.started + result.valid_for)
        self._state(entry, state)
        self._problems(entry, result.assessment.findings)
        self._reach(entry, _reached(result))
        readings = result.assessment.readings
        if not self._refresh(entry, readings):
            self._reshape(entry, readings)
        self._stamp(entry, known.CHECK_LAST_RUN, result.started)
        if result.fault is None:
            self._stamp(entry, known.CHECK_LAST_SUCCESS, result.started)
        if known.CHECK_INTERVAL.name not in entry.own:
            self._stamp(entry, known.CHECK_INTERVAL, max(0.0, result.valid_for - spec.timeout) / 2.5)

    def restore(self, result: CheckResult, state: State, last_success: float | None, now: float) -> None:
        """Put a run from before the restart on the page, as old as it is.

        A run from the future (the clock went back) says nothing: it is stale until the check has run again.
        """
        self.update(result, state)
        entry = self._entries[result.subject.check.id, result.vantage]
        if last_success is None:
            self._clear(entry, known.CHECK_LAST_SUCCESS)
        else:
            self._stamp(entry, known.CHECK_LAST_SUCCESS, last_success)
        if result.started > now:
            self._expire_at(entry, -math.inf)
        self.tick(now)

    def drop(self, check_id: str) -> None:
        """Take a check off the page, from every vantage."""
        for key in [key for key in self._entries if key[0] == check_id]:
            self._remove(key)

    def shift(self, seconds: float) -> None:
        """The clock was stepped: nothing has become older or younger by that."""
        for entry in self._entries.values():
            entry.expires += seconds
        self._earliest += seconds

    def tick(self, now: float) -> None:
        """Take what has become too old off the page. Cheap: looks at all checks only when one may have expired.

        After a leap of the clock this waits a moment for `shift`; without one, time has really passed.
        """
        if now - self._looked > LEAP:
            self._rest_until = now + LEAP_NOTICED
        self._looked = now
        if now <= self._earliest or 0 < self._rest_until - now <= LEAP_NOTICED:
            return
        for entry in self._entries.values():
            if not entry.stale and now > entry.expires:
                self._mark_stale(entry, True)
        self._earliest = min((entry.expires for entry in self._entries.values() if not entry.stale), default=math.inf)

    # What it gives

    def page(self, *, openmetrics: bool, now: float, councils: frozenset[str] | None = None) -> Iterator[bytes]:
        """The page in pieces of at most some 500 kB, as it is at this moment however slowly the pieces are taken.

        Without `# EOF`: the agent's own metrics follow (`exporters.prometheus.page`).
        """
        self.tick(now)
        whole = []
        for store in self._stores.values():
            columns = [
                column.lines.copy()
                for council, column in store.columns.items()
                if (councils is None or council in councils) and not column.empty()
            ]
            if columns:
                whole.append((header(store.family, openmetrics=openmetrics), columns))
        return _pieces(header(known.STATE_CODE, openmetrics=openmetrics) + _STATE_CODES, whole)

    def counts(self) -> Mapping[str, int]:
        """Series that are left off the page now, by reason (`REFUSALS`)."""
        found: Counter[str] = Counter(dict.fromkeys(REFUSALS, 0))
        for entry in self._entries.values():
            if entry.refused:
                found.update(reason for reason, _ in entry.refused)
        return found

    def checks_stale(self) -> int:
        """How many checks have no result that is recent enough."""
        return sum(entry.stale for entry in self._entries.values())

    # Entries and their generic families

    def _add(self, subject: Subject, vantage: str) -> _Entry:
        reading_labels, check_labels = _identity(subject, vantage)
        standings = tuple(self._standing(subject, target.name, vantage) for target in subject.targets)
        entry = _Entry(subject, vantage, reading_labels, check_labels, standings, reached=(False,) * len(standings))
        self._entries[subject.check.id, vantage] = entry
        self._by_identity.setdefault(reading_labels, []).append(entry)
        self._write(entry, known.CHECK_STATE, self._state_cell(entry))
        self._write(entry, known.CHECK_STALE, self._line(entry, known.CHECK_STALE, 0))
        self._interval(entry)
        return entry

    def _adopt(self, entry: _Entry, subject: Subject) -> None:
        """The same check, read again from the estate; only its interval can differ here."""
        entry.subject = subject
        self._interval(entry)

    def _interval(self, entry: _Entry) -> None:
        schedule = entry.subject.check.schedule
        if isinstance(schedule, Every):
            self._stamp(entry, known.CHECK_INTERVAL, schedule.seconds)

    def _remove(self, key: tuple[str, str]) -> None:
        entry = self._entries.pop(key)
        siblings = self._by_identity[entry.reading_labels]
        siblings.remove(entry)
        if not siblings:
            del self._by_identity[entry.reading_labels]
        self._reach(entry, (False,) * len(entry.standings))
        for standing in entry.standings:
            standing.checks -= 1
            if not standing.checks:
                standing.column.give_back(standing.cell)
                del self._standings[standing.prefix]
        self._take_shape(entry, NO_SHAPE)
        for column, cell in entry.own.values():
            column.give_back(cell)

    def _expire_at(self, entry: _Entry, moment: float) -> None:
        entry.expires = moment
        if moment < self._earliest:
            self._earliest = moment

    def _mark_stale(self, entry: _Entry, stale: bool) -> None:
        entry.stale = stale
        self._write(entry, known.CHECK_STALE, self._line(entry, known.CHECK_STALE, int(stale)))
        if stale:
            entry.readings = ()
            entry.refused = ()
            self._take_shape(entry, NO_SHAPE)
            self._problems(entry, ())
            self._reach(entry, (False,) * len(entry.standings))
            self._state(entry, State.UNKNOWN)

    def _state(self, entry: _Entry, state: State) -> None:
        if state is not entry.state:
            entry.state = state
            self._write(entry, known.CHECK_STATE, self._state_cell(entry))

    def _state_cell(self, entry: _Entry) -> bytes:
        name = known.CHECK_STATE.name.encode()
        return b"".join(
            b'%b%b,state="%b"} %d\n' % (name, entry.check_labels, state.encode(), state is entry.state)
            for state in State
        )

    def _problems(self, entry: _Entry, findings: Sequence[Finding]) -> None:
        problems: list[tuple[str, State]] = [
            (finding.key, finding.state) for finding in findings if finding.state is not State.OK
        ]
        if problems == entry.problems:
            return
        entry.problems = problems
        name = known.FINDING_PROBLEM.name.encode()
        lines = dict.fromkeys(
            b"%b%b,%b} 1\n" % (name, entry.check_labels, pairs(("finding", "state"), (_plain(key), state)))
            for key, state in problems[:PROBLEMS_PER_CHECK]
        )
        if lines:
            self._write(entry, known.FINDING_PROBLEM, b"".join(lines))
        else:
            self._clear(entry, known.FINDING_PROBLEM)

    def _reach(self, entry: _Entry, reached: tuple[bool, ...]) -> None:
        if reached == entry.reached:
            return
        for standing, was, now_is in zip(entry.standings, entry.reached, reached, strict=True):
            if was is not now_is:
                standing.reaching += 1 if now_is else -1
                standing.render()
        entry.reached = reached

    def _standing(self, subject: Subject, target: str, vantage: str) -> _Standing:
        prefix = b"%b{%b} " % (
            known.TARGET_UP.name.encode(),
            pairs(known.READING_LABELS, (target, subject.council, vantage)),
        )
        standing = self._standings.get(prefix)
        if standing is None:
            column = self._stores[known.TARGET_UP.name].column(subject.council)
            standing = self._standings[prefix] = _Standing(column, column.take(), prefix)
            standing.render()
        standing.checks += 1
        return standing

    def _tell_of(self, target: Target) -> None:
        """Its line of `ridgeway_target_info`, as it is now."""
        told = self._infos.get(target.name)
        if told is not None and told[0] is target:
            return
        self._forget(target.name)
        column = self._stores[known.TARGET_INFO.name].column(target.council)
        cell = column.take()
        values = (target.name, target.council, target.site, target.impact)
        name = known.TARGET_INFO.name.encode()
        column.lines[cell] = b"%b{%b} 1\n" % (name, pairs(known.TARGET_INFO.labels, values))
        self._infos[target.name] = (target, (column, cell))

    def _forget(self, target: str) -> None:
        told = self._infos.pop(target, None)
        if told is not None:
            column, cell = told[1]
            column.give_back(cell)

    def _line(self, entry: _Entry, family: Declared, value: float) -> bytes:
        return b"%b%b} %b\n" % (family.name.encode(), entry.check_labels, number(value))

    def _stamp(self, entry: _Entry, family: Declared, value: float) -> None:
        self._write(entry, family, self._line(entry, family, round(value, 3)))

    def _write(self, entry: _Entry, family: Declared, cell: bytes) -> None:
        place = entry.own.get(family.name)
        if place is None:
            column = self._stores[family.name].column(entry.subject.council)
            place = entry.own[family.name] = (column, column.take())
        place[0].lines[place[1]] = cell

    def _clear(self, entry: _Entry, family: Declared) -> None:
        place = entry.own.pop(family.name, None)
        if place is not None:
            place[0].give_back(place[1])

    # Measured values

    def _refresh(self, entry: _Entry, readings: tuple[Reading, ...]) -> bool:
        """Render only the values that changed; False when the series are not the same as last time.

        This is the way of nearly every result, and is meant to cost a few microseconds.
        """
        old = entry.readings
        if len(old) != len(readings) or entry.refused:
            return False
        shape = entry.shape
        groups = shape.groups
        dirty: set[int] = set()
        for place, new in enumerate(readings):
            was = old[place]
            if new is was:
                continue
            if (new.family is not was.family and new.family != was.family) or new.labels != was.labels:
                return False
            if new.value != was.value:
                group = shape.group_of[place]
                if groups[group].counter and not _usable(new):
                    return False
                dirty.add(group)
        try:
            for group in dirty:
                cell = shape.cell(group, entry.reading_labels, readings)
                groups[group].column.lines[entry.cells[group]] = cell
        except (OverflowError, TypeError, ValueError):
            return False  # a value that is no number: the long way finds and refuses it
        entry.readings = readings
        return True

    def _reshape(self, entry: _Entry, readings: tuple[Reading, ...]) -> None:
        accepted: list[Reading] = []
        suffixes: list[bytes] = []
        refused: list[tuple[str, str]] = []
        seen: set[tuple[str, tuple[str, ...]]] = set()
        siblings = [other for other in self._by_identity[entry.reading_labels] if other is not entry]
        for reading in readings:
            suffix = self._suffix(reading)
            key = (reading.family.name, reading.labels)
            if self._families.get(reading.family.name) != reading.family:
                refused.append(("undeclared", reading.family.name))
            elif suffix is None:
                refused.append(("label", reading.family.name))
            elif not _usable(reading):
                refused.append(("value", reading.family.name))
            elif key in seen or any(key in other.shape.series for other in siblings):
                refused.append(("duplicate", reading.family.name))
            elif len(accepted) >= SERIES_PER_CHECK:
                refused.append(("limit", reading.family.name))
            else:
                seen.add(key)
                accepted.append(reading)
                suffixes.append(suffix)
        shape = self._shapes.of(entry.subject.council, accepted, suffixes)
        if shape is not entry.shape:
            self._take_shape(entry, shape)
        for group, cell in enumerate(entry.cells):
            shape.groups[group].column.lines[cell] = shape.cell(group, entry.reading_labels, accepted)
        entry.readings = readings
        self._refuse(entry, tuple(refused))

    def _take_shape(self, entry: _Entry, shape: Shape) -> None:
        for group, cell in zip(entry.shape.groups, entry.cells, strict=True):
            group.column.give_back(cell)
        entry.shape = shape
        entry.cells = [group.column.take() for group in shape.groups]

    def _refuse(self, entry: _Entry, refused: tuple[tuple[str, str], ...]) -> None:
        if refused != entry.refused:
            entry.refused = refused
            for (reason, family), series in Counter(refused).items():
                check = entry.subject.check.id
                _log.warning("series left off the page", check=check, reason=reason, family=family, series=series)

    def _suffix(self, reading: Reading) -> bytes | None:
        """The own labels as bytes, or None when they must not stand on the page."""
        key = (reading.family.name, reading.labels)
        try:
            return self._suffixes[key]
        except KeyError:
            pass
        if len(self._suffixes) > 50_000:
            self._suffixes.clear()
        try:
            own = pairs(reading.label_names, reading.labels)
            suffix = b",%b} " % own if own else b"} "
        except ValueError:  # LabelError, or not as many values as labels
            suffix = None
        self._suffixes[key] = suffix
        return suffix


def _identity(subject: Subject, vantage: str) -> tuple[bytes, bytes]:
    """The opening brace and the common labels of a check's readings, and of its generic families."""
    readings = pairs(known.READING_LABELS, (subject.name, subject.council, vantage))
    names = known.CHECK_STATE.labels[:-1]
    return b"{" + readings, b"{" + pairs(names, (subject.name, subject.check.name, subject.council, vantage))


def _reached(result: CheckResult) -> tuple[bool, ...]:
    """For each target of the subject, whether this run had any answer from it."""
    targets = result.subject.targets
    if len(targets) == 1:
        return _REACHED if result.reached is True else _NOT_REACHED
    answering = {
        observation.target
        for observation in result.observations
        if observation.fault is None or observation.fault.reached is True
    }
    return tuple(target.name in answering for target in targets)


def _usable(reading: Reading) -> bool:
    """A number; for a counter one that is finite and not negative, as OpenMetrics requires."""
    try:
        value = float(reading.value)
    except (OverflowError, TypeError, ValueError):
        return False
    return reading.family.type is not MetricType.COUNTER or 0 <= value < math.inf


def _plain(key: str) -> str:
    """A finding's key fit for a label: a key that holds what a label must not is shown as far as it is plain."""
    try:
        escaped(key)
    except LabelError:
        return "".join(letter for letter in key[:100] if letter.isprintable())
    return key


def _pieces(first: bytes, whole: list[tuple[bytes, list[list[bytes]]]]) -> Iterator[bytes]:
    parts, size = [first], len(first)
    for head, columns in whole:
        parts.append(head)
        for lines in columns:
            for start in range(0, len(lines), _PIECE_LINES):
                parts.append(b"".join(lines[start : start + _PIECE_LINES]))
                size += len(parts[-1])
                if size >= _PIECE_BYTES:
                    yield b"".join(parts)
                    parts, size = [], 0
    yield b"".join(parts)


_REACHED, _NOT_REACHED = (True,), (False,)
_STATE_CODES = b"".join(b'%b{state="%b"} %d\n' % (known.STATE_CODE.name.encode(), s.encode(), s.code) for s in State)
