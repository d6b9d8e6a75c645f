"""`ridgeway config show|approve|digest`: which configurations are as they were approved, and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from agent.cli.control import call
from agent.cli.options import by_option, json_option, socket_option
from agent.cli.tables import moment, table

_WORDS = {
    "seen": "announced by nobody",
    "window": "in the window",
    "approved": "approved with",
    "reverted": "as approved again",
    "method": "read in another way from now on",
}
_NEVER = ("seen", "reverted")


@click.group("config")
def command() -> None:
    """Show what changed in configurations, and approve it."""


@command.command("show")
@click.argument("target", required=False)
@json_option
@socket_option
def show(target: str | None, as_json: bool, control_socket: Path) -> None:
    """Show the approved state and what waits, of TARGET or TARGET/CHECK; of all, briefly, without one."""
    answer = call(control_socket, "config", _which(target))
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    if target is None:
        headings = ("check", "state", "approved", "by", "why", "waiting")
        rows = [_brief(row) for row in answer["states"]]
        click.echo(table(headings, rows) if rows else "No check of the estate has a state to approve.")
        return
    click.echo("\n\n".join("\n".join(_whole(row)) for row in answer["states"]))


@command.command("approve")
@click.argument("target")
@click.option(
    "--change", required=True, metavar="REF", help="The reference of the change record; it stands in the audit."
)
@click.option("--note", default="", metavar="TEXT", help="What was done, in a few words.")
@click.option("--state", default="", metavar="HASH", help="Only if it is the state that `config show` named so.")
@by_option
@socket_option
def approve(target: str, change: str, note: str, state: str, actor: str, control_socket: Path) -> None:
    """Approve the configuration of TARGET, or TARGET/CHECK, as it was last read. The check is then asked again."""
    question = {**_which(target), "change": change, "note": note, "state": state.strip().lower(), "by": actor}
    answer = call(control_socket, "config-approve", question)
    click.echo(f"{', '.join(answer['approved'])}: approved with {change}.")


@command.command("digest")
@click.option("--hours", type=click.FloatRange(1, 24 * 31), default=24.0, show_default=True, help="How far back.")
@json_option
@socket_option
def digest(hours: float, as_json: bool, control_socket: Path) -> None:
    """List the changes of the last day, announced and not, and all that still waits. Meant for a daily mail."""
    answer = call(control_socket, "config", {})
    since = answer["at"] - hours * 3600
    lines = [line for row in answer["states"] for line in _recent(row, since)]
    waiting = [row for row in answer["states"] if row["noted"] and row["noted"]["pending"]]
    if as_json:
        click.echo(json.dumps({"since": since, "changes": lines, "waiting": waiting}, indent=2))
        return
    rows = [(one["check"], moment(one["at"]), _said(one), _parts(one)) for one in lines]
    click.echo(table(("check", "seen", "what", "parts"), rows) if rows else "No configuration changed.")
    if waiting:
        click.echo("\nStill waiting for a change record (ridgeway config approve TARGET --change REF):")
        for row in waiting:
            click.echo(f"  {row['check']}: {', '.join(list(row['noted']['pending'])[:8])}")


def _which(target: str | None) -> dict[str, str]:
    if target is None:
        return {}
    name, _, check = target.partition("/")
    return {"target": name} | ({"check": check} if check else {})


def _brief(row: dict[str, Any]) -> tuple[str, ...]:
    noted = row["noted"]
    if noted is None:
        return (row["check"], "not read yet", "", "", "", "")
    given = noted["approved"]
    waiting = len(noted["pending"])
    return (
        row["check"], noted["state"], moment(given["at"]), given["by"] or "nobody", given["why"],
        f"{waiting} part(s)" if waiting else "",
    )  # fmt: skip


def _whole(row: dict[str, Any]) -> Iterator[str]:
    noted = row["noted"]
    if noted is None:
        yield f"{row['check']}: not read yet"
        return
    given = noted["approved"]
    yield f"{row['check']}: state {noted['state']}, read {moment(noted['read_at'])}"
    by = f" by {given['by']}" if given["by"] else ""
    yield f"approved {moment(given['at'])}{by}: {given['why']}"
    if noted["pending"]:
        rows = [
            (name, _lines(one["lines_approved"], "new"), _lines(one["lines"], "gone"), moment(one["changed_after"]),
             moment(one["seen_at"]))
            for name, one in noted["pending"].items()
        ]  # fmt: skip
        yield "\n" + table(("waiting", "lines approved", "lines now", "changed after", "seen"), rows)
    yield "\n" + table(("part", "lines"), [(name, str(lines)) for name, lines in noted["parts"].items()])
    if noted["log"]:
        log = [(moment(one["at"]), _said(one), _parts(one)) for one in noted["log"]]
        yield "\n" + table(("seen", "what", "parts"), log)


def _recent(row: dict[str, Any], since: float) -> Iterator[dict[str, Any]]:
    for one in row["noted"]["log"] if row["noted"] else ():
        if one["at"] >= since:
            yield {"check": row["check"], "council": row["council"], **one}


def _said(one: dict[str, Any]) -> str:
    said = _WORDS.get(one["what"], one["what"])
    return said if one["what"] in _NEVER else f"{said} {one['why']}" + (f" by {one['by']}" if one["by"] else "")


def _parts(one: dict[str, Any]) -> str:
    more = one["count"] - len(one["parts"])
    return ", ".join(one["parts"]) + (f" and {more} more" if more > 0 else "")


def _lines(count: int | None, word: str) -> str:
    return word if count is None else str(count)
