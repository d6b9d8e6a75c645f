"""Which checks have fallen silent: each check's last result is good until a moment, and the earliest are looked at."""

from __future__ import annotations

from collections.abc import Container, Iterable
from heapq import heapify, heappop, heappush

from agent.cadence import valid_for
from agent.history import KEPT, pushed
from agent.isolation import silence
from agent.judge.book import Book, Verdict, take_good
from agent.judge.watch import Watched
from agent.records import Alert, AlertLevel
from checks.contract import State
from config.estate import Level, MofN

_NAMED = 10
"""Silent checks named in the sentence; the rest is a count."""
_KEPT_BY_NAME = 100
_ONCE = MofN(1, 1)
_CONTRIBUTOR = "agent"


class Freshness:
    """Finds checks without a result for longer than theirs stay valid. A new result costs it nothing."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self.silent: dict[str, None] = {}

    def start(self, checks: Iterable[Watched], before: Container[str], now: float) -> None:
        """Begin to watch: whatever happened before `now` was seen by nobody and counts against no check.

        Those `before`, silent already when the agent stopped, are so until they report.
        """
        self._heap = []
        self.silent = {}
        for watched in checks:
            if not watched.valid_for:
                watched.valid_for = valid_for(watched.spec.schedule, watched.spec.timeout, now)
            watched.fresh_until = now + watched.valid_for
            watched.silent = watched.contributor in before
            if watched.silent:
                self.silent[watched.contributor] = None
            else:
                self._heap.append((watched.fresh_until, watched.contributor))
        heapify(self._heap)

    def add(self, checks: Iterable[Watched], now: float) -> None:
        """Take up checks that are new, and drop from the silent ones those that are gone."""
        listed = {contributor for _, contributor in self._heap}
        known = set()
        for watched in checks:
            contributor = watched.contributor
            known.add(contributor)
            if not watched.valid_for:
                watched.valid_for = valid_for(watched.spec.schedule, watched.spec.timeout, now)
            if contributor not in listed and contributor not in self.silent:
                watched.silent = False
                watched.fresh_until = now + watched.valid_for
                heappush(self._heap, (watched.fresh_until, contributor))
        self.silent = {contributor: None for contributor in self.silent if contributor in known}

    def expired(self, checks: dict[str, Watched], now: float) -> list[Watched]:
        """Checks that have fallen silent since the last call."""
        found = []
        while self._heap and self._heap[0][0] < now:
            _, contributor = heappop(self._heap)
            watched = checks.get(contributor)
            if watched is None:
                continue
            if watched.fresh_until >= now:
                heappush(self._heap, (watched.fresh_until, contributor))
            elif not watched.silent:
                watched.silent = True
                self.silent[contributor] = None
                found.append(watched)
        return found

    def heard(self, watched: Watched) -> None:
        """A silent check has reported again."""
        watched.silent = False
        self.silent.pop(watched.contributor, None)
        heappush(self._heap, (watched.fresh_until, watched.contributor))

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def shift(self, seconds: float) -> None:
        self._heap = [(at + seconds, contributor) for at, contributor in self._heap]


def judge_silence(book: Book, vantage: str, site: str, silent: Iterable[str], total: int, now: float) -> None:
    """Keep the one alert about all checks of this agent that no longer report.

    One cause for all of them: the target is not asked, so the fault is the agent's own, and an agent that cannot keep
    up must not open a ticket for each of its checks.
    """
    cause = silence(vantage)
    names = sorted(silent)
    alert = book.get(cause)
    if names:
        if alert is None:
            alert = Alert(cause, site, impact=Level.HIGH.value, open_after=_ONCE, clear_after=_ONCE)
            book.add(alert)
        _speak_up(book, alert, names, _sentence(names, vantage, total), now)
    elif alert is not None and alert.level is not AlertLevel.CLEAR:
        alert.contributions = {}
        take_good(alert, _CONTRIBUTOR, Verdict(State.OK, "Every check reports again."), now)
        book.touch(alert)
    elif alert is not None and alert.first_good is not None and now >= alert.first_good + alert.hold_down:
        book.forget(cause)


def _sentence(names: list[str], vantage: str, total: int) -> str:
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return (
        f"{len(names)} of {total} checks of the agent at {vantage} bring no result any more, so what they watch is not "
        f"known. Look at the agent's load and its log. Silent: {shown}"
    )[:300]


def _speak_up(book: Book, alert: Alert, names: list[str], text: str, now: float) -> None:
    # Kept by name, so that a restart does not take them for fresh.
    contributions = dict.fromkeys(names[:_KEPT_BY_NAME], State.UNKNOWN)
    if alert.level is not AlertLevel.FIRING:
        alert.first_bad, alert.first_good = now, None
        alert.state = State.UNKNOWN
        alert.history, alert.length = pushed(alert.history, True), min(alert.length + 1, KEPT)
        alert.last_result = now
        alert.level = AlertLevel.FIRING
    elif alert.summary == text and alert.contributions == contributions:
        return
    alert.summary, alert.contributions = text, contributions
    book.touch(alert)
