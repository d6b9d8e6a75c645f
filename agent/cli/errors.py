"""The one way in which a verb gives up: a text for a person and an exit status."""

from __future__ import annotations


class Failure(Exception):
    """The text says what, where and how to mend it; `status` is the exit status outside plug-in mode."""

    def __init__(self, text: str, status: int = 1, *, nobody: bool = False) -> None:
        """`nobody`: no agent runs that could have been asked."""
        super().__init__(text)
        self.text = text
        self.status = status
        self.nobody = nobody
