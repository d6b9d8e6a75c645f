"""The estate as the judge sees it from its vantages: checks, targets, who depends on whom, and what each last said.

One vantage is the judge's own; the others are where probers stand. What lies in the way is asked vantage by vantage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import inf

from agent.isolation import AWAY, DIFFERS, ISOLATED, PATH, SILENT, gateway_of, isolation, reach_cause
from agent.judge.accounts import REFUSED, Accounts
from agent.judge.asking import SLACK, SPACING, Asking
from agent.judge.book import Book
from agent.judge.dependency import UP, Answer, Standing, both, combine
from agent.judge.vantages import Away, Paths, ends, path
from agent.judge.watch import Reach, Seen, Watched, contributor_of, vantages_of
from agent.records import OPEN_LEVELS, Alert, AlertLevel, Cause
from checks.contract import INPUT, REACH
from config.estate import Estate, Level, Need, Target

Windows = Callable[[Target, str, str, float], str | None]
"""(target, kind of check, condition, now) to the id of the maintenance window that covers it, or None."""

_OF_ASKING = frozenset({REACH, AWAY, DIFFERS})
"""What a check says of being asked, not of what it asks."""
NO_TARGETS = frozenset({ISOLATED, SILENT, AWAY, PATH, REFUSED})
"""Conditions whose subject is no target, even where a target has the same name."""
_WEIGHT = {Level.LOW: 0, Level.MEDIUM: 1, Level.HIGH: 2}


class Scene:
    """What the parts of the judge share. Holds no rule of its own except how to look things up."""

    def __init__(self, estate: Estate, vantage: str, windows: Windows, book: Book, seen: Iterable[Seen]) -> None:
        self.windows = windows
        self.book = book
        self.asking = Asking()
        self.paths = Paths()
        self.away = Away()
        self.watched: dict[str, Watched] = {}
        self.reach: dict[tuple[str, str], Reach] = {}
        """By target and vantage."""
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
        self.gateways = {name: gateway for name in estate.vantages if (gateway := gateway_of(estate, name)) is not None}
        reach_before, self.reach = self.reach, {}
        for target in estate.targets.values():
            of_target = self.of_target[target.name]
            for spec in target.checks:
                for place in vantages_of(spec, vantage):
                    key = (target.name, place)
                    reach = self.reach.get(key)
                    if reach is None:
                        reach = self.reach[key] = reach_before.get(key) or Reach()
                    contributor = contributor_of(spec.id, place, vantage)
                    watched = before.get(contributor)
                    if watched is None:
                        watched = Watched(spec, contributor, place)
                    elif watched.spec is not spec:
                        watched.respecify(spec)
                    watched.reach = reach
                    self.watched[contributor] = watched
                    of_target.append(watched)
        self.several = any(watched.vantage != vantage for watched in self.watched.values())
        """Whether any check is made from another vantage than the judge's own."""
        self._use_shared()

    def _use_shared(self) -> None:
        """Whoever is made along a way, or at a vantage, may say that it is mended; nobody else counts any longer."""
        self.away.keep(self.watched)
        for cause in self.paths.causes():
            self.paths.keep(cause, self.along(cause))
        for alert in self.book:
            if alert.cause.condition in (PATH, AWAY):
                for watched in self.along(alert.cause):
                    watched.causes.add(alert.cause)
                    watched.calm = False

    def along(self, cause: Cause) -> list[Watched]:
        """Every check that is made along this way: from its vantage, of targets at its site; or from this vantage."""
        if cause.condition == AWAY:
            return [watched for watched in self.watched.values() if watched.vantage == cause.subject]
        vantage, site = ends(cause)
        targets = self.estate.targets
        return [
            watched
            for watched in self.watched.values()
            if watched.vantage == vantage and targets[watched.spec.target].site == site
        ]

    def _remember(self, seen: Iterable[Seen]) -> None:
        for last in seen:
            watched = self.watched.get(contributor_of(last.check_id, last.vantage, self.vantage))
            if watched is None:
                continue
            watched.away = AWAY in last.states or DIFFERS in last.states
            watched.states = {key: state for key, state in last.states.items() if key not in _OF_ASKING}
            watched.note_reach(last.reached, last.started)
            if last.reached:
                watched.reach.answered = max(watched.reach.answered, last.started)
        for alert in self.book:
            if alert.cause.condition in (SILENT, AWAY, PATH):
                self._recall_vantages(alert)
                continue
            for contributor in alert.contributions:
                if contributor in self.watched:
                    self.watched[contributor].causes.add(alert.cause)
            self._recall_reach(alert)

    def _recall_reach(self, alert: Alert) -> None:
        """A target that was away says so by its alert, also after a restart."""
        target = self.target_of(alert.cause)
        if target is None or not self.is_reach(alert.cause):
            return
        for vantage in {watched.vantage for watched in self.of_target[target.name]}:
            if self.reach_cause(target, vantage) == alert.cause:
                self._recall(self.reach[target.name, vantage], alert)

    def _recall_vantages(self, alert: Alert) -> None:
        """Who said so when the agent stopped: those whose last result did not reach the target, or was none."""
        if alert.cause.condition == AWAY and alert.state.bad:
            self.away.restore(alert.cause.subject)
        elif alert.cause.condition == PATH:
            for watched in self.along(alert.cause):
                if watched.reached is False and alert.state.bad:
                    self.paths.add(alert.cause, watched)
                    self._recall(watched.reach, alert)

    def _recall(self, reach: Reach, alert: Alert) -> None:
        reach.failing = bool(alert.history & 1)
        if alert.first_good is not None:
            reach.up_since = alert.first_good

    def watch(self, contributor: str) -> Watched | None:
        return self.watched.get(contributor)

    def target_of(self, cause: Cause) -> Target | None:
        """The target a cause is about; None for an agent's own, and for what several targets share."""
        if cause.condition == ISOLATED:
            return self.estate.targets.get(self.gateways.get(cause.subject, ""))
        return self.estate.targets.get(cause.subject) if cause.condition not in NO_TARGETS else None

    def site_of(self, cause: Cause, target: Target) -> str:
        if cause.condition in (ISOLATED, AWAY):
            return self.estate.vantages[cause.subject].site
        return self.accounts.site(cause.subject) if cause.condition == REFUSED else target.site

    def impact_of(self, target: Target) -> str:
        """The greatest of the target's own impact and that of the services it carries."""
        services = self.estate.services
        levels = [target.impact, *(services[name].impact for name in target.services if name in services)]
        return max(levels, key=_WEIGHT.__getitem__).value

    def reach_cause(self, target: Target, vantage: str) -> Cause:
        """Into which cause failures to reach this target from there fold."""
        return reach_cause(target, self.gateways.get(vantage), vantage)

    def path_cause(self, target: Target, vantage: str) -> Cause | None:
        """The cause when only this vantage does not reach the target; None where only one vantage looks at anything.

        A vantage's own gateway is its way out: whoever else reaches that, the vantage is cut off.
        """
        if not self.several or target.name == self.gateways.get(vantage):
            return None
        return path(self.estate, vantage, target.site)

    def is_reach(self, cause: Cause) -> bool:
        return cause.condition in (REACH, ISOLATED)

    def explainable(self, alert: Alert) -> bool:
        """Whether the fault of something in between would explain this: nobody in it heard the target itself."""
        if self.is_reach(alert.cause) or alert.cause.condition in (PATH, AWAY) or self.blamed(alert) is not None:
            return True
        bad = [name for name, state in alert.contributions.items() if state.bad]
        return bool(bad) and all(alert.faults.get(name) is False for name in bad)

    def blamed(self, alert: Alert) -> Target | None:
        """The input of a check that this is about: while that is unreachable itself, it is the same cause."""
        name = alert.cause.condition.removeprefix(INPUT)
        if name == alert.cause.condition:
            return None
        bad = (contributor for contributor, state in alert.contributions.items() if state.bad)
        asked = any(found is not None and name in found.spec.inputs for found in map(self.watched.get, bad))
        return self.estate.targets.get(name) if asked else None

    def seen_from(self, alert: Alert) -> tuple[str, ...]:
        """The vantages from which this is bad; the judge's own where no check says so any more."""
        if not self.several:
            return (self.vantage,)
        found = {
            self.watched[name].vantage: None
            for name, state in alert.contributions.items()
            if state.bad and name in self.watched
        }
        return tuple(found) or (self.vantage,)

    def parents(self, alert: Alert, target: Target | None) -> Iterator[str]:
        """Every target whose answer may matter before this opens."""
        if alert.cause.condition == AWAY:
            yield from self._between(self.vantage, *self._need_of_vantage(alert.cause.subject))
        elif alert.cause.condition == PATH:
            vantage, site = ends(alert.cause)
            yield from self._between(vantage, *self._need_of_site(site))
        elif target is not None:
            blamed = self.blamed(alert)
            behind = target.depends_on if blamed is None else blamed.depends_on
            if blamed is not None:
                yield blamed.name
            for vantage in self.seen_from(alert):
                if target.name != self.gateways.get(vantage):
                    yield from self._between(vantage, behind)

    def has_other_eyes(self, target: Target | None) -> bool:
        """Whether several vantages look at it, so that the way from one of them may explain what that one sees."""
        if not self.several or target is None:
            return False
        return len({watched.vantage for watched in self.of_target[target.name]}) > 1

    def in_the_way(self, target: Target) -> list[str]:
        """Every target that lies between any vantage and this one."""
        found: dict[str, None] = {}
        for vantage in dict.fromkeys(watched.vantage for watched in self.of_target[target.name]):
            if target.name != self.gateways.get(vantage):
                found |= dict.fromkeys(self._between(vantage, target.depends_on))
        return list(found)

    def _between(self, vantage: str, *needs: Need | None) -> Iterator[str]:
        gateway = self.gateways.get(vantage)
        if gateway is not None:
            yield gateway
        for need in needs:
            if need is not None:
                yield from sorted(need.names() - {gateway})

    def _need_of_site(self, site: str) -> tuple[Need | None, ...]:
        return (self.estate.sites[site].depends_on,) if site in self.estate.sites else ()

    def _need_of_vantage(self, name: str) -> tuple[Need | None, ...]:
        """What the judge needs to ask a prober: what its site needs, and its gateway, where the judge looks at that."""
        place = self.estate.vantages[name]
        gateway = self.gateways.get(name)
        looked_at = gateway is not None and (gateway, self.vantage) in self.reach
        return (*self._need_of_site(place.site), Need("all", (gateway,)) if looked_at and gateway is not None else None)

    def way(self, alert: Alert, target: Target | None, since: float, overdue: bool) -> Answer:
        """How everything stands that lies in the way of this, for a fault that began at `since`.

        What is bad from several vantages is explained only if every way is. `overdue`: the waiting time is over, so
        what has not answered no longer holds anything back.
        """
        if alert.cause.condition == AWAY:
            needs = self._need_of_vantage(alert.cause.subject)
            return self._way_through(self.vantage, needs, since, overdue, None)
        if alert.cause.condition == PATH:
            vantage, site = ends(alert.cause)
            return self._way_through(vantage, self._need_of_site(site), since, overdue, alert.cause)
        if target is None:
            return UP
        blamed = self.blamed(alert)
        answers = [
            self.way_to(target, vantage, since, overdue)
            if blamed is None
            else self._way_through(vantage, (Need("all", (blamed.name,)),), since, overdue, None)
            for vantage in self.seen_from(alert)
        ]
        if len(answers) == 1:
            return answers[0]
        best = min(answers, key=lambda answer: answer.standing)
        if best.standing is not Standing.WAIT:
            return best
        return Answer(Standing.WAIT, ask=tuple(dict.fromkeys(name for answer in answers for name in answer.ask)))

    def way_to(self, target: Target, vantage: str, since: float, overdue: bool) -> Answer:
        """The same for a target as seen from one vantage."""
        if target.name == self.gateways.get(vantage):
            return UP
        answer = self._way_through(vantage, (target.depends_on,), since, overdue, None)
        for other, gateway in self.gateways.items():
            if gateway == target.name:  # when it is away from there too, that vantage is cut off, and has the incident
                alert = self.book.get(isolation(other))
                standing = _standing_of(alert, overdue, gateway) if alert is not None else None
                answer = both(standing or UP, answer)
        return answer

    def _way_through(
        self, vantage: str, needs: Iterable[Need | None], since: float, overdue: bool, but: Cause | None
    ) -> Answer:
        """A vantage's gateway, then what is needed. `but`: the cause that is asked about, which explains nothing."""

        def of(name: str) -> Answer:
            return self._standing(name, vantage, since, overdue, but)

        answer = of(self.gateways[vantage]) if vantage in self.gateways else UP
        for need in needs:
            if need is not None:
                answer = both(answer, combine(need, of))
        return answer

    def _standing(self, name: str, vantage: str, since: float, overdue: bool, but: Cause | None) -> Answer:
        target = self.estate.targets.get(name)
        if target is None:
            return UP
        if not self.of_target[name]:
            # Nothing asks it, so it is transparent: what it needs itself decides.
            return self.way_to(target, vantage, since, overdue)
        if (name, vantage) not in self.reach:
            vantage = self.of_target[name][0].vantage  # asked from elsewhere only: what is known there has to do
        alert = self.book.get(self.reach_cause(target, vantage))
        if alert is not None and (answer := _standing_of(alert, overdue, name)) is not None:
            return answer
        answer = self._standing_of_path(target, vantage, overdue, but)
        if answer is not None:
            return answer
        reach = self.reach[name, vantage]
        if reach.up_since > since:
            return Answer(Standing.RECENT)
        if reach.answered >= since or overdue:
            return UP
        return Answer(Standing.WAIT, ask=(name,))

    def _standing_of_path(self, target: Target, vantage: str, overdue: bool, but: Cause | None) -> Answer | None:
        """What it says that this vantage does not reach the target although another one does."""
        cause = self.path_cause(target, vantage)
        if cause is None or target.name not in self.paths.bad(cause):
            return None
        if cause == but:
            return UP
        alert = self.book.get(cause)
        return _standing_of(alert, overdue, target.name) if alert is not None else None

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
