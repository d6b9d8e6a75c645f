"""The file of the drills: what is right, and one small mistake for each of its rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.cli import answer
from agent.restore_drills.plan import read_plan
from config.data_file import DataFileError

RIGHT = """\
proofs: /var/lib/ridgeway-proofs
scratch: /run/scratch
drills:
  benefits:
    object: benefits-database
    product: restic
    of: "srv-ben:/srv/data"
    repository: /srv/restic
    password_file: credential:restic-benefits
    canary: {path: /srv/data/.canary, max_age: 26h}
    environment: {AWS_ACCESS_KEY_ID: credential:key}
"""


def plan(directory: Path, text: str) -> Path:
    file = directory / "drills.yaml"
    file.write_text(text)
    return file


def test_a_right_file_is_read(tmp_path: Path) -> None:
    drill = read_plan(plan(tmp_path, RIGHT)).drills["benefits"]

    assert (drill.object, drill.max_size) == ("benefits-database", 1024**3)
    assert drill.sources == ("/srv/restic", "/srv/data/.canary")


def test_the_units_runtime_directory_is_the_scratch_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/ridgeway-drill/benefits")

    assert read_plan(plan(tmp_path, RIGHT.replace("scratch: /run/scratch\n", ""))).scratch == (
        "/run/ridgeway-drill/benefits"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("scratch: /run/scratch\n", "", "say where things are restored to"),
        ("/run/scratch", "run/scratch", "absolute path"),
        ("/run/scratch", "/run/../srv", "absolute path"),
        ("credential:restic-benefits", "hunter2", "a secret is written as"),
        ("credential:restic-benefits", "env:PASSWORD", "the tool reads it itself"),
        ("AWS_ACCESS_KEY_ID", "LD_PRELOAD", "pattern"),
        ("credential:key", "AKIA123", "a secret is written as"),
        ("    canary: {path: /srv/data/.canary, max_age: 26h}\n", "", "what it is to prove"),
        ("/srv/data/.canary", "/srv/data/a b", "letters, digits"),
        ("max_age: 26h", "max_age: 26", "say the unit"),
        ("product: restic", "product: tar", "does not match any of the expected tags"),
        ("repository: /srv/restic", "repository: --rm", "does not begin with a hyphen"),
        ("object:", "objekt:", "not a key that may stand here"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, right: str, wrong: str, why: str) -> None:
    assert right in RIGHT

    with pytest.raises(DataFileError) as refused:
        read_plan(plan(tmp_path, RIGHT.replace(right, wrong)))

    assert why in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_drill_that_needs_a_change_is_refused_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(tmp_path, RIGHT + "    change_required: true\n")

    ended = answer(["restore-drill", "run", "benefits", "--config", str(file)])

    assert ended == 2
    assert "--change" in capsys.readouterr().err


def test_a_drill_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = answer(["restore-drill", "run", "planning", "--config", str(plan(tmp_path, RIGHT))])

    assert ended == 2
    assert "there are benefits" in capsys.readouterr().err
