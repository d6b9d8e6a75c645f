"""One line on a terminal that says how far something is; nothing where nobody looks."""

from __future__ import annotations

import sys

import click


class Progress:
    """Called with what is being done, how much of it is done, and of how much."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, what: str, done: int, whole: int) -> None:
        text = f"{what} {done / whole:.0%}" if whole else what
        if text != self._shown and sys.stderr.isatty():
            click.echo(f"\r{text:<40}", nl=False, err=True)
            self._shown = text

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            click.echo(f"\r{'':<40}\r", nl=False, err=True)
            self._shown = ""
