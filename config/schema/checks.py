"""What the file may say of every check, whatever its kind, and of checks in general (`defaults`)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema, with_config
from typing_extensions import TypedDict

from config.cron import read_cron, read_zone
from config.estate import MofN, WakeClass
from config.schema.words import Day, Duration, LevelWord, Line, Model, MofNWord, Name, within

_STRICT = ConfigDict(extra="forbid", strict=True)
DAY = 86_400.0


def _read_wake(value: object) -> WakeClass:
    words = [wake.value for wake in WakeClass]
    if not isinstance(value, str) or value not in words:
        raise ValueError('must be now, "07:00", working-hours or digest')
    return WakeClass(value)


CronWord = Annotated[str, PlainValidator(read_cron), WithJsonSchema({"type": "string", "description": "Five fields"})]
ZoneWord = Annotated[
    str, PlainValidator(read_zone), WithJsonSchema({"type": "string", "description": "As in Europe/London"})
]
WakeWord = Annotated[
    WakeClass,
    PlainValidator(_read_wake),
    WithJsonSchema({"type": "string", "enum": [wake.value for wake in WakeClass]}),
]
Names = Annotated[list[Name], Field(min_length=1, max_length=100)]


@with_config(_STRICT)
class Settings(TypedDict, total=False):
    """Inherited estate → council → site → target → check; the nearest that says something decides."""

    every: Annotated[Duration, within(1, 7 * DAY)]
    cron: CronWord
    time_zone: ZoneWord
    timeout: Annotated[Duration, within(0.1, 600)]
    open_after: MofNWord
    clear_after: MofNWord
    hold_down: Annotated[Duration, within(0, 7 * DAY)]
    reopen_window: Annotated[Duration, within(0, 90 * DAY)]
    wake: WakeWord
    vantages: Names


@with_config(_STRICT)
class KindSettings(Settings, total=False):
    """What defaults may say of one kind, and a check of itself, beside the kind's own options."""

    expect_empty: Annotated[list[Line], Field(max_length=100)]


class AcceptanceModel(Model):
    """Somebody answers for not being able to read this."""

    reason: Line
    owner: Line
    review: Day


@with_config(_STRICT)
class CheckSettings(KindSettings, total=False):
    """What a check may say of itself, beside the kind's own options."""

    accept_unreadable: AcceptanceModel


@with_config(_STRICT)
class Defaults(Settings, total=False):
    """What checks and targets inherit, at any of the levels."""

    impact: LevelWord
    credentials: dict[Name, Name]
    kinds: dict[Name, dict[Any, Any]]


class Merged(TypedDict, total=False):
    """The settings of one check after inheritance."""

    every: float
    cron: str
    time_zone: str
    timeout: float
    open_after: MofN
    clear_after: MofN
    hold_down: float
    reopen_window: float
    wake: WakeClass
    vantages: list[str]
    expect_empty: list[str]
    accept_unreadable: AcceptanceModel


SETTINGS = TypeAdapter(Settings)
KIND_SETTINGS = TypeAdapter(KindSettings)
CHECK_SETTINGS = TypeAdapter(CheckSettings)
DEFAULTS = TypeAdapter(Defaults)
SETTING_NAMES = frozenset(CheckSettings.__annotations__)
"""Words that a kind's own options cannot use."""
ENTRY_NAMES = frozenset({"kind", "name", "use"})
