"""`ridgeway apply`: put exactly the plan in force that somebody has looked at, with the reference of its change."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.control import call
from agent.cli.options import by_option, socket_option
from agent.cli.plan import PATIENCE, STATUSES


@click.command("apply")
@click.option(
    "--expect", required=True, metavar="HASH", help="The plan that was looked at, as `ridgeway plan` names it."
)
@click.option(
    "--change", required=True, metavar="REF", help="The reference of the change record; it stands in the audit."
)
@by_option
@socket_option
def command(expect: str, change: str, actor: str, control_socket: Path) -> int:
    """Put the plan of that name in force, if it still is the plan; otherwise say which it is now.

    A plan that takes away much is put in force by this only. Exit status: 0 it is in force, 1 it is another plan or
    refused, 2 the estate is wrong, 3 it could not be told.
    """
    question = {"expect": expect.strip().lower(), "change": change, "by": actor}
    done = call(control_socket, "apply", question, patience=PATIENCE, statuses=STATUSES)
    click.echo(done["text"], nl=False)
    return 1 if done["defects"] else 0
