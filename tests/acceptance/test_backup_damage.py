"""Real restic and borg, damaged in two ways: their lists stay green, whatever is damaged. What finds it, by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.transports import Transports
from testbeds.backup_damage import Tool, fails, found_by, largest
from testbeds.peers import need
from testbeds.planted import Planter

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


def source(home: Path) -> Path:
    made = home / "source"
    made.mkdir()
    for number in range(4):
        (made / str(number)).write_bytes(os.urandom(500_000))
    return made


async def test_restic(tmp_path: Path, transports: Transports, planted: Planter) -> None:
    repository, password = tmp_path / "repository", tmp_path / "password"
    password.write_text("word\n")
    restic = (need("restic"), "--repo", repository, "--password-file", password, "--no-cache")
    assert not fails(*restic, "init")
    assert not fails(*restic, "backup", "--host", "srv", source(tmp_path))
    said = {"product": "restic", "local": True, "repository": str(repository), "password_file": str(password)}
    tool = Tool(
        "restic", said, "srv:*", largest(repository / "data"),
        lambda: fails(*restic, "check"),
        # Not of a file that is not whole, for which restic 0.14 asks for most of a minute.
        lambda: not tool.check() and fails(*restic, "check", "--read-data"),
    )  # fmt: skip

    await found_by(tool, transports, planted)


async def test_borg(tmp_path: Path, transports: Transports, planted: Planter) -> None:
    repository, passphrase = tmp_path / "repository", tmp_path / "passphrase"
    passphrase.write_text("word\n")
    environment = {"BORG_BASE_DIR": str(tmp_path / "base"), "BORG_PASSCOMMAND": f"cat {passphrase}"}
    borg = need("borg")
    assert not fails(borg, "init", "--encryption", "repokey", repository, **environment)
    assert not fails(borg, "create", f"{repository}::ledger-2026-11-30", source(tmp_path), **environment)
    said = {"product": "borg", "local": True, "repository": str(repository), "passphrase_file": str(passphrase),
            "base_directory": str(tmp_path / "agent")}  # fmt: skip
    tool = Tool(
        "borg", said, "*:ledger", largest(repository / "data"),
        lambda: fails(borg, "check", "--archives-only", repository, **environment),
        lambda: fails(borg, "check", "--verify-data", repository, **environment),
    )  # fmt: skip

    # What describes the archives lies among their data: without that file they cannot even be listed.
    await found_by(tool, transports, planted)
