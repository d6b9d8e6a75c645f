"""Files are kept before they are removed, and count once whatever happens in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.daemon import dropping
from agent.daemon.dropping import Dropping
from agent.push.drop import Dropped
from agent.push.keeping import NotKept
from checks.transports.inbox import Ping

JOB = "backups/ben"


@dataclass
class Ledger:
    kept: list[Ping] = field(default_factory=list)
    full: bool = False

    async def keep(self, ping: Ping) -> None:
        if self.full:
            raise NotKept
        self.kept.append(ping)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / JOB
    made.mkdir(parents=True)
    (made / "r.success").write_text("done")
    return made


def made(folder: Path, ledger: Ledger, counted: list[str]) -> Dropping:
    now = (folder / "r.success").stat().st_ctime + 60
    return Dropping(folder.parent.parent, lambda: [JOB], lambda _word: None, ledger.keep, counted.append, lambda: now)


async def test_a_file_is_kept_and_then_gone(folder: Path) -> None:
    ledger, counted = Ledger(), list[str]()

    await made(folder, ledger, counted).look()

    assert [ping.rid for ping in ledger.kept] == ["r"]
    assert (list(folder.iterdir()), counted) == ([], ["taken"])


async def test_what_cannot_be_kept_stays(folder: Path) -> None:
    ledger, counted = Ledger(full=True), list[str]()
    taking = made(folder, ledger, counted)

    await taking.look()
    stays = [path.name for path in folder.iterdir()]
    ledger.full = False
    await taking.look()

    assert stays == ["r.success"]
    assert (list(folder.iterdir()), counted) == ([], ["not_kept", "taken"])


async def test_a_file_of_the_next_run_that_takes_the_name_meanwhile_is_not_lost(folder: Path) -> None:
    ledger, counted = Ledger(), list[str]()
    taking = made(folder, ledger, counted)
    keep = ledger.keep

    async def slowly(ping: Ping) -> None:
        if not ledger.kept:
            (folder / "r.part").write_text("failed")
            (folder / "r.part").replace(folder / "r.success")
        await keep(ping)

    taking._keep = slowly
    await taking.look()
    stays = [path.name for path in folder.iterdir()]
    await taking.look()

    assert stays == ["r.success"]
    assert [ping.log for ping in ledger.kept] == ["done", "failed"]
    assert list(folder.iterdir()) == []


async def test_what_cannot_be_removed_is_kept_once_and_told_of_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, counted = Ledger(), list[str]()
    taking = made(folder, ledger, counted)

    def refused(files: list[Dropped]) -> Mapping[str, str]:
        return {str(one.path): "it is taken, and cannot be removed: Operation not permitted" for one in files}

    with monkeypatch.context() as patched:
        patched.setattr(dropping, "_removed", refused)
        for _ in range(3):
            await taking.look()
    await taking.look()

    assert len(ledger.kept) == 1
    assert (counted, list(folder.iterdir())) == (["taken", "unfit"], [])
