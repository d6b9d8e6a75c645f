"""The ledger at a glance; `ridgeway ledger verify` looks at every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from agent.diagnosis import Line, broken, ok, warning
from agent.ledger.copying import raw
from agent.ledger.mark import holder_of
from agent.ledger.overview import Overview

_LATE = 3_600.0
_PATIENCE = 100_000_000
"""Bytes up to which every page is looked at; more would take long, and that is what `ledger verify` is for."""


def pages(connection: Connection, size: int) -> str:
    """What is damaged in an SQLite file of moderate size; empty when nothing was found."""
    if connection.dialect.name != "sqlite" or size > _PATIENCE:
        return ""
    found = str(raw(connection).execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if found == "ok" else found


def ledger_lines(where: str, found: Overview | None, damage: str, now: float) -> Iterator[Line]:
    """`found` is None when the ledger has another schema than this Ridgeway's."""
    if found is None:
        mend = "make a backup (ridgeway backup), then restart the agent: it migrates the ledger"
        yield warning("ledger", "has another schema than the installed version", mend, where)
        return
    if damage:
        yield broken("ledger", f"is damaged: {damage}", "stop the agent, keep a copy, ridgeway restore", where)
    else:
        yield ok("ledger", f"schema {found.schema}, {found.size / 1e6:,.1f} MB, {found.open_incidents} open", where)
    if found.oldest_waiting is not None and now - found.oldest_waiting > _LATE:
        text = f"{found.waiting} wishes wait for a desk, the oldest for {(now - found.oldest_waiting) / 3600:.0f} h"
        yield warning("desk backlog", text, "docs/runbooks/RidgewayServiceDeskUndelivered.md", where)


def holder_lines(lock: Path, locks: str, answered: bool) -> Iterator[Line]:
    """Who holds the ledger, by the kernel's list (`/proc/locks`): asking by locking could be in an agent's way."""
    try:
        inode = lock.stat().st_ino
        holder = holder_of(lock.read_bytes()[:1_000]) or "somebody"
    except OSError:
        return
    held = any(f":{inode} " in row and "FLOCK" in row for row in locks.splitlines())
    if held and not answered:
        text = f"is held by {holder}, and no agent answers"
        yield warning("ledger lock", text, "name the agent's --control.socket, or end that process", str(lock))
    elif held:
        yield ok("ledger lock", f"held by {holder}", str(lock))
