"""`ridgeway plan`: what the estate as it stands on disk would change, before it is put in force."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.control import call
from agent.cli.errors import Failure
from agent.cli.estate import read
from agent.cli.options import config_option, json_option, socket_option

if TYPE_CHECKING:
    from config.estate import Estate

PATIENCE = 90.0
"""Seconds: reading the largest estate that is allowed takes some 12, on a busy machine more."""
WRONG, UNKNOWN = 2, 3
STATUSES = {422: WRONG, 503: UNKNOWN}


@click.command("plan")
@config_option
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Compare with this estate in place of the one that a running agent has in force.",
)
@socket_option
@json_option
@click.pass_context
def command(
    context: click.Context, config_file: Path, against: Path | None, control_socket: Path, as_json: bool
) -> int:
    """Say what a changed estate would change: targets, checks, routes, incidents and tickets.

    The running agent is asked, which compares its own file with what it has in force; with --config.file it compares
    that file. Exit status: 0 nothing would change, 1 something would, 2 the estate is wrong, 3 it could not be told.
    """
    try:
        plan = _alone(config_file, against) if against is not None else _asked(context, config_file, control_socket)
    except Failure as failure:
        if as_json:
            click.echo(json.dumps({"problems": failure.text.splitlines()}, indent=2, ensure_ascii=False))
            return failure.status
        raise
    click.echo(json.dumps(plan, indent=2, ensure_ascii=False) if as_json else plan["text"], nl=as_json)
    return 0 if plan["empty"] and not plan["refusals"] else 1


def _asked(context: click.Context, config_file: Path, control_socket: Path) -> dict[str, Any]:
    named = context.get_parameter_source("config_file") is click.core.ParameterSource.COMMANDLINE
    question = {"path": str(config_file.absolute())} if named else {}
    try:
        return call(control_socket, "plan", question, patience=PATIENCE, statuses=STATUSES)
    except Failure as failure:
        if not failure.nobody:
            raise
        click.echo(f"{failure.text} Compared with nothing.", err=True)
        return _alone(config_file, None)


def _alone(config_file: Path, against: Path | None) -> dict[str, Any]:
    """Without an agent: of incidents and tickets nothing is known."""
    from agent.planning import Open, make_plan
    from agent.planning.text import plan_json

    try:
        new = read(config_file)
        old = read(against) if against is not None else _nothing_like(new)
    except Failure as failure:
        raise Failure(failure.text, status=WRONG) from failure
    plan = make_plan(old, new, Open(new.vantage, 0.0), lambda _estate, _alert: ())
    return plan_json(replace(plan, refusals=(), suspicions=()) if against is None else plan, agent=False)


def _nothing_like(estate: Estate) -> Estate:
    """An estate of the same name without anything in it."""
    empty: dict[str, Any] = {}
    for field in fields(estate):
        value = getattr(estate, field.name)
        if field.name not in ("name", "vantage", "working_hours"):
            empty[field.name] = type(value)() if isinstance(value, (dict, tuple, str)) else None
    return replace(estate, **empty)
