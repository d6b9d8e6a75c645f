"""What people keep of a firewall's command line: a prompt, a command, what it printed; perhaps several in one file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.firewall.cli import PARSERS, parsed
from checks.firewall.options import of_firewalls
from checks.network.documents import Document, NotUnderstood
from checks.recordings.recording import RecordingError
from checks.transports.ssh.terminal import Terminal
from config.profiles import ProfileError, ProfileModel, load, search_path
from config.profiles.asks import SshAsks, Way

LARGEST = 1024 * 1024
"""Octets: what a firewall prints for all commands of a profile is a tenth of it."""
_TYPED = re.compile(r"(\S.{0,98}?[>#$%]) ?(\S.{0,198})")
_MORE = re.compile(r" *\| *no-more$")
_COMMANDS = frozenset(line for parser in PARSERS.values() for line in parser.commands)


def outputs(raw: bytes, name: str, command: str | None) -> dict[str, str]:
    """What each command printed, by the line that was typed; of one that comes twice the last.

    With `command` a file without any prompt is the output of that command. Raises RecordingError.
    """
    if len(raw) > LARGEST:
        raise RecordingError(f"{name}: a capture of a command line is at most {LARGEST // 1024} KiB")
    if command is not None and command not in _COMMANDS:
        raise RecordingError(f"no profile knows the command {command!r}; there are {', '.join(sorted(_COMMANDS))}")
    lines = _shown(raw)
    found = _parted(lines)
    if command is not None:
        return {command: found.get(command, "\n".join(lines))}
    return found


def _shown(raw: bytes) -> list[str]:
    """The lines as a person saw them: what a pager or an editor of lines wiped away is gone."""
    terminal = Terminal()
    terminal.feed(raw.removeprefix(b"\xef\xbb\xbf"))
    return [*terminal.lines, terminal.line]


def _parted(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    prompts: set[str] = set()
    for number, line in enumerate(lines):
        typed = _TYPED.fullmatch(line.strip())
        command = None if typed is None else _MORE.sub("", typed[2].strip())
        if typed is not None and command in _COMMANDS:
            prompts.add(typed[1])
            current = found[command] = []
        elif any(line.strip().startswith(prompt) for prompt in prompts):
            current = None
        elif number == 0 and _MORE.sub("", line.strip()) in _COMMANDS:
            current = found[_MORE.sub("", line.strip())] = []
        elif current is not None:
            current.append(line)
    return {command: "\n".join(said) for command, said in found.items()}


def documents(asks: SshAsks, said: Mapping[str, str]) -> dict[str, Document | NotUnderstood]:
    """The captured answers to a profile's questions, by question."""
    return {
        name: parsed(command.parser, said[command.run])
        for name, command in asks.commands.items()
        if command.run in said
    }


def answers(
    name: str, said: Mapping[str, str], wanted: str | None
) -> tuple[ProfileModel, Mapping[str, Document | NotUnderstood]]:
    """The profile to judge a capture by, and what it holds of that one's questions. Raises RecordingError."""
    profile = load(profile_for(name, said, wanted), search_path())
    asks = profile.asks.ssh if profile.asks is not None else None
    found = documents(asks, said) if asks is not None else {}
    if not found:
        raise RecordingError(f"{name}: none of its commands is one of profile {profile.profile}")
    return profile, found


def profile_for(name: str, said: Mapping[str, str], wanted: str | None) -> str:
    """The profile to judge a capture by: the named one, or that of its product by commands, or the best that fits.

    Raises RecordingError.
    """
    try:
        if wanted is not None:
            profile = load(wanted, search_path())
            by_commands = wanted if profile.way is Way.SSH else profile.also.get(Way.SSH)
            if by_commands is None:
                raise RecordingError(f"profile {wanted} is not read by commands, and neither is its product")
            return by_commands
        fitting = {one: _understood(one, said) for one in of_firewalls()}
    except ProfileError as error:
        raise RecordingError(str(error)) from None
    best = max(fitting, key=lambda one: fitting[one], default=None)
    if best is None or not fitting[best]:
        raise RecordingError(f"{name}: no profile understands what its commands printed; name one with --profile")
    return best


def _understood(profile: str, said: Mapping[str, str]) -> int:
    asks = load(profile, search_path()).asks
    if asks is None or asks.ssh is None:
        return 0
    return sum(not isinstance(answer, NotUnderstood) for answer in documents(asks.ssh, said).values())
