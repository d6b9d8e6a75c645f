"""docs/accessibility.md says that text has enough contrast in both colour schemes: WCAG 2.2, 1.4.3."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[2] / "exporters/web/static/ridgeway.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
SCHEMES = {"light": LIGHT, "dark": LIGHT | DARK}
ON_PLAIN = [(text, ground) for text in ("ink", "soft", "link") for ground in ("page", "panel")]
ON_COLOUR = [(name, name.removeprefix("on-")) for name in LIGHT if name.startswith("on-")]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, glossary)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), [*ON_PLAIN, *ON_COLOUR])
def test_text_can_be_told_from_its_ground(scheme: str, text: str, ground: str) -> None:
    colours = SCHEMES[scheme]

    assert contrast(colours[text], colours[ground]) >= 4.5


def test_the_formula_is_the_one_of_the_specification() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
