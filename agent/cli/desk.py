"""`ridgeway desk test [DESK]`: prove that a desk is set up as the estate says, before the first ticket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.options import config_option, json_option

if TYPE_CHECKING:
    from exporters.desks.contract import SelfCheck


@click.group("desk")
def command() -> None:
    """Prove that a service desk is set up as the estate says."""


@command.command("test")
@click.argument("name", metavar="[DESK]", required=False)
@click.option("--send", is_flag=True, help="Also make a ticket that says it is a test, write to it and resolve it.")
@config_option
@json_option
def try_out(name: str | None, send: bool, config_file: Path, as_json: bool) -> int:
    """Ask every desk of the estate, or one, whether fields, queues, rights and look-ups are as they must be."""
    from exporters.desks.trial import test_desk

    estate = read(config_file)
    _, desk_kinds = kinds()
    if name is not None and name not in estate.desks:
        raise Failure(f"No desk is called {name!r}; there is {', '.join(sorted(estate.desks)) or 'none'}.", status=2)
    if not estate.desks:
        raise Failure(f"{estate.name} has no desk, so no ticket is made; docs/desks.md shows how to add one.", status=2)
    chosen = [estate.desks[name]] if name else list(estate.desks.values())
    lines: list[tuple[str, SelfCheck]] = []
    for desk in chosen:
        queues = sorted({route.queue for route in estate.routes if desk.name in route.desks})
        lines.extend((desk.name, line) for line in test_desk(desk, desk_kinds[desk.kind], queues, send=send))
    if as_json:
        rows = [{"desk": desk, "check": line.name, "ok": line.ok, "text": line.text} for desk, line in lines]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for asked, line in lines:
            click.echo(f"{'ok  ' if line.ok else 'FAIL'}  {asked}: {line.name}: {line.text}")
    return 0 if all(line.ok for _, line in lines) else 1
