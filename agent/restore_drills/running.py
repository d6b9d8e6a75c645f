"""Runs a product's own tool for a drill: in its room, within its time, and never for more than it may write.

The tool gets a bare environment, no shell and no terminal, dies with the drill (PR_SET_PDEATHSIG), and may write no
file larger than the drill's cap. What lies in the room is counted while it runs.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agent.restore_drills.scratch import Room
from agent.restore_drills.verdict import Unproven
from checks.backup.tools import DIRECTORIES, Output
from checks.launcher.proc import PDEATHSIG, prctl
from checks.printable import printable
from config.secrets import SecretError, SecretReference

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""
_LOOK = 0.05
"""Seconds between two looks at a tool."""
_COUNT = 0.25
"""Seconds between two countings of what it wrote."""
_LARGEST_ANSWER = 64 * 1024 * 1024
_LAST_WORDS = 64 * 1024
_GRACE = 6.0
"""Seconds to end in when asked politely; PostgreSQL takes up to 5 to end its processes by force."""
_AFTERWARDS = 30.0
_PROGRAMS = (*DIRECTORIES, *map(Path, ("/bin", "/usr/sbin", "/usr/local/sbin", "/opt/bacula/bin")))
"""Where the tools are."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a tool did."""

    file: Path
    """Its standard output."""
    stderr: str
    """Its last words."""
    status: int
    seconds: float
    overdue: bool = False
    """It was ended because its time was over."""

    @property
    def last_line(self) -> str:
        """What it said at last, for a person."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return printable(lines[-1])[:200] if lines else ""

    def output(self, where: str) -> Output:
        """As readers of products take it. Raises Unproven where it is too much."""
        if self.file.stat().st_size > _LARGEST_ANSWER:
            raise Unproven(f"{where} prints more than {_LARGEST_ANSWER // 1024**2} MiB")
        return Output(self.file.read_text(encoding="utf-8", errors="replace"), self.stderr, self.status, where)


@dataclass(frozen=True, slots=True)
class Started:
    """A tool that runs, and where what it prints goes."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it ends within some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.returncode is not None

    @property
    def said(self) -> str:
        """Its last words until now."""
        return _tail(self.err)

    @property
    def printed(self) -> str:
        """The end of its standard output until now."""
        return _tail(self.out)


@dataclass(slots=True)
class Runner:
    """Runs the tools of one drill."""

    room: Room
    largest: int
    until: float
    """Monotonic time at which all of the drill must be over."""
    progress: Progress
    secrets: Mapping[str, SecretReference] = field(default_factory=dict)
    _count: int = 0
    _lifted: bool = False

    def run(
        self,
        what: str,
        tool: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        inside: Path | None = None,
        most: float | None = None,
        told: bytes = b"",
    ) -> Printed:
        """The tool, run to its end or to the end of its time (`most` seconds of it, if less). Raises Unproven.

        `told`: its standard input.
        """
        begun = time.monotonic()
        until = min(self.until, begun + most) if most is not None else self.until
        with self.beside(tool, arguments, environment, inside, told=told) as started:
            overdue = self.wait(what, started.ended, until)
        return Printed(started.out, started.said, started.process.returncode, time.monotonic() - begun, overdue)

    @contextlib.contextmanager
    def beside(
        self,
        tool: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        inside: Path | None = None,
        end: signal.Signals = signal.SIGTERM,
        orphan: signal.Signals = signal.SIGKILL,
        told: bytes = b"",
    ) -> Iterator[Started]:
        """The tool, running until the end of the block, where it is ended with all that it started. Raises Unproven.

        `end` asks it politely to end; `orphan` is what it gets where the drill is killed; `told` is its standard input.
        """
        program = _program(tool)
        self._count += 1
        out, err, given = (self.room.aside / f"{self._count}.{name}" for name in ("out", "err", "in"))
        given.write_bytes(told)
        with out.open("xb") as stdout, err.open("xb") as stderr, given.open("rb") as stdin:
            process = subprocess.Popen(
                [program, *arguments], stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
                cwd=inside or self.room.aside, env=self._environment(environment or {}),
                preexec_fn=partial(_die_with_us, orphan),
            )  # fmt: skip
            try:
                given.unlink()
                self._bound(process.pid)
                yield Started(process, out, err)
            finally:
                _end(process, end)

    @contextlib.contextmanager
    def more_time(self) -> Iterator[None]:
        """Let what explains or ends a failure still be asked, where the failure took all the time or room."""
        before, lifted = self.until, self._lifted
        self.until, self._lifted = max(before, time.monotonic() + _AFTERWARDS), True
        try:
            yield
        finally:
            self.until, self._lifted = before, lifted

    def count(self, what: str) -> None:
        """Show how much lies in the room. Raises Unproven where that is more than the drill may take."""
        octets = self.room.octets()
        self.progress(what, octets, 0)
        if octets > self.largest and not self._lifted:
            raise Unproven(f"{what}: more than `max_size` ({self.largest / 1024**2:.0f} MiB) came; raise it")

    def wait(self, what: str, over: Callable[[float], bool], until: float | None = None) -> bool:
        """Wait until `over`, which is given some seconds to look; True if the time was over first. Raises Unproven."""
        counted = 0.0
        while not over(_LOOK):
            now = time.monotonic()
            if now >= (self.until if until is None else until):
                return True
            if now >= counted + _COUNT:
                counted = now
                self.count(what)
        return False

    def _bound(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (self.largest, self.largest))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        try:
            given = {name: reference.resolve().reveal() for name, reference in self.secrets.items()}
        except SecretError as error:
            raise Unproven(f"the credential cannot be had: {error}") from error
        home = os.environ.get("HOME", "/")
        plain = {"PATH": ":".join(map(str, DIRECTORIES)) + ":/bin", "HOME": home, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        return {**plain, "TMPDIR": str(self.room.aside), **given, **more}


def secret_path(reference: SecretReference) -> str:
    """The file that holds a secret, for a tool that reads it itself; seen to be there first. Raises Unproven."""
    try:
        reference.resolve()
    except SecretError as error:
        raise Unproven(f"the credential cannot be had: {error}") from error
    if reference.scheme == "credential":
        return str(Path(os.environ["CREDENTIALS_DIRECTORY"]) / reference.place)
    return reference.place


def _program(name: str) -> str:
    if name.startswith("/") and os.access(name, os.X_OK):
        return name
    for directory in _PROGRAMS:
        if os.access(directory / name, os.X_OK):
            return str(directory / name)
    raise Unproven(f"{name} is not installed on this machine")


def _die_with_us(how: signal.Signals) -> None:
    """In the child, before it is the tool. Not setpriv(1): it needs capset(2), which the unit's sandbox refuses."""
    prctl(PDEATHSIG, how)


def _end(process: subprocess.Popen[bytes], politely: signal.Signals) -> None:
    """End it with everything it started: politely, so that it lets go of locks, then by force."""
    for how in (politely, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _tail(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _LAST_WORDS))
        return opened.read(_LAST_WORDS).decode("utf-8", "replace")
