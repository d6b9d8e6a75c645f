"""Killed anywhere in the midst of a backup or a restore: the old or the new, never half."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from agent.cli import answer
from testbeds import killed_keeper
from testbeds.forked import forked, heard
from testbeds.keeping import Home

MOST = 400


def killed(number: int, *arguments: str, state: Path) -> tuple[bool, list[str]]:
    """Run a verb that dies before its act of this number; whether it did, and its acts."""
    environment = {**os.environ, "STATE_DIRECTORY": str(state)}
    process, hearing = forked(killed_keeper.keep, number, arguments, environment)
    acts = [str(act) for act in heard(hearing)]
    process.join(60)
    assert process.exitcode in (0, -9)
    return process.exitcode == -9, acts


TELLING = ("os.rename", "os.link", "commit")


def points(acts: list[str], most: int) -> list[int]:
    """Where to kill: before each act that makes the new one seen, after the last of them, and a spread of others."""
    telling = [number for number, act in enumerate(acts, 1) if act.startswith(TELLING)]
    step = max(1, len(acts) // most)
    return sorted({*telling, telling[-1] + 1, *range(1, len(acts) + 1, step)} & set(range(1, len(acts) + 1)))


@pytest.mark.acceptance
def test_a_backup_killed_anywhere_leaves_the_old_archive_or_the_new_one(simple: Home) -> None:
    simple.write(1)
    archive = simple.backup("kept.tar.gz")
    old = archive.read_bytes()
    simple.write(100)
    line = ("backup", "make", str(archive), "--config.file", str(simple.estate), "--ledger.url", simple.ledger)
    _, acts = killed(MOST, *line, state=simple.place)
    seen, left = set(), []
    archive.write_bytes(old)

    for number in points(acts, 5):
        died, _ = killed(number, *line, state=simple.place)
        now = archive.read_bytes()
        seen.add("old" if now == old else "new")
        assert answer(["backup", "verify", str(archive)]) == 0, (number, acts[number - 1])
        archive.write_bytes(old)
        assert died, (number, len(acts))
        for stage in simple.place.glob(".ridgeway-stage-*"):
            left.append(stage)
            shutil.rmtree(stage)  # or the next run would first be busy with it

    assert seen == {"old", "new"}, "it was killed before and after the rename"
    assert left, "killed ones leave a stage, which the next run removes (see test_backup_restore)"


def test_a_restore_killed_anywhere_leaves_the_old_ledger_or_the_new_one(home: Home) -> None:
    home.write(1)
    archive = home.backup()
    home.write(100)
    home.estate.write_text(home.estate.read_text() + "# later\n")
    later = home.backup("later.tar")
    line = ("restore", str(archive), "--yes", "--config.file", str(home.estate), "--ledger.url", home.ledger)
    _, acts = killed(MOST, *line, state=home.place)
    assert home.restore(later) == 0
    seen = set()

    for number in points(acts, 5):
        died, _ = killed(number, *line, state=home.place)
        assert died, (number, len(acts))
        with_later = len(home.incidents())
        seen.add((with_later, "# later" in home.estate.read_text()))
        assert with_later in (5, 10), (number, acts[number - 1])
        assert home.run("ledger", "verify") == 0, (number, acts[number - 1])
        assert answer(["validate", "--config.file", str(home.estate)]) == 0, (number, acts[number - 1])
        for stage in home.place.glob(".ridgeway-stage-*"):
            shutil.rmtree(stage)  # or the next run would first be busy with it
        if (with_later, "# later" in home.estate.read_text()) != (10, True):
            home.write(1_000 + number, 1)
            assert home.restore(later) == 0

    assert {(10, True), (5, True)} <= seen, f"it was killed before and after the ledger was replaced: {seen}"
