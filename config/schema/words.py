"""The words of the estate file: names, durations, m of n, addresses, times. Each refuses with how to write it."""

from __future__ import annotations

import ipaddress
import re
from datetime import date, time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from config.estate import Level, MofN, Need

MAX_NAME = 100
MAX_NEED_DEPTH = 8

_NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{MAX_NAME - 1}}}")
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,7})s)?(?:(\d{1,7})ms)?")
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_M_OF_N = re.compile(r"(\d{1,3}) of (\d{1,3})")
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_INTERFACE = re.compile(r"[A-Za-z0-9._-]{1,15}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")
_SPOILT = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Model(BaseModel):
    """What every part of the file has in common: unknown keys are refused, and nothing is converted by guess."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def read_name(value: object) -> str:
    """A name as it stands in ids, labels and addresses of pages."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("a name is text; put it in quotes")
    if not isinstance(value, str) or not value:
        raise ValueError("must be a name")
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"a name is made of a-z, 0-9, dot, underscore and hyphen, begins with a letter or digit,"
            f" and has at most {MAX_NAME} characters"
        )
    return value


def read_duration(value: object) -> float:
    """`90s`, `5m`, `1h30m`, `1d`, `500ms` in seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        extra = f"; say the unit: {value}s" if isinstance(value, int) and not isinstance(value, bool) else ""
        raise ValueError(f"a duration is written as 500ms, 60s, 5m, 1h30m or 1d{extra}")
    return sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS, strict=True) if count)


def duration_text(seconds: float) -> str:
    """Seconds as the file writes them: 5400.0 is `1h30m`; `0s` for nothing."""
    left = round(seconds * 1000)
    text = ""
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")):
        count, left = divmod(left, unit)
        text += f"{count}{name}" if count else ""
    return text or "0s"


def read_m_of_n(value: object) -> MofN:
    """`3 of 5`, or the map `{m: 3, n: 5}`; 1 <= m <= n <= 32."""
    if isinstance(value, dict) and set(value) == {"m", "n"}:
        m, n = value["m"], value["n"]
    else:
        match = _M_OF_N.fullmatch(value) if isinstance(value, str) else None
        m, n = (int(match[1]), int(match[2])) if match else (None, None)
    if type(m) is not int or type(n) is not int:
        raise ValueError("is written as `3 of 5` or {m: 3, n: 5}")
    if not 1 <= m <= n <= 32:
        raise ValueError(f"{m} of {n} cannot be: m is at least 1 and at most n, and n at most 32")
    return MofN(m, n)


def read_address(value: object) -> str:
    """A host name, an IPv4 or an IPv6 address, without port."""
    if not isinstance(value, str) or not value or len(value) > 253:
        raise ValueError("must be a host name or an IP address")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return _read_host(value)
    zone = getattr(address, "scope_id", None)
    if zone is not None and not _INTERFACE.fullmatch(zone):
        raise ValueError("must name an interface after the %")
    return str(address)


def _read_host(value: str) -> str:
    if "://" in value or "/" in value:
        raise ValueError("must be a host name or an IP address alone, without scheme, mask or path")
    if value.startswith("[") or re.fullmatch(r"[^:]+:\d+", value):
        raise ValueError("must be without port and brackets; a port belongs to a check, as in `- tcp: {port: 443}`")
    labels = value.rstrip(".").split(".")
    if labels[-1].isdigit():
        raise ValueError("is not an IP address: four numbers from 0 to 255, without leading zeros")
    if not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must be a host name or an IP address")
    return value


def read_line(value: object) -> str:
    """One line of text for people."""
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if not value.strip() or len(value) > 300 or _SPOILT.search(value):
        raise ValueError("must be one line of text, at most 300 characters")
    return value


def read_need(value: object, depth: int = 0) -> Need:
    """A name, a list of names (all are needed), `{all: […]}` or `{any: […]}`, nested at most eight deep."""
    if isinstance(value, str):
        return Need("all", (read_name(value),))
    if depth >= MAX_NEED_DEPTH:
        raise ValueError(f"is nested more than {MAX_NEED_DEPTH} deep")
    parts: object = value
    mode = "all"
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in ("all", "any"):
            raise ValueError("is a name, a list of names, {all: [...]} or {any: [...]}")
        mode, parts = next(iter(value.items()))
    if not isinstance(parts, list) or not parts:
        raise ValueError("is a name, a list of names, {all: [...]} or {any: [...]}, and not empty")
    read = [read_name(part) if isinstance(part, str) else read_need(part, depth + 1) for part in parts]
    return Need("any" if mode == "any" else "all", tuple(read))


def read_date(value: object) -> date:
    """A day as "2026-12-24"."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError('must be a day that exists, in quotes, as in "2026-12-24"')


def read_hours(value: object) -> tuple[time, time]:
    """Opening hours as "08:45-17:15"; "24:00" is midnight at the end of the day, kept as 00:00."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be opening hours in quotes, as in "08:45-17:15"')
    opens = time(int(match[1]), int(match[2]))
    closes = time(0, 0) if match[5] else time(int(match[3]), int(match[4]))
    if not match[5] and closes <= opens:
        raise ValueError("must close after it opens; hours over midnight are written on both days")
    return opens, closes


def read_level(value: object) -> Level:
    """high, medium or low."""
    if value not in ("high", "medium", "low"):
        raise ValueError("must be high, medium or low")
    return Level(value)


def within(lowest: float, highest: float) -> AfterValidator:
    """Bounds for a duration, said in the file's own words."""

    def check(seconds: float) -> float:
        if not lowest <= seconds <= highest:
            raise ValueError(f"must be from {duration_text(lowest)} to {duration_text(highest)}")
        return seconds

    return AfterValidator(check)


_DURATION_SCHEMA = {
    "type": "string",
    "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
    "description": "500ms, 60s, 5m, 1h30m, 1d",
}
_NEED_SCHEMA = {
    "description": "What must work for this to be reached: a target, a list of which all, {all: [...]} or {any: [...]}",
    "anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}],
}
_M_OF_N_SCHEMA = {
    "description": "`3 of 5`: at least 3 of the last 5 results",
    "anyOf": [
        {"type": "string", "pattern": "^[0-9]+ of [0-9]+$"},
        {
            "type": "object",
            "properties": {"m": {"type": "integer", "minimum": 1}, "n": {"type": "integer", "maximum": 32}},
            "required": ["m", "n"],
            "additionalProperties": False,
        },
    ],
}
_NAME_SCHEMA = {"type": "string", "pattern": rf"^[a-z0-9][a-z0-9._-]{{0,{MAX_NAME - 1}}}$"}

# Where a field may be absent its type holds None, but a validator of our own still refuses a written null.
Name = Annotated[str, PlainValidator(read_name), WithJsonSchema(_NAME_SCHEMA)]
Line = Annotated[str, PlainValidator(read_line), WithJsonSchema({"type": "string", "maxLength": 300})]
Address = Annotated[str, PlainValidator(read_address), WithJsonSchema({"type": "string", "maxLength": 253})]
Duration = Annotated[float, PlainValidator(read_duration), WithJsonSchema(_DURATION_SCHEMA)]
MofNWord = Annotated[MofN, PlainValidator(read_m_of_n), WithJsonSchema(_M_OF_N_SCHEMA)]
NeedWord = Annotated[Need | None, PlainValidator(read_need), WithJsonSchema(_NEED_SCHEMA)]
Day = Annotated[
    date, PlainValidator(read_date), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
]
Hours = Annotated[
    tuple[time, time],
    PlainValidator(read_hours),
    WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}),
]
LevelWord = Annotated[
    Level | None, PlainValidator(read_level), WithJsonSchema({"type": "string", "enum": ["high", "medium", "low"]})
]
