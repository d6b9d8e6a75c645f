"""Any other product, by commands of one's own: what they are told, and what counts of what they say.

What was restored is judged here all the same: a command that says that all is well proves nothing by that. Exit status
65 (EX_DATAERR) says that data is damaged; every other one but 0 that nothing could be proved, 1 too, with which a
script ends for any reason.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agent.push.tail import tail
from agent.restore_drills.options.tools import CommandDrill, CommandLine
from agent.restore_drills.products import Point, StoredFile
from agent.restore_drills.running import Printed, Runner
from agent.restore_drills.verdict import Failed, Unproven
from checks.printable import printable
from config.secrets import SecretError

DAMAGED = 65
"""EX_DATAERR of sysexits.h."""
_LARGEST = 4 * 1024 * 1024
_MOST_POINTS = 50_000
_LONGEST_LINE = 16 * 1024
_LATEST = 1e11
Verb = Literal["points", "files", "restore", "verify"]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Point(_Told):
    id: Annotated[str, Field(min_length=1, max_length=200)]
    at: AwareDatetime


class _Points(_Told):
    points: Annotated[list[_Point], Field(max_length=_MOST_POINTS)]


class _File(_Told):
    path: Annotated[str, Field(max_length=4096, pattern=r"^/")]
    size: Annotated[int, Field(strict=True, ge=0, le=10**18)]
    mtime: Annotated[float, Field(ge=0, le=_LATEST, allow_inf_nan=False)] = 0.0


class Command:
    """A product known by its commands alone, in one drill."""

    parts = None

    def __init__(self, options: CommandDrill, runner: Runner) -> None:
        self._options = options
        self._run = runner
        self._restored: Sequence[str] = ()
        self._again: Path | None = None
        """Where the last restore's files lie a second time."""

    def points(self) -> list[Point]:
        printed = self._took(self._told("points", self._options.commands.points), "its list of points is damaged")
        if printed.file.stat().st_size > _LARGEST:
            raise Unproven(f"the command `points` printed more than {_LARGEST // 1024**2} MiB")
        try:
            told = _Points.model_validate_json(printed.file.read_bytes())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Unproven(f"the command `points` did not print what it must: {where}: {first['msg']}"[:300]) from error
        ours = {one.id: one.at.timestamp() for one in told.points if one.id.isprintable()}
        if not ours or len(ours) != len(told.points):
            raise Unproven("the command `points` names no point, one of them twice, or one that cannot be printed")
        return sorted((Point(id, at) for id, at in ours.items()), key=lambda point: point.at)

    def files(self, point: Point, under: str) -> Iterator[StoredFile]:
        line = self._options.commands.files
        assert line is not None  # a plan with samples has it
        told = {"RIDGEWAY_POINT": point.id, "RIDGEWAY_UNDER": under}
        printed = self._ended_well(self._told("files", line, told), "its list of files is damaged")
        with printed.file.open("rb") as lines:
            while octets := lines.readline(_LONGEST_LINE):
                try:
                    one = _File.model_validate_json(octets)
                except ValidationError as error:
                    raise Unproven("the command `files` printed a line that is not what it must be") from error
                if one.path.startswith(under.rstrip("/") + "/"):
                    yield StoredFile(one.path, one.size, one.mtime or math.inf)

    def restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        self._restored, self._again = paths, None
        return self._restore(point, paths, into)

    def read_again(self, point: Point, path: str) -> Path:
        """By a second restore: no other route is known."""
        if self._again is None:
            again = self._run.room.aside / "again"
            again.mkdir(mode=0o700, exist_ok=True)
            self._restore(point, self._restored, again)
            self._again = again
        return self._again / path.lstrip("/")

    def verify(self, part: int, parts: int, most: float) -> float:
        line = self._options.commands.verify
        assert line is not None  # a plan with `verify` has it
        told = {"RIDGEWAY_PART": str(part), "RIDGEWAY_PARTS": str(parts)}
        self._ended_well(self._told("verify", line, told, most=most), "its data is damaged")
        return 1 / parts

    def _restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        told = {"RIDGEWAY_POINT": point.id, "RIDGEWAY_INTO": str(into)}
        names = "".join(f"{path}\n" for path in paths)
        line = self._options.commands.restore
        return self._ended_well(self._told("restore", line, told, names, into), "the restore failed").seconds

    def _told(
        self,
        verb: Verb,
        line: CommandLine,
        more: Mapping[str, str] | None = None,
        names: str = "",
        inside: Path | None = None,
        most: float | None = None,
    ) -> Printed:
        environment = {
            "RIDGEWAY_VERB": verb,
            "RIDGEWAY_OF": self._options.of,
            "RIDGEWAY_REPOSITORY": self._options.repository,
            **({"CREDENTIALS_DIRECTORY": given} if (given := os.environ.get("CREDENTIALS_DIRECTORY")) else {}),
            **(more or {}),
        }
        what = f"{self._options.called}: {verb}"
        return self._run.run(what, line[0], line[1:], environment, inside, most, names.encode())

    def _ended_well(self, printed: Printed, what: str) -> Printed:
        """Raises Failed where it says that data is damaged, and its points are still told; else Unproven."""
        if printed.status == DAMAGED and not printed.overdue:
            with self._run.more_time():
                self.points()
        return self._took(printed, what)

    def _took(self, printed: Printed, what: str) -> Printed:
        if printed.overdue:
            raise Unproven(f"the command did not end within its time; raise `max_time` ({self._words(printed)})")
        if printed.status == DAMAGED:
            raise Failed(f"{what}: {self._words(printed)}")
        if printed.status != 0:
            raise Unproven(f"the command could not do it, exit status {printed.status}: {self._words(printed)}")
        return printed

    def _words(self, printed: Printed) -> str:
        """The last thing that it said on standard error, without what it must not say."""
        try:
            secrets = [one.resolve().reveal() for one in self._options.environment.values()]
        except SecretError:
            return "what it said cannot be masked any more"
        lines = [line.strip() for line in tail(printed.stderr.encode(), secrets).splitlines() if line.strip()]
        return printable(lines[-1])[:200] if lines else "it said nothing"
