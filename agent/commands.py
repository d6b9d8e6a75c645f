"""What people may make the agent do, whoever carries the wish in: the one port through which all writing acts go.

Every act has a name behind it and is kept in the audit table, in the same transaction as what it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from ulid import ULID

from agent.incidents import Incidents
from agent.ledger.batch import Audit, MaintenanceWindow
from agent.records import Incident, IncidentChange
from agent.windows import Windows, as_maintenance
from checks.transports.lockout import Lockout
from config.estate import Estate, Selector

LONGEST_ACKNOWLEDGEMENT = 7 * 86_400.0
LONGEST_WINDOW = 60 * 86_400.0


class CommandError(Exception):
    """An act that cannot be done; the message says why and how to mend it."""


class Keep(Protocol):
    """Submits what changed to the ledger as one batch; the future is done once it is on disk."""

    def __call__(
        self,
        changes: tuple[IncidentChange, ...] = (),
        *,
        audit: tuple[Audit, ...] = (),
        maintenance: tuple[MaintenanceWindow, ...] = (),
    ) -> Future[object] | None: ...


class Commands:
    """Acts on a running agent; belongs to the event loop's thread."""

    def __init__(
        self,
        estate: Estate,
        incidents: Incidents,
        windows: Windows,
        keep: Keep,
        clock: Callable[[], float],
        lockout: Lockout,
    ) -> None:
        self._estate = estate
        self._incidents = incidents
        self._windows = windows
        self._keep = keep
        self._clock = clock
        self._lockout = lockout

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self._estate = estate

    def acknowledge(self, incident: str, by: str, comment: str, seconds: float) -> Incident:
        """Somebody has it, for so long. Raises CommandError or agent.incidents.IncidentError."""
        _named(by)
        if not 0 < seconds <= LONGEST_ACKNOWLEDGEMENT:
            raise CommandError("an acknowledgement lasts at most 7 days; it can be given again")
        now = self._clock()
        changes = self._incidents.acknowledge(incident, by, now + seconds, comment, now)
        audit = Audit(now, by, "acknowledge", incident, {"comment": comment, "until": now + seconds})
        self._keep(changes, audit=(audit,))
        found = self._incidents.find(incident)
        assert found is not None  # `acknowledge` has just found it; for mypy
        return found

    def add_window(self, selector: Selector, start: float, end: float, reason: str, by: str) -> MaintenanceWindow:
        """Announce planned work. Raises CommandError when it would cover nothing, everything, or no time to come."""
        _named(by)
        now = self._clock()
        if end <= now or end <= start:
            raise CommandError("the window would be over before it begins; give a time to come")
        if end - start > LONGEST_WINDOW:
            raise CommandError("a window lasts at most 60 days; planned work that never ends hides faults")
        if not any((selector.targets, selector.sites, selector.councils, selector.services, selector.kinds)):
            raise CommandError("say what the window covers: a target, site, council, service or kind of check")
        window = MaintenanceWindow(f"MNT-{ULID()}", start, end, by, reason, selector)
        self._windows.add(window)
        covers = self.covers(window.id)
        if not covers:
            self._windows.remove(window.id)
            raise CommandError(
                "no target of the estate is covered by that; the page /targets lists their names, sites and councils"
            )
        audit = Audit(now, by, "maintenance-add", window.id, {"reason": reason, "start": start, "end": end})
        self._keep(audit=(audit,), maintenance=(window,))
        return window

    def end_window(self, id: str, by: str) -> MaintenanceWindow:
        """End a window before its time. Raises CommandError for one of the estate file, or of no such id."""
        _named(by)
        now = self._clock()
        window = self._windows.added.get(id)
        if window is None:
            if any(known.id == id for known in self._estate.maintenance):
                raise CommandError(f"{id} stands in the estate file and is changed there")
            raise CommandError(f"there is no maintenance window {id}; `ridgeway maintenance list` shows them")
        ended = MaintenanceWindow(
            window.id, window.start, window.end, window.author, window.reason, window.selector, ended_at=now
        )
        self._windows.remove(id)
        self._keep(audit=(Audit(now, by, "maintenance-end", id, {}),), maintenance=(ended,))
        return ended

    def retry_credential(self, name: str, by: str) -> None:
        """A refused credential has been mended: try it at once. Raises CommandError when nothing holds it back."""
        _named(by)
        if not self._lockout.forget(name):
            raise CommandError(
                f"nobody refused the credential {name} lately, so nothing holds it back; "
                "`ridgeway credentials list` shows which are"
            )
        self._keep(audit=(Audit(self._clock(), by, "credential-retry", name, {}),))

    def covers(self, id: str) -> int:
        """How many targets an added window covers."""
        return self._windows.covers(as_maintenance(self._windows.added[id]))


def _named(by: str) -> None:
    if not by.strip():
        raise CommandError("every act carries a name: say who you are with --by")
