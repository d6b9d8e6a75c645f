"""Why a target, or one check of it, is or is not alerting, and what would happen next: `ridgeway explain`."""

from __future__ import annotations

from dataclasses import dataclass

from agent.history import bad_among, good_run
from agent.judge.scene import Scene
from agent.judge.watch import Watched
from agent.records import OPEN_LEVELS, Alert, AlertLevel, Cause
from agent.wording import clock, since_text
from checks.contract import State, worst
from config.estate import Target


@dataclass(frozen=True, slots=True)
class CheckExplained:
    check: str
    state: str
    """Worst of its findings and of the faults of asking that stand; `unknown` before the first result."""
    fresh_until: float | None
    silent: bool
    text: str


@dataclass(frozen=True, slots=True)
class AlertExplained:
    cause: Cause
    level: AlertLevel
    why: str
    next: str
    at: float | None
    """When that happens by itself, if time alone decides."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Structured for `--json`, and as lines for a person."""

    target: str
    check: str | None
    checks: tuple[CheckExplained, ...]
    alerts: tuple[AlertExplained, ...]
    lines: tuple[str, ...]


def explain(scene: Scene, name: str, check: str | None, now: float) -> Explanation | None:
    """None when the estate has no such target, or the target no such check."""
    target = scene.estate.targets.get(name)
    if target is None or (check is not None and all(spec.name != check for spec in target.checks)):
        return None
    watched = [one for one in scene.of_target[name] if check is None or one.spec.name == check]
    causes = {cause for one in watched for cause in one.causes}
    if check is None:
        causes |= {cause for cause in scene.book.alerts if scene.target_of(cause) is target}
    checks = tuple(_check(scene, one, now) for one in watched)
    alerts = tuple(_alert(scene, target, scene.book.alerts[cause], now) for cause in sorted(causes))
    return Explanation(name, check, checks, alerts, tuple(_lines(scene, target, checks, alerts)))


def _lines(
    scene: Scene, target: Target, checks: tuple[CheckExplained, ...], alerts: tuple[AlertExplained, ...]
) -> list[str]:
    lines = [f"{target.name} ({target.address}), {target.council}, at {target.site}"]
    parents = scene.in_the_way(target)
    if parents:
        lines.append("Before anything about reaching it opens, these are asked: " + ", ".join(parents) + ".")
    lines += [one.text for one in checks]
    if not checks:
        lines.append("The estate has no check of it.")
    for one in alerts:
        lines += [f"{one.cause.condition}: {one.level.value}", f"  why:  {one.why}", f"  next: {one.next}"]
    if not alerts:
        lines.append("Nothing about it is or was lately bad; a bad result would begin to count.")
    return lines


def _check(scene: Scene, watched: Watched, now: float) -> CheckExplained:
    spec = watched.spec
    faults = _faults(scene, watched)
    name = f"{spec.name} ({spec.kind}{f', from {watched.vantage}' if scene.several else ''})"
    rule = f"opens after {spec.open_after.m} bad of {spec.open_after.n}, clears after {spec.clear_after.m} good"
    if watched.away:
        state, text = "unknown", f"{name}: {watched.vantage} could not be asked, so nothing is known now; {rule}."
    elif not watched.states and not faults and watched.reached is None:
        state, text = "unknown", f"{name}: no result yet; {rule}."
    elif watched.reached is False:
        before = worst(list(watched.states.values())).value if watched.states else "nothing"
        state = "unknown"
        text = f"{name}: did not reach it, so nothing is known now; it last read {before}; {rule}."
    else:
        state = worst([*watched.states.values(), *faults.values()]).value
        by = f" ({', '.join(sorted(faults))})" if faults else ""
        old = " It has fallen silent." if watched.silent else ""
        reached = "reached it" if watched.reached else "cannot tell whether it can be reached"
        text = f"{name}: {state}{by}, {reached}; good until {clock(watched.fresh_until, now)}; {rule}.{old}"
    known = watched.fresh_until if watched.fresh_until != float("inf") else None
    return CheckExplained(spec.id, state, known, watched.silent, text)


def _faults(scene: Scene, watched: Watched) -> dict[str, State]:
    """Faults of asking that stand, by condition: its last findings are then not what it would read now."""
    standing = (scene.book.get(cause) for cause in watched.causes)
    return {
        alert.cause.condition: alert.contributions[watched.contributor]
        for alert in standing
        if alert is not None and watched.contributor in alert.faults and not scene.is_reach(alert.cause)
    }


def _alert(scene: Scene, target: Target, alert: Alert, now: float) -> AlertExplained:
    why, then, at = _story(scene, target, alert, now)
    flags = [name for name, is_set in (("flapping", alert.flapping), ("stale", alert.stale)) if is_set]
    if flags:
        why += f" It is {' and '.join(flags)}."
    return AlertExplained(alert.cause, alert.level, why, then, at)


def _story(scene: Scene, target: Target, alert: Alert, now: float) -> tuple[str, str, float | None]:
    rule = alert.open_after
    bad = bad_among(alert.history, rule.n)
    since = since_text(alert.first_bad, now)
    if alert.level is AlertLevel.PENDING:
        counted = f"{bad} of the last {rule.n} results are bad; {rule.m} are needed."
        return f"{alert.summary} ({since}). {counted}", "The next result decides.", None
    if alert.level is AlertLevel.HELD:
        return _held_story(scene, target, alert, since, now)
    if alert.level in OPEN_LEVELS:
        good = good_run(alert.history, alert.length)
        clear = alert.clear_after
        return (
            f"{alert.summary} ({since}).",
            f"It clears when {clear.m} of the last {clear.n} results are good ({good} in a row so far); the "
            f"incident is then held for {alert.hold_down:.0f} s before it is resolved.",
            None,
        )
    return (
        f"It is clear since {clock(alert.first_good, now)}: {alert.summary}",
        f"It opens again when {rule.m} of {rule.n} results are bad.",
        None,
    )


def _held_story(scene: Scene, target: Target, alert: Alert, since: str, now: float) -> tuple[str, str, float | None]:
    said = f"{alert.summary} ({since}); it would open, but "
    if alert.maintenance is not None:
        return (
            said + f"maintenance {alert.maintenance} covers it.",
            "If it is still bad when that ends, it opens.",
            None,
        )
    if alert.suppressed_by is not None:
        root = alert.suppressed_by
        return (
            said + f"it lies behind {root.subject} ({root.condition}), which has the incident.",
            f"When {root.subject} is clear again, the next bad result of {target.name} itself opens it.",
            None,
        )
    asked = scene.way(alert, target, alert.last_result, overdue=False).ask or (target.name,)
    until = clock(alert.held_until, now)
    return (
        said + f"{', '.join(asked)} must answer first.",
        f"It opens if they answer, at the latest about {until}; if one is away, it is listed behind that one.",
        alert.held_until,
    )
