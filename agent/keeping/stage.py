"""Staging directories: what goes into an archive or came out of one, before anybody relies on it.

    manifest.json is made from it · estate/<file> · profiles/<n>/<file> · commands/<n>/<file> · ledger.sqlite3

A stage lies beside what will be made of it, so that the last step is a rename. One that a killed process left behind is
known by its free lock, and removed by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from agent.keeping.errors import ArchiveError
from agent.keeping.manifest import ESTATE, LEDGER, Manifest
from agent.ledger.copying import file_engine, tables_of
from agent.ledger.epochs import Lineage, lineage_of
from agent.ledger.errors import LedgerUnusable
from agent.ledger.migrate import known, revision_in
from agent.ledger.migrations import HEAD
from agent.ledger.tables import metadata
from config.commands.load import SEARCH_VARIABLE as COMMANDS
from config.estate import Estate
from config.kinds import DeskLike, KindLike
from config.load import EstateError, load_estate
from config.profiles.load import SEARCH_VARIABLE as PROFILES

_PREFIX = ".ridgeway-stage-"
_LOCK = ".lock"
VARIABLES = {"profiles": PROFILES, "commands": COMMANDS}
"""Folder of the archive to the environment variable that names one's own directories."""


@contextmanager
def staging(beside: Path) -> Iterator[Path]:
    """A new directory in `beside`, for its owner only, gone afterwards. Raises OSError."""
    _sweep(beside)
    stage = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
    lock = os.open(stage / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        os.close(lock)


def _sweep(beside: Path) -> None:
    for left in beside.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(left / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


@dataclass(frozen=True, slots=True)
class Copy:
    """A ledger's copy that was looked over."""

    revision: str
    lineage: Lineage
    open_incidents: int


def look_over(path: Path) -> Copy:
    """Prove that a file is a whole ledger of a schema that this Ridgeway knows. Raises ArchiveError."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as plain:
            plain.execute("PRAGMA trusted_schema=OFF")
            damage = [row[0] for row in plain.execute("PRAGMA integrity_check(5)")]
            made = set(plain.execute("SELECT type FROM sqlite_master"))
        if damage != ["ok"]:
            raise ArchiveError(f"the copy of the ledger is damaged: {damage[0]}")
        if not made <= {("table",), ("index",)}:
            raise ArchiveError("the copy of the ledger holds triggers or views, which a ledger never has")
        return _judged(path)
    except (sqlite3.Error, SQLAlchemyError, LedgerUnusable) as error:
        raise ArchiveError(f"the copy of the ledger cannot be used: {str(error).splitlines()[0]}") from error


def _judged(path: Path) -> Copy:
    with file_engine(path).connect() as connection, connection.begin():
        revision = revision_in(connection)
        if revision is None or not known(revision):
            raise ArchiveError(
                f"the ledger in it has the schema {revision}, which this Ridgeway does not know; install a newer one"
            )
        if revision == HEAD and (odd := _odd_tables(connection)):
            raise ArchiveError(f"the ledger in it has other tables than its schema says ({odd})")
        lineage = lineage_of(connection)
        last = connection.exec_driver_sql("SELECT coalesce(max(sequence), 0) FROM events").scalar_one()
        heads = connection.exec_driver_sql("SELECT count(*) FROM ledger_info").scalar_one()
        wrong = [name for name, old in lineage.ancestors.items() if not 0 <= old.last <= lineage.sequence]
        if heads != 1 or last > lineage.sequence or wrong or lineage.epoch in lineage.ancestors:
            raise ArchiveError("the feed in the copy of the ledger does not add up: counter, events and epochs differ")
        live = connection.exec_driver_sql("SELECT count(*) FROM incidents WHERE state IN ('open', 'recovering')")
        return Copy(revision, lineage, live.scalar_one())


def _odd_tables(connection: Connection) -> str:
    """The first table or column that a ledger of our schema has and this one has not, or the other way round."""
    there = {table.name: set(table.c.keys()) for table in tables_of(connection)}
    ours = {table.name: set(table.c.keys()) for table in metadata.sorted_tables}
    odd = [name for name in there.keys() | ours.keys() if there.get(name) != ours.get(name)]
    return min(odd, default="")


def estate_of(stage: Path, directory: bool, kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> Estate:
    """The estate of a stage, read with the stage's own profiles and commands. Raises EstateError."""
    place = stage / ESTATE
    if not directory:
        files = sorted(place.iterdir())
        place = files[0]
    with _own_folders(stage):
        return load_estate(place, kinds, desks)


def check_stage(stage: Path, manifest: Manifest, kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> Copy:
    """Prove that what was unpacked can be restored. Raises ArchiveError."""
    copy = look_over(stage / LEDGER)
    told = (manifest.ledger.revision, manifest.ledger.epoch, manifest.ledger.sequence)
    if told != (copy.revision, copy.lineage.epoch, copy.lineage.sequence):
        raise ArchiveError("the copy of the ledger is another than the manifest tells of")
    if manifest.estate is not None:
        try:
            estate = estate_of(stage, manifest.estate.directory, kinds, desks)
        except EstateError as error:
            text = str(error).replace(f"{stage}/", "")
            raise ArchiveError(f"the estate in it is not right for this Ridgeway:\n{text}") from error
        if (estate.name, estate.revision) != (manifest.estate.name, manifest.estate.revision):
            raise ArchiveError("the estate in it is another than the manifest tells of")
    return copy


def own_directories(folder: str) -> list[Path]:
    """Directories of one's own profiles or commands, as the environment names them."""
    named = os.environ.get(VARIABLES[folder], "")
    return [Path(part) for part in named.split(":") if part]


@contextmanager
def _own_folders(stage: Path) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in VARIABLES.values()}
    for folder, name in VARIABLES.items():
        held = sorted((stage / folder).glob("*"), key=lambda place: int(place.name) if place.name.isdigit() else -1)
        os.environ[name] = ":".join(map(str, held))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
