"""The pack's tables as CSV (RFC 4180, UTF-8), for a spreadsheet that must not run what is in them. Pure.

A spreadsheet takes text that begins with =, +, - or @, in full width too, for a formula, whatever quotes stand around
it in the file. Such text gets an apostrophe before it (OWASP, CSV injection); names come from products and are
anybody's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from agent.evidence.model import DrillShown, IncidentShown, ObjectShown, Pack
from checks.printable import printable

_FORMULA = tuple("=+-@＝＋－＠")
_OBJECTS = (
    "check", "council", "object", "title", "owner", "declared", "asked_of", "known_by", "state", "rpo_seconds",
    "kept_percent", "not_kept_percent", "unproven_percent", "kept_seconds", "not_kept_seconds", "unproven_seconds",
    "newest_restorable", "last_verified", "last_verified_sound", "last_restore", "last_restore_passed", "rto_seconds",
    "restore_estimate_seconds", "copies", "copies_elsewhere", "copies_out_of_reach", "copies_missing", "words",
)  # fmt: skip
_INCIDENTS = (
    "id", "council", "target", "condition", "title", "severity", "priority", "state", "began", "opened", "ended",
    "seconds", "tickets", "accepted_by", "accepted_until", "comment",
)  # fmt: skip
_DRILLS = (
    "at", "check", "council", "object", "title", "by", "source", "tool", "outcome", "rehearsal", "point", "point_id",
    "seconds", "bytes", "change", "host", "cleaned", "message",
)  # fmt: skip

Cell = str | float | bool | None


def objects_sheet(pack: Pack) -> bytes:
    """A line for each object."""
    return _sheet(_OBJECTS, (_object(one) for one in pack.objects))


def incidents_sheet(pack: Pack) -> bytes:
    """A line for each incident."""
    return _sheet(_INCIDENTS, (_incident(one) for one in pack.incidents))


def drills_sheet(pack: Pack) -> bytes:
    """A line for each restore that was tried."""
    return _sheet(_DRILLS, (_drill(one) for one in pack.drills))


def safe(value: Cell) -> str:
    """What may stand in a cell. Numbers are as they are; nothing here is negative."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _sheet(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _object(one: ObjectShown) -> tuple[Cell, ...]:
    verified = max(one.verified, key=lambda result: result.at, default=None)
    restored = next((result for result in one.restored if result.passed is not None), None)
    return (
        one.check, one.council, one.name, one.title, one.owner, one.declared, ", ".join(one.asked_of),
        ", ".join(one.known_by), one.state, one.rpo_seconds, one.rpo.kept_percent, one.rpo.not_kept_percent,
        one.rpo.unproven_percent, one.rpo.kept_seconds, one.rpo.not_kept_seconds, one.rpo.unproven_seconds,
        one.newest_restorable, verified.at if verified else None, verified.sound if verified else None,
        restored.at if restored else None, restored.passed if restored else None, one.rto_seconds,
        one.restore_estimate_seconds, len(one.copies.kept), one.copies.elsewhere, one.copies.out_of_reach,
        "; ".join(one.copies.missing), one.words,
    )  # fmt: skip


def _incident(one: IncidentShown) -> tuple[Cell, ...]:
    said = one.accepted
    return (
        one.id, one.council, one.target, one.condition, one.title, one.severity, one.priority, one.state, one.began,
        one.opened, one.ended, one.seconds, ", ".join(one.tickets), said.by if said else None,
        said.until if said else None, said.comment if said else None,
    )  # fmt: skip


def _drill(one: DrillShown) -> tuple[Cell, ...]:
    return (
        one.at, one.check, one.council, one.object, one.title, one.by, one.source, one.tool, one.outcome, one.rehearsal,
        one.point, one.point_id, one.seconds, one.bytes, one.change, one.host, one.cleaned, one.message,
    )  # fmt: skip
