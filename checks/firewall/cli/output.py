"""What a firewall printed for one command, made ready to be looked through. Pure; every step is bounded.

A parser asks for what it must have, and `Unfit` says what was not there: nothing has a default.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MOST_LINES = 4_000
LONGEST_LINE = 500
"""Characters. A longer line is no answer to any command we ask; cut, it could say something else."""
_LONGEST_TEXT = 200
_MOST_DIGITS = 18
_PAGER = re.compile(r"-{2,4} ?\(?more\b|^lines [0-9]+-[0-9]+", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Unfit(Exception):
    """An output lacks what it must have, or holds what no such output holds; the text says what."""


@dataclass(slots=True)
class Entry:
    """A line, and the lines indented below it. `key` and `value` are what stands before and after its first colon."""

    text: str
    key: str = ""
    value: str = ""
    under: list[Entry] = field(default_factory=list)

    def every(self, name: str) -> list[Entry]:
        """The entries below that have this key, small and capital letters alike."""
        wanted = name.casefold()
        return [entry for entry in self.under if entry.key.casefold() == wanted]

    def entry(self, *names: str) -> Entry:
        """The first entry below that has one of these keys. Raises Unfit."""
        for name in names:
            for found in self.every(name):
                return found
        raise Unfit(f"there is no {names[0]!r}" + (f" in {self.key!r}" if self.key else ""))

    def maybe(self, *names: str) -> str | None:
        """The text of the first such entry; None where there is none, or nothing after its colon."""
        for name in names:
            for found in self.every(name):
                return found.value[:_LONGEST_TEXT] or None
        return None

    def said(self, *names: str) -> str:
        """The text of the first such entry. Raises Unfit where there is none, or nothing after its colon."""
        found = self.maybe(*names)
        if found is None:
            raise Unfit(
                f"there is no {names[0]!r}, or nothing in its place" + (f" in {self.key!r}" if self.key else "")
            )
        return found


class Output:
    """The lines of one command's output. Raises Unfit when it is too long, or a pager's prompt was left in it."""

    def __init__(self, text: str) -> None:
        lines = [line.rstrip() for line in text.expandtabs().split("\n", MOST_LINES)]
        if len(lines) > MOST_LINES:
            raise Unfit(f"it has more than {MOST_LINES} lines")
        for line in lines:
            if len(line) > LONGEST_LINE:
                raise Unfit(f"it has a line of more than {LONGEST_LINE} characters")
            if _like_a_pager(line):
                raise Unfit("a pager's prompt stands in it, so that lines may be missing")
        self.lines = tuple(line for line in lines if line)
        """Those with something on them."""

    def all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Every whole line that matches, surrounding blanks aside."""
        for line in self.lines:
            found = pattern.fullmatch(line.strip())
            if found is not None:
                yield found

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first line that matches."""
        return next(self.all(pattern), None)

    def need(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        """The first line that matches. Raises Unfit, saying that `what` is missing."""
        found = self.find(pattern)
        if found is None:
            raise Unfit(f"there is no {what}")
        return found

    def nothing_but(self, *patterns: re.Pattern[str]) -> None:
        """Raise Unfit unless every line matches one of the patterns: for outputs that may rightly have no row."""
        for line in self.lines:
            if not any(pattern.fullmatch(line.strip()) for pattern in patterns):
                raise Unfit(f"a line is none of this command's: {line.strip()[:80]!r}")

    def outline(self) -> Entry:
        """The lines as a tree, by their indentation."""
        root = Entry("")
        path: list[tuple[int, Entry]] = [(-1, root)]
        for line in self.lines:
            depth = len(line) - len(line.lstrip())
            key, colon, value = line.strip().partition(":")
            entry = Entry(line.strip(), key.strip(), value.strip()) if colon else Entry(line.strip())
            while path[-1][0] >= depth:
                path.pop()
            path[-1][1].under.append(entry)
            path.append((depth, entry))
        return root


def _like_a_pager(line: str) -> bool:
    return ("more" in line.casefold() or line.startswith("lines ")) and _PAGER.search(line) is not None


def number(text: str, what: str) -> float:
    """A number without sign; whole ones stay exact. Raises Unfit."""
    if not _NUMBER.fullmatch(text):
        raise Unfit(f"{text[:40]!r} where {what} belongs")
    return float(text) if "." in text else int(text)


def whole(text: str, what: str) -> int:
    """A whole number without sign, of at most 18 digits. Raises Unfit."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise Unfit(f"{text[:40]!r} where {what} belongs")
    return int(text)


def short(text: str) -> str:
    """A text as it is kept in a document."""
    return text.strip()[:_LONGEST_TEXT]


def moment(year: str, month: str, day: str, clock: str) -> int | None:
    """Unix seconds of a date and `hh:mm:ss` on the device's own clock, taken as UTC: its zone is not known.

    None for what no calendar has.
    """
    number_of_month = int(month) if month.isdigit() else _month(month)
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    if not (1970 <= int(year) <= 9999 and 1 <= number_of_month <= 12 and hours < 24 and minutes < 60 and seconds < 61):
        return None
    if not 1 <= int(day) <= calendar.monthrange(int(year), number_of_month)[1]:
        return None
    return calendar.timegm((int(year), number_of_month, int(day), hours, minutes, seconds))


def _month(name: str) -> int:
    near = name[:3].casefold()
    return _MONTHS.index(near) + 1 if near in _MONTHS else 0


def distinct(names: Iterable[str]) -> bool:
    """Whether no name comes twice."""
    listed = list(names)
    return len(set(listed)) == len(listed)
