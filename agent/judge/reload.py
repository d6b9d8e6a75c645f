"""What becomes of alerts when the estate changes under them."""

from __future__ import annotations

from collections.abc import Callable

from agent.isolation import AWAY, PATH, SILENT
from agent.judge.scene import NO_TARGETS, Scene, Windows
from agent.judge.watch import Watched
from agent.records import Alert, Cause
from checks.contract import Assessment, covered
from config.estate import Estate


def carry_over(scene: Scene, estate: Estate, windows: Windows | None, *, starting: bool = False) -> None:
    """Use this estate from now on. `starting`: no check has said anything yet but what the ledger kept of its last run.

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
        _recall(scene, alert)
    gone = {a.cause for a in scene.book if a.cause.condition != SILENT and not _is_asked(scene, a, starting)}
    if gone:
        for watched in scene.watched.values():
            watched.causes -= gone
    for alert in scene.book:
        if alert.cause in gone:
            scene.book.withdraw(alert.cause)


def withdraw_unasked(scene: Scene, watched: Watched, assessment: Assessment, withdraw: Callable[[Cause], None]) -> None:
    """After a check's options changed: a full answer that no longer mentions a key means it is not asked about.

    One that is not whole means so only of what it covers, and the next is looked at again.
    """
    watched.respecified = not assessment.whole
    for cause in list(watched.causes):
        alert = scene.book.get(cause)
        if alert is None or cause.condition in watched.states or watched.contributor not in alert.questions:
            continue  # it is asked about still, or is a fault of asking
        if not assessment.whole and not covered(assessment.covers, cause.condition):
            continue  # it may be asked about, and could not be read
        if set(alert.contributions) <= {watched.contributor}:
            withdraw(cause)
            continue
        watched.causes.discard(cause)  # the others go on to say how it is
        _silence(scene, alert, watched.contributor)


def _rename_checks(scene: Scene, renamed: dict[str, str]) -> None:
    """What is known of a check goes with its target's new name, unless that was a target's name before."""
    for old, new in renamed.items():
        if new in scene.of_target:
            continue
        names: dict[str, str] = {}
        for watched in scene.of_target.get(old, ()):
            contributor = _renamed_check(watched.contributor, renamed)
            scene.watched[contributor] = scene.watched.pop(watched.contributor)
            names[watched.contributor] = contributor
            watched.contributor = contributor
        scene.paths.rename(old, new, names)
        for name, vantage in [key for key in scene.reach if key[0] == old]:
            scene.reach[new, vantage] = scene.reach.pop((name, vantage))


def _move(scene: Scene, alert: Alert, renamed: dict[str, str]) -> None:
    alert.contributions = {_renamed_check(name, renamed): state for name, state in alert.contributions.items()}
    alert.faults = {_renamed_check(name, renamed): answered for name, answered in alert.faults.items()}
    alert.questions = {_renamed_check(name, renamed): question for name, question in alert.questions.items()}
    if alert.cause.condition in NO_TARGETS:
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
        watched = scene.watched.get(contributor)
        if watched is not None:
            watched.causes.discard(alert.cause)
            watched.causes.add(cause)
            watched.calm = False  # it may be another target's check, which takes this over
    scene.book.rename(alert, cause)


def _renamed_check(contributor: str, renamed: dict[str, str]) -> str:
    target, slash, check = contributor.partition("/")
    return f"{renamed[target]}{slash}{check}" if target in renamed else contributor


def _who_reaches(scene: Scene, alert: Alert) -> dict[str, Watched]:
    """Whoever can say that the target is reached again; nobody, where a vantage has no gateway any more."""
    target = scene.target_of(alert.cause)
    if target is None:
        return {}
    # What has become a vantage's gateway fails, from there, as a cause of its own.
    of_target = scene.of_target[target.name]
    return {w.contributor: w for w in of_target if scene.reach_cause(target, w.vantage) == alert.cause}


def _can_tell(watched: Watched, starting: bool) -> bool:
    """At a start it is not known whether a check ever told: its last run alone may have been one that cannot."""
    return watched.tells or (starting and not watched.spec.evidence)


def _silence(scene: Scene, alert: Alert, contributor: str) -> None:
    """What this check said of it counts no longer."""
    alert.contributions.pop(contributor, None)
    alert.faults.pop(contributor, None)
    alert.questions.pop(contributor, None)
    scene.book.touch(alert)


def _recall(scene: Scene, alert: Alert) -> None:
    """What the alert remembers of its checks and they do not after a restart, during which the estate may have changed.

    Whether it was an answer to the question of today; and that a fault of asking is no finding, which would be over
    only when the check reports it again.
    """
    for contributor, question in alert.questions.items():
        watched = scene.watched.get(contributor)
        if watched is not None and not watched.respecified and watched.question != question:
            watched.ask_anew()
    for contributor in alert.faults:
        watched = scene.watched.get(contributor)
        if watched is not None:
            target = scene.estate.targets[watched.spec.target]
            watched.states = {
                key: state
                for key, state in watched.states.items()
                if scene.accounts.cause(target.council, target.name, key) != alert.cause
            }


def _is_asked(scene: Scene, alert: Alert, starting: bool) -> bool:
    """Whether anything in the estate can still say that this is over; drops the contributions of what cannot."""
    if alert.cause.condition in (AWAY, PATH):
        # Where everybody looks from one place, nobody speaks of ways any more, also not that one is mended.
        return scene.several and bool(scene.along(alert.cause))
    starting = starting and not alert.contributions  # a reload kept it, when it was known who can tell
    speakers = _who_reaches(scene, alert) if scene.is_reach(alert.cause) else scene.watched
    for name in [name for name in alert.contributions if name not in speakers]:
        _silence(scene, alert, name)
    if alert.contributions:
        return True
    if speakers is scene.watched or not any(_can_tell(watched, starting) for watched in speakers.values()):
        return False
    for watched in speakers.values():  # whoever is left has to be heard in full, however calm it was
        watched.calm = False
    return True
