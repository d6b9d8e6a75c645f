"""Following a page of docs/ to the letter: its `sh` blocks typed into one shell, and what its `text` blocks promise."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbeds.apart import apart

DOCS = Path(__file__).parents[2] / "docs"
_PATIENCE = 90.0
_ENDED = "the block has ended with"


@dataclass(frozen=True)
class Step:
    """What is typed, and what of it must be seen; that may take a while, so it is typed again until it is."""

    typed: str
    seen: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """Every `sh` block of a page, with the lines of the `text` block that directly follows it."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    found = []
    for (kind, text), (next_kind, next_text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "sh":
            found.append(Step(text, tuple(next_text.splitlines()) if next_kind == "text" else ()))
    return found


class Shell:
    """One bash in a network of its own, in a directory in which `.venv` is."""

    def __init__(self, folder: Path, path: Sequence[Path] = ()) -> None:
        (folder / ".venv").symlink_to(sys.prefix)
        self._bash = subprocess.Popen(
            apart(["bash", "--noprofile", "--norc"]),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], *map(str, path)])},
            text=True,
            start_new_session=True,
        )

    def follow(self, step: Step) -> None:
        """Type a step until everything it promises is seen, or see that it succeeds where it promises nothing."""
        status, said = self.type(step.typed)
        end = time.monotonic() + _PATIENCE
        while not all(part in said for part in step.seen) and time.monotonic() < end:
            time.sleep(0.5)
            status, said = self.type(step.typed)
        assert all(part in said for part in step.seen), f"{step.typed}\nshould print {step.seen}, and printed\n{said}"
        assert step.seen or status == 0, f"{step.typed}\nended with {status} and printed\n{said}"

    def type(self, text: str) -> tuple[int, str]:
        """The exit status of a block's last command, and everything that was printed."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        self._bash.stdin.write(f"{text}\nprintf '\\n{_ENDED} %s\\n' $?\n")  # a page of JSON ends without a newline
        self._bash.stdin.flush()
        said = ""
        for line in self._bash.stdout:
            if line.startswith(_ENDED):
                return int(line.rpartition(" ")[2]), said
            said += line
        pytest.fail(f"the shell has ended: {said}")

    def close(self) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)  # and whatever a step that failed has left behind
        self._bash.communicate(timeout=10)


def shell_in(folder: Path, path: Sequence[Path] = ()) -> Iterator[Shell]:
    """For a fixture."""
    opened = Shell(folder, path)
    yield opened
    opened.close()
