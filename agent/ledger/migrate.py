"""Bring a ledger to the schema of this Ridgeway: nothing to do, a snapshot and the missing steps, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from agent.ledger.database import Database
from agent.ledger.errors import LedgerTooNew, LedgerUnusable
from agent.ledger.migrations import HEAD
from agent.ledger.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

STEPS = Path(__file__).parent / "migrations"
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done at start, for the log: the revision before (None: a new ledger), and where the copy lies."""

    before: str | None
    after: str
    snapshot: str | None = None


def revision_of(connection: Connection) -> str | None:
    """The revision that stands in the ledger; None when it has no tables yet."""
    with connection.begin():
        return revision_in(connection)


def revision_in(connection: Connection) -> str | None:
    """`revision_of`, in the caller's transaction."""
    names = inspect(connection).get_table_names()
    if "alembic_version" in names:
        found: str | None = connection.execute(select(_VERSION.c.version_num)).scalar()
        if found is not None:
            return found
    if names:
        raise LedgerUnusable(
            f"the database holds tables that are not a ledger's ({', '.join(sorted(names)[:3])}, …); "
            "give the ledger a file or a database of its own"
        )
    return None


def migrate(
    database: Database, connection: Connection, now: float, steps: Path = STEPS, head: str = HEAD
) -> Migrated | None:
    """Take the ledger to `head`, after a snapshot where one can be made. None when it is there already.

    Raises LedgerTooNew for a revision that this Ridgeway does not know.
    """
    before = revision_of(connection)
    if before == head:
        return None
    if before is None and steps == STEPS:
        with connection.begin():
            _create(connection, head)
        return Migrated(None, head)
    configuration = _configuration(steps, connection)
    if before is not None and before not in _known(configuration):
        raise LedgerTooNew(
            f"the ledger {database.where} was written by a newer Ridgeway (schema {before}, this one knows {head}); "
            "install that version again, or restore the copy that was kept beside it before its migration"
        )
    snapshot = None
    if before is not None:
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        snapshot = database.snapshot(connection, head, stamp)
    _upgrade(configuration, connection, head)
    return Migrated(before, head, snapshot)


def lay_out(connection: Connection, revision: str) -> None:
    """Make the empty tables of a known revision, in the caller's transaction; see `known`."""
    if revision == HEAD:
        _create(connection, revision)
        return
    from alembic import command

    command.upgrade(_configuration(STEPS, connection), revision)


def known(revision: str) -> bool:
    """Whether this Ridgeway knows how to make, and to migrate, a ledger of this revision."""
    return revision == HEAD or revision in _known(_configuration(STEPS, None))


def _create(connection: Connection, head: str) -> None:
    """A new ledger needs no steps, and so no Alembic, which would cost 11 MiB for the rest of the agent's life."""
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=head))


def _configuration(steps: Path, connection: Connection | None) -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(steps).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def _known(configuration: Config) -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()}


def _upgrade(configuration: Config, connection: Connection, head: str) -> None:
    from alembic import command

    with connection.begin():
        command.upgrade(configuration, head)
