"""The canary: what it is, what is refused of it, and what planting one never does."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.restore_drills.canary import PlantError, check_age, plant, understood, written
from agent.restore_drills.verdict import Failed

NOW, HOUR = 1_796_000_000.0, 3600.0
NONCE = "0123456789abcdef" * 2


def test_a_canary_says_itself_when_it_was_planted() -> None:
    found = understood(written(NONCE, NOW))

    assert (found.nonce, found.at) == (NONCE, NOW)


def test_the_hash_of_nothing_is_refused_by_name() -> None:
    assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")

    with pytest.raises(Failed, match="came back empty"):
        understood(b"")


@given(at=st.integers(0, len(written(NONCE, NOW)) - 1), flipped=st.integers(1, 255))
def test_no_byte_of_it_can_change_unseen(at: int, flipped: int) -> None:
    octets = bytearray(written(NONCE, NOW))
    octets[at] ^= flipped

    with pytest.raises(Failed):
        understood(bytes(octets))


@given(st.binary(max_size=300))
def test_nothing_else_is_a_canary(octets: bytes) -> None:
    with pytest.raises(Failed):
        understood(octets)


def test_a_rehearsal_finds_fault_with_a_canary_that_is_whole() -> None:
    with pytest.raises(Failed, match="as this rehearsal meant it to be"):
        understood(written(NONCE, NOW), rehearsal=True)


@pytest.mark.parametrize(
    ("planted", "point", "now", "why"),
    [
        (NOW - 100 * HOUR, NOW - 99 * HOUR, NOW, "the job is dead"),
        (NOW - 100 * HOUR, NOW - HOUR, NOW, "nobody plants it any more"),
        (NOW, NOW - HOUR, NOW, "younger than the restore point"),
    ],
)
def test_a_canary_out_of_its_time_is_refused(planted: float, point: float, now: float, why: str) -> None:
    canary = understood(written(NONCE, planted))

    with pytest.raises(Failed, match=why):
        check_age(canary, 26 * HOUR, point, now)


def test_an_old_point_may_have_an_old_canary() -> None:
    canary = understood(written(NONCE, NOW - 1000 * HOUR))

    check_age(canary, 26 * HOUR, NOW - 999 * HOUR, None)


def test_planting_makes_a_new_one_each_time_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "canary"

    nonces = {plant(file, NOW), plant(file, NOW + 1)}

    assert len(nonces) == 2
    assert understood(file.read_bytes()).at == NOW + 1
    assert [path.name for path in tmp_path.iterdir()] == ["canary"]


def test_the_shell_lines_of_the_page_write_a_canary(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "restore-drills.md").read_text()
    lines, *_ = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "canary"

    subprocess.run(["sh", "-eu", "-c", lines.replace("/srv/data/.ridgeway-canary", str(file))], check=True, timeout=30)

    assert abs(understood(file.read_bytes()).at - time.time()) < 60


@pytest.mark.parametrize("kind", ["a file", "a link", "a directory"])
def test_what_is_no_canary_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    file, other = tmp_path / "canary", tmp_path / "other"
    other.write_text("the accounts of 2026")
    {"a file": lambda: file.write_text("accounts"), "a link": lambda: file.symlink_to(other),
     "a directory": file.mkdir}[kind]()  # fmt: skip

    with pytest.raises(PlantError, match="a file of its own"):
        plant(file, NOW)

    assert other.read_text() == "the accounts of 2026"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary", "other"]
