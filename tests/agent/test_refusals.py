"""Refused log-ins that a file keeps: a command that is repeated tries no account into its lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.refusals import RefusalsError, forget, lockout_at
from checks.transports.fault import TransportFault
from config.estate import Credential

NOW = 1_800_000_000.0
READER = Credential("reader", "password", {"user": "ridgeway"})


def now() -> float:
    return NOW


async def log_in(path: Path, target: str, *, right: bool, more: dict[str, dict[str, float]] | None = None) -> None:
    """One command by hand, with a guard of its own."""
    async with lockout_at(path, now, more).trial(READER, target, asyncio.get_running_loop().time() + 5) as attempt:
        attempt.accepted() if right else attempt.refused()


async def test_what_one_command_was_refused_holds_back_the_next(tmp_path: Path) -> None:
    path = tmp_path / "state" / "refusals.json"
    for target in ("nas-1", "nas-2"):
        await log_in(path, target, right=False)

    with pytest.raises(TransportFault, match="was refused within the hour"):
        await log_in(path, "nas-3", right=True)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["refusals.json"]


async def test_a_mended_credential_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "refusals.json"
    for target in ("nas-1", "nas-2"):
        await log_in(path, target, right=False)

    assert forget(path, "reader")
    await log_in(path, "nas-3", right=True)

    assert not forget(path, "reader")


async def test_what_a_running_agent_was_refused_counts_too(tmp_path: Path) -> None:
    agent = {"reader": {"nas-1": NOW - 60, "nas-2": NOW - 30}}

    with pytest.raises(TransportFault):
        await log_in(tmp_path / "refusals.json", "nas-3", right=True, more=agent)


async def test_where_nothing_can_be_written_the_process_remembers(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    lockout = lockout_at(tmp_path / "file" / "refusals.json", now)
    for target in ("nas-1", "nas-2"):
        async with lockout.trial(READER, target, asyncio.get_running_loop().time() + 5) as attempt:
            attempt.refused()

    with pytest.raises(TransportFault):
        async with lockout.trial(READER, "nas-3", asyncio.get_running_loop().time() + 5):
            pass


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"a": {"b": "c"}}', "x" * 300_000])
def test_what_is_not_ours_is_refused_and_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "refusals.json"
    path.write_text(text)

    with pytest.raises(RefusalsError, match=r"refusals\.json is not what Ridgeway wrote there .* delete it"):
        lockout_at(path, now)
