"""`ridgeway ledger verify|info|renew`: what is kept, whether it keeps its promises, and a new epoch by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from agent.cli.errors import Failure
from agent.cli.lines import show
from agent.cli.options import found_state, json_option, kept_ledger_option
from agent.cli.tables import moment, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agent.ledger.database import Database

T = TypeVar("T")


@click.group("ledger")
def command() -> None:
    """Look at the ledger: whether it keeps its promises, and what is in it."""


@command.command("verify")
@kept_ledger_option
@json_option
def verify_ledger(ledger_url: str, as_json: bool) -> int:
    """Say whether the ledger keeps its promises. Reads only; an agent may run with it."""
    from agent.diagnosis import Level, Line
    from agent.ledger.verify import verify

    lines: list[Line] = []
    try:
        look(ledger_url, lambda connection: lines.extend(verify(connection, time.time())))
    except Failure:
        # A damaged file may fail anywhere on the way; what was found until then says so.
        if not any(line.level is Level.BROKEN for line in lines):
            raise
    return show(lines, as_json, {"ledger": shown(ledger_url)})


@command.command("info")
@kept_ledger_option
@json_option
def info(ledger_url: str, as_json: bool) -> int:
    """Show the ledger's epoch, schema, size and counts. Reads only; an agent may run with it."""
    from agent.ledger.overview import overview

    where, found = look(ledger_url, overview)
    if found is None:
        raise Failure(
            f"The ledger {where} is of another schema than this Ridgeway's; it is migrated when the agent next starts.",
            status=3,
        )
    lineage = found.lineage
    if as_json:
        about = {
            "ledger": where,
            "schema": found.schema,
            "epoch": lineage.epoch,
            "sequence": lineage.sequence,
            "epochs_before": {name: old.last for name, old in lineage.ancestors.items()},
            "size_bytes": found.size,
            "created_at": found.created_at,
            "alive_at": found.alive_at,
            "open_incidents": found.open_incidents,
            "waiting": found.waiting,
            "oldest_waiting_at": found.oldest_waiting,
            "rows": dict(found.counts),
        }
        click.echo(json.dumps(about, indent=2, ensure_ascii=False))
        return 0
    rows = [
        ("ledger", where),
        ("schema", found.schema),
        ("epoch", f"{lineage.epoch}, {len(lineage.ancestors)} before it"),
        ("last event", str(lineage.sequence)),
        ("size", f"{found.size / 1e6:,.1f} MB"),
        ("made", moment(found.created_at)),
        ("last used", moment(found.alive_at)),
        ("open incidents", str(found.open_incidents)),
        ("waiting for desks", f"{found.waiting}, the oldest since {moment(found.oldest_waiting)}"),
        *((f"rows of {name}", f"{count:,}") for name, count in sorted(found.counts.items()) if count),
    ]
    click.echo(table(("what", "value"), rows))
    return 0


@command.command("renew")
@kept_ledger_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def renew(ledger_url: str, yes: bool) -> int:
    """Give the ledger a new epoch, after a copy was put in its place by other means than `ridgeway restore`.

    Only for a ledger on a server or one that came without its lock file; else the agent notices by itself at its start.
    """
    from agent.ledger.epochs import GAP, begin_epoch
    from agent.ledger.errors import LedgerError
    from agent.ledger.held import held

    if not yes:
        click.confirm("Readers of the feed will be told that the log goes on from a copy. Go on?", abort=True, err=True)
    try:
        with held(ledger_url, found_state()) as (database, hold, connection):
            used = 0 if hold.mark is None else hold.mark.sequence
            with database.transaction(connection, durable=True):
                epoch = begin_epoch(connection, time.time(), beyond=used)
    except LedgerError as error:
        raise Failure(str(error), status=3) from error
    click.echo(f"The ledger's epoch is now {epoch}; events are numbered on beyond a gap of {GAP:,}.")
    return 0


def shown(ledger_url: str) -> str:
    """The ledger's place, without a password."""
    from agent.ledger.database import database_at

    return database_at(ledger_url).where


def look(ledger_url: str, work: Callable[[Connection], T]) -> tuple[str, T]:
    """Where the ledger is, and what `work` reads of it in one read-only transaction."""
    from agent.ledger.database import database_at
    from agent.ledger.errors import LedgerError
    from agent.ledger.read import Reader

    try:
        database: Database = database_at(ledger_url)
        reader = Reader(database)
        try:
            return database.where, reader.read(work)
        finally:
            reader.close()
    except LedgerError as error:
        raise Failure(str(error), status=3) from error
