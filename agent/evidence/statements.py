"""What the pack has to say to each statement of CAF outcome B5.c (backups), in other words than NCSC's. Pure.

Facts and figures only: whether an outcome is achieved is for the assessor to say. What a machine cannot see is named as
not shown, so that nobody reads silence as an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.evidence.model import DrillFiles, DrillTotals, IncidentShown, ObjectShown, Statement, Told
from checks.printable import some_of

_NOT, _PARTLY, _ACHIEVED = "not achieved", "partly achieved", "achieved"


def statements(
    objects: Sequence[ObjectShown],
    undeclared: Sequence[Told],
    repositories: Sequence[Told],
    incidents: Sequence[IncidentShown],
    drills: DrillTotals,
    files: Sequence[DrillFiles],
) -> tuple[Statement, ...]:
    """One after the other, as the guidance has them."""
    mine = [one for one in objects if one.declared]
    return (
        _coverage(mine, undeclared),
        _frequency(mine),
        _restore_time(mine),
        _secured(mine),
        _tested(mine, incidents, drills, files),
        _comprehensive(mine, repositories),
        _documented(mine),
    )


def _coverage(objects: Sequence[ObjectShown], undeclared: Sequence[Told]) -> Statement:
    shown = [
        f"{len(objects)} objects are declared; {_of(objects, lambda one: bool(one.known_by))} known to a product.",
        *(f"{one.check}: {one.words}" for one in undeclared),
    ]
    missing = ["That everything that matters was declared: the estate is compared with what products list, no more."]
    return Statement(_NOT, "Coverage is incomplete.", tuple(shown), tuple(missing))


def _frequency(objects: Sequence[ObjectShown]) -> Statement:
    shown = []
    if objects:
        worst = min(objects, key=lambda one: (one.rpo.kept_percent, one.name))
        shown = [
            f"RPO kept for all of the time: {_of(objects, lambda one: one.rpo.kept_percent == 100)}.",
            f"RPO not kept at some time: {_of(objects, lambda one: one.rpo.not_kept_seconds > 0)}.",
            f"Unproven at some time: {_of(objects, lambda one: one.rpo.unproven_seconds > 0)}.",
            f"Least kept: {worst.title}, {worst.rpo.kept_percent:.2f} % ({worst.rpo.not_kept_percent:.2f} % not kept, "
            f"{worst.rpo.unproven_percent:.2f} % unproven).",
        ]
    return Statement(
        _NOT, "Backups are not frequent enough.", tuple(shown), ("That the RPO is what the service needs.",)
    )


def _restore_time(objects: Sequence[ObjectShown]) -> Statement:
    asked = [one for one in objects if one.rto_seconds is not None]
    measured = [one for one in asked if one.restore_estimate_seconds is not None]
    shown = []
    if measured:
        shown = [f"Estimate from measured restores within the RTO: {_of(measured, _in_time)} with both."]
    missing = [f"Without an RTO: {_of(objects, lambda one: one.rto_seconds is None)}."] if objects else []
    missing += [f"With an RTO and no measured restore: {len(asked) - len(measured)} of {len(asked)}."] if asked else []
    return Statement(_NOT, "What is lost cannot be restored in a suitable time.", tuple(shown), tuple(missing))


def _in_time(one: ObjectShown) -> bool:
    return (one.restore_estimate_seconds or 0.0) <= (one.rto_seconds or 0.0)


def _secured(objects: Sequence[ObjectShown]) -> Statement:
    asked = [one for one in objects if one.copies.asked]
    shown = [f"With a copy elsewhere: {_of(asked, lambda one: bool(one.copies.elsewhere))} asked for."] if asked else []
    unplaced = _of(objects, lambda one: one.copies.elsewhere is None)
    missing = [
        f"Whether a copy is elsewhere, where nothing says where the original is: {unplaced}.",
        "Whether configuration of firewalls, telephony and hypervisors is among the objects: see their names.",
        "A break-glass account that reaches the other site, an offline runbook, and equipment, processes and "
        "knowledge.",
    ]
    return Statement(
        _PARTLY,
        "Data, configuration, software, equipment, processes and knowledge are secured and can be reached in an "
        "extreme event.",
        tuple(shown),
        tuple(missing),
    )


def _tested(
    objects: Sequence[ObjectShown],
    incidents: Sequence[IncidentShown],
    drills: DrillTotals,
    files: Sequence[DrillFiles],
) -> Statement:
    tried = [result for one in objects for result in one.restored if result.passed is not None]
    damaged = [one.title for one in objects if any(not result.sound for result in one.verified)]
    shown = [
        f"Read again and found right: {_of(objects, lambda one: any(result.sound for result in one.verified))}.",
        f"Restored at least once: {_of(objects, lambda one: any(result.passed for result in one.restored))}.",
        f"Restores that went well: {sum(bool(one.passed) for one in tried)} of {len(tried)}.",
        f"Restores tried in the time: {drills.tried}, of which {drills.passed} went well, {drills.failed} failed and "
        f"{drills.unproven} could not be done; of {drills.restored} of {drills.objects} objects one went well.",
        f"Incidents in the time: {len(incidents)}, of which {sum(one.ended is None for one in incidents)} go on.",
    ]
    shown += [f"Found damaged when last read again: {some_of(damaged)}."] if damaged else []
    missing = ["That what was restored could be used by the service: a restore proves its data."]
    missing += [f"Drills of {one.check} that could not be read: {some_of(one.unread)}." for one in files if one.unread]
    return Statement(_PARTLY, "Backups are routinely tested to work and to be usable.", tuple(shown), tuple(missing))


def _comprehensive(objects: Sequence[ObjectShown], repositories: Sequence[Told]) -> Statement:
    asked = [one for one in objects if one.copies.asked]
    shown = [f"With a schedule in the estate: {_of(objects, lambda one: one.schedule is not None)}."]
    if asked:
        shown += [
            f"With the copies that are asked for: {_of(asked, _as_asked)}.",
            f"With a copy out of an attacker's reach: {_of(asked, lambda one: one.copies.out_of_reach > 0)}.",
        ]
    locks = [one for one in repositories if one.about.startswith("backup/lock/")]
    if locks:
        good = sum(one.state == "ok" for one in locks)
        shown.append(f"Locks of repositories as they should be: {good} of {len(locks)}.")
    missing = [f"Copies of objects of which the estate asks for none: {len(objects) - len(asked)}."]
    return Statement(
        _ACHIEVED,
        "Backups are comprehensive, automatic and tested, and held at secondary sites for an extreme event.",
        tuple(shown),
        tuple(missing),
    )


def _as_asked(one: ObjectShown) -> bool:
    return not one.copies.missing and bool(one.known_by)


def _documented(objects: Sequence[ObjectShown]) -> Statement:
    shown = [f"With an owner: {_of(objects, lambda one: bool(one.owner))}. This pack is the export of what was seen."]
    missing = ["When the policy of backups was last reviewed, and by whom."]
    words = "Backups of all important data are made, tested, documented and reviewed."
    return Statement(_ACHIEVED, words, tuple(shown), tuple(missing))


def _of(objects: Sequence[ObjectShown], fits: Callable[[ObjectShown], bool]) -> str:
    return f"{sum(map(fits, objects))} of {len(objects)}"
