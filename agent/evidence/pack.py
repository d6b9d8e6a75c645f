"""The pack: the estate says what must be protected, the ledger what was seen of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from agent.evidence.drills import Filed, drills_of, files_of, readings_of, totals_of
from agent.evidence.model import (
    FORM,
    VERSION,
    Acknowledged,
    Asked,
    CheckRead,
    Excepted,
    IncidentShown,
    Made,
    ObjectShown,
    Pack,
    Told,
    Watching,
)
from agent.evidence.objects import NOTHING_SEEN, Known, Watch, seen, shown, stretch, unwatched
from agent.evidence.period import LONDON, Period, utc
from agent.evidence.reading import Kept
from agent.evidence.statements import statements
from agent.ledger.batch import CheckRecord
from agent.records import Incident
from checks.backup.judgement import LOCK, PRODUCT, REPOSITORY, UNDECLARED
from checks.backup.note import unpacked
from checks.backup.options import KIND, BackupOptions
from checks.contract import State
from config.estate import CheckSpec, Estate

LIMITS = (
    "The RPO counts as kept while the object's finding was ok or a warning, and as not kept while it was critical: "
    "beyond its RPO, known to no product, or its runs were incomplete or protected nothing. The ledger keeps the state "
    "of a finding and not its words, so these cannot be told apart afterwards.",
    "Time is unproven while the agent did not run, a product could not be read whole, a result was no longer fresh, or "
    "the object was not declared yet. While a repository in which the object lies now was critical, its time is "
    "unproven unless it was not kept: the fault was told at the repository.",
    "Changes are noticed when the check next runs, so each stretch is exact to one interval of the check.",
    "Owners, targets and titles are those of the estate as it stands now. How an object stands, its copies, "
    "verifications and restores are those of the newest reading, and of restores the newest 12; they may be younger "
    "than the time that is asked for.",
    "Maintenance never stops the clock of the RPO.",
    "Of restores that a product tells of itself the ledger keeps the newest of each object, so of a long time older "
    "ones may be missing. Drills of Ridgeway are read from the files that they left on this machine.",
)


def checks_of(estate: Estate, council: str | None) -> list[tuple[CheckSpec, str]]:
    """Every check of backups with the council of its target; of one council where it is named."""
    return [
        (spec, target.council)
        for target in estate.targets.values()
        for spec in target.checks
        if spec.kind == KIND and council in (None, target.council)
    ]


def servers_of(checks: Iterable[tuple[CheckSpec, str]]) -> frozenset[str]:
    """The targets without which these checks see nothing."""
    return frozenset(name for spec, _ in checks for name in (spec.target, *spec.inputs))


def pack_of(
    estate: Estate,
    kept: Kept,
    filed: Mapping[str, Filed],
    period: Period,
    council: str | None,
    now: float,
    by: str,
    version: str,
) -> Pack:
    """Everything, in a stable order: the same ledger and estate give the same pack, but for when and by whom.

    `filed`: what drills left, by check.
    """  # fmt: skip
    watch = Watch(period, unwatched(kept.lives, period))
    specs = checks_of(estate, council)
    known = [_known(spec, of, kept.records.get(spec.id)) for spec, of in specs]
    objects = tuple(_objects(specs, known, kept, watch))
    gaps = sum(end - start for start, end in watch.gaps)
    length = period.end - period.start
    undeclared = tuple(_told(known, (UNDECLARED,)))
    repositories = tuple(_told(known, (REPOSITORY, LOCK)))
    incidents = tuple(_incident(one, kept, period) for one in kept.incidents)
    drills = tuple(drills_of(known, filed, period))
    totals, files = totals_of(drills, objects), tuple(files_of(known, filed))
    return Pack(
        FORM,
        VERSION,
        Made(utc(now), by, version, estate.name, estate.revision, kept.lineage.epoch, kept.lineage.sequence),
        Asked(
            period.first.isoformat(), period.last.isoformat(), LONDON.key, council, stretch(period.start, period.end)
        ),
        Watching(int(10_000 * (length - gaps) / length) / 100, tuple(stretch(*gap) for gap in watch.gaps)),
        tuple(_read(one, kept.records.get(one.check), now) for one in known),
        objects,
        undeclared,
        repositories,
        incidents,
        drills,
        tuple(readings_of(known, filed)),
        totals,
        files,
        tuple(_excepted(known)),
        statements(objects, undeclared, repositories, incidents, totals, files),
        LIMITS,
    )


def as_json(pack: Pack) -> bytes:
    """The pack as its file holds it: what its digest is of."""
    return (json.dumps(asdict(pack), indent=2, ensure_ascii=False) + "\n").encode()


def options_of(spec: CheckSpec) -> BackupOptions:
    """The options of one of `checks_of`."""
    assert isinstance(spec.options, BackupOptions)  # the catalogue pairs options with kinds
    return spec.options


def _known(spec: CheckSpec, council: str, record: CheckRecord | None) -> Known:
    options = options_of(spec)
    if record is None:
        return Known(spec.id, council, options, None, {}, {})
    note = unpacked(record.memory)
    findings = {finding.key: finding for finding in record.assessment.findings}
    return Known(spec.id, council, options, record.last_success, note.objects, findings)


def _objects(
    specs: Sequence[tuple[CheckSpec, str]], known: Sequence[Known], kept: Kept, watch: Watch
) -> Iterator[ObjectShown]:
    """Those of the estate check by check, each check's by name; then what the ledger knows and the estate does not."""
    by_target: dict[str, list[Known]] = {}
    for (spec, _), one in zip(specs, known, strict=True):
        by_target.setdefault(spec.target, []).append(one)
    told = seen(kept.spans)
    for target, some in by_target.items():
        for one in some:
            yield from (shown(name, one, told.get(target, NOTHING_SEEN), watch) for name in sorted(one.options.objects))
    councils = {span.cause.subject: span.cause.council for span in kept.spans}
    for target in sorted(told):
        nobody = Known(target, councils[target], _NOTHING, None, {}, {})
        for name in sorted(told[target].protection):
            if not any(name in one.options.objects for one in by_target.get(target, ())):
                yield shown(name, nobody, told[target], watch)


_NOTHING = BackupOptions.model_construct(products={}, policies={}, objects={}, repositories=())


def _read(known: Known, record: CheckRecord | None, now: float) -> CheckRead:
    fresh = record is not None and known.at is not None and known.at + record.valid_for >= now
    bad = [
        one.summary for key, one in sorted(known.findings.items())
        if one.state is not State.OK and (key.startswith(f"{PRODUCT}/") or key.count("/") == 1)
    ]  # fmt: skip
    return CheckRead(known.check, known.council, utc(known.at) if known.at else None, fresh, tuple(bad))


def _told(known: Iterable[Known], about: Sequence[str]) -> Iterator[Told]:
    for one in known:
        for key, finding in sorted(one.findings.items()):
            if any(key.startswith(f"{what}/") for what in about):
                yield Told(one.check, key, finding.state.value, finding.summary)


def _incident(one: Incident, kept: Kept, period: Period) -> IncidentShown:
    ended = one.resolved_at if one.resolved_at is not None else one.closed_at
    said, opened = one.acknowledged, one.opened_at if one.opened_at is not None else one.suspected_at
    return IncidentShown(
        id=one.id,
        council=one.cause.council,
        target=one.cause.subject,
        condition=one.cause.condition,
        title=one.title,
        severity=one.severity.value,
        priority=one.priority.value,
        state=one.state.value,
        began=utc(one.suspected_at),
        opened=utc(opened),
        ended=utc(ended) if ended is not None else None,
        seconds=round((ended if ended is not None else period.end) - one.suspected_at, 3),
        tickets=tuple(f"{link.desk}: {link.ticket}" for link in kept.tickets.get(one.id, ()) if link.ticket),
        accepted=Acknowledged(said.by, utc(said.at), utc(said.until), said.comment) if said is not None else None,
    )


def _excepted(known: Iterable[Known]) -> Iterator[Excepted]:
    """What the estate says need not be looked at."""
    for one in known:
        if not one.options.undeclared:
            yield Excepted(one.check, "what is backed up and not declared is not looked for")
        else:
            yield from (Excepted(one.check, f"need not be declared: {name}") for name in one.options.undeclared_except)
        if one.options.server_backup_within is None:
            yield Excepted(one.check, "the backup of the backup server's own configuration is not looked at")
