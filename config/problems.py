"""What is wrong with an estate, said to a person: where, what, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from config.yaml import TreePath

_COMPARISONS = 5_000
"""Comparing two names takes up to 0.2 ms, so this bounds all suggestions together to about a second."""
_LENGTHS_APART = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    path: str
    """Dotted, as in `targets.forum-fw.checks[2].every`; empty for the file as a whole."""
    message: str
    suggestion: str = ""
    """The nearest thing that would be right; empty where there is none."""

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        hint = f' (did you mean "{self.suggestion}"?)' if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.message}{hint}"


class EstateError(Exception):
    """The estate cannot be used. `problems` holds all that is wrong with it, by file and line; never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems = tuple(sorted(unique, key=lambda p: (p.file, p.line, p.column, p.path, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: TreePath) -> str:
    """`("targets", "a", "checks", 2)` as `targets.a.checks[2]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class Nearest:
    """Finds the known name that a wrong one was probably meant to be."""

    def __init__(self) -> None:
        self._left = _COMPARISONS

    def of(self, name: str, known: Iterable[str]) -> str:
        """The nearest of `known`, or nothing where none is near or too many were asked for."""
        if len(name) > 100:
            return ""
        alike = [word for word in known if abs(len(word) - len(name)) <= _LENGTHS_APART][: self._left]
        self._left -= len(alike)
        found = get_close_matches(name, alike, n=1, cutoff=0.6)
        return found[0] if found else ""


def listed(names: Iterable[str], limit: int = 12) -> str:
    """`a, b and c`, sorted; at most `limit` of them by name."""
    words = sorted(names)
    if len(words) > limit:
        return ", ".join(words[:limit]) + f" and {len(words) - limit} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def either(names: Iterable[str]) -> str:
    """`a, b or c`, in the order given."""
    words = list(names)
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
