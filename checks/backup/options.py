"""What the estate says of backups: what must be protected and how well, which products tell, where copies lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from checks.backup.products import ProductOptions
from checks.backup.timetable import Timetable, read_calendar
from config.cron import LONDON, read_cron, read_zone
from config.schema.words import Day, Duration, read_line, read_name

KIND = "backup"
MOST_OBJECTS = 2000
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)")
_UNITS = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip


def read_size(value: object) -> int:
    """`1 MiB`, `500 GB` in bytes."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a size is written as 500 MB or 1.5 GiB")
    return round(float(match[1]) * _UNITS[match[2]])


def _some_time(value: float) -> float:
    if not 60 <= value <= 10 * 366 * 86_400:
        raise ValueError("must be from 1m to 3660d")
    return value


_TEXT = WithJsonSchema({"type": "string"})
Name = Annotated[str, PlainValidator(read_name), _TEXT]
Span = Annotated[Duration, AfterValidator(_some_time)]
Size = Annotated[int, PlainValidator(read_size), WithJsonSchema({"type": "string", "pattern": _SIZE.pattern})]
Line = Annotated[str, PlainValidator(read_line), _TEXT]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(_Part):
    """How a product calls an object; `*` and `?` stand for anything, and case does not count."""

    product: Name
    object: Pattern | None = None
    """The product's name of it."""
    job: Pattern | None = None
    """The job that takes it, for products that tell of jobs only."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.object is None and self.job is None:
            raise ValueError("says `object`, `job`, or both")
        return self

    def takes_object(self, name: str) -> bool:
        return self.object is not None and fits(self.object, name)

    def takes_job(self, name: str) -> bool:
        return self.job is not None and fits(self.job, name)


class ScheduleOptions(_Part):
    """When it should run: one of `cron`, `calendar` (systemd's OnCalendar) and `every`."""

    cron: Annotated[str, PlainValidator(read_cron), _TEXT] | None = None
    calendar: Annotated[str, AfterValidator(read_calendar)] | None = None
    every: Span | None = None
    zone: Annotated[str, PlainValidator(read_zone), _TEXT] = LONDON
    start_grace: Span = 1800.0
    """How late it may start."""
    longest: Span | None = None
    """How long it may take; without it, what it usually takes and half of that again, and 30 minutes at least."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.cron, self.calendar, self.every)) != 1:
            raise ValueError("says one of `cron`, `calendar` and `every`")
        return self

    @cached_property
    def timetable(self) -> Timetable:
        return Timetable(self.cron or "", self.calendar or "", self.every or 0.0, self.zone)


class RetentionOptions(_Part):
    """How much must be kept."""

    points: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """At least so many restore points."""
    oldest: Span | None = None
    """The oldest must be at least so old; from when the object has been watched for that long."""
    may_shrink_by: Annotated[int, Field(ge=0, le=100_000)] = 2
    """Points fewer than a day before that are ordinary; more is a sudden deletion."""
    gfs: GfsOptions | None = None
    """Grandfather, father, son: for how long points of the weeks, months and years are kept."""


class CopyOptions(_Part):
    """3-2-1-1-0: so many copies with the original, kinds of storage, elsewhere, out of reach, and none damaged."""

    total: Annotated[int, Field(ge=1, le=10)] = 3
    media: Annotated[int, Field(ge=1, le=5)] = 2
    elsewhere: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies at another place than the original."""
    out_of_reach: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies that are offline, or that nobody can delete for now."""
    locked_for: Span | None = None
    """For how long the newest point out of reach must still be locked."""
    lag: Span | None = None
    """How much older than the newest point a copy's newest may be; twice the RPO unless said."""


class Acceptance(_Part):
    """Something that is left out of an object's backups on purpose, and who answers for that until when."""

    left_out: Pattern
    """The disk or folder as the product calls it, for example `scsi1`; `*` and `?` stand for anything."""
    reason: Line
    owner: Line
    review: Day
    """From this day on it is not accepted any more, until somebody has looked again."""


class GfsOptions(_Part):
    """How many weeks, months and years back, this one included, a restore point of each must be kept."""

    weekly: Annotated[int, Field(ge=0, le=520)] = 0
    monthly: Annotated[int, Field(ge=0, le=240)] = 0
    yearly: Annotated[int, Field(ge=0, le=50)] = 0


def _any_may_be_the_policys(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class ObjectOptions(_Part):
    """One thing that must be protected."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_any_may_be_the_policys)

    policy: Name | None = None
    """Where it says nothing, what this policy says."""
    title: Line | None = None
    owner: Line
    """Who is asked about it, as a role: `Head of Revenues`."""
    at: Name | None = None
    """The place where the original is, as in `repositories`."""
    by: Annotated[tuple[Claim, ...], Field(min_length=1, max_length=10)]
    rpo: Span
    """The most that may be lost: how old the newest restorable point may be."""
    rto: Span | None = None
    """How long a restore may take."""
    starts_in: Annotated[Duration, Field(ge=0, le=7 * 86_400)] = 0.0
    """What it takes from restored data to a service that people use, for the estimate against the RTO."""
    schedule: ScheduleOptions | None = None
    at_least: Size | None = None
    """A full backup below this size protects nothing."""
    partial_counts: bool = True
    """Whether a restore point from which something is missing keeps the RPO."""
    partial_limit: Annotated[int, Field(ge=1, le=30)] = 3
    """From so many incomplete runs in a row it is critical."""
    retention: RetentionOptions | None = None
    copies: CopyOptions | None = None
    verified_within: Span | None = None
    drilled_within: Span | None = None
    accept: Annotated[tuple[Acceptance, ...], Field(max_length=50)] = ()
    """What is left out of its backups on purpose; anything else that is left out makes a run incomplete."""

    def acceptance_of(self, part: str, today: date) -> Acceptance | None:
        """Who accepts that a part is left out, today; None where nobody does."""
        return next((one for one in self.accept if today < one.review and fits(one.left_out, part)), None)


class RepositoryOptions(_Part):
    """What a product cannot tell of a place where copies lie."""

    repository: Pattern
    """The product's name of it."""
    product: Name | None = None
    place: Name
    """Where it is: a site, a council, `cloud`."""
    medium: Annotated[str, Field(pattern=r"^(disk|object|tape|appliance)$")] = "disk"
    offline: bool = False
    """It is connected only while it is written."""
    immutable_days: Annotated[float, Field(ge=0, le=36_600)] | None = None
    """For how long points there must be locked; less is a weakening, and a matter of security."""
    free_warning: Annotated[float, Field(gt=0, lt=1)] = 0.15
    free_critical: Annotated[float, Field(ge=0, lt=1)] = 0.05
    full_within: Span = 14 * 86_400.0
    """Days to full that are a warning."""


class BackupOptions(_Part):
    """What a `backup` check may be told."""

    products: Annotated[dict[Name, ProductOptions], Field(min_length=1, max_length=20)]
    """By a name of your own: how each product is read, and at which target."""
    policies: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Settings that objects share: an object that says `policy: gold` has those of `gold` where it says nothing."""
    objects: Annotated[dict[Name, ObjectOptions], Field(max_length=MOST_OBJECTS)] = Field(default_factory=dict)
    repositories: Annotated[tuple[RepositoryOptions, ...], Field(max_length=200)] = ()
    """The first that fits counts."""
    undeclared: bool = True
    """Whether an object that a product backs up and nobody declared is a finding."""
    undeclared_except: Annotated[tuple[Pattern, ...], Field(max_length=200)] = ()
    """Names of those that need not be declared."""
    server_backup_within: Span | None = 7 * 86_400.0
    """How old the backup of a backup server's own configuration may be."""
    proofs: Annotated[str, Field(pattern=r"^/[^\x00-\x1f\x7f]{0,250}$")] | None = None
    """The directory in which restore drills leave what came of them."""

    @model_validator(mode="before")
    @classmethod
    def _with_policies(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        policies, objects = data.get("policies"), data.get("objects")
        if not isinstance(objects, dict):
            return data
        return {**data, "objects": {name: _merged(name, one, policies or {}) for name, one in objects.items()}}

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, one in self.objects.items():
            for claim in one.by:
                if claim.product not in self.products:
                    there = ", ".join(self.products)
                    raise ValueError(f"objects.{name}.by: no product {claim.product!r}; there are {there}")
        for said in self.repositories:
            if said.product is not None and said.product not in self.products:
                raise ValueError(f"repositories: no product {said.product!r}; there are {', '.join(self.products)}")
        return self

    def place_of(self, product: str, repository: str) -> RepositoryOptions | None:
        """What is said of a repository; None where nothing is."""
        for one in self.repositories:
            if one.product in (None, product) and fits(one.repository, repository):
                return one
        return None


def _merged(name: object, one: Any, policies: Mapping[str, Any]) -> Any:
    if not isinstance(one, dict) or "policy" not in one:
        return one
    policy = one["policy"]
    if not isinstance(policy, str) or not isinstance(policies.get(policy), dict):
        raise ValueError(f"objects.{name}.policy: no policy {policy!r}; there are {', '.join(policies) or 'none'}")
    return {**policies[policy], **one}


def fits(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern."""
    return fnmatchcase(name.casefold(), pattern.casefold())
