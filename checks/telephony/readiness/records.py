"""The records that people keep: addresses that go with emergency calls, and lines that end with the switch-off.

They stand in the estate, or in a YAML file beside it that is read at every run. Telephone numbers may stand in the file
for people; they are dropped when it is read, and a name that holds one is refused, for names are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MOST_RECORDS = 500
"""Of each sort: what a council keeps in a table, and a page can show."""
LARGEST = 512 * 1024
"""Octets of a file of records."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_IN_KEYS = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){5,}")


def _day(value: object) -> object:
    """Only the one way of writing a day that means the same everywhere; a number would be taken for Unix time."""
    if isinstance(value, date) or value is None:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError('must be a day such as "2027-01-31", in quotes')
    return date.fromisoformat(value)


def _shown(value: object) -> object:
    """Text that people will see: no telephone number, no address of mail, nothing that cannot be printed."""
    if isinstance(value, str):
        if _NUMBER.search(value):
            raise ValueError("may hold no telephone number, for it is shown; put numbers under `numbers`")
        if "@" in value or not value.isprintable():
            raise ValueError("must be plain text on one line, without an address of mail: name a role")
    return value


def slug(name: str) -> str:
    """The name in small letters and digits of ASCII, with hyphens between them."""
    return _NOT_IN_KEYS.sub("-", name.casefold()).strip("-")


def _told_apart(name: str) -> str:
    if not slug(name):
        raise ValueError("needs a letter from a to z or a digit, for findings are told apart by it")
    return name


def masked(text: str) -> str:
    """The text without what looks like a telephone number."""
    return _NUMBER.sub("…", text)


def _dropped(_value: object) -> tuple[()]:
    """Nothing: what is not kept cannot get into a page, a log or a ticket."""
    return ()


Numbers = Annotated[str | int | tuple[str | int, ...], AfterValidator(_dropped)]
Day = Annotated[date, BeforeValidator(_day)]
_Name = Annotated[str, BeforeValidator(_shown), Field(min_length=1, max_length=60), AfterValidator(_told_apart)]
Words = Annotated[str, BeforeValidator(_shown), Field(max_length=120)]


class LineKind(StrEnum):
    """What ends with the switch-off."""

    ANALOGUE = "analogue"
    ISDN2 = "isdn2"
    ISDN30 = "isdn30"


class Record(BaseModel):
    """What both sorts of records have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    owner: Words = ""
    """A role, such as `facilities team`."""
    numbers: Numbers = ()
    """For those who read the file; dropped when it is read."""

    @property
    def key(self) -> str:
        """The name as findings have it, whose keys stand in addresses of pages: `tring-victoria-hall`."""
        return slug(self.name)


class Location(Record):
    """The address that goes with a range of numbers (CESID, or as registered with the SIP provider)."""

    address: Words = ""
    reviewed: Day | None = None
    """When somebody last compared it with what is true."""
    review_every: int = Field(default=12, ge=1, le=120)
    """Months."""


class Line(Record):
    """An analogue or ISDN line."""

    kind: LineKind
    site: Words = ""
    used_for: Words = ""
    """Lift, alarm, telecare, fax, franking machine, …"""
    migrated: Day | None = None
    """When it was moved to something that stays; a day to come does not count yet."""
    plan: Day | None = None
    """When that is to be done."""


def each_once(records: Iterable[Record], what: str) -> None:
    """Raises ValueError where two have one name, for findings are told apart by it."""
    seen: set[str] = set()
    for record in records:
        if record.key in seen:
            raise ValueError(f"{what}: two are called {record.name!r} or nearly so; a name is there once")
        seen.add(record.key)


class Register(BaseModel):
    """A file of records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    locations: tuple[Location, ...] = Field(default=(), max_length=MOST_RECORDS)
    lines: tuple[Line, ...] = Field(default=(), max_length=MOST_RECORDS)

    @model_validator(mode="after")
    def _different(self) -> Self:
        if not self.locations and not self.lines:
            raise ValueError("holds neither `locations` nor `lines`; an empty register proves nothing")
        each_once(self.locations, "locations")
        each_once(self.lines, "lines")
        return self
