"""The judge: takes results one by one, keeps an alert for each cause that is or was bad, and says what changed.

Deterministic and without I/O: the same calls in the same order give the same judgements. The clock comes with every
call. A step of it of more than `LEAP` between two calls, or backwards, is time that nobody watched: every waiting time
goes on from where it was, and nothing opens, closes or grows stale because of it. So call `tick` when `next_due` says,
which is never later than a minute away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf

from agent.history import opens
from agent.isolation import AWAY, PATH, away, silence
from agent.judge.book import Book, Verdict, is_settled, take_bad, take_good
from agent.judge.explain import Explanation, explain
from agent.judge.freshness import Freshness, judge_silence
from agent.judge.openings import Openings
from agent.judge.reload import carry_over, withdraw_unasked
from agent.judge.scene import Scene, Windows
from agent.judge.vantages import ONCE, not_asked
from agent.judge.verdicts import asked_for, verdicts_of, way_at_fault
from agent.judge.watch import Seen, Watched, contributor_of
from agent.records import NOTHING_CHANGED, OPEN_LEVELS, WAITING_LEVELS, Alert, AlertLevel, Cause, CheckResult, Judgement
from checks.contract import State, covered
from config.estate import CheckSpec, Estate, Level, Target

LEAP = 180.0
"""Seconds between two calls beyond which the clock jumped, or the machine slept."""
STEP_BACK = 1.0
"""Seconds by which the clock may run backwards unnoticed."""
LONGEST_REST = 60.0
"""Seconds after which the judge wants to be called at the latest."""
MAINTENANCE_EVERY = 15.0
"""Seconds between two looks at which maintenance windows began or ended."""
GATEWAY_EVERY = 5.0
"""Seconds within which first failures ask the agent's gateway only once."""


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
            self._judge_not_asked(watched, result, started, now)
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
            self._grow_stale(watched)
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
        self._withdraw(cause)
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
            self._vantage_answers(watched, started)
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
        before = self._standing(reach, way, target)
        if reach in said and not said[reach].state.bad:
            self._void_unreached(reach, watched, target, started, now)
        elif reached is False and (reach in said or way in said):
            self._supersede_faults(watched, said)
            self._supersede_way(watched, way, said)
            self._wake_others(watched)
        for cause in sorted(said, key=lambda cause: not scene.is_reach(cause)):
            if cause.condition == PATH:
                self._take_path(watched, target, cause, said[cause], started, now)
            else:
                self._take(watched, target, cause, said[cause], started, now)
        if watched.respecified and result.fault is None:
            withdraw_unasked(scene, watched, self._withdraw)
        watched.calm = not watched.causes and all(not state.bad for state in watched.states.values())
        if reached is not None:
            self._openings.unsettle(target.name, turned=before != self._standing(reach, way, target))

    def _judge_not_asked(self, watched: Watched, result: CheckResult, started: float, now: float) -> None:
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
            self._take_bad(alert, spec, watched.vantage, None, verdict, started, now)
            self._book.touch(alert)
        if alert is not None:
            watched.causes.add(cause)
        self._openings.unsettle(watched.spec.target, turned=False)  # whoever waits for this one waits in vain

    def _vantage_answers(self, watched: Watched, started: float) -> None:
        """A result from another vantage: whatever it says, the vantage can be asked."""
        watched.away = False
        well = self._scene.away.answers(watched)
        alert = self._book.get(away(watched.vantage))
        if alert is not None and well:
            verdict = Verdict(State.OK, f"The prober at {watched.vantage} answers again.")
            self._take_good(alert, watched.vantage, verdict, started)
            alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
            alert.fresh_until = watched.fresh_until
            self._book.touch(alert)

    def _standing(self, reach: Cause, way: Cause | None, target: Target) -> tuple[AlertLevel, AlertLevel | None]:
        """What decides about whatever waits for this target: whether it, and the way to it, are open causes."""
        alert = self._book.get(reach)
        level = alert.level if alert is not None else AlertLevel.CLEAR
        if way is None or target.name not in self._scene.paths.bad(way):
            return level, None
        alert = self._book.get(way)
        return level, alert.level if alert is not None else AlertLevel.CLEAR

    def _remember_keys(self, watched: Watched, result: CheckResult) -> None:
        assessment = result.assessment
        kept = {key: state for key, state in watched.states.items() if not covered(assessment.covers, key)}
        asked = asked_for(result)
        watched.states = kept | {found.key: found.state for found in assessment.findings if found.key in asked}
        watched.covers = assessment.covers

    def _void_unreached(self, reach: Cause, watched: Watched, target: Target, started: float, now: float) -> None:
        """The target answered one check: that others did not reach it no longer counts as unreachable.

        Those of another vantage speak of the way from then on, with what they have counted.
        """
        alert = self._book.get(reach)
        if alert is None:
            return
        for other in [name for name in alert.contributions if name != watched.contributor]:
            del alert.contributions[other]
            alert.faults.pop(other, None)
            self._detach(other, reach)
            there = self._scene.watched.get(other)
            if there is None or there.vantage == watched.vantage or there.reached is not False:
                continue
            if there.away or there.silent:
                continue  # what it said is no longer true, or nobody knows
            for cause, verdict in way_at_fault(self._scene, there, target, started).items():
                self._take_path(there, target, cause, verdict, started, now)

    def _wake_others(self, watched: Watched) -> None:
        """What the other vantages say of this target matters now, also when it is the same as before."""
        if self._scene.several:
            for other in self._scene.of_target[watched.spec.target]:
                if other.vantage != watched.vantage:
                    other.calm = False

    def _supersede_way(self, watched: Watched, way: Cause | None, said: Mapping[Cause, Verdict]) -> None:
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

    def _take_path(
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
            self._take_bad(alert, spec, watched.vantage, target, verdict, started, now)
        else:
            scene.paths.drop(cause, target.name, watched.contributor)
            if alert is None:
                watched.causes.discard(cause)
                return
            if scene.paths.bad(cause):
                return
            self._take_good(alert, watched.vantage, verdict, started)
        alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
        alert.fresh_until = watched.fresh_until
        alert.stale = False  # this check has just spoken
        self._book.touch(alert)

    def _supersede_faults(self, watched: Watched, said: Mapping[Cause, Verdict]) -> None:
        """The fold takes over: faults of this check's protocol that have not opened stop counting meanwhile."""
        for cause in watched.causes:
            alert = self._book.get(cause)
            if alert is None or cause in said or watched.contributor not in alert.faults:
                continue
            if alert.level is AlertLevel.HELD:
                self._openings.drop(cause)
                alert.level, alert.suppressed_by, alert.held_until = AlertLevel.PENDING, None, None
                self._book.touch(alert)

    def _take(
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
            self._take_bad(alert, watched.spec, watched.contributor, target, verdict, started, now)
            gateway = self._scene.gateways.get(watched.vantage)
            if first and gateway is not None and target.name != gateway and self._scene.explainable(alert):
                self._ask_gateway(gateway, cause, now)
        else:
            self._take_good(alert, watched.contributor, verdict, started)
        alert.reopen_window = max(watched.spec.reopen_window, watched.valid_for)
        alert.fresh_until = watched.fresh_until  # not the latest ever: the clock may have been set back since
        alert.stale = self._is_stale(alert)
        self._book.touch(alert)

    def _take_bad(
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

    def _take_good(self, alert: Alert, contributor: str, verdict: Verdict, started: float) -> None:
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

    def _ask_gateway(self, gateway: str, because: Cause, now: float) -> None:
        """Something begins to fail: is it the vantage itself that is cut off?"""
        if not self._scene.asking.recently(gateway, now, GATEWAY_EVERY):
            self._openings.ask(gateway, because, now)

    def _is_stale(self, alert: Alert) -> bool:
        """Whether a check that says bad has fallen silent; its word still stands, but it is old."""
        checks = self._scene.watched
        if alert.cause.condition == PATH:
            bad = self._scene.paths.bad(alert.cause)
            return bool(bad) and all(checks[name].silent for names in bad.values() for name in names if name in checks)
        return any(state.bad and name in checks and checks[name].silent for name, state in alert.contributions.items())

    def _grow_stale(self, watched: Watched) -> None:
        watched.calm = False
        for cause in watched.causes:
            alert = self._book.get(cause)
            if alert is not None and not alert.stale and self._is_stale(alert):
                alert.stale = True
                self._book.touch(alert)

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

    def _withdraw(self, cause: Cause) -> None:
        alert = self._book.get(cause)
        if alert is not None:
            self._detach_all(alert)
            self._scene.paths.forget(cause)
            self._book.withdraw(cause)

    def _detach_all(self, alert: Alert) -> None:
        """No check has anything more to say to this."""
        if alert.cause.condition in (PATH, AWAY):
            for watched in self._scene.watched.values():
                watched.causes.discard(alert.cause)
        for contributor in list(alert.contributions):
            self._detach(contributor, alert.cause)

    def _detach(self, contributor: str, cause: Cause) -> None:
        watched = self._scene.watched.get(contributor)
        if watched is not None:
            watched.causes.discard(cause)

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
        carry_over(self._scene, self._scene.estate, None)
        self._openings.resume(now)


def _moment(result: CheckResult, now: float) -> float:
    """When the run started, by today's clock: a run that the clock jumped under is dated back from now."""
    ended = result.started + result.duration
    return result.started if abs(now - ended) <= LEAP else now - result.duration
