"""Bacula's console: commands by bconsole's standard input, and what the director says to each of them.

bconsole repeats each command before its answer when nobody sits at a terminal. An answer counts as whole only when the
last command, `quit`, was repeated too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from agent.restore_drills.running import Runner, secret_path
from agent.restore_drills.verdict import Unproven
from checks.printable import printable
from config.secrets import SecretReference

LONGEST = 4000
"""Characters of a command: bconsole cuts a line at 5,000."""
_MOST = 60.0
"""Seconds that the director may take over an answer, but for one that it has to look for in millions of files."""
_REFUSED = ": is an invalid command."
_CLOSED = ("authorization problem", "not authorized", "no authorization")
_HEAD = re.compile(r" *([A-Za-z]+): ?(.*)")


class Console:
    """A console of the drill's own, that may do what its resource in the director says."""

    def __init__(self, configuration: SecretReference, runner: Runner) -> None:
        self._configuration = configuration
        self._run = runner

    def ask(self, what: str, *commands: str, most: float | None = _MOST) -> list[str]:
        """The answer to each command. Raises Unproven where they are not answered, or not all of them."""
        lines = (*commands, "quit")
        line = ("-n", "-c", secret_path(self._configuration))
        told = "".join(f"{one}\n" for one in lines).encode()
        home = {"HOME": str(self._run.room.aside)}
        printed = self._run.run(what, "bconsole", line, home, most=most, told=told)
        said = printed.output("bconsole").stdout
        printed.file.unlink()
        if printed.overdue:
            raise Unproven(f"the director does not answer in time; is a daemon of its away? ({_last(said)})")
        if printed.status != 0:
            closed = any(word in said.casefold() for word in _CLOSED)
            if closed:
                raise Unproven("the director does not let this console in: see `console`, and its Password there")
            raise Unproven(f"the director is away: {_last(printed.stderr if printed.stderr.strip() else said)}")
        answers = _answers(said, lines)
        for command, answer in zip(commands, answers, strict=True):
            if _REFUSED in answer:
                word = command.split()[0]
                raise Unproven(f"this console may not say `{word}`: add it to the CommandACL of its resource")
        return answers


def rows(answer: str) -> Iterator[Mapping[str, str]]:
    """The rows of `llist`: a line for each column, with an empty line after each row."""
    row: dict[str, str] = {}
    for line in (*answer.splitlines(), ""):
        match = _HEAD.fullmatch(line)
        if match:
            row[match[1]] = match[2]
        elif row:
            yield row
            row = {}


def refused(answer: str) -> str:
    """Why the director did not do what it was asked to, in its words."""
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    closed = [line for line in lines if any(word in line.casefold() for word in _CLOSED)]
    return printable((closed or lines or ["it says nothing"])[-1])[:200]


def quoted(text: str) -> str | None:
    """Text as one word of a command; None where it cannot be said."""
    if not text.isprintable() or '"' in text or "\\" in text or len(text) > LONGEST // 2:
        return None
    return f'"{text}"'


def _answers(said: str, commands: tuple[str, ...]) -> list[str]:
    lines, answers, at = said.splitlines(), [], 0
    begins: list[int] = []
    for command in commands:
        try:
            at = lines.index(command, at) + 1
        except ValueError as error:
            raise Unproven(f"the director's answer was cut short: {_last(said)}") from error
        begins.append(at)
    for begin, end in itertools.pairwise(begins):
        answers.append("\n".join(line for line in lines[begin : end - 1] if line != "You have messages."))
    return answers


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return printable(lines[-1])[:200] if lines else "it says nothing"
