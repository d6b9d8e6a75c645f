"""Restore drills of real restic and borg repositories: sound, stale, damaged, locked, away, full, too large, killed.

The table that is printed says which look at a backup found which damage.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checks.contract import State
from checks.transports import Transports
from testbeds.by_backup import BackupWatch, Told
from testbeds.peers import need, wait_until
from testbeds.planted import Planter
from testbeds.restore_drills import Lab, memory, outcomes, words

pytestmark = pytest.mark.acceptance
SOUND = ("fine", "fine", "sound")
"""What list, cheap check and verification say of a repository in which nothing is damaged, by the first rows."""
TABLE: list[tuple[str, ...]] = []
"""Rows of product, damage, and what each look at it said."""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with memory() as place:
        yield place


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Callable[[str], Lab]:
    """A repository of a product with one backup; tests take copies."""
    made: dict[str, Lab] = {}

    def of(product: str) -> Lab:
        if product not in made:
            need(product)
            made[product] = Lab(product, tmp_path_factory.mktemp(product) / "lab", scratch).made()
            made[product].backup()
        return made[product]

    return of


@pytest.fixture(params=["restic", "borg"])
def lab(request: pytest.FixtureRequest, healthy: Callable[[str], Lab], tmp_path: Path, scratch: Path) -> Lab:
    return healthy(request.param).moved(tmp_path / "lab", scratch)


@pytest.fixture
def restic(healthy: Callable[[str], Lab], tmp_path: Path, scratch: Path) -> Lab:
    """For what does not depend on the product."""
    return healthy("restic").moved(tmp_path / "lab", scratch)


@pytest.fixture(scope="module", autouse=True)
def printed_table() -> Iterator[None]:
    yield
    heads = ("product", "damage", "list", "cheap check", "verification", "canary", "samples")
    rows = [heads, *TABLE]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    sys.stdout.write("\n")
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


async def told(lab: Lab) -> Told:
    """What the agent's check makes of the repository, and of what the drills of this laboratory left."""
    by = [{"product": "restic", "object": "srv-ben:*"}]
    reading = {
        "product": "restic",
        "local": True,
        "repository": str(lab.repository),
        "password_file": str(lab.password),
    }
    options = {
        "products": {"restic": reading},
        "proofs": str(lab.proofs),
        "objects": {"ben": {"owner": "Revenues", "rpo": "26h", "by": by, "drilled_within": "7d"}},
    }
    transports = Transports.open()
    try:
        return await BackupWatch(transports, options, time.time()).run()
    finally:
        await transports.close()


def test_a_sound_backup_passes_and_leaves_nothing_in_the_scratch_place(lab: Lab) -> None:
    looks = lab.listed(), lab.cheap_check()
    before = lab.content()
    done = lab.drill()
    read = lab.verify(whole=True)

    assert looks == (True, True)
    assert lab.content() == before  # not a lock, not a byte
    assert outcomes(done) == {"canary": "passed", "samples": "passed"}, words(done)
    assert {one.cleaned for one in done.records} == {True}
    assert [path.name for path in lab.scratch.iterdir()] == [".lock"]
    assert read.read is True, read.record.message
    assert all(one.seconds and one.bytes for one in done.records)
    TABLE.append((lab.product, "none", *SOUND, "passed", "passed"))


@pytest.mark.parametrize(
    ("damage", "fault", "spoil"),
    [
        ("a byte flipped in the data", "an octet in the data is another", Lab.flip),
        ("a pack deleted", "a file of data is gone", lambda lab: lab.largest_pack().unlink()),
    ],
)
def test_damage_that_the_list_does_not_show_is_found(
    lab: Lab, damage: str, fault: str, spoil: Callable[[Lab], None], planted: Planter
) -> None:
    spoil(lab)

    listed, cheap = lab.listed(), lab.cheap_check()
    read = lab.verify(whole=True)
    done = lab.drill(max_time=lab.patience)

    assert listed
    assert read.read is False, read.record.message
    assert "failed" in outcomes(done).values(), words(done)
    said = {"failed": "FOUND", None: "not tried"}
    drill = (said.get(one, one or "") for one in map(outcomes(done).get, ("canary", "samples")))
    TABLE.append((lab.product, damage, "fine", "fine" if cheap else "FOUND", "FOUND", *drill))
    planted(fault, lab.product).found_by("verification", "drill")


async def test_a_canary_that_is_in_no_backup_is_a_failure(lab: Lab, planted: Planter) -> None:
    done = lab.drill(canary={"path": "/srv/nowhere/canary", "max_age": "26h"}, samples=None)

    assert outcomes(done) == {"canary": "failed"}
    TABLE.append((lab.product, "canary not in the backup", *SOUND, "FOUND", "–"))
    if lab.product == "restic":  # borg calls this copy relocated, and the agent then leaves it alone
        planted("the canary is in no backup", lab.product).seen(await told(lab))


def test_a_stale_canary_is_restored_perfectly_and_fails(lab: Lab) -> None:
    done = lab.drill(now=time.time() + 3 * 86_400, samples=None)

    assert outcomes(done) == {"canary": "failed"}
    assert "the job is dead" in words(done)
    TABLE.append((lab.product, "job dead for 3 days", *SOUND, "FOUND", "–"))


def test_a_wrong_password_proves_nothing(lab: Lab) -> None:
    lab.password.write_text("another\n")

    done, read = lab.drill(), lab.verify()

    assert (lab.listed(), lab.cheap_check()) == (False, False)
    assert set(outcomes(done).values()) == {"unproven"}
    assert read.read is None
    assert "does not open" in words(done)
    TABLE.append((lab.product, "wrong password", "closed", "closed", "unproven", "unproven", "unproven"))


def test_a_repository_that_is_away_proves_nothing(lab: Lab) -> None:
    shutil.move(lab.repository, lab.home / "elsewhere")

    done, read = lab.drill(), lab.verify()

    assert (lab.listed(), lab.cheap_check()) == (False, False)
    assert set(outcomes(done).values()) == {"unproven"}
    assert read.read is None
    TABLE.append((lab.product, "repository away", "away", "away", "unproven", "unproven", "unproven"))


def test_a_lock_that_was_left_keeps_nobody_from_restoring_and_is_no_damage(lab: Lab) -> None:
    _lock(lab)

    listed, done = lab.listed(), lab.drill(samples=None)
    lab.flip()
    read = lab.verify(whole=True)

    assert listed
    assert outcomes(done) == {"canary": "passed"}, words(done)
    assert read.read is None, read.record.message
    TABLE.append((lab.product, "lock left", "fine", "–", "–", "passed", "–"))
    TABLE.append((lab.product, "lock left, a byte flipped", "–", "–", "unproven", "–", "–"))


def _lock(lab: Lab) -> None:
    if lab.product == "restic":
        (lab.repository / "locks" / ("0" * 64)).write_bytes(b"left by somebody")
    else:
        (lab.repository / "lock.exclusive").mkdir()
        (lab.repository / "lock.exclusive" / "somebody@1.1-1").touch()


def test_too_much_for_the_drill_proves_nothing_and_is_cleaned_up(restic: Lab) -> None:
    room_for_half = "1 MiB"

    done = restic.drill(canary=None, samples={"under": restic.more["source"], "count": 1}, max_size=room_for_half)
    everything = restic.drill(
        canary={"path": restic.more["source"], "max_age": "26h"}, samples=None, max_size=room_for_half
    )

    assert outcomes(done) == {"samples": "passed"}, words(done)
    assert outcomes(everything) == {"canary": "unproven"}, words(everything)
    assert {one.cleaned for one in everything.records} == {True}
    TABLE.append((restic.product, "more than `max_size`", *SOUND, "unproven", "–"))


def test_a_scratch_place_without_room_proves_nothing(restic: Lab, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir(mode=0o700)
    if subprocess.run([need("mount"), "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", small]).returncode:
        pytest.skip("needs root, to mount a small file system")
    try:
        restic.scratch = small
        done = restic.drill()
    finally:
        subprocess.run([need("umount"), small], check=True)

    assert set(outcomes(done).values()) == {"unproven"}
    assert "no room" in words(done)
    TABLE.append((restic.product, "no room", *SOUND, "unproven", "unproven"))


async def test_a_rehearsal_opens_the_alarm_says_what_it_is_and_the_next_good_drill_clears_it(restic: Lab) -> None:
    rehearsed = restic.drill(rehearsal=True)
    alarm = await told(restic)
    restic.drill(samples=None)
    after = await told(restic)

    assert [(one.outcome, one.rehearsal) for one in rehearsed.records] == [("failed", True)]
    assert alarm.bad["backup/restored/ben"] is State.CRITICAL
    assert "REHEARSAL" in alarm.words("backup/restored/ben")
    assert "backup/restored/ben" not in after.bad
    TABLE.append((restic.product, "none, rehearsal", *SOUND, "FOUND, marked", "–"))


async def test_the_agent_hears_of_damage_that_the_drill_found(restic: Lab, planted: Planter) -> None:
    restic.flip()
    restic.drill(canary=None)

    heard = await told(restic)

    assert heard.bad == {"backup/restored/ben": State.CRITICAL}
    planted("a restore that failed", "restic").seen(heard)


def test_an_old_point_of_which_a_restore_failed_is_tried_again_until_it_goes_well(restic: Lab) -> None:
    restic.more.clear()  # its own source, not that of the repository it is a copy of
    turns = {"of": f"srv-ben:{restic.source}", "old_point_every": 2, "samples": None}
    for number in range(3):
        (restic.source / "file0").write_text(f"another {number}")
        restic.backup()

    newest = restic.drill(**turns)
    failed = restic.drill(**turns, canary={"path": "/srv/nowhere/canary", "max_age": "26h"}, seed=3)
    between = restic.drill(**turns, seed=4)
    again = restic.drill(**turns, seed=5)

    assert [outcomes(one) for one in (newest, between)] == [{"canary": "passed"}] * 2
    assert (outcomes(failed), outcomes(again)) == ({"old canary": "failed"}, {"old canary": "passed"})
    assert again.records[0].point_id == failed.records[0].point_id != between.records[0].point_id
    assert restic.state().retry == ""


def test_a_drill_that_is_killed_leaves_no_tool_and_the_next_one_cleans_up(restic: Lab) -> None:
    line = _line(restic)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as victim:
        wait_until(lambda: _tool_of(victim.pid) is not None, "a tool of the drill runs")
        tool = _tool_of(victim.pid)
        victim.kill()
    left = [path.name for path in restic.scratch.iterdir() if path.name != ".lock"]

    again = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    assert len(left) == 1
    assert tool is not None
    wait_until(lambda: not Path(f"/proc/{tool}").exists(), "the tool died with its drill")
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"Removed {restic.scratch / left[0]}" in again.stderr
    assert [path.name for path in restic.scratch.iterdir()] == [".lock"]
    TABLE.append((restic.product, "drill killed; the next cleans", *SOUND, "–", "–"))


def test_a_drill_that_is_stopped_cleans_up_itself(restic: Lab) -> None:
    line = _line(restic)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_until(lambda: _tool_of(running.pid) is not None, "a tool of the drill runs")
        running.terminate()
        said, _ = running.communicate(timeout=30)

    assert running.returncode == 3
    assert "unproven: the drill was stopped" in said
    assert [path.name for path in restic.scratch.iterdir()] == [".lock"]


def _line(lab: Lab) -> list[str]:
    """The command line of a drill in a process of its own."""
    config = lab.home / "drills.yaml"
    said = {
        "proofs": str(lab.proofs),
        "scratch": str(lab.scratch),
        "drills": {"ben": lab.said(samples=None, verify=None)},
    }
    config.write_text(json.dumps(said))
    return [str(Path(sys.executable).with_name("ridgeway")), "restore-drill", "run", "ben", "--config", str(config)]


def _tool_of(pid: int) -> int | None:
    """A child of a process."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None
