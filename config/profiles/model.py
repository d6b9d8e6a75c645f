"""The language of device profiles, as pydantic models: every key a profile file may have, and nothing else.

There are no expressions. What a number goes through is one of the fixed `Transform`s, a scale, sentinels, an
enumeration, a ratio of other values, and limits; what cannot be said so is code, not data.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from config.profiles.asks import Asks, Place, Read, Way, pattern
from config.profiles.roles import FirewallPart, Role, When
from config.profiles.vocabulary import FAMILIES
from config.profiles.words import Name, Oid, ProfilePart

_METRIC = re.compile(r"ridgeway_[a-z0-9_]+")
_UNITS = ("seconds", "bytes", "ratio", "celsius", "volts", "amperes", "hertz", "watts")
_PLACES = TypeAdapter(tuple[Place, ...])
_OIDS = TypeAdapter(tuple[Oid, ...])


class Transform(StrEnum):
    """How the raw answer becomes what is judged and shown."""

    NUMBER = "number"
    """A number stays one; text is a wrong type."""
    NUMBER_TEXT = "number_text"
    """The number at the beginning of a text: `0.42`, `37 %`, `12.5 C`."""
    UNSIGNED = "unsigned"
    """A signed 32-bit number that has run over: 2^32 is added to a negative one (big disks in hrStorage)."""
    BOOT_TIME = "boot_time"
    """Hundredths of a second since a start, to the Unix time of that start."""
    EPOCH = "epoch"
    """Unix time in seconds."""
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    """Unix time in milliseconds, as much of what is written for browsers has it."""
    DATE_AND_TIME = "date_and_time"
    """SNMPv2-TC DateAndTime, 8 or 11 octets, to Unix time; without its zone it is taken as UTC."""
    TEXT_DATE = "text_date"
    """A date in words or digits, to Unix time: `Wed Sep 16 01:00:00 2026`, `Feb 27 2029`, `August 05, 2025`,
    `2018-04-09 18:07`, `2026-09-16`, also in brackets after something else. Without a zone it is taken as UTC."""
    US_DATE = "us_date"
    """A day whose month stands first, `08/28/2026` or `08/28/26`, to Unix time in UTC; else as `text_date`."""
    TEXT = "text"
    """Text for people: control characters are removed, at most 255 characters are kept."""
    OID = "oid"
    HEX = "hex"
    """Octets as hexadecimal text, for example a hardware address."""


_DATES = (
    Transform.EPOCH, Transform.EPOCH_MILLISECONDS, Transform.DATE_AND_TIME, Transform.TEXT_DATE, Transform.US_DATE,
)  # fmt: skip


class Limit(ProfilePart):
    """Beyond what it is bad: `above` and `below` are both exclusive, in the unit of the value after its scale."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a limit needs `above` or `below`")
        return self


class Lead(ProfilePart):
    """Days left until a date, or gone by since it, from which it is bad; both exclusive."""

    warning_days: float | None = Field(default=None, ge=0)
    critical_days: float | None = Field(default=None, ge=0)


class Forecast(ProfilePart):
    """Its daily peaks are kept, and it is said when they will reach the limit if they go on as they did."""

    limit: float | Name | None = None
    """A number in the unit of the value, or the scalar that tells it; without one what `critical` is above.

    Where that is not said either there is no forecast until the estate says a limit.
    """
    lead_days: float = Field(default=30, gt=0, le=365)
    """How long before the limit may be reached it is a warning."""
    serving: bool = False
    """Only days count on which the member served: a standby's sessions are another thing."""
    since_start: bool = False
    """A start of the device begins it anew, as it does with memory."""


class Meaning(ProfilePart):
    """What one number, or word, of an enumeration means."""

    name: str
    state: Literal["ok", "warning", "critical", "unknown"] = "ok"
    value: float | None = None
    """What the metric shows in the place of the raw number."""
    role: Role | None = None
    """The role of a cluster's member that the word stands for."""


class Metric(ProfilePart):
    """The family in which the value is exposed (Prometheus naming guide)."""

    name: str
    help: str
    unit: str = ""
    type: Literal["gauge", "counter"] = "gauge"
    labels: tuple[Name, ...] | None = None
    """Its labels, where they are fixed: those of the shared vocabulary are."""

    @model_validator(mode="after")
    def _well_named(self) -> Self:
        if not _METRIC.fullmatch(self.name):
            raise ValueError(f"{self.name!r}: a metric is named ridgeway_… in small letters, digits and underscores")
        if self.unit and self.unit not in _UNITS:
            raise ValueError(f"{self.unit!r} is not a base unit; use one of {', '.join(_UNITS)}")
        stem = self.name.removesuffix("_total") if self.type == "counter" else self.name
        if (self.type == "counter") != self.name.endswith("_total"):
            raise ValueError(f"{self.name!r}: counters, and only they, end in _total")
        if self.unit and not stem.endswith(f"_{self.unit}"):
            raise ValueError(f"{self.name!r}: the unit {self.unit} must stand in the name, before _total")
        return self


def _family(said: Any) -> Any:
    """A metric, or the word of one of the shared vocabulary."""
    if not isinstance(said, str):
        return said
    if said not in FAMILIES:
        near = get_close_matches(said, FAMILIES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no shared family {said!r}{hint}; there are {', '.join(FAMILIES)}")
    return FAMILIES[said]


SharedMetric = Annotated[Metric, BeforeValidator(_family)]


class Ratio(ProfilePart):
    """A value made of others of the same group: the sum of `of`, divided by `to`, which may be a sum as well;
    `complement` takes it from one.

    A part that is absent and not required counts as 0 in a complement, where that can only look worse; else it makes
    the ratio unknown.
    """

    of: tuple[Name, ...]
    to: Annotated[tuple[Name, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)]
    complement: bool = False
    zero: Literal["unknown", "none"] = "unknown"
    """What a divisor of 0 means: nothing can be said, or there is no limit and so nothing to judge."""


class Where(ProfilePart):
    """Only rows whose column is one of these: enumeration names where it has an enumeration, else raw values.

    `like` compares texts with patterns in which `*` and `?` stand for anything, small and capital letters alike.
    """

    column: Name
    among: tuple[str | int, ...] = ()
    like: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.among) == bool(self.like):
            raise ValueError("a condition on a column says either `among` or `like`")
        return self


class Decimal(ProfilePart):
    """Where the decimal point of a sensor's value stands: the columns with its SI prefix and its digits (RFC 3433)."""

    scale: Name
    """EntitySensorDataScale: 9 is the unit itself, 8 a thousandth, 10 a thousand."""
    precision: Name
    """How many digits stand behind the point, -8 to 9."""


class ValueModel(ProfilePart):
    """One value: a scalar, or a column of a table."""

    title: str
    oid: Oid | None = None
    at: Place | None = None
    """In the place of `oid` in a profile that `asks` by commands or over HTTPS."""
    or_else: tuple[str, ...] = ()
    """Asked too; the first of `oid`, or `at`, and these that has a value is taken."""
    ratio: Ratio | None = None
    transform: Transform = Transform.NUMBER
    scale: float = 1.0
    decimal: Decimal | None = None
    enum: dict[int | str, Meaning] | None = None
    """By number; by text for the transforms `text` and `oid`, whose words have no metric."""
    no_value: tuple[int | str, ...] = ()
    """Raw values by which the device says that it has no such thing: neither reading nor finding."""
    not_known: tuple[int | str, ...] = ()
    """Raw values by which the device says that it does not know: unknown."""
    never: tuple[int | str, ...] = ()
    """Raw values by which a date is said not to come at all: fine, and without a reading."""
    blank: Literal["text", "absent", "unknown"] = "text"
    """What an empty text means: itself, that there is none, or that it is not known."""
    required: bool = True
    """Absent is unknown. What is not required may be absent: neither reading nor finding."""
    warning: Limit | None = None
    critical: Limit | None = None
    until: Lead | None = None
    """For dates to come: how long before them it is bad. What lies in the past is critical."""
    since: Lead | None = None
    """For dates gone by: how old is bad."""
    relevant_if: tuple[When, ...] = ()
    """Unless all of these hold the value is neither judged nor shown. What cannot be told holds."""
    read: Read | None = None
    """Of a column: that of its table, unless said."""
    labels: dict[Name, Annotated[str, Field(max_length=60)]] = Field(default_factory=dict)
    """Labels of its metric that are always the same, for example `{component: all}`."""
    per_second: int | None = None
    """Limits apply to the rate of this counter; 32 or 64 is its width in bits, at which it wraps."""
    judge_where: Where | None = None
    only_where: tuple[Where, ...] = ()
    """Only rows of which all of these hold have the value at all; the others have neither reading nor finding."""
    metric: SharedMetric | None = None
    forecast: Forecast | None = None
    """Where the kind of check keeps a history: the kind `firewall` does."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [self.oid, self.at, self.ratio].count(None) != 2:
            raise ValueError("a value has exactly one of `oid`, `at` and `ratio`")
        (_PLACES if self.at is not None else _OIDS).validate_python(self.or_else)
        if self.ratio is not None and (self.or_else or self.enum or self.per_second or self.no_value or self.not_known):
            raise ValueError("a ratio takes its values as they are: no or_else, enum, per_second or sentinels")
        if self.per_second not in (None, 32, 64):
            raise ValueError("per_second is the width of the counter: 32 or 64")
        numeric = self.transform not in (Transform.TEXT, Transform.OID, Transform.HEX)
        worded = bool(self.enum) and any(meaning.value is not None for meaning in (self.enum or {}).values())
        if not numeric and (
            (self.metric and not worded) or self.warning or self.critical or self.per_second or self.decimal
        ):
            raise ValueError(f"a value of transform {self.transform.value} is text: no metric, limits, rate or decimal")
        if any(isinstance(key, int) is not numeric for key in self.enum or ()):
            raise ValueError("an enumeration of numbers has numbers for keys, one of transform text or oid has texts")
        if self.decimal is not None and (self.enum or self.ratio or self.per_second):
            raise ValueError("decimal is for plain numbers: no enum, ratio or rate beside it")
        if self.enum is not None and (self.warning or self.critical):
            raise ValueError("an enumeration says the state itself: no limits beside it")
        if (self.until or self.since or self.never) and not self.dated:
            raise ValueError(f"until, since and never are for dates: {', '.join(sorted(_DATES))}")
        if self.forecast is not None and not self.measured:
            raise ValueError("a forecast is of a number with a metric that goes up and down: no counter, enum or date")
        if self.per_second is not None and self.read not in (None, Read.EVERY_RUN):
            raise ValueError("the rate of a counter can only be judged when it is read at every run")
        return self

    @property
    def measured(self) -> bool:
        """Whether it is a number with a metric that goes up and down, of which there can be a forecast."""
        moment = self.dated or self.transform is Transform.BOOT_TIME
        return self.metric is not None and self.metric.type == "gauge" and self.enum is None and not moment

    @property
    def dated(self) -> bool:
        """Whether it is a date."""
        return self.transform in _DATES

    @property
    def oids(self) -> tuple[str, ...]:
        """Where the value stands in what the device answers, each an OID or a place, the first first."""
        first = self.oid or self.at
        return () if first is None else (first, *self.or_else)


class TableModel(ProfilePart):
    """A table, read by column. A row's finding is `<column>/<label>`."""

    title: str
    columns: dict[Name, ValueModel] = Field(min_length=1)
    label: Name | None = None
    """The text column that names a row; without it, or where it is empty, the index does."""
    label_name: Name = "index"
    """The label's name in metrics."""
    also: dict[Name, Name] = Field(default_factory=dict)
    """Further labels: their names to columns of text; families that do not know them go without."""
    where: Where | None = None
    rows_of: Name | None = None
    """The column that has every row of this table, where others (names of all parts of a chassis) have more."""
    may_be_empty: bool = False
    may_go: bool = False
    """Whether a row may disappear without a finding."""
    max_rows: int = Field(default=1_000, ge=1, le=20_000)
    read: Read = Read.EVERY_RUN
    """How often its columns are asked, unless they say otherwise."""
    relevant_if: tuple[When, ...] = ()
    """Unless all of these hold no row is judged or shown. What cannot be told holds."""

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        refer(self.columns)
        rated = [name for name, column in self.columns.items() if column.per_second is not None]
        if rated and self.read is not Read.EVERY_RUN:
            raise ValueError(
                f"columns.{rated[0]}: the rate of a counter can only be judged when it is read at every run"
            )
        named = [("label", self.label), ("where", self.where and self.where.column), ("rows_of", self.rows_of)]
        named += [("also", column) for column in self.also.values()]
        for what, name in named:
            if name is not None and name not in self.columns:
                raise ValueError(f"{what}: there is no column {name!r} here; there are {', '.join(self.columns)}")
        return self


class Info(ProfilePart):
    """A metric of value 1 whose labels are texts: `labels` is label name to value name."""

    metric: Metric
    labels: dict[Name, Name] = Field(min_length=1)


class Match(ProfilePart):
    """How a product is known: by what sysObjectID begins with, by a pattern (RE2) found in sysDescr, or by both."""

    object_ids: tuple[Oid, ...] = ()
    description: Annotated[str, AfterValidator(pattern)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.object_ids and self.description is None:
            raise ValueError("a match says `object_ids`, `description` or both")
        return self


class Budget(ProfilePart):
    """How much of the device's time a check may take."""

    slow_seconds: int = Field(default=300, ge=60, le=86_400)
    """How old values with `read: slowly` may become."""
    daily_seconds: int = Field(default=21_600, ge=600, le=172_800)
    """How old values with `read: daily` may become: a licence bought this morning is seen before the evening."""
    most_seconds: float = Field(default=5.0, gt=0, le=60)
    """A reading over HTTPS or by commands that takes longer halves how often the slower questions are asked."""
    most_rows: int = Field(default=2_000, ge=10, le=50_000)
    """Rows of all tables together that one poll may read; tables beyond are not read and not judged."""


class ProfileModel(ProfilePart):
    """One profile file."""

    profile: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*$")
    title: str
    source: str
    """Where its facts come from: MIB, vendor page, recording."""
    proven: str = ""
    """On what it was proved; empty means: on nothing but its MIB."""
    extends: tuple[str, ...] = ()
    values: dict[Name, ValueModel] = Field(default_factory=dict)
    tables: dict[Name, TableModel] = Field(default_factory=dict)
    info: Info | None = None
    match: tuple[Match, ...] = ()
    """The first that fits makes the profile one for the device; of several profiles the most exact one is taken."""
    asks: Asks | None = None
    """Of a profile that is not read over SNMP: everything that may be asked."""
    also: dict[Literal[Way.HTTP, Way.SSH], str] = Field(default_factory=dict)
    """Profiles of the same product by other ways, in which the same things have the same names."""
    firewall: FirewallPart | None = None
    budget: Budget = Budget()
    record: tuple[Oid, ...] = Field(default=(), max_length=40)
    """Subtrees that `ridgeway record` walks beside what the check asks."""

    @property
    def way(self) -> Way:
        """How it reads."""
        return Way.SNMP if self.asks is None else self.asks.way

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        refer(self.values)
        for name, value in self.values.items():
            if value.judge_where is not None or value.only_where or value.decimal:
                raise ValueError(f"values.{name}: judge_where, only_where and decimal are for columns of a table")
        return self


def refer(values: dict[str, ValueModel]) -> None:
    """Refuse ratios and conditions that name what is not there."""
    for name, value in values.items():
        wanted = [*value.ratio.of, *value.ratio.to] if value.ratio else []
        wanted += [where.column for where in (value.judge_where, *value.only_where) if where is not None]
        wanted += [value.decimal.scale, value.decimal.precision] if value.decimal else []
        for other in wanted:
            if other not in values:
                raise ValueError(f"{name}: there is no {other!r} beside it; there are {', '.join(values)}")
            if values[other].ratio is not None and value.ratio is not None:
                raise ValueError(f"{name}: a ratio of a ratio is not possible")
