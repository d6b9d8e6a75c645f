"""The command line of a network device: a shell on a terminal, driven by its prompt. Blocking.

A prompt is believed when the whole last line matches and either is the very prompt that came first or nothing more
comes for a moment: an output may well hold a line that looks like one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import paramiko

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.ssh.channel import LAST, Reader, lost, open_session, overdue
from checks.transports.ssh.connect import Connection
from checks.transports.ssh.model import QUOTED, ShellProfile
from checks.transports.ssh.terminal import Terminal
from checks.transports.ssh.text import one_line, without_controls

_WIDTH = 511
_HEIGHT = 1000
"""A large window keeps many devices from paging and from wrapping their echo."""
_QUIET = 0.3
"""Seconds without a word after which a line that looks like another prompt is believed."""
_BLINK = 0.02
"""Seconds after which a line that looks like a pager's is believed: the rest of it may be on its way."""
_MOST_PAGES = 10_000
_LONGEST_PROMPT = 512
_ECHO_LINES = 4
_ENOUGH = 20
"""Letters at the end of a command that tell its echo: a device may show only the end of a long one."""


def converse(
    connection: Connection,
    commands: Sequence[str],
    profile: ShellProfile,
    limit: int,
    tether: Tether,
    heard: Callable[[str], None],
) -> None:
    """Give `heard` the output of each command as soon as it is whole.

    Raises NotOpened, else TransportFault; LIMIT when more than `limit` octets came.
    """
    for command in commands:
        if command != without_controls(command) or "\n" in command:
            raise TransportFault(Reason.LOCAL, f"{connection.where}: a command has control characters; it was not sent")
    channel = open_session(connection, tether)
    begun = time.monotonic()
    try:
        channel.get_pty("vt100", _WIDTH, _HEIGHT)
        dialogue = _Dialogue(connection, channel, profile, limit, begun, tether.deadline - LAST)
        channel.invoke_shell()
        dialogue.prompted("")
        for command in profile.prepare:
            dialogue.ask(command)
        for command in commands:
            heard(dialogue.ask(command))
        dialogue.leave()
    except Exception as error:
        raise lost(connection, tether, begun, "its command line", error) from error
    finally:
        connection.release(channel)


class _Dialogue:
    def __init__(
        self,
        connection: Connection,
        channel: paramiko.Channel,
        profile: ShellProfile,
        limit: int,
        begun: float,
        until: float,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._profile = profile
        self._reader = Reader(channel)
        self._terminal = Terminal()
        self._prompt = re.compile(profile.prompt)
        self._pager = re.compile(profile.pager) if profile.pager is not None else None
        self._first: str | None = None
        self._room = limit
        self._begun = begun
        self._until = until

    def ask(self, command: str) -> str:
        """Send one line, and give back what came between its echo and the next prompt."""
        self._terminal.take()
        self._terminal.wipe()
        self._send(command + self._profile.enter)
        return self.prompted(command)

    def leave(self) -> None:
        """Say goodbye; whether it is heard does not matter."""
        if self._profile.leave:
            self._send(self._profile.leave + self._profile.enter)

    def prompted(self, command: str) -> str:
        """Everything until the device waits for a command, pagers turned, the echo of `command` taken off."""
        pages = 0
        while True:
            line = self._terminal.line
            prompt, pager = self._like_prompt(line, command), self._like_pager(line)
            if prompt and line == self._first:
                break
            if (prompt or pager) and not self._hear(_QUIET if prompt else _BLINK):
                if prompt:
                    self._first = self._first or line
                    break
                pages += 1
                if pages > _MOST_PAGES:
                    raise TransportFault(Reason.LIMIT, f"{self._connection.where}: more than {_MOST_PAGES} pages")
                self._terminal.wipe()
                self._send(self._profile.more)
            elif not prompt and not pager and not self._hear(None):
                raise self._mute(command)
        echoed = self._echo(command)
        return "\n".join(self._terminal.take()[echoed:])

    def _like_prompt(self, line: str, command: str) -> bool:
        """A late prompt must not be taken for the end of a command that was not even repeated yet."""
        if not 0 < len(line) <= _LONGEST_PROMPT or not self._prompt.fullmatch(line):
            return False
        return not command or not self._profile.echo or self._echo(command) > 0

    def _like_pager(self, line: str) -> bool:
        return self._pager is not None and 0 < len(line) <= _LONGEST_PROMPT and bool(self._pager.fullmatch(line))

    def _echo(self, command: str) -> int:
        """How many lines at the beginning repeat what was typed: after a prompt, or wrapped, or scrolled sideways."""
        wanted = "".join(command.split())[-_ENOUGH:]
        seen = ""
        for number, line in enumerate(self._terminal.lines[:_ECHO_LINES] if wanted else []):
            seen += "".join(line.split())
            if seen.endswith(wanted):
                return number + 1
        return 0

    def _hear(self, seconds: float | None) -> bool:
        """Whether anything was said within so many seconds, or until the deadline. Raises EOFError at the end."""
        heard = False

        def take(octets: bytes, _is_stderr: bool) -> bool:
            nonlocal heard
            heard = True
            self._room -= len(octets)
            if self._room < 0:
                raise TransportFault(
                    Reason.LIMIT, f"{self._connection.where}: its command line says more than may be read; cut off"
                )
            self._terminal.feed(octets)
            return False

        until = self._until if seconds is None else min(self._until, time.monotonic() + seconds)
        if self._reader.read(take, until) and not heard:
            raise EOFError
        return heard

    def _mute(self, command: str) -> TransportFault:
        if self._connection.wire.heard < self._begun:
            return overdue(self._connection, self._begun, "its command line")
        said = one_line(self._terminal.line or next((line for line in reversed(self._terminal.lines) if line), ""))
        after = f"after {command!r}" if command else "after the log-in"
        return TransportFault(
            Reason.PROTOCOL,
            f"{self._connection.where}: its command line showed no prompt {after} until the deadline{QUOTED}"
            f"{said[-80:]!r}, a prompt would match {self._profile.prompt!r}",
        )

    def _send(self, text: str) -> None:
        self._channel.sendall(text.encode())
