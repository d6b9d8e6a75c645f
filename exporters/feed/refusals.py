"""What a reader is told that cannot be served, as problem details (RFC 9457) that say how to go on."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from agent.ledger.cursor import Cursor, Loss
from agent.ledger.errors import LedgerError
from agent.ledger.read import Gone
from exporters.web.api import Json, problem_json

_SOON = "5"
"""Seconds after which trying again may help."""


def why_gone(found: Gone) -> str:
    """Why nobody can go on from a cursor as if nothing had happened, and how to go on all the same."""
    position = found.position
    first, last = position.cursor(position.oldest - 1), position.cursor(position.newest)
    what = {
        Loss.EXPIRED: "Events after your cursor have been removed: they were older than what is kept.",
        Loss.AHEAD: "Your cursor is ahead of this log, which has no such event: it was restored from a copy, or your "
        "cursor is of another agent.",
        Loss.UNKNOWN_EPOCH: "Your cursor is of a log from which this one does not descend: the ledger was lost or "
        "replaced, or your cursor is of another agent.",
    }[found.why]
    return (
        f"{what} Take what is live from /api/v1/incidents, then go on with after={last}; or read all that is kept with "
        f"after={first}, and pass over the events whose id you have seen."
    )


def gone(found: Gone, cursor: Cursor | None) -> Response:
    """410, and the place at which this reader stands."""
    position = found.position
    body = problem_json(410, "Gone", why_gone(found))
    more: Mapping[str, Json] = {
        "reason": found.why.value,
        "cursor": str(cursor) if cursor is not None else None,
        "epoch": position.epoch,
        "oldest": position.oldest,
        "newest": position.newest,
    }
    return _problem({**body, **more}, 410)


def away(error: LedgerError) -> Response:
    """503: the ledger cannot be read now."""
    return _problem(problem_json(503, "Service Unavailable", str(error)), 503)


def full() -> Response:
    """503: as many follow the feed as can, or the agent is being stopped."""
    detail = "Nobody more can follow the feed now. Come back in a moment, with your cursor."
    return _problem(problem_json(503, "Service Unavailable", detail), 503)


def _problem(body: Mapping[str, Json], status: int) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": _SOON} if status == 503 else {})
    return JSONResponse(body, status, headers, "application/problem+json")
