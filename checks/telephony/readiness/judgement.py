"""What a round says of a council's readiness: routes, power, records, lines, and one sentence for a board. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from checks.contract import INPUT, Assessment, Family, Finding, Memory, Reading, State
from checks.printable import some_of
from checks.telephony.readiness import power, registers, routes
from checks.telephony.readiness.answers import ReadinessAnswers
from checks.telephony.readiness.days import day_of, in_days
from checks.telephony.readiness.options import ReadinessOptions, inputs
from checks.telephony.readiness.power import Supplied
from checks.telephony.readiness.records import Line, Location
from checks.telephony.readiness.routes import Standing, Way

VERSION = 1
SUMMARY = "emergency_readiness/readiness"
ROUTES = Family("ridgeway_emergency_routes", "Routes that are declared for calls to 999.")
UP = Family("ridgeway_emergency_routes_up", "Those of them that are up as far as can be seen without a call.")
FAMILIES = (ROUTES, UP, *power.FAMILIES, *registers.FAMILIES)


def judged(options: ReadinessOptions, answers: ReadinessAnswers, memory: Memory | None, now: float) -> Assessment:
    """Judge one round as of `now` (Unix seconds)."""
    known, today = _known(memory), day_of(now)
    ways = routes.standings(options, answers, known)
    supplied = power.supplies(options, answers, now)
    kept = answers.records
    locations, lines = (*options.locations, *kept.locations), (*options.lines, *kept.lines)
    whole = not kept.fault
    found = [_summary(options, ways, supplied, locations, lines, whole, now)]
    found += [*routes.findings(ways), *power.findings(supplied, options, today)]
    covers = set(routes.covers(ways) | power.covers(supplied))
    found += registers.location_findings(locations, today)
    found += registers.line_findings(lines, options, today) if whole else ()
    covers |= {f"{registers.LINE}/*", f"{registers.LOCATION}/*", registers.SWITCH_OFF} if whole else set()
    found += registers.service_findings(options, answers, lines if whole else None, today)
    if options.records is not None:
        found.append(_records(options.records, kept.fault, len(locations), len(lines)))
    covers |= {registers.RECORDS, SUMMARY}
    final = _each_once(found)
    if all(f"{INPUT}{name}" in final for name in inputs(options)):
        covers.add(f"{INPUT}*")  # every target that the estate still names has its finding
    return Assessment(
        findings=tuple(final.values()),
        readings=tuple(_readings(options, ways, supplied, locations, lines, whole, now)),
        covers=frozenset(covers | final.keys()),
        may_go=_MAY_GO,
        memory=_remembered(options, answers, known),
    )


_MAY_GO = frozenset(
    {
        f"{INPUT}*", f"{registers.LINE}/*", f"{registers.LOCATION}/*", f"{registers.IN_SERVICE}/*",
        registers.SWITCH_OFF, registers.RECORDS, routes.ROUTES, routes.SECOND, f"{routes.ROUTE}/*",
        f"{power.POWER}/*", f"{power.RUNTIME}/*", f"{power.BATTERY}/*",
    }
)  # fmt: skip
"""What a person takes out of the estate or of the records is no fault when it is gone."""


def _each_once(found: Sequence[Finding]) -> dict[str, Finding]:
    """By key; a target that is a route and a UPS at once is as bad as the worse of them."""
    final: dict[str, Finding] = {}
    for finding in found:
        other = final.get(finding.key)
        if other is None or finding.state.rank > other.state.rank:
            final[finding.key] = finding
    return final


def _records(file: str, fault: str, locations: int, lines: int) -> Finding:
    if fault:
        words = f"the records cannot be read, so what is overdue or left is not known: {fault}"
        return Finding(registers.RECORDS, State.UNKNOWN, words[:300], {"file": file})
    words = f"{locations} address records and {lines} lines are known"
    return Finding(registers.RECORDS, State.OK, words, {"file": file})


def _summary(
    options: ReadinessOptions,
    ways: Sequence[Standing],
    supplied: Sequence[Supplied],
    locations: Sequence[Location],
    lines: Sequence[Line],
    whole: bool,
    now: float,
) -> Finding:
    """Always ok: what there is, in one sentence that can be read out, and what nobody declared."""
    today = day_of(now)
    said, missing = [], []
    if ways:
        said.append(f"{sum(one.way is Way.UP for one in ways)} of {len(ways)} routes for 999 are up")
    else:
        missing.append("routes for 999")
    left = [one.left // 60 for one in supplied if one.left is not None]
    if supplied:
        least = f", the shortest reserve is {min(left):.0f} minutes" if left else ", how long they last is not told"
        running = [one.name for one in supplied if one.on_battery]
        least += f", on battery: {some_of(running)}" if running else ""
        said.append(f"{sum(one.bad is not None for one in supplied)} of {len(supplied)} UPSs were read{least}")
    else:
        missing.append("power")
    if locations:
        late = sum(registers.overdue(one, today) for one in locations)
        said.append(f"{late} of {len(locations)} address records are overdue for review")
    elif whole:
        missing.append("address records")
    if lines:
        unmoved = sum(not registers.gone(one, today) for one in lines)
        when = in_days((options.switch_off - today).days)
        said.append(f"{unmoved} of {len(lines)} lines are not migrated, the switch-off {_is(when)} {when}")
    elif whole:
        missing.append("register of lines")
    if not whole:
        said.append("the file of records cannot be read")
    words = "; ".join(said) + (f". Nobody declared: {', '.join(missing)}" if missing else "")
    return Finding(SUMMARY, State.OK, (words[:1].upper() + words[1:])[:300])


def _is(when: str) -> str:
    return "was" if when.endswith("ago") else "is"


def _readings(
    options: ReadinessOptions,
    ways: Sequence[Standing],
    supplied: Sequence[Supplied],
    locations: Sequence[Location],
    lines: Sequence[Line],
    whole: bool,
    now: float,
) -> Sequence[Reading]:
    found: list[Reading] = []
    if ways:
        found.append(Reading(ROUTES, float(len(ways))))
        found.append(Reading(UP, float(sum(one.way is Way.UP for one in ways))))
    found += power.readings(list(supplied))
    if whole:
        found += registers.readings(locations, lines, options, day_of(now))
    return found


def _known(memory: Memory | None) -> frozenset[str]:
    """The endpoints that have answered before; a note of another version, or a damaged one, is empty."""
    if memory is None or memory.version != VERSION:
        return frozenset()
    try:
        said = json.loads(memory.text)
    except ValueError:
        return frozenset()
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()


def _remembered(options: ReadinessOptions, answers: ReadinessAnswers, known: frozenset[str]) -> Memory | None:
    """The new note, of the routes that are declared; None where nothing changed."""
    declared = {name: routes.identity(name, route) for name, route in options.routes.items() if route.sip is not None}
    heard = {
        declared[name]
        for name, one in answers.routes.items()
        if name in declared and any(endpoint.status is not None for endpoint in one.endpoints)
    }
    after = (known | heard) & frozenset(declared.values())
    return None if after == known else Memory(VERSION, json.dumps(sorted(after)))
