"""Incidents as the command line prints them, from a running daemon or, without one, from the ledger itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agent.ledger.cursor import Cursor, CursorError
from agent.ledger.database import database_at
from agent.ledger.read import Gone, IncidentFile, Reader
from agent.ledger.read import TicketLink as KeptLink
from agent.records import LIVE, Incident, IncidentState
from exporters.feed.refusals import why_gone
from exporters.feed.render import page_of
from exporters.web.api import event_json, incident_json
from exporters.web.view import TicketLink

NOW = "now"
"""The cursor of who wants to hear only what comes."""


class NotFound(Exception):
    """What was asked for does not exist; the message says what does."""


def read_offline(ledger_url: str, verb: str, arguments: Mapping[str, Any]) -> Any:
    """Answer `incidents` or `incident` from a ledger whose agent does not run, or runs elsewhere."""
    reader = Reader(database_at(ledger_url))
    try:
        return answer(reader, verb, arguments)
    finally:
        reader.close()


def feed_offline(ledger_url: str, after: str | None, limit: int, estate: str) -> dict[str, Any]:
    """`feed_page` from a ledger whose agent does not run, or runs elsewhere."""
    reader = Reader(database_at(ledger_url))
    try:
        return feed_page(reader, after, limit, estate)
    finally:
        reader.close()


def answer(reader: Reader, verb: str, arguments: Mapping[str, Any]) -> Any:
    """The JSON-able answer to `incidents` (state, council, limit) or `incident` (id). Raises NotFound."""
    if verb == "incidents":
        states = states_named(str(arguments["state"]))
        found = reader.incidents(states, arguments.get("council"), int(arguments["limit"]))
        rows = sorted(found, key=lambda one: (one.state not in LIVE, one.priority.value, one.suspected_at))
        links = reader.tickets_of([incident.id for incident in rows])
        return {"incidents": [incident_json(one, tickets_of(one, links.get(one.id, ()))) for one in rows]}
    file = reader.incident(str(arguments["id"]))
    if file is None:
        raise NotFound(f"There is no incident {arguments['id']}; `ridgeway incidents list --state all` shows all.")
    return whole(file)


def feed_page(reader: Reader, after: str | None, limit: int, estate: str) -> dict[str, Any]:
    """A page of the feed after a cursor, after what there is `now`, or from the oldest event that is kept.

    Raises NotFound for what is no cursor, or one from which nobody can go on.
    """
    try:
        cursor = Cursor(reader.feed_position().newest) if after == NOW else Cursor.of(after) if after else None
    except CursorError as error:
        raise NotFound(f"{after!r} is none: {error}.") from error
    found = reader.feed(cursor, limit)
    if isinstance(found, Gone):
        raise NotFound(why_gone(found))
    return page_of(found, estate, None)


def states_named(word: str) -> frozenset[IncidentState] | None:
    """The states meant by a word of the command line; None means all."""
    if word == "all":
        return None
    return LIVE if word == "live" else frozenset({IncidentState(word)})


def whole(file: IncidentFile) -> dict[str, Any]:
    """One incident with its timeline, tickets and what hides behind it."""
    return {
        **incident_json(file.incident, tickets_of(file.incident, file.tickets)),
        "children": [str(child.cause) for child in file.children if child.until is None],
        "events": [{"sequence": kept.sequence, **event_json(kept.event)} for kept in file.timeline],
    }


def tickets_of(incident: Incident | None, links: Sequence[KeptLink]) -> list[TicketLink]:
    """The ledger's links as people see them; the mode is the incident's own, chosen when it opened."""
    routed = incident.desks if incident is not None else ()
    modes: dict[str, Literal["live", "shadow"]] = {desk.desk: desk.mode for desk in routed}
    return [
        TicketLink(
            desk=link.desk,
            number=link.ticket,
            mode=modes.get(link.desk, "live"),
            phase=link.phase,
            error=link.last_error or "",
        )
        for link in links
    ]
