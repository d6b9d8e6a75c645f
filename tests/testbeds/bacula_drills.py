"""Restore drills of a real Bacula, by a console that may do no more than that, in a place in memory."""

from __future__ import annotations

import contextlib
import random
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.restore_drills import canary, running
from agent.restore_drills.drill import Drilled, Means, Request, drilled
from agent.restore_drills.options.tools import BaculaDrill
from agent.restore_drills.plan import Plan
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verify import Verified, verified
from checks.backup.proofs import DrillState
from testbeds.bacula import Bacula, environment
from testbeds.peers import need
from testbeds.restore_drills import nothing_shown


class BaculaLab:
    """One Bacula with a Full and an Incremental of a source with a canary."""

    def __init__(self, home: Path, scratch: Path) -> None:
        self.scratch, self.home = scratch, home
        self.bacula = Bacula(home, drills=scratch / "drill-room/restored")
        self.notes: list[str] = []
        chance = random.Random(7)
        (self.source / "of people").mkdir()
        for name, size in (("small", 900), ("of people/a letter", 20_000), ("large", 2_000_000)):
            (self.source / name).write_bytes(chance.randbytes(size))
        canary.plant(self.source / "canary", time.time())
        self.jobs = [self.bacula.run("nightly")]
        canary.plant(self.source / "canary", time.time())
        self.jobs.append(self.bacula.run("nightly", "level=Incremental"))

    @property
    def source(self) -> Path:
        return self.bacula.source

    def options(self, **more: Any) -> BaculaDrill:
        plan = Plan.model_validate(
            {"proofs": "/none", "scratch": str(self.scratch), "drills": {"ben": self.said(**more)}}
        )
        found = plan.drills["ben"]
        assert isinstance(found, BaculaDrill)
        return found

    def said(self, **more: Any) -> dict[str, Any]:
        said: dict[str, Any] = {
            "object": "ben", "product": "bacula", "of": "lab-fd:Ledger", "repository": "Default",
            "director": "lab-dir", "console": f"file:{self.home}/drill.conf", "client": "drill-fd",
            "file_daemon": f"file:{self.home}/drill-fd.conf", "listen": f"127.0.0.1:{self.bacula.drill_port}",
            "restore_job": "drill-restore",
            "canary": {"path": f"{self.source}/canary", "max_age": "26h"},
            "samples": {"under": str(self.source), "count": 3},
            "verify": {"job": "drill-verify", "console": f"file:{self.home}/verify.conf", "max_time": "1m"},
            "max_size": "40 MiB", "max_time": "1m",
        }  # fmt: skip
        return {**said, **more}

    def drill(self, now: float = 0.0, **more: Any) -> Drilled:
        request = Request("ben", self.options(**more), DrillState(), "CHG-7")
        means = Means(self.place(), lambda: now or time.time(), nothing_shown, self.notes.append, random.Random(1))
        return drilled(request, means)

    def verify(self, **more: Any) -> Verified:
        return verified(self.options(**more), DrillState(), False, self.place(), time.time, nothing_shown)

    def place(self) -> Scratch:
        return Scratch(self.scratch, [self.home])

    def running(self) -> list[str]:
        """Jobs that are not over, by the catalogue."""
        return [
            name for name, status in self.bacula.rows("SELECT name, jobstatus FROM job") if status not in "TWEefADI"
        ]


def programs(home: Path) -> Path:
    """A directory with Bacula's programs, which find their libraries where they were unpacked."""
    home.mkdir()
    libraries = environment()["LD_LIBRARY_PATH"]
    for name in ("bconsole", "bacula-fd"):
        line = f'exec env LD_LIBRARY_PATH={shlex.quote(libraries)} {shlex.quote(str(need(name)))} "$@"'
        (home / name).write_text(f"#!/bin/sh\n{line}\n")
        (home / name).chmod(0o755)
    return home


@contextlib.contextmanager
def found_in(directory: Path) -> Iterator[None]:
    """Tools are looked for in that directory first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_PROGRAMS", (directory, *running._PROGRAMS))
        yield
