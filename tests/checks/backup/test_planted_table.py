"""The table of planted faults itself: a whole run that leaves a cell empty fails, a part of one does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checks.contract import Assessment, Finding, State
from testbeds import planted
from testbeds.planted import UNPROVEN, Planting, declared_of, looks, row, unproven

TESTS = Path(__file__).parents[2]
FAULTS = {"none": {"rules": "nothing"}, "rust": {"rules": "lock critical", "restic": "nothing; drill"}}
SUITE = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from testbeds import planted as table
from testbeds.planted import planted, pytest_sessionfinish, pytest_terminal_summary
table.FAULTS = {FAULTS!r}
"""
CASES = """
from checks.contract import Assessment, Finding, State

def found(state):
    return Assessment((Finding("backup/lock/it/main", state, "."),))

def test_sound(planted):
    planted("none", "rules").seen(found(State.OK))

def test_rust(planted):
    planted("rust", "rules").seen(found(State.CRITICAL))
    planted("rust", "restic").seen(found(State.OK))

def test_drill(planted):
    planted("rust", "restic").found_by("drill")
"""
WHOLE = {("none", "rules"): {"rules"}, ("rust", "rules"): {"rules"}, ("rust", "restic"): {"rules", "drill"}}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "FAULTS", FAULTS)


def run(folder: Path, cases: str, *arguments: str) -> tuple[int, str]:
    """A run of a suite of its own: its exit status, and what it printed."""
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = cases\n")
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "conftest.py").write_text(SUITE)
    (folder / "cases" / "test_it.py").write_text(cases)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.usefixtures("small")
def test_a_cell_is_proved_when_everything_that_it_names_was_seen() -> None:
    without_drill = WHOLE | {("rust", "restic"): {"rules"}}

    assert unproven(WHOLE) == []
    assert unproven(without_drill) == ["rust, restic: drill"]
    assert unproven(without_drill, lambda product: product != "restic") == []
    assert unproven({})[:2] == ["none, rules: rules", "rust, rules: rules"]


@pytest.mark.usefixtures("small")
def test_a_row_says_what_finds_it_and_where_nothing_does() -> None:
    assert row("none", ["rules"]) == "nothing, rightly: rules"
    assert row("rust", ["rules", "restic"]) == (
        "lock critical: rules · not by what the product tells; by drill: restic"
    )


def test_a_fault_of_the_table_that_nothing_finds_is_none() -> None:
    nowhere = [
        (fault, product)
        for fault, cells in planted.FAULTS.items()
        for product, cell in cells.items()
        if declared_of(cell) == ("nothing", ()) and fault not in planted.HARMLESS
    ]

    assert nowhere == []
    assert all(looks(cell) for cells in planted.FAULTS.values() for cell in cells.values())


@pytest.mark.usefixtures("small")
def test_a_fault_that_is_found_by_something_else_than_the_table_says_fails_its_test() -> None:
    planting = Planting("rust", "rules", [])

    with pytest.raises(AssertionError, match="found 'lock warning', declared 'lock critical'"):
        planting.seen(Assessment((Finding("backup/lock/it/main", State.WARNING, "."),)))
    with pytest.raises(AssertionError, match="drill is not declared"):
        planting.found_by("drill")


def test_a_whole_run_that_fills_the_table_prints_it(tmp_path: Path) -> None:
    status, printed = run(tmp_path, CASES)

    assert status == 0, printed
    assert "rust  lock critical: rules · not by what the product tells; by drill: restic" in printed
    assert "3 of 3 were planted in this run" in printed


def test_a_whole_run_that_leaves_a_cell_empty_fails_and_a_part_does_not(tmp_path: Path) -> None:
    cases = CASES.partition("def test_drill")[0]

    whole, said = run(tmp_path, cases)
    part, _ = run(tmp_path, cases, "-k", "rust")

    assert (whole, part) == (UNPROVEN, 0), said
    assert "NOT PROVED: rust, restic: drill" in said
