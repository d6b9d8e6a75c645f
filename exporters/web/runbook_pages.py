"""Runbooks: Markdown files shipped with the agent, rendered with raw HTML switched off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")


def shipped() -> Path:
    """Where the runbooks lie: beside this file in an installed wheel, under docs/ in a checkout."""
    installed = Path(__file__).parent / "runbooks"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "docs" / "runbooks"


@dataclass(frozen=True)
class Runbook:
    name: str
    title: str
    body: Markup


class Runbooks:
    """The runbooks of one directory, by name: `RidgewayAbsent` is `RidgewayAbsent.md`. Only listed files are served."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @cached_property
    def _files(self) -> dict[str, Path]:
        found = sorted(self._directory.glob("*.md")) if self._directory.is_dir() else []
        return {path.stem: path for path in found if _NAME.match(path.stem) and path.stem != "README"}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Name to title, in the order of names."""
        return {name: _title(path.read_text("utf-8"), name) for name, path in self._files.items()}

    def page(self, name: str) -> Runbook | None:
        """The runbook as HTML: `snmp-no-answer`, or without a page of that name `snmp`. None when there is neither."""
        from markdown_it import MarkdownIt

        path = self._nearest(name.removesuffix(".md"))
        if path is None:
            return None
        text = path.read_text("utf-8")
        render = MarkdownIt("commonmark", {"html": False}).enable("table").render
        # Safe to mark: with `html` off, markdown-it escapes all text and refuses javascript: and data: links.
        return Runbook(path.stem, _title(text, path.stem), Markup(render(text)))  # noqa: S704

    def _nearest(self, name: str) -> Path | None:
        while name and name not in self._files:
            name = name.rpartition("-")[0]
        return self._files.get(name)

    def named(self, condition: str) -> str | None:
        """The runbook for a finding's key: `snmp/no-answer` has `snmp-no-answer`, or else its first word's, `snmp`."""
        for name in (condition.replace("/", "-"), condition.partition("/")[0]):
            if name in self._files:
                return name
        return None


def _title(text: str, name: str) -> str:
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    return first.lstrip("# ").strip() or name
