"""From single probes to gaps: bounded, and told as exactly as the probes allow. Pure."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

from agent.drills.records import Gap, Measured

MOST_GAPS = 200
"""Gaps of one probe that are kept one by one; of those after them the number, and the longest."""


class Answer(StrEnum):
    """What became of one probe."""

    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    UNWELL = "unwell"
    """It answered that it is overloaded, or that it or what stands behind it fails; or what came was no answer."""
    UNSENT = "unsent"
    """It failed on this machine: it says nothing of the other."""


@dataclass(slots=True)
class _Waiting:
    left: float
    answer: Answer | None = None
    done: float = 0.0
    """When that was known."""


@dataclass(slots=True)
class _Open:
    """A gap that has not ended."""

    start: float
    sure: float
    """From when on the service was away for sure: a refusal says so when it comes, silence counts from the question."""
    before: float
    """When the last answered probe left, or the first of all where none was answered before."""
    last: float
    lost: int


@dataclass(slots=True)
class Counted:
    """The count of one probe. `leave` and `settle` in any order; gaps are made in the order in which probes left."""

    probe: str
    interval: float
    patience: float
    sent: int = 0
    answered: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    coarsest: float = 0.0
    turns: int = 0
    """How many gaps have begun or ended."""
    answered_since: float = 0.0
    """When the probe left that ended the last gap; 0 before the first."""
    _gaps: list[Gap] = field(default_factory=list)
    _left_out: int = 0
    _longest: Gap | None = None
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _first: int = 0
    """Number of the oldest probe in `_waiting`."""
    _open: _Open | None = None
    _good: float | None = None
    _left: float | None = None
    _run: int = 0
    """Probes answered in a row, of those that are settled."""

    def leave(self, at: float) -> int:
        """A probe leaves now; its number."""
        if self._left is not None:
            self.coarsest = max(self.coarsest, at - self._left)
        self._left = at
        self.sent += 1
        self._waiting.append(_Waiting(at))
        return self._first + len(self._waiting) - 1

    def settle(self, number: int, answer: Answer, at: float) -> None:
        """What became of it, and when that was known; once."""
        one = self._waiting[number - self._first]
        one.answer, one.done = answer, at
        while self._waiting and self._waiting[0].answer is not None:
            self._count(self._waiting.popleft())
            self._first += 1

    @property
    def under_way(self) -> int:
        """Probes of which nothing is known yet."""
        return sum(one.answer is None for one in self._waiting)

    @property
    def lost_since(self) -> float | None:
        """Since when nothing is answered; None while something is."""
        return self._open.start if self._open is not None else None

    @property
    def answered_in_a_row(self) -> int:
        return self._run

    def measured(self) -> Measured:
        """Everything so far; a gap that goes on stands last, as long as it is known to have lasted."""
        gaps = self._gaps
        longest, left_out = self._longest, self._left_out
        if self._open is not None:
            now = max(self._open.last, self._left or 0.0)
            going_on = _gap(self._open, now, now, over=False)
            longest = going_on if longest is None or going_on.seconds >= longest.seconds else longest
            gaps, left_out = ([*gaps, going_on], left_out) if len(gaps) < MOST_GAPS else (gaps, left_out + 1)
        return Measured(
            self.probe, self.interval, self.patience, self.sent, self.answered, self.ways.total(), self.unsent,
            dict(self.ways), self.coarsest, longest, tuple(gaps), left_out,
        )  # fmt: skip

    def _count(self, one: _Waiting) -> None:
        if one.answer is Answer.UNSENT or one.answer is None:
            self.unsent += 1
        elif one.answer is Answer.ANSWERED:
            self.answered += 1
            self._run += 1
            if self._open is not None:
                self._keep(_gap(self._open, one.left, one.done, over=True))
                self._open = None
                self.answered_since = one.left
                self.turns += 1
            self._good = one.left
        else:
            self.ways[one.answer.value] += 1
            self._run = 0
            if self._open is None:
                self.turns += 1
                before = self._good if self._good is not None else one.left
                sure = one.left if one.answer is Answer.SILENT else one.done
                self._open = _Open(one.left, sure, before, one.left, 0)
            self._open.last = one.left
            self._open.lost += 1

    def _keep(self, gap: Gap) -> None:
        if self._longest is None or gap.seconds > self._longest.seconds:
            self._longest = gap
        if len(self._gaps) < MOST_GAPS:
            self._gaps.append(gap)
        else:
            self._left_out += 1


def _gap(gap: _Open, end: float, answered: float, *, over: bool) -> Gap:
    """A gap up to the probe that left at `end` and was answered at `answered`, or as it stands."""
    at_least = max(0.0, gap.last - gap.sure)
    return Gap(gap.start, end - gap.start, at_least, answered - gap.before, gap.lost, open=not over)
