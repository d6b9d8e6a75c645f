"""A spreadsheet runs nothing that a product called its objects."""

from __future__ import annotations

import pytest

from agent.evidence.sheets import safe


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "＝", "  =", "\t@", "\r\n=", " +"])
def test_text_that_would_be_a_formula_is_text(begin: str) -> None:
    said = safe(f"{begin}1+1")

    assert said[0] in "'."
    assert said.isprintable()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""), (True, "yes"), (False, "no"), (0.0, "0"), (7_776_000.0, "7776000"), (99.99, "99.99"), (14, "14"),
        ("srv-ben:/srv/data", "srv-ben:/srv/data"), ("2026-11-30T02:00:00Z", "2026-11-30T02:00:00Z"),
    ],
)  # fmt: skip
def test_everything_else_is_as_it_was(value: str | float | bool | None, said: str) -> None:
    assert safe(value) == said
