"""Archives of tar(1) as "another product": its commands are the shell script of docs/restore-drills.md."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

from agent.restore_drills import canary
from agent.restore_drills.drill import Drilled, Means, Request, drilled
from agent.restore_drills.options.tools import CommandDrill
from agent.restore_drills.plan import Plan
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verify import Verified, verified
from checks.backup.proofs import DrillState
from testbeds.restore_drills import nothing_shown

_PAGE = Path(__file__).parents[2] / "docs/restore-drills.md"
SCRIPT = next(block for block in _PAGE.read_text().split("```") if block.startswith("sh\n#!/bin/sh")).removeprefix(
    "sh\n"
)


class OtherProduct:
    """A directory of archives below `home`, drilled in `scratch`."""

    def __init__(self, home: Path, scratch: Path, script: str = SCRIPT) -> None:
        self.home, self.scratch = home, scratch
        self.source, self.repository, self.script = home / "source", home / "archives", home / "drill-tar"
        self.notes: list[str] = []
        for path in (self.source, self.repository):
            path.mkdir(parents=True)
        self.script.write_text(script)
        self.script.chmod(0o755)

    def backup(self, name: str = "ben-1.tar.gz") -> Path:
        """An archive of a canary and three files."""
        chance = random.Random(7)
        for number, size in enumerate((900, 20_000, 300_000)):
            (self.source / f"file {number}").write_bytes(chance.randbytes(size))
        canary.plant(self.source / "canary", time.time())
        archive = self.repository / name
        subprocess.run(["tar", "-czf", archive, "-C", "/", str(self.source).lstrip("/")], check=True, timeout=30)
        digest = subprocess.run(["sha256sum", name], cwd=self.repository, check=True, capture_output=True, timeout=30)
        archive.with_name(f"{name}.sha256").write_bytes(digest.stdout)
        return archive

    def options(self, **more: Any) -> CommandDrill:
        said = {"proofs": "/none", "scratch": str(self.scratch), "drills": {"ben": self.said(**more)}}
        found = Plan.model_validate(said).drills["ben"]
        assert isinstance(found, CommandDrill)
        return found

    def said(self, **more: Any) -> dict[str, Any]:
        line = [str(self.script)]
        said: dict[str, Any] = {
            "object": "ben", "product": "command", "called": "tar", "of": "ben", "repository": str(self.repository),
            "commands": dict.fromkeys(("points", "restore", "files", "verify"), line),
            "canary": {"path": f"{self.source}/canary", "max_age": "26h"},
            "samples": {"under": str(self.source), "count": 3}, "verify": {"parts": 1},
            "max_size": "20 MiB", "max_time": "20s",
        }  # fmt: skip
        return {**said, **more}

    def drill(self, **more: Any) -> Drilled:
        request = Request("ben", self.options(**more), DrillState(), "CHG-7")
        means = Means(self._place(), time.time, nothing_shown, self.notes.append, random.Random(1))
        return drilled(request, means)

    def verify(self, **more: Any) -> Verified:
        return verified(self.options(**more), DrillState(), False, self._place(), time.time, nothing_shown)

    def _place(self) -> Scratch:
        return Scratch(self.scratch, [self.home])
