"""The language of device profiles, as pydantic models: every key a profile file may have, and nothing else.

There are no expressions. What a number goes through is one of the fixed `Transform`s, a scale, sentinels, an
enumeration, a ratio of other values, and limits; what cannot be said so is code, not data.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_OID = re.compile(r"[012](\.(0|[1-9][0-9]{0,9})){1,127}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_METRIC = re.compile(r"ridgeway_[a-z0-9_]+")
_UNITS = ("seconds", "bytes", "ratio", "celsius", "volts", "amperes", "hertz", "watts")
_LARGEST_PART = 2**32 - 1


def _oid(text: str) -> str:
    if not _OID.fullmatch(text) or any(int(part) > _LARGEST_PART for part in text.split(".")):
        raise ValueError(f"{text!r} is not a numeric OID such as 1.3.6.1.2.1.1.3.0")
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name: small letters, digits and underscores, beginning with a letter")
    return text


Oid = Annotated[str, AfterValidator(_oid)]
Name = Annotated[str, AfterValidator(_name)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    DATE_AND_TIME = "date_and_time"
    """SNMPv2-TC DateAndTime, 8 or 11 octets, to Unix time; without its zone it is taken as UTC."""
    TEXT = "text"
    """Text for people: control characters are removed, at most 255 characters are kept."""
    OID = "oid"
    HEX = "hex"
    """Octets as hexadecimal text, for example a hardware address."""


class Limit(_Model):
    """Beyond what it is bad: `above` and `below` are both exclusive, in the unit of the value after its scale."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a limit needs `above` or `below`")
        return self


class Meaning(_Model):
    """What one number of an enumeration means."""

    name: str
    state: Literal["ok", "warning", "critical", "unknown"] = "ok"


class Metric(_Model):
    """The family in which the value is exposed (Prometheus naming guide)."""

    name: str
    help: str
    unit: str = ""
    type: Literal["gauge", "counter"] = "gauge"

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


class Ratio(_Model):
    """A value made of others of the same group: the sum of `of`, divided by `to`; `complement` takes it from one.

    A part that is absent and not required counts as 0 in a complement, where that can only look worse; else it makes
    the ratio unknown.
    """

    of: tuple[Name, ...]
    to: Name
    complement: bool = False
    zero: Literal["unknown", "none"] = "unknown"
    """What a divisor of 0 means: nothing can be said, or there is no limit and so nothing to judge."""


class Where(_Model):
    """Only rows whose column is one of these: enumeration names where it has an enumeration, else raw values."""

    column: Name
    among: tuple[str | int, ...] = Field(min_length=1)


class Decimal(_Model):
    """Where the decimal point of a sensor's value stands: the columns with its SI prefix and its digits (RFC 3433)."""

    scale: Name
    """EntitySensorDataScale: 9 is the unit itself, 8 a thousandth, 10 a thousand."""
    precision: Name
    """How many digits stand behind the point, -8 to 9."""


class ValueModel(_Model):
    """One value: a scalar, or a column of a table."""

    title: str
    oid: Oid | None = None
    or_else: tuple[Oid, ...] = ()
    """Asked too; the first of `oid` and these that has a value is taken."""
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
    required: bool = True
    """Absent is unknown. What is not required may be absent: neither reading nor finding."""
    warning: Limit | None = None
    critical: Limit | None = None
    per_second: int | None = None
    """Limits apply to the rate of this counter; 32 or 64 is its width in bits, at which it wraps."""
    judge_where: Where | None = None
    only_where: tuple[Where, ...] = ()
    """Only rows of which all of these hold have the value at all; the others have neither reading nor finding."""
    metric: Metric | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.oid is None) == (self.ratio is None):
            raise ValueError("a value has either `oid` or `ratio`")
        if self.ratio is not None and (self.or_else or self.enum or self.per_second or self.no_value or self.not_known):
            raise ValueError("a ratio takes its values as they are: no or_else, enum, per_second or sentinels")
        if self.per_second not in (None, 32, 64):
            raise ValueError("per_second is the width of the counter: 32 or 64")
        numeric = self.transform not in (Transform.TEXT, Transform.OID, Transform.HEX)
        if not numeric and (self.metric or self.warning or self.critical or self.per_second or self.decimal):
            raise ValueError(f"a value of transform {self.transform.value} is text: no metric, limits, rate or decimal")
        if any(isinstance(key, int) is not numeric for key in self.enum or ()):
            raise ValueError("an enumeration of numbers has numbers for keys, one of transform text or oid has texts")
        if self.decimal is not None and (self.enum or self.ratio or self.per_second):
            raise ValueError("decimal is for plain numbers: no enum, ratio or rate beside it")
        if self.enum is not None and (self.warning or self.critical):
            raise ValueError("an enumeration says the state itself: no limits beside it")
        return self

    @property
    def oids(self) -> tuple[str, ...]:
        """Every OID to ask for this value."""
        return () if self.oid is None else (self.oid, *self.or_else)


class TableModel(_Model):
    """A table, read by column. A row's finding is `<column>/<label>`."""

    title: str
    columns: dict[Name, ValueModel] = Field(min_length=1)
    label: Name | None = None
    """The text column that names a row; without it, or where it is empty, the index does."""
    label_name: Name = "index"
    """The label's name in metrics."""
    where: Where | None = None
    rows_of: Name | None = None
    """The column that has every row of this table, where others (names of all parts of a chassis) have more."""
    may_be_empty: bool = False
    may_go: bool = False
    """Whether a row may disappear without a finding."""
    max_rows: int = Field(default=1_000, ge=1, le=20_000)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        refer(self.columns)
        named = (("label", self.label), ("where", self.where and self.where.column), ("rows_of", self.rows_of))
        for what, name in named:
            if name is not None and name not in self.columns:
                raise ValueError(f"{what}: there is no column {name!r} here; there are {', '.join(self.columns)}")
        return self


class Info(_Model):
    """A metric of value 1 whose labels are texts: `labels` is label name to value name."""

    metric: Metric
    labels: dict[Name, Name] = Field(min_length=1)


class ProfileModel(_Model):
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
        wanted = [*value.ratio.of, value.ratio.to] if value.ratio else []
        wanted += [where.column for where in (value.judge_where, *value.only_where) if where is not None]
        wanted += [value.decimal.scale, value.decimal.precision] if value.decimal else []
        for other in wanted:
            if other not in values:
                raise ValueError(f"{name}: there is no {other!r} beside it; there are {', '.join(values)}")
            if values[other].ratio is not None and value.ratio is not None:
                raise ValueError(f"{name}: a ratio of a ratio is not possible")
