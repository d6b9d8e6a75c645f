"""What `make test` makes of failures: asked once more, alone, told, and never forgiven if it fails again."""

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("suite.sh").resolve()
PYTEST = Path(sys.executable).with_name("pytest")

STEADY = "def test_steady():\n    pass\n"
COMPILED = "import sys\n\ndef test_compiled():\n    assert not sys.dont_write_bytecode\n"
BROKEN = "def test_broken():\n    assert not 'broken'\n"
UNSTEADY = """
from pathlib import Path

def test_unsteady():
    been = Path("been")
    again = been.exists()
    been.touch()
    assert again
"""


def run(home: Path, **files: str) -> "subprocess.CompletedProcess[str]":
    for name, text in files.items():
        (home / f"test_{name}.py").write_text(text)
    return subprocess.run([SUITE, PYTEST, "-q"], cwd=home, capture_output=True, text=True, timeout=60, check=False)


def test_what_passes_is_asked_once(tmp_path: Path) -> None:
    done = run(tmp_path, steady=STEADY)

    assert done.returncode == 0
    assert "asking once more" not in done.stdout


def test_what_passes_only_when_asked_again_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, steady=STEADY, unsteady=UNSTEADY)

    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("UNSTEADY, passed only when asked alone:\ntest_unsteady.py::test_unsteady")


def test_bytecode_is_kept_where_the_surroundings_forbid_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    assert run(tmp_path, compiled=COMPILED).returncode == 0


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    done = run(tmp_path, broken=BROKEN, unsteady=UNSTEADY)

    assert done.returncode == 1
    assert "UNSTEADY" not in done.stdout


def test_many_failures_are_not_asked_again(tmp_path: Path) -> None:
    done = run(tmp_path, **{f"broken{number}": BROKEN for number in range(6)})

    assert done.returncode == 1
    assert "asking once more" not in done.stdout


def test_a_suite_that_cannot_be_read_is_not_asked_again(tmp_path: Path) -> None:
    done = run(tmp_path, steady="import nothing_of_that_name\n")

    assert done.returncode == 2
    assert "asking once more" not in done.stdout
