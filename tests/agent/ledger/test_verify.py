"""`ledger verify` finds each promise that is broken, and nothing in a ledger that an agent wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.cli import answer
from agent.diagnosis import Level, Line, exit_status, ok, unknown, warning
from agent.ledger.batch import Batch, Span
from agent.ledger.ledger import Ledger
from agent.ledger.overview import overview
from agent.ledger.verify import verify
from agent.records import Cause
from checks.contract import State
from testbeds import kept

CAUSE = Cause("dacorum", "web", "tcp/9")


def verified(ledger: Ledger) -> dict[str, Line]:
    """The lines that are not ok, by what was looked at."""
    lines = ledger.reader.read(lambda connection: list(verify(connection, kept.NOW)))
    assert len(lines) > 5
    return {line.what: line for line in lines if line.level is not Level.OK}


def written(ledger: Ledger) -> Ledger:
    for number in range(3):
        cause = Cause("dacorum", f"router-{number}", "snmp/memory")
        ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),))).result(30)
    spans = (
        Span(CAUSE, kept.NOW, kept.NOW + 60, State.OK),
        Span(CAUSE, kept.NOW + 60, kept.NOW + 60, State.CRITICAL, "", ledger.run),
    )
    rows = Batch(
        alerts=(kept.alert(),),
        checks=(kept.check_record(),),
        maintenance=(kept.window(),),
        drills=(kept.drill(),),
        pings=(kept.ping(),),
        spans=spans,
    )
    ledger.writer.submit(rows).result(30)
    return ledger


def test_a_ledger_that_an_agent_wrote_keeps_its_promises(ledger: Ledger) -> None:
    assert verified(written(ledger)) == {}


@pytest.mark.parametrize(
    ("spoil", "what", "words"),
    [
        (
            "DROP INDEX one_live_incident_per_cause; UPDATE incidents SET subject = 'router-0'",
            "one incident",
            "1 live twice: dacorum router-0 snmp/memory",
        ),
        (
            "DROP INDEX one_incident_per_ticket; UPDATE ticket_links SET ticket = '7', phase = 'linked'",
            "one ticket",
            "1 held by two incidents: ict 7",
        ),
        ("UPDATE ledger_info SET sequence = 2", "feed", "event 3 is above the counter, 2"),
        ("UPDATE ledger_info SET pruned = 9", "feed", "removed up to 9 of 3"),
        ("INSERT INTO epochs VALUES ('X', 99, 1.0)", "epochs", "epoch X is to have ended outside the log"),
        (
            "INSERT INTO epochs SELECT epoch, 1, 1.0 FROM ledger_info",
            "epochs",
            "is also written down as an earlier one",
        ),
        ("UPDATE outbox SET incident = 'RWY-9' WHERE incident = 'RWY-1'", "belongings", "1 in outbox without their"),
        ("UPDATE events SET incident = 'RWY-9' WHERE incident = 'RWY-1'", "belongings", "1 in events without their"),
        ("UPDATE ticket_links SET phase = 'linked' WHERE incident = 'RWY-1'", "links", "RWY-1 ict linked"),
        ("UPDATE ticket_links SET phase = 'strange' WHERE incident = 'RWY-1'", "links", "RWY-1 ict strange"),
        ("UPDATE ticket_links SET ticket = '7' WHERE incident = 'RWY-1'", "links", "RWY-1 ict wanted"),
        ('UPDATE spans SET "end" = start - 1 WHERE run IS NULL', "spans", "1 that end before they begin: web tcp/9"),
        ('UPDATE spans SET "end" = start + 999 WHERE run IS NULL', "spans", "1 overlap the one before (web tcp/9)"),
        ("UPDATE alerts SET level = 'odd'", "rows", "1 rows of alerts cannot be read"),
        ("UPDATE incidents SET body = '{}' WHERE id = 'RWY-1'", "rows", "1 rows of incidents cannot be read"),
        ("UPDATE events SET kind = 'odd' WHERE sequence = 1", "rows", "1 rows of events cannot be read"),
        ("UPDATE checks SET state = 'odd'", "rows", "1 rows of checks cannot be read"),
        ("UPDATE families SET body = '[]'", "rows", "cannot be read"),
    ],
)
def test_a_broken_promise_is_found_and_named(ledger: Ledger, spoil: str, what: str, words: str) -> None:
    written(ledger)
    ledger.writer.call(lambda c: [c.execute(text(statement)) for statement in spoil.split("; ")])

    found = verified(ledger)

    assert words in found[what].text
    assert found[what].mend


def test_an_index_that_holds_a_promise_is_missed(ledger: Ledger) -> None:
    ledger.writer.call(lambda c: c.execute(text("DROP INDEX outbox_waiting")))

    found = verified(ledger)

    assert "missing: outbox_waiting" in found["schema"].text


def test_a_ledger_of_another_schema_is_not_judged(ledger: Ledger) -> None:
    ledger.writer.call(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0001'")))

    lines = ledger.reader.read(lambda connection: list(verify(connection, kept.NOW)))

    assert [line.level for line in lines] == [Level.OK, Level.WARNING, Level.UNKNOWN]
    assert ledger.reader.read(overview) is None


def test_a_damaged_page_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        written(ledger)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_events_incident'").fetchone()
    whole = bytearray(path.read_bytes())
    whole[(root - 1) * 4096 + 100 : root * 4096] = b"\x55" * (4096 - 100)
    path.write_bytes(whole)

    status = answer(["ledger", "verify", "--ledger.url", str(path)])

    assert status == 1
    assert "broken          database: the file is damaged" in capsys.readouterr().out


def test_the_overview_counts_what_is_there(open_ledger: Callable[..., Ledger]) -> None:
    ledger = written(open_ledger())

    found = ledger.reader.read(overview)

    assert found is not None
    assert (found.open_incidents, found.waiting, found.oldest_waiting) == (3, 3, kept.NOW)
    assert (found.lineage.sequence, found.alive_at, found.created_at) == (3, kept.NOW, kept.NOW)
    assert found.counts["events"] == 3 and found.size > 4096


def test_what_could_not_be_told_is_never_ok() -> None:
    fine, odd, bad = ok("a", "b"), unknown("a", "b"), warning("a", "b", "c")

    assert [exit_status(lines) for lines in ([fine], [fine, odd], [fine, odd, bad], [])] == [0, 3, 1, 0]
