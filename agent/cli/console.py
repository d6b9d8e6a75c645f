"""The demo's narrator: one line for each thing that happens, with the time since the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

_COLOURS = {
    "suspected": "yellow", "opened": "red", "reopened": "red", "relapsed": "red", "hides": "yellow",
    "recovering": "cyan", "ticket": "blue", "resolved": "green", "cancelled": "green", "acknowledged": "cyan",
}  # fmt: skip
_WIDEST = max(map(len, _COLOURS))


class Console:
    """Prints what a person should see; `say` gets whole lines."""

    def __init__(self, monotonic: Callable[[], float], say: Callable[[str], None]) -> None:
        self._monotonic = monotonic
        self._say = say
        self._began = monotonic()

    def welcome(self, pages: str, desk: str, control: Path) -> None:
        """Where to look."""
        self._say("Ridgeway watches two councils that are simulated on this machine. Open:")
        self._say("")
        places = {
            f"{pages}/": "what needs attention now",
            f"{pages}/incidents": "incidents, with what hides behind them",
            f"{pages}/metrics": "what Prometheus scrapes",
            f"{pages}/api/v1/events": "the incident feed, for other programs",
            desk: "the service desk, with its tickets",
        }
        for place, what in places.items():
            self._say(f"  {place:<{max(map(len, places))}}  {what}")
        self._say("")
        self._say("Or ask on another terminal:")
        self._say(f"  .venv/bin/ridgeway explain portal-aylesbury --control.socket {control}")
        self._say("")
        self._say("Below: what the world does, and the incident feed, event by event, as any reader of it gets it.")
        self._say("The story takes about two minutes; Ctrl-C ends it.")
        self._say("")

    def act(self, text: str) -> None:
        """The world changes."""
        self._line("the world", click.style(text, bold=True))

    def event(self, event: Mapping[str, Any]) -> None:
        """One CloudEvent of the feed, as it came: its sequence number, its kind, and what it is about."""
        data = event["data"]
        kind, about = data["kind"], data["about"]
        word = click.style(f"{kind:<{_WIDEST}}", fg=_COLOURS.get(kind))
        self._line(f"feed #{int(event['sequence'])}", f"{word}  {about['priority']} {about['subject']}: {data['text']}")

    def end(self, left: int, once: bool) -> None:
        """The story is over."""
        state = "every incident is resolved, every ticket closed" if not left else f"{left} incident(s) still live"
        after = "" if once else " The agent goes on watching; Ctrl-C ends it."
        self._line("the end", f"{state}.{after}")

    def _line(self, who: str, text: str) -> None:
        seconds = int(self._monotonic() - self._began)
        self._say(f"{seconds // 60:2d}:{seconds % 60:02d}  {who:<10} {text}")
