"""How long telephony would live without the mains, and on what it runs now. Pure.

A UPS with a check of its own has its incidents there: what runs on battery, what its battery asks for. Then only what
is telephony's own is told here, that the reserve is too short and the battery too old.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from checks.contract import INPUT, Family, Finding, Reading, State, worst
from checks.network.judgement import assessed
from checks.telephony.readiness.answers import ReadinessAnswers, Ups
from checks.telephony.readiness.days import begins, day_of, spelt
from checks.telephony.readiness.options import ReadinessOptions, Supply

POWER = "emergency_readiness/power"
RUNTIME = "emergency_readiness/runtime"
BATTERY = "emergency_readiness/battery"
ON_BATTERY = Family("ridgeway_power_on_battery", "Whether a UPS that telephony hangs on runs on its battery.")
LEFT = Family(
    "ridgeway_power_runtime_seconds", "How long a UPS that telephony hangs on would carry it.", unit="seconds"
)
REPLACED = Family(
    "ridgeway_power_battery_replaced_timestamp_seconds",
    "When the battery of such a UPS was last replaced (Unix time).",
    unit="seconds",
)
FAMILIES = (ON_BATTERY, LEFT, REPLACED)
_SOURCE = "ridgeway_ups_output_source"
_LEFT = "ridgeway_ups_battery_runtime_seconds"
_REPLACED = "ridgeway_ups_battery_replaced_timestamp_seconds"
_READ = frozenset({_SOURCE, _LEFT, _REPLACED})
_BATTERY_SOURCE = 5
"""upsOutputSource: battery(5) (RFC 1628); profiles of other MIBs show theirs by the same numbers."""
_OF_THE_SUPPLY = frozenset({"output_source", "bypass", "communication"})
"""Values that say what the load hangs on now."""
_LASTING = frozenset({"replace", "test", "battery_fault", "battery_missing", "charger", "battery_celsius"})
"""Values of the unit itself, however bad: whoever mends them needs no mains to be away."""
_TOLD_HERE = frozenset({"runtime", "charge"})
"""Values that only say how much of the reserve is left: that is judged here, by what telephony needs."""
_DAYS_OF_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Supplied:
    """A UPS as it was read."""

    name: str
    supply: Supply
    own: str
    source: float | None = None
    left: float | None = None
    """Seconds."""
    replaced: date | None = None
    bad: Mapping[str, Finding] | None = None
    """What its profile finds not to be well, by value; None: it was not read, or not to its end."""
    there: bool | None = None
    """Whether it answered in any way; None where that cannot be told."""
    why: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.supply.feeds})" if self.supply.feeds else self.name

    @property
    def on_battery(self) -> bool:
        return self.source == _BATTERY_SOURCE


def supplies(options: ReadinessOptions, answers: ReadinessAnswers, now: float) -> list[Supplied]:
    """Every UPS that the estate names."""
    return [_read(name, supply, answers.power.get(name, Ups()), now) for name, supply in options.power.items()]


def _read(name: str, supply: Supply, ups: Ups, now: float) -> Supplied:
    typed = supply.battery_replaced
    if ups.answers is None:
        why = ups.fault.message if ups.fault is not None else "it was not asked"
        there = None if ups.fault is None else ups.fault.reached
        return Supplied(name, supply, ups.own, replaced=typed, there=there, why=why)
    base = assessed(supply.asking.plan, ups.answers, ups.fault is None, None, now, frozenset())
    values = {reading.family.name: reading.value for reading in base.readings if reading.family.name in _READ}
    told = values.get(_REPLACED)
    days = [day for day in (typed, None if told is None else day_of(told)) if day is not None]
    bad = {one.key.removeprefix("snmp/"): one for one in base.findings if one.state.bad}
    return Supplied(
        name, supply, ups.own, values.get(_SOURCE), values.get(_LEFT), max(days, default=None),
        bad=bad if ups.fault is None else None, there=True, why=ups.fault.message if ups.fault is not None else "",
    )  # fmt: skip


def _acute(value: str, finding: Finding) -> bool:
    """Whether it is of what the load hangs on now: a battery that is merely old must not hide a power cut."""
    return value in _OF_THE_SUPPLY or (finding.state is State.CRITICAL and value not in _LASTING)


def findings(found: list[Supplied], options: ReadinessOptions, today: date) -> Iterator[Finding]:
    """Of each UPS: what it runs on, whether its reserve is long enough, and its battery."""
    for one in found:
        if one.there is False:
            words = f"what carries telephony in a power cut is not known: {one.label} does not answer: {one.why}"
            yield Finding(f"{INPUT}{one.name}", State.UNKNOWN, words[:300])
            continue
        if one.there:
            yield Finding(f"{INPUT}{one.name}", State.OK, f"{one.label} is there")
        yield _power(one, options)
        if one.bad is not None:
            reserve = _running_out(one, options) if one.on_battery else _runtime(one, options)
            yield from () if reserve is None else (reserve,)
            yield _battery(one, options, today)


def covers(found: list[Supplied]) -> frozenset[str]:
    """Keys beside those that have a finding: all there may be, where every UPS was read.

    A reserve that is being used is none to be judged: what was known of it stays.
    """
    if any(one.bad is None for one in found):
        return frozenset()
    reserves = {f"{RUNTIME}/*"} if not any(one.on_battery for one in found) else set()
    return frozenset({f"{POWER}/*", f"{BATTERY}/*"} | reserves)


def readings(found: list[Supplied]) -> Iterator[Reading]:
    """By UPS, as the label `member`."""
    for one in found:
        if one.source is not None:
            yield Reading(ON_BATTERY, float(one.on_battery), (one.name,))
        if one.left is not None:
            yield Reading(LEFT, one.left, (one.name,))
        if one.replaced is not None:
            yield Reading(REPLACED, begins(one.replaced), (one.name,))


def _power(one: Supplied, options: ReadinessOptions) -> Finding:
    key = f"{POWER}/{one.name}"
    if one.bad is None:
        return Finding(key, State.UNKNOWN, f"{one.label} cannot be read: {one.why}"[:300])
    causes = [] if one.source is not None else [(State.UNKNOWN, "what it runs on cannot be told")]
    if one.on_battery:
        causes.append(_drained(one, options))
    for value, finding in one.bad.items():
        if value in _TOLD_HERE or (one.on_battery and value == "output_source"):
            continue
        if _acute(value, finding):
            causes.append((finding.state, finding.summary))
    if not causes:
        return Finding(key, State.OK, f"{one.label} runs on the mains")
    how = worst([how for how, _ in causes])
    words = "; ".join(dict.fromkeys(said for _, said in causes))
    if one.own and how is not State.UNKNOWN:
        return Finding(key, State.OK, f"{one.label}: {words}; its own check {one.own} has the incident"[:300])
    return Finding(key, how, f"{one.label}: {words}"[:300])


def _drained(one: Supplied, options: ReadinessOptions) -> tuple[State, str]:
    if one.left is None:
        return State.WARNING, "calls to 999 run on battery, and how long it lasts is not told"
    how = State.CRITICAL if one.left < options.runtime_critical_minutes * 60 else State.WARNING
    return how, f"calls to 999 run on battery, {one.left // 60:.0f} minutes are left"


def _running_out(one: Supplied, options: ReadinessOptions) -> Finding | None:
    """On battery, what the UPS's own check cannot know: that the time which telephony needs is nearly over."""
    how, words = _drained(one, options)
    if not one.own or (how is State.WARNING and one.left is not None):
        return None
    return Finding(f"{RUNTIME}/{one.name}", how, f"{one.label}: {words}"[:300])


def _runtime(one: Supplied, options: ReadinessOptions) -> Finding:
    """The reserve, as long as it is one: on battery it only says how much of it has been used."""
    key, wanted = f"{RUNTIME}/{one.name}", options.runtime_minutes
    if not wanted:
        return Finding(key, State.OK, f"{one.label}: no time is asked of it")
    if one.left is None:
        words = f"{one.label} does not tell how long its battery would last, and {wanted:g} minutes are wanted"
        return Finding(key, State.UNKNOWN, words[:300])
    words = f"{one.label} would carry telephony for {one.left // 60:.0f} minutes, {wanted:g} are wanted"
    return Finding(key, State.WARNING if one.left < wanted * 60 else State.OK, words[:300])


def _battery(one: Supplied, options: ReadinessOptions, today: date) -> Finding:
    key = f"{BATTERY}/{one.name}"
    assert one.bad is not None  # it was read
    lasting = [(f.state, f.summary) for v, f in one.bad.items() if v not in _TOLD_HERE and not _acute(v, f)]
    causes = [] if one.own else lasting
    age = "how old it is nobody told"
    if one.replaced is not None:
        years = (today - one.replaced).days / _DAYS_OF_A_YEAR
        age = f"replaced on {spelt(one.replaced)}"
        if years < 0:
            causes.append((State.WARNING, f"{age}, which is yet to come: correct the date"))
        elif years > options.battery_years:
            causes.append((State.WARNING, f"{age}, {years:.1f} years ago; {options.battery_years:g} are the limit"))
    if not causes:
        return Finding(key, State.OK, f"battery of {one.label}: {age}")
    words = "; ".join(dict.fromkeys(said for _, said in causes))
    return Finding(key, worst([how for how, _ in causes]), f"battery of {one.label}: {words}"[:300])
