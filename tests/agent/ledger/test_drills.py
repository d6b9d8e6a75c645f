"""Drills in the ledger: kept whole, found by council and target, and their proof outlives their evidence."""

from __future__ import annotations

from dataclasses import replace

from agent.drills.records import FAILOVERS, DrillKind, Evidence, Outcome
from agent.ledger import drills
from agent.ledger.batch import Batch, Rename
from agent.ledger.drills import WantedDrills
from agent.ledger.ledger import Ledger
from agent.ledger.retention import YEAR, Retention, prune
from testbeds import kept

NOW = kept.NOW


def _keep(ledger: Ledger, *some: object) -> None:
    ledger.writer.submit(Batch(drills=some)).result(30)  # type: ignore[arg-type]


def test_a_drill_comes_back_as_it_was_and_its_newest_state_is_the_one_that_is_kept(ledger: Ledger) -> None:
    begun = kept.drill(evidence=Evidence(), ended_at=None, ended_by="", outcome=None, summary="", proven_at=None)

    _keep(ledger, begun)
    under_way = ledger.reader.read(drills.unfinished)
    _keep(ledger, kept.drill())

    assert under_way == (begun,)
    assert ledger.reader.read(drills.unfinished) == ()
    assert ledger.reader.read(lambda connection: drills.drill(connection, "DRL-1")) == kept.drill()


def test_a_drill_of_phones_comes_back_with_its_moves_and_its_sets(ledger: Ledger) -> None:
    _keep(ledger, kept.phones_drill())

    assert ledger.reader.read(lambda connection: drills.drill(connection, "DRL-1")) == kept.phones_drill()


def test_drills_are_listed_the_newest_first_by_target_and_page(ledger: Ledger) -> None:
    _keep(ledger, kept.drill("DRL-1"), kept.drill("DRL-3"), kept.drill("DRL-2", target="gateway-firewall"))

    def listed(**wanted: object) -> list[str]:
        asked = WantedDrills(**wanted)  # type: ignore[arg-type]
        return [one.id for one in ledger.reader.read(lambda connection: drills.drills(connection, asked))]

    assert listed() == ["DRL-3", "DRL-2", "DRL-1"]
    assert listed(limit=1) == ["DRL-3"]
    assert listed(before="DRL-3", target="forum-firewall") == ["DRL-1"]
    assert listed(kind=DrillKind.FIREWALL, target="gateway-firewall") == ["DRL-2"]


def test_who_may_see_one_council_is_shown_nothing_of_another(ledger: Ledger) -> None:
    _keep(ledger, kept.drill("DRL-1"), kept.drill("DRL-2", council="aylesbury-vale"))

    seen = ledger.reader.read(lambda connection: drills.drills(connection, WantedDrills(), frozenset({"dacorum"})))
    other = ledger.reader.read(lambda connection: drills.drill(connection, "DRL-2", frozenset({"dacorum"})))

    assert [one.id for one in seen] == ["DRL-1"]
    assert other is None


def test_the_last_proof_of_a_target_is_its_newest_and_what_proved_nothing_counts_for_nothing(ledger: Ledger) -> None:
    _keep(
        ledger,
        kept.drill("DRL-1", proven_at=NOW - 500),
        kept.drill("DRL-2", proven_at=NOW - 100),
        kept.drill("DRL-3", outcome=Outcome.FAILED, proven_at=None),
        kept.drill("DRL-4", target="never-proven", outcome=Outcome.NO_FAILOVER, proven_at=None),
        kept.drill("DRL-5", target="controller", kind=DrillKind.TELEPHONY, proven_at=NOW - 50),
    )

    proven = ledger.reader.read(lambda connection: drills.last_proven(connection, FAILOVERS))

    assert proven == {"forum-firewall": NOW - 100, "controller": NOW - 50}


def test_old_drills_go_but_the_last_proof_of_a_target_stays(ledger: Ledger) -> None:
    old = NOW - 8 * YEAR
    _keep(
        ledger,
        kept.drill("DRL-1", ended_at=old, proven_at=old - 1),
        kept.drill("DRL-2", ended_at=old + 1, proven_at=old),
        kept.drill("DRL-3", ended_at=old + 2, proven_at=None),
        kept.drill("DRL-4", ended_at=None, outcome=None, proven_at=None, start=old),
    )

    ledger.writer.call(lambda connection: prune(connection, Retention(), NOW))

    left = ledger.reader.read(lambda connection: drills.drills(connection, WantedDrills()))
    assert [one.id for one in left] == ["DRL-4", "DRL-2"]


def test_a_renamed_target_takes_its_drills_along(ledger: Ledger) -> None:
    _keep(ledger, kept.drill())

    ledger.writer.submit(Batch(renames=(Rename("forum-firewall", "dacorum", "forum-pair", "aylesbury-vale"),))).result(
        30
    )

    found = ledger.reader.read(lambda connection: drills.drill(connection, "DRL-1"))
    assert found == replace(kept.drill(), target="forum-pair", council="aylesbury-vale")
