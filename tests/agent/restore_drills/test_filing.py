"""What came of drills is filed whole, readable by the group and by nobody else, and bounded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.cli import answer
from agent.restore_drills.filing import FilingError, filed, recalled, with_restores
from checks.backup.proofs import LARGEST, LARGEST_LOG, DrillState, RestoreRecord, read_log, read_proofs

NOW = 1_796_000_000.0


def record(at: float, outcome: str = "passed", by: str = "canary ben", message: str = "") -> RestoreRecord:
    return RestoreRecord.model_validate({"at": at, "by": by, "outcome": outcome, "message": message})


def put(directory: Path, *rows: RestoreRecord, runs: int = 1) -> None:
    filed(directory, "ben", NOW, lambda one: with_restores(one, "ben", DrillState(runs=runs), rows))


def test_what_is_filed_is_what_the_agent_reads(tmp_path: Path) -> None:
    put(tmp_path, record(NOW - 1))

    found = read_proofs(str(tmp_path), {"ben"}, NOW)

    assert [(one.by, one.passed) for one in found.restores] == [("canary ben", True)]
    assert (tmp_path / "ben.json").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "ben.json", "ben.log"]
    assert (tmp_path / "ben.log").stat().st_mode & 0o777 == 0o640


def test_a_thousand_drills_keep_the_last_of_each_outcome_and_fit(tmp_path: Path) -> None:
    put(tmp_path, record(1.0, "failed"), record(2.0, "passed"))
    for number in range(12):
        put(tmp_path, *(record(NOW - 1000 + 100 * number + one, "unproven", message="ß" * 500) for one in range(50)))

    found = recalled(tmp_path, "ben", NOW + 1000)

    assert [one.outcome for one in found.restores[:2]] == ["failed", "passed"]
    assert (tmp_path / "ben.json").stat().st_size < LARGEST


def test_a_damaged_file_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "ben.json").write_text("{")

    put(tmp_path, record(NOW))

    assert (tmp_path / "ben.damaged").read_text() == "{"
    assert read_proofs(str(tmp_path), {"ben"}, NOW).unread == {}


def test_everything_that_was_tried_stays_in_the_log_for_the_evidence_of_a_quarter(tmp_path: Path) -> None:
    for night in range(100):
        put(tmp_path, record(NOW - 86_400 * (100 - night), "passed" if night % 10 else "unproven"))

    told = read_log(tmp_path / "ben.log", NOW - 90 * 86_400, NOW - 86_400, NOW)

    assert (len(told.restores), told.unread) == (89, "")
    assert len({one.at for one in told.restores}) == 89  # those of the file beside it are told once


def test_a_log_that_is_torn_or_in_wrong_hands_tells_what_can_be_understood_and_says_so(tmp_path: Path) -> None:
    put(tmp_path, record(NOW - 9))
    with (tmp_path / "ben.log").open("a") as log:
        log.write('{"at": 1e999, "by": "canary ben", "outcome": "passed"}\n[[[[\n{"at": 179')

    put(tmp_path, record(NOW - 5))
    told = read_log(tmp_path / "ben.log", 0.0, NOW, NOW)

    assert [one.at for one in told.restores] == [NOW - 9, NOW - 5]
    assert told.unread == "ben.log: 3 lines are not what a drill writes"


def test_a_log_that_is_a_link_or_too_large_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "ben.log").symlink_to("/etc/hostname")
    with (tmp_path / "fin.log").open("wb") as log:
        log.truncate(LARGEST_LOG + 1)

    link, large = (read_log(tmp_path / name, 0.0, NOW, NOW) for name in ("ben.log", "fin.log"))

    assert (link.restores, large.restores) == ((), ())
    assert "ben.log" in link.unread
    assert "larger than 8192 KiB" in large.unread


def test_of_a_log_that_has_grown_long_the_older_half_goes(tmp_path: Path) -> None:
    line = record(NOW - 100, message="x" * 400).model_dump_json() + "\n"
    (tmp_path / "ben.log").write_text(
        record(NOW - 200).model_dump_json() + "\n" + line * (LARGEST_LOG // 2 // len(line)) + line
    )

    put(tmp_path, record(NOW - 5))
    told = read_log(tmp_path / "ben.log", 0.0, NOW, NOW)

    assert [one.at for one in told.restores] == [NOW - 100, NOW - 5]  # the same row once, and the oldest gone
    assert (told.unread, (tmp_path / "ben.log").stat().st_size < LARGEST_LOG // 3) == ("", True)


def test_a_directory_that_cannot_be_written_says_how_to_mend_that(tmp_path: Path) -> None:
    with pytest.raises(FilingError, match="give its directory to the drill's user"):
        put(tmp_path / "nowhere", record(NOW))


def test_a_failure_of_a_drill_that_was_renamed_can_be_withdrawn_and_of_one_that_is_there_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [record(time.time() - 9, "failed", by) for by in ("canary old", "canary ben")]
    filed(tmp_path, "ben", time.time(), lambda one: with_restores(one, "ben", DrillState(), rows))
    file = tmp_path / "drills.yaml"
    file.write_text(
        f"proofs: {tmp_path}\nscratch: /run/s\ndrills:\n  ben: {{object: ben, product: restic, of: a, repository: /r,"
        " password_file: file:/p, verify: {}}\n"
    )
    line = ["restore-drill", "withdraw", "--object", "ben", "-m", "renamed", "--config", str(file)]

    ended = [answer([*line, name]) for name in ("old", "ben")]

    last = {one.by: one.outcome for one in recalled(tmp_path, "ben", time.time()).restores}
    assert ended == [0, 2]
    assert last == {"canary old": "withdrawn", "canary ben": "failed"}
    assert "run it again" in capsys.readouterr().err
