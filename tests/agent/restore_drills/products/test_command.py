"""Drills of another product by commands of one's own: archives of tar(1), and commands that are hostile or broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbeds.other_product import OtherProduct
from testbeds.peers import wait_until
from testbeds.restore_drills import memory, outcomes, words

POINTS = """printf '{"points": [{"id": "1", "at": "2026-11-30T02:00:00Z"}]}'"""
"""A command of one point, whatever it is asked."""


@pytest.fixture
def scratch() -> Iterator[Path]:
    with memory() as place:
        yield place


@pytest.fixture
def tar(tmp_path: Path, scratch: Path) -> OtherProduct:
    made = OtherProduct(tmp_path / "lab", scratch)
    made.backup()
    return made


def broken(tmp_path: Path, scratch: Path, verb: str, does: str) -> OtherProduct:
    """A product whose commands tell one point, and do that at one verb."""
    lines = ("#!/bin/bash", f'if [ "$RIDGEWAY_VERB" = {verb} ]; then', does, "exit; fi", POINTS)
    return OtherProduct(tmp_path / "lab", scratch, "\n".join(lines))


def test_a_sound_archive_passes_and_leaves_nothing_behind(tar: OtherProduct) -> None:
    done, read = tar.drill(), tar.verify()

    assert outcomes(done) == {"canary": "passed", "samples": "passed"}, words(done)
    assert "3 files of" in words(done)
    assert {one.tool for one in done.records} == {"tar"}
    assert (read.read, read.record.product) == (True, "tar")
    assert [path.name for path in tar.scratch.iterdir()] == [".lock"]


def test_a_damaged_archive_is_a_failure(tar: OtherProduct) -> None:
    archive = tar.repository / "ben-1.tar.gz"
    octets = bytearray(archive.read_bytes())
    octets[len(octets) // 2] ^= 0xFF
    archive.write_bytes(octets)

    done, read = tar.drill(samples=None), tar.verify()

    assert outcomes(done) == {"canary": "failed"}, words(done)
    assert read.read is False


def test_archives_of_which_one_has_no_digest_are_not_called_sound(tar: OtherProduct) -> None:
    tar.backup("ben-2.tar.gz").with_name("ben-2.tar.gz.sha256").unlink()

    assert tar.verify().read is None


def test_a_repository_that_is_away_proves_nothing(tar: OtherProduct) -> None:
    tar.repository.rename(tar.home / "elsewhere")

    done, read = tar.drill(), tar.verify()

    assert outcomes(done) == {"canary": "unproven"}
    assert read.read is None


def test_a_command_that_restores_nothing_and_says_that_all_is_well_fails(tmp_path: Path, scratch: Path) -> None:
    done = broken(tmp_path, scratch, "restore", "exit 0").drill(samples=None)

    assert outcomes(done) == {"canary": "failed"}
    assert "did not come back" in words(done)


def test_a_restored_link_is_not_followed(tar: OtherProduct, tmp_path: Path, scratch: Path) -> None:
    into = f'mkdir -p "$RIDGEWAY_INTO{tar.source}"; ln -s {tar.source}/canary "$RIDGEWAY_INTO{tar.source}/canary"'
    evil = broken(tmp_path / "evil", scratch, "restore", into)

    done = evil.drill(samples=None, canary={"path": f"{tar.source}/canary", "max_age": "26h"})

    assert outcomes(done) == {"canary": "failed"}, words(done)


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("echo not-json", "did not print what it must"),
        ("echo '{\"points\": []}'", "names no point"),
        ("""printf '{"points": [{"id": "1", "at": 1e999}]}'""", "points.0.at"),
        ("""printf '{"points": [{"id": "1", "at": "2026-11-30T02:00:00"}]}'""", "points.0.at"),
        (r"""printf '{"points": [{"id": "1\\n2", "at": "2026-11-30T02:00:00Z"}]}'""", "cannot be printed"),
        ("""head -c 100000 /dev/zero | tr '\\0' '['""", "did not print what it must"),
        ("head -c 5000000 /dev/zero", "more than 4 MiB"),
        ("echo no such archive >&2; exit 1", "exit status 1: no such archive"),
        ("kill -SEGV $$", "exit status -11"),
    ],
)
def test_points_that_are_none_prove_nothing(tmp_path: Path, scratch: Path, does: str, why: str) -> None:
    done = broken(tmp_path, scratch, "points", does).drill(samples=None)

    assert outcomes(done) == {"canary": "unproven"}
    assert why in words(done)


@pytest.mark.parametrize("line", ['{"path": "/x/../../etc/shadow"}', '{"path": "/x", "size": -1}', "[" * 20_000])
def test_files_that_are_none_prove_nothing(tmp_path: Path, scratch: Path, line: str) -> None:
    done = broken(tmp_path, scratch, "files", f"echo '{line}'").drill(canary=None)

    assert outcomes(done) == {"samples": "unproven"}, words(done)


def test_a_flood_is_ended(tmp_path: Path, scratch: Path) -> None:
    done = broken(tmp_path, scratch, "restore", "yes").drill(samples=None, max_size="1 MiB")

    assert outcomes(done) == {"canary": "unproven"}
    assert [path.name for path in scratch.iterdir()] == [".lock"]


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, scratch: Path) -> None:
    hanging = broken(tmp_path, scratch, "restore", f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/child; wait")

    done = hanging.drill(samples=None, max_time="5s")

    assert outcomes(done) == {"canary": "unproven"}
    assert "within its time" in words(done)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: _is_over(child), "what it started is dead")


def _is_over(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().split()
    except OSError:
        return True


def test_secrets_that_it_prints_are_told_to_nobody(tmp_path: Path, scratch: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2-hunter2")
    secret.chmod(0o600)
    says = 'printf "the key $BACKUP_KEY and \\033[31mpassword=hunter3\\n" >&2; exit 65'

    done = broken(tmp_path, scratch, "restore", says).drill(samples=None, environment={"BACKUP_KEY": f"file:{secret}"})

    assert outcomes(done) == {"canary": "failed"}
    assert "the key" in words(done)
    assert "hunter" not in words(done)
    assert words(done).isprintable()


def test_what_a_command_is_given_is_what_the_contract_says(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/drill")
    monkeypatch.setenv("OF_THE_DRILLS_OWN_PROCESS", "secret")
    seen = f"env > {tmp_path}/seen; cat > {tmp_path}/names; pwd > {tmp_path}/place"

    lab = broken(tmp_path, scratch, "restore", seen)
    lab.drill(samples=None)

    names = {line.partition("=")[0] for line in (tmp_path / "seen").read_text().splitlines()}
    shell = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert names - shell == {
        "CREDENTIALS_DIRECTORY", "HOME", "LC_ALL", "PATH", "RIDGEWAY_INTO", "RIDGEWAY_OF", "RIDGEWAY_POINT",
        "RIDGEWAY_REPOSITORY", "RIDGEWAY_VERB", "TMPDIR", "TZ",
    }  # fmt: skip
    assert (tmp_path / "names").read_text() == f"{lab.source}/canary\n"
    assert (tmp_path / "place").read_text() == f"{scratch}/drill-room/restored\n"


def test_a_file_that_does_not_come_back_a_second_time_fails(tmp_path: Path, scratch: Path) -> None:
    file = tmp_path / "lab/source/one"
    name = f'"$RIDGEWAY_INTO{file}"'
    once = (
        f'[ -e {tmp_path}/once ] && exit; touch {tmp_path}/once; mkdir -p "$RIDGEWAY_INTO{file.parent}"; echo >{name}'
    )
    lab = broken(tmp_path, scratch, "restore", once)
    lister = f"""if [ "$RIDGEWAY_VERB" = files ]; then echo '{{"path": "{file}", "size": 1}}'; exit; fi"""
    lab.script.write_text(lab.script.read_text().replace("#!/bin/bash", f"#!/bin/bash\n{lister}"))

    done = lab.drill(canary=None)

    assert outcomes(done) == {"samples": "failed"}, words(done)
    assert "a second time" in words(done)
    assert str(file) not in words(done)
