"""Pings in the ledger: kept whole and durable, found by job, moved with their target, gone after their time."""

from __future__ import annotations

from collections.abc import Mapping

from agent.ledger.batch import Batch, Rename
from agent.ledger.ledger import Ledger
from agent.ledger.pings import pings
from agent.ledger.retention import Retention, prune
from checks.transports.inbox import Mail, Ping, Sign
from testbeds import kept

NOW = kept.NOW


def keep(ledger: Ledger, *some: Ping) -> None:
    ledger.writer.submit(Batch(pings=some)).result(30)


def found(ledger: Ledger, *jobs: str, since: float = 0.0, most: int = 100) -> Mapping[str, tuple[Ping, ...]]:
    return ledger.reader.read(lambda connection: pings(connection, jobs, since, most))


def test_pings_come_back_as_they_were(ledger: Ledger) -> None:
    told, bare = kept.ping(), Ping("backups/ben", NOW + 1, Sign.START, NOW + 1)
    mailed = kept.ping(at=NOW + 2, sign=Sign.MAIL, id="a" * 32, mail=Mail("[Success] “Ben”", NOW - 5.5, 7))

    keep(ledger, told, bare, mailed)

    assert found(ledger, "backups/ben", "backups/other") == {
        "backups/ben": (told, bare, mailed),
        "backups/other": (),
    }


def test_they_are_durable() -> None:
    assert Batch(pings=(kept.ping(),)).durable


def test_the_last_ones_are_found_in_the_order_in_which_they_were_sent(ledger: Ledger) -> None:
    sent = [kept.ping(at=NOW + at, rid=str(at)) for at in (5, 1, 9, 3)]
    keep(ledger, *sent)

    newest = found(ledger, "backups/ben", most=3)["backups/ben"]
    recent = found(ledger, "backups/ben", since=NOW + 4)["backups/ben"]

    assert [ping.rid for ping in newest] == ["1", "3", "9"]
    assert [ping.rid for ping in recent] == ["5", "9"]


def test_a_renamed_target_takes_its_pings_along(ledger: Ledger) -> None:
    keep(ledger, kept.ping("old/ben"), kept.ping("older/ben"))

    ledger.writer.submit(Batch(renames=(Rename("old", "dacorum", "new", "dacorum"),))).result(30)

    there = found(ledger, "new/ben", "old/ben", "older/ben")
    assert {job: len(some) for job, some in there.items()} == {"new/ben": 1, "old/ben": 0, "older/ben": 1}


def test_they_go_after_their_time(ledger: Ledger) -> None:
    keep(ledger, kept.ping(at=NOW - 100 * 86_400), kept.ping(at=NOW))

    gone = ledger.writer.call(lambda connection: prune(connection, Retention(), NOW))

    assert gone == 1
    assert [ping.at for ping in found(ledger, "backups/ben")["backups/ben"]] == [NOW]
