"""`ridgeway incidents list|show|ack`: through the running daemon, reading falls back to the ledger itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.errors import Failure
from agent.cli.options import by_option, json_option, kept_ledger_option, may_be, socket_option
from agent.cli.tables import moment, table

_STATES = ("live", "open", "suspect", "recovering", "resolved", "closed", "cancelled", "all")


@click.group("incidents")
def command() -> None:
    """List, show and acknowledge incidents."""


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), default="live", show_default=True, help="Which incidents.")
@click.option("--council", default=None, help="Only this council's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@json_option
@socket_option
@kept_ledger_option
def list_incidents(
    state: str, council: str | None, limit: int, as_json: bool, control_socket: Path, ledger_url: str
) -> int:
    """List incidents, the worst first. Exit status 1 when there is an open one."""
    answer = _read("incidents", {"state": state, "council": council, "limit": limit}, control_socket, ledger_url)
    rows = answer["incidents"]
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("No incident." if state == "all" else f"No incident is {state}.")
    else:
        click.echo(table(("id", "pri", "state", "since", "what"), [_row(row) for row in rows]))
    return 1 if any(row["state"] == "open" for row in rows) else 0


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    flags = [name for name in ("acknowledged", "flapping", "stale", "maintenance", "suppressed_by") if row.get(name)]
    behind = f" (+{row['hidden']} behind it)" if row.get("hidden") else ""
    state = row["state"] + (f" ({', '.join(flags)})" if flags else "")
    return row["id"], row["priority"], state, moment(row["suspected_at"]), row["title"] + behind


@command.command("show")
@click.argument("incident")
@json_option
@socket_option
@kept_ledger_option
def show(incident: str, as_json: bool, control_socket: Path, ledger_url: str) -> None:
    """Show one incident with its timeline, its tickets and what hides behind it."""
    answer = _read("incident", {"id": incident}, control_socket, ledger_url)
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else _story(answer))


def _story(answer: Mapping[str, Any]) -> str:
    lines = [
        f"{answer['id']}  {answer['priority']}  {answer['state']}  {answer['title']}",
        f"  cause      {answer['council']} / {answer['subject']} / {answer['condition']}",
        f"  since      {moment(answer['suspected_at'])}",
        f"  what       {answer['summary']}",
    ]
    for name, value in answer["evidence"].items():
        lines.append(f"  evidence   {name}: {value}")
    acknowledged = answer.get("acknowledged")
    if acknowledged:
        until = moment(acknowledged["until"])
        lines.append(f"  taken by   {acknowledged['by']} until {until}: {acknowledged['comment']}")
    for ticket in answer["tickets"]:
        lines.append(f"  ticket     {ticket['desk']} {ticket['number'] or '–'} ({ticket['phase']})")
    children = answer["children"]
    for child in children[:20]:
        lines.append(f"  hides      {child}")
    if len(children) > 20:
        lines.append(f"  hides      … and {len(children) - 20} more")
    lines.append("  timeline")
    lines.extend(
        f"    {moment(event['at'])}  {event['kind']}  {event['actor']}: {event['text']}" for event in answer["events"]
    )
    return "\n".join(lines)


@command.command("ack")
@click.argument("incident")
@click.option("--comment", "-m", required=True, help="What you are doing about it.")
@click.option("--for", "hours", type=click.FloatRange(0.1, 168), default=8.0, show_default=True, help="Hours it holds.")
@by_option
@json_option
@socket_option
def acknowledge(incident: str, comment: str, hours: float, actor: str, as_json: bool, control_socket: Path) -> None:
    """Say that you have it. An acknowledgement ends by itself: nothing is forgotten for ever."""
    arguments = {"id": incident, "by": actor, "comment": comment, "seconds": hours * 3600}
    answer = call(control_socket, "acknowledge", arguments)
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{incident} is with {actor} until {moment(answer['acknowledged']['until'])}.")


def _read(verb: str, arguments: Mapping[str, Any], control_socket: Path, ledger_url: str) -> Any:
    if may_be(control_socket):
        try:
            return call(control_socket, verb, arguments)
        except Failure as failure:
            if failure.status != 3:
                raise
            why = failure.text
    else:
        why = f"No agent listens at {control_socket}."
    answer = _offline(verb, arguments, ledger_url, why)
    click.echo(f"{why} This is what the ledger last kept; it may be out of date.", err=True)
    return answer


def _offline(verb: str, arguments: Mapping[str, Any], ledger_url: str, why: str) -> Any:
    from agent.daemon.reading import NotFound, read_offline
    from agent.ledger.errors import LedgerError

    try:
        return read_offline(ledger_url, verb, arguments)
    except LedgerError as error:
        raise Failure(f"{why}\nNor can the ledger be read instead: {error}", status=3) from error
    except NotFound as error:
        raise Failure(str(error)) from error
