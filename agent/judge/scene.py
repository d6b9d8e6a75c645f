"""The estate as the judge sees it from its vantage: checks, targets, who depends on whom, and what each last said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import inf

from agent.isolation import gateway_of, isolation, reach_cause, silence
from agent.judge.accounts import REFUSED, Accounts
from agent.judge.asking import SLACK, SPACING, Asking
from agent.judge.book import Book
from agent.judge.dependency import UP, Answer, Standing, both, combine
from agent.judge.watch import Reach, Seen, Watched, contributor_of
from agent.records import OPEN_LEVELS, Alert, AlertLevel, Cause
from checks.contract import REACH
from config.estate import CheckSpec, Estate, Level, Target

Windows = Callable[[Target, str, str, float], str | None]
"""(target, kind of check, condition, now) to the id of the maintenance window that covers it, or None."""

_WEIGHT = {Level.LOW: 0, Level.MEDIUM: 1, Level.HIGH: 2}


class Scene:
    """What the parts of the judge share. Holds no rule of its own except how to look things up."""

    def __init__(self, estate: Estate, vantage: str, windows: Windows, book: Book, seen: Iterable[Seen]) -> None:
        self.windows = windows
        self.book = book
        self.asking = Asking()
        self.watched: dict[str, Watched] = {}
        self.reach: dict[str, Reach] = {}
        self.of_target: dict[str, list[Watched]] = {}
        self.use(estate, vantage)
        self._remember(seen)

    def use(self, estate: Estate, vantage: str) -> None:
        """Take this estate; what is known of checks and targets that it still has is kept."""
        self.estate = estate
        self.vantage = vantage
        self.gateway = gateway_of(estate, vantage)
        home = estate.vantages.get(vantage)
        self.accounts = Accounts(estate, home.site if home is not None else "")
        before, self.watched = self.watched, {}
        self.of_target = {name: [] for name in estate.targets}
        self.reach = {name: self.reach.get(name, Reach()) for name in estate.targets}
        for target in estate.targets.values():
            for spec in target.checks:
                for place in spec.vantages or (vantage,):
                    if place == vantage:
                        self._watch(target.name, Watched(spec, contributor_of(spec, place)), before)

    def _watch(self, target: str, watched: Watched, before: dict[str, Watched]) -> None:
        known = before.get(watched.contributor)
        if known is not None:
            if not _asks_the_same(known.spec, watched.spec):
                known.respecified = True
                known.states = {}
            known.calm = known.calm and not known.respecified
            known.spec = watched.spec
            watched = known
        self.watched[watched.contributor] = watched
        self.of_target[target].append(watched)

    def _remember(self, seen: Iterable[Seen]) -> None:
        by_key = {(watched.spec.id): watched for watched in self.watched.values()}
        for last in seen:
            watched = by_key.get(last.check_id)
            if watched is None or last.vantage != self.vantage:
                continue
            watched.states = {key: state for key, state in last.states.items() if key != REACH}
            watched.note_reach(last.reached, last.started)
            reach = self.reach[watched.spec.target]
            if last.reached:
                reach.answered = max(reach.answered, last.started)
        for alert in self.book:
            if alert.cause == silence(self.vantage):
                continue
            for contributor in alert.contributions:
                if contributor in self.watched:
                    self.watched[contributor].causes.add(alert.cause)
            self._recall_reach(alert)

    def _recall_reach(self, alert: Alert) -> None:
        """A target that was away says so by its alert, also after a restart."""
        target = self.target_of(alert.cause)
        if target is None or self.reach_cause(target) != alert.cause:
            return
        reach = self.reach[target.name]
        reach.failing = bool(alert.history & 1)
        if alert.first_good is not None:
            reach.up_since = alert.first_good

    def watch(self, contributor: str) -> Watched | None:
        return self.watched.get(contributor)

    def target_of(self, cause: Cause) -> Target | None:
        """The target a cause is about; None for the agent's own."""
        if self.gateway is not None and cause == isolation(self.vantage):
            return self.estate.targets[self.gateway]
        return self.estate.targets.get(cause.subject)

    def site_of(self, cause: Cause, target: Target) -> str:
        if cause == isolation(self.vantage):
            return self.estate.vantages[self.vantage].site
        return self.accounts.site(cause.subject) if cause.condition == REFUSED else target.site

    def impact_of(self, target: Target) -> str:
        """The greatest of the target's own impact and that of the services it carries."""
        services = self.estate.services
        levels = [target.impact, *(services[name].impact for name in target.services if name in services)]
        return max(levels, key=_WEIGHT.__getitem__).value

    def reach_cause(self, target: Target) -> Cause:
        return reach_cause(target, self.gateway, self.vantage)

    def reach_alert(self, name: str) -> Alert | None:
        return self.book.get(self.reach_cause(self.estate.targets[name]))

    def is_reach(self, cause: Cause) -> bool:
        return cause.condition == REACH or cause == isolation(self.vantage)

    def explainable(self, alert: Alert) -> bool:
        """Whether the fault of something in between would explain this: nobody in it heard the target itself."""
        if self.is_reach(alert.cause):
            return True
        bad = [name for name, state in alert.contributions.items() if state.bad]
        return bool(bad) and all(alert.faults.get(name) is False for name in bad)

    def parents(self, target: Target) -> Iterator[str]:
        """Every target whose answer may matter before a fault of this one opens."""
        if target.name == self.gateway:
            return
        if self.gateway is not None:
            yield self.gateway
        if target.depends_on is not None:
            yield from sorted(target.depends_on.names() - {self.gateway})

    def way_to(self, target: Target, since: float, overdue: bool) -> Answer:
        """How everything stands that lies between the agent and this target, for a fault that began at `since`.

        `overdue`: the waiting time is over, so what has not answered no longer holds anything back.
        """
        if target.name == self.gateway:
            return UP

        def of(name: str) -> Answer:
            return self._standing(name, since, overdue)

        own = combine(target.depends_on, of) if target.depends_on is not None else UP
        return both(of(self.gateway), own) if self.gateway is not None else own

    def _standing(self, name: str, since: float, overdue: bool) -> Answer:
        target = self.estate.targets.get(name)
        if target is None:
            return UP
        if not self.of_target[name]:
            # Nothing asks it, so it is transparent: what it needs itself decides.
            return self.way_to(target, since, overdue)
        alert = self.reach_alert(name)
        reach = self.reach[name]
        if alert is not None and (answer := _standing_of(alert, overdue, name)) is not None:
            return answer
        if reach.up_since > since:
            return Answer(Standing.RECENT)
        if reach.answered >= since or overdue:
            return UP
        return Answer(Standing.WAIT, ask=(name,))

    def patience(self, name: str) -> float:
        """How long an answer of this target may take to become a verdict, seconds."""
        checks = self.of_target.get(name, ())
        return (
            max(((spec.timeout + SPACING) * spec.open_after.m for spec in (w.spec for w in checks)), default=0.0)
            + SLACK
        )

    def forget_the_future(self, now: float) -> None:
        """Nothing was seen later than now: a later moment is from before the clock was set back, and tells nothing.

        So nothing counts as asked since, and what came back may have come back only now.
        """
        for watched in self.watched.values():
            if watched.told > now:
                watched.told = -inf
        for reach in self.reach.values():
            if reach.answered > now:
                reach.answered = -inf
            reach.up_since = min(reach.up_since, now)
        for alert in self.book:
            if alert.first_good is not None and alert.first_good > now:
                alert.first_good = now
                self.book.touch(alert)

    def shift(self, seconds: float) -> None:
        """The clock jumped: every remembered moment moves with it, so that no duration gets longer or shorter."""
        self.asking.shift(seconds)
        for watched in self.watched.values():
            watched.fresh_until += seconds
            watched.told += seconds
            if watched.failing_since is not None:
                watched.failing_since += seconds
        for reach in self.reach.values():
            reach.answered += seconds
            reach.up_since += seconds
            reach.last_told += seconds
        for alert in self.book:
            alert.fresh_until += seconds
            alert.last_result += seconds


def _standing_of(alert: Alert, overdue: bool, name: str) -> Answer | None:
    """What the target's own "unreachable" says, or None when it says nothing against it."""
    if alert.level in OPEN_LEVELS:
        return Answer(Standing.DOWN, root=alert.cause)
    if alert.level is AlertLevel.HELD:
        if alert.suppressed_by is not None:
            return Answer(Standing.DOWN, root=alert.suppressed_by)
        if alert.maintenance is not None:
            return Answer(Standing.DOWN, root=alert.cause)
        return Answer(Standing.WAIT)
    if alert.level is AlertLevel.PENDING and alert.history & 1 and not overdue:
        return Answer(Standing.WAIT, ask=(name,))
    return None


def _asks_the_same(one: CheckSpec, other: CheckSpec) -> bool:
    """Whether the same findings are to be expected of both."""
    return (one.kind, one.options, one.expect_empty) == (other.kind, other.options, other.expect_empty)
