"""Restore drills of a real Bacula: sound, damaged, without its volume or its director, and what its console may not.

One Bacula for all of them; each puts back what it damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest

from testbeds.bacula_drills import BaculaLab, found_in, programs
from testbeds.peers import wait_until
from testbeds.planted import Planter
from testbeds.restore_drills import memory, outcomes, words

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaculaLab]:
    home = tmp_path_factory.mktemp("bacula")
    (home / "lab").mkdir()
    with memory() as scratch, found_in(programs(home / "bin")):
        made = BaculaLab(home / "lab", scratch)
        yield made
        made.bacula.close()


@pytest.fixture
def damaged(lab: BaculaLab) -> Iterator[BaculaLab]:
    lab.bacula.flip(1_000_000)
    yield lab
    lab.bacula.flip(1_000_000)


@pytest.fixture
def without_volume(lab: BaculaLab) -> Iterator[BaculaLab]:
    aside = lab.bacula.volume.with_name("elsewhere")
    lab.bacula.volume.rename(aside)
    yield lab
    aside.rename(lab.bacula.volume)


def test_a_sound_backup_passes_and_leaves_nothing_behind(lab: BaculaLab) -> None:
    before = sha256(lab.bacula.volume.read_bytes()).hexdigest()

    done, read = lab.drill(), lab.verify()

    assert outcomes(done) == {"canary": "passed", "samples": "passed"}, words(done)
    assert "3 as a second reading has them" in words(done)
    assert read.read is True, read.record.message
    assert {one.cleaned for one in done.records} == {True}
    assert [path.name for path in lab.scratch.iterdir()] == [".lock"]
    assert sha256(lab.bacula.volume.read_bytes()).hexdigest() == before
    assert done.records[0].point_id == str(lab.jobs[1])  # the Incremental, of which the samples lie in its Full
    assert lab.bacula.rows("SELECT name FROM sqlite_master WHERE name LIKE 'b2%'") == []
    assert not list((lab.home / "restored").iterdir())


def test_one_octet_of_a_volume_is_found_by_samples_and_by_the_verify_job(damaged: BaculaLab, planted: Planter) -> None:
    done, read = damaged.drill(canary=None), damaged.verify()

    assert outcomes(done) == {"samples": "failed"}, words(done)
    assert "Volume data error" in words(done)
    assert read.read is False, read.record.message
    assert "of people" not in words(done)
    planted("an octet in the data is another", "Bacula").found_by("verification", "drill")


def test_a_volume_that_is_gone_is_waited_for_by_nobody_and_proves_nothing(without_volume: BaculaLab) -> None:
    done = without_volume.drill(samples=None)

    assert outcomes(done) == {"canary": "unproven"}
    assert "waits for the volume Vol-0001" in words(done)
    assert "is cancelled and over" in words(done)
    assert without_volume.running() == []


def test_too_much_for_the_drill_ends_its_job_too(lab: BaculaLab) -> None:
    done = lab.drill(canary={"path": f"{lab.source}/large", "max_age": "26h"}, samples=None, max_size="1 MiB")

    assert outcomes(done) == {"canary": "unproven"}, words(done)
    assert {one.cleaned for one in done.records} == {True}
    assert lab.running() == []


def test_a_canary_that_is_in_no_backup_is_a_failure(lab: BaculaLab) -> None:
    done = lab.drill(canary={"path": "/srv/nowhere/canary", "max_age": "26h"}, samples=None)

    assert outcomes(done) == {"canary": "failed"}


def test_the_console_restores_to_no_other_client_and_no_other_place_and_runs_no_backup(lab: BaculaLab) -> None:
    backups = lab.bacula.rows("SELECT count(*) FROM job WHERE type = 'B'")
    restore = f"restore jobid={lab.jobs[0]} client=lab-fd restorejob=drill-restore"
    place = lab.scratch / "drill-room/restored"

    said = lab.bacula.console(
        f"{restore} restoreclient=lab-fd where={place} all done yes",
        f"{restore} restoreclient=drill-fd where=/ all done yes", "run job=nightly yes", "delete volume=Vol-0001 yes",
        by="drill",
    )  # fmt: skip
    verifier = lab.bacula.console("run job=nightly yes", f"{restore} where={place} all done yes", by="verify")

    assert 'No authorization. Client "lab-fd"' in said
    assert '"where" specification not authorized' in said
    assert said.count("is an invalid command") == 2
    assert "JobId=" not in said + verifier
    assert lab.bacula.rows("SELECT count(*) FROM job WHERE type = 'B'") == backups


def test_a_director_that_is_away_proves_nothing(lab: BaculaLab) -> None:
    lab.bacula.stop("bacula-dir")
    try:
        done = lab.drill(max_time="5s")
    finally:
        lab.bacula.start("bacula-dir")
        wait_until(lambda: "1000 OK" in lab.bacula.console("version"), "Bacula's director answers again")

    assert outcomes(done) == {"canary": "unproven"}
    assert "director" in words(done)
