"""`ridgeway failovers [TARGET]`: when, which way, why, announced or not, and how long the service was away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.options import json_option, socket_option
from agent.cli.tables import moment, table


@click.command("failovers")
@click.argument("target", required=False)
@json_option
@socket_option
def command(target: str | None, as_json: bool, control_socket: Path) -> None:
    """List the failovers that the checks of pairs remember, the newest first; of one pair or member, or of all."""
    answer = call(control_socket, "failovers", {"target": target})
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    rows = [_row(one) for one in answer["failovers"]]
    headings = ("at", "pair", "which way", "announced", "service away", "why")
    click.echo(table(headings, rows) if rows else "No failover is remembered.")


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    announced = one["announced"]
    by = "no" if announced is None else announced["drill"] or announced["window"]
    way = f"{one['away_from'] or 'none known'} to {one['to']}"
    return moment(one["at"]), one["target"], way, by, one["loss"]["text"], one["reason"] or "not said"
