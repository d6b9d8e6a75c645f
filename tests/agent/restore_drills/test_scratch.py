"""The scratch place: where it may not be, that it is empty afterwards, and that links lead nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.restore_drills.scratch import Scratch, opened, wiped
from agent.restore_drills.verdict import Unproven
from testbeds.restore_drills import memory


@pytest.fixture
def base() -> Iterator[Path]:
    with memory() as place:
        yield place


def refusal(scratch: Scratch, largest: int = 1000) -> str:
    with pytest.raises(Unproven) as refused, scratch.room(largest):
        pytest.fail("it was taken")
    return str(refused.value)


def test_a_room_is_empty_private_and_gone_afterwards(base: Path) -> None:
    scratch = Scratch(base, [])

    with scratch.room(1000) as room:
        inner = room.restored / "srv" / "data"
        inner.mkdir(parents=True)
        (inner / "file").write_text("secret")
        inner.chmod(0o000)
        (inner.parent / "link").symlink_to("/etc")
        private = room.path.stat().st_mode & 0o777

    assert private == 0o700
    assert scratch.cleaned is True
    assert [path.name for path in base.iterdir()] == [".lock"]
    assert Path("/etc/passwd").exists()


def test_what_a_killed_drill_left_is_removed_and_told(base: Path) -> None:
    (base / "drill-0123" / "restored").mkdir(parents=True)
    (base / "drill-0123" / "restored" / "file").write_text("secret")
    scratch = Scratch(base, [])

    with scratch.room(1000):
        pass

    assert scratch.left == ("drill-0123",)
    assert not (base / "drill-0123").exists()


def test_a_place_with_anything_else_in_it_is_refused_and_left_alone(base: Path) -> None:
    (base / "accounts").write_text("2026")

    assert "is not empty" in refusal(Scratch(base, []))
    assert (base / "accounts").read_text() == "2026"


def test_a_place_that_holds_a_source_or_lies_in_one_is_refused(base: Path) -> None:
    (base / "scratch").mkdir(mode=0o700)

    inside = refusal(Scratch(base / "scratch", [base]))
    around = refusal(Scratch(base, [base / "scratch" / "data"]))
    same = refusal(Scratch(base, [base]))

    assert all("lie in one another" in why for why in (inside, around, same))


def test_a_link_a_root_and_a_place_that_is_not_there_are_refused(base: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(base)

    assert "symbolic link" in refusal(Scratch(tmp_path / "link", []))
    assert "directory of its own" in refusal(Scratch(Path("/"), []))
    assert "is not there" in refusal(Scratch(tmp_path / "nowhere", []))


def test_a_place_that_others_may_enter_is_refused(base: Path) -> None:
    base.chmod(0o750)

    assert "user alone" in refusal(Scratch(base, []))


def test_a_disk_needs_the_promise_that_it_is_encrypted(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)

    assert "not in memory" in refusal(Scratch(disk, []))
    with Scratch(disk, [], encrypted_disk=True).room(1000) as room:
        assert room.restored.is_dir()


def test_no_room_is_said_before_anything_is_restored(base: Path) -> None:
    assert "no room" in refusal(Scratch(base, []), largest=10**15)


def test_two_drills_do_not_share_a_place(base: Path) -> None:
    with Scratch(base, []).room(1000):
        assert "another drill is under way" in refusal(Scratch(base, []))


def test_a_drill_that_raises_is_cleaned_up_too(base: Path) -> None:
    scratch = Scratch(base, [])

    with pytest.raises(ZeroDivisionError), scratch.room(1000) as room:
        (room.restored / "file").write_text("secret")
        raise ZeroDivisionError

    assert scratch.cleaned is True


def test_a_restored_link_leads_nowhere(base: Path) -> None:
    (base / "srv").symlink_to("/etc")
    (base / "data").mkdir()
    (base / "data" / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(base / "data" / "pipe")

    for stored in ("/srv/passwd", "/data/passwd", "/data/pipe", "/data", "/../etc/passwd", "/"):
        with pytest.raises(OSError):
            os.close(opened(base, stored))


def test_wiping_says_what_it_could_not_remove(base: Path) -> None:
    (base / "file").write_text("no directory")

    assert wiped(base / "file") != ""
    assert wiped(base / "nowhere") == ""
