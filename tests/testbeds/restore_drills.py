"""Real repositories of restic and borg that hold a canary, to be damaged, and drills of them in a place in memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.restore_drills import canary
from agent.restore_drills.drill import Drilled, Means, Request, drilled
from agent.restore_drills.filing import filed, recalled, with_restores, with_verification
from agent.restore_drills.options.tools import BorgDrill, ResticDrill
from agent.restore_drills.plan import Plan
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verify import Verified, verified
from checks.backup.proofs import DrillState
from testbeds.peers import need


def nothing_shown(_what: str, _done: int, _whole: int) -> None:
    """For drills that nobody looks at."""


def outcomes(done: Drilled) -> dict[str, str]:
    """What came of each restore, by what was restored."""
    return {one.by.removesuffix(" ben"): one.outcome for one in done.records}


def words(done: Drilled) -> str:
    return " | ".join(one.message for one in done.records)


@contextlib.contextmanager
def memory() -> Iterator[Path]:
    """A directory in memory, removed at the end."""
    made = Path(tempfile.mkdtemp(prefix="ridgeway-test-", dir="/dev/shm"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@dataclass
class Lab:
    """A repository of one product below a folder, of one source with a canary."""

    product: str
    home: Path
    scratch: Path
    more: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def source(self) -> Path:
        return self.home / "source"

    @property
    def canary(self) -> Path:
        return self.source / "canary"

    @property
    def repository(self) -> Path:
        return self.home / "repository"

    @property
    def password(self) -> Path:
        return self.home / "password"

    @property
    def proofs(self) -> Path:
        return self.home / "proofs"

    @property
    def patience(self) -> str:
        """As long as is waited: restic before 0.17 asks 43 s for a pack that is not there, borg is only slow."""
        return {"restic": "6s", "borg": "60s"}[self.product]

    def made(self) -> Lab:
        """With a source of a canary and four files, and an empty repository."""
        self.source.mkdir(parents=True)
        self.proofs.mkdir()
        self.password.write_text("a passphrase of the test\n")
        self.password.chmod(0o600)
        chance = random.Random(7)
        for number, size in enumerate((900, 20_000, 300_000, 2_000_000)):
            (self.source / f"file{number}").write_bytes(chance.randbytes(size))
        self.plant()
        arguments = ("init",) if self.product == "restic" else ("init", "--encryption", "repokey", self._repository())
        assert self.tool(*arguments).returncode == 0
        return self

    def moved(self, home: Path, scratch: Path) -> Lab:
        """A copy that may be damaged, under paths of its own; its backups still know the source by its old one."""
        shutil.copytree(self.home, home, symlinks=True)
        return Lab(self.product, home, scratch, {"source": str(self.source), **self.more})

    def plant(self, age: float = 0.0) -> None:
        canary.plant(self.canary, time.time() - age)

    def backup(self, name: str = "ben-2026-11-30") -> None:
        if self.product == "restic":
            done = self.tool("backup", "--host", "srv-ben", str(self.source))
        else:
            done = self.tool("create", f"{self._repository()}::{name}", str(self.source))
        assert done.returncode == 0, done.stderr

    def tool(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        if self.product == "restic":
            line = ["--repo", self._repository(), "--password-file", str(self.password), "--no-cache", *arguments]
        else:
            line = [*arguments]
        environment = os.environ | {
            "BORG_BASE_DIR": str(self.home / "base"),
            "BORG_PASSCOMMAND": f"cat {self.password}",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        return subprocess.run(
            [need(self.product), *line], capture_output=True, text=True, timeout=seconds, check=False, env=environment
        )

    def listed(self) -> bool:
        """Whether the product lists its points as if nothing were wrong."""
        arguments = ("snapshots", "--no-lock") if self.product == "restic" else (
            "--bypass-lock", "list", self._repository())  # fmt: skip
        done = self.tool(*arguments)
        return done.returncode == 0 and ("srv-ben" in done.stdout or "ben-2026" in done.stdout)

    def cheap_check(self) -> bool:
        """Whether the product's own check that reads no data finds nothing."""
        arguments = ("check", "--no-lock") if self.product == "restic" else (
            "--bypass-lock", "check", "--archives-only", self._repository())  # fmt: skip
        return self.tool(*arguments).returncode == 0

    def options(self, **more: Any) -> ResticDrill | BorgDrill:
        said = {"proofs": "/proofs", "scratch": "/scratch", "drills": {"ben": self.said(**more)}}
        found = Plan.model_validate(said).drills["ben"]
        assert isinstance(found, ResticDrill | BorgDrill)
        return found

    def said(self, **more: Any) -> dict[str, Any]:
        """The drill as its file says it."""
        source = Path(self.more.get("source", self.source))
        of = {"restic": "srv-ben:*", "borg": "*:ben"}[self.product]
        password = {"restic": "password_file", "borg": "passphrase_file"}[self.product]
        said = {
            "object": "ben", "product": self.product, "of": of, "repository": self._repository(),
            password: f"file:{self.password}", "canary": {"path": str(source / "canary"), "max_age": "26h"},
            "samples": {"under": str(source), "count": 5, "live": True},
            "verify": {"parts": 2, "max_time": self.patience}, "max_size": "40 MiB",
        }  # fmt: skip
        return {**said, **more}

    def place(self) -> Scratch:
        return Scratch(self.scratch, [self.repository, self.source])

    def state(self) -> DrillState:
        return recalled(self.proofs, "ben", time.time()).drills.get("ben", DrillState())

    def drill(self, rehearsal: bool = False, now: float = 0.0, seed: int = 1, **more: Any) -> Drilled:
        """One drill, whose result is filed."""
        request = Request("ben", self.options(**more), self.state(), "CHG-7", rehearsal)
        means = Means(self.place(), lambda: now or time.time(), nothing_shown, self.notes.append, random.Random(seed))
        done = drilled(request, means)
        filed(self.proofs, "ben", now or time.time(), lambda one: with_restores(one, "ben", done.state, done.records))
        return done

    def verify(self, whole: bool = False, **more: Any) -> Verified:
        """One verification, whose result is filed."""
        done = verified(self.options(**more), self.state(), whole, self.place(), time.time, nothing_shown)
        filed(self.proofs, "ben", time.time(), lambda one: with_verification(one, "ben", done.state, done.record))
        return done

    def largest_pack(self) -> Path:
        """The file that holds most of the data."""
        packs = [path for path in (self.repository / "data").rglob("*") if path.is_file()]
        return max(packs, key=lambda path: path.stat().st_size)

    def content(self) -> dict[str, str]:
        """Every file of the repository, with its digest."""
        files = [path for path in self.repository.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def flip(self) -> None:
        """Change one byte in the middle of the data."""
        pack = self.largest_pack()
        pack.chmod(0o600)
        octets = bytearray(pack.read_bytes())
        octets[len(octets) // 2] ^= 0xFF
        pack.write_bytes(octets)

    def _repository(self) -> str:
        return str(self.repository)
