"""What holds the demo's backups: which one a machine gets and why, and the one that is simulated, as the agent sees it.

The real restic plays in tests/acceptance/test_demo.py.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.demo import vault
from agent.demo.portal import Authority
from agent.demo.vault import HOST, OBJECT, NoRestic, found_restic, place_in_memory
from agent.demo.veeam_vault import VeeamVault
from checks.contract import State
from checks.transports import Transports
from config.estate import Credential
from testbeds.by_backup import BackupWatch, Told
from testbeds.planted import Planter


async def test_the_simulated_server_s_jobs_succeed_while_surebackup_fails(
    tmp_path: Path, transports: Transports, planted: Planter
) -> None:
    authority = Authority("Authority of a test")
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(authority.pem)
    played = VeeamVault(("127.0.0.1", 0), "ridgeway", "word", authority, tmp_path, trusted)
    await played.start()
    by = [{"product": "nightly", "object": f"{HOST}*"}]
    objects = {OBJECT: {"owner": "Head of Revenues", "rpo": "26h", "by": by}}
    access = {"http": Credential("login", "password", {"user": "ridgeway", "password": "word"})}
    watched = BackupWatch(transports, {"products": {"nightly": played.options}, "objects": objects}, 0.0, access)

    polls: list[Told] = []

    async def bad() -> dict[str, State]:
        watched.now = time.time()
        polls.append(await watched.run())
        return polls[-1].bad

    try:
        sound = [await bad(), await played.drill(), await bad(), await played.listed()]
        played.damage()
        damaged = [await bad(), await played.drill(), await bad(), await played.listed()]
        played.mend()
        mended = [await played.drill(), await bad()]
    finally:
        played.stop()

    started = f"SureBackup starts {HOST} from its backup"
    listed = "Veeam lists 14 nights of its job, 14 of them with Success"
    found = {f"backup/restored/{OBJECT}": State.CRITICAL}
    assert sound == [{}, f"{started}: Success", {}, listed]
    assert damaged == [{}, f"{started}: Failed", found, listed]
    assert mended == [f"{started}: Success", {}]
    planted("a restore that failed", "Veeam").seen(polls[3])


def test_without_restic_on_the_path_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoRestic, match="restic is not installed"):
        found_restic()


def test_a_restic_where_the_agent_does_not_look_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "restic").write_text("#!/bin/sh\n")
    (tmp_path / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoRestic, match="is not where the agent looks for it"):
        found_restic()


@pytest.mark.parametrize("version", ["restic 0.12.1 compiled with go1.16", "another program"])
def test_a_restic_that_is_too_old_is_none(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "restic").write_text(f"#!/bin/sh\necho {version}\n")
    (tmp_path / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(vault, "DIRECTORIES", (tmp_path,))

    with pytest.raises(NoRestic, match=r"is older than 0\.14"):
        found_restic()


def test_a_machine_without_a_place_in_memory_has_no_drills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "in_memory", lambda _path: False)

    with pytest.raises(NoRestic, match="a drill restores into memory"):
        place_in_memory()
