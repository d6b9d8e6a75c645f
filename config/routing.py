"""Who an incident goes to, and whether maintenance covers it: pure functions of the estate and the moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from config.cron import next_fire
from config.estate import Estate, Maintenance, Route, Selector


def matches(
    selector: Selector,
    estate: Estate,
    *,
    council: str,
    site: str | None = None,
    target: str | None = None,
    kind: str | None = None,
    condition: str | None = None,
) -> bool:
    """Whether a selector applies. What it restricts must be known and fit; what it does not restrict may be None.

    Services are those of the target. A condition fits by its whole name or by a pattern (`snmp/*`).
    """
    if selector.services:
        known = estate.targets.get(target) if target is not None else None
        if not any(_fits(selector.services, service) for service in (known.services if known else ())):
            return False
    return (
        _fits(selector.councils, council)
        and _fits(selector.sites, site)
        and _fits(selector.targets, target)
        and _fits(selector.kinds, kind)
        and _fits(selector.conditions, condition)
    )


def _fits(patterns: Sequence[str], value: str | None) -> bool:
    if not patterns:
        return True
    return value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)


def route_for(
    estate: Estate,
    *,
    council: str,
    site: str | None = None,
    target: str | None = None,
    kind: str | None = None,
    condition: str | None = None,
) -> Route | None:
    """The first route that matches. None only in an estate without desks: with desks, every council has a route."""
    for route in estate.routes:
        if matches(route.selector, estate, council=council, site=site, target=target, kind=kind, condition=condition):
            return route
    return None


def maintenance_at(
    windows: Iterable[Maintenance],
    estate: Estate,
    *,
    council: str,
    now: float,
    site: str | None = None,
    target: str | None = None,
    kind: str | None = None,
    condition: str | None = None,
) -> Maintenance | None:
    """The first of the windows (the estate's, and those added at run time) that is open at `now` and applies."""
    for window in windows:
        applies = matches(
            window.selector, estate, council=council, site=site, target=target, kind=kind, condition=condition
        )
        if applies and is_active(window, now):
            return window
    return None


def is_active(window: Maintenance, now: float) -> bool:
    """Whether a window is open; it is at its first moment, and no more at its last."""
    if window.start is not None and window.end is not None:
        return window.start.timestamp() <= now < window.end.timestamp()
    return _open_until(window, now) is not None


def next_change(windows: Iterable[Maintenance], now: float) -> float | None:
    """The first moment later than `now` at which one of the windows begins or ends; None if none ever does.

    Until then the answers of `is_active` do not change, so they may be kept.
    """
    moments: list[float] = []
    for window in windows:
        if window.start is not None and window.end is not None:
            moments += [window.start.timestamp(), window.end.timestamp()]
        elif window.cron is not None:
            moments.append(next_fire(window.cron, now))
            until = _open_until(window, now)
            if until is not None:
                moments.append(until)
    return min((moment for moment in moments if moment > now), default=None)


def _open_until(window: Maintenance, now: float) -> float | None:
    """The end of the recurring window that is open at `now`."""
    if window.cron is None:
        return None
    # Forward from the earliest beginning that could still be open: a window lasts real seconds, also over the night
    # of a clock change.
    begun = next_fire(window.cron, now - window.duration)
    return begun + window.duration if begun <= now else None
