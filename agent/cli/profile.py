"""`ridgeway profile lint|explain|try`: for whoever writes a device profile."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.errors import Failure
from agent.cli.options import Moment, json_option

if TYPE_CHECKING:
    from config.profiles import ProfileModel


@click.group("profile")
def command() -> None:
    """Check, explain and try a device profile."""


@command.command("lint")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def lint(files: tuple[Path, ...], as_json: bool) -> int:
    """Say everything that is wrong with profile files. Exit status 1 when something is."""
    from agent import profiles

    rows: list[dict[str, Any]] = []
    for file in files:
        try:
            name, profile = _of_file(file)
            wrong, remarks = profiles.problems(name, profile), profiles.remarks(profile)
        except Failure as failure:
            wrong, remarks = failure.text.splitlines(), []
        rows.append({"file": str(file), "valid": not wrong, "problems": wrong, "remarks": remarks})
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for row in rows:
            click.echo(f"{row['file']}: {'fine' if row['valid'] else 'not usable'}")
            click.echo("".join(f"  {line}\n" for line in [*row["problems"], *row["remarks"]]), nl=False)
    return 0 if all(row["valid"] for row in rows) else 1


@command.command("explain")
@click.argument("profile", metavar="PROFILE")
@json_option
def explain(profile: str, as_json: bool) -> int:
    """Say what a profile (a name, or a file) asks and how often, and what it judges."""
    from dataclasses import asdict

    from agent import profiles

    _, found = _named(profile)
    if as_json:
        told = {
            "profile": found.profile,
            "title": found.title,
            "source": found.source,
            "proven": found.proven,
            "asks": [asdict(asked) for asked in (profiles.asked(found) if found.asks is None else ())],
            "questions": profiles.questions_of(found),
            "judges": [line.strip() for line in profiles.told(found)],
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(profiles.told(found)))
    return 0


@command.command("try")
@click.argument("profile", metavar="PROFILE")
@click.argument("recording", metavar="RECORDING", type=click.Path(path_type=Path))
@click.option("--at", "at", type=Moment(), help="When it is to have been read; otherwise when it was.")
@json_option
def try_out(profile: str, recording: Path, at: float | None, as_json: bool) -> int:
    """Judge a recording by a profile (a name, or a file that is being written). Exit status as `ridgeway replay`."""
    from agent.cli.replay import replayed, shown
    from checks.catalogue import load_catalogue
    from checks.recordings.recording import RecordingError

    name, _ = _named(profile)
    try:
        replay = asyncio.run(replayed(recording, name, at, load_catalogue()))
    except RecordingError as error:
        raise Failure(str(error), status=3) from error
    return shown([replay], as_json=as_json)


def _named(profile: str) -> tuple[str, ProfileModel]:
    """A profile by its name, or by its file, whose directory is then looked in first."""
    if profile.endswith(".yaml"):
        return _of_file(Path(profile))
    from config.profiles import ProfileError, load, search_path

    try:
        return profile, load(profile, search_path())
    except ProfileError as error:
        raise Failure(str(error), status=1) from error


def _of_file(file: Path) -> tuple[str, ProfileModel]:
    from config.profiles import SEARCH_VARIABLE, ProfileError, home_of, load, search_path

    try:
        name, home = home_of(file)
        # Checks find profiles by the environment: for this process the file's own directory comes first.
        before = os.environ.get(SEARCH_VARIABLE, "")
        if str(home) not in before.split(":"):
            os.environ[SEARCH_VARIABLE] = ":".join(filter(None, (str(home), before)))
        return name, load(name, search_path())
    except ProfileError as error:
        raise Failure(str(error), status=1) from error
