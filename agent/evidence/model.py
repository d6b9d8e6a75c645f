"""The pack, as it is written: names of fields are keys of the JSON, in this order. Moments are RFC 3339 in UTC."""

from __future__ import annotations

from dataclasses import dataclass

FORM = "ridgeway-evidence-backup"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Made:
    """Who made the pack, when, of what."""

    at: str
    by: str
    ridgeway: str
    estate: str
    estate_revision: str
    """SHA-256 of the estate's files."""
    ledger_epoch: str
    ledger_sequence: int
    """The last event of the log when it was read."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that the pack is about; or a stretch of it."""

    start: str
    end: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What the pack is about."""

    first_day: str
    last_day: str
    zone: str
    council: str | None
    """None: all."""
    time: Span


@dataclass(frozen=True, slots=True)
class Watching:
    """When the agent ran, and when it did not."""

    alive_percent: float
    gaps: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class CheckRead:
    """What the newest statements of the pack rest on."""

    check: str
    council: str
    read_at: str | None
    """When there was last a usable answer; None: never."""
    fresh: bool
    """Whether that still held when the pack was made."""
    not_whole: tuple[str, ...]
    """Products that could not be read whole, in the words of the finding."""


@dataclass(frozen=True, slots=True)
class Rpo:
    """For how much of the time the RPO was kept. Percentages add up to 100."""

    kept_percent: float
    not_kept_percent: float
    unproven_percent: float
    kept_seconds: float
    not_kept_seconds: float
    unproven_seconds: float
    not_kept: tuple[Span, ...]
    """The newest of such stretches."""
    unproven: tuple[Span, ...]
    left_out: int
    """Older stretches that are not listed; they are counted."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The last time that data in one place was read again."""

    place: str
    at: str
    sound: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore: of a drill, or one that the product proves."""

    at: str
    by: str
    passed: bool | None
    """None: it could not be done, which proves nothing."""
    seconds: float | None
    bytes: int | None
    point: str | None
    message: str


@dataclass(frozen=True, slots=True)
class CopyKept:
    """What lies in one repository."""

    repository: str
    """`product/repository`."""
    place: str | None
    """Where the estate says that it is; None: it does not say."""
    medium: str | None
    offline: bool
    newest: str | None
    oldest: str | None
    points: int | None
    locked_until: str | None
    damaged: bool


@dataclass(frozen=True, slots=True)
class Copies:
    """3-2-1-1-0: what lies where, and what is missing."""

    asked: bool
    """Whether the estate asks for it."""
    kept: tuple[CopyKept, ...]
    elsewhere: int | None
    """None: the estate does not say where the original is."""
    out_of_reach: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectShown:
    """Everything of one object."""

    check: str
    council: str
    name: str
    title: str
    owner: str | None
    declared: bool
    """False: the ledger knows it of this time, and the estate no longer has it."""
    policy: str | None
    schedule: str | None
    rpo_seconds: float | None
    rto_seconds: float | None
    asked_of: tuple[str, ...]
    known_by: tuple[str, ...]
    state: str
    """Of its protection at the last reading; `not judged` where there is none."""
    words: str
    watched_since: str | None
    newest_restorable: str | None
    rpo: Rpo
    verified: tuple[Verified, ...]
    verified_within_seconds: float | None
    restored: tuple[Restored, ...]
    drilled_within_seconds: float | None
    restore_estimate_seconds: float | None
    copies: Copies


@dataclass(frozen=True, slots=True)
class Told:
    """A finding of the last reading."""

    check: str
    about: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody took an incident as it is, for a time."""

    by: str
    at: str
    until: str
    comment: str


@dataclass(frozen=True, slots=True)
class IncidentShown:
    """An incident of that time."""

    id: str
    council: str
    target: str
    condition: str
    title: str
    severity: str
    priority: str
    state: str
    began: str
    opened: str
    ended: str | None
    """None: it goes on."""
    seconds: float
    """How long it lasted, from its first bad result to its end or the end of the pack's time."""
    tickets: tuple[str, ...]
    """`desk: number`."""
    accepted: Acknowledged | None


@dataclass(frozen=True, slots=True)
class Excepted:
    """What the estate says need not be looked at."""

    check: str
    what: str


@dataclass(frozen=True, slots=True)
class DrillShown:
    """A restore that was tried in the time, and what came of it."""

    check: str
    council: str
    object: str
    title: str
    at: str
    by: str
    """What was restored, and by which drill; or what proves it in the product."""
    source: str
    """`drill` of Ridgeway, or `product`: a restore that the product tells of."""
    tool: str
    outcome: str
    """passed, failed, unproven (it could not be done), withdrawn (a person ended an earlier failure)."""
    rehearsal: bool
    """It failed because it was meant to."""
    point: str | None
    """The time of the restore point."""
    point_id: str
    seconds: float | None
    bytes: int | None
    change: str
    host: str
    cleaned: bool | None
    """Whether the scratch place was seen to be empty afterwards; None: not known."""
    message: str


@dataclass(frozen=True, slots=True)
class ReadingShown:
    """Data that a drill had its product read again in the time."""

    check: str
    council: str
    object: str
    at: str
    """Of all that was read: since when it is known. A part that is read in turn makes nothing else younger."""
    place: str
    sound: bool | None
    share: float
    message: str


@dataclass(frozen=True, slots=True)
class DrillFiles:
    """What drills left, and whether it could be read."""

    check: str
    directory: str | None
    """None: the check is told of no drills of Ridgeway."""
    unread: tuple[str, ...]
    """Why some of it is missing here."""


@dataclass(frozen=True, slots=True)
class DrillTotals:
    """Of the declared objects and the time."""

    objects: int
    restored: int
    """Objects of which a restore passed."""
    tried: int
    """Restores that were tried; rehearsals are none."""
    passed: int
    failed: int
    unproven: int
    rehearsals: int
    without_change: int
    """Restores by drills of Ridgeway that name no change."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of CAF B5.c in other words, and what the pack has of it."""

    level: str
    statement: str
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """All of it."""

    form: str
    version: int
    made: Made
    asked: Asked
    watching: Watching
    checks: tuple[CheckRead, ...]
    objects: tuple[ObjectShown, ...]
    undeclared: tuple[Told, ...]
    repositories: tuple[Told, ...]
    incidents: tuple[IncidentShown, ...]
    drills: tuple[DrillShown, ...]
    """The oldest first."""
    readings: tuple[ReadingShown, ...]
    drill_totals: DrillTotals
    drill_files: tuple[DrillFiles, ...]
    excepted: tuple[Excepted, ...]
    statements: tuple[Statement, ...]
    limits: tuple[str, ...]
    """What these figures cannot say."""
