"""docs/evidence.md names every key of the pack's JSON."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

from agent.evidence import model

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
SHAPES = [shape for shape in vars(model).values() if isinstance(shape, type) and is_dataclass(shape)]


def test_every_key_of_the_json_is_on_the_page() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))

    keys = {field.name for shape in SHAPES for field in fields(shape)}

    assert len(keys) > 50
    assert sorted(keys - named) == []
