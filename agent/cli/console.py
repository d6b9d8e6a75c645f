"""The demo's narrator: one line for each thing that happens, with the time since the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from agent.records import Event, EventKind, IncidentChange

_TOLD = {
    EventKind.SUSPECTED: ("suspect", "yellow"),
    EventKind.OPENED: ("OPEN", "red"),
    EventKind.REOPENED: ("REOPENED", "red"),
    EventKind.HIDES: ("hides", "yellow"),
    EventKind.RECOVERING: ("recovering", "cyan"),
    EventKind.RELAPSED: ("relapsed", "red"),
    EventKind.RESOLVED: ("RESOLVED", "green"),
    EventKind.CANCELLED: ("cancelled", "green"),
    EventKind.ACKNOWLEDGED: ("acknowledged", "cyan"),
}


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
        self._say(f"  {pages}/            what needs attention now")
        self._say(f"  {pages}/incidents   incidents, with what hides behind them")
        self._say(f"  {pages}/metrics     what Prometheus scrapes")
        self._say(f"  {desk:<34} the service desk, with its tickets")
        self._say("")
        self._say("Or ask on another terminal:")
        self._say(f"  .venv/bin/ridgeway explain fw-berkhamsted --control.socket {control}")
        self._say("")
        self._say("The story takes under two minutes; Ctrl-C ends it.")
        self._say("")

    def act(self, text: str) -> None:
        """The world changes."""
        self._line("the world", click.style(text, bold=True))

    def incident(self, change: IncidentChange) -> None:
        """An incident changes; a listener of the pipeline."""
        kinds = {event.kind for event in change.events}
        for event in change.events:
            if event.kind is EventKind.SUSPECTED and EventKind.OPENED in kinds:
                continue  # one line for what happens in one moment
            if event.kind in _TOLD:
                word, colour = _TOLD[event.kind]
                incident = change.incident
                head = f"{incident.priority} {incident.cause.subject}: "
                self._line("incident", f"{click.style(word, fg=colour)} {head}{event.text}")

    def ticket(self, event: Event) -> None:
        """A ticket changes; a listener of the delivery."""
        self._line("ticket", event.text)

    def end(self, left: int, once: bool) -> None:
        """The story is over."""
        state = "every incident is resolved, every ticket closed" if not left else f"{left} incident(s) still live"
        after = "" if once else " The agent goes on watching; Ctrl-C ends it."
        self._line("the end", f"{state}.{after}")

    def _line(self, who: str, text: str) -> None:
        seconds = int(self._monotonic() - self._began)
        self._say(f"{seconds // 60:2d}:{seconds % 60:02d}  {who:<10} {text}")
