"""One verdict into its alert: counted, opened, closed, forgotten; and who contributes to which cause."""

from __future__ import annotations

from agent.history import opens
from agent.isolation import AWAY, PATH
from agent.judge.book import Verdict, is_settled, take_bad, take_good
from agent.judge.openings import Openings
from agent.judge.scene import Scene
from agent.judge.verdicts import Verdicts
from agent.judge.watch import Watched
from agent.records import OPEN_LEVELS, WAITING_LEVELS, Alert, AlertLevel, Cause
from config.estate import CheckSpec, Target

GATEWAY_EVERY = 5.0
"""Seconds within which first failures ask a vantage's gateway only once."""


class Taking:
    """Shares the judge's book; holds nothing of its own."""

    def __init__(self, scene: Scene, openings: Openings) -> None:
        self._scene = scene
        self._book = scene.book
        self._openings = openings

    def take(
        self, watched: Watched, target: Target, cause: Cause, verdict: Verdict, started: float, now: float
    ) -> None:
        alert = self._book.get(cause)
        if alert is None:
            if not verdict.state.bad:
                return
            alert = Alert(cause, self._scene.site_of(cause, target), impact=self._scene.impact_of(target))
            self._book.add(alert)
        watched.causes.add(cause)
        first = alert.level is AlertLevel.CLEAR
        if verdict.state.bad:
            self.bad(alert, watched.spec, watched.contributor, target, verdict, started, now)
            gateway = self._scene.gateways.get(watched.vantage)
            if first and gateway is not None and target.name != gateway and self._scene.explainable(alert):
                self._ask_gateway(gateway, cause, now)
        else:
            self.good(alert, watched.contributor, verdict, started)
        if verdict.fault is not None:
            alert.questions.pop(watched.contributor, None)
        elif verdict.state.bad or cause.condition in watched.states:
            alert.questions[watched.contributor] = watched.question
        alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
        alert.fresh_until = watched.fresh_until  # not the latest ever: the clock may have been set back since
        alert.stale = self.is_stale(alert)
        self._book.touch(alert)

    def bad(
        self,
        alert: Alert,
        spec: CheckSpec,
        contributor: str,
        target: Target | None,
        verdict: Verdict,
        started: float,
        now: float,
    ) -> None:
        take_bad(alert, spec, contributor, verdict, started)
        alert.dependent = self._scene.explainable(alert) and (
            any(self._scene.parents(alert, target)) or self._scene.has_other_eyes(target)
        )
        if target is not None:
            alert.impact = self._scene.impact_of(target)
        if alert.level in OPEN_LEVELS:
            alert.level = AlertLevel.FIRING
        elif opens(alert.history, alert.open_after):
            self._openings.consider(alert, started, now)
        else:
            self._openings.drop(alert.cause)
            alert.level, alert.suppressed_by, alert.held_until = AlertLevel.PENDING, None, None

    def good(self, alert: Alert, contributor: str, verdict: Verdict, started: float) -> None:
        was_held = alert.level is AlertLevel.HELD
        take_good(alert, contributor, verdict, started)
        if was_held and alert.level is not AlertLevel.HELD:
            self._openings.drop(alert.cause)
            alert.suppressed_by = alert.held_until = None
        if alert.level not in WAITING_LEVELS and alert.level not in OPEN_LEVELS:
            alert.maintenance = None
        if is_settled(alert, started):
            self._detach_all(alert)
            self._book.forget(alert.cause)

    def supersede_faults(self, watched: Watched, said: Verdicts) -> None:
        """The fold takes over: faults of this check's protocol that have not opened are no suspicion meanwhile.

        A device that falls silent in the middle of a poll gives such a fault once; from then on it is unreachable, and
        nothing else. The count stays, for when it is reached again.
        """
        for cause in watched.causes:
            alert = self._book.get(cause)
            if alert is None or cause in said or alert.faults.keys() != {watched.contributor}:
                continue
            if alert.level in WAITING_LEVELS:
                self._openings.drop(cause)
                alert.level, alert.suppressed_by, alert.held_until = AlertLevel.CLEAR, None, None
                self._book.touch(alert)

    def is_stale(self, alert: Alert) -> bool:
        """Whether a check that says bad has fallen silent; its word still stands, but it is old."""
        checks = self._scene.watched
        if alert.cause.condition == PATH:
            bad = self._scene.paths.bad(alert.cause)
            return bool(bad) and all(checks[name].silent for names in bad.values() for name in names if name in checks)
        return any(state.bad and name in checks and checks[name].silent for name, state in alert.contributions.items())

    def grow_stale(self, watched: Watched) -> None:
        watched.calm = False
        for cause in watched.causes:
            alert = self._book.get(cause)
            if alert is not None and not alert.stale and self.is_stale(alert):
                alert.stale = True
                self._book.touch(alert)

    def withdraw(self, cause: Cause) -> None:
        alert = self._book.get(cause)
        if alert is not None:
            self._detach_all(alert)
            self._scene.paths.forget(cause)
            self._book.withdraw(cause)

    def detach(self, contributor: str, cause: Cause) -> None:
        watched = self._scene.watched.get(contributor)
        if watched is not None:
            watched.causes.discard(cause)

    def _detach_all(self, alert: Alert) -> None:
        """No check has anything more to say to this."""
        if alert.cause.condition in (PATH, AWAY):
            for watched in self._scene.watched.values():
                watched.causes.discard(alert.cause)
        for contributor in list(alert.contributions):
            self.detach(contributor, alert.cause)

    def _ask_gateway(self, gateway: str, because: Cause, now: float) -> None:
        """Something begins to fail: is it the vantage itself that is cut off?"""
        if not self._scene.asking.recently(gateway, now, GATEWAY_EVERY):
            self._openings.ask(gateway, because, now)
