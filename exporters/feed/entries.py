"""The incidents of late as Atom and JSON Feed show them: one entry each, the last changed first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.records import Incident, IncidentState
from exporters.web.text import moment

_STATES = {IncidentState.OPEN: "OPEN", IncidentState.RECOVERING: "recovering"}


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    url: str
    title: str
    text: str
    published: float
    updated: float
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A feed that a feed reader shows. Times are Unix seconds."""

    id: str
    title: str
    url: str
    """The page for people."""
    own: str
    """Where this feed itself is."""
    updated: float
    entries: tuple[Entry, ...]


def digest_of(incidents: Sequence[Incident], estate: str, base: str, own: str, begun: float) -> Digest:
    """`base` is the agent's address without a slash at its end; `begun` is the date of a feed without entries."""
    name = f"urn:ridgeway:{estate}"
    entries = tuple(_entry(incident, name, base) for incident in incidents)
    updated = max((entry.updated for entry in entries), default=begun)
    return Digest(f"{name}:feed", f"Incidents of {estate}", f"{base}/incidents", own, updated, entries)


def _entry(incident: Incident, name: str, base: str) -> Entry:
    cause = incident.cause
    state = _STATES.get(incident.state, incident.state.value)
    return Entry(
        id=f"{name}:{incident.id}",
        url=f"{base}/incidents/{incident.id}",
        title=f"{state} {incident.priority}: {incident.title}",
        text=_text(incident),
        published=incident.suspected_at if incident.opened_at is None else incident.opened_at,
        updated=incident.changed_at,
        tags=(cause.council, incident.site, incident.priority.value, incident.state.value),
    )


def _text(incident: Incident) -> str:
    lines = [incident.summary, f"Bad since {moment(incident.suspected_at)}."]
    if incident.hidden:
        lines.append(f"Causes hidden behind it: {incident.hidden}.")
    if incident.acknowledged is not None:
        lines.append(f"With {incident.acknowledged.by} until {moment(incident.acknowledged.until)}.")
    if incident.resolved_at is not None:
        lines.append(f"Over since {moment(incident.resolved_at)} ({incident.resolution or 'recovered'}).")
    return "\n".join(lines)
