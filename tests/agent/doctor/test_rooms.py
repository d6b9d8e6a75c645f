"""Each room of the doctor says what it saw, and what it could not see is never ok."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from agent.diagnosis import Level, Line
from agent.doctor import clock, ledger, names, process, rights, room, running, unit
from agent.ledger.epochs import Lineage
from agent.ledger.overview import Overview
from config.secrets import SecretReference

GB = 10**9


def levels(lines: object) -> list[tuple[str, Level]]:
    return [(line.what, line.level) for line in lines]  # type: ignore[attr-defined]


def one(lines: object) -> Line:
    [line] = lines  # type: ignore[misc]
    return line


@pytest.mark.parametrize(("right", "level"), [(True, Level.OK), (False, Level.WARNING), (None, Level.UNKNOWN)])
def test_a_clock_that_nobody_keeps_is_a_warning_and_one_that_cannot_be_asked_is_not_ok(
    right: bool | None, level: Level
) -> None:
    assert levels(clock.clock_lines(right, 1000.0, 990.0)) == [("clock", level)]


def test_a_clock_that_was_set_back_is_seen_by_what_the_ledger_wrote() -> None:
    lines = list(clock.clock_lines(True, 1000.0, 1900.0))

    assert "900 s in the future" in lines[1].text and lines[1].level is Level.WARNING


def test_the_kernels_answer_is_read_where_it_stands() -> None:
    found = clock.ask()
    if found is None:
        pytest.skip("this container may not ask the kernel for its clock")

    assert 9_000 <= found.tick <= 11_000, "microseconds between two ticks, of 100 in a second"
    assert abs(found.seconds - time.time()) < 3_600


@pytest.mark.parametrize(
    ("size", "free", "level"),
    [
        (100 * GB, 50 * GB, Level.OK),
        (100 * GB, 9 * GB, Level.WARNING),
        (100 * GB, GB, Level.BROKEN),
        (GB, 300 * 10**6, Level.WARNING),
        (GB, 30 * 10**6, Level.BROKEN),
    ],
)
def test_room_is_judged_by_share_and_by_size(size: int, free: int, level: Level) -> None:
    assert one(room.room_lines(Path("/x"), room.Room(size, free, 0, 0), None)).level is level


def test_inodes_run_out_apart_from_bytes() -> None:
    found = levels(room.room_lines(Path("/x"), room.Room(100 * GB, 50 * GB, 1000, 10), None))

    assert found == [("disk", Level.OK), ("inodes", Level.BROKEN)]


def test_the_days_to_a_full_disk_are_told_when_the_ledgers_pace_is_known() -> None:
    line = one(room.room_lines(Path("/x"), room.Room(100 * GB, 50 * GB, 0, 0), (10 * GB, 10 * 86_400.0)))

    assert "full in 50 days" in line.text


def test_a_disk_that_cannot_be_read_is_not_ok(tmp_path: Path) -> None:
    place = tmp_path / "nowhere"

    assert one(room.room_lines(place, room.look(place), None)).level is Level.UNKNOWN
    assert all(level is not Level.UNKNOWN for _, level in levels(room.room_lines(tmp_path, room.look(tmp_path), None)))


def test_descriptors_are_counted_against_the_estate() -> None:
    few, many, spent = process.Process(1024, 20), process.Process(65_536, 20), process.Process(1024, 1000)

    found = [one(process.descriptor_lines(p, targets)).level for p, targets in ((few, 5000), (many, 5000), (spent, 5))]

    assert found == [Level.WARNING, Level.OK, Level.BROKEN]
    assert one(process.descriptor_lines(process.Process(), 5)).level is Level.UNKNOWN


def test_a_real_process_is_read() -> None:
    found = process.process(os.getpid())

    assert found.descriptors and found.in_use and found.groups is not None
    assert os.getgid() in found.groups
    assert process.process(2**22 + 1) == process.Process()


@pytest.mark.parametrize(
    ("ranges", "found", "level"),
    [
        ("0 2147483647", process.Process(groups=frozenset({5}), raw=False), Level.OK),
        ("1 0", process.Process(groups=frozenset({5}), raw=False), Level.BROKEN),
        ("1 0", process.Process(groups=frozenset({5}), raw=True), Level.OK),
        ("1 0", process.Process(), Level.UNKNOWN),
        ("odd", process.Process(groups=frozenset({5}), raw=False), Level.UNKNOWN),
    ],
)
def test_whether_ping_is_allowed_is_read_and_not_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ranges: str, found: process.Process, level: Level
) -> None:
    (tmp_path / "range").write_text(ranges)
    monkeypatch.setattr(process, "_RANGE", tmp_path / "range")

    assert one(process.ping_lines(found, True)).level is level
    assert list(process.ping_lines(found, False)) == []


def test_files_that_others_may_read_are_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.touch(mode=0o600)
    fine = one(rights.private_lines("ledger file", file, os.getuid()))
    strange = one(rights.private_lines("ledger file", file, os.getuid() + 1))
    file.chmod(0o644)

    open_to_all = one(rights.private_lines("ledger file", file, None))

    assert (fine.level, strange.level, open_to_all.level) == (Level.OK, Level.BROKEN, Level.WARNING)
    assert open_to_all.mend == f"chmod 600 {file}"
    assert list(rights.private_lines("ledger file", tmp_path / "none", None)) == []


def test_secrets_are_fetched_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("GOOD", "hunter2")
    loose = tmp_path / "loose"
    loose.write_text("hunter2")
    loose.chmod(0o644)
    texts = ("env:GOOD", "env:MISSING_ONE", f"file:{loose}", "credential:rt.token")

    lines = list(rights.secret_lines(SecretReference.parse(text) for text in texts))

    assert {line.where: line.level for line in lines} == {
        "": Level.OK,
        "env:MISSING_ONE": Level.BROKEN,
        f"file:{loose}": Level.BROKEN,
        "credential:rt.token": Level.UNKNOWN,
    }
    assert "hunter2" not in str(lines)
    assert "chmod o-rwx" in next(line.text for line in lines if line.where.startswith("file:"))


def test_names_are_resolved_together_and_a_lost_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(name: str, _port: object) -> list[object]:
        if name == "lost.example":
            raise socket.gaierror(-2, "Name or service not known")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", ask)

    found = names.resolve(["there.example", "lost.example"])

    assert levels(names.name_lines(found)) == [("names", Level.WARNING)]
    assert one(names.name_lines(names.resolve(["lost.example"]))).level is Level.BROKEN
    assert one(names.name_lines(names.resolve(["there.example"]))).level is Level.OK
    assert list(names.name_lines({})) == []


ABOUT = {
    "version": "1.0", "revision": "a" * 64, "vantage": "here", "process": 7, "healthy": True, "ready": True,
    "reason": "", "ledger_error": "", "traps": ["0.0.0.0:162"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "what", "level"),
    [
        ({}, "agent", Level.OK),
        ({"healthy": False, "reason": "the scheduler stands"}, "agent", Level.BROKEN),
        ({"ready": False}, "agent", Level.WARNING),
        ({"version": "0.9"}, "version", Level.WARNING),
        ({"revision": "b" * 64}, "estate in force", Level.WARNING),
        ({"ledger_error": "full"}, "ledger", Level.BROKEN),
        ({}, "traps", Level.OK),
    ],
)
def test_what_the_agent_tells_is_compared_with_what_is_installed(
    change: dict[str, object], what: str, level: Level
) -> None:
    assert dict(levels(running.agent_lines(ABOUT | change, "1.0", "a" * 64)))[what] is level


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [("unit", Level.OK)]),
        ({"ActiveState": "failed", "Result": "exit-code"}, [("unit", Level.BROKEN)]),
        ({"NRestarts": "3"}, [("unit", Level.WARNING)]),
        ({"NeedDaemonReload": "yes"}, [("unit", Level.OK), ("unit", Level.WARNING)]),
        ({"WatchdogUSec": "0"}, [("unit", Level.OK), ("watchdog", Level.WARNING)]),
        (
            {"DropInPaths": "/etc/a.conf /etc/b.conf"},
            [("unit", Level.OK), ("drop-in", Level.OK), ("drop-in", Level.OK)],
        ),
        ({"LoadState": "not-found"}, []),
    ],
)
def test_the_unit_is_judged_by_what_systemd_says(change: dict[str, str], expected: list[object]) -> None:
    shown = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "NRestarts": "0",
             "NeedDaemonReload": "no", "WatchdogUSec": "1min", "DropInPaths": "", "Result": "success"}  # fmt: skip

    assert levels(unit.unit_lines(shown | change)) == expected


def test_a_unit_that_cannot_be_asked_is_not_ok_and_without_systemd_there_is_none() -> None:
    assert one(unit.unit_lines("Failed to connect to bus")).level is Level.UNKNOWN
    assert list(unit.unit_lines(None)) == []


def _overview(**fields: object) -> Overview:
    given = {
        "schema": "0004", "lineage": Lineage("E", 9), "size": 1000, "created_at": 0.0, "alive_at": 0.0,
        "open_incidents": 1, "waiting": 0, "oldest_waiting": None, "counts": {},
    }  # fmt: skip
    return Overview(**(given | fields))  # type: ignore[arg-type]


def test_a_ledger_is_judged_by_schema_damage_and_what_waits() -> None:
    fine, late = _overview(), _overview(waiting=3, oldest_waiting=0.0)

    found = [
        levels(ledger.ledger_lines("x", o, d, 9_000.0)) for o, d in ((fine, ""), (None, ""), (fine, "bad"), (late, ""))
    ]

    assert found == [
        [("ledger", Level.OK)],
        [("ledger", Level.WARNING)],
        [("ledger", Level.BROKEN)],
        [("ledger", Level.OK), ("desk backlog", Level.WARNING)],
    ]


def test_a_ledger_that_is_held_by_an_agent_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    lock = tmp_path / "ledger.sqlite3.lock"
    lock.write_text("process 7, vantage here\n")
    held = f"1: FLOCK  ADVISORY  WRITE 7 fe:01:{lock.stat().st_ino} 0 EOF\n"

    assert "held by process 7, vantage here, and no agent answers" in one(ledger.holder_lines(lock, held, False)).text
    assert one(ledger.holder_lines(lock, held, True)).level is Level.OK
    assert list(ledger.holder_lines(lock, "", False)) == []
