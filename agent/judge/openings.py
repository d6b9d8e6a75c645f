"""From "m of n are bad" to an opening: what has to be ruled out first, and who waits for whom.

An alert that wants to open goes through these questions in this order; the first that is in its way holds it.

1. Is there maintenance? Then it is held until the window ends.
2. Did the target itself say it? A finding from a real answer opens at once.
3. Is something it depends on away (the agent's gateway first)? Then it is suppressed, and listed behind the root cause.
4. Has all of that been asked since the fault began? If not: a wish, and it is held until the answers are there.
5. Have the target's other checks been asked since? If not: the same. What they reach is not unreachable.

Waiting is bounded: a question that nobody answered in time holds nothing back any longer. Only openings wait, never
closings.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from agent.isolation import ISOLATED, PATH
from agent.judge.asking import SLACK
from agent.judge.dependency import Answer, Standing
from agent.judge.scene import Scene
from agent.records import Alert, AlertLevel, Cause, ProbeWish
from checks.contract import State
from config.estate import Target

AT_ONCE = 500
"""Openings considered again within one call: thousands behind one link must not hold up everything else."""


@dataclass(slots=True)
class Hold:
    """One opening that waits."""

    since: float
    """Start of the bad result that wanted to open: an answer counts when it was asked for after this."""
    until: float
    names: tuple[str, ...]
    """Targets whose answers it may wait for."""


class Openings:
    """Holds, suppresses, releases and fires alerts that reached m of n."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._holds: dict[Cause, Hold] = {}
        self._waiting_for: dict[str, dict[Cause, None]] = {}
        self._deadlines: list[tuple[float, Cause]] = []
        self._restless: dict[Cause, None] = {}
        self._urgent: dict[Cause, None] = {}
        """Those of the restless for which others wait in turn: parents go before their children."""
        self._wishes: list[ProbeWish] = []

    def wishes(self) -> list[ProbeWish]:
        """The wishes since the last call."""
        made, self._wishes = self._wishes, []
        return made

    def has_waiting(self, name: str) -> bool:
        """Whether any opening waits for what this target says."""
        return bool(self._waiting_for.get(name))

    def consider(self, alert: Alert, since: float, now: float, *, overdue: bool = False) -> None:
        """Open this alert unless something holds it. `since`: start of the bad result that makes it want to."""
        scene = self._scene
        target = scene.target_of(alert.cause)
        if alert.cause.condition == PATH and not scene.paths.bad(alert.cause):
            # After a restart nobody may be known to say so any more; then the next result decides.
            self.drop(alert.cause)
            self._set(alert, AlertLevel.PENDING)
            return
        window = self.window_over(alert, now)
        if window is not None:
            self.drop(alert.cause)
            self._set(alert, AlertLevel.HELD, maintenance=window)
            return
        if not scene.explainable(alert):
            self._fire(alert)
            return
        hold = self._holds.get(alert.cause) or Hold(since, inf, ())
        answer = scene.way(alert, target, hold.since, overdue)
        if (
            target is not None
            and answer.standing is Standing.UP
            and not overdue
            and self._others_unasked(alert, target)
        ):
            answer = Answer(Standing.WAIT, ask=(target.name,))
        if answer.standing is Standing.UP:
            self._fire(alert)
        elif answer.standing is Standing.RECENT:
            self.drop(alert.cause)
            self._set(alert, AlertLevel.PENDING)
        else:
            self._hold(alert, target, hold, answer, now)

    def _hold(self, alert: Alert, target: Target | None, hold: Hold, answer: Answer, now: float) -> None:
        if alert.cause not in self._holds:
            own = (target.name,) if target is not None else ()
            hold.names = tuple(dict.fromkeys((*self._scene.parents(alert, target), *own)))
            self._holds[alert.cause] = hold
            for name in hold.names:
                self._waiting_for.setdefault(name, {})[alert.cause] = None
        if answer.standing is Standing.DOWN:
            hold.until = inf
            if answer.root is not None and answer.root.condition == ISOLATED:
                alert.state = State.UNKNOWN
            self._set(alert, AlertLevel.HELD, suppressed_by=answer.root)
            return
        if hold.until == inf:
            waiting = max((self._scene.patience(name) for name in answer.ask), default=SLACK)
            hold.until = now + waiting
            heappush(self._deadlines, (hold.until, alert.cause))
        self._set(alert, AlertLevel.HELD, held_until=hold.until)
        for name in answer.ask:
            self.ask(name, alert.cause, now)

    def ask(self, name: str, because: Cause, now: float) -> None:
        """Wish that a target be asked now, unless it is being asked already."""
        wish = self._scene.asking.want(name, because, self._scene.patience(name), now)
        if wish is not None:
            self._wishes.append(wish)

    def drop(self, cause: Cause) -> None:
        """Nothing about this cause waits any longer."""
        hold = self._holds.pop(cause, None)
        if hold is not None:
            for name in hold.names:
                self._waiting_for[name].pop(cause, None)

    def window_over(self, alert: Alert, now: float) -> str | None:
        """The maintenance window over every check that says bad; None when one of them is not covered."""
        if alert.cause.condition == PATH:
            return self._window_over_path(alert, now)
        target = self._scene.target_of(alert.cause)
        if target is None:
            return None
        window = None
        for contributor, state in alert.contributions.items():
            watched = self._scene.watch(contributor)
            if state.bad and watched is not None:
                window = self._scene.windows(target, watched.spec.kind, alert.cause.condition, now)
                if window is None:
                    return None
        return window

    def _window_over_path(self, alert: Alert, now: float) -> str | None:
        """Of a way: a window over every target that is not reached on it."""
        window = None
        for name, contributors in self._scene.paths.bad(alert.cause).items():
            for contributor in contributors:
                watched = self._scene.watch(contributor)
                if watched is None:
                    continue
                target = self._scene.estate.targets[name]
                window = self._scene.windows(target, watched.spec.kind, PATH, now)
                if window is None:
                    return None
        return window

    def unsettle(self, name: str, *, turned: bool) -> None:
        """This target said something; what waits for it is considered again.

        `turned`: its own standing changed, which also matters to what is suppressed; an answer alone does not.
        """
        for cause in self._waiting_for.get(name, ()):
            if turned or self._holds[cause].until != inf:
                parent = len(self._waiting_for.get(cause.subject, ())) > 1
                (self._urgent if parent else self._restless)[cause] = None

    def settle(self, now: float) -> None:
        """Reconsider what waits for a target that changed: at most so many at once, `tick` goes on with the rest."""
        for _ in range(AT_ONCE):
            queue = self._urgent or self._restless
            if not queue:
                return
            cause = next(iter(queue))
            del queue[cause]
            hold = self._holds.get(cause)
            alert = self._scene.book.get(cause)
            if hold is not None and alert is not None and alert.level is AlertLevel.HELD:
                self.consider(alert, hold.since, now)

    def resume(self, now: float) -> None:
        """After a start or a reload: take up every opening that was held."""
        for cause in list(self._holds):
            self.drop(cause)
        for alert in self._scene.book:
            if alert.level is AlertLevel.HELD:
                self.consider(alert, min(alert.last_result, now), now)
        self.settle(now)

    def tick(self, now: float) -> None:
        """Ask again what was put off, and let go what has waited long enough."""
        for name, because in self._scene.asking.due(now):
            if self.has_waiting(name):
                self.ask(name, because, now)
        while self._deadlines and self._deadlines[0][0] <= now:
            at, cause = heappop(self._deadlines)
            hold = self._holds.get(cause)
            alert = self._scene.book.get(cause)
            if hold is None or alert is None or hold.until != at:
                continue
            if self._is_answering(hold, now):
                self._extend(alert, hold, now)
                continue
            self.consider(alert, hold.since, now, overdue=True)
            if cause in self._holds and alert.suppressed_by is None:
                self._extend(alert, hold, now)
        self.settle(now)

    def next_due(self) -> float | None:
        """When `tick` is wanted; at once while something is left to consider again."""
        if self._restless or self._urgent:
            return -inf
        moments = [self._deadlines[0][0]] if self._deadlines else []
        asking = self._scene.asking.next_due()
        return min([*moments, asking] if asking is not None else moments, default=None)

    def shift(self, seconds: float) -> None:
        """The clock jumped: waiting goes on by the new clock."""
        for hold in self._holds.values():
            hold.since += seconds
            hold.until += seconds
        self._deadlines = sorted((at + seconds, cause) for at, cause in self._deadlines)

    def _others_unasked(self, alert: Alert, target: Target) -> bool:
        """Whether "unreachable" rests on some checks only, while others of the target were not asked since it began."""
        if not self._scene.is_reach(alert.cause) or alert.first_bad is None:
            return False
        return any(
            other.tells
            and not other.away
            and other.told < alert.first_bad
            and not alert.contributions.get(other.contributor, State.OK).bad
            for other in self._scene.of_target[target.name]
        )

    def _is_answering(self, hold: Hold, now: float) -> bool:
        """Whether something it waits for is on its way to a verdict of its own."""
        scene = self._scene
        for name in hold.names:
            target = scene.estate.targets[name]
            for vantage in {watched.vantage for watched in scene.of_target[name]}:
                alert = scene.book.get(scene.reach_cause(target, vantage))
                undecided = alert is not None and alert.level is AlertLevel.PENDING and bool(alert.history & 1)
                if undecided and now < scene.reach[name, vantage].last_told + scene.patience(name):
                    return True
        return False

    def _extend(self, alert: Alert, hold: Hold, now: float) -> None:
        hold.until = now + SLACK
        heappush(self._deadlines, (hold.until, alert.cause))
        self._set(alert, AlertLevel.HELD, held_until=hold.until)

    def _fire(self, alert: Alert) -> None:
        self.drop(alert.cause)
        self._set(alert, AlertLevel.FIRING)

    def _set(
        self,
        alert: Alert,
        level: AlertLevel,
        *,
        maintenance: str | None = None,
        suppressed_by: Cause | None = None,
        held_until: float | None = None,
    ) -> None:
        before = (alert.level, alert.maintenance, alert.suppressed_by)
        alert.level = level
        alert.maintenance = maintenance
        alert.suppressed_by = suppressed_by
        alert.held_until = held_until
        self._scene.book.touch(alert)
        if before == (level, maintenance, suppressed_by):
            return
        if alert.cause.condition == PATH:
            for name in self._scene.paths.bad(alert.cause):
                self.unsettle(name, turned=True)
        elif self._scene.is_reach(alert.cause):
            target = self._scene.target_of(alert.cause)
            if target is not None:
                self.unsettle(target.name, turned=True)
