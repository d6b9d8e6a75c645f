"""`ridgeway schema`: the JSON Schema of an estate file, for editors."""

from __future__ import annotations

import json

import click

from agent.cli.estate import kinds


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of an estate file; editors complete and check with it."""
    from config.load import json_schema

    click.echo(json.dumps(json_schema(*kinds()), indent=2, ensure_ascii=False))
