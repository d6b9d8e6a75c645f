"""Every restore that was tried in a time: what drills of Ridgeway left in their files, and what products tell of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.evidence.model import DrillFiles, DrillShown, DrillTotals, ObjectShown, ReadingShown
from agent.evidence.objects import Known
from agent.evidence.period import Period, utc
from checks.backup.model import Proof
from checks.backup.options import BackupOptions
from checks.backup.proofs import LOG_SUFFIX, Logged, RestoreRecord, read_log
from checks.printable import printable

_OUTCOMES = {True: "passed", False: "failed", None: "unproven"}


@dataclass(frozen=True, slots=True)
class Filed:
    """What the drills of one check left."""

    directory: str | None = None
    logs: Mapping[str, Logged] = field(default_factory=dict)
    """By the object's name."""
    unread: tuple[str, ...] = ()


def filed_in(options: BackupOptions, period: Period, now: float) -> Filed:
    """Read what drills of the check's objects left of that time. Blocks."""
    if options.proofs is None:
        return Filed()
    directory = Path(options.proofs)
    try:
        next(directory.iterdir(), None)
    except OSError as error:
        return Filed(options.proofs, {}, (f"{directory} cannot be read: {error.strerror}",))
    logs = {name: read_log(directory / (name + LOG_SUFFIX), period.start, period.end, now) for name in options.objects}
    return Filed(options.proofs, logs, tuple(one.unread for one in logs.values() if one.unread))


def drills_of(known: Iterable[Known], filed: Mapping[str, Filed], period: Period) -> list[DrillShown]:
    """Restores of declared objects, the oldest first. One that stands in file and ledger is told once."""
    found = [one for check in known for one in _of_check(check, filed.get(check.check, Filed()), period)]
    return sorted(found, key=lambda one: (one.at, one.check, one.object, one.by))


def readings_of(known: Iterable[Known], filed: Mapping[str, Filed]) -> list[ReadingShown]:
    """Data that was read again by drills, the oldest first."""
    found = [
        ReadingShown(
            check.check, check.council, name, utc(row.at), printable(f"{row.product}/{row.repository}"), row.sound,
            row.share, printable(row.message),
        )
        for check in known
        for name, log in filed.get(check.check, Filed()).logs.items()
        for row in log.verifications
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.at, one.check, one.object))


def files_of(known: Iterable[Known], filed: Mapping[str, Filed]) -> list[DrillFiles]:
    """From where drills were read, and what of them was not."""
    told = ((one.check, filed.get(one.check, Filed())) for one in known)
    return [DrillFiles(check, one.directory, one.unread) for check, one in told]


def totals_of(drills: Sequence[DrillShown], objects: Iterable[ObjectShown]) -> DrillTotals:
    """Figures of the time."""
    declared = [one for one in objects if one.declared]
    real = [one for one in drills if not one.rehearsal and one.outcome != "withdrawn"]
    good = {(one.check, one.object) for one in real if one.outcome == "passed"}
    return DrillTotals(
        objects=len(declared),
        restored=sum((one.check, one.name) in good for one in declared),
        tried=len(real),
        passed=sum(one.outcome == "passed" for one in real),
        failed=sum(one.outcome == "failed" for one in real),
        unproven=sum(one.outcome == "unproven" for one in real),
        rehearsals=sum(one.rehearsal for one in drills),
        without_change=sum(one.source == "drill" and not one.change for one in real),
    )


def _of_check(known: Known, filed: Filed, period: Period) -> Iterator[DrillShown]:
    for name, options in known.options.objects.items():
        log = filed.logs.get(name, Logged())
        title = options.title or name
        yield from (_of_file(known, name, title, row) for row in log.restores)
        told = {(row.at, printable(row.by)) for row in log.restores}
        history = known.histories.get(name)
        for proof in history.proofs if history else ():
            if period.start <= proof.at < period.end and (proof.at, printable(proof.by)) not in told:
                yield _of_ledger(known, name, title, proof)


def _of_file(known: Known, name: str, title: str, row: RestoreRecord) -> DrillShown:
    return DrillShown(
        check=known.check,
        council=known.council,
        object=name,
        title=title,
        at=utc(row.at),
        by=printable(row.by),
        source="drill",
        tool=printable(row.tool),
        outcome=row.outcome,
        rehearsal=row.rehearsal,
        point=utc(row.point) if row.point else None,
        point_id=printable(row.point_id),
        seconds=row.seconds,
        bytes=row.bytes,
        change=printable(row.change),
        host=printable(row.host),
        cleaned=row.cleaned,
        message=printable(row.message),
    )


def _of_ledger(known: Known, name: str, title: str, proof: Proof) -> DrillShown:
    """What a product tells of; or a drill of ours of which the ledger alone still knows."""
    return DrillShown(
        check=known.check,
        council=known.council,
        object=name,
        title=title,
        at=utc(proof.at),
        by=printable(proof.by),
        source="product",
        tool="",
        outcome="withdrawn" if proof.withdrawn else _OUTCOMES[proof.passed],
        rehearsal=proof.rehearsal,
        point=utc(proof.point) if proof.point else None,
        point_id="",
        seconds=proof.seconds,
        bytes=proof.bytes,
        change="",
        host="",
        cleaned=None,
        message=printable(proof.message),
    )
