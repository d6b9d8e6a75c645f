"""The alerts themselves: kept by cause, changed in place, handed out as copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field

from agent.history import KEPT, brings_nearer, clears, flaps, is_spotless, pushed
from agent.records import NOTHING_CHANGED, OPEN_LEVELS, WAITING_LEVELS, Alert, AlertLevel, Cause, Judgement, ProbeWish
from checks.contract import State, worst
from config.estate import CheckSpec, MofN


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one result says about one cause."""

    state: State
    summary: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    fault: bool | None = None
    """None for a finding; for a fault of asking, whether the target itself answered."""


class Book:
    """Alerts by cause, and what has changed since the last judgement was handed out."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self.alerts: dict[Cause, Alert] = {alert.cause: _copied(alert) for alert in alerts}
        self._changed: dict[Cause, None] = {}
        self._forgotten: dict[Cause, None] = {}
        self._withdrawn: dict[Cause, None] = {}
        self._renamed: list[tuple[Cause, Cause]] = []
        self._moved: list[tuple[str, str, str]] = []

    def __iter__(self) -> Iterator[Alert]:
        return iter(list(self.alerts.values()))

    def get(self, cause: Cause) -> Alert | None:
        return self.alerts.get(cause)

    def add(self, alert: Alert) -> None:
        self.alerts[alert.cause] = alert
        self._forgotten.pop(alert.cause, None)
        self.touch(alert)

    def touch(self, alert: Alert) -> None:
        """This alert differs from what was last handed out."""
        self._changed.setdefault(alert.cause)

    def forget(self, cause: Cause) -> None:
        """Firmly clear: nothing about it decides anything any more."""
        if self.alerts.pop(cause, None) is not None:
            self._forgotten[cause] = None

    def withdraw(self, cause: Cause) -> None:
        """No longer asked about: gone without having recovered."""
        if self.alerts.pop(cause, None) is not None:
            self._changed.pop(cause, None)
            self._withdrawn[cause] = None

    def rename(self, alert: Alert, cause: Cause) -> None:
        del self.alerts[alert.cause]
        self._renamed.append((alert.cause, cause))
        alert.cause = cause
        self.add(alert)

    def move(self, old: str, new: str, council: str) -> None:
        """A target goes on under another name."""
        self._moved.append((old, new, council))

    def judgement(self, wishes: Iterable[ProbeWish] = ()) -> Judgement:
        """Everything since the last call, as copies that later results do not change."""
        asked = tuple(wishes)
        if not (asked or self._changed or self._forgotten or self._withdrawn or self._renamed or self._moved):
            return NOTHING_CHANGED
        changed = tuple(_copied(self.alerts[cause]) for cause in self._changed if cause in self.alerts)
        made = Judgement(
            changed, asked, tuple(self._forgotten), tuple(self._withdrawn), tuple(self._renamed), tuple(self._moved)
        )
        self._changed, self._forgotten, self._withdrawn, self._renamed, self._moved = {}, {}, {}, [], []
        return made


def take_bad(alert: Alert, spec: CheckSpec, contributor: str, verdict: Verdict, started: float) -> None:
    """One more bad result: everything but the level."""
    if alert.level is AlertLevel.CLEAR or alert.first_bad is None:
        alert.first_bad = started
    alert.first_good = None
    _contribute(alert, contributor, verdict)
    alert.state = worst(list(alert.contributions.values()))
    if verdict.state is alert.state or not alert.summary:
        alert.summary = verdict.summary
        alert.evidence = verdict.evidence
    if _has_others(alert):
        alert.open_after = max(alert.open_after, spec.open_after, key=_patience)
        alert.clear_after = max(alert.clear_after, spec.clear_after, key=_patience)
    else:
        alert.open_after, alert.clear_after = spec.open_after, spec.clear_after
    alert.hold_down = spec.hold_down
    alert.wake = spec.wake
    _push(alert, True, started)


def take_good(alert: Alert, contributor: str, verdict: Verdict, started: float) -> None:
    """One more good result. While another check still says bad it settles nothing, and does not count."""
    _contribute(alert, contributor, verdict)
    alert.state = worst(list(alert.contributions.values()))
    if alert.state.bad:
        alert.last_result = started
        return
    alert.summary = verdict.summary or alert.summary
    alert.evidence = verdict.evidence
    if alert.first_good is None:
        alert.first_good = started
    _push(alert, False, started)
    if alert.level in OPEN_LEVELS:
        over = clears(alert.history, alert.length, alert.clear_after)
        alert.level = AlertLevel.CLEAR if over else AlertLevel.CLEARING
    elif alert.level in WAITING_LEVELS:
        alert.level = AlertLevel.PENDING if brings_nearer(alert.history, alert.open_after) else AlertLevel.CLEAR


def is_settled(alert: Alert, moment: float) -> bool:
    """Whether nothing is left to remember: clear for so long that neither flapping nor the hold-down needs it."""
    held = alert.first_good is None or moment >= alert.first_good + alert.hold_down
    return alert.level is AlertLevel.CLEAR and held and is_spotless(alert.history)


def _contribute(alert: Alert, contributor: str, verdict: Verdict) -> None:
    alert.contributions[contributor] = verdict.state
    if verdict.fault is None or not verdict.state.bad:
        alert.faults.pop(contributor, None)
    else:
        alert.faults[contributor] = verdict.fault


def _push(alert: Alert, bad: bool, started: float) -> None:
    alert.history = pushed(alert.history, bad)
    alert.length = min(alert.length + 1, KEPT)
    alert.flapping = flaps(alert.history, alert.flapping)
    alert.last_result = started


def _has_others(alert: Alert) -> bool:
    """Whether more than one check says bad: then the more patient rule holds for all."""
    return sum(state.bad for state in alert.contributions.values()) > 1


def _patience(rule: MofN) -> tuple[int, int]:
    return (rule.m, rule.n)


def _copied(alert: Alert) -> Alert:
    made = copy(alert)
    made.contributions = dict(alert.contributions)
    made.faults = dict(alert.faults)
    made.questions = dict(alert.questions)
    return made
