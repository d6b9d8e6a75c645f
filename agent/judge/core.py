"""The judge: takes results one by one, keeps an alert for each cause that is or was bad, and says what changed.

Deterministic and without I/O: the same calls in the same order give the same judgements. The clock comes with every
call. A step of it of more than `LEAP` between two calls, or backwards, is time that nobody watched: every waiting time
goes on from where it was, and nothing opens, closes or grows stale because of it. So call `tick` when `next_due` says,
which is never later than a minute away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from agent.isolation import PATH, silence
from agent.judge.abroad import Abroad
from agent.judge.book import Book
from agent.judge.explain import Explanation, explain
from agent.judge.freshness import Freshness, judge_silence
from agent.judge.openings import Openings
from agent.judge.reload import carry_over, withdraw_unasked
from agent.judge.scene import Scene, Windows
from agent.judge.taking import Taking
from agent.judge.vantages import not_asked
from agent.judge.verdicts import asked_for, verdicts_of
from agent.judge.watch import Seen, Watched, contributor_of
from agent.records import NOTHING_CHANGED, OPEN_LEVELS, Alert, AlertLevel, Cause, CheckResult, Judgement
from checks.contract import covered
from config.estate import Estate, Target

LEAP = 180.0
"""Seconds between two calls beyond which the clock jumped, or the machine slept."""
STEP_BACK = 1.0
"""Seconds by which the clock may run backwards unnoticed."""
LONGEST_REST = 60.0
"""Seconds after which the judge wants to be called at the latest."""
MAINTENANCE_EVERY = 15.0
"""Seconds between two looks at which maintenance windows began or ended."""


def no_windows(_target: Target, _kind: str, _condition: str, _now: float) -> str | None:
    """Never maintenance."""
    return None


class Judge:
    """See the module. `alerts` and `seen` are what the ledger kept: with them a restart changes no verdict."""

    def __init__(
        self,
        estate: Estate,
        alerts: Iterable[Alert] = (),
        seen: Iterable[Seen] = (),
        *,
        windows: Windows = no_windows,
        vantage: str | None = None,
    ) -> None:
        self._book = Book(alerts)
        self._scene = Scene(estate, vantage or estate.vantage, windows, self._book, seen)
        self._openings = Openings(self._scene)
        self._taking = Taking(self._scene, self._openings)
        self._abroad = Abroad(self._scene, self._openings, self._taking)
        self._freshness = Freshness()
        self._now: float | None = None
        self._maintenance_looked = -inf

    @property
    def alerts(self) -> Mapping[Cause, Alert]:
        """Every alert there is, to read only; what was never bad has none."""
        return self._book.alerts

    def result(self, result: CheckResult, now: float) -> Judgement:
        """Judge one result. A result of a check that is no longer in the estate says nothing."""
        self._watch_clock(now)
        contributor = contributor_of(result.subject.check.id, result.vantage, self._scene.vantage)
        watched = self._scene.watched.get(contributor)
        if watched is None:
            return NOTHING_CHANGED
        started = _moment(result, now)
        if not_asked(result.fault):
            self._abroad.not_asked(watched, result, started, now)
            return self._conclude(now)
        name = watched.spec.target
        reach = watched.reach
        watched.valid_for = result.valid_for
        watched.fresh_until = now + result.valid_for
        if (
            watched.calm
            and result.fault is None
            and not watched.silent
            and not reach.failing
            and watched.same_and_good(result.assessment)
            and not self._openings.has_waiting(name)
        ):
            if result.reached:
                watched.reached, watched.told = True, started
                reach.note(True, started, now)
                if name in self._scene.asking.in_flight:
                    self._scene.asking.answered(name)
            return NOTHING_CHANGED
        self._judge(watched, result, started, now)
        return self._conclude(now)

    def tick(self, now: float) -> Judgement:
        """What follows from time alone: silence, waiting that is over, maintenance that began or ended."""
        self._watch_clock(now)
        for watched in self._freshness.expired(self._scene.watched, now):
            self._taking.grow_stale(watched)
        if now >= self._maintenance_looked + MAINTENANCE_EVERY:
            self._maintenance_looked = now
            self._look_at_maintenance(now)
        self._openings.tick(now)
        self._judge_silence(now)
        return self._conclude(now)

    def next_due(self) -> float | None:
        """When `tick` is wanted next; None before the first call."""
        if self._now is None:
            return None
        moments = [self._now + LONGEST_REST, self._openings.next_due(), self._freshness.next_due()]
        if any(alert.maintenance or alert.level in OPEN_LEVELS for alert in self._book):
            moments.append(self._maintenance_looked + MAINTENANCE_EVERY)
        return max(self._now, min(moment for moment in moments if moment is not None))

    def reload(self, estate: Estate, now: float, *, windows: Windows | None = None) -> Judgement:
        """Go on with another estate. What it no longer holds is withdrawn; `formerly` carries on what was renamed."""
        self._watch_clock(now)
        carry_over(self._scene, estate, windows)
        self._freshness.add(self._scene.watched.values(), now)
        self._openings.resume(now)
        self._judge_silence(now)
        return self._conclude(now)

    def withdraw(self, cause: Cause, now: float) -> Judgement:
        """A person says that this is no longer to be asked about; if it is still bad, it starts anew."""
        self._watch_clock(now)
        self._openings.drop(cause)
        self._taking.withdraw(cause)
        return self._conclude(now)

    def explain(self, target: str, check: str | None, now: float) -> Explanation | None:
        """Why this target, or one check of it, is or is not alerting; None when the estate has no such thing."""
        return explain(self._scene, target, check, now)

    def _judge(self, watched: Watched, result: CheckResult, started: float, now: float) -> None:
        scene = self._scene
        target = scene.estate.targets[watched.spec.target]
        if watched.silent:
            self._freshness.heard(watched)
            self._judge_silence(now)
        if scene.several and watched.vantage != scene.vantage:
            self._abroad.answers(watched, started)
        reached = result.reached
        watched.note_reach(reached, started)
        said = verdicts_of(scene, watched, target, result, started)
        reach = scene.reach_cause(target, watched.vantage)
        way = scene.path_cause(target, watched.vantage)
        if reached is not None:
            scene.asking.answered(target.name)
        if reach in said or (way in said and reached is False):
            watched.reach.note(bool(reached), started, now)
        self._remember_keys(watched, result)
        before = self._abroad.standing(reach, way, target)
        if reach in said and not said[reach].state.bad:
            self._abroad.void_unreached(reach, watched, target, started, now)
        elif reached is False and (reach in said or way in said):
            self._taking.supersede_faults(watched, said)
            self._abroad.supersede_way(watched, way, said)
            self._abroad.wake_others(watched)
        for cause in sorted(said, key=lambda cause: not scene.is_reach(cause)):
            if cause.condition == PATH:
                self._abroad.take_way(watched, target, cause, said[cause], started, now)
            else:
                self._taking.take(watched, target, cause, said[cause], started, now)
        if watched.respecified and result.fault is None:
            withdraw_unasked(scene, watched, result.assessment, self._taking.withdraw)
        watched.calm = not watched.causes and all(not state.bad for state in watched.states.values())
        if reached is not None:
            self._openings.unsettle(target.name, turned=before != self._abroad.standing(reach, way, target))

    def _remember_keys(self, watched: Watched, result: CheckResult) -> None:
        assessment = result.assessment
        kept = {key: state for key, state in watched.states.items() if not covered(assessment.covers, key)}
        asked = asked_for(result)
        watched.states = kept | {found.key: found.state for found in assessment.findings if found.key in asked}
        watched.covers = assessment.covers

    def _judge_silence(self, now: float) -> None:
        place = self._scene.estate.vantages.get(self._scene.vantage)
        site = place.site if place is not None else ""
        checks = self._scene.watched
        # Whom a vantage that is away leaves without results, that vantage's own cause speaks for.
        silent = [name for name in self._freshness.silent if name not in checks or not checks[name].away]
        total = len(checks)
        judge_silence(self._book, self._scene.vantage, site, silent, total, now)

    def _look_at_maintenance(self, now: float) -> None:
        for alert in self._book:
            if alert.suppressed_by is not None or (alert.level not in OPEN_LEVELS and alert.maintenance is None):
                continue
            window = self._openings.window_over(alert, now)
            if window == alert.maintenance:
                continue
            alert.maintenance = window
            self._book.touch(alert)
            if alert.level is not AlertLevel.HELD or window is not None:
                continue
            if alert.stale:
                alert.level = AlertLevel.PENDING
            else:
                self._openings.consider(alert, min(alert.last_result, now), now)

    def _conclude(self, now: float) -> Judgement:
        self._openings.settle(now)
        return self._book.judgement(self._openings.wishes())

    def _watch_clock(self, now: float) -> None:
        before, self._now = self._now, now
        if before is None:
            self._begin(now)
        elif not -STEP_BACK <= now - before <= LEAP:
            gap = now - before
            self._scene.shift(gap)
            self._openings.shift(gap)
            self._freshness.shift(gap)
            self._maintenance_looked += gap
            self._scene.forget_the_future(now)

    def _begin(self, now: float) -> None:
        """The first call: nobody watched before it, so every check has its full time to report."""
        self._scene.forget_the_future(now)
        quiet = self._book.get(silence(self._scene.vantage))
        before = quiet.contributions if quiet is not None and quiet.level in OPEN_LEVELS else ()
        self._freshness.start(self._scene.watched.values(), before, now)
        carry_over(self._scene, self._scene.estate, None, starting=True)
        self._openings.resume(now)


def _moment(result: CheckResult, now: float) -> float:
    """When the run started, by today's clock: a run that the clock jumped under is dated back from now."""
    ended = result.started + result.duration
    return result.started if abs(now - ended) <= LEAP else now - result.duration
