"""`ridgeway backup FILE` and `ridgeway backup verify FILE`: estate and ledger in one archive."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds
from agent.cli.options import config_option, json_option, kept_ledger_option
from agent.cli.progress import Progress
from agent.cli.tables import moment

if TYPE_CHECKING:
    from agent.keeping.backup import Made
    from agent.keeping.manifest import Manifest


@click.command("make")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(1, 10_000), default=None, help="Keep so many archives, remove older ones.")
@config_option
@kept_ledger_option
@json_option
def make(file: Path, keep: int | None, config_file: Path, ledger_url: str, as_json: bool) -> int:
    """Make an archive: FILE ends in .tar, .tar.gz or .tar.xz, or is a directory for one named after estate and time.

    Secrets are not in it; the references that will be needed are listed. Exit status 1 when the estate has mistakes and
    so was left out.
    """
    from agent.keeping.backup import Source, back_up
    from agent.keeping.errors import KeepingError
    from agent.keeping.older import remove_older
    from agent.ledger.database import database_at
    from agent.ledger.errors import LedgerError

    now = time.time()
    _check_place(file, keep)
    directory = file if file.is_dir() else file.absolute().parent
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    progress = Progress()
    try:
        source = Source(config_file, database_at(ledger_url), *kinds())
        made = back_up(source, lambda estate: _named(file, estate, stamp), directory, now, progress)
        gone = [] if keep is None else remove_older(made.path, keep)
    except (KeepingError, LedgerError) as error:
        raise Failure(f"No backup was made: {error}") from error
    finally:
        progress.end()
    if as_json:
        about = {"file": str(made.path), "bytes": made.size, "removed": [str(one) for one in gone]}
        click.echo(json.dumps({**about, **_about(made.manifest), "trouble": made.trouble}, indent=2))
    else:
        _say(made, gone)
    if made.trouble:
        click.echo(f"The estate is not in it, for it has mistakes (ridgeway validate):\n{made.trouble}", err=True)
    return 1 if made.trouble else 0


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def verify_archive(file: Path, as_json: bool) -> int:
    """Say whether an archive is whole and could be restored here; changes nothing. Exit status 1 when it could not."""
    from agent.keeping.archive import unpack
    from agent.keeping.errors import KeepingError
    from agent.keeping.stage import check_stage, staging

    _be_there(file)
    try:
        with staging(_spare(file)) as stage:
            manifest = unpack(file, stage)
            check_stage(stage, manifest, *kinds())
    except KeepingError as error:
        if as_json:
            click.echo(json.dumps({"file": str(file), "whole": False, "problem": str(error)}, indent=2))
            return 1
        raise Failure(f"{file}: {error}") from error
    except OSError as error:
        raise Failure(f"{file} cannot be looked over: {error.strerror}", status=3) from error
    if as_json:
        click.echo(json.dumps({"file": str(file), "whole": True, **_about(manifest)}, indent=2))
        return 0
    click.echo(f"{file} is whole: {_contents(manifest)}.")
    _list_secrets(manifest)
    return 0


def _check_place(file: Path, keep: int | None) -> None:
    from agent.keeping.archive import SUFFIXES
    from agent.keeping.older import has_moment

    if file.is_dir():
        return
    if not file.absolute().parent.is_dir():
        raise Failure(f"There is no directory {file.absolute().parent}; make it, for the user who makes backups.", 2)
    if not file.name.endswith(SUFFIXES):
        raise Failure(f"{file} does not say what it shall be: end it in {', '.join(SUFFIXES)}, or name a directory.", 2)
    if keep is not None and not has_moment(file):
        raise Failure("--keep needs archives that differ by a date in their names; name a directory instead.", 2)


def _named(file: Path, estate: str, stamp: str) -> Path:
    if not file.is_dir():
        return file.absolute()
    plain = "".join(letter if letter.isalnum() else "-" for letter in estate)[:60] or "ledger"
    return file.absolute() / f"ridgeway-{plain}-{stamp}.tar.gz"


def _be_there(file: Path) -> None:
    try:
        file.stat()
    except OSError as error:
        raise Failure(f"There is no archive at {file}: {error.strerror}.", status=2) from error


def _spare(file: Path) -> Path:
    """Where an archive may be unpacked: beside it, or where temporary files are when that is read-only."""
    import os
    import tempfile

    beside = file.absolute().parent
    return beside if os.access(beside, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _say(made: Made, gone: list[Path]) -> None:
    click.echo(f"{made.path} ({made.size / 1e6:,.1f} MB): {_contents(made.manifest)}. Read back and whole.")
    _list_secrets(made.manifest)
    for old in gone:
        click.echo(f"removed {old}")


def _list_secrets(manifest: Manifest) -> None:
    if manifest.secrets:
        click.echo("Secrets are not in it. Where it is restored, the estate will need:")
        for reference in manifest.secrets:
            click.echo(f"  {reference}")


def _contents(manifest: Manifest) -> str:
    estate = "no estate"
    if manifest.estate is not None:
        estate = f"estate {manifest.estate.name} (revision {manifest.estate.revision[:12]})"
    ledger = manifest.ledger
    return f"{estate}, ledger up to event {ledger.sequence} (schema {ledger.revision}), of {moment(manifest.created)}"


def _about(manifest: Manifest) -> dict[str, object]:
    return {"manifest": manifest.model_dump(mode="json")}
