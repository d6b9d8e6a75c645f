"""Which commands may be sent to a firewall: those that a parser here is for, word for word, and no other. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from checks.firewall.cli import PARSERS
from config.profiles.asks import Command, SshAsks


def line_of(command: Command) -> str | None:
    """What is sent for a command of a profile: the parser's own line, not the profile's; None where they differ."""
    parser = PARSERS.get(command.parser)
    if parser is None:
        return None
    return next((line for line in parser.commands if line == command.run), None)


def refused(asks: SshAsks) -> Iterator[str]:
    """What of a profile's commands is not permitted, and what would be."""
    for name, command in asks.commands.items():
        parser = PARSERS.get(command.parser)
        if parser is None:
            yield f"asks.ssh.commands.{name}: there is no parser {command.parser!r}; there are {', '.join(PARSERS)}"
        elif line_of(command) is None:
            there = " or ".join(repr(line) for line in parser.commands)
            yield f"asks.ssh.commands.{name}: {command.run!r} is never sent; the parser {command.parser} is for {there}"
