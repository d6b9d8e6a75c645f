"""Regular expressions on text that a stranger wrote: a small form of them, searched in short pieces.

Python's engine backtracks and holds the whole process meanwhile, so that one bad pair of pattern and page could stop
every check. Therefore nothing repeated is repeated again, few repeats stand in one pattern, and no single search sees
more than `PIECE` characters; between two searches the caller may stop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import AfterValidator

LONGEST = 200
"""Characters of a pattern."""
PIECE = 400
"""Characters of a line that are searched at once; of longer lines, pieces that overlap by half are."""
REPEATS = 2
"""How many of `*`, `+` and `{…}` a pattern may have."""
_OPTIONAL = 4
_REFUSED = re.compile(r"\\[1-9]|\(\?(?!:|i\))|\)[*+{]")
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_ONE = re.compile(r"\\[^0-9]|\[.+", re.DOTALL)
"""An escaped character that is no reference to a group, or a whole class."""
_BRACES = re.compile(r"\{[0-9]*,?[0-9]*\}")


PatternText = Annotated[str, AfterValidator(lambda text: compiled(text) and text)]
"""As an option of a check: refused with the reason when it is none of these."""


def compiled(text: str) -> re.Pattern[str]:
    """The pattern. Raises ValueError that says what is not allowed, or where it is no pattern at all."""
    if not 0 < len(text) <= LONGEST:
        raise ValueError(f"a pattern has 1 to {LONGEST} characters")
    bare = _without_classes(text)
    if _REFUSED.search(bare):
        raise ValueError(
            "a pattern repeats no group ((…)*), looks neither ahead nor behind and refers to no group; (?:…) and (?i) "
            "at its beginning are allowed"
        )
    if sum(bare.count(mark) for mark in "*+") + len(_BRACES.findall(bare)) > REPEATS:
        raise ValueError(f"a pattern has at most {REPEATS} of *, + and {{…}}; .* is not needed at its ends")
    if bare.replace("(?", "").count("?") > _OPTIONAL:
        raise ValueError(f"a pattern has at most {_OPTIONAL} of ?")
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error


def found(pattern: re.Pattern[str], text: str, stop: Callable[[], bool] = lambda: False) -> bool | None:
    """Whether any line holds the pattern; None when `stop` ended the search before it was over.

    In lines longer than `PIECE` only what spans half of that at most is sure to be found.
    """
    for line in _lines(text):
        for begin in range(0, max(1, len(line) - PIECE // 2), PIECE // 2):
            if pattern.search(line, begin, begin + PIECE):
                return True
            if stop():
                return None
    return False


def _lines(text: str) -> Iterator[str]:
    begin = 0
    while begin <= len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield text[begin:end].rstrip("\r")
        begin = end + 1


def _without_classes(text: str) -> str:
    """The pattern with each character class and each escaped character as one letter, so that marks are marks."""
    return "".join("c" if _ONE.fullmatch(atom) else atom for atom in _ATOM.findall(text))
