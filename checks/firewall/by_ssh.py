"""Reading a firewall by commands over SSH: one connection for each reading, and only what is permitted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from checks.contract import Context, Fault, Reason, Target
from checks.firewall.answers import Cost
from checks.firewall.cli import parsed
from checks.firewall.further import Reading
from checks.firewall.options import FirewallOptions
from checks.firewall.permitted import line_of
from checks.network.documents import Document, NotUnderstood
from checks.network.ssh_login import device_of
from checks.transports.fault import TransportFault
from checks.transports.ssh import Ran, ShellProfile, ssh_fault
from config.commands import EXEC, CommandError, dialect, search_path
from config.patterns import LinePattern
from config.profiles.asks import Asks, Command, Way

_MOST = 512 * 1024
"""Octets that all commands of a reading may print together."""


async def read(
    target: Target, options: FirewallOptions, asks: Asks, names: Sequence[str], ctx: Context, deadline: float
) -> Reading:
    """Send the commands of these names one after the other, and understand what they print."""
    assert asks.ssh is not None  # profiles of this way have commands
    begun = asyncio.get_running_loop().time()
    commands = [asks.ssh.commands[name] for name in names]
    answers: list[Ran] = []
    fault: Fault | None = None
    device = device_of(target, options.ssh_port)
    try:
        spoken = _spoken(asks.ssh.dialect)
        lines = [_permitted(command) for command in commands]
        ssh = ctx.transports.ssh
        await ssh.alone(device, lines, spoken.shell, answers=answers, deadline=deadline, limit=_MOST)
    except TransportFault as error:
        fault = ssh_fault(error, Way.SSH, device.credential)
    heard = answers.copy()  # what a thread that hangs may still add does not count
    documents = {
        name: _understood(command, ran, spoken.refusals)
        for name, command, ran in zip(names, commands, heard, strict=False)
    }
    octets = sum(len(ran.stdout.encode()) for ran in heard)
    return Reading(documents, fault, Cost(len(heard), asyncio.get_running_loop().time() - begun, octets))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """How a kind of device speaks, ready."""

    shell: ShellProfile | None
    """None where each command is run without a command line."""
    refusals: tuple[LinePattern, ...]


def _spoken(name: str) -> _Spoken:
    try:
        return _ready(name, search_path())
    except CommandError as error:
        raise TransportFault(Reason.LOCAL, str(error)) from error


@lru_cache(maxsize=32)
def _ready(name: str, directories: tuple[Path, ...]) -> _Spoken:
    if name == EXEC:
        return _Spoken(None, ())
    model = dialect(name, directories)
    shell = ShellProfile(model.prompt, pager=model.pager, prepare=model.paging_off, leave=model.leave)
    return _Spoken(shell, tuple(LinePattern(text) for text in model.refusals))


def _permitted(command: Command) -> str:
    line = line_of(command)
    if line is None:  # the profile was refused when it was read: this is the last of two locks
        raise TransportFault(Reason.LOCAL, f"{command.run!r} is not a command that is ever sent")
    return line


def _understood(command: Command, ran: Ran, refusals: Sequence[LinePattern]) -> Document | NotUnderstood:
    refused = next((line for pattern in refusals if (line := pattern.line(ran.stdout)) is not None), None)
    if refused is None and ran.exit_status in (None, 0):
        return NotUnderstood.of(ran.stdout, "too long") if ran.truncated else parsed(command.parser, ran.stdout)
    if command.may_be_absent:
        return None
    if refused is not None:
        return NotUnderstood.of(refused, "the device refused the command")
    return NotUnderstood.of(ran.stderr or ran.stdout, f"the command ended with {ran.exit_status}")
