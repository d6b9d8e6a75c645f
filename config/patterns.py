"""Regular expressions on what strangers wrote: RE2's, whose searches take time in proportion to the text, no more.

Python's own engine backtracks and holds the whole process meanwhile: `(a+)+x` on thirty letters runs for minutes, and
the text is a device's to choose. RE2 knows neither look-around nor references to groups, and has no such pairs of
pattern and text. Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator

LONGEST = 1_000
"""Characters of a pattern."""
_MEMORY = 1 << 20
"""Octets that a pattern may take to be held against a text."""


class PatternError(ValueError):
    """It is no regular expression, or one that is not understood; the message says why."""


class LinePattern:
    """A pattern that is held against texts line by line: `^` and `$` are the ends of a line."""

    __slots__ = ("_regexp", "text")

    def __init__(self, text: str) -> None:
        """Raises PatternError."""
        import re2

        if not 0 < len(text) <= LONGEST:
            raise PatternError(f"a pattern has 1 to {LONGEST} characters")
        options = re2.Options()
        options.log_errors = False
        options.never_nl = True  # no match goes on into the next line
        options.max_mem = _MEMORY
        try:
            self._regexp: Any = re2.compile(f"(?m:{text})", options)
        except re2.error as error:
            said = error.args[0] if error.args else "not understood"
            why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise PatternError(f"{text!r} is no regular expression (RE2): {why}") from error
        self.text = text

    @property
    def names(self) -> tuple[str, ...]:
        """Its named groups, in order."""
        index: Mapping[str, int] = self._regexp.groupindex
        return tuple(sorted(index, key=index.__getitem__))

    def __repr__(self) -> str:
        return f"LinePattern({self.text!r})"

    def found(self, text: str) -> bool:
        """Whether any line of the text holds it."""
        return self._regexp.search(_clean(text)) is not None

    def lines(self, text: str) -> Iterator[Mapping[str, str | None]]:
        """The named groups of every line that holds it, in order; of each line the first match."""
        text = _clean(text)
        onward = 0
        for match in self._regexp.finditer(text):
            if match.start() >= onward:
                yield match.groupdict()
                end = text.find("\n", match.end())
                onward = len(text) if end < 0 else end + 1

    def line(self, text: str) -> str | None:
        """The first line that holds it, whole."""
        text = _clean(text)
        match = self._regexp.search(text)
        if match is None:
            return None
        begin = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        return text[begin : len(text) if end < 0 else end]


@lru_cache(maxsize=512)
def line_pattern(text: str) -> LinePattern:
    """The pattern, made once. Raises PatternError."""
    return LinePattern(text)


def _clean(text: str) -> str:
    """Lines end in a line feed alone, and what is no character (half of a pair) is replaced: RE2 reads UTF-8."""
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")


PatternText = Annotated[str, AfterValidator(lambda text: LinePattern(text).text)]
"""A pattern as an option: refused with the reason when it is none."""
