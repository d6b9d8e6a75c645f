"""Two judges of one ledger: one that lives on through reloads, and one that is made anew from what the ledger keeps.

Estates are written as plans, which are short to print and compare; a target of the same plan is the same object in
every estate, as a reload makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.isolation import AWAY
from agent.judge import Seen
from agent.judge.watch import contributor_of
from agent.planning.difference import renamed_targets
from agent.records import OPEN_LEVELS, Cause
from checks.contract import Fault, Reason, State
from config.estate import Estate, MofN, Site, Target, Vantage
from testbeds.judging import LOCAL, NO_ANSWER, ONCE, REFUSED, NoOptions, Stage, all_of, check, estate, finding, target

HOME, ABROAD = "here", "there"
COUNCILS = ("dacorum", "aylesbury-vale")
SITES = ("forum", "gateway")
KEYS = ("{}/load", "common/load")
"""What a check finds, by what it asks; all kinds share the second."""
TRIED = Fault(Reason.LOCAL, "the prober at there does not answer", AWAY)
NOT_TRIED = Fault(Reason.WITHHELD, "the prober at there does not answer", AWAY)


@dataclass(frozen=True, slots=True)
class CheckPlan:
    kind: str
    vantages: tuple[str, ...] = (HOME,)
    asks: int = 0
    """Which of the `KEYS` it finds."""
    rule: MofN = ONCE
    evidence: bool = False
    every: float = 60.0


@dataclass(frozen=True, slots=True)
class TargetPlan:
    name: str
    checks: tuple[CheckPlan, ...]
    formerly: tuple[str, ...] = ()
    needs: str = ""
    council: str = COUNCILS[0]
    site: str = SITES[0]


@dataclass(frozen=True, slots=True)
class EstatePlan:
    targets: tuple[TargetPlan, ...]
    gateway: str = ""
    """Of the judge's own vantage."""
    gateway_abroad: str = ""

    def made(self) -> Estate:
        names = {one.name for one in self.targets}
        return estate(
            *(_target(one, one.needs in names) for one in self.targets),
            gateway=self.gateway or None,
            vantages=(Vantage(ABROAD, SITES[1], self.gateway_abroad or None),),
            sites=(Site(SITES[1], "The Gateway", COUNCILS[1]),),
        )


@lru_cache(maxsize=4096)
def _target(plan: TargetPlan, needed: bool) -> Target:
    checks = (
        check(
            plan.name, one.kind, every=one.every, open_after=one.rule, clear_after=one.rule, evidence=one.evidence,
            options=NoOptions(value=one.asks), vantages=one.vantages,
        )
        for one in plan.checks
    )  # fmt: skip
    needs = all_of(plan.needs) if needed else None
    return target(plan.name, *checks, needs=needs, council=plan.council, formerly=plan.formerly, site=plan.site)


def asked(what: Estate) -> Iterator[tuple[str, str]]:
    """Every check by id, with each vantage it is made from."""
    for one in what.targets.values():
        for spec in one.checks:
            for place in spec.vantages:
                yield spec.id, place


def contributors(what: Estate) -> set[str]:
    return {contributor_of(id, place, HOME) for id, place in asked(what)}


def tell(stage: Stage, id: str, place: str, how: str, after: float = 0.0) -> None:
    """One run: `good`, `bad`, `lost`, `refused`, `local`, `away` or `untried`."""
    faults = {"lost": NO_ANSWER, "refused": REFUSED, "local": LOCAL, "away": TRIED, "untried": NOT_TRIED}
    if how in faults:
        if place == HOME and how in ("away", "untried"):
            how = "local"
        stage.result(id, fault=faults[how], after=after, at=place)
        return
    name, _, short = id.partition("/")
    spec = next(one for one in stage.estate.targets[name].checks if one.name == short)
    key = KEYS[spec.options.value].format(spec.kind)  # type: ignore[attr-defined]
    stage.result(id, finding(key, State.OK if how == "good" else State.CRITICAL), after=after, at=place)


def all_say(stage: Stage, how: str, rounds: int = 6) -> None:
    """Every check runs so many times, a minute apart."""
    for _ in range(rounds):
        for step in range(3):
            stage.now += 20.0
            if step == 0:
                for id, place in asked(stage.estate):
                    tell(stage, id, place, how)
            stage.tick()


def reload(stage: Stage, new: Estate) -> None:
    """As the daemon does it: the ledger goes on with the checks that are still there, under the names they have."""
    stage.seen = kept(stage.seen, stage.estate, new)
    stage.reload(new)


def kept(seen: Mapping[str, Seen], old: Estate, new: Estate) -> dict[str, Seen]:
    names = renamed_targets(old, new)
    wanted = {f"{id} {place}" for id, place in asked(new)}
    made: dict[str, Seen] = {}
    for one in seen.values():
        name, _, rest = one.check_id.partition("/")
        id = f"{names.get(name, name)}/{rest}"
        if f"{id} {one.vantage}" in wanted and (name in names or f"{id} {one.vantage}" not in made):
            made[f"{id} {one.vantage}"] = replace(one, check_id=id)
    return made


def anew(stage: Stage, what: Estate | None = None) -> Stage:
    """Another stage, whose judge was made from what this one's ledger keeps; on `what` if the estate changed since."""
    twin = copy(stage)
    for name in ("windows", "alerts", "incidents", "children", "seen"):
        setattr(twin, name, deepcopy(getattr(stage, name)))
    twin.events, twin.wishes, twin.probes = [], [], []
    if what is not None:
        twin.seen = kept(stage.seen, stage.estate, what)
        twin.estate = what
    twin.crash()
    twin.tick()
    return twin


def forked(stage: Stage) -> Stage:
    """The same stage, judge and all, that goes on by itself."""
    what = stage.estate
    same = {id(what): what}
    for one in what.targets.values():
        same[id(one)] = one  # type: ignore[assignment]
        same |= {id(spec): spec for spec in one.checks}  # type: ignore[misc]
    return deepcopy(stage, same)  # type: ignore[arg-type]


def open_causes(stage: Stage) -> set[Cause]:
    return {alert.cause for alert in stage.judge.alerts.values() if alert.level in OPEN_LEVELS}


def names_of(causes: Iterable[Cause]) -> list[str]:
    return sorted(str(cause) for cause in causes)
