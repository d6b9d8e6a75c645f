"""`ridgeway paths`: the flows that must pass and that must be blocked, and what is proved of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.options import json_option, socket_option
from agent.cli.tables import moment, table

_PROVED = {True: "passes", False: "blocked", None: "not proved"}


@click.command("paths")
@json_option
@socket_option
def command(as_json: bool, control_socket: Path) -> int:
    """Show every flow of the estate with what it must do and what it does. Exit status 1 when one does not."""
    answer = call(control_socket, "paths", {})
    rows = answer["paths"]
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("The estate has no check of the kind path.")
    else:
        click.echo(
            table(("flow", "from", "to", "must", "state", "proved", "tried", "owner"), [_row(row) for row in rows])
        )
    return 1 if any(row["state"] != "ok" for row in rows) else 0


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    where = f"{row['to']}:{row['port']}/{row['protocol']}"
    tried = moment(row["last_run"]) if row["last_run"] else "never"
    return row["flow"], row["from"], where, row["must"], row["state"], _PROVED[row["passes"]], tried, row["owner"]
