"""The page of every family, and that no two kinds fall over each other."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from checks.catalogue import GROUP, load_catalogue
from checks.contract import CheckKind, Family
from exporters.prometheus.catalogue import catalogue_page
from exporters.prometheus.families import FamilyError, families_of
from exporters.prometheus.own import OwnMetrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def ours() -> list[CheckKind]:
    """Our own kinds, whatever plug-ins this machine has."""
    points = [point for point in entry_points(group=GROUP) if point.dist is not None and point.dist.name == "ridgeway"]
    catalogue = load_catalogue(points)
    assert not catalogue.broken
    return list(catalogue.values())


def test_the_page_in_docs_is_the_one_that_the_code_makes() -> None:
    made = catalogue_page(ours())

    assert PAGE.read_text("utf-8") == made, "run: python -m exporters.prometheus.catalogue > docs/metrics.md"


def test_no_family_of_a_kind_is_called_like_one_of_the_agent_itself() -> None:
    own = OwnMetrics("", "", dict, lambda: 0).bases()

    assert not {family.name.removesuffix("_total") for family in families_of(ours())} & own


def test_a_family_shared_by_two_kinds_stands_once_and_differing_ones_are_refused() -> None:
    one, other, *_ = ours()
    family = Family("ridgeway_certificate_not_after_timestamp_seconds", "Until when.", unit="seconds")
    one = replace(one, families=lambda: [family])

    assert families_of([one, replace(other, families=lambda: [family])]) == [family]
    with pytest.raises(FamilyError, match="declares it again with another labels"):
        families_of([one, replace(other, families=lambda: [replace(family, labels=("subject",))])])
