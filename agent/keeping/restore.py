"""Putting an archive back: checked in a stage, what is there kept beside, then one rename (or one transaction).

A process that is killed anywhere leaves the old ledger or the new one, never half of one; the same for the estate.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from agent.keeping.durable import sync_directory
from agent.keeping.errors import ArchiveError, KeepingError
from agent.keeping.exchange import exchange
from agent.ledger import tables
from agent.ledger.copying import clear, copy_rows, file_engine
from agent.ledger.database import Database, Hold
from agent.ledger.epochs import Lineage, begin_epoch, lineage_of, shared
from agent.ledger.errors import LedgerMisfit, LedgerUnavailable, LedgerUnusable
from agent.ledger.held import COMMAND, looking
from agent.ledger.ledger import end_spans
from agent.ledger.mark import Mark
from agent.ledger.migrate import lay_out, migrate, revision_in
from agent.ledger.migrations import HEAD
from agent.ledger.postgres import PostgresDatabase
from agent.ledger.sqlite import SqliteDatabase
from config.source import files_of

NOTES_GAP = 1_000
"""How far the numbers of an incident's notes jump: a desk may have been told notes that the copy does not know, and one
of the same number would be taken for said."""
_SKIP_NOTES = (
    "UPDATE incidents SET body = json_set(body, '$.notes', coalesce(json_extract(body, '$.notes'), 0) + ?) "
    "WHERE state NOT IN ('closed', 'cancelled')"
)


@dataclass(frozen=True, slots=True)
class Present:
    """The ledger that is to be replaced. `lineage` is None when it cannot be read: `trouble` says why."""

    lineage: Lineage | None = None
    later: int = 0
    """Events that it holds and the copy does not."""
    later_open: int = 0
    """Incidents that opened in it after the copy was made."""
    related: bool = True
    """Whether the copy and it are of one past."""
    trouble: str = ""


@contextmanager
def taken(database: Database) -> Iterator[Hold]:
    """The ledger's lock, so that no agent starts meanwhile. Raises LedgerInUse, LedgerUnusable."""
    hold = database.hold(COMMAND)
    try:
        yield hold
    finally:
        hold.release()


def look_at_present(database: Database, copy: Lineage, created: float) -> Present | None:
    """What would be replaced; None when there is nothing. Raises KeepingError for what is no ledger of ours."""
    if isinstance(database, SqliteDatabase) and (not database.path.exists() or not database.path.stat().st_size):
        return None
    try:
        with looking(database) as connection, connection.begin():
            if revision_in(connection) is None:
                return None
            lineage = lineage_of(connection)
            known = shared(copy, lineage)
            common = min(copy.sequence, max((old.last for old in known.values()), default=0))
            events, incidents = tables.events, tables.incidents
            later = select(func.count()).select_from(events).where(events.c.sequence > common)
            opened = select(func.count()).select_from(incidents).where(incidents.c.opened_at > created)
            return Present(
                lineage,
                connection.execute(later).scalar_one(),
                connection.execute(opened).scalar_one(),
                related=bool(known),
            )
    except DBAPIError as error:
        explained = database.explain(error)
        if isinstance(explained, LedgerMisfit):
            raise KeepingError(f"{explained}; name a place of its own with --ledger.url") from error
        if not isinstance(explained, LedgerUnusable) or isinstance(database, PostgresDatabase):
            raise explained or error from error
        return Present(trouble=str(explained))


def renew(path: Path, present: Lineage | None, mark: Mark | None, now: float) -> Mark:
    """Make the copy in a stage the ledger that goes on: of our schema, with its lives ended, in a new epoch.

    Raises ArchiveError when its rows are not what they should be.
    """
    with _odd_rows(), file_engine(path).connect() as connection:
        migrate(SqliteDatabase(path), connection, now)
        with connection.begin():
            end_spans(connection, select(tables.agent_spans.c.run))
            connection.exec_driver_sql(_SKIP_NOTES, (NOTES_GAP,))
            known = {} if present is None else shared(lineage_of(connection), present)
            used = max(0 if present is None else present.sequence, 0 if mark is None else mark.sequence)
            begin_epoch(connection, now, known, beyond=used)
            lives = tables.agent_spans
            newest = connection.execute(select(lives.c.run).order_by(lives.c.start.desc()).limit(1)).scalar() or "none"
            return Mark(newest, lineage_of(connection).sequence)


def put_file(database: SqliteDatabase, renewed: Path, stamp: str) -> Path | None:
    """Replace an SQLite ledger whose lock is held; returns where the old one lies now.

    The write-ahead log of the old one must not be found beside the new one: SQLite would play it into that. So it is
    written into the old file first; where that file is damaged, both are kept beside, as they are.
    """
    path = database.path
    logs = [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]
    old = kept_name(path, stamp) if path.exists() and path.stat().st_size else None
    owner = (path if old is not None else path.parent).stat()
    if old is not None:
        os.link(path, old)
        aside = old.with_name(old.name + "-wal")
        try:
            if logs[0].exists():
                shutil.copy2(logs[0], aside)
            if _flush_log(path):
                aside.unlink(missing_ok=True)
        except (LedgerUnavailable, OSError):
            old.unlink()
            aside.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    for log in logs:
        log.unlink(missing_ok=True)
    renewed.chmod(0o600)
    _own(renewed, owner)
    _sync(renewed)
    renewed.replace(path)
    sync_directory(path.parent)
    return old


def put_server(database: PostgresDatabase, connection: Connection, renewed: Path) -> None:
    """Replace a ledger on a server in one transaction, on the connection that holds its lock."""
    with (
        _odd_rows(),
        file_engine(renewed).connect() as source,
        source.begin(),
        database.transaction(connection, durable=True),
    ):
        clear(connection)
        lay_out(connection, HEAD)
        copy_rows(source, connection)


def put_estate(stage: Path, place: Path, directory: bool, stamp: str) -> Path | None:
    """Replace the estate, where it fits; returns where the old one lies now."""
    old = kept_name(place, stamp) if place.exists() else None
    fresh = stage if directory else next(iter(stage.iterdir()))
    _as_before(fresh, place)
    for file in [fresh, *fresh.iterdir()] if directory else [fresh]:
        if file.is_file():
            _sync(file)
    if old is None:
        fresh.rename(place)
    elif directory:
        exchange(fresh, place)
        fresh.rename(old)
    else:
        os.link(place, old)
        fresh.replace(place)
    sync_directory(place.parent)
    return old


def fits(place: Path, directory: bool) -> None:
    """Raises KeepingError when the estate cannot be put there."""
    if place.exists() and place.is_dir() != directory:
        kind = "a directory" if directory else "one file"
        raise KeepingError(f"the estate in the archive is {kind}, and {place} is not; name another --config.file")
    if directory:
        _only_estates(place)


@contextmanager
def _odd_rows() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        line = str(error.orig).strip().partition("\n")[0]
        raise ArchiveError(f"the copy of the ledger cannot be put in place ({line}); nothing was changed") from error


def put_folder(fresh: Path, place: Path, stamp: str) -> int:
    """Put files of one's own profiles or commands back, each at once; returns how many were changed or missing."""
    changed = 0
    for file in sorted(fresh.rglob("*.yaml")):
        target = place / file.relative_to(fresh)
        content = file.read_bytes()
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            os.link(target, kept_name(target, stamp))
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        beside.write_bytes(content)
        beside.chmod(0o644)
        _sync(beside)
        beside.replace(target)
        changed += 1
    return changed


def kept_name(path: Path, stamp: str) -> Path:
    """Where what was there is kept; a name that is free."""
    first = path.with_name(f"{path.name}.before-restore.{stamp}")
    names = chain([first], (first.with_name(f"{first.name}-{number}") for number in count(2)))
    return next(name for name in names if not name.exists())


def _flush_log(path: Path) -> bool:
    """Take what is in the write-ahead log into the file; false when that is too damaged. A full disk stops us."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return False
        raise LedgerUnavailable(f"the ledger {path} cannot be put aside: {error}; nothing was changed") from error
    if busy:
        raise LedgerUnavailable(f"another program reads the ledger {path}; end it (fuser shows which) and try again")
    return True


def _only_estates(place: Path) -> None:
    """A directory is exchanged whole, so that nobody sees half an estate; what else lies there would go with it."""
    if not place.is_dir():
        return
    ours = set(files_of(place)) if any(place.glob("*.yaml")) else set()
    others = [entry.name for entry in place.iterdir() if entry not in ours]
    if others:
        raise KeepingError(
            f"{place} also holds {others[0]}, which is no part of the estate and would be put aside with it; "
            "restore to another --config.file and put the files in place by hand"
        )


def _as_before(fresh: Path, place: Path) -> None:
    """Give the estate the owner and the rights of the one it replaces; a new one may be read by everybody."""
    was = place.stat() if place.exists() else None
    files = list(fresh.iterdir()) if fresh.is_dir() else [fresh]
    for file in files:
        mode = stat.S_IMODE(was.st_mode) if was is not None and not fresh.is_dir() else 0o644
        file.chmod(mode)
    if fresh.is_dir():
        fresh.chmod(stat.S_IMODE(was.st_mode) if was is not None else 0o755)
    for entry in [fresh, *files]:
        _own(entry, was or place.parent.stat())


def _own(path: Path, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
