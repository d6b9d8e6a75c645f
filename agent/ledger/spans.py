"""Run-length spans: how long every cause had one state and one set of flags. Pure: rows go to whoever asks for them.

As long as nothing changes nothing is written: a span that is held open names the run of the agent that holds it, and
lasts as long as that run is known to have lived. It ends when the state changes, or when nobody can tell any more: the
key is no longer covered, or no result came while the last one was fresh. Then it ends with the last result that told,
and the gap shows.

Causes of which the judge keeps an alert follow the alert (it knows all checks that contribute, and the flags); the
others, the healthy crowd, follow the results of their checks, which costs one comparison a finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.ledger.batch import Span
from agent.records import Alert, Cause, Judgement
from checks.contract import Finding, State


def flags_of(alert: Alert) -> str:
    """The flags beside the state, sorted, joined by commas."""
    flags = (
        ("flapping", alert.flapping),
        ("maintenance", alert.maintenance is not None),
        ("stale", alert.stale),
        ("suppressed", alert.suppressed_by is not None),
    )
    return ",".join(name for name, flown in flags if flown)


@dataclass(slots=True)
class Seen:
    """What one check last said of its keys. Kept small: there is one per check, and a start per finding."""

    council: str
    subject: str
    keys: list[str]
    states: list[State | None]
    """None: the alert of this cause keeps the span."""
    starts: list[float]


class SpanTracker:
    """Turns findings and judgements into spans. Not safe to use from several threads."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._alerted: dict[Cause, Span] = {}
        self._changed: dict[tuple[Cause, float], Span] = {}

    def take(self) -> tuple[Span, ...]:
        """The spans that began or ended since the last call."""
        taken = tuple(self._changed.values())
        self._changed = {}
        return taken

    def judged(self, judgement: Judgement, at: float) -> None:
        """Follow the alerts. To be called before `found` for the result that was judged."""
        for alert in judgement.changed:
            self._follow(alert, at)
        for cause in (*judgement.forgotten, *judgement.withdrawn, *(old for old, _new in judgement.renamed)):
            self._end_alerted(cause, at)

    def rename(self, old: str, subject: str, council: str) -> None:
        """What is said of `old` is said of `subject` from now on, in the spans that are open. To be called with
        nothing left to take, and before the judgement that renames the alerts."""
        for cause in [cause for cause in self._alerted if cause.subject == old]:
            span = self._alerted.pop(cause)
            new = Cause(council, subject, cause.condition)
            self._alerted[new] = replace(span, cause=new)

    def restore(self, alerts: Iterable[Alert], at: float) -> None:
        """Follow the alerts that were loaded at start, from now on."""
        for alert in alerts:
            self._follow(alert, at)

    def found(self, seen: Seen | None, council: str, subject: str, findings: tuple[Finding, ...], at: float) -> Seen:
        """What a check found; returns what to hand in next time. The same object when nothing changed."""
        # Whole lists are compared because that is one loop in C; the states first, they are compared by identity.
        if (
            seen is not None
            and [finding.state for finding in findings] == seen.states
            and [finding.key for finding in findings] == seen.keys
        ):
            return seen
        return self._compare(seen, council, subject, findings, at)

    def lost(self, seen: Seen, at: float) -> None:
        """Nobody can tell any more: end what this check kept open at the last result that told."""
        for key, state, start in zip(seen.keys, seen.states, seen.starts, strict=True):
            if state is not None:
                self._end(Cause(seen.council, seen.subject, key), state, start, at)

    def _compare(self, seen: Seen | None, council: str, subject: str, findings: tuple[Finding, ...], at: float) -> Seen:
        before: dict[str, tuple[State | None, float]] = {}
        if seen is not None:
            before = {k: (state, start) for k, state, start in zip(seen.keys, seen.states, seen.starts, strict=True)}
        after = Seen(council, subject, [], [], [])
        for finding in findings:
            cause = Cause(council, subject, finding.key)
            old, start = before.pop(finding.key, (None, at))
            new = None if cause in self._alerted else finding.state
            if old is not new:
                if old is not None:
                    self._end(cause, old, start, at)
                start = at
                if new is not None:
                    self._keep(Span(cause, start, start, new, "", self._run))
            after.keys.append(finding.key)
            after.states.append(new)
            after.starts.append(start)
        for key, (old, start) in before.items():
            if old is not None:
                self._end(Cause(council, subject, key), old, start, at)
        return after

    def _follow(self, alert: Alert, at: float) -> None:
        flags = flags_of(alert)
        span = self._alerted.get(alert.cause)
        if span is not None:
            if span.state is alert.state and span.flags == flags:
                return
            self._keep(replace(span, end=at, run=None))
        fresh = Span(alert.cause, at, at, alert.state, flags, self._run)
        self._alerted[alert.cause] = fresh
        self._keep(fresh)

    def _end_alerted(self, cause: Cause, at: float) -> None:
        span = self._alerted.pop(cause, None)
        if span is not None:
            self._keep(replace(span, end=max(at, span.start), run=None))

    def _end(self, cause: Cause, state: State, start: float, at: float) -> None:
        self._keep(Span(cause, start, max(at, start), state, "", None))

    def _keep(self, span: Span) -> None:
        self._changed[span.cause, span.start] = span
