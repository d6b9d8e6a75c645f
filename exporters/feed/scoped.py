"""What a reader of some councils may be told of an event or an incident. Pure; every surface uses it.

An event of one council may name what belongs to another: the cause behind which it lies, what hides behind it, what it
was called before, and, where many speak for one shared cause, whoever they are. The agent writes beside such a text
whose the named things are (`by_council`, `formerly_council`, `added:COUNCIL`); here the text is made anew without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent import wording
from agent.incidents.draft import AGENT
from agent.isolation import AWAY, ISOLATED, PATH, SILENT
from agent.judge.accounts import REFUSED
from agent.ledger.read import KeptEvent
from agent.records import Cause, Councils, Event, EventKind, Incident, sees
from config.estate import SHARED

_OF_MANY = frozenset({ISOLATED, SILENT, AWAY, REFUSED})
"""Conditions of shared causes whose summary and evidence name targets of whichever council."""
_WITH_SUMMARY = frozenset(
    {
        EventKind.SUSPECTED,
        EventKind.OPENED,
        EventKind.CANCELLED,
        EventKind.CHANGED,
        EventKind.RECOVERING,
        EventKind.RELAPSED,
        EventKind.REOPENED,
    }
)
"""Events whose text holds what the alert said then."""
_COUNTS = ("added", "removed", "total")
Data = Mapping[str, str | int | float | None]


def scoped(kept: KeptEvent, councils: Councils) -> KeptEvent:
    """The event as a reader of these councils may see it. LookupError when it is not of one of them: ask no such."""
    if councils is None:
        return kept
    if kept.council not in councils:
        raise LookupError("an event of a council that this reader may not see")
    event = kept.event
    if event.kind is EventKind.SUPPRESSED:
        event = _suppressed(event, councils)
    elif event.kind is EventKind.HIDES:
        event = _hides(event, councils)
    elif event.kind is EventKind.CHANGED and "severity" not in event.data:
        event = _renamed(event, kept, councils)
    if event.kind in _WITH_SUMMARY and event.actor == AGENT and "formerly" not in kept.event.data:
        event = _without_names(event, kept)
    return kept if event is kept.event else replace(kept, event=event)


def names_others(cause: Cause) -> bool:
    """Whether summary and evidence of this cause may name things of any council."""
    return cause.condition == PATH or (cause.council == SHARED and cause.condition in _OF_MANY)


def summary_for(cause: Cause, summary: str, councils: Councils) -> str:
    """What is said of this cause to a reader of these councils."""
    return wording.in_general(cause) if councils is not None and names_others(cause) else summary


def behind(cause: Cause | None, councils: Councils) -> str | None:
    """What something lies behind, for a person: by name when they may see it; None when behind nothing."""
    if cause is None:
        return None
    return str(cause) if sees(councils, cause.council) else wording.elsewhere(cause.council)


def incident_for(incident: Incident, councils: Councils, hidden: int) -> Incident:
    """The incident as a reader of these councils may see it; `hidden`: how many causes of theirs lie behind it.

    What it lies behind itself is left out where it is not theirs: `behind` has the words for that.
    """
    if councils is None:
        return incident
    told = replace(incident, hidden=hidden)
    if incident.suppressed_by is not None and not sees(councils, incident.suppressed_by.council):
        told = replace(told, suppressed_by=None)
    if names_others(incident.cause):
        told = replace(told, summary=wording.in_general(incident.cause), evidence={})
    return told


def _suppressed(event: Event, councils: frozenset[str]) -> Event:
    council = event.data.get("by_council")
    if council is None:  # written before this was kept: a cause as text begins with its council
        council = str(event.data.get("by")).partition("/")[0]
    if council in councils:
        return event
    what = wording.elsewhere(str(council))
    return replace(event, text=wording.lies_behind(what), data={"by": what})


def _hides(event: Event, councils: frozenset[str]) -> Event:
    """Only what is theirs is counted."""
    counts = {key: value for key, value in event.data.items() if key.partition(":")[2]}
    theirs: dict[str, int] = {
        key: int(value or 0) for key, value in counts.items() if key.partition(":")[2] in councils
    }
    if counts and len(theirs) == len(counts):
        return event
    sums = {what: sum(n for key, n in theirs.items() if key.partition(":")[0] == what) for what in _COUNTS}
    if not any(sums.values()):
        return replace(event, text=wording.HIDES_CHANGED, data={})
    return replace(event, text=wording.hides(sums["total"]), data={**sums, **theirs})


def _renamed(event: Event, kept: KeptEvent, councils: frozenset[str]) -> Event:
    council = event.data.get("formerly_council")
    if council in councils or (council is None and event.actor != AGENT):
        return event
    about = kept.about
    text = wording.renamed_to(about.subject, about.council) if about is not None else "Now watched under another name."
    return replace(event, text=text, data={})


def _without_names(event: Event, kept: KeptEvent) -> Event:
    """The summary in general words where it may name others."""
    about = kept.about
    if about is None:
        # Written before it was kept what the event is about. Only shared causes are about many.
        return replace(event, text=f"{event.kind.value}.", data={}) if kept.council == SHARED else event
    cause = Cause(about.council, about.subject, about.condition)
    if not names_others(cause):
        return event
    general = wording.in_general(cause)
    severity = event.data.get("severity")
    return replace(event, text=general if severity is None else f"Now {severity}: {general}")
