"""`ridgeway explain TARGET[/CHECK]`: why this is or is not alerting, and what would happen next."""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent.cli.control import call
from agent.cli.options import json_option, socket_option


@click.command("explain")
@click.argument("subject", metavar="TARGET[/CHECK]")
@json_option
@socket_option
def command(subject: str, as_json: bool, control_socket: Path) -> None:
    """Say why a target, or one check of it, is or is not alerting, and what would happen next."""
    target, _, check = subject.partition("/")
    answer = call(control_socket, "explain", {"target": target, "check": check or None})
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else "\n".join(answer["lines"]))
