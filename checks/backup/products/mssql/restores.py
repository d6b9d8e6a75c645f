"""What was restored on an instance: drills, with the CHECKDB after them, and RESTORE VERIFYONLY. Pure.

`restorehistory` has a row for each RESTORE: a full, then what goes on top of it, for one destination. That a database
came back says that the backup could be read; that CHECKDB found it sound says that it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from checks.backup.model import Proof, Verification
from checks.backup.products.mssql.rows import Database
from checks.backup.products.mssql.words import time_of
from checks.backup.products.rows import count, one_line

_ANOTHER = 86_400.0
"""Seconds after a restore from which a database of its name, if it was only made then, is another one."""
Row = Mapping[str, Any]
Named = Callable[[str, str], str]
"""The object of a server's database."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The newest restore of a destination, as far as it has come."""

    server: str
    """Of the backup, with `database`."""
    database: str
    at: float
    point: float
    bytes: int | None
    usable: bool
    """It was brought to its end (WITH RECOVERY); before that nobody can look at it."""


def restored(before: Mapping[str, Restored], rows: Sequence[Row], zone: tzinfo) -> dict[str, Restored]:
    """By destination, with further rows, oldest first."""
    found = dict(before)
    for row in rows:
        to, kind = one_line(row.get("destination")), row.get("type")
        at, size = time_of(row.get("restored"), zone), count(row.get("size"))
        # A log is taken for as old as its begin, which is what the points of a chain are.
        point = time_of(row.get("started" if kind == "L" else "finished"), zone, row.get("quarters"))
        if not to or at is None or point is None:
            continue
        usable, known = row.get("recovered") == 1, found.get(to)
        if kind == "D":
            found[to] = Restored(one_line(row.get("server")), one_line(row.get("database")), at, point, size, usable)
        elif kind in ("I", "L") and known is not None:
            more = known.bytes + size if known.bytes is not None and size is not None else None
            found[to] = replace(known, at=at, point=point, bytes=more, usable=usable)
    return found


def proofs(found: Mapping[str, Restored], there: Sequence[Database], instance: str, named: Named) -> Iterator[Proof]:
    """One of each destination that is still there; without a CHECKDB after it, it is *unproven*."""
    by_name = {one.name.casefold(): one for one in there}
    for to, one in found.items():
        database = by_name.get(to.casefold())
        if not one.usable or database is None or not one.database:
            continue
        if database.created is None or database.created > one.at + _ANOTHER:
            continue
        sound = database.checked is not None and database.checked > one.at
        yield Proof(
            at=one.at,
            object=named(one.server, one.database),
            passed=True if sound else None,
            by=f"restore on {instance} as {to}",
            bytes=one.bytes,
            point=one.point,
            message="" if sound else "restored, and no CHECKDB of it since",
        )


def verifications(rows: Sequence[Row], zone: tzinfo, named: Named) -> Iterator[Verification]:
    """RESTORE VERIFYONLY of a backup with checksums: without those it reads no page."""
    for row in rows:
        at = time_of(row.get("restored"), zone)
        server, database = one_line(row.get("server")), one_line(row.get("database"))
        if row.get("type") == "V" and row.get("checksums") == 1 and at is not None and database:
            yield Verification(at, True, object=named(server, database))
