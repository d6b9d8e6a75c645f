"""`ridgeway drill …`: people pull the plug, the agent measures what it costs and files the evidence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.drill_text import Progress, story
from agent.cli.errors import Failure
from agent.cli.options import Duration, by_option, json_option, socket_option
from agent.cli.tables import moment, span, table

_PAUSE = 0.5
"""Seconds between two looks at a drill under way."""
_PATIENCE = 30.0
"""Seconds for an answer to the beginning: everything that is to be probed is tried first."""
_SILENT_FOR = 20.0
"""Seconds for which an agent may not answer before the command line gives up looking."""
_STATUS = {"proven": 0, "measured": 0, "unknown": 3}


@click.group("drill")
def command() -> None:
    """Measure what a failover costs, and file the evidence. Nothing here causes one: people do."""


_Command = Callable[..., int]


def _announced(function: _Command) -> _Command:
    """The options of every kind of drill."""
    options = (
        click.argument("target"),
        click.option("--reason", "-m", required=True, help="Why it is drilled; it stands in the evidence."),
        click.option("--change", default="", help="Reference of the change record."),
        click.option(
            "--for", "seconds", type=Duration(60, 4 * 3600), default="15m", show_default=True, help="At the longest."
        ),
        click.option(
            "--probe", "probes", multiple=True,
            help="What to probe: tcp:HOST:PORT, icmp:HOST or sip:HOST[:PORT][/tcp]. Up to 4; what is drilled without.",
        ),
        click.option(
            "--until", type=click.Choice(["end", "whole"]), default="end", show_default=True,
            help="End when told to, or also when it has failed over and is whole again.",
        ),
        by_option, json_option, socket_option,
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@command.command("firewall")
@_announced
def firewall(**asked: Any) -> int:
    """Announce a drill of a firewall, measure until it is ended, and print what came of it.

    Ctrl-C ends the drill; closing the terminal does not. Exit status 0 when it is proven (or nothing tells of roles and
    the loss was measured), 3 when how the pair stands is not known at the end, else 1.
    """
    return _drilled("firewall", asked)


@command.command("telephony")
@_announced
@click.option("--backup", default="", help="The backup controller, where the estate does not say which it is.")
def telephony(**asked: Any) -> int:
    """Announce a drill of a primary controller, measure until it is ended, and print what came of it.

    TARGET is the primary, or its backup. Make sure first that 999 can be called another way. Ctrl-C ends the drill;
    closing the terminal does not. Exit status 0 when it is proven (or nothing tells where the phones are and the loss
    was measured), 3 when where they are is not known at the end, else 1.
    """
    return _drilled("telephony", asked)


def _drilled(kind: str, asked: dict[str, Any]) -> int:
    control_socket, as_json, actor = asked.pop("control_socket"), asked.pop("as_json"), asked.pop("actor")
    arguments = {"kind": kind, "until_whole": asked.pop("until") == "whole", "by": actor, **asked}
    begun = call(control_socket, "drill-begin", arguments, patience=_PATIENCE)
    backup = f", whose phones are to go to {begun['standby']}" if begun["standby"] else ""
    pull = f"Once 999 can be called another way, pull the plug of {begun['target']}{backup}."
    click.echo(
        f"{begun['id']} is under way until {moment(begun['until'])} at the latest; maintenance {begun['window']} is "
        f"announced. {pull if kind == 'telephony' else 'Pull the plug now.'} Ctrl-C ends the drill.",
        err=True,
    )
    drill = _followed(control_socket, begun["id"], actor)
    click.echo(json.dumps(drill, indent=2, ensure_ascii=False) if as_json else story(drill))
    return _STATUS.get(drill["outcome"], 1)


def _followed(control_socket: Path, id: str, actor: str) -> dict[str, Any]:
    """The drill once it is over; what happens meanwhile is told on standard error."""
    progress = Progress(lambda line: click.echo(line, err=True))
    while True:
        try:
            drill = _asked(control_socket, id)
            progress.tell(drill)
            if drill["outcome"] is not None:
                return drill
            time.sleep(_PAUSE)
        except KeyboardInterrupt:
            click.echo("Ending: the last answers are awaited.", err=True)
            _end(control_socket, id, actor)


def _asked(control_socket: Path, id: str) -> dict[str, Any]:
    """How the drill stands. An agent that is restarted meanwhile is waited for: it says what it broke off."""
    until = time.monotonic() + _SILENT_FOR
    while True:
        try:
            return call(control_socket, "drill", {"id": id})
        except Failure as failure:
            if failure.status != 3 or time.monotonic() >= until:
                raise Failure(f"{failure.text} What came of {id}: ridgeway drill show {id}", failure.status) from None
            time.sleep(_PAUSE)


def _end(control_socket: Path, id: str, actor: str) -> None:
    try:
        call(control_socket, "drill-end", {"id": id, "by": actor})
    except Failure as failure:
        if failure.status == 3:
            raise
        # It was over already: the next look says what came of it.


@command.command("end")
@click.argument("drill", required=False)
@by_option
@json_option
@socket_option
def end(drill: str | None, actor: str, as_json: bool, control_socket: Path) -> int:
    """End the drill under way, and print what came of it."""
    ended = call(control_socket, "drill-end", {"id": drill, "by": actor})
    whole = _awaited(lambda: _asked(control_socket, ended["id"]))
    click.echo(json.dumps(whole, indent=2, ensure_ascii=False) if as_json else story(whole))
    return _STATUS.get(whole["outcome"], 1)


def _awaited(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    while True:
        drill = look()
        if drill["outcome"] is not None:
            return drill
        time.sleep(_PAUSE)


@command.command("list")
@click.argument("target", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@json_option
@socket_option
def list_drills(target: str | None, limit: int, as_json: bool, control_socket: Path) -> None:
    """List drills, the newest first, and how long ago each target was last proven."""
    answer = call(control_socket, "drills", {"target": target, "limit": limit})
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    rows = [
        (
            row["id"],
            row["kind"],
            row["target"],
            moment(row["start"]),
            row["by"],
            row["outcome"] or "under way",
            row["reason"],
        )
        for row in answer["drills"]
    ]
    click.echo(table(("id", "kind", "target", "start", "by", "outcome", "reason"), rows) if rows else "No drill.")
    for name, at in answer["proven"].items():
        ago = span(time.time() - datetime.fromisoformat(at).timestamp())
        click.echo(f"{name}: last proven failover {ago} ago ({moment(at)}).")


@command.command("show")
@click.argument("drill")
@json_option
@socket_option
def show(drill: str, as_json: bool, control_socket: Path) -> None:
    """Show the evidence of a drill, or how the one under way stands."""
    answer = call(control_socket, "drill", {"id": drill})
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else story(answer))
