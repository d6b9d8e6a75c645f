"""Drills of PostgreSQL clusters: what their plan may say, and the configuration by which a repository is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.cli import answer
from agent.restore_drills import canary
from agent.restore_drills.options.clusters import ClusterDrill
from agent.restore_drills.plan import read_plan
from agent.restore_drills.postgres import programs
from agent.restore_drills.products.pgbackrest import _look_at
from agent.restore_drills.verdict import Unproven
from config.data_file import DataFileError
from testbeds.database_drills import planting

PAGE = Path(__file__).resolve().parents[3] / "docs" / "restore-drills.md"
RIGHT = """\
proofs: /var/lib/ridgeway-proofs
scratch: /run/scratch
drills:
  ledger:
    object: finance-ledger
    product: barman
    of: main
    repository: /var/lib/barman
    canary: {database: finance, table: ridgeway_canary, max_age: 26h}
    database: {tables: [{database: finance, table: ledger.invoice, rows: 1000}]}
"""


def plan(directory: Path, text: str) -> Path:
    file = directory / "drills.yaml"
    file.write_text(text)
    return file


def test_the_plans_of_the_page_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    plans = [re.sub(r"^   ", "", one, flags=re.MULTILINE) if one.startswith("   ") else one for one in blocks]

    drills = [
        drill for one in plans for drill in read_plan(plan(tmp_path, one + "scratch: /run/scratch\n")).drills.values()
    ]

    assert {one.product for one in drills} == {"restic", "bacula", "command", "pgbackrest", "barman"}
    assert all(one.hands for one in drills)


def test_the_canary_of_the_page_is_a_canary_by_its_form() -> None:
    said = planting()

    begins = re.search(r"format\(E'(.*?)'", said)
    assert begins is not None
    made = canary.written("0" * 32, 0.0).decode().splitlines()
    assert begins[1].replace("\\n", "\n").splitlines()[0] == made[0]
    assert [line.partition(":")[0] for line in made[1:]] == ["nonce", "at", "sha256"]


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("of: main", "of: 'main; rm'", "letters, digits"),
        ("repository: /var/lib/barman", "repository: barman", "absolute path"),
        ("table: ridgeway_canary", "table: 'a\"; DROP TABLE b'", "pattern"),
        ("table: ledger.invoice", "table: a.b.c", "pattern"),
        ("database: finance, table: ridgeway_canary", "database: 'host=db', table: ridgeway_canary", "pattern"),
        ("rows: 1000", "rows: 0", "greater than or equal to 1"),
        ("    of: main\n", "    of: main\n    replay: false\n    back: 2h\n", "leave `replay: false` out"),
        ("    of: main\n", "    of: main\n    config: /etc/barman.conf\n", "not a key that may stand here"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, right: str, wrong: str, why: str) -> None:
    assert right in RIGHT

    with pytest.raises(DataFileError) as refused:
        read_plan(plan(tmp_path, RIGHT.replace(right, wrong)))

    assert why in str(refused.value)


def test_a_drill_that_proves_nothing_is_refused(tmp_path: Path) -> None:
    nothing = "".join(line for line in RIGHT.splitlines(keepends=True) if "finance," not in line)

    with pytest.raises(DataFileError, match="what it is to prove: `canary`, `database` or `verify`"):
        read_plan(plan(tmp_path, nothing))


def test_the_repository_is_kept_away_from(tmp_path: Path) -> None:
    drill = read_plan(plan(tmp_path, RIGHT)).drills["ledger"]

    assert isinstance(drill, ClusterDrill)
    assert drill.sources == ("/var/lib/barman",)


def test_a_rehearsal_needs_a_canary_with_a_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(tmp_path, RIGHT.replace("table: ridgeway_canary, ", ""))

    ended = answer(["restore-drill", "run", "ledger", "--rehearse", "--config", str(file)])

    assert ended == 2
    assert "no canary to rehearse with" in capsys.readouterr().err


@pytest.mark.parametrize(
    "said",
    ["pg1-path=/var/lib/postgresql/15/main", "delta=y", "repo1-path=/elsewhere", "link-all = y", "[main]",
     "recovery-option=primary_conninfo=host=db", "tablespace-map-all=/srv", "pg1-host=db", "repo2-path=/b"],
)  # fmt: skip
def test_a_configuration_of_pgbackrest_that_says_more_than_how_to_read_is_refused(tmp_path: Path, said: str) -> None:
    config = tmp_path / "drill.conf"
    config.write_text(f"[global]\nrepo1-type=s3\n{said}\n")

    with pytest.raises(Unproven) as refused:
        _look_at(config)

    assert f"says {said.partition('=')[0].strip()}" in str(refused.value)


def test_a_configuration_of_pgbackrest_for_a_repository_elsewhere_is_taken(tmp_path: Path) -> None:
    config = tmp_path / "drill.conf"
    config.write_text(
        "# of the drill alone\n[global]\nrepo1-host=vault\nrepo1-cipher-type=aes-256-cbc\n\nprocess-max = 2\n"
    )

    _look_at(config)


def test_a_configuration_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unproven, match="cannot be read"):
        _look_at(tmp_path / "drill.conf")


@pytest.mark.parametrize(("major", "why"), [(12, "too old"), (99, "install them, or say `programs`")])
def test_a_postgresql_that_is_not_here_proves_nothing(major: int, why: str) -> None:
    with pytest.raises(Unproven, match=re.escape(why)):
        programs(major, None)
