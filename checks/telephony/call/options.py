"""What the estate may say of a test call."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_serializer, field_validator, model_validator

from checks.telephony.call.hours import opening
from checks.telephony.numbers import NumberRefused, dialled
from checks.telephony.way import Way
from checks.transports.rtp import Codec
from config.estate import WorkingHours
from config.schema.words import Hours

KIND = "sip_call"
LEAST_SECONDS = 60.0
"""Between two calls of one check."""
OVERHEAD_SECONDS = 5.0
"""Of the time-out, beside ringing and sound: to find the way, and to hang up."""


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("a number is text, or it would lose its leading 0; put it in quotes")
    if not isinstance(value, str):
        raise ValueError("must be a number in quotes")
    try:
        return dialled(value)
    except NumberRefused as error:
        raise ValueError(f"is never dialled: {error}") from error


Number = Annotated[str, BeforeValidator(_number), WithJsonSchema({"type": "string", "maxLength": 40})]


class Expect(StrEnum):
    """What must come back."""

    ECHO = "echo"
    """Our own tone."""
    SOUND = "sound"
    """Any sound: an announcement, music."""
    ANY_RTP = "any-rtp"
    """Packets, silent ones too."""


class SipCallOptions(Way):
    """The options. Who calls is the target's credential of the role `sip`, where it has one."""

    number: Number = Field(description="The test number that is called; it must answer by itself.")
    allowed_numbers: tuple[Number, ...] = Field(
        min_length=1, max_length=20, description="Every number that may be called; said once, in `defaults`."
    )
    hours: dict[str, Hours] = Field(
        default_factory=lambda: {"monday-friday": (time(8, 0), time(18, 0))},
        description="When calls may be made, in London: days of the week with from and to.",
    )
    bank_holidays: bool = Field(False, description="Whether calls are made on the bank holidays of England too.")
    caller: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9\-_.+]{1,64}$",
        description="Who calls (From); the credential's user unless said, or ridgeway.",
    )
    auth_user: str | None = Field(
        None, min_length=1, max_length=128, description="The user that the digest names; the credential's unless said."
    )
    seconds: float = Field(8.0, ge=5, le=10, description="Seconds of sound.")
    ring_seconds: float = Field(20.0, ge=5, le=40, description="Seconds after which a call without an answer is ended.")
    codec: Codec | None = Field(None, description="PCMA or PCMU alone; both are offered unless said.")
    expect: Expect = Field(Expect.ECHO, description="What must come back: echo, sound or any-rtp.")
    marks: tuple[Annotated[int, Field(ge=0, le=63)], ...] = Field(
        (46, 44), max_length=8, description="DSCP with which sound should arrive; none: it is not judged."
    )
    setup_warning_seconds: float = Field(
        4.0, gt=0, le=40, description="A call that takes this long until it rings is a warning."
    )
    warning_r: float = Field(80.0, ge=0, le=93, description="R below which calls are a warning.")
    critical_r: float = Field(70.0, ge=0, le=93, description="R below which they are critical.")
    calls: int = Field(3, ge=3, le=9, description="Calls over which R is judged, by their median.")

    @field_validator("hours")
    @classmethod
    def _days(cls, value: dict[str, tuple[time, time]]) -> dict[str, tuple[time, time]]:
        opening(value, True)
        return value

    @field_serializer("hours")
    def _as_text(self, value: dict[str, tuple[time, time]]) -> dict[str, str]:
        """As the estate has them; pydantic makes lists of them, and then complains of its own lists."""
        return {days: f"{opens:%H:%M}-{closes:%H:%M}" for days, (opens, closes) in value.items()}

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        if self.number not in self.allowed_numbers:
            raise ValueError("number is not among allowed_numbers: the estate must list every number that is called")
        if self.critical_r > self.warning_r:
            raise ValueError("critical_r must not be above warning_r")
        return self

    @property
    def open_hours(self) -> WorkingHours:
        return opening(self.hours, self.bank_holidays)

    @property
    def codecs(self) -> tuple[Codec, ...]:
        return tuple(Codec) if self.codec is None else (self.codec,)
