"""`ridgeway reload`: have the running agent use the estate as it stands on disk, as SIGHUP does."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.control import call
from agent.cli.options import by_option, socket_option
from agent.cli.plan import PATIENCE, STATUSES


@click.command("reload")
@by_option
@socket_option
def command(actor: str, control_socket: Path) -> int:
    """Put the estate as it stands on disk in force, unless it is wrong, refused or looks half written.

    What is wrong or refused leaves everything as it was. Exit status: 0 it is in force, 1 refused, 2 the estate is
    wrong, 3 it could not be told.
    """
    done = call(control_socket, "reload", {"by": actor}, patience=PATIENCE, statuses=STATUSES)
    click.echo(done["text"], nl=False)
    return 1 if done["defects"] else 0
