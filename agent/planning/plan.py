"""The plan of a changed estate: what differs, which incidents and tickets it touches, and why it may not be used.

Nothing here waits or keeps anything. What would become of the alerts is asked of a judge of our own, made of the same
alerts, so that a plan says what the agent then does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.judge import Judge, Seen
from agent.planning.difference import Difference, difference
from agent.planning.suspicion import looks_half_written
from agent.records import Alert, Cause, Incident, IncidentState, RoutedDesk
from config.estate import Estate

Route = Callable[[Estate, Alert], tuple[RoutedDesk, ...]]


@dataclass(frozen=True, slots=True)
class TicketOf:
    """An incident's ticket at one desk, as far as the agent knows it."""

    incident: str
    desk: str
    ticket: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """What is open while the plan is made."""

    vantage: str
    """The agent's own."""
    now: float
    alerts: Sequence[Alert] = ()
    seen: Sequence[Seen] = ()
    """Of checks that have run; needed only where there are alerts."""
    incidents: Sequence[Incident] = ()
    """Suspect, open and recovering ones."""
    tickets: Sequence[TicketOf] = ()
    """Those that are not done with, whatever became of their incident."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An incident that would end because nothing watches its cause any more."""

    incident: str
    priority: str
    cause: Cause
    tickets: tuple[TicketOf, ...]
    """That would be resolved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An incident that goes on under another name."""

    incident: str
    old: Cause
    new: Cause


@dataclass(frozen=True, slots=True)
class Rerouted:
    """An open incident whose like would go to other desks from now on; its own tickets stay where they are."""

    incident: str
    cause: Cause
    now: tuple[str, ...]
    then: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What putting one estate in the place of another would do."""

    estate: str
    before: str
    """Revision in force."""
    after: str
    difference: Difference
    withdrawn: tuple[Ended, ...] = ()
    renamed: tuple[Moved, ...] = ()
    rerouted: tuple[Rerouted, ...] = ()
    refusals: tuple[str, ...] = ()
    """Why it cannot be put in force, whoever wishes it."""
    suspicions: tuple[str, ...] = ()
    """Why it is not put in force unless somebody has looked at this very plan."""

    @property
    def empty(self) -> bool:
        """Whether nothing would change; the revision may differ all the same, by a comment."""
        return not self.difference.changes

    @property
    def expect(self) -> str:
        """Names this plan: another estate in force, or another one on disk, is another plan."""
        return hashlib.sha256(f"{self.before}\n{self.after}".encode()).hexdigest()[:16]


def make_plan(old: Estate, new: Estate, open_now: Open, route: Route) -> Plan:
    """The plan. Takes some 0.1 s of computing at 10,000 checks, more where alerts are open: not for the event loop."""
    differs = difference(old, new)
    withdrawn, renamed = _alerts(old, new, open_now) if differs.changes and open_now.alerts else ((), ())
    tickets: dict[str, list[TicketOf]] = {}
    for ticket in open_now.tickets:
        tickets.setdefault(ticket.incident, []).append(ticket)
    by_cause = {incident.cause: incident for incident in open_now.incidents}
    return Plan(
        estate=new.name,
        before=old.revision,
        after=new.revision,
        difference=differs,
        withdrawn=tuple(
            Ended(one.id, one.priority.value, one.cause, tuple(tickets.get(one.id, ())))
            for cause in withdrawn
            if (one := by_cause.get(cause)) is not None
        ),
        renamed=tuple(
            Moved(by_cause[old_cause].id, old_cause, cause) for old_cause, cause in renamed if old_cause in by_cause
        ),
        rerouted=tuple(_rerouted(new, open_now, frozenset(withdrawn), dict(renamed), route))
        if differs.of("routes") or differs.of("targets")
        else (),
        refusals=tuple(_refusals(old, new, open_now)),
        suspicions=tuple(looks_half_written(old, new, differs)),
    )


def _alerts(old: Estate, new: Estate, open_now: Open) -> tuple[tuple[Cause, ...], tuple[tuple[Cause, Cause], ...]]:
    """What a judge withdraws and renames."""
    judge = Judge(old, open_now.alerts, open_now.seen, vantage=open_now.vantage)
    began = judge.tick(open_now.now)
    done = judge.reload(new, open_now.now)
    return (*began.withdrawn, *done.withdrawn), done.renamed


def _rerouted(
    new: Estate, open_now: Open, withdrawn: frozenset[Cause], renamed: Mapping[Cause, Cause], route: Route
) -> Iterable[Rerouted]:
    alerts = {alert.cause: alert for alert in open_now.alerts}
    for incident in open_now.incidents:
        alert = alerts.get(incident.cause)
        if incident.state is IncidentState.SUSPECT or alert is None or incident.cause in withdrawn:
            continue
        then = route(new, replace(alert, cause=renamed.get(incident.cause, incident.cause)))
        if then != incident.desks:
            yield Rerouted(incident.id, incident.cause, _named(incident.desks), _named(then))


def _named(desks: Iterable[RoutedDesk]) -> tuple[str, ...]:
    return tuple(f"{desk.desk} ({desk.queue}{', shadow' if desk.mode == 'shadow' else ''})" for desk in desks)


def _refusals(old: Estate, new: Estate, open_now: Open) -> Iterable[str]:
    if new.name != old.name:
        yield (
            f"The estate calls itself {new.name}, and this agent keeps the ledger of {old.name}. "
            "Give it its own name back, or start another agent, with another ledger, for it."
        )
    if open_now.vantage not in new.vantages:
        yield f"The estate has no vantage {open_now.vantage} any more, where this agent is. Put it back, or restart."
    elif (open_now.vantage == old.vantage) != (open_now.vantage == new.vantage):
        yield (
            f"`estate.vantage` becomes {new.vantage}, so that this agent at {open_now.vantage} would no longer do what "
            "it does: judge, or probe for the one that judges. That needs a restart of both."
        )
    for desk in sorted(old.desks.keys() - new.desks.keys()):
        waiting = {ticket.incident for ticket in open_now.tickets if ticket.desk == desk}
        if waiting:
            some = ", ".join(sorted(waiting)[:5]) + (f" and {len(waiting) - 5} more" if len(waiting) > 5 else "")
            yield (
                f"The desk {desk} is gone from the estate, and {len(waiting)} incident(s) have a ticket there that is "
                f"not done with ({some}): nobody would close it. Keep the desk, without a route, until they are over."
            )
