"""Making an archive: copied into a stage, looked over, packed, read back, and only then given its name."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from agent.keeping.archive import digest_of, pack, unpack
from agent.keeping.durable import sync_directory
from agent.keeping.errors import KeepingError, NoRoom
from agent.keeping.manifest import ESTATE, LEDGER, MOST_MEMBERS, EstateNote, LedgerNote, Manifest, Member, member_name
from agent.keeping.stage import VARIABLES, estate_of, look_over, own_directories, staging
from agent.ledger.copying import copy_file, raw
from agent.ledger.database import Database
from agent.ledger.errors import LedgerError
from agent.ledger.held import looking
from agent.ledger.postgres import PostgresDatabase
from agent.ledger.sqlite import SqliteDatabase
from agent.redaction import references
from config.estate import Estate
from config.kinds import DeskLike, KindLike
from config.load import EstateError
from config.source import files_of
from config.yaml import YamlError, read_file

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be kept, and what is needed to read it."""

    estate: Path
    ledger: Database
    kinds: Mapping[str, KindLike]
    desks: Mapping[str, DeskLike]


@dataclass(frozen=True, slots=True)
class Made:
    """A finished archive. `trouble` says why the estate is not in it; empty when it is."""

    path: Path
    manifest: Manifest
    size: int
    trouble: str


def back_up(source: Source, name: Callable[[str], Path], beside: Path, now: float, progress: Progress) -> Made:
    """Make an archive in the directory `beside`; `name` gives its path for an estate of that name.

    The archive has its name only when it was read back and found whole; before that, what was there is as it was.
    Raises KeepingError and LedgerError.
    """
    with _full_disk(beside), staging(beside) as stage:
        estate, trouble = _estate(source, stage)
        _ledger(source.ledger, stage, progress)
        manifest = _manifest(source, stage, estate, now)
        path = name(estate.name if estate is not None else "")
        partial = stage / "archive"
        whole = sum(member.size for member in manifest.members)
        with partial.open("xb") as file:
            pack(manifest, stage, file, path.name, _counting(progress, "packing", whole))
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o600)
        unpack(partial, None, _counting(progress, "reading back", whole))
        size = partial.stat().st_size
        partial.replace(path)
        sync_directory(path.parent)
    return Made(path, manifest, size, trouble)


def _estate(source: Source, stage: Path) -> tuple[Estate | None, str]:
    """Copy the estate's files and read the copy: what is packed is what was found right.

    Where it is not right it may hold a value where a reference belongs, so it is not packed.
    """
    try:
        for file in files_of(source.estate):
            _keep(stage, f"{ESTATE}/{file.name}", read_file(file))
        for folder in VARIABLES:
            for number, directory in enumerate(own_directories(folder)):
                for file in sorted(directory.rglob("*.yaml")):
                    _keep(stage, f"{folder}/{number}/{file.relative_to(directory)}", read_file(file))
        return estate_of(stage, source.estate.is_dir(), source.kinds, source.desks), ""
    except (EstateError, YamlError) as error:
        for folder in (ESTATE, *VARIABLES):
            shutil.rmtree(stage / folder, ignore_errors=True)
        home = source.estate if source.estate.is_dir() else source.estate.parent
        return None, str(error).replace(f"{stage}/{ESTATE}", str(home))


def _keep(stage: Path, name: str, content: bytes) -> None:
    try:
        path = stage / member_name(name)
    except ValueError as error:
        raise KeepingError(
            f"{error}: give it a shorter name of printable characters that begins with no dot"
        ) from error
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _ledger(database: Database, stage: Path, progress: Progress) -> None:
    target = stage / LEDGER

    def told(done: int, whole: int) -> None:
        progress("copying the ledger", done, whole)

    try:
        with looking(database) as connection:
            if isinstance(database, PostgresDatabase):
                database.copy_to(connection, target, told)
            else:
                copy_file(raw(connection), target, told)
    except DBAPIError as error:
        raise database.explain(error) or error from error
    except sqlite3.Error as error:
        if isinstance(database, SqliteDatabase) and error.sqlite_errorcode not in (sqlite3.SQLITE_FULL,):
            raise KeepingError(f"the ledger {database.where} cannot be copied: {error}") from error
        raise


def _manifest(source: Source, stage: Path, estate: Estate | None, now: float) -> Manifest:
    copy = look_over(stage / LEDGER)
    names = sorted(
        str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file() and not path.name.startswith(".")
    )
    names.sort(key=LEDGER.__eq__)  # the large one last
    if len(names) > MOST_MEMBERS:
        raise KeepingError(f"more than {MOST_MEMBERS} files of estate, profiles and commands; keep some elsewhere")
    members = [Member(name=name, size=(stage / name).stat().st_size, sha256=digest_of(stage / name)) for name in names]
    note = None
    if estate is not None:
        note = EstateNote(name=estate.name, revision=estate.revision, directory=source.estate.is_dir())
    return Manifest(
        format=1,
        ridgeway=version("ridgeway"),
        created=now,
        estate=note,
        ledger=LedgerNote(
            database="postgresql" if isinstance(source.ledger, PostgresDatabase) else "sqlite",
            revision=copy.revision,
            epoch=copy.lineage.epoch,
            sequence=copy.lineage.sequence,
        ),
        secrets=tuple(sorted({str(reference) for reference in references(estate)})),
        members=tuple(members),
    )


def _counting(progress: Progress, what: str, whole: int) -> Callable[[int], None]:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done, whole)

    return count


@contextmanager
def _full_disk(where: Path) -> Iterator[None]:
    """Say in our words what a full disk, or a directory that may not be written, says in many."""
    try:
        yield
    except sqlite3.Error as error:
        raise NoRoom(f"the copy of the ledger cannot be written in {where}: {error}") from error
    except LedgerError:
        raise
    except OSError as error:
        raise NoRoom(f"the archive cannot be written in {where}: {error.strerror}; nothing was changed") from error
