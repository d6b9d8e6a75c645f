"""What people may make the agent do, whoever carries the wish in: the one port through which all writing acts go.

Every act has a name behind it and is kept in the audit table, in the same transaction as what it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ulid import ULID

from agent.incidents import Incidents, UnknownIncident
from agent.ledger.batch import Audit, MaintenanceWindow
from agent.records import Councils, Incident, IncidentChange, sees
from agent.windows import Windows, as_maintenance
from checks.transports.lockout import Lockout
from config.estate import Estate, Selector

T = TypeVar("T")
LONGEST_ACKNOWLEDGEMENT = 7 * 86_400.0
LONGEST_WINDOW = 60 * 86_400.0


class CommandError(Exception):
    """An act that cannot be done; the message says why and how to mend it."""


class NotYours(CommandError):
    """It could reach what belongs to a council that the actor has nothing to do with."""


class UnknownWindow(CommandError):
    """No maintenance window of that id, or none that the actor may see."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """An act that is in force. `kept` is done once it is on disk; a LedgerError of it says that it never will be."""

    what: T
    kept: Future[object] | None


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

    def acknowledge(
        self, incident: str, by: str, comment: str, seconds: float, councils: Councils = None
    ) -> Done[Incident]:
        """Somebody has it, for so long. Raises CommandError or agent.incidents.IncidentError."""
        _named(by)
        if not 0 < seconds <= LONGEST_ACKNOWLEDGEMENT:
            raise CommandError("an acknowledgement lasts at most 7 days; it can be given again")
        known = self._incidents.find(incident)
        if known is None or not sees(councils, known.cause.council):
            raise UnknownIncident(incident)
        now = self._clock()
        changes = self._incidents.acknowledge(incident, by, now + seconds, comment, now)
        audit = Audit(now, by, "acknowledge", incident, {"comment": comment, "until": now + seconds})
        kept = self._keep(changes, audit=(audit,))
        return Done(self._incidents.find(incident) or known, kept)

    def add_window(
        self, selector: Selector, start: float, end: float, reason: str, by: str, councils: Councils = None
    ) -> Done[MaintenanceWindow]:
        """Announce planned work. Raises CommandError when it would cover nothing, everything, or no time to come.

        Who acts for some `councils` names them, or single targets of theirs, so that no window of theirs can ever cover
        another's, whatever the estate becomes: else NotYours.
        """
        _named(by)
        now = self._clock()
        if end <= now or end <= start:
            raise CommandError("the window would be over before it begins; give a time to come")
        if end - start > LONGEST_WINDOW:
            raise CommandError("a window lasts at most 60 days; planned work that never ends hides faults")
        if not any((selector.targets, selector.sites, selector.councils, selector.services, selector.kinds)):
            raise CommandError("say what the window covers: a target, site, council, service or kind of check")
        if councils is not None:
            self._stays_within(selector, councils)
        window = MaintenanceWindow(f"MNT-{ULID()}", start, end, by, reason, selector)
        self._windows.add(window)
        covers = self.covers(window.id)
        if not covers:
            self._windows.remove(window.id)
            raise CommandError(
                "no target of the estate is covered by that; the page /targets lists their names, sites and councils"
            )
        audit = Audit(now, by, "maintenance-add", window.id, {"reason": reason, "start": start, "end": end})
        return Done(window, self._keep(audit=(audit,), maintenance=(window,)))

    def _stays_within(self, selector: Selector, councils: frozenset[str]) -> None:
        """Refuses what could reach another council's. The answer tells nothing of what others have."""
        if selector.councils:
            if not councils.issuperset(selector.councils):
                raise NotYours(f"you act for {_listed(councils)} only; name no other council, and no pattern")
            return
        if not selector.targets or any(_is_pattern(name) for name in selector.targets):
            raise NotYours(
                f"that could reach what belongs to another council; add councils: [{_listed(councils)}], "
                "or name single targets"
            )
        for name in selector.targets:
            target = self._estate.targets.get(name)
            if target is None or target.council not in councils:
                raise CommandError(f"the estate has no target {name}; the page /targets lists what it has")

    def end_window(self, id: str, by: str, councils: Councils = None) -> Done[MaintenanceWindow]:
        """End a window before its time. Raises CommandError for one of the estate file, or of no such id."""
        _named(by)
        now = self._clock()
        window = self._windows.added.get(id)
        planned = next((known for known in self._estate.maintenance if known.id == id), None)
        known = as_maintenance(window) if window is not None else planned
        if known is None or (councils is not None and not self._windows.covers(known, councils)):
            raise UnknownWindow(f"there is no maintenance window {id}; `ridgeway maintenance list` shows them")
        if self._windows.covers(known, councils) < self._windows.covers(known):
            raise NotYours(f"{id} covers what belongs to another council too; who sees all of it may end it")
        if window is None:
            raise CommandError(f"{id} stands in the estate file and is changed there")
        ended = MaintenanceWindow(
            window.id, window.start, window.end, window.author, window.reason, window.selector, ended_at=now
        )
        self._windows.remove(id, ended)
        return Done(ended, self._keep(audit=(Audit(now, by, "maintenance-end", id, {}),), maintenance=(ended,)))

    def retry_credential(self, name: str, by: str) -> None:
        """A refused credential has been mended: try it at once. Raises CommandError when nothing holds it back."""
        _named(by)
        if not self._lockout.forget(name):
            raise CommandError(
                f"nobody refused the credential {name} lately, so nothing holds it back; "
                "`ridgeway credentials list` shows which are"
            )
        self._keep(audit=(Audit(self._clock(), by, "credential-retry", name, {}),))

    def covers(self, id: str, councils: Councils = None) -> int:
        """How many targets, of these councils, an added window covers."""
        return self._windows.covers(as_maintenance(self._windows.added[id]), councils)


def _named(by: str) -> None:
    if not by.strip():
        raise CommandError("every act carries a name: say who you are with --by")


def _listed(councils: frozenset[str]) -> str:
    return ", ".join(sorted(councils))


def _is_pattern(name: str) -> bool:
    return any(letter in "*?[" for letter in name)
