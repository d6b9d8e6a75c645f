"""What becomes of alerts when the estate changes under them."""

from __future__ import annotations

from collections.abc import Callable

from agent.isolation import AWAY, PATH, SILENT
from agent.judge.scene import Scene, Windows
from agent.judge.watch import Watched
from agent.records import Alert, Cause
from config.estate import Estate


def carry_over(scene: Scene, estate: Estate, windows: Windows | None) -> None:
    """Use this estate from now on.

    1. What goes on under another name (`formerly`) or another council keeps its alert, count by count.
    2. An alert of something the estate no longer holds is withdrawn.
    3. So is one whose every contributing check is gone, unless it says "unreachable" and another check can tell.
    """
    renamed = {
        old: target.name for target in estate.targets.values() for old in target.formerly if old not in estate.targets
    }
    for old, new in renamed.items():
        scene.book.move(old, new, estate.targets[new].council)
    _rename_checks(scene, renamed)
    if windows is not None:
        scene.windows = windows
    scene.use(estate, scene.vantage)
    for alert in scene.book:
        _move(scene, alert, renamed)
    gone = {a.cause for a in scene.book if a.cause.condition != SILENT and not _is_asked(scene, a)}
    if gone:
        for watched in scene.watched.values():
            watched.causes -= gone
    for alert in scene.book:
        if alert.cause in gone:
            scene.book.withdraw(alert.cause)


def withdraw_unasked(scene: Scene, watched: Watched, withdraw: Callable[[Cause], None]) -> None:
    """After a check's options changed: a full answer that no longer mentions a key means it is not asked about."""
    watched.respecified = False
    for cause in list(watched.causes):
        alert = scene.book.get(cause)
        told = cause.condition in watched.states
        if alert is None or scene.is_reach(cause) or told or watched.contributor in alert.faults:
            continue
        if set(alert.contributions) <= {watched.contributor}:
            withdraw(cause)


def _rename_checks(scene: Scene, renamed: dict[str, str]) -> None:
    """What is known of a check goes with its target's new name, unless that was a target's name before."""
    for old, new in renamed.items():
        if new in scene.of_target:
            continue
        for watched in scene.of_target.get(old, ()):
            contributor = _renamed_check(watched.contributor, renamed)
            scene.watched[contributor] = scene.watched.pop(watched.contributor)
            watched.contributor = contributor
        for name, vantage in [key for key in scene.reach if key[0] == old]:
            scene.reach[new, vantage] = scene.reach.pop((name, vantage))


def _move(scene: Scene, alert: Alert, renamed: dict[str, str]) -> None:
    alert.contributions = {_renamed_check(name, renamed): state for name, state in alert.contributions.items()}
    alert.faults = {_renamed_check(name, renamed): answered for name, answered in alert.faults.items()}
    if alert.cause.condition in (SILENT, AWAY, PATH):
        return  # its subject is no target, whatever it is called
    subject = renamed.get(alert.cause.subject, alert.cause.subject)
    target = scene.estate.targets.get(subject)
    cause = Cause(target.council, subject, alert.cause.condition) if target is not None else alert.cause
    if cause == alert.cause:
        return
    if scene.book.get(cause) is not None:
        scene.book.withdraw(alert.cause)
        return
    for contributor in alert.contributions:
        if contributor in scene.watched:
            scene.watched[contributor].causes.discard(alert.cause)
            scene.watched[contributor].causes.add(cause)
    scene.book.rename(alert, cause)


def _renamed_check(contributor: str, renamed: dict[str, str]) -> str:
    target, slash, check = contributor.partition("/")
    return f"{renamed[target]}{slash}{check}" if target in renamed else contributor


def _is_asked(scene: Scene, alert: Alert) -> bool:
    """Whether anything in the estate can still say that this is over; drops the contributions of what cannot."""
    if alert.cause.condition in (AWAY, PATH):
        return bool(scene.along(alert.cause))
    target = scene.target_of(alert.cause)
    speakers = scene.watched
    if target is not None and scene.is_reach(alert.cause):
        # What has become a vantage's gateway fails, from there, as a cause of its own.
        of_target = scene.of_target[target.name]
        speakers = {w.contributor: w for w in of_target if scene.reach_cause(target, w.vantage) == alert.cause}
    for name in [name for name in alert.contributions if name not in speakers]:
        del alert.contributions[name]
        alert.faults.pop(name, None)
        scene.book.touch(alert)
    if alert.contributions:
        return True
    if speakers is scene.watched or not any(watched.tells for watched in speakers.values()):
        return False
    for watched in speakers.values():  # whoever is left has to be heard in full, however calm it was
        watched.calm = False
    return True
