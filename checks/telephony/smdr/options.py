"""What the estate may say of a stream of call records."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.telephony.smdr.records import LONGEST, Layout
from config.patterns import LinePattern, PatternText

_Column = Annotated[int, Field(ge=1, le=LONGEST)]


class SmdrOptions(BaseModel):
    """What a check of this kind may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sole_reader: bool = False
    """Somebody has made sure that no call logger reads this stream: what is read here reaches nobody else."""
    port: int = Field(default=1752, ge=1, le=65535)
    listen_seconds: float = Field(default=5.0, ge=1, le=60)
    """For so long a run listens; it ends before the check's time-out in any case."""
    record: PatternText = "^[ %+-].*[0-9]{1,2}:[0-9]{2}"
    """A pattern (RE2) of a record."""
    duration_columns: tuple[_Column, _Column] | None = None
    """First and last column of the duration, counted from 1; without it durations are not summed."""

    @model_validator(mode="after")
    def _wanted(self) -> Self:
        if not self.sole_reader:
            raise ValueError(
                "sole_reader: true must be said, since a record that is read here does not reach the call logger: "
                "see docs/checks/smdr.md, also for how to watch the logger instead"
            )
        if self.duration_columns is not None and self.duration_columns[0] > self.duration_columns[1]:
            raise ValueError("duration_columns: the first column is behind the last")
        return self

    @property
    def layout(self) -> Layout:
        return _layout(self.record, self.duration_columns)


@lru_cache(maxsize=64)
def _layout(record: str, duration: tuple[int, int] | None) -> Layout:
    return Layout(LinePattern(record), duration)
