"""The words a person reads about an incident: titles, ticket texts, notes. Pure; times are in Europe/London."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.records import Cause, Incident, Priority
from checks.contract import REACH, State
from config.estate import SHARED

LONDON = ZoneInfo("Europe/London")
CHILDREN_NAMED = 20
"""Causes hidden behind an incident that are named in its text; the rest is a count."""
RUNBOOKS = "/runbooks/"
_TITLE = 200
_ABOUT = {
    REACH: "does not answer",
    "agent/isolated": "the agent may be cut off",
    "agent/checks-silent": "checks bring no results",
    "path/unreachable": "the way between is at fault",
    "vantage/away": "the prober there cannot be asked",
    "credential/refused": "the credential is refused",
}


def clock(moment: float | None, now: float) -> str:
    """A moment as a person in the office says it: the time, with the day unless it is today."""
    if moment is None:
        return "an unknown time"
    local = datetime.fromtimestamp(moment, LONDON)
    today = datetime.fromtimestamp(now, LONDON)
    return f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%a %d %b %Y %H:%M}"


def stamp(moment: float) -> str:
    """A moment with its day and its zone, for a text that is read on another day."""
    return f"{datetime.fromtimestamp(moment, LONDON):%a %d %b %Y %H:%M:%S %Z}"


def lasting(seconds: float) -> str:
    """A duration in the two units that matter."""
    whole = max(0, round(seconds))
    for unit, name, smaller, smaller_name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{whole} s"


def since_text(first_bad: float | None, now: float) -> str:
    return "just now" if first_bad is None else f"since {clock(first_bad, now)}, {lasting(now - first_bad)}"


def title(cause: Cause, summary: str) -> str:
    """One line for lists and ticket subjects, at most 200 characters."""
    what = _ABOUT.get(cause.condition)
    line = f"{cause.subject}: {what or summary or cause.condition}"
    return " ".join(line.split())[:_TITLE]


def hides(count: int) -> str:
    """How many causes an incident explains now."""
    if not count:
        return "Nothing hides behind it any more."
    return "1 cause hides behind it." if count == 1 else f"{count} causes hide behind it."


HIDES_CHANGED = "What hides behind it has changed."
"""For a reader who may not see what that is."""


def lies_behind(what: str) -> str:
    return f"Lies behind {what}."


def elsewhere(council: str) -> str:
    """A cause that is not to be named to this reader."""
    return "something shared" if council == SHARED else "something of another council"


def in_general(cause: Cause) -> str:
    """What is wrong, without whatever else the summary names."""
    return f"{title(cause, '')}."


def runbook(cause: Cause) -> str:
    """Where the agent serves what to do: `/runbooks/snmp-no-answer`, a page of its own or else the page `snmp`."""
    return RUNBOOKS + cause.condition.replace("/", "-")


def opening(incident: Incident, children: Sequence[Cause]) -> str:
    """The text of a new ticket: what, since when, what to do, what hides behind it."""
    cause = incident.cause
    lines = [
        incident.summary,
        "",
        f"What:      {cause.subject} ({cause.council}, site {incident.site})",
        f"Condition: {cause.condition}, {incident.severity.value}",
        f"Priority:  {incident.priority.value}",
        f"Since:     {stamp(incident.suspected_at)}",
        f"Incident:  {incident.id}",
        f"What to do: {runbook(cause)}",
    ]
    lines += [f"Evidence:  {name}: {value}" for name, value in sorted(incident.evidence.items())]
    if incident.follows:
        lines.append(f"Follows:   {incident.follows}, which was closed")
    if children:
        lines += ["", *hidden(children)]
    return "\n".join(lines)


def hidden(children: Sequence[Cause]) -> list[str]:
    """The list of what an incident hides: the first twenty by name, and how many there are."""
    named = sorted(children)[:CHILDREN_NAMED]
    rest = len(children) - len(named)
    lines = [f"Behind it, and without incidents of their own ({len(children)}):"]
    lines += [f"  - {child.subject} ({child.council}): {child.condition}" for child in named]
    return lines + ([f"  … and {rest} more"] if rest else [])


def recovering(incident: Incident) -> str:
    since = stamp(incident.recovered_at) if incident.recovered_at is not None else "now"
    return f"Good again since {since}. Watched until the hold-down is over; then it is resolved."


def relapsed(incident: Incident) -> str:
    return f"Bad again: {incident.summary} This is relapse {incident.relapses} of the same incident."


def reopened(incident: Incident, now: float) -> str:
    return f"Bad again at {stamp(now)}: {incident.summary} The incident {incident.id} goes on."


def raised(incident: Incident, before: Priority) -> str:
    return f"Priority raised from {before.value} to {incident.priority.value}: {incident.summary}"


def resolved(incident: Incident) -> str:
    """Why it is over, with the times that count."""
    ended = incident.recovered_at if incident.recovered_at is not None else incident.changed_at
    if incident.resolution == "withdrawn":
        cause = incident.cause
        return f"Withdrawn: {cause.subject} is no longer watched for {cause.condition}. It was not seen to recover."
    lasted = lasting(ended - incident.suspected_at)
    return f"Recovered: bad from {stamp(incident.suspected_at)} to {stamp(ended)} ({lasted}), and good since."


def flapping(incident: Incident) -> str:
    return (
        "It changes between good and bad too often. It stays open until it has been steady for a while; "
        f"further changes are not noted one by one. Last: {incident.summary}"
    )


def acknowledged(by: str, until: float, comment: str) -> str:
    return f"Acknowledged by {by} until {stamp(until)}" + (f": {comment}" if comment else ".")


def expired(by: str) -> str:
    return f"The acknowledgement by {by} has expired, and it is still bad."


def renamed(old: Cause, new: Cause) -> str:
    return f"{renamed_to(new.subject, new.council)[:-1]}, formerly {old.subject} ({old.council})."


def renamed_to(subject: str, council: str) -> str:
    """The same for a reader who may not see what it was."""
    return f"Now watched as {subject} ({council})."


def severity_text(state: State, summary: str) -> str:
    return f"Now {state.value}: {summary}"
