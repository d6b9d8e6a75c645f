"""What results from another vantage mean beside the judge's own: ways that are at fault, vantages that are away."""

from __future__ import annotations

from dataclasses import replace

from agent.isolation import away
from agent.judge.book import Verdict
from agent.judge.openings import Openings
from agent.judge.scene import Scene
from agent.judge.taking import Taking
from agent.judge.vantages import ONCE
from agent.judge.verdicts import Verdicts, way_at_fault
from agent.judge.watch import Watched
from agent.records import OPEN_LEVELS, Alert, AlertLevel, Cause, CheckResult
from checks.contract import State
from config.estate import Level, Target


class Abroad:
    """Shares the judge's book; holds nothing of its own."""

    def __init__(self, scene: Scene, openings: Openings, taking: Taking) -> None:
        self._scene = scene
        self._book = scene.book
        self._openings = openings
        self._taking = taking

    def not_asked(self, watched: Watched, result: CheckResult, started: float, now: float) -> None:
        """The vantage could not be asked: one cause for all of its checks, and nothing is said about any target.

        What was last known of the check stays, and ages: `fresh_until` is not moved on.
        """
        scene, fault = self._scene, result.fault
        assert fault is not None  # `not_asked` saw to it; for mypy
        watched.away = True
        watched.calm = False
        rule = scene.away.fails(watched, fault)
        cause = away(watched.vantage)
        alert = self._book.get(cause)
        if rule is not None:
            if alert is None:
                alert = Alert(cause, scene.estate.vantages[watched.vantage].site, impact=Level.MEDIUM.value)
                self._book.add(alert)
            verdict = Verdict(State.UNKNOWN, fault.message[:300], {"check": watched.spec.id}, fault=False)
            spec = replace(watched.spec, open_after=rule)
            self._taking.bad(alert, spec, watched.vantage, None, verdict, started, now)
            self._book.touch(alert)
        if alert is not None:
            watched.causes.add(cause)
        self._openings.unsettle(watched.spec.target, turned=False)  # whoever waits for this one waits in vain

    def answers(self, watched: Watched, started: float) -> None:
        """A result from another vantage: whatever it says, the vantage can be asked."""
        watched.away = False
        well = self._scene.away.answers(watched)
        alert = self._book.get(away(watched.vantage))
        if alert is not None and well:
            verdict = Verdict(State.OK, f"The prober at {watched.vantage} answers again.")
            self._taking.good(alert, watched.vantage, verdict, started)
            alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
            alert.fresh_until = watched.fresh_until
            self._book.touch(alert)

    def take_way(
        self, watched: Watched, target: Target, cause: Cause, verdict: Verdict, started: float, now: float
    ) -> None:
        """One check's word about a way that many share: it is at fault while any of them says so often enough."""
        scene = self._scene
        alert = self._book.get(cause)
        if verdict.state.bad:
            scene.paths.add(cause, watched)
            if watched.failures < watched.spec.open_after.m and (alert is None or alert.level not in OPEN_LEVELS):
                return
            if alert is None:
                alert = Alert(cause, target.site, impact=scene.impact_of(target))
                self._book.add(alert)
            watched.causes.add(cause)
            spec = replace(watched.spec, open_after=ONCE)
            self._taking.bad(alert, spec, watched.vantage, target, verdict, started, now)
        else:
            scene.paths.drop(cause, target.name, watched.contributor)
            if alert is None:
                watched.causes.discard(cause)
                return
            if scene.paths.bad(cause):
                return
            self._taking.good(alert, watched.vantage, verdict, started)
        alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
        alert.fresh_until = watched.fresh_until
        alert.stale = False  # this check has just spoken
        self._book.touch(alert)

    def supersede_way(self, watched: Watched, way: Cause | None, said: Verdicts) -> None:
        """Nobody is known to reach the target any more: a way that has not opened as a cause is not at fault."""
        if way is None or way in said:
            return
        alert = self._book.get(way)
        if alert is not None and alert.level in OPEN_LEVELS:
            return  # it stays as bad as it was, beside the fold
        self._scene.paths.drop(way, watched.spec.target, watched.contributor)
        if alert is not None and alert.level is AlertLevel.HELD and not self._scene.paths.bad(way):
            self._openings.drop(way)
            alert.level, alert.suppressed_by, alert.held_until = AlertLevel.PENDING, None, None
            self._book.touch(alert)

    def void_unreached(self, reach: Cause, watched: Watched, target: Target, started: float, now: float) -> None:
        """The target answered one check: that others did not reach it no longer counts as unreachable.

        Those of another vantage speak of the way from then on, with what they have counted.
        """
        alert = self._book.get(reach)
        if alert is None:
            return
        for other in [name for name in alert.contributions if name != watched.contributor]:
            del alert.contributions[other]
            alert.faults.pop(other, None)
            self._taking.detach(other, reach)
            there = self._scene.watched.get(other)
            if there is None or there.vantage == watched.vantage or there.reached is not False:
                continue
            if there.away or there.silent:
                continue  # what it said is no longer true, or nobody knows
            for cause, verdict in way_at_fault(self._scene, there, target, started).items():
                self.take_way(there, target, cause, verdict, started, now)

    def wake_others(self, watched: Watched) -> None:
        """What the other vantages say of this target matters now, also when it is the same as before."""
        if self._scene.several:
            for other in self._scene.of_target[watched.spec.target]:
                if other.vantage != watched.vantage:
                    other.calm = False

    def standing(self, reach: Cause, way: Cause | None, target: Target) -> tuple[AlertLevel, AlertLevel | None]:
        """What decides about whatever waits for this target: whether it, and the way to it, are open causes."""
        alert = self._book.get(reach)
        level = alert.level if alert is not None else AlertLevel.CLEAR
        if way is None or target.name not in self._scene.paths.bad(way):
            return level, None
        alert = self._book.get(way)
        return level, alert.level if alert is not None else AlertLevel.CLEAR
