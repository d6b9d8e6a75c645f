"""When test calls may be made: days and times of the week, in London. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from config.cron import LONDON
from config.estate import WorkingHours
from config.schema.sections import WEEKDAYS

Spans = Mapping[str, tuple[time, time]]
"""`monday`, or `monday-friday`, and from when to when."""


def opening(spans: Spans, bank_holidays: bool) -> WorkingHours:
    """The hours; `bank_holidays`: whether calls are made on those too. Raises ValueError for days that are none."""
    days: dict[int, tuple[time, time]] = {}
    for word, span in spans.items():
        first, dash, last = word.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            raise ValueError(f"{word[:40]!r} is no day of the week: write monday, or monday-friday")
        begin = WEEKDAYS.index(first)
        end = WEEKDAYS.index(last) if dash else begin
        if end < begin:
            raise ValueError(f"{word} must run from the earlier day to the later one")
        for day in range(begin, end + 1):
            if day in days:
                raise ValueError(f"the hours of {WEEKDAYS[day]} are said a second time")
            days[day] = span
    if not days:
        raise ValueError("is empty: no call would ever be made; take the check out instead")
    return WorkingHours(LONDON, days, bank_holidays=not bank_holidays)
