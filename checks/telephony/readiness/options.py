"""What the estate may say of a council's readiness for emergency calls and for the switch-off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from checks.network.snmp import SnmpOptions
from checks.telephony.readiness.records import MOST_RECORDS, Day, Line, LineKind, Location, Words, each_once
from checks.telephony.sip_options import SipOptions

KIND = "emergency_readiness"
MOST_ROUTES = 8
MOST_SUPPLIES = 16
SWITCH_OFF = date(2027, 1, 31)
"""When the analogue network and ISDN end (BT; GOV.UK's guidance for local authorities says January 2027)."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NUMERIC = re.compile(r"[0-9+*#,;.\-()]+")
_Target = Annotated[str, Field(min_length=1, max_length=100)]
_Pattern = Annotated[str, Field(min_length=1, max_length=64)]


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a name is made of small letters, digits and hyphens, beginning with a letter")
    return name


Name = Annotated[str, AfterValidator(_named)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sip(SipOptions):
    """How an endpoint is asked with OPTIONS: what the kind `sip_options` may be told."""

    @model_validator(mode="after")
    def _no_number(self) -> Self:
        if self.user is not None and _NUMERIC.fullmatch(self.user):
            raise ValueError("user: a number is not asked by this check, not even with OPTIONS; leave it out")
        return self


class Route(_Options):
    """One way by which calls to 999 leave: either an endpoint, or a category of alarms of a controller."""

    target: _Target | None = None
    """Whom to ask; for a category the check's own target unless said."""
    sip: Sip | None = None
    category: _Pattern | None = None
    """The category of the trunk on a MiVoice Business, with `*` and `?`, for example `SIP Link*` or `Lines`."""
    listed_in_alarm_only: bool = False
    """Whether the system is known to list a category only while it is in alarm: then one that is missing is well."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sip is None) == (self.category is None):
            raise ValueError("a route has either `sip` or `category`")
        if self.sip is not None and self.target is None:
            raise ValueError("`sip` needs a `target`: that of the trunk or the border gateway")
        if self.sip is not None and self.listed_in_alarm_only:
            raise ValueError("`listed_in_alarm_only` belongs to `category`")
        return self


class Supply(_Options):
    """A UPS that emergency calls hang on."""

    profile: str = "network/ups"
    """Of the kind `snmp`: `network/ups`, `power/apc`, `power/eaton`, `power/mge`, or one of your own."""
    port: int = Field(default=161, ge=1, le=65535)
    feeds: Words = ""
    """What hangs on it: controller, switch, router."""
    battery_replaced: Day | None = None
    """When its battery was last replaced, where the UPS does not know."""

    @model_validator(mode="after")
    def _compile(self) -> Self:
        _ = self.asking  # now, so that a profile that does not fit is refused with the estate
        return self

    @property
    def asking(self) -> SnmpOptions:
        """What the kind `snmp` is told to read the profile."""
        return SnmpOptions(profile=self.profile, port=self.port, retries=1)


class InService(_Options):
    """A category of lines that is expected to end."""

    kind: LineKind
    category: _Pattern
    target: _Target | None = None
    """The controller; the check's own target unless said."""


class ReadinessOptions(_Options):
    """What a check of this kind may say."""

    routes: dict[Name, Route] = Field(default_factory=dict, max_length=MOST_ROUTES)
    snmp_port: int = Field(default=161, ge=1, le=65535)
    """Of the controllers whose categories are read."""
    power: dict[_Target, Supply] = Field(default_factory=dict, max_length=MOST_SUPPLIES)
    """By target: the UPS of controller, switch and router."""
    runtime_minutes: float = Field(default=60, ge=0, le=10_080)
    """So long a battery is to carry telephony; 0: not judged."""
    runtime_critical_minutes: float = Field(default=15, ge=0, le=10_080)
    """On battery, so few minutes left are critical."""
    battery_years: float = Field(default=4, gt=0, le=30)
    """An older battery is a warning."""
    records: str | None = Field(default=None, max_length=400)
    """A YAML file with further `locations` and `lines`, by its whole path; read at every run."""
    locations: tuple[Location, ...] = Field(default=(), max_length=MOST_RECORDS)
    lines: tuple[Line, ...] = Field(default=(), max_length=MOST_RECORDS)
    switch_off: Day = SWITCH_OFF
    switch_off_warning_days: int = Field(default=90, ge=0, le=3650)
    switch_off_critical_days: int = Field(default=30, ge=0, le=3650)
    in_service: dict[Name, InService] = Field(default_factory=dict, max_length=MOST_ROUTES)
    """Categories that must be out of service once their lines are migrated, or the switch-off has come."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if not (self.routes or self.power or self.records or self.locations or self.lines):
            raise ValueError("names nothing to look at; begin with `routes`")
        if self.records is not None and not PurePath(self.records).is_absolute():
            raise ValueError(f"records: {self.records[:60]!r} is no whole path; begin it with /")
        if self.switch_off_critical_days > self.switch_off_warning_days:
            raise ValueError("switch_off_critical_days must not be above switch_off_warning_days")
        if self.runtime_minutes and self.runtime_critical_minutes > self.runtime_minutes:
            raise ValueError("runtime_critical_minutes must not be above runtime_minutes")
        each_once(self.locations, "locations")
        each_once(self.lines, "lines")
        ways = [(route.target, route.sip, route.category) for route in self.routes.values()]
        if any(way in ways[:number] for number, way in enumerate(ways)):
            raise ValueError("routes: two of them are the same; a second route is another way out")
        return self


def systems(options: ReadinessOptions) -> tuple[str, ...]:
    """The targets whose categories are read, each once; empty text stands for the check's own."""
    named = [route.target or "" for route in options.routes.values() if route.category is not None]
    return tuple(dict.fromkeys([*named, *(one.target or "" for one in options.in_service.values())]))


def inputs(options: ReadinessOptions) -> Sequence[str]:
    """The further targets that one run asks."""
    asked = [route.target for route in options.routes.values()]
    asked += [*options.power, *(one.target for one in options.in_service.values())]
    return tuple(dict.fromkeys(name for name in asked if name is not None))
