"""Finds the kinds of desks: objects named by the entry-point group `ridgeway.desks.v1`, ours and other people's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from exporters.desks.contract import DeskKind

GROUP = "ridgeway.desks.v1"


class CatalogueError(Exception):
    """A kind of desk that is installed cannot be used. The message says which, and who brought it."""


def desk_kinds(entries: Iterable[EntryPoint] | None = None) -> Mapping[str, DeskKind]:
    """Every installed kind of desk by its name. Raises CatalogueError."""
    kinds: dict[str, DeskKind] = {}
    for entry in entry_points(group=GROUP) if entries is None else entries:
        try:
            kind = entry.load()
        except (ImportError, AttributeError) as error:
            raise CatalogueError(f"the desk {entry.name!r} ({entry.value}) cannot be loaded: {error}") from error
        if not isinstance(kind, DeskKind):
            raise CatalogueError(f"the desk {entry.name!r} ({entry.value}) is not a DeskKind")
        if kind.kind != entry.name or kind.kind in kinds:
            raise CatalogueError(
                f"the desk {entry.name!r} ({entry.value}) calls itself {kind.kind!r}, or is there twice"
            )
        kinds[kind.kind] = kind
    return kinds
