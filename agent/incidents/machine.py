"""The incident machine: one live incident per cause, one ticket wished for per incident and desk, closed when over.

    suspect ──▶ open ◀──▶ recovering ──▶ resolved ──▶ closed
       └──▶ cancelled          (resolved ──▶ open, within the reopen window)

It follows the judge's alerts and adds what only time tells: hold-down, reopen window, expiry of acknowledgements. The
clock comes with every call; a jump of it is time that nobody watched, and moves the deadlines instead of meeting them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from heapq import heappop, heappush

from agent import wording
from agent.incidents import steps
from agent.incidents.draft import Draft
from agent.incidents.errors import AlreadyOver, NotLive, UnknownIncident
from agent.incidents.hidden import Hidden, by_council
from agent.incidents.priority import priority
from agent.records import (
    LIVE,
    OPEN_LEVELS,
    WAITING_LEVELS,
    Acknowledgement,
    Alert,
    AlertLevel,
    Cause,
    EventKind,
    Incident,
    IncidentChange,
    IncidentState,
    Judgement,
    RoutedDesk,
)

LEAP = 180.0
"""Seconds between two calls beyond which the clock jumped, or the machine slept."""
STEP_BACK = 1.0
LONGEST_REST = 60.0
"""Seconds after which the machine wants to be called at the latest."""
HIDES_NOTE_EVERY = 600.0
"""Seconds between two notes that say what else hides behind an incident."""

Router = Callable[[Alert], tuple[RoutedDesk, ...]]
"""Which desks an alert's incident goes to; asked once, when it opens."""


class Incidents:
    """See the module. `incidents`, `alerts` and `children` (by incident) are what the ledger kept."""

    def __init__(
        self,
        router: Router,
        new_id: Callable[[float], str],
        incidents: Iterable[Incident] = (),
        alerts: Iterable[Alert] = (),
        children: Mapping[str, Iterable[Cause]] | None = None,
    ) -> None:
        known = list(alerts)
        self._router = router
        self._new_id = new_id
        self._live: dict[Cause, Incident] = {}
        self._resolved: dict[Cause, Incident] = {}
        self._by_id: dict[str, Incident] = {}
        self._last: dict[Cause, str] = {}
        self._hidden = Hidden(known, children or {})
        self._deadlines: list[tuple[float, str]] = []
        self._drafts: dict[str, Draft] = {}
        self._now: float | None = None
        self._alerts: dict[Cause, Alert] = {}
        for incident in sorted(incidents, key=lambda one: one.changed_at):
            self._keep(incident)
        self._alerts |= {alert.cause: alert for alert in known if alert.cause in self._live}

    @property
    def live(self) -> Mapping[Cause, Incident]:
        """Suspect, open and recovering incidents by cause, to read only."""
        return self._live

    def find(self, incident: str) -> Incident | None:
        """A live or lately resolved incident by its id."""
        return self._by_id.get(incident)

    def apply(self, judgement: Judgement, now: float) -> tuple[IncidentChange, ...]:
        """Follow the judge. What comes back is to be kept in one transaction with the judgement's alerts."""
        self._watch_clock(now)
        for old, new in judgement.renamed:
            self._rename(old, new, now)
        for old_subject, subject, council in judgement.moved:
            self._move_resolved(old_subject, subject, council, now)
        made = self._changes()
        for cause in judgement.withdrawn:
            self._withdraw(cause, now)
        made += self._changes()
        for alert in judgement.changed:
            self._follow(alert, now)
        made += self._changes()
        for cause in judgement.forgotten:
            self._settle(cause, now)
        return made + self._changes()

    def tick(self, now: float) -> tuple[IncidentChange, ...]:
        """What follows from time alone."""
        self._watch_clock(now)
        while self._deadlines and self._deadlines[0][0] <= now:
            _, incident = heappop(self._deadlines)
            self._look_at(incident, now)
        for root in self._hidden.due(now):
            self._tell_hidden(root, now)
        return self._changes()

    def next_due(self) -> float | None:
        """When `tick` is wanted next; None before the first call."""
        if self._now is None:
            return None
        moments = [self._now + LONGEST_REST, self._hidden.next_due()]
        if self._deadlines:
            moments.append(self._deadlines[0][0])
        return max(self._now, min(moment for moment in moments if moment is not None))

    def acknowledge(self, incident: str, by: str, until: float, comment: str, now: float) -> tuple[IncidentChange, ...]:
        """Somebody has taken it, until then. UnknownIncident, NotLive or AlreadyOver when that cannot be."""
        self._watch_clock(now)
        draft = self._live_draft(incident)
        if until <= now:
            raise AlreadyOver(incident)
        draft.set(acknowledged=Acknowledgement(by, now, until, comment))
        text = wording.acknowledged(by, until, comment)
        draft.event(EventKind.ACKNOWLEDGED, now, text, actor=by, until=until)
        draft.note(now, text)
        return self._changes()

    def withdraw(self, incident: str, by: str, comment: str, now: float) -> tuple[IncidentChange, ...]:
        """A person ends it as withdrawn; the judge has to be told the same. UnknownIncident or NotLive otherwise."""
        self._watch_clock(now)
        draft = self._live_draft(incident)
        draft.event(EventKind.CHANGED, now, f"Withdrawn by {by}: {comment}", actor=by)
        self._withdraw(draft.incident.cause, now)
        return self._changes()

    def _follow(self, alert: Alert, now: float) -> None:
        self._hidden.follow(alert, now)
        incident = self._live.get(alert.cause)
        if incident is None:
            self._begin(alert, now)
            return
        self._alerts[alert.cause] = alert
        draft = self._draft(incident)
        steps.follow_flags(draft, alert, now)
        state = incident.state
        if alert.level is AlertLevel.CLEAR:
            self._follow_clear(draft, alert, now)
        elif alert.level in OPEN_LEVELS:
            if state is IncidentState.SUSPECT:
                self._open(draft, alert, now)
            elif state is IncidentState.RECOVERING:
                steps.relapse(draft, alert, now)
            steps.follow_severity(draft, alert, now)
        elif state is IncidentState.RECOVERING:
            steps.pause(draft)

    def _follow_clear(self, draft: Draft, alert: Alert, now: float) -> None:
        state = draft.incident.state
        if state is IncidentState.SUSPECT:
            steps.cancel(draft, now, alert.summary)
        elif state is IncidentState.OPEN:
            steps.recover(draft, alert, now)
        elif draft.incident.hold_until is None or draft.incident.hold_until > now + alert.hold_down:
            # Paused, or the clock was set back while the agent was stopped.
            steps.resume(draft, alert, now)
        if steps.may_resolve(draft, alert, False, now):
            self._resolve(draft, alert, now)

    def _begin(self, alert: Alert, now: float) -> None:
        """A cause without a live incident: reopen, open, suspect, or nothing yet."""
        previous = self._resolved.get(alert.cause)
        over = previous is None or previous.reopen_until is None or now >= previous.reopen_until
        if alert.level in OPEN_LEVELS:
            self._alerts[alert.cause] = alert
            if previous is not None and not over:
                draft = self._draft(previous)
                steps.reopen(draft, alert, now)
                steps.follow_flags(draft, alert, now)
                self._list_hidden(draft, now)
                return
            if previous is not None:
                steps.close(self._draft(previous), now)
            self._open(self._suspect(alert, now, previous.id if previous is not None else None), alert, now)
        elif (
            alert.level in WAITING_LEVELS and over and not (alert.dependent or alert.suppressed_by or alert.maintenance)
        ):
            self._alerts[alert.cause] = alert
            self._suspect(alert, now, previous.id if previous is not None else None)

    def _suspect(self, alert: Alert, now: float, follows: str | None) -> Draft:
        since = alert.first_bad if alert.first_bad is not None else now
        incident = Incident(
            id=self._new_id(now),
            cause=alert.cause,
            site=alert.site,
            state=IncidentState.SUSPECT,
            severity=alert.state,
            priority=priority(alert.impact, alert.state),
            wake=alert.wake,
            title=wording.title(alert.cause, alert.summary),
            summary=alert.summary,
            evidence=alert.evidence,
            suspected_at=since,
            changed_at=now,
            follows=follows or self._last.get(alert.cause),
        )
        draft = self._drafts[incident.id] = Draft(incident, new=True)
        draft.event(EventKind.SUSPECTED, since, alert.summary)
        steps.follow_flags(draft, alert, now)
        return draft

    def _open(self, draft: Draft, alert: Alert, now: float) -> None:
        draft.set(desks=self._router(alert))
        steps.open_up(draft, alert, now, self._hidden.behind(alert.cause))
        self._list_hidden(draft, now)

    def _resolve(self, draft: Draft, alert: Alert | None, now: float, resolution: str = "recovered") -> None:
        steps.resolve(draft, alert, now, resolution)
        draft.children_removed = self._hidden.end(draft.incident.id)

    def _settle(self, cause: Cause, now: float) -> None:
        """The judge has forgotten this cause: firmly clear, or never hard."""
        self._hidden.drop(cause, now)
        incident = self._live.get(cause)
        if incident is None:
            return
        draft = self._draft(incident)
        alert = self._alerts.pop(cause, None)
        if draft.incident.state is IncidentState.SUSPECT:
            steps.cancel(draft, now, "Explained otherwise, or good again.")
        elif draft.incident.state is IncidentState.OPEN and alert is not None:
            steps.recover(draft, alert, now)
        if steps.may_resolve(draft, alert, True, now):
            self._resolve(draft, alert, now)

    def _withdraw(self, cause: Cause, now: float) -> None:
        self._hidden.drop(cause, now)
        self._alerts.pop(cause, None)
        incident = self._live.get(cause)
        if incident is None:
            return
        draft = self._draft(incident)
        if draft.incident.state is IncidentState.SUSPECT:
            steps.cancel(draft, now, "No longer watched.")
            draft.children_removed = self._hidden.end(incident.id)
        else:
            self._resolve(draft, None, now, "withdrawn")

    def _rename(self, old: Cause, new: Cause, now: float) -> None:
        self._hidden.drop(old, now)
        alert = self._alerts.pop(old, None)
        if alert is not None:
            self._alerts[new] = replace(alert, cause=new)
        for kept in (self._live, self._resolved):
            incident = kept.pop(old, None)
            if incident is not None:
                draft = self._draft(incident)
                draft.set(cause=new, title=wording.title(new, incident.summary))
                draft.event(
                    EventKind.CHANGED,
                    now,
                    wording.renamed(old, new),
                    formerly=str(old),
                    formerly_council=old.council,
                )
                self._keep(draft.incident)
        if old in self._last:
            self._last[new] = self._last.pop(old)

    def _move_resolved(self, old: str, subject: str, council: str, now: float) -> None:
        """What was lately resolved has no alert to be renamed with, but may be reopened under the new name."""
        for cause in [cause for cause in self._resolved if cause.subject == old]:
            new = Cause(council, subject, cause.condition)
            if new not in self._live and new not in self._resolved:
                self._rename(cause, new, now)

    def _look_at(self, incident: str, now: float) -> None:
        """A deadline of this incident may have passed."""
        known = self._by_id.get(incident)
        if known is None:
            return
        draft = self._draft(known)
        taken = draft.incident.acknowledged
        if taken is not None and taken.until <= now:
            draft.set(acknowledged=None)
            draft.event(EventKind.ACKNOWLEDGEMENT_EXPIRED, now, wording.expired(taken.by))
            draft.note(now, wording.expired(taken.by))
        alert = self._alerts.get(known.cause)
        if steps.may_resolve(draft, alert, False, now):
            self._resolve(draft, alert, now)
        until = draft.incident.reopen_until
        if draft.incident.state is IncidentState.RESOLVED and until is not None and now >= until:
            steps.close(draft, now)

    def _list_hidden(self, draft: Draft, now: float) -> None:
        """Write down in the incident what hides behind its cause, as far as that has changed."""
        added, removed = self._hidden.difference(draft.incident.cause, draft.incident.id)
        if not added and not removed:
            return
        draft.children_added, draft.children_removed = added, removed
        children = self._hidden.behind(draft.incident.cause)
        draft.set(hidden=len(children))
        draft.event(
            EventKind.HIDES,
            now,
            wording.hides(len(children)),
            by_council(added=added, removed=removed, total=children),
            added=len(added),
            removed=len(removed),
            total=len(children),
        )

    def _tell_hidden(self, root: Cause, now: float) -> None:
        incident = self._live.get(root)
        if incident is None or incident.state is IncidentState.SUSPECT:
            self._hidden.settle(root)
            return
        draft = self._draft(incident)
        self._list_hidden(draft, now)
        noted = incident.noted_at
        if draft.children_added and (noted is None or not 0 <= now - noted < HIDES_NOTE_EVERY):
            draft.note(now, "\n".join(wording.hidden(self._hidden.behind(root))))

    def _live_draft(self, incident: str) -> Draft:
        known = self._by_id.get(incident)
        if known is None:
            raise UnknownIncident(incident)
        if known.state not in LIVE:
            raise NotLive(incident, known.state)
        return self._draft(known)

    def _draft(self, incident: Incident) -> Draft:
        draft = self._drafts.get(incident.id)
        if draft is None:
            draft = self._drafts[incident.id] = Draft(incident)
        return draft

    def _changes(self) -> tuple[IncidentChange, ...]:
        if not self._drafts:
            return ()
        changes = []
        for draft in self._drafts.values():
            change = draft.change()
            if change is not None:
                changes.append(change)
                self._keep(change.incident)
        self._drafts = {}
        return tuple(changes)

    def _keep(self, incident: Incident) -> None:
        """Remember an incident as it is now, under the states in which it can be found."""
        cause = incident.cause
        before = self._by_id.get(incident.id)
        for kept in (self._live, self._resolved):
            if cause in kept and kept[cause].id == incident.id:
                del kept[cause]
        if incident.state in LIVE:
            self._live[cause] = incident
        elif incident.state is IncidentState.RESOLVED:
            self._resolved[cause] = incident
        if incident.state in LIVE or incident.state is IncidentState.RESOLVED:
            self._by_id[incident.id] = incident
        else:
            self._by_id.pop(incident.id, None)
        if incident.state is IncidentState.CLOSED:
            self._last[cause] = incident.id
        if incident.state not in LIVE and cause not in self._live:
            self._alerts.pop(cause, None)
        self._mark_deadlines(before, incident)

    def _mark_deadlines(self, before: Incident | None, incident: Incident) -> None:
        known = _deadlines(before) if before is not None else ()
        for moment in _deadlines(incident):
            if moment not in known:
                heappush(self._deadlines, (moment, incident.id))

    def _watch_clock(self, now: float) -> None:
        before, self._now = self._now, now
        if before is None or -STEP_BACK <= now - before <= LEAP:
            return
        gap = now - before
        self._hidden.shift(gap)
        self._alerts = {
            cause: replace(alert, fresh_until=alert.fresh_until + gap) for cause, alert in self._alerts.items()
        }
        for incident in (*self._live.values(), *self._resolved.values()):
            if incident.hold_until is not None:
                self._draft(incident).set(hold_until=incident.hold_until + gap)
            if incident.reopen_until is not None:
                self._draft(incident).set(reopen_until=incident.reopen_until + gap)


def _is_its_own(alert: Alert) -> bool:
    """Whether nothing else explains a bad alert that is not open, or may yet explain it."""
    return not (alert.dependent or alert.suppressed_by or alert.maintenance)


def _deadlines(incident: Incident) -> tuple[float, ...]:
    """Moments at which time alone may change this incident."""
    taken = incident.acknowledged.until if incident.acknowledged is not None else None
    moments = (incident.hold_until, incident.reopen_until, taken)
    return tuple(moment for moment in moments if moment is not None)
