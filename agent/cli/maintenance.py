"""`ridgeway maintenance add|list|end`: planned work, during which nothing new opens and everything still closes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent.cli.control import call
from agent.cli.options import Moment, by_option, json_option, socket_option
from agent.cli.tables import moment, table


@click.group("maintenance")
def command() -> None:
    """Add, list and end maintenance windows."""


@command.command("add")
@click.option("--target", "targets", multiple=True, help="A target; * matches many. Repeatable.")
@click.option("--site", "sites", multiple=True, help="A site. Repeatable.")
@click.option("--council", "councils", multiple=True, help="A council. Repeatable.")
@click.option("--service", "services", multiple=True, help="A service. Repeatable.")
@click.option("--kind", "kinds", multiple=True, help="A kind of check. Repeatable.")
@click.option("--start", type=Moment(), default="now", show_default=True, help="Beginning.")
@click.option("--hours", type=click.FloatRange(0.02, 24 * 60), required=True, help="How long; it ends by itself.")
@click.option("--reason", "-m", required=True, help="What is being done, with the change's number.")
@by_option
@json_option
@socket_option
def add(
    targets: tuple[str, ...],
    sites: tuple[str, ...],
    councils: tuple[str, ...],
    services: tuple[str, ...],
    kinds: tuple[str, ...],
    start: float,
    hours: float,
    reason: str,
    actor: str,
    as_json: bool,
    control_socket: Path,
) -> None:
    """Announce planned work. Say what it covers: nothing chosen would be everything, which is refused."""
    selector = {"targets": targets, "sites": sites, "councils": councils, "services": services, "kinds": kinds}
    if not any(selector.values()):
        raise click.UsageError("Say what the window covers: --target, --site, --council, --service or --kind.")
    arguments = {"selector": selector, "start": start, "end": start + hours * 3600, "reason": reason, "by": actor}
    answer = call(control_socket, "maintenance-add", arguments)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(
            f"{answer['id']}: from {moment(answer['start'])} to {moment(answer['end'])}, "
            f"covers {answer['covers']} target(s)."
        )


@command.command("list")
@json_option
@socket_option
def list_windows(as_json: bool, control_socket: Path) -> None:
    """List the windows that are on or to come, of the estate and added by people."""
    answer = call(control_socket, "maintenance-list", {})
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    rows = [
        (row["id"], moment(row["start"]), moment(row["end"]), row["owner"], f"{row['covers']}", row["reason"])
        for row in answer["windows"]
    ]
    click.echo(table(("id", "start", "end", "owner", "targets", "reason"), rows) if rows else "No window.")


@command.command("end")
@click.argument("window")
@by_option
@json_option
@socket_option
def end(window: str, actor: str, as_json: bool, control_socket: Path) -> None:
    """End a window now. What is still bad then opens by its own rules."""
    answer = call(control_socket, "maintenance-end", {"id": window, "by": actor})
    click.echo(json.dumps(answer, indent=2) if as_json else f"{window} has ended.")
