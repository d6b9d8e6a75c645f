"""The page is one file that can be read by everybody, and loads nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import agent.evidence

PAGE = (Path(agent.evidence.__file__).parent / "page.html").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", PAGE))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, glossary)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["page", "panel"])
@pytest.mark.parametrize("text", ["ink", "soft", "bad", "open"])
def test_text_has_enough_contrast(text: str, ground: str) -> None:
    darker, lighter = sorted((luminance(COLOURS[text]), luminance(COLOURS[ground])))

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_it_has_a_language_a_title_and_one_first_heading() -> None:
    assert '<html lang="en-GB">' in PAGE
    assert len(re.findall("<title>", PAGE)) == len(re.findall("<h1>", PAGE)) == 1


def test_every_table_has_a_caption_and_every_heading_a_scope() -> None:
    assert PAGE.count("<table>") == PAGE.count("<caption>") > 0
    assert "<th>" not in PAGE


def test_it_loads_nothing_and_runs_nothing() -> None:
    assert not re.search(r"<script|<link|<img|url\(|@import|https?:|\son[a-z]+=|\|\s*safe", PAGE)
