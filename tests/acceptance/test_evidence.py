"""A week in a real ledger, and what `ridgeway evidence backup` shows of it: kept, broken for a day, never seen."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agent.cli import answer
from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from agent.records import Acknowledgement, Cause, IncidentChange, IncidentState
from agent.restore_drills.filing import filed, with_restores, with_verification
from checks.backup.model import Proof, Repository, Verification
from checks.backup.proofs import DrillState, RestoreRecord, VerificationRecord
from testbeds import kept
from testbeds.backup_accounts import DAY, HOUR, account, run
from testbeds.postgres import PostgresCluster
from testbeds.watched import Watched, estate_file, watched

pytestmark = pytest.mark.acceptance

BEGIN = datetime(2025, 10, 23, 23, 0, tzinfo=UTC).timestamp()
"""Midnight of 24 October in London; on the 26th the clocks go back, so the seven days have 169 hours."""
HOURS = 169
HOSTILE = "=HYPERLINK(1)<script>alert(1)</script>"
OBJECTS = f"""
{{ben: {{owner: Head of Revenues, rpo: 26h, rto: 8h, verified_within: 30d, copies: {{}}, at: forum,
         by: [{{product: veeam, object: ben}}]}},
  planning: {{owner: "@Planning", title: "{HOSTILE}", rpo: 26h, by: [{{product: veeam, object: planning}}]}},
  archive: {{owner: Archivist, rpo: 1d, by: [{{product: other, object: archive}}]}}}}
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.database()


def nights(hour: int, *, without: int | None = None) -> list[float]:
    """When runs began up to that hour of the week: one each day at 22:00 GMT, and one before."""
    times = [BEGIN - HOUR + day * DAY for day in range(8) if day != without]
    return [at for at in times if at <= BEGIN + hour * HOUR]


def read(agent: Watched, hour: int, *, gone: bool = False) -> None:
    """The week's reading of that hour. Planning misses its third run, so for 21 hours its newest point is too old."""
    agent.now = BEGIN + hour * HOUR
    runs = [run(at) for at in nights(hour)] + [run(at, object="planning") for at in nights(hour, without=3)]
    runs += [run(BEGIN, object="lost-and-found")]
    agent.read(
        veeam=account(
            runs, at=agent.now, repositories=(Repository("main", online=not gone, immutable_days=7),),
            verifications=(Verification(BEGIN, True, "main", "ben"),),
            proofs=(Proof(BEGIN + HOUR, "ben", True, "canary", 100.0, 10**9),),
        )
    )  # fmt: skip


async def week(location: str, estate: Path, *, away: range = range(0), gone: range = range(0)) -> None:
    """169 hours, read each hour; in the hours of `away` no agent ran, in those of `gone` the repository was gone."""
    agent = watched(location, estate, BEGIN)
    for hour in range(HOURS + 1):
        if hour == away.start and away:
            await agent.stop()
        if hour in away:
            continue
        if away and hour == away.stop:
            memory, agent = agent.memory, watched(location, estate, BEGIN + hour * HOUR)
            agent.memory = memory
        read(agent, hour, gone=hour in gone)
    await agent.stop()


def pack(location: str, estate: Path, capsysbinary: pytest.CaptureFixture[bytes], *more: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(shown(location, estate, capsysbinary, *more))
    return said


def shown(location: str, estate: Path, capsysbinary: pytest.CaptureFixture[bytes], *more: str) -> bytes:
    days = ["--from", "2025-10-24", "--to", "2025-10-30"]
    capsysbinary.readouterr()
    ended = answer(["evidence", "backup", *days, "--config.file", str(estate), "--ledger.url", location, *more])
    said = capsysbinary.readouterr()
    assert (ended, said.err) == (0, b"")
    return said.out


def shares(said: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Hours kept, not kept, unproven, by object."""
    return {
        one["name"]: tuple(round(one["rpo"][key] / HOUR, 2) for key in
                           ("kept_seconds", "not_kept_seconds", "unproven_seconds"))
        for one in said["objects"]
    }  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The ledger of that week, with one incident in it, for tests that only read."""
    home = tmp_path_factory.mktemp("usual")
    location = str(home / "ledger.sqlite3")
    asyncio.run(week(location, estate_file(home, OBJECTS.replace("\n", " "))))
    incident_at(location)
    return location


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return estate_file(tmp_path, OBJECTS.replace("\n", " "))


def test_a_week_of_three_objects(usual: str, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    said = pack(usual, estate, capsysbinary)

    assert said["asked"]["time"]["seconds"] == HOURS * HOUR
    assert shares(said) == {"ben": (169, 0, 0), "planning": (148, 21, 0), "archive": (0, 0, 169)}
    (planning,) = [one for one in said["objects"] if one["name"] == "planning"]
    assert planning["rpo"]["not_kept"] == [
        {"start": "2025-10-27T01:00:00Z", "end": "2025-10-27T22:00:00Z", "seconds": 21 * HOUR}
    ]


async def test_the_time_without_an_agent_is_unproven(
    location: str, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    await week(location, estate, away=range(10, 34))

    said = pack(location, estate, capsysbinary)

    # The hour before the agent was away ended with its last reading.
    assert shares(said) == {"ben": (144, 0, 25), "planning": (123, 21, 25), "archive": (0, 0, 169)}
    assert [gap["seconds"] for gap in said["watching"]["gaps"]] == [25 * HOUR]


async def test_an_object_that_is_ok_because_its_repository_has_the_fault_is_unproven(
    tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    location = str(tmp_path / "ledger.sqlite3")
    await week(location, estate, gone=range(50, 100))

    said = pack(location, estate, capsysbinary)

    assert shares(said)["ben"] == (119, 0, 50)
    assert shares(said)["planning"][1] == 0  # told at the repository, so it cannot be told apart


def test_everything_is_there_for_an_assessor(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = pack(usual, estate, capsysbinary, "--by", "jo")

    ben = next(one for one in said["objects"] if one["name"] == "ben")
    assert (ben["owner"], ben["known_by"], ben["rto_seconds"]) == ("Head of Revenues", ["veeam"], 8 * HOUR)
    assert (ben["verified"][0]["sound"], ben["restored"][0]["by"]) == (True, "canary")
    assert ben["copies"]["missing"]
    assert [one["copies"]["elsewhere"] for one in said["objects"]] == [None, 1, None]
    assert [one["repository"] for one in ben["copies"]["kept"]] == ["veeam/main"]
    assert "lost-and-found" in said["undeclared"][0]["words"]
    assert said["excepted"] == [{"check": "backups/backup", "what": "need not be declared: lab-*"}]
    (incident,) = said["incidents"]
    assert (incident["seconds"], incident["ended"]) == (22 * HOUR, "2025-10-27T22:00:00Z")
    assert incident["accepted"]["comment"] == "the tape is out for repair"
    assert said["made"]["by"] == "jo"
    coverage, frequency, *_, documented = said["statements"]
    assert coverage["shown"][0] == "3 objects are declared; 2 of 3 known to a product."
    assert (said["checks"][0]["read_at"], said["checks"][0]["fresh"]) == ("2025-10-31T00:00:00Z", False)
    assert frequency["shown"][0] == "RPO kept for all of the time: 1 of 3."
    assert documented["not_shown"] == ["When the policy of backups was last reviewed, and by whom."]
    assert said["checks"][0]["not_whole"][0].startswith("other: was not asked")


def test_the_files_of_a_pack_and_their_digest(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    out = tmp_path / "pack"

    shown(usual, estate, capsysbinary, "--out", str(out), "--council", "dacorum")

    stem = "ridgeway-evidence-backup-dacorum-2025-10-24-2025-10-30"
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{stem}{end}" for end in ("-drills.csv", "-incidents.csv", ".csv", ".html", ".json", ".json.sha256")
    )
    subprocess.run(["sha256sum", "--check", "--strict", f"{stem}.json.sha256"], cwd=out, check=True, timeout=10)
    page = (out / f"{stem}.html").read_text(encoding="utf-8")
    assert sha256((out / f"{stem}.json").read_bytes()).hexdigest() in page
    again = answer([
        "evidence", "backup", "--from", "2025-10-24", "--to", "2025-10-30", "--config.file", str(estate),
        "--ledger.url", usual, "--out", str(out), "--council", "dacorum",
    ])  # fmt: skip
    assert (again, b"is there already" in capsysbinary.readouterr().err) == (1, True)


def with_drills(estate: Path, proofs: Path) -> Path:
    """An estate whose check is told of drills, and what these left of the week: a row of each outcome."""
    estate.write_text(
        estate.read_text().replace("          objects:", f"          proofs: {proofs}\n          objects:")
    )
    rows = [
        RestoreRecord(at=BEGIN + HOUR * hour, by=by, outcome=outcome, message=words, point=BEGIN, point_id="4a1f",
                      tool="restic", host="drill1", seconds=2.5, bytes=10**6, cleaned=True, rehearsal=rehearsal,
                      change=change)
        for hour, by, outcome, words, rehearsal, change in (
            (-1, "canary ben", "passed", "of the day before", False, ""),
            (2, "canary ben", "passed", "came back whole", False, "CHG-7"),
            (3, "samples ben", "failed", HOSTILE, False, "CHG-7"),
            (4, "samples ben", "unproven", "locked", False, ""),
            (5, "canary ben", "failed", "rehearsal", True, "CHG-7"),
        )
    ]  # fmt: skip
    read = VerificationRecord(at=BEGIN + 6 * HOUR, sound=False, product="veeam", repository="main", share=0.5)
    proofs.mkdir()
    filed(proofs, "ben", BEGIN + DAY, lambda one: with_restores(one, "ben", DrillState(), rows))
    filed(proofs, "ben", BEGIN + DAY, lambda one: with_verification(one, "ben", DrillState(), read))
    return estate


def test_every_drill_of_the_time_is_shown_with_what_came_of_it(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    estate, out = with_drills(estate, tmp_path / "proofs"), tmp_path / "pack"

    shown(usual, estate, capsysbinary, "--out", str(out))

    stem = out / "ridgeway-evidence-backup-2025-10-24-2025-10-30"
    said = json.loads(Path(f"{stem}.json").read_bytes())
    rows = list(csv.DictReader(io.StringIO(Path(f"{stem}-drills.csv").read_text(), newline="")))
    page = Path(f"{stem}.html").read_text()
    assert [(one["by"], one["source"], one["outcome"], one["change"]) for one in said["drills"]] == [
        ("canary", "product", "passed", ""), ("canary ben", "drill", "passed", "CHG-7"),
        ("samples ben", "drill", "failed", "CHG-7"), ("samples ben", "drill", "unproven", ""),
        ("canary ben", "drill", "failed", "CHG-7"),
    ]  # fmt: skip
    ours = said["drills"][1]
    assert (ours["point_id"], ours["seconds"], ours["bytes"], ours["host"]) == ("4a1f", 2.5, 10**6, "drill1")
    assert said["drill_totals"] == {
        "objects": 3, "restored": 1, "tried": 4, "passed": 2, "failed": 1, "unproven": 1, "rehearsals": 1,
        "without_change": 1,
    }  # fmt: skip
    assert [(one["place"], one["sound"], one["share"]) for one in said["readings"]] == [("veeam/main", False, 0.5)]
    assert [row["outcome"] for row in rows] == [one["outcome"] for one in said["drills"]]
    assert rows[2]["message"] == f"'{HOSTILE}"
    assert any("Restores tried in the time: 4" in line for one in said["statements"] for line in one["shown"])
    assert "&lt;script&gt;" in page.partition("Restore drills")[2]
    assert "Restores that did not go well" in page


def test_drills_that_cannot_be_read_are_said_to_be_missing(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    estate = with_drills(estate, tmp_path / "proofs")
    (tmp_path / "proofs").rename(tmp_path / "elsewhere")

    said = pack(usual, estate, capsysbinary)

    (files,) = said["drill_files"]
    assert "cannot be read: No such file or directory" in files["unread"][0]
    assert any("could not be read" in line for one in said["statements"] for line in one["not_shown"])


def test_names_that_would_harm_are_only_names(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:

    rows = shown(usual, estate, capsysbinary, "--format", "csv").decode()
    page = shown(usual, estate, capsysbinary, "--format", "html", "--by", "<img src=x>").decode()

    table = list(csv.DictReader(io.StringIO(rows, newline="")))
    planning = next(row for row in table if row["object"] == "planning")
    assert (planning["title"], planning["owner"]) == (f"'{HOSTILE}", "'@Planning")
    assert float(planning["kept_percent"]) + float(planning["not_kept_percent"]) == 100
    assert rows.count("\r\n") == len(table) + 1
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_another_council_sees_nothing_of_it(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = pack(usual, estate, capsysbinary, "--council", "hemel")

    assert (said["objects"], said["incidents"], said["undeclared"], said["checks"]) == ([], [], [], [])
    assert "planning" not in json.dumps(said)


def test_an_object_that_the_estate_has_no_more_is_still_told(
    usual: str, tmp_path: Path, estate: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    later = estate_file(tmp_path, "{ben: {owner: Head, rpo: 26h, by: [{product: veeam, object: ben}]}}")

    said = pack(usual, later, capsysbinary)

    assert [(one["name"], one["declared"]) for one in said["objects"]] == [("ben", True), ("planning", False)]
    assert shares(said)["planning"] == (148, 21, 0)


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (["--from", "2025-10-24", "--to", "2025-10-23"], 2, "is before"),
        (["--from", "yesterday", "--to", "2025-10-23"], 2, "must be a day"),
        (["--from", "2025-10-24", "--to", "2025-10-25", "--council", "nobody"], 2, "There is no council 'nobody'"),
        (["--from", "2025-10-24", "--to", "2025-10-25"], 3, "no.sqlite3"),
    ],
)
def test_what_cannot_be_asked_is_said(
    more: list[str], status: int, words: str, tmp_path: Path, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "no.sqlite3")

    ended = answer(["evidence", "backup", "--config.file", str(estate), "--ledger.url", nowhere, *more])

    assert (ended, words in capsys.readouterr().err) == (status, True)


def incident_at(location: str) -> None:
    """Planning's day, with somebody who took it as it was."""
    ledger = Ledger.open(location, clock=lambda: BEGIN + (HOURS + 1) * HOUR, vantage="here")
    began, ended = BEGIN + 73 * HOUR, BEGIN + 95 * HOUR
    said = kept.incident(
        cause=Cause("dacorum", "backups", "backup/protection/planning"), state=IncidentState.RESOLVED,
        title="Planning is beyond its RPO", suspected_at=began, opened_at=began + 60, resolved_at=ended,
        changed_at=ended, acknowledged=Acknowledgement("jo", began, ended, "the tape is out for repair"),
    )  # fmt: skip
    early = kept.incident(
        "RWY-2", Cause("dacorum", "backups", "backup/protection/ben"), state=IncidentState.CLOSED,
        suspected_at=BEGIN - DAY, opened_at=BEGIN - DAY, resolved_at=BEGIN - HOUR, closed_at=BEGIN - HOUR,
    )  # fmt: skip
    ledger.writer.submit(Batch(incident_changes=(IncidentChange(said), IncidentChange(early))))
    ledger.writer.call(lambda _connection: None)
    ledger.close()
