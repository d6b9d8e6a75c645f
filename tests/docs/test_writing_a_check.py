"""docs/writing-a-check.md followed to the letter: its package is installed, found, told by an estate, and run."""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from agent.once import overall, run_once
from checks.catalogue import GROUP, Catalogue, load_catalogue
from checks.contract import State
from checks.transports.lockout import Lockout
from config.load import load_estate

PAGE = (Path(__file__).parents[2] / "docs" / "writing-a-check.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's package, with the metadata that pip would write from the page's entry point."""
    package = tmp_path / "site" / "waiting_files"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "check.py").write_text(block("python"))
    ((group, points),) = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    told = tmp_path / "site" / "waiting_files-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: waiting-files\nVersion: 1\n")
    (told / "entry_points.txt").write_text(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "waiting_files"]:
        del sys.modules[name]


def catalogue() -> Catalogue:
    return load_catalogue(entry_points(group=GROUP))


async def judged(tmp_path: Path, folder: Path) -> tuple[State, str]:
    """State and words of one run, by an estate that says what the page says about this folder."""
    said = block("yaml").replace("/srv/fax/out", str(folder))
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: {name: test, vantage: here}\n"
        "councils: {dacorum: {title: Dacorum}}\n"
        "sites: {forum: {council: dacorum}}\n"
        "vantages: {here: {site: forum}}\n"
        "targets:\n  fax:\n    address: 127.0.0.1\n    site: forum\n" + textwrap.indent(said, "    ")
    )
    kinds = catalogue()
    estate = load_estate(path, kinds, {})
    results = await run_once(estate, estate.targets["fax"], frozenset({"waiting-files"}), kinds, Lockout())
    (finding,) = results[0].assessment.findings
    return overall(results), finding.summary


def test_the_plug_in_is_found_and_keeps_every_rule_of_the_contract(installed: None) -> None:
    found = catalogue()

    assert found.broken == ()
    assert found["waiting-files"].title == "Files that wait to be fetched"


@pytest.mark.parametrize(("files", "state"), [(0, State.OK), (9, State.OK), (10, State.WARNING), (50, State.CRITICAL)])
async def test_it_judges_what_waits(installed: None, tmp_path: Path, files: int, state: State) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.tif").touch()

    found = await judged(tmp_path, folder)

    assert found == (state, f"{files} files wait in {folder}; 50 are critical")


async def test_a_folder_that_cannot_be_read_is_unknown_and_not_empty(installed: None, tmp_path: Path) -> None:
    state, said = await judged(tmp_path, tmp_path / "away")

    assert state is State.UNKNOWN
    assert "No such file or directory" in said
