"""What drills left: read whole or not at all, told when it is not, and judged hand by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from checks.backup.history import ObjectHistory, kept_proofs
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Proof
from checks.backup.proofs import LARGEST, Proofs, read_proofs
from checks.backup.rules.proving import failures, last_restored, restore_seconds
from checks.contract import Assessment, Memory, State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, finding, options, run

RIGHT: dict[str, Any] = {
    "version": 1, "object": "ben", "written": NOW,
    "restores": [{"at": NOW - HOUR, "by": "canary ben", "outcome": "passed", "seconds": 2.0, "bytes": 156}],
    "verifications": [{"at": NOW - HOUR, "sound": True, "product": "restic", "repository": "/r"}],
}  # fmt: skip


def put(directory: Path, said: Any = RIGHT, name: str = "ben.json") -> None:
    (directory / name).write_text(said if isinstance(said, str) else json.dumps(said))


def read(directory: Path) -> Proofs:
    return read_proofs(str(directory), {"ben"}, NOW)


def test_a_file_is_read_into_proofs_and_verifications(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, "a lock", ".lock")

    found = read(tmp_path)

    assert [(one.object, one.passed, one.by) for one in found.restores] == [("ben", True, "canary ben")]
    assert [(product, one.sound) for product, one in found.verifications] == [("restic", True)]
    assert found.unread == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "is not what a drill writes"),
        ("{", "is not what a drill writes"),
        ("[" * 100_000, "is not what a drill writes"),
        (RIGHT | {"version": 2}, "is not what a drill writes"),
        (RIGHT | {"colour": "green"}, "is not what a drill writes"),
        (RIGHT | {"restores": [RIGHT["restores"][0] | {"outcome": "ok"}]}, "is not what a drill writes"),
        (RIGHT | {"restores": [RIGHT["restores"][0] | {"at": "soon"}]}, "is not what a drill writes"),
        (RIGHT | {"restores": [RIGHT["restores"][0] | {"at": NOW + DAY}]}, "yet to come"),
        (RIGHT | {"object": "planning"}, "which its name is not"),
        (" " * (LARGEST + 1), "is larger than"),
    ],
)
def test_a_file_that_cannot_be_understood_counts_for_nothing_and_is_told(tmp_path: Path, said: Any, why: str) -> None:
    put(tmp_path, said)

    found = read(tmp_path)

    assert (found.restores, found.verifications) == ((), ())
    assert why in found.unread["ben.json"]


def test_a_link_a_pipe_and_a_directory_are_no_files(tmp_path: Path) -> None:
    put(tmp_path, RIGHT, "elsewhere")
    (tmp_path / "ben.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()

    found = read(tmp_path)

    assert set(found.unread) == {"ben.json", "pipe.json", "folder.json"}


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = read(tmp_path / "nowhere")

    assert "cannot be read" in found.unread["."]


def judgement(proofs: Proofs | None, now: float = NOW, memory: Memory | None = None, **more: Any) -> Assessment:
    said = options({"ben": {"drilled_within": "30d", **more}}, proofs="/var/lib/ridgeway-proofs")
    told = account([run(now - 4 * HOUR)], at=now)
    return judged(said, BackupAnswers({"veeam": ProductPart(told)}, proofs), memory, now)


def proof(at: float, passed: bool | None, by: str = "canary ben", **more: Any) -> Proof:
    return Proof(at, "ben", passed, by, **more)


def states(found: Assessment) -> dict[str, State]:
    return {one.key: one.state for one in found.findings if one.state is not State.OK}


def test_proofs_that_could_not_be_read_are_unknown_and_never_quiet() -> None:
    damaged = judgement(Proofs(unread={"ben.json": "is larger than 256 KiB"}))
    none = judgement(None)

    assert states(damaged) == {"backup/proofs": State.UNKNOWN}
    assert "ben.json is larger" in finding(damaged, "backup/proofs").summary
    assert states(none) == {"backup/proofs": State.UNKNOWN}


def test_a_proof_of_what_nobody_declared_is_told() -> None:
    assert states(judgement(Proofs(undeclared=("bem",)))) == {"backup/proofs": State.WARNING}


def test_a_failed_drill_is_critical_until_the_same_hand_restores_again() -> None:
    failed = judgement(Proofs((proof(NOW - 2 * HOUR, False, message="the canary came back empty"),)))
    other = judgement(Proofs((proof(NOW - HOUR, True, "samples ben"),)), memory=failed.memory)
    same = judgement(Proofs((proof(NOW - HOUR, True),)), memory=other.memory)

    assert states(failed) == {"backup/restored/ben": State.CRITICAL}
    assert states(other) == {"backup/restored/ben": State.CRITICAL}
    assert states(same) == {}


def test_a_failed_drill_is_told_while_the_product_cannot_be_read() -> None:
    said = options({"ben": {}}, proofs="/var/lib/ridgeway-proofs")

    found = judged(said, BackupAnswers({}, Proofs((proof(NOW - HOUR, False),))), None, NOW)

    assert states(found)["backup/restored/ben"] is State.CRITICAL


def test_a_try_that_could_not_be_done_is_no_failure_and_clears_none() -> None:
    unproven = judgement(Proofs((proof(NOW - HOUR, None, message="the repository is away"),)))
    after = judgement(Proofs((proof(NOW - 2 * HOUR, False), proof(NOW - HOUR, None))))

    assert states(unproven) == {}
    assert "could not be done: the repository is away" in finding(unproven, "backup/restored/ben").summary
    assert states(after) == {"backup/restored/ben": State.CRITICAL}


def test_a_rehearsal_opens_the_alarm_and_hides_no_real_failure() -> None:
    rehearsal = proof(NOW - HOUR, False, rehearsal=True)
    alone = judgement(Proofs((rehearsal,)))
    after_failure = judgement(Proofs((proof(NOW - 2 * HOUR, False, message="damaged"), rehearsal)))

    assert states(alone) == states(after_failure) == {"backup/restored/ben": State.CRITICAL}
    assert "REHEARSAL" in finding(alone, "backup/restored/ben").summary
    assert "damaged" in finding(after_failure, "backup/restored/ben").summary
    assert "REHEARSAL" not in finding(after_failure, "backup/restored/ben").summary


def test_a_failure_that_was_withdrawn_is_over_and_proves_nothing() -> None:
    gone = proof(NOW - HOUR, None, withdrawn=True, message="renamed")

    found = judgement(Proofs((proof(NOW - 2 * HOUR, False), gone)))

    assert states(found) == {}
    assert last_restored(ObjectHistory(proofs=(gone,))) is None


def test_a_damage_that_a_verification_found_is_critical_and_over_when_it_was_read_whole_again(tmp_path: Path) -> None:
    row = RIGHT["verifications"][0]
    told = []
    for verification in (row | {"sound": False}, row | {"sound": None, "at": NOW}, row | {"at": NOW}):
        put(tmp_path, RIGHT | {"verifications": [verification]})
        told.append(judgement(read(tmp_path), memory=told[-1].memory if told else None))

    assert [states(one) for one in told] == [{"backup/verified/ben": State.CRITICAL}] * 2 + [{}]


def test_a_hundred_tries_in_vain_push_neither_the_failure_nor_the_last_success_out() -> None:
    vain = [proof(NOW - number, None) for number in range(100)]

    kept = kept_proofs([proof(1.0, True), proof(2.0, False), *vain])

    assert [one.passed for one in kept[:2]] == [True, False]
    assert len(kept) < 20
    assert [trouble.state for trouble in failures(ObjectHistory(proofs=kept))] == [State.CRITICAL]


def test_a_canary_of_some_bytes_says_nothing_of_how_long_a_restore_takes() -> None:
    told = judgement(Proofs((proof(NOW - HOUR, True, seconds=0.5, bytes=156),)), rto="1h")
    large = judgement(Proofs((proof(NOW - HOUR, True, "samples ben", seconds=100.0, bytes=10**9),)), rto="1h")

    assert states(told) == {}
    assert states(large) == {"backup/restored/ben": State.WARNING}
    assert restore_seconds(ObjectHistory(proofs=(proof(1.0, True, seconds=0.5, bytes=156),))) is None
