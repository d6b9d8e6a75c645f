"""`ridgeway events`: the incident feed through the running daemon; without one, from the ledger itself."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.errors import Failure
from agent.cli.options import config_option, kept_ledger_option, socket_option
from agent.cli.tables import moment

_NOW = "now"
_PAGE = 1_000
_PAUSE = 1.0
"""Seconds between two looks while following."""


@click.command("events")
@click.option("--after", default=None, help="Go on after this event: a number, an event's id, or 'now'.")
@click.option("--limit", type=click.IntRange(1, _PAGE), default=100, show_default=True, help="At most so many events.")
@click.option("--follow", "-f", is_flag=True, help="Print what comes, until interrupted; from now on without --after.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a CloudEvent, one a line.")
@socket_option
@kept_ledger_option
@config_option
def command(
    after: str | None,
    limit: int,
    follow: bool,
    as_json: bool,
    control_socket: Path,
    ledger_url: str,
    config_file: Path,
) -> None:
    """Print the incident feed after a cursor, the oldest events first.

    The cursor to go on from is printed at the end, on standard error. Without an agent the ledger is read.
    """
    if follow:
        _follow(after or _NOW, as_json, control_socket)
        return
    try:
        page = call(control_socket, "events", {"after": after, "limit": limit})
    except Failure as failure:
        if failure.status != 3:
            raise
        page = _offline(after, limit, config_file if as_json else None, failure.text, ledger_url)
    _print(page, as_json)
    more = "there is more" if page["more"] else "that is all"
    click.echo(f"{more}; go on with --after {page['next']}", err=True)


def _follow(after: str, as_json: bool, control_socket: Path) -> None:
    """Goes on where it was when the agent comes back."""
    away = ""
    known = False
    while True:
        try:
            page = call(control_socket, "events", {"after": after, "limit": _PAGE})
        except Failure as failure:
            if failure.status != 3 or not known:
                raise
            if not away:
                click.echo(f"{failure.text} Waiting for it.", err=True)
            away = failure.text
            time.sleep(_PAUSE)
            continue
        away, known, after = "", True, page["next"]
        _print(page, as_json)
        if not page["more"]:
            time.sleep(_PAUSE)


def _offline(after: str | None, limit: int, config_file: Path | None, why: str, ledger_url: str) -> dict[str, Any]:
    """From the ledger; `config_file` is the estate whose name CloudEvents are to have."""
    from agent.cli.estate import read
    from agent.daemon.reading import NotFound, feed_offline
    from agent.ledger.errors import LedgerError

    estate = "" if config_file is None else read(config_file).name
    try:
        page = feed_offline(ledger_url, after, limit, estate)
    except LedgerError as error:
        raise Failure(f"{why}\nNor can the ledger be read instead: {error}", status=3) from error
    except NotFound as error:
        raise Failure(str(error)) from error
    click.echo(f"{why} This is what the ledger last kept; it may be out of date.", err=True)
    return page


def _print(page: Mapping[str, Any], as_json: bool) -> None:
    for event in page["events"]:
        click.echo(json.dumps(event, ensure_ascii=False) if as_json else _line(event))


def _line(event: Mapping[str, Any]) -> str:
    data = event["data"]
    about = data["about"]
    what = f"{about['priority']} {about['subject']}: " if about is not None else ""
    return f"{moment(event['time'])}  {data['kind']:<12} {data['incident']}  {what}{data['text']}"
