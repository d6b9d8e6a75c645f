"""What people's records say of today: addresses whose review is due, lines that the switch-off will end. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from checks.contract import INPUT, Family, Finding, Reading, State
from checks.printable import some_of
from checks.telephony.readiness.answers import ReadinessAnswers, System
from checks.telephony.readiness.categories import counted
from checks.telephony.readiness.days import begins, in_days, months_later, spelt
from checks.telephony.readiness.options import InService, ReadinessOptions
from checks.telephony.readiness.records import Line, LineKind, Location

LOCATION = "emergency_readiness/location"
LINE = "emergency_readiness/line"
SWITCH_OFF = "emergency_readiness/switch_off"
IN_SERVICE = "emergency_readiness/in_service"
RECORDS = "emergency_readiness/records"
OVERDUE = Family(
    "ridgeway_emergency_location_reviews_overdue", "Address records for emergency calls whose review is overdue."
)
NOT_MIGRATED = Family(
    "ridgeway_lines_not_migrated", "Lines of the register that the switch-off would end.", labels=("line_kind",)
)
ENDS = Family(
    "ridgeway_lines_switch_off_timestamp_seconds", "When the day of the switch-off begins (Unix time).", unit="seconds"
)
FAMILIES = (OVERDUE, NOT_MIGRATED, ENDS)


def overdue(location: Location, today: date) -> bool:
    """Whether its review should have been before today; never reviewed is overdue."""
    return location.reviewed is None or today > due(location)


def due(location: Location) -> date:
    """The last day on which its next review is in time."""
    assert location.reviewed is not None  # the caller asked
    return months_later(location.reviewed, location.review_every)


def location_findings(locations: Sequence[Location], today: date) -> Iterator[Finding]:
    """One for each record that somebody has to see to."""
    for one in locations:
        owner = one.owner or "nobody"
        causes = []
        if not one.owner:
            causes.append("has no owner: name a role")
        if one.reviewed is None:
            causes.append("was never reviewed")
        elif one.reviewed > today:
            causes.append(f"was reviewed on {spelt(one.reviewed)}, which is yet to come: correct the date")
        elif overdue(one, today):
            causes.append(f"was to be reviewed by {spelt(due(one))}, {in_days((due(one) - today).days)}")
        if causes:
            where = f" ({one.address})" if one.address else ""
            words = f"address record {one.name}{where}, of {owner}, {'; '.join(causes)}"
            yield Finding(f"{LOCATION}/{one.key}", State.WARNING, words[:300], {"owner": owner})


def gone(line: Line, today: date) -> bool:
    """Whether the switch-off does not matter to it any more: migrated, and not only to be."""
    return line.migrated is not None and line.migrated <= today


def line_findings(lines: Sequence[Line], options: ReadinessOptions, today: date) -> Iterator[Finding]:
    """The count-down of all lines together, and one for each line whose record somebody has to see to."""
    if not lines:
        return
    left = [line for line in lines if not gone(line, today)]
    yield _countdown(lines, left, options, today)
    for line in left:
        causes = [] if line.owner else ["has no owner: name a role"]
        if line.plan is not None and line.plan > options.switch_off:
            causes.append(f"is planned for {spelt(line.plan)}, after the switch-off on {spelt(options.switch_off)}")
        elif line.plan is not None and line.plan < today:
            causes.append(f"was to be migrated by {spelt(line.plan)}, {in_days((line.plan - today).days)}")
        if causes:
            what = ", ".join(part for part in (line.kind, line.site, line.used_for) if part)
            words = f"line {line.name} ({what}), of {line.owner or 'nobody'}, {'; '.join(causes)}"
            yield Finding(f"{LINE}/{line.key}", State.WARNING, words[:300], {"owner": line.owner or "nobody"})


def _countdown(lines: Sequence[Line], left: Sequence[Line], options: ReadinessOptions, today: date) -> Finding:
    if not left:
        return Finding(SWITCH_OFF, State.OK, f"all {len(lines)} lines of the register are migrated")
    days = (options.switch_off - today).days
    how = State.OK
    if days <= options.switch_off_warning_days:
        how = State.WARNING
    if days <= options.switch_off_critical_days:
        how = State.CRITICAL
    when = f"{spelt(options.switch_off)}, {in_days(days)}"
    names = some_of([f"{line.name} ({line.used_for})" if line.used_for else line.name for line in left])
    verb = "end" if days >= 0 else "were to end"
    words = f"{len(left)} of {len(lines)} lines are not migrated and {verb} on {when}: {names}"
    by_use = Counter(line.used_for or "unknown use" for line in left)
    evidence = {use: str(count) for use, count in by_use.most_common(20)}
    return Finding(SWITCH_OFF, how, words[:300], {"days left": str(days)} | evidence)


def service_findings(
    options: ReadinessOptions, answers: ReadinessAnswers, lines: Sequence[Line] | None, today: date
) -> Iterator[Finding]:
    """For each category that is to end. A controller that cannot be read is told once: as itself, or as a route's.

    `lines` is None where not all of them could be read.
    """
    carries = {route.target for route in options.routes.values()}
    for name, one in options.in_service.items():
        system = answers.systems.get(one.target or "", System())
        ended = _ended(one, options, lines, today)
        if one.target is not None and one.target not in carries:
            yield _controller(one.target, system)
        if lines is None and today <= options.switch_off:
            continue  # whether it must have ended hangs on lines that are not known now
        if system.answers is not None or not ended:
            yield _in_service(f"{IN_SERVICE}/{name}", one, system, ended)


def _controller(name: str, system: System) -> Finding:
    if system.answers is not None:
        return Finding(f"{INPUT}{name}", State.OK, f"{name} is there")
    why = system.fault.message if system.fault is not None else "it was not asked"
    words = f"which lines {name} still has in service is not known: {why}"
    return Finding(f"{INPUT}{name}", State.UNKNOWN, words[:300])


def _ended(one: InService, options: ReadinessOptions, lines: Sequence[Line] | None, today: date) -> str:
    """Why the category should be out of service by now; empty: it need not be yet."""
    if today > options.switch_off:
        return f"the switch-off was on {spelt(options.switch_off)}"
    of_kind = [line for line in lines or () if line.kind is one.kind]
    if of_kind and all(gone(line, today) for line in of_kind):
        return f"every {one.kind} line of the register is migrated"
    return ""


def _in_service(key: str, one: InService, system: System, ended: str) -> Finding:
    if not ended:
        return Finding(key, State.OK, f"{one.category} may be in service: its {one.kind} lines are not migrated yet")
    count = counted(system, one.category)
    if count.why:
        return Finding(key, State.UNKNOWN, f"whether {one.category} is out of service is not known: {count.why}"[:300])
    if count.missing and not count.lists_all:
        words = (
            f"whether {one.category} is out of service is not known: it is not listed, but this system may list only "
            "what is in alarm"
        )
        return Finding(key, State.UNKNOWN, words)
    if count.available:
        words = f"{one.category} still has {count.available} in service, though {ended}: what still uses it?"
        return Finding(key, State.WARNING, words[:300])
    return Finding(key, State.OK, f"{one.category} is out of service")


def readings(
    locations: Sequence[Location], lines: Sequence[Line], options: ReadinessOptions, today: date
) -> Iterator[Reading]:
    """Counts, without any name."""
    if locations:
        yield Reading(OVERDUE, float(sum(overdue(one, today) for one in locations)))
    if lines:
        left = Counter(line.kind for line in lines if not gone(line, today))
        for kind in LineKind:
            yield Reading(NOT_MIGRATED, float(left[kind]), (kind.value,))
        yield Reading(ENDS, begins(options.switch_off))
