"""The file of the drills: what is right, and one small mistake for each of its rules."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from agent.cli import answer
from agent.restore_drills.plan import read_plan
from config.data_file import DataFileError
from testbeds.bacula import COMMANDS

PAGE = (Path(__file__).parents[3] / "docs/restore-drills.md").read_text(encoding="utf-8")
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


EXAMPLES = {block["product"]: block["text"] for block in re.finditer(
    r"```yaml\n(?P<text>.*?product: (?P<product>[a-z]+)\n.*?)```", PAGE, re.DOTALL)}  # fmt: skip


@pytest.mark.parametrize("product", ["restic", "bacula", "command"])
def test_the_pages_plan_of_each_product_is_read(product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/ridgeway-drill/benefits")

    read = read_plan(plan(tmp_path, textwrap.dedent(EXAMPLES[product])))

    assert [one.product for one in read.drills.values()] == [product]


def test_the_pages_console_of_bacula_may_say_what_the_one_of_the_tests_may() -> None:
    said = re.search(r"CommandACL = (restore.*)", PAGE)

    assert said is not None
    assert said[1].split(", ") == list(COMMANDS)


@pytest.mark.parametrize(
    ("product", "right", "wrong", "why"),
    [
        ("bacula", "console: credential:bacula-console ", "console: hunter2 ", "a secret is written as"),
        ("bacula", "repository: Nightly ", 'repository: "a; b" ', "repository"),
        ("bacula", "10.20.0.7:9112", "10.20.0.7", "listen"),
        ("bacula", "{job: ridgeway-benefits-verify, console: credential:bacula-verify}", "{}", "job"),
        ("command", "points: [/usr/local/lib/ridgeway/drill-tar]", "points: [drill-tar]", "absolute path"),
        ("command", "points: [/usr/local/lib/ridgeway/drill-tar]", "points: drill-tar", "points"),
        ("command", "      files: [/usr/local/lib/ridgeway/drill-tar]     # for `samples`\n", "", "needs the command"),
        ("command", "      verify: [/usr/local/lib/ridgeway/drill-tar]    # for `verify`\n", "", "needs the command"),
        ("command", "BACKUP_KEY", "LD_PRELOAD", "pattern"),
    ],
)
def test_a_mistake_in_a_products_plan_is_refused_with_its_place(
    product: str, right: str, wrong: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/ridgeway-drill/benefits")
    text = textwrap.dedent(EXAMPLES[product])
    assert right in text

    with pytest.raises(DataFileError, match=why):
        read_plan(plan(tmp_path, text.replace(right, wrong)))


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
