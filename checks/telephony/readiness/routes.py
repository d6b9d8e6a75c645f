"""Which ways out are open to a call to 999, and whether there is a second one. Pure.

OPTIONS proves our way to an endpoint, not the carrier's way to the emergency centre; only a person may test that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from checks.contract import INPUT, Finding, Reason, State, worst
from checks.telephony.readiness.answers import Heard, ReadinessAnswers, System
from checks.telephony.readiness.categories import counted
from checks.telephony.readiness.options import ReadinessOptions, Route
from checks.telephony.sip_options import Endpoint
from checks.telephony.statuses import sign, state

ROUTES = "emergency_readiness/routes"
ROUTE = "emergency_readiness/route"
SECOND = "emergency_readiness/second_route"
PROVES = "this proves our way to them, not the carrier's to the emergency centre"
GONE = "resilience of 999 gone"
_SILENT = frozenset({Reason.NO_ANSWER, Reason.UNREACHABLE})
_DEAD = frozenset({Reason.REFUSED, Reason.PROTOCOL})


class Way(StrEnum):
    """How a route is."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """A route, and what is known of it."""

    name: str
    route: Route
    way: Way
    words: str
    told: bool = True
    """False where the check's own fault tells it already."""

    @property
    def key(self) -> str:
        """The key of its finding: that of the target that is asked, so that the target's own fault comes first."""
        return f"{ROUTE}/{self.name}" if self.route.target is None else f"{INPUT}{self.route.target}"


def identity(name: str, route: Route) -> str:
    """What is remembered of an endpoint that has answered: another endpoint under the same name is another one."""
    assert route.sip is not None  # only endpoints are remembered
    return f"{name} {route.target} {route.sip.transport} {route.sip.at_port} {route.sip.domain or ''}"


def standings(options: ReadinessOptions, answers: ReadinessAnswers, known: frozenset[str]) -> list[Standing]:
    """Every route that the estate names; `known` are the endpoints that have answered before."""
    found = []
    for name, route in options.routes.items():
        if route.sip is not None:
            way, words = _heard(answers.routes.get(name, Heard()), identity(name, route) in known)
            found.append(Standing(name, route, way, words))
        else:
            system = answers.systems.get(route.target or "", System())
            way, words = _counted(system, route)
            found.append(Standing(name, route, way, words, route.target is not None or system.answers is not None))
    return found


def findings(found: list[Standing]) -> Iterator[Finding]:
    """One for all routes together, one for each target where another route is left, and whether there is a second."""
    if not found:
        return
    up = [one for one in found if one.way is Way.UP]
    yield _all(found, up)
    if up:
        yield from _each(found, len(up))
    yield _second(found)


def covers(found: list[Standing]) -> frozenset[str]:
    """Keys beside those that have a finding. While no route is up none is told of beside that, and what was known of
    each stays."""
    whole = not found or (any(one.way is Way.UP for one in found) and all(one.told for one in found))
    return frozenset({ROUTES, SECOND, f"{ROUTE}/*"} if whole else {ROUTES, SECOND})


def _second(found: list[Standing]) -> Finding:
    """Two ports of one border gateway fall together, so they are one route; two categories of a controller may not."""
    apart = {(one.route.target, one.route.category) for one in found}
    if len(found) < 2:
        words = "only one route for calls to 999 is declared: name the second, or have one made"
        return Finding(SECOND, State.WARNING, words)
    if len(apart) < 2:
        words = (
            f"all routes for calls to 999 run over {found[0].route.target}: name one that does not, or have one made"
        )
        return Finding(SECOND, State.WARNING, words[:300])
    return Finding(SECOND, State.OK, f"{len(found)} routes are declared")


def _all(found: list[Standing], up: list[Standing]) -> Finding:
    said = "; ".join(f"{one.name} {one.words}" for one in found)
    evidence = {f"route {one.name}": one.words[:200] for one in found}
    if up:
        words = f"{len(up)} of {len(found)} routes for calls to 999 are up; {PROVES}"
        return Finding(ROUTES, State.OK, words, evidence)
    if any(one.way is Way.UNKNOWN for one in found):
        words = f"whether calls to 999 can leave is not known: {said}"
        return Finding(ROUTES, State.UNKNOWN, words[:300], evidence)
    words = f"calls to 999 cannot leave, no route is up; tell people to use mobiles, then call the carrier: {said}"
    return Finding(ROUTES, State.CRITICAL, words[:300], evidence)


def _each(found: list[Standing], up: int) -> Iterator[Finding]:
    """By target, so that two routes over one box are one finding."""
    by_key: dict[str, list[Standing]] = {}
    for one in found:
        if one.told:
            by_key.setdefault(one.key, []).append(one)
    for key, some in by_key.items():
        bad = [one for one in some if one.way is not Way.UP]
        how = worst([_STATES[one.way] for one in some])
        said = "; ".join(f"{one.name} {one.words}" for one in bad or some)
        if how is State.WARNING:
            said = f"{GONE}: {said}" if up < 2 else f"a route for 999 is down: {said}"
        yield Finding(key, how, said[:300])


_STATES: Mapping[Way, State] = {Way.UP: State.OK, Way.DOWN: State.WARNING, Way.UNKNOWN: State.UNKNOWN}


def _heard(heard: Heard, known: bool) -> tuple[Way, str]:
    """An endpoint is as good as the best of its addresses: a call would try them all."""
    if heard.fault is not None or not heard.endpoints:
        return Way.UNKNOWN, f"could not be asked: {heard.fault.message if heard.fault else 'it has no address'}"
    ways = [_endpoint(one, known) for one in heard.endpoints]
    up = [words for way, words in ways if way is Way.UP]
    if up:
        some = f" ({len(up)} of its {len(ways)} addresses do)" if len(up) < len(ways) else ""
        return Way.UP, up[0] + some
    unknown = [words for way, words in ways if way is Way.UNKNOWN]
    return (Way.UNKNOWN, unknown[0]) if unknown else (Way.DOWN, ways[0][1])


def _endpoint(one: Endpoint, known: bool) -> tuple[Way, str]:
    if one.status is not None:
        meaning = sign(one.status, one.retry_after)
        words = f"answers {one.status}: it is {meaning.value}"
        # A call would have got the same answer (RFC 3261, section 11), so one that is overloaded carries none.
        return (Way.UP if state(meaning) is State.OK else Way.DOWN), words
    if one.fault is None:
        return Way.UNKNOWN, "said nothing that is understood"
    if one.fault.reason in _DEAD or (one.fault.reason in _SILENT and known):
        return Way.DOWN, f"is down: {one.fault.message}"
    filtered = "; it never answered yet, so a filter may drop strangers" if one.fault.reason in _SILENT else ""
    return Way.UNKNOWN, f"is not known: {one.fault.message}{filtered}"


def _counted(system: System, route: Route) -> tuple[Way, str]:
    count = counted(system, route.category or "")
    if count.why:
        return Way.UNKNOWN, f"is not known: {count.why}"
    if count.missing:
        if route.listed_in_alarm_only and not count.lists_all and count.clear:
            return Way.UP, f"has no alarm: {route.category} is not listed, and the level is clear"
        return Way.UNKNOWN, f"is not known: the system lists no category {route.category}"
    total = count.available + count.unavailable
    names = ", ".join(count.found)[:80]
    if total == 0:
        return Way.UNKNOWN, f"is not known: {names} has no resource at all"
    if count.available == 0:
        return Way.DOWN, f"is down: all {total} of {names} are out of service"
    return Way.UP, f"has {count.available} of {total} in service ({names})"
