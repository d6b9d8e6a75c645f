"""Metric families of backups, and their readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from checks.backup.history import ObjectHistory
from checks.backup.model import Repository
from checks.backup.options import ObjectOptions
from checks.backup.rules.freshness import newest
from checks.backup.rules.proving import last_restored, last_verified, restore_seconds
from checks.backup.rules.sizes import Unusual
from checks.contract import Family, Reading

RESTORABLE = Family(
    "ridgeway_backup_last_restorable_timestamp_seconds", "Time of the newest point that can be restored.",
    unit="seconds", labels=("object",),
)  # fmt: skip
RPO = Family("ridgeway_backup_rpo_seconds", "How old it may be.", unit="seconds", labels=("object",))
RUN_AT = Family(
    "ridgeway_backup_last_run_timestamp_seconds", "When the last run of a job that is over began, whatever came of it.",
    unit="seconds", labels=("object", "job_name"),
)  # fmt: skip
RUN_SECONDS = Family(
    "ridgeway_backup_last_run_duration_seconds", "How long it took.", unit="seconds", labels=("object", "job_name")
)
RUN_BYTES = Family(
    "ridgeway_backup_last_run_bytes", "What it read of the object.", unit="bytes", labels=("object", "job_name")
)
VERIFIED = Family(
    "ridgeway_backup_last_verified_timestamp_seconds", "When data of it was last read again and found right.",
    unit="seconds", labels=("object",),
)  # fmt: skip
DRILLED = Family(
    "ridgeway_backup_last_drill_timestamp_seconds", "When a restore of it last went well.", unit="seconds",
    labels=("object",),
)  # fmt: skip
RESTORE = Family(
    "ridgeway_backup_restore_estimate_seconds", "How long a restore would take, by what drills measured.",
    unit="seconds", labels=("object",),
)  # fmt: skip
COPIES = Family("ridgeway_backup_copies", "Copies that can be restored from, by place.", labels=("object", "where"))
POINTS = Family("ridgeway_backup_restore_points", "Restore points, by repository.", labels=("object", "repository"))
DEVIATION = Family(
    "ridgeway_backup_deviation_sigmas", "How far the last run is from what is usual, in robust standard deviations.",
    labels=("object", "of", "level"),
)  # fmt: skip
FREE = Family(
    "ridgeway_backup_repository_free_bytes", "Free room of a repository.", unit="bytes", labels=("repository",)
)
CAPACITY = Family(
    "ridgeway_backup_repository_capacity_bytes", "Room of a repository.", unit="bytes", labels=("repository",)
)
LOCKED = Family(
    "ridgeway_backup_repository_locked_seconds", "For how long new points cannot be deleted.", unit="seconds",
    labels=("repository",),
)  # fmt: skip
FAMILIES = (
    RESTORABLE, RPO, RUN_AT, RUN_SECONDS, RUN_BYTES, VERIFIED, DRILLED, RESTORE, COPIES, POINTS, DEVIATION, FREE,
    CAPACITY, LOCKED,
)  # fmt: skip
_DAY = 86_400.0


def of_object(
    name: str,
    options: ObjectOptions,
    history: ObjectHistory,
    where: Mapping[str, int],
    far: Sequence[Unusual],
    now: float,
) -> Iterator[Reading]:
    """The readings of one object; what is not known has none."""
    proof = last_restored(history)
    values = (
        (RPO, options.rpo),
        (RESTORABLE, newest(history, now)),
        (VERIFIED, last_verified(history)),
        (DRILLED, proof.at if proof else None),
        (RESTORE, restore_seconds(history)),
    )
    yield from (Reading(family, float(value), (name,)) for family, value in values if value is not None)
    for job, last in {past.job: past for past in history.runs}.items():  # the last of each, for they are in order
        of_run = ((RUN_AT, last.started), (RUN_SECONDS, last.seconds), (RUN_BYTES, last.bytes))
        yield from (Reading(family, float(value), (name, job)) for family, value in of_run if value is not None)
    yield from (Reading(COPIES, float(count), (name, at)) for at, count in where.items())
    for at, lying in history.lying.items():
        if lying.count is not None:
            yield Reading(POINTS, float(lying.count), (name, at))
    worst: dict[tuple[str, str], float] = {}
    for one in far:  # of several jobs the one that is farthest off
        key = (one.what, one.level.value)
        worst[key] = max(worst.get(key, 0.0), one.deviation.z, key=abs)
    yield from (Reading(DEVIATION, z, (name, *key)) for key, z in worst.items())


def of_repository(at: str, one: Repository) -> Iterator[Reading]:
    """The readings of one repository."""
    values = (
        (FREE, one.free),
        (CAPACITY, one.capacity),
        (LOCKED, None if one.immutable_days is None else one.immutable_days * _DAY),
    )
    yield from (Reading(family, float(value), (at,)) for family, value in values if value is not None)
