"""`ridgeway webhooks list|test|retry|resume|dead`: whom the agent tells, whether they take it, and telling again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.options import by_option, json_option, socket_option
from agent.cli.tables import moment, table


@click.group("webhooks")
def command() -> None:
    """Show whom the agent tells of incidents, try it, and have it told again."""


@command.command("list")
@json_option
@socket_option
def list_webhooks(as_json: bool, control_socket: Path) -> int:
    """List the webhooks and how far each has been told. Exit status 1 when one is not well."""
    answer = call(control_socket, "webhooks", {})
    rows = answer["webhooks"]
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("The estate has no webhook.")
    else:
        click.echo(table(("name", "to", "state", "waiting", "dead", "last taken", "trouble"), [_row(r) for r in rows]))
    return 1 if any(row["state"] in ("failing", "off") or row["dead_letters"] for row in rows) else 0


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    trouble = row["last_error"] or ""
    if row["state"] == "failing" and row["not_before"]:
        trouble += f"; tried {row['attempts']} times, again at {moment(row['not_before'])}"
    waiting = str(row["waiting"]) + (f", since {moment(row['oldest'])}" if row["oldest"] else "")
    dead = str(row["dead_letters"])
    return row["name"], row["to"] or "–", row["state"], waiting, dead, moment(row["delivered_at"]), trouble


@command.command("test")
@click.argument("name")
@by_option
@json_option
@socket_option
def test(name: str, actor: str, as_json: bool, control_socket: Path) -> int:
    """Send an event that says it is a test, once and now. Exit status 1 when it is not taken."""
    answer = call(control_socket, "webhook-test", {"name": name, "by": actor})
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{name} took it: {answer['answer']}." if answer["taken"] else f"Not taken: {answer['answer']}.")
    return 0 if answer["taken"] else 1


@command.command("retry")
@click.argument("name")
@click.option("--sequence", type=click.IntRange(min=1), default=None, help="Only the dead letter of this number.")
@by_option
@json_option
@socket_option
def retry(name: str, sequence: int | None, actor: str, as_json: bool, control_socket: Path) -> None:
    """Try at once what waits, and have dead letters told once more."""
    answer = call(control_socket, "webhook-retry", {"name": name, "sequence": sequence, "by": actor})
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(f"{name} is tried now; {answer['dead_letters']} dead letter(s) are told once more.")


@command.command("resume")
@click.argument("name")
@by_option
@json_option
@socket_option
def resume(name: str, actor: str, as_json: bool, control_socket: Path) -> None:
    """Tell a webhook again that said it was gone (410), from where it stands."""
    answer = call(control_socket, "webhook-resume", {"name": name, "by": actor})
    click.echo(json.dumps(answer, indent=2) if as_json else f"{name} is told what comes after {answer['after']}.")


@command.command("dead")
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@json_option
@socket_option
def dead(name: str, limit: int, as_json: bool, control_socket: Path) -> None:
    """List the events that a webhook was never told."""
    answer = call(control_socket, "webhook-dead", {"name": name, "limit": limit})
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    rows = [
        (str(row["sequence"]), row["incident"], row["kind"], moment(row["at"]), str(row["attempts"]), row["error"])
        for row in answer["dead_letters"]
    ]
    headings = ("sequence", "incident", "event", "given up", "tries", "error")
    click.echo(table(headings, rows) if rows else f"{name} has no dead letter.")
