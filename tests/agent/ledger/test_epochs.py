"""Epochs over restores: of every event its own, of every cursor an answer, and no number twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from agent.ledger import tables
from agent.ledger.apply import append_events
from agent.ledger.epochs import GAP, Ancestor, Lineage, begin_epoch, epoch_of, lineage_of, shared
from agent.ledger.ledger import Ledger
from agent.ledger.mark import Mark
from testbeds import kept


def test_a_copy_of_the_same_epoch_shares_what_it_holds() -> None:
    found = shared(Lineage("A", 100), Lineage("A", 150))

    assert found == {"A": Ancestor(100, 0.0)}


def test_a_copy_from_before_an_earlier_restore_shares_no_more_than_both_know() -> None:
    present = Lineage("B", GAP + 900, {"A": Ancestor(100, 5.0)})

    found = shared(Lineage("A", 80), present)

    assert found == {"A": Ancestor(80, 5.0), "B": Ancestor(80, 0.0)}


def test_the_ledger_of_somebody_else_shares_nothing() -> None:
    assert shared(Lineage("A", 100), Lineage("X", 150, {"Y": Ancestor(9, 1.0)})) == {}


def test_an_event_keeps_the_epoch_it_was_written_in_when_a_branch_was_given_up() -> None:
    # A was copied at 100 and at 150; the first copy became B, then the second took its place.
    present = Lineage("B", GAP + 900, {"A": Ancestor(100, 5.0)})
    known = shared(Lineage("A", 150), present)
    after = Lineage("C", 2 * GAP + 900, {name: replace(a, ended_at=a.ended_at or 9.0) for name, a in known.items()})

    assert [epoch_of(number, after) for number in (50, 120, 2 * GAP)] == ["A", "A", "C"]


def test_a_new_epoch_is_written_down_and_the_counter_jumps(open_ledger: Callable[..., Ledger]) -> None:
    ledger = open_ledger()
    ledger.writer.submit(kept.changed()).result(30)
    before = ledger.reader.read(lineage_of)

    epoch = ledger.writer.call(lambda c: begin_epoch(c, kept.NOW, {"X": Ancestor(1, 7.0)}, beyond=40))

    after = ledger.reader.read(lineage_of)
    assert (after.epoch, after.sequence) == (epoch, 40 + GAP)
    assert after.ancestors == {before.epoch: Ancestor(1, kept.NOW), "X": Ancestor(1, 7.0)}
    assert ledger.writer.submit(kept.changed()).result(30) == (41 + GAP,)


def test_a_ledger_that_does_not_know_the_last_run_gets_a_new_epoch(
    open_ledger: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_ledger(state=tmp_path)
    ledger.writer.submit(kept.changed()).result(30)
    before = ledger.reader.read(lineage_of)
    assert ledger._hold is not None
    ledger._hold.remember(Mark("RUN-OF-THE-LOST-DAY", 70))
    ledger.close()

    after = open_ledger(state=tmp_path).reader.read(lineage_of)

    assert after.epoch != before.epoch
    assert after.sequence == 70 + GAP
    assert after.ancestors == {before.epoch: Ancestor(1, kept.NOW)}


def test_a_copy_that_was_made_in_the_last_run_itself_is_noticed_when_it_is_put_back(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.sqlite3", tmp_path / "copy"
    ledger = Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")
    ledger.writer.submit(kept.changed()).result(30)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    ledger.writer.submit(kept.changed()).result(30)
    ledger.writer.call(lambda c: append_events(c, [kept.event()]))
    before = ledger.reader.read(lineage_of)
    ledger.close()
    copy.replace(path)
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)

    with closing(Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        after = ledger.reader.read(lineage_of)

    assert before.sequence == 3
    assert after.epoch != before.epoch
    assert after.sequence == 3 + GAP
    assert after.ancestors == {before.epoch: Ancestor(1, kept.NOW)}


def test_a_ledger_that_is_only_opened_again_keeps_its_epoch(open_ledger: Callable[..., Ledger]) -> None:
    epochs = []
    for _life in range(3):
        ledger = open_ledger()
        ledger.writer.submit(kept.changed()).result(30)
        epochs.append(ledger.reader.read(lineage_of).epoch)
        ledger.close()

    assert len(set(epochs)) == 1


def test_a_new_ledger_where_one_was_lost_uses_no_number_again(
    open_ledger: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_ledger(state=tmp_path)
    assert ledger._hold is not None
    ledger._hold.remember(Mark("RUN-OF-THE-LOST-LEDGER", 70))
    ledger.writer.call(lambda c: c.execute(tables.ledger_info.delete()))
    ledger.close()

    position = open_ledger(state=tmp_path).reader.feed_position()

    assert (position.oldest, position.newest) == (71 + GAP, 70 + GAP)


@dataclass
class Log:
    """A log as it truly is: who wrote which number, beside what the ledger knows of it."""

    lineage: Lineage
    events: dict[int, str] = field(default_factory=dict)
    written: int = 0


_ACTS = st.lists(st.tuples(st.sampled_from(["write", "copy", "restore"]), st.integers(0, 5)), max_size=30)


@given(_ACTS)
def test_whatever_is_copied_and_restored_each_event_keeps_its_epoch_and_no_number_is_used_twice(
    acts: list[tuple[str, int]],
) -> None:
    log, copies, used, moment, named = Log(Lineage("E0", 0)), [], {0}, 1.0, 0
    ever: dict[str, dict[int, str]] = {"E0": {}}
    for act, number in acts:
        moment += 1
        if act == "write":
            for _ in range(number + 1):
                log.lineage = replace(log.lineage, sequence=log.lineage.sequence + 1)
                assert log.lineage.sequence not in used
                used.add(log.lineage.sequence)
                log.events[log.lineage.sequence] = log.lineage.epoch
            ever[log.lineage.epoch] = dict(log.events)
        elif act == "copy":
            copies.append(Log(log.lineage, dict(log.events)))
        elif copies:
            copy, present = copies[number % len(copies)], log
            known = shared(copy.lineage, present.lineage)
            ancestors = {n: replace(a, ended_at=a.ended_at or moment) for n, a in known.items()}
            named += 1
            counter = max(copy.lineage.sequence, present.lineage.sequence) + GAP
            log = Log(Lineage(f"E{named}", counter, {**ancestors, **copy.lineage.ancestors}), dict(copy.events))
            ever[log.lineage.epoch] = dict(log.events)

        assert {n: epoch_of(n, log.lineage) for n in log.events} == log.events
        for name, ancestor in log.lineage.ancestors.items():
            theirs = {n: by for n, by in ever[name].items() if n <= ancestor.last}
            assert theirs == {n: by for n, by in log.events.items() if n <= ancestor.last}


def test_what_is_shared_is_read_from_the_tables(ledger: Ledger) -> None:
    ledger.writer.call(lambda c: begin_epoch(c, kept.NOW))

    rows = ledger.reader.read(lambda c: c.execute(select(tables.epochs)).all())

    assert [(row.last, row.ended_at) for row in rows] == [(0, kept.NOW)]
