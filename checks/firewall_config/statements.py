"""What a configuration is made of, whatever its syntax: statements, each in its sections, each of a named part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_NAME = 60
"""Characters of a part's name."""
OTHER = "other"
"""The part of what has no name that may be shown."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._:/-]{0,39}")


class Cut(Exception):
    """The text is not a whole configuration; the message says how that shows, without a word of the text."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that the configuration says. Nothing was taken out of it yet."""

    part: str
    sections: tuple[str, ...]
    """What it stands in, outermost first."""
    text: str
    key: str = ""
    """Where the syntax tells a setting's name from its value: the name."""
    value: str = ""

    @property
    def line(self) -> str:
        """On one line, with its sections: what the patterns of a syntax are held against."""
        return " ".join((*self.sections, self.text)).replace("\n", " ")


def part_name(words: Sequence[str]) -> str:
    """The name of a part, of words that the device chose: only what looks like one is ever shown."""
    kept: list[str] = []
    for word in words:
        if not _WORD.fullmatch(word):
            break
        kept.append(word)
    name = " ".join(kept) or OTHER
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME]
