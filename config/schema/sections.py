"""One entry of each section of the estate file."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from config.schema.checks import DAY, CronWord, Names, ZoneWord
from config.schema.words import Address, Day, Duration, Hours, LevelWord, Line, Model, Name, NeedWord, within

SECTIONS = (
    "estate", "councils", "sites", "vantages", "services", "targets", "check_groups", "credentials", "defaults",
    "working_hours", "maintenance", "desks", "routes", "webhooks", "heartbeats", "access",
)  # fmt: skip
"""Every section that a file may have, in the order in which one reads them."""
_PATTERN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9*._/-]{0,99}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_HOST_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) SHA256:[A-Za-z0-9+/]{43}")
MOMENT_FORM = 'in quotes, as in "2026-11-07 22:00"'
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _read_pattern(value: object) -> str:
    if not isinstance(value, str) or not _PATTERN.fullmatch(value):
        raise ValueError('must be a name, in which `*` stands for any characters; with `*`, in quotes, as in "forum-*"')
    return value


def _read_moment_text(value: object) -> str:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError(f"must be a moment, {MOMENT_FORM}")
    return value


def _read_host_key(value: object) -> str:
    if not isinstance(value, str) or not _HOST_KEY.fullmatch(value):
        raise ValueError(
            "must be a kind of key and its fingerprint, as `ridgeway hostkeys scan TARGET` shows them: "
            '"ssh-ed25519 SHA256:…"'
        )
    return value


HostKey = Annotated[
    str, PlainValidator(_read_host_key), WithJsonSchema({"type": "string", "pattern": f"^{_HOST_KEY.pattern}$"})
]
RawDefaults = dict[Any, Any]
"""Read by `config.resolve.levels`, which knows the kinds."""
Pattern = Annotated[
    str, PlainValidator(_read_pattern), WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN.pattern}$"})
]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=1000)]
Moment = Annotated[
    str, PlainValidator(_read_moment_text), WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT.pattern}$"})
]


class EstateModel(Model):
    """What the estate is called, and where the agent that reads the file stands."""

    name: Name
    vantage: Name


class CouncilModel(Model):
    """Who owns sites, targets and services. `shared`, for what both own, always exists."""

    title: Line = ""
    defaults: RawDefaults = Field(default_factory=dict)


class SiteModel(Model):
    """A place with devices in it."""

    council: Name
    title: Line = ""
    depends_on: NeedWord = None
    defaults: RawDefaults = Field(default_factory=dict)


class ServiceModel(Model):
    """What people use, and how much its loss hurts."""

    council: Name
    impact: LevelWord
    title: Line = ""


class TargetModel(Model):
    """A thing with an address. `checks` is read by `config.resolve.entries`."""

    address: Address
    site: Name
    checks: Any
    title: Line = ""
    council: Name = ""
    vantages: Names = Field(default_factory=list)
    depends_on: NeedWord = None
    services: Names = Field(default_factory=list)
    impact: LevelWord = None
    credentials: dict[Name, Name] = Field(default_factory=dict)
    formerly: Names = Field(default_factory=list)
    system_name: Line = ""
    host_keys: Annotated[list[HostKey], Field(min_length=1, max_length=8)] = Field(default_factory=list)
    defaults: RawDefaults = Field(default_factory=dict)


class MatchModel(Model):
    """What something applies to; what is not said matches everything, and `*` stands for any characters."""

    councils: Patterns = Field(default_factory=list)
    sites: Patterns = Field(default_factory=list)
    targets: Patterns = Field(default_factory=list)
    services: Patterns = Field(default_factory=list)
    kinds: Patterns = Field(default_factory=list)
    conditions: Patterns = Field(default_factory=list)


class MaintenanceModel(Model):
    """Planned work: from `start` to `end`, or at every fire of `cron` for `duration`."""

    match: MatchModel
    reason: Line
    owner: Line
    start: Moment = ""
    end: Moment = ""
    cron: CronWord = ""
    duration: Annotated[Duration, within(60, 31 * DAY)] = 0.0
    time_zone: ZoneWord = ""


class RouteModel(Model):
    """Where incidents go. The first route that matches decides; `desks: []` is nowhere, said aloud."""

    name: Name
    desks: list[Name]
    match: MatchModel = MatchModel()
    queue: Line = ""
    mode: Literal["live", "shadow"] = "live"


class DeskModel(Model):
    """The part of a desk that does not depend on its kind."""

    kind: Name
    new_tickets_per_day: Annotated[int, Field(ge=1, le=10_000)] = 100


class WorkingHoursModel(Model):
    """When people are at work. A day that is not named is closed."""

    days: dict[str, Hours]
    time_zone: ZoneWord = "Europe/London"
    bank_holidays: bool = True
    closed: list[Day] = Field(default_factory=list)
