"""Kinds of desks are found by their entry points; what cannot be used is named together with who brought it."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from exporters.desks.catalogue import GROUP, CatalogueError, desk_kinds


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


def test_the_desks_of_the_project_are_installed() -> None:
    assert {"request-tracker", "demo"} <= set(desk_kinds())


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (entry("gone", "exporters.desks.gone:DESK"), "'gone' .* cannot be loaded"),
        (entry("nameless", "exporters.desks.demo:NOTHING"), "'nameless' .* cannot be loaded"),
        (entry("odd", "exporters.desks.demo:BaseModel"), "is not a DeskKind"),
        (entry("other", "exporters.desks.demo:DESK"), "calls itself 'demo'"),
    ],
)
def test_a_kind_that_cannot_be_used_is_named(found: EntryPoint, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        desk_kinds([found])
