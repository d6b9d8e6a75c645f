"""The account that the answers of one or several instances make. Pure but for what it remembers in `Known`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from checks.backup.model import Account, Job, Level, Outcome, Part, Proof, RestorePoint, Run, Verification
from checks.backup.products.mssql import queries, restores, rows
from checks.backup.products.mssql.chains import Chain
from checks.backup.products.mssql.known import Instance, Known
from checks.backup.products.mssql.rows import NOT_DATA, SYSTEM, Database
from checks.backup.products.mssql.server import Answers
from checks.backup.products.mssql.words import LOG_JOB
from checks.backup.products.rows import one_line

HISTORY = 45 * 86_400.0
"""Seconds of runs that the first reading tells: enough for the stricter statistics of nightly jobs."""
CHAINS = 100 * 86_400.0
"""Seconds for which backups are read at first contact: a differential may stand on the full of a quarter ago."""
LOG_SILENT = 86_400.0
"""Seconds after which a database that keeps its log, and of which no log was backed up, is told."""
_MOST_LOGS = 30
_HAS = (
    Part.JOBS, Part.RUNS, Part.OBJECTS, Part.POINTS, Part.VERIFICATIONS, Part.DRILLS, Part.SERVER,
)  # fmt: skip
_OF_TABLE = {
    "databases": (Part.OBJECTS,),
    "replicas": (Part.RUNS,),
    "backupset": (Part.RUNS, Part.POINTS, Part.SERVER),
    "restorehistory": (Part.DRILLS, Part.VERIFICATIONS),
    "sysjobs": (Part.JOBS,),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One instance of the round: what it answered, or why it did not."""

    target: str
    backs_up: bool
    """Its own backups count; without that it is there for its restores."""
    answers: Answers | None = None
    fault: str = ""


@dataclass(slots=True)
class _Round:
    """What is put together for the account."""

    known: Known
    zone: ZoneInfo
    now: float
    images: bool
    version: str = ""
    clock: float | None = None
    jobs: list[Job] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    logs: dict[str, list[Run]] = field(default_factory=dict)
    """By object, in small letters."""
    images_of: list[tuple[Chain, Run]] = field(default_factory=list)
    databases: dict[str, Database] = field(default_factory=dict)
    """By object."""
    proofs: list[Proof] = field(default_factory=list)
    verifications: list[Verification] = field(default_factory=list)
    unread: dict[Part, str] = field(default_factory=dict)
    replicas: dict[str, str] = field(default_factory=dict)
    """The group of each, by its name."""

    def not_read(self, why: str, *parts: Part) -> None:
        """The reason is told once: of the first of the parts that has none yet."""
        for part in parts:
            if part not in self.unread:
                self.unread[part], why = why[:250], "likewise"


def account(asked: Sequence[Asked], known: Known, zone: ZoneInfo, now: float, images: bool) -> Account:
    """The account. An instance that could not be read makes the whole partial: it may have had what is newer."""
    this = _Round(known, zone, now, images)
    for one in asked:
        if one.answers is None:
            parts = (Part.RUNS, Part.POINTS, Part.SERVER) if one.backs_up else (Part.DRILLS, Part.VERIFICATIONS)
            this.not_read(one.fault, *parts)
        else:
            _named(this, one.target, one.answers)
    for one in asked:
        if one.answers is not None:
            _instance(this, one, one.answers)
    _strangers(this, asked)
    _forget(this)
    told = [name for name, database in this.databases.items() if database.name.casefold() not in NOT_DATA]
    for logs in this.logs.values():
        this.runs += sorted(logs, key=lambda run: run.started or 0.0)[-_MOST_LOGS:]
    this.runs += [_unsure(run) for chain, run in this.images_of if not chain.fulls]
    this.runs += _silent(this, told)
    return Account(
        product="mssql",
        at=now,
        version=this.version,
        clock=this.clock,
        since=now - HISTORY,
        jobs=tuple(this.jobs),
        runs=tuple(this.runs),
        objects=tuple(name for name in told if this.databases[name].online or this.databases[name].grouped),
        points=tuple(_points(this)),
        verifications=tuple(this.verifications),
        proofs=tuple(this.proofs),
        server_backup=_server_backup(this, asked),
        unread=this.unread,
        has=_HAS,
    )


def _named(this: _Round, target: str, told: Answers) -> None:
    """Which server it is and which groups its databases are in: before anything is called by either."""
    one = this.known.instances.setdefault(target, Instance())
    one.server = one_line(told.server.get("name")) or one_line(told.server.get("actual")) or target
    if "databases" not in told.unread:
        found = rows.databases(told.databases, this.zone)
        groups = {database.name.casefold(): database.group for database in found if database.group}
        if groups != one.groups:
            one.groups, one.renamed = groups, True


def _instance(this: _Round, asked: Asked, told: Answers) -> None:
    one = this.known.instances[asked.target]
    zone = rows.zone_of(told.server, this.zone)
    there = rows.databases(told.databases, zone)
    _clock(this, told)
    _parts(this, asked, told, there)
    new = told.restores[::-1]
    one.restored = restores.restored(one.restored, new, zone)
    this.proofs += restores.proofs(one.restored, there, one.server, this.known.object)
    this.verifications += restores.verifications(new, zone, this.known.object)
    if asked.backs_up:
        for database in there:
            this.databases.setdefault(this.known.object(one.server, database.name), database)
        for row in told.replicas:
            this.replicas[one_line(row.get("replica"))] = one_line(row.get("group_name"))
        for row in told.backups:
            found = rows.taken(row, one.server, zone)
            if found is not None:
                _taken(this, one.server, found)
        this.jobs += rows.jobs(told.jobs, one.server, zone)
        ran = [*rows.job_runs(told.runs, one.server, zone), *rows.job_runs(told.jobs, one.server, zone)]
        this.runs += {run.id: run for run in ran if (run.started or 0.0) >= this.now - HISTORY}.values()
        this.runs += rows.running(told.running, one.server, zone)
    one.go_on(told)


def _clock(this: _Round, told: Answers) -> None:
    """Of several clocks the one that is most wrong."""
    clock = rows.clock_of(told.server)
    if clock is not None and (this.clock is None or abs(clock - this.now) > abs(this.clock - this.now)):
        this.clock = clock
    this.version = this.version or one_line(told.server.get("version"))


def _parts(this: _Round, asked: Asked, told: Answers, there: Sequence[Database]) -> None:
    """What could not be read, or not whole."""
    ours = set(_HAS) if asked.backs_up else {Part.DRILLS, Part.VERIFICATIONS}
    for table, why in told.unread.items():
        parts = _OF_TABLE[table] if asked.backs_up or table != "databases" else (Part.DRILLS,)
        this.not_read(why, *(part for part in parts if part in ours))
    if "databases" not in told.unread:
        where = Part.OBJECTS if asked.backs_up else Part.DRILLS
        if told.server.get("sees_databases") != 1 or not there:
            this.not_read(f"{asked.target}: shows only some databases; grant {queries.TABLES['databases']}", where)
        if len(told.databases) >= queries.MOST_DATABASES:
            this.not_read(f"{asked.target}: has more than {queries.MOST_DATABASES} databases", where)
    if not asked.backs_up:
        return
    listed = {one_line(row.get("group_name")) for row in told.replicas}
    if any(one.grouped and one.group not in listed for one in there) and "replicas" not in told.unread:
        why = f"{asked.target}: does not show its availability groups; grant {queries.TABLES['replicas']}"
        this.not_read(why, Part.OBJECTS, Part.RUNS)
    if told.more:
        this.not_read(f"{asked.target}: its history is still being read", Part.RUNS, Part.POINTS, Part.SERVER)


def _taken(this: _Round, server: str, found: rows.Taken) -> None:
    name = this.known.object(server, found.database)
    key, run = name.casefold(), replace(found.run, object=name)
    chain = this.known.chains.setdefault(key, Chain())
    if found.image:
        _image(this, name, chain, found)
        return
    if found.backup is not None:
        chain.add(found.backup)
    if run.started is None or run.started < this.now - HISTORY or found.database.casefold() in NOT_DATA:
        return
    if run.level is Level.LOG:
        this.logs.setdefault(key, []).append(run)
    else:
        this.runs.append(run)


def _image(this: _Round, name: str, chain: Chain, found: rows.Taken) -> None:
    """The row says that the database was frozen for an image, and not that anything was kept."""
    run = replace(found.run, object=name)
    if this.images and found.backup is not None and found.backup.level is Level.FULL:
        at = found.backup.started
        if at >= this.known.newest_image(name):
            point = RestorePoint(name, at, found.backup.place, Level.FULL, run.bytes, run.id)
            this.known.images[name.casefold()] = point
        this.runs.append(run)
    elif not this.images:
        this.images_of.append((chain, run))


def _unsure(image: Run) -> Run:
    """Of a database that has nothing else."""
    words = f"only {image.job}: whether it was kept, that product tells"
    return replace(image, outcome=Outcome.UNKNOWN, message=words)


def _forget(this: _Round) -> None:
    """Chains of databases that are not there any more; what lies of them the check itself remembers."""
    if Part.OBJECTS in this.unread or Part.RUNS in this.unread:
        return
    there = {name.casefold() for name in this.databases}
    for kept in (this.known.chains, this.known.images):
        for gone in kept.keys() - there:
            del kept[gone]


def _points(this: _Round) -> Iterator[RestorePoint]:
    servers = [one.server for one in this.known.instances.values()]
    system = {f"{server}/{name}".casefold() for server in servers for name in NOT_DATA}
    for name, chain in this.known.chains.items():
        if name not in system:
            yield from chain.points(name)
    yield from this.known.images.values()


def _silent(this: _Round, told: Sequence[str]) -> Iterator[Run]:
    """Databases that keep their log, and of which none is backed up: a green full a night does not make good for it."""
    if Part.RUNS in this.unread or Part.OBJECTS in this.unread:
        return
    for name in told:
        database, chain = this.databases[name], this.known.chains.get(name.casefold(), Chain())
        firsts = [one.finished for one in chain.fulls.values() if not one.copy_only]
        if not (database.online and database.writable and database.keeps_log and firsts):
            continue
        since = max(chain.newest_log or 0.0, min(firsts))
        due = since + (this.now - since) // LOG_SILENT * LOG_SILENT  # once a day, so that it stays news
        if due > since:
            words = "it is in full recovery, and no log has been backed up"
            yield Run(f"{name} {int(due)}", LOG_JOB, Outcome.MISSED, name, due, due, Level.LOG, message=words)


def _strangers(this: _Round, asked: Sequence[Asked]) -> None:
    """Replicas that nobody asks may have taken the newest backup."""
    of_round = {one.target for one in asked if one.backs_up}
    ours = {one.server.casefold() for target, one in this.known.instances.items() if target in of_round}
    for replica, group in this.replicas.items():
        if replica.casefold() not in ours:
            this.not_read(f"replica {replica} of {group} is not asked; name it in `replicas`", Part.RUNS, Part.POINTS)


def _server_backup(this: _Round, asked: Sequence[Asked]) -> float | None:
    """When the older of master and msdb was last saved, of the instance that is worst off."""
    found: list[float] = []
    servers = [this.known.instances[one.target].server for one in asked if one.backs_up and one.answers is not None]
    for name in (f"{server}/{name}".casefold() for server in servers for name in SYSTEM):
        chain = this.known.chains.get(name, Chain())
        newest = max((one.finished for one in chain.fulls.values() if not one.damaged), default=None)
        if newest is None:
            return None
        found.append(newest)
    return min(found, default=None)
