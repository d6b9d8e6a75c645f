"""Sets that go all at once: a site, a switch or its power is lost, while the system may still call it clear. Pure.

A category of alarms counts its sets: those that are available, and those that are out of service. How fast the latter
grow tells more than how many they are, since some always are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.contract import Family, Finding, Reading, State, worst
from checks.network import raw
from checks.network.rows import Row, Rows
from checks.printable import printable

PREFIX = "mitel/fleet"
CATEGORY = "mitel/category"
REGISTERED = Family("ridgeway_telephony_sets_registered", "Sets that are in service, of all categories of sets.")
MISSING = Family("ridgeway_telephony_sets_unavailable", "Sets that are out of service, of all categories of sets.")
_MOST_STEPS = 32
MOST_CATEGORIES = 16


class FleetOptions(BaseModel):
    """What the estate says of its sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    categories: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        default=("Set*", "* Set*"), max_length=MOST_CATEGORIES
    )
    """Names of the categories that count sets, with `*` and `?`; none: nothing is judged."""
    sets: int = Field(default=10, ge=1)
    """How many must go together: fewer than a switch of 24 or 48 ports has, more than a room."""
    share: float = Field(default=0.05, ge=0, le=1)
    """And which share of all: in a fleet of thousands ten phones come and go."""
    critical_share: float = Field(default=0.25, gt=0, le=1)
    """From which share of all on it is critical: a site, not a switch."""
    minutes: float = Field(default=10, ge=1, le=120)
    """Within how long. So long after a start of the system nothing new is judged: its sets register one by one."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.critical_share < self.share:
            raise ValueError("critical_share must not be below share")
        return self


@dataclass(frozen=True, slots=True)
class Watched:
    """What is remembered of one category."""

    steps: tuple[tuple[float, int], ...] = ()
    """When the count out of service rose or fell, and to what: each is lower than those after it, so that the first is
    the least of the time looked at."""
    before: int | None = None
    """While sets are missing: how many were out of service before they went."""
    speaks: bool = False
    """Whether that is said by the fleet's own finding: else the category was bad first, and says it."""


@dataclass(slots=True)
class Fleet:
    """What came of a round: findings by key, those of categories included that others now speak for."""

    watched: Mapping[str, Watched]
    findings: dict[str, Finding] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    fact: str = ""
    """What is not watched, for people to read."""


@dataclass(frozen=True, slots=True)
class _Count:
    name: str
    absent: int
    total: int | None


def judged(
    rows: Rows | None, told: Mapping[str, Finding], before: Mapping[str, Watched], options: FleetOptions,
    uptime: float | None, at: float,
) -> Fleet:  # fmt: skip
    """Judge the categories of sets; `told` are the findings by key, `uptime` the seconds since the system's start.

    A category that is not listed any more is not in alarm, and is forgotten.
    """
    if rows is None or not rows.complete:
        return Fleet(before)
    counts = list(_counts(rows, options))
    fleet = Fleet({})
    watched: dict[str, Watched] = {}
    if uptime is not None and uptime < options.minutes * 60:
        watched = dict(before)
        for name, watch in before.items():
            if watch.before is not None:
                _waiting(fleet, name, watch, told)
    else:
        for count in counts[:MOST_CATEGORIES]:
            watch = _stepped(before.get(count.name, Watched()), count, options, at)
            watched[count.name] = _told(fleet, watch, count, told, options)
    fleet.watched = watched
    if options.categories and not counts:
        fleet.fact = "no category that counts sets is listed, so how fast they go is not watched"
    totals = [count.total for count in counts if count.total is not None]
    if counts and len(totals) == len(counts):
        absent = sum(count.absent for count in counts)
        fleet.readings = [Reading(REGISTERED, float(sum(totals) - absent)), Reading(MISSING, float(absent))]
    return fleet


def _counts(rows: Rows, options: FleetOptions) -> Iterator[_Count]:
    for row in rows.rows:
        absent = _number(row, "unavailable")
        if absent is not None and raw.like(options.categories, row.label):
            there = _number(row, "available")
            yield _Count(row.label, absent, None if there is None else there + absent)


def _number(row: Row, column: str) -> int | None:
    said = row.said(column)
    return said if isinstance(said, int) and said >= 0 else None


def _stepped(watch: Watched, count: _Count, options: FleetOptions, at: float) -> Watched:
    """The watch with this count."""
    steps, since = watch.steps, at - options.minutes * 60
    while len(steps) > 1 and steps[1][0] <= since:
        steps = steps[1:]
    if watch.before is not None:
        over = (count.absent - watch.before) * 2 < _enough(count, options)
        watch = Watched() if over else watch
    elif steps and count.absent - steps[0][1] >= _enough(count, options):
        watch = replace(watch, before=steps[0][1])
    if not steps or steps[-1][1] != count.absent:
        steps = (*(step for step in steps if step[1] < count.absent), (at, count.absent))
    return replace(watch, steps=(steps[0], *steps[1:][1 - _MOST_STEPS :]))


def _enough(count: _Count, options: FleetOptions) -> float:
    return max(options.sets, options.share * (count.total or 0))


def _told(fleet: Fleet, watch: Watched, count: _Count, told: Mapping[str, Finding], options: FleetOptions) -> Watched:
    """Say it once: whoever was bad first, the category or the fleet, speaks until the sets are back."""
    name, key, category = printable(count.name), f"{PREFIX}/{count.name}", f"{CATEGORY}/{count.name}"
    of_all = "" if count.total is None else f" of {count.total}"
    evidence = {"out of service": str(count.absent)} | ({} if count.total is None else {"sets": str(count.total)})
    other = told.get(category)
    bad = other is not None and other.state.bad
    if watch.before is None:
        fleet.findings[key] = Finding(key, State.OK, f"{name}: {count.absent}{of_all} sets out of service", evidence)
        return watch
    gone = count.absent - watch.before
    large = count.total is not None and gone >= options.critical_share * count.total
    state = State.CRITICAL if large else State.WARNING
    words = (
        f"{gone}{of_all} sets went out of service together and are not back: see to the power and line of their site"
    )
    evidence["before"] = str(watch.before)
    speaks = watch.speaks or not bad
    if speaks:
        state = worst([state, other.state if other is not None else State.OK])
        also = f"; {other.summary}" if other is not None and bad else ""
        fleet.findings[key] = Finding(key, state, f"{name}: {words}{also}"[:300], evidence)
        if other is not None and bad:
            fleet.findings[category] = Finding(category, State.OK, f"{name}: {key} says it"[:300], other.evidence)
    else:
        assert other is not None  # it is bad
        text = f"{other.summary}; {words}"[:300]
        fleet.findings[category] = Finding(category, worst([state, other.state]), text, {**other.evidence, **evidence})
        fleet.findings[key] = Finding(key, State.OK, f"{name}: {category} says it"[:300], evidence)
    return replace(watch, speaks=speaks)


def _waiting(fleet: Fleet, name: str, watch: Watched, told: Mapping[str, Finding]) -> None:
    """Sets were missing when the system started anew: until its counts have settled they are not called back."""
    key, category = f"{PREFIX}/{name}", f"{CATEGORY}/{name}"
    other = told.get(category)
    bad = other is not None and other.state.bad
    if bad and not watch.speaks:
        fleet.findings[key] = Finding(key, State.OK, f"{printable(name)}: {category} says it"[:300])
        return
    words = f"{printable(name)}: sets were missing before the system's start; whether they register again is awaited"
    fleet.findings[key] = Finding(key, worst([State.WARNING, other.state if other else State.OK]), words[:300])
    if other is not None and bad:
        fleet.findings[category] = Finding(
            category, State.OK, f"{printable(name)}: {key} says it"[:300], other.evidence
        )


def plain(watched: Mapping[str, Watched]) -> dict[str, Any]:
    """As JSON has it."""
    return {name: [watch.steps, watch.before, watch.speaks] for name, watch in watched.items()}


def unplain(said: Any) -> dict[str, Watched]:
    """From JSON. Raises ValueError, TypeError, KeyError or AttributeError where it is not of `plain`."""
    found = {}
    for name, (steps, before, speaks) in list(said.items())[:MOST_CATEGORIES]:
        known = tuple((float(at), int(absent)) for at, absent in steps[:_MOST_STEPS])
        found[str(name)[:100]] = Watched(known, None if before is None else int(before), speaks is True)
    return found
