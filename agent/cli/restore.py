"""`ridgeway restore FILE`: estate and ledger back from an archive, after a look at what they would replace."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds
from agent.cli.options import config_option, found_state, kept_ledger_option
from agent.cli.tables import moment, span

if TYPE_CHECKING:
    from agent.keeping.manifest import Manifest
    from agent.keeping.restore import Present
    from agent.keeping.stage import Copy


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a person asked for."""

    estate: Path | None
    """Where the estate goes; None: not restored."""
    ledger: str | None
    """Where the ledger goes; None: not restored."""
    ask: bool
    now: float

    @property
    def stamp(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y%m%dT%H%M%SZ")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--only", type=click.Choice(("estate", "ledger")), default=None, help="Restore only this.")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@config_option
@kept_ledger_option
def command(file: Path, only: str | None, yes: bool, config_file: Path, ledger_url: str) -> int:
    """Put estate and ledger back from an archive. No agent may run with the ledger.

    What was there is kept beside it. The ledger goes on in a new epoch, so that readers of the feed notice.
    """
    from agent.keeping.archive import unpack
    from agent.keeping.errors import KeepingError
    from agent.keeping.stage import check_stage, staging
    from agent.ledger.errors import LedgerError

    if not yes and not sys.stdin.isatty():
        raise Failure("There is no terminal to ask at; say --yes if you mean it.", status=2)
    try:
        file.stat()
    except OSError as error:
        raise Failure(f"There is no archive at {file}: {error.strerror}.", status=2) from error
    wish = _Wish(
        None if only == "ledger" else config_file.absolute(),
        None if only == "estate" else ledger_url,
        not yes,
        time.time(),
    )
    try:
        with staging(_beside(wish)) as stage, ExitStack() as later:
            manifest = unpack(file, stage)
            copy = check_stage(stage, manifest, *kinds())
            fresh = _stage_estate(stage, manifest, wish, later)
            _describe(manifest, copy, wish)
            if wish.ledger is None:
                _confirm(wish)
            else:
                _restore_ledger(wish.ledger, stage, copy, wish, manifest)
            if fresh is not None:
                _restore_estate(fresh, stage, manifest, wish)
    except (KeepingError, LedgerError) as error:
        raise Failure(f"Not restored: {error}") from error
    except OSError as error:
        raise Failure(f"Not restored: {error.filename or file}: {error.strerror}", status=3) from error
    _say_secrets(manifest)
    return 0


def _beside(wish: _Wish) -> Path:
    """Where the archive is unpacked: where the ledger will lie, so that the last step is a rename."""
    from agent.ledger.database import database_at
    from agent.ledger.sqlite import SqliteDatabase

    if wish.ledger is not None:
        database = database_at(wish.ledger)
        if isinstance(database, SqliteDatabase):
            return database.path.parent
    state = found_state()
    return state if os.access(state, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _describe(manifest: Manifest, copy: Copy, wish: _Wish) -> None:
    age = span(max(0.0, wish.now - manifest.created))
    click.echo(f"The archive is of {moment(manifest.created)}, {age} ago, by Ridgeway {manifest.ridgeway}.")
    if wish.estate is not None:
        what = "no estate is in it" if manifest.estate is None else f"estate {manifest.estate.name} to {wish.estate}"
        click.echo(f"  {what}")
    if wish.ledger is not None:
        open_now = f"{copy.open_incidents} open incidents" if copy.open_incidents != 1 else "1 open incident"
        click.echo(f"  ledger up to event {copy.lineage.sequence}, with {open_now}")


def _restore_ledger(location: str, stage: Path, copy: Copy, wish: _Wish, manifest: Manifest) -> None:
    from agent.keeping.manifest import LEDGER
    from agent.keeping.restore import look_at_present, put_file, put_server, renew, taken
    from agent.ledger.database import database_at
    from agent.ledger.held import held
    from agent.ledger.postgres import PostgresDatabase
    from agent.ledger.sqlite import SqliteDatabase

    state, renewed = found_state(), stage / LEDGER
    database = database_at(location, state)
    if isinstance(database, SqliteDatabase):
        with taken(database) as hold:
            present = look_at_present(database, copy.lineage, manifest.created)
            _describe_present(present, database.where)
            _confirm(wish)
            mark = renew(renewed, present.lineage if present else None, hold.mark, wish.now)
            old = put_file(database, renewed, wish.stamp)
            hold.remember(mark)
    else:
        assert isinstance(database, PostgresDatabase)
        with held(location, state) as (_, hold, connection):
            present = look_at_present(database, copy.lineage, manifest.created)
            _describe_present(present, database.where)
            _confirm(wish)
            old = None
            if present is not None:
                old = state / f"ledger-postgresql.before-restore.{wish.stamp}"
                state.mkdir(mode=0o700, parents=True, exist_ok=True)
                database.copy_to(connection, old)
            mark = renew(renewed, present.lineage if present else None, hold.mark, wish.now)
            put_server(database, connection, renewed)
            hold.remember(mark)
    click.echo(f"The ledger {database.where} is restored; events are numbered on from {mark.sequence + 1:,}.")
    if old is not None:
        click.echo(f"  what was there is kept as {old}")


def _describe_present(present: Present | None, where: str) -> None:
    if present is None:
        click.echo(f"  there is no ledger yet at {where}")
    elif present.lineage is None:
        click.echo(f"  the present ledger cannot be read: {present.trouble}")
    else:
        click.echo(
            f"  the present ledger {where} holds {present.later} events that the copy does not know; "
            f"{present.later_open} incidents opened since. Open tickets of such are found again by their cause."
        )
        if not present.related:
            click.echo("  the two have no past in common: readers of the feed begin anew")


def _stage_estate(stage: Path, manifest: Manifest, wish: _Wish, later: ExitStack) -> Path | None:
    """Put the estate beside where it will lie, so that what is in its way is found before anything is changed."""
    from agent.keeping.manifest import ESTATE
    from agent.keeping.restore import fits
    from agent.keeping.stage import staging

    if wish.estate is None or manifest.estate is None:
        return None
    fits(wish.estate, manifest.estate.directory)
    fresh = later.enter_context(staging(wish.estate.parent)) / ESTATE
    shutil.copytree(stage / ESTATE, fresh)
    return fresh


def _restore_estate(fresh: Path, stage: Path, manifest: Manifest, wish: _Wish) -> None:
    from agent.keeping.restore import put_estate

    assert wish.estate is not None and manifest.estate is not None
    old = put_estate(fresh, wish.estate, manifest.estate.directory, wish.stamp)
    click.echo(f"The estate {wish.estate} is restored.")
    if old is not None:
        click.echo(f"  what was there is kept as {old}")
    for line in _restore_folders(stage, wish):
        click.echo(line)


def _restore_folders(stage: Path, wish: _Wish) -> Iterator[str]:
    from agent.keeping.restore import put_folder
    from agent.keeping.stage import VARIABLES, own_directories

    for folder, variable in VARIABLES.items():
        places = own_directories(folder)
        for held in sorted((stage / folder).glob("*")):
            number = int(held.name) if held.name.isdigit() else len(places)
            if number >= len(places):
                yield (
                    f"  {folder}/{held.name} is in the archive and not restored: {variable} names no such directory; "
                    "unpack it by hand (tar -x)"
                )
                continue
            changed = put_folder(held, places[number], wish.stamp)
            yield f"  {places[number]}: {changed} files put back"


def _confirm(wish: _Wish) -> None:
    if wish.ask:
        click.confirm("Restore this?", abort=True, err=True)


def _say_secrets(manifest: Manifest) -> None:
    from config.secrets import SecretError, SecretReference

    missing = []
    for reference in manifest.secrets:
        try:
            SecretReference.parse(reference).resolve()
        except (SecretError, ValueError) as error:
            missing.append(str(error))
    if missing:
        click.echo("Secrets are not in an archive. Of those that the estate needs, these cannot be read here and now:")
        for line in missing:
            click.echo(f"  {line}")
