"""`ridgeway credentials list|retry`: which log-ins were refused, and that one has been mended."""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent.cli.control import call
from agent.cli.errors import Failure
from agent.cli.guard import refusals_file
from agent.cli.options import by_option, json_option, socket_option
from agent.cli.tables import moment, table


@click.group("credentials")
def command() -> None:
    """Show which credentials were refused, and have a mended one tried at once."""


@command.command("list")
@json_option
@socket_option
def list_refused(as_json: bool, control_socket: Path) -> None:
    """List who refused which credential. Two refusals within an hour hold it back everywhere."""
    answer = call(control_socket, "credentials", {})
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    rows = [
        (row["credential"], row["target"], moment(row["refused_at"]), moment(row["counts_until"]))
        for row in answer["refusals"]
    ]
    headings = ("credential", "refused by", "at", "counts until")
    click.echo(table(headings, rows) if rows else "No credential is refused.")


@command.command("retry")
@click.argument("name")
@by_option
@json_option
@socket_option
def retry(name: str, actor: str, as_json: bool, control_socket: Path) -> None:
    """Say that a credential has been mended: the checks that use it try it when they are next due."""
    from agent.refusals import RefusalsError, forget

    try:
        by_hand = forget(refusals_file(), name)
    except RefusalsError as error:
        raise Failure(str(error)) from error
    try:
        answer = call(control_socket, "credential-retry", {"name": name, "by": actor})
    except Failure:
        if not by_hand:
            raise
        answer = {"credential": name}  # only commands by hand had been refused
    click.echo(json.dumps(answer, indent=2) if as_json else f"{name} is tried again when a check that uses it is due.")
