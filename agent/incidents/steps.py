"""The steps of one incident from state to state. Each takes a draft, and writes down what follows from the step."""

from __future__ import annotations

from agent import wording
from agent.history import good_run
from agent.incidents.draft import Draft
from agent.incidents.priority import is_higher, priority
from agent.records import Alert, AlertLevel, Cause, EventKind, IncidentState, Priority

NOTE_EVERY = 3_600.0
"""Seconds between two notes about an incident that flaps."""
REOPEN_WINDOW = 86_400.0
"""Seconds, when the alert that would know is gone."""


def open_up(draft: Draft, alert: Alert, now: float, children: list[Cause]) -> None:
    """The ticket is wished for here and nowhere else, once in the life of an incident."""
    _adopt(draft, alert)
    draft.set(state=IncidentState.OPEN, opened_at=now, changed_at=now, priority=priority(alert.impact, alert.state))
    draft.event(EventKind.OPENED, now, alert.summary, priority=draft.incident.priority.value)
    draft.ensure(now, wording.opening(draft.incident, children))


def cancel(draft: Draft, now: float, text: str) -> None:
    """A suspect that never became hard."""
    draft.set(state=IncidentState.CANCELLED, changed_at=now, closed_at=now, resolution="cancelled")
    draft.event(EventKind.CANCELLED, now, text)


def recover(draft: Draft, alert: Alert, now: float) -> None:
    """All clear: recovered since the first good result, held from now on (a clock may have jumped in between)."""
    first_good = alert.first_good if alert.first_good is not None else now
    draft.set(
        state=IncidentState.RECOVERING,
        changed_at=now,
        recovered_at=first_good,
        hold_until=now + alert.hold_down,
    )
    draft.event(EventKind.RECOVERING, now, alert.summary)
    _note_unless_noisy(draft, now, wording.recovering(draft.incident))


def pause(draft: Draft) -> None:
    """Bad results again, but not enough to be a relapse, or muted: the hold-down starts anew with the next good one."""
    draft.set(recovered_at=None, hold_until=None)


def resume(draft: Draft, alert: Alert, now: float) -> None:
    """Good again after a pause."""
    first_good = alert.first_good if alert.first_good is not None else now
    draft.set(recovered_at=first_good, hold_until=now + alert.hold_down)


def relapse(draft: Draft, alert: Alert, now: float) -> None:
    """Bad again within the hold-down: the same incident and the same ticket."""
    _adopt(draft, alert)
    draft.set(
        state=IncidentState.OPEN,
        changed_at=now,
        recovered_at=None,
        hold_until=None,
        relapses=draft.incident.relapses + 1,
    )
    draft.event(EventKind.RELAPSED, now, alert.summary, relapses=draft.incident.relapses)
    _note_unless_noisy(draft, now, wording.relapsed(draft.incident))


def reopen(draft: Draft, alert: Alert, now: float) -> None:
    """Bad again within the reopen window."""
    _adopt(draft, alert)
    draft.set(
        state=IncidentState.OPEN,
        changed_at=now,
        recovered_at=None,
        hold_until=None,
        resolved_at=None,
        reopen_until=None,
        resolution="",
        acknowledged=None,
        reopened=draft.incident.reopened + 1,
    )
    draft.event(EventKind.REOPENED, now, alert.summary, reopened=draft.incident.reopened)
    draft.reopen(now, wording.reopened(draft.incident, now))


def may_resolve(draft: Draft, alert: Alert | None, settled: bool, now: float) -> bool:
    """Whether the hold-down is over and what is known is good, fresh and steady.

    `settled`: the judge has forgotten the cause as firmly clear. A rule that clears on one result is content with one
    good result here too (a nightly backup); all others need two.
    """
    incident = draft.incident
    if incident.state is not IncidentState.RECOVERING or incident.hold_until is None or now < incident.hold_until:
        return False
    if settled or alert is None:
        return True
    enough = 1 if alert.clear_after.n == 1 else 2
    steady = alert.level is AlertLevel.CLEAR and not alert.flapping
    return steady and not alert.stale and now <= alert.fresh_until and good_run(alert.history, alert.length) >= enough


def resolve(draft: Draft, alert: Alert | None, now: float, resolution: str = "recovered") -> None:
    """Over. `withdrawn` is final; what recovered may be reopened for a while."""
    window = alert.reopen_window if alert is not None else REOPEN_WINDOW
    draft.set(
        state=IncidentState.RESOLVED,
        changed_at=now,
        resolved_at=now,
        hold_until=None,
        reopen_until=now + window if resolution == "recovered" else now,
        resolution=resolution,
        acknowledged=None,
        flapping=False,
        stale=False,
        maintenance=None,
        suppressed_by=None,
    )
    text = wording.resolved(draft.incident)
    draft.event(EventKind.RESOLVED, now, text, resolution=resolution)
    draft.resolve(now, text)


def close(draft: Draft, now: float) -> None:
    """Final: later trouble is a new incident."""
    draft.set(state=IncidentState.CLOSED, changed_at=now, closed_at=now)
    draft.event(EventKind.CLOSED, now, "The time in which it could be reopened is over.")


def follow_severity(draft: Draft, alert: Alert, now: float) -> None:
    """Worse or better: the severity follows, the priority is only ever raised."""
    incident = draft.incident
    if not alert.state.bad or alert.state is incident.severity:
        return
    _adopt(draft, alert)
    draft.event(EventKind.CHANGED, now, wording.severity_text(alert.state, alert.summary), severity=alert.state.value)
    _raise_to(draft, priority(alert.impact, alert.state), now)


def follow_flags(draft: Draft, alert: Alert, now: float) -> None:
    """Maintenance, suppression, staleness and flapping, beside the state."""
    incident = draft.incident
    if alert.maintenance != incident.maintenance:
        began = f"Maintenance {alert.maintenance} covers it."
        text = began if alert.maintenance else f"Maintenance {incident.maintenance} is over."
        draft.set(maintenance=alert.maintenance)
        draft.event(EventKind.MAINTENANCE, now, text, window=alert.maintenance)
    if alert.suppressed_by != incident.suppressed_by:
        draft.set(suppressed_by=alert.suppressed_by)
        if alert.suppressed_by is not None:
            draft.event(
                EventKind.SUPPRESSED,
                now,
                wording.lies_behind(str(alert.suppressed_by)),
                by=str(alert.suppressed_by),
                by_council=alert.suppressed_by.council,
            )
        else:
            draft.event(EventKind.RELEASED, now, "No longer explained by anything else.")
    if alert.stale != incident.stale:
        draft.set(stale=alert.stale)
        if alert.stale:
            draft.event(EventKind.STALE, now, "No result for too long; it stays as it was last seen.")
        else:
            draft.event(EventKind.FRESH, now, "Results come again.")
    _follow_flapping(draft, alert, now)


def _follow_flapping(draft: Draft, alert: Alert, now: float) -> None:
    if alert.flapping == draft.incident.flapping:
        return
    draft.set(flapping=alert.flapping)
    if alert.flapping:
        draft.event(EventKind.FLAPPING, now, "Changes between good and bad too often.")
        if _may_note(draft, now):
            draft.note(now, wording.flapping(draft.incident))
    else:
        draft.event(EventKind.SETTLED, now, "Steady again.")


def _note_unless_noisy(draft: Draft, now: float, text: str) -> None:
    if not draft.incident.flapping or _may_note(draft, now):
        draft.note(now, text)


def _may_note(draft: Draft, now: float) -> bool:
    noted_at = draft.incident.noted_at
    return noted_at is None or not 0 <= now - noted_at < NOTE_EVERY


def _raise_to(draft: Draft, wanted: Priority, now: float) -> None:
    before = draft.incident.priority
    if not is_higher(wanted, before):
        return
    draft.set(priority=wanted)
    if draft.incident.state is not IncidentState.SUSPECT:
        text = wording.raised(draft.incident, before)
        draft.raise_priority(now, text)
        draft.note(now, text)


def _adopt(draft: Draft, alert: Alert) -> None:
    """What the newest bad result says of it."""
    draft.set(
        severity=alert.state,
        summary=alert.summary,
        evidence=alert.evidence,
        title=wording.title(alert.cause, alert.summary),
        wake=alert.wake,
    )
