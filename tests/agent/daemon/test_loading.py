"""Against the real reader process, and against processes that are none."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from agent.cli.estate import kinds
from agent.cli.reader import answer
from agent.daemon.loading import Loader, LoadError
from agent.parcel import Mark, problems_of
from config.estate import Estate
from config.load import load_estate
from config.problems import EstateError
from testbeds.small_estates import services


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "estate.yaml"
    made.write_text(services({"web": 80, "mail": 25}))
    return made


@pytest.fixture
def before(path: Path) -> Estate:
    return load_estate(path, *kinds())


@pytest.fixture
async def new_loader(path: Path) -> AsyncIterator[Callable[..., Loader]]:
    made: list[Loader] = []

    def make(**settings: object) -> Loader:
        made.append(Loader(path, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for loader in made:
        await loader.close()


async def test_a_changed_file_is_read_and_what_did_not_change_is_the_same(
    new_loader: Callable[..., Loader], path: Path, before: Estate
) -> None:
    load = new_loader()
    path.write_text(services({"web": 80, "mail": 26}))

    after = await load(before)
    again = await load(after)

    assert after.revision != before.revision
    assert after.targets["web"] is before.targets["web"]
    assert after.targets["mail"].checks[0].id == "mail/tcp"
    assert again.targets["mail"] is after.targets["mail"]


async def test_what_is_wrong_is_said_as_the_loader_says_it(
    new_loader: Callable[..., Loader], path: Path, before: Estate
) -> None:
    path.write_text(services({"web": 80}).replace("site: forum, checks", "site: form, checks"))
    with pytest.raises(EstateError) as ours:
        load_estate(path, *kinds())

    with pytest.raises(EstateError) as theirs:
        await new_loader()(before)

    assert str(theirs.value) == str(ours.value)


async def test_another_file_may_be_read_for_a_plan(
    new_loader: Callable[..., Loader], tmp_path: Path, before: Estate
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(services({"web": 81}))

    assert list((await new_loader()(before, other)).targets) == ["web"]


async def test_a_reader_that_nobody_asks_is_let_go_and_another_one_comes(
    new_loader: Callable[..., Loader], before: Estate
) -> None:
    load = new_loader(idle=0.0)
    own = psutil.Process()
    await load(before)
    async with asyncio.timeout(20):
        while any("agent.cli.reader" in " ".join(child.cmdline()) for child in own.children() if child.is_running()):
            await asyncio.sleep(0.02)

    assert (await load(before)).revision == before.revision


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit(1)", "ended in the middle"),
        ("print('good day', flush=True); input()", "no piece of an estate"),
        ("import sys; sys.stdout.write('h\\0\\0\\0\\1' + '0'); sys.stdout.flush(); input()", "Version 0 is installed"),
        ("import sys; sys.stdout.buffer.write(b'h' + b'\\xff' * 4); sys.stdout.flush(); input()", "octets"),
    ],
)
async def test_a_process_that_is_no_reader_of_ours_is_an_error_that_says_what_to_do(
    new_loader: Callable[..., Loader], before: Estate, program: str, why: str
) -> None:
    with pytest.raises(LoadError, match=why) as caught:
        await new_loader(command=(sys.executable, "-c", program))(before)

    assert "restart the agent" in str(caught.value)


async def test_a_reader_that_hangs_is_ended(new_loader: Callable[..., Loader], before: Estate) -> None:
    load = new_loader(command=(sys.executable, "-c", "input()"), within=0.3)

    with pytest.raises(LoadError, match="was not read within"):
        await load(before)


def test_a_file_that_changes_while_it_is_read_is_not_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_on(_seconds: float) -> None:
        path.write_text(services({"web": 80}))

    monkeypatch.setattr("agent.cli.reader.time.sleep", write_on)

    first, last = answer(path, *kinds())

    assert "changed while it was read" in problems_of(first)[0].message
    assert last.mark is Mark.END


def test_a_file_that_is_gone_is_a_problem_as_any_other(path: Path) -> None:
    os.unlink(path)

    first, _ = answer(path, *kinds())

    assert "cannot be read" in problems_of(first)[0].message
