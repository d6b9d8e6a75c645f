"""What every backup product tells, in one vocabulary: jobs, runs, restore points, where they lie, what proved them.

A product's folder fills an `Account`; one set of rules judges it. Times are Unix seconds, sizes bytes. What a product
does not tell is None or absent, and a part that could not be read stands in `Account.unread` with the reason: an empty
list is then no sign that there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a run ended, or that it has not."""

    SUCCESS = "success"
    PARTIAL = "partial"
    """There is a restore point, and something is missing from it."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSED = "missed"
    """The product itself says that it did not start in time."""
    RUNNING = "running"
    WAITING = "waiting"
    """For a client, storage, a tape, a window."""
    UNKNOWN = "unknown"
    """A word or number that nobody knows. Never taken for success."""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self is not Outcome.RUNNING and self is not Outcome.WAITING

    @property
    def kept(self) -> bool:
        """Whether it left a restore point."""
        return self is Outcome.SUCCESS or self is Outcome.PARTIAL


class Level(StrEnum):
    """How much a run takes; sizes are compared within one level only."""

    FULL = "full"
    DIFFERENTIAL = "differential"
    INCREMENTAL = "incremental"
    LOG = "log"
    OTHER = "other"


class Part(StrEnum):
    """What there is to read of a product."""

    JOBS = "jobs"
    RUNS = "runs"
    OBJECTS = "objects"
    POINTS = "points"
    REPOSITORIES = "repositories"
    VERIFICATIONS = "verifications"
    DRILLS = "drills"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to run again and again."""

    name: str
    enabled: bool | None = None
    next_run: float | None = None
    after: str = ""
    """The job whose end starts it."""
    repository: str = ""
    manual: bool = False
    """Nothing starts it but a person."""
    why: str = ""
    """Why its next run would not start, in the product's words."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job, or what one run did for one object."""

    id: str
    """Of the product's own; the same run read twice has the same."""
    job: str
    outcome: Outcome
    object: str = ""
    """The object that it is about; empty: all of the job."""
    started: float | None = None
    ended: float | None = None
    level: Level = Level.OTHER
    bytes: int | None = None
    """What was read of the object, before it was made smaller."""
    written: int | None = None
    files: int | None = None
    errors: int | None = None
    """Files or items that could not be read."""
    retries: bool = False
    """The product will try again by itself."""
    nothing: bool = False
    """It says that it protected nothing: everything excluded, no source there."""
    message: str = ""
    """The product's own words, one line."""
    left_out: tuple[str, ...] = ()
    """Disks, folders that somebody told the product to leave out. Unless the estate accepts each, it is incomplete."""


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A state of an object that can be restored, as of its snapshot's begin."""

    object: str
    at: float
    repository: str = ""
    level: Level = Level.OTHER
    bytes: int | None = None
    id: str = ""
    sound: bool | None = None
    """Whether its content was read again and found right; False: found damaged; None: never looked at."""
    verified_at: float | None = None
    infected: bool = False
    """A scan says that malware is in it."""
    suspect: str = ""
    """The scan's word where it is not sure of that."""
    locked_until: float | None = None
    """Until then nobody can delete it."""


@dataclass(frozen=True, slots=True)
class Stock:
    """All restore points of an object in one repository, counted; for products that are not asked for each of them."""

    object: str
    repository: str
    count: int
    newest: float | None = None
    oldest: float | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """Where restore points lie."""

    name: str
    online: bool | None = None
    capacity: int | None = None
    free: int | None = None
    immutable_days: float | None = None
    """For how long new points cannot be deleted; 0: they can; None: not told."""
    why: str = ""
    """The product's own words where it is not well."""
    ails: str = ""
    """What is wrong with a part of it, while the rest is used: volumes in error."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The product read what it had written, and compared."""

    at: float
    sound: bool | None
    """None: it could not be done, for a lock or a missing password; that proves nothing either way."""
    repository: str = ""
    object: str = ""
    """Empty: everything in the repository, or everything of the job."""
    job: str = ""
    share: float = 1.0
    """The part of the data that was read, from 0 to 1."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Something was really restored: a drill of ours, or one that the product makes."""

    at: float
    object: str
    passed: bool | None
    """None: it could not be done, which is *unproven* and no failure."""
    by: str = ""
    """What did it, for example SureBackup or canary."""
    seconds: float | None = None
    bytes: int | None = None
    point: float | None = None
    """The restore point's time."""
    message: str = ""
    job: str = ""
    """The job that restored, where the product does not say which object it was."""
    rehearsal: bool = False
    """It failed because it was meant to, so that the alarm is seen to work."""
    withdrawn: bool = False
    """A person says that earlier failures of the same hand are over, though nothing was restored."""


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that one product told in one round."""

    product: str
    """The product's kind, for example `restic`."""
    at: float
    """When it was asked, by our clock."""
    version: str = ""
    clock: float | None = None
    """What its own clock said at that moment."""
    since: float | None = None
    """Runs and points older than this were not asked for; None: everything that there is."""
    jobs: tuple[Job, ...] = ()
    runs: tuple[Run, ...] = ()
    objects: tuple[str, ...] = ()
    """What it knows to protect, whether there are points or not."""
    points: tuple[RestorePoint, ...] = ()
    stocks: tuple[Stock, ...] = ()
    repositories: tuple[Repository, ...] = ()
    verifications: tuple[Verification, ...] = ()
    proofs: tuple[Proof, ...] = ()
    server_backup: float | None = None
    """When the product's own configuration was last saved."""
    server_encrypted: bool | None = None
    """Whether that is encrypted: the passwords of all that it protects are in it."""
    not_permitted: dict[Part, str] = field(default_factory=dict)
    """Parts that the account's role may not read, by design, and which right that would need."""
    unprotected: tuple[str, ...] = ()
    """What it could back up, and no job takes."""
    all_points: bool = False
    """Every point that there is was told this time, though of runs only those since `since`."""
    unread: dict[Part, str] = field(default_factory=dict)
    """Parts that the product has and that were not read whole, and why."""
    has: tuple[Part, ...] = tuple(Part)
    """Parts that this product can tell at all."""

    def whole(self, part: Part) -> bool:
        """Whether that part was read to its end, so that what is absent is really not there."""
        return part in self.has and part not in self.unread
