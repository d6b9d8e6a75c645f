"""Files that jobs leave, and files that somebody hostile leaves there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.push.drop import SETTLED, Look, look
from checks.transports.inbox import Sign

JOB = "backups/ben"
KEY = "0123456789abcdefPUSH"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / JOB
    made.mkdir(parents=True)
    return made


def found(folder: Path, later: float = SETTLED + 1) -> Look:
    """What is found so many seconds after the last file was written."""
    now = max((path.lstat().st_ctime for path in folder.iterdir()), default=0.0) + later
    return look(folder.parent.parent, [JOB, "backups/none"], {KEY: JOB}.get, now)


@pytest.mark.parametrize(
    ("name", "sign", "code"),
    [
        ("r-1.start", Sign.START, None), ("r-1.success", Sign.SUCCESS, None), ("r-1.fail", Sign.FAIL, None),
        ("r-1.log", Sign.LOG, None), ("2026-11-30T22:00.0", Sign.EXIT, 0), ("r.1.255", Sign.EXIT, 255),
    ],
)  # fmt: skip
def test_the_name_says_run_and_end_and_the_text_is_the_log(
    folder: Path, name: str, sign: Sign, code: int | None
) -> None:
    (folder / name).write_text(f"one\n{KEY} password=hunter2\n")

    (dropped,) = found(folder).dropped

    assert (dropped.ping.job, dropped.ping.sign, dropped.ping.code) == (JOB, sign, code)
    assert dropped.ping.rid == name.rpartition(".")[0]
    assert dropped.ping.log == "one\n[secret] password=[secret]"
    assert dropped.path == folder / name


def test_what_may_still_be_written_to_is_left_for_now(folder: Path) -> None:
    for name in ("r.success", ".r.success", "r.success.part", "r.success.filepart"):
        (folder / name).write_text("x")

    assert found(folder, later=SETTLED / 2) == Look()
    assert [one.path.name for one in found(folder).dropped] == ["r.success"]


def test_a_file_is_as_old_as_it_says_and_never_of_the_future(folder: Path) -> None:
    (folder / "a.success").write_text("x")
    (folder / "b.success").write_text("x")
    changed = (folder / "a.success").stat().st_ctime
    os.utime(folder / "a.success", (changed, changed - 86_400))
    os.utime(folder / "b.success", (changed, changed + 86_400))

    old, new = found(folder).dropped

    assert (old.ping.rid, old.ping.at) == ("a", pytest.approx(changed - 86_400, abs=1))
    assert (new.ping.rid, new.ping.at <= new.ping.received) == ("b", True)


def test_the_same_file_has_the_same_id_and_one_that_was_written_anew_another(folder: Path) -> None:
    (folder / "r.success").write_text("x")
    before = found(folder).dropped[0].ping.id
    again = found(folder).dropped[0].ping.id
    (folder / "r.success").write_text("longer")

    assert before == again != found(folder).dropped[0].ping.id


@pytest.mark.parametrize("name", ["success", "r.256", "r.ok", "r b.success", "-.", "r.success\n", "a" * 65 + ".0"])
def test_other_names_are_told_of_and_left_alone(folder: Path, name: str) -> None:
    (folder / name).write_text("x")

    assert (found(folder).dropped, list(found(folder).troubles)) == ((), [str(folder / name)])


def test_links_pipes_and_what_is_older_than_a_month_are_told_of_and_left_alone(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder / "a.success").symlink_to(secret)
    (folder / "b.success").hardlink_to(secret)
    os.mkfifo(folder / "c.success")
    (folder / "d.success").mkdir()
    (folder / "e.success").write_text("x")
    os.utime(folder / "e.success", (0, 0))

    seen = found(folder)

    assert seen.dropped == ()
    assert sorted(seen.troubles) == [str(folder / f"{name}.success") for name in "abcde"]


def test_a_directory_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    (elsewhere / "r.success").write_text("x")
    folder.symlink_to(elsewhere)

    seen = look(tmp_path, [JOB], {}.get, (elsewhere / "r.success").stat().st_ctime + 60)

    assert (seen.dropped, list(seen.troubles)) == ((), [str(folder)])


def test_of_a_giant_only_the_end_is_read_and_of_very_many_some_at_a_time(folder: Path) -> None:
    with (folder / "a.fail").open("wb") as giant:
        giant.truncate(2**33)
        giant.seek(0, os.SEEK_END)
        giant.write(b"\nthe end\n")
    for number in range(100):
        (folder / f"r{number}.success").write_text("x")

    dropped = found(folder).dropped

    assert len(dropped) == 60
    assert next(one for one in dropped if one.ping.rid == "a").ping.log.endswith("the end")
