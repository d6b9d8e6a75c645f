"""The defaults table: what a check of each kind does when the estate says nothing."""

from __future__ import annotations

from collections.abc import Mapping

from config.estate import KindDefaults, MofN
from config.kinds import KindLike
from config.schema.words import duration_text

_COLUMNS = ("Kind", "What", "Every", "Time-out", "Opens after", "Clears after", "Hold-down", "Reopens within", "Wake")


def defaults_table(kinds: Mapping[str, KindLike]) -> str:
    """The table in Markdown, one row per kind by name, with a line feed at its end."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    rows += [_row(kinds[name]) for name in sorted(kinds)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(kind: KindLike) -> tuple[str, ...]:
    row = kind.defaults
    return (
        f"`{kind.kind}`",
        kind.title.replace("|", "\\|"),
        duration_text(row.every),
        duration_text(row.timeout),
        _opens(row),
        _of(row.clear_after),
        duration_text(row.hold_down),
        duration_text(row.reopen_window),
        row.wake.value,
    )


def _opens(row: KindDefaults) -> str:
    return f"{_of(row.open_after)} (evidence)" if row.evidence else _of(row.open_after)


def _of(rule: MofN) -> str:
    return f"{rule.m} of {rule.n}"
