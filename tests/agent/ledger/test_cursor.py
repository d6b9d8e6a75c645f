"""Cursors over any history of writing, copying, restoring and removing: nothing missed, nothing doubled, in order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.ledger.cursor import LARGEST, Cursor, CursorError, FeedPosition, Loss
from agent.ledger.epochs import GAP, Ancestor, Lineage, shared

HERE = FeedPosition(Lineage("C", 2 * GAP + 30, {"A": Ancestor(100, 1.0), "B": Ancestor(GAP + 20, 2.0)}), oldest=41)


@given(st.integers(0, LARGEST), st.none() | st.from_regex(r"[0-9A-Z]{26}", fullmatch=True))
def test_a_cursor_is_read_back_as_it_was_written(sequence: int, epoch: str | None) -> None:
    assert Cursor.of(str(Cursor(sequence, epoch))) == Cursor(sequence, epoch)


@pytest.mark.parametrize("text", ["00000000000000000007", "A:00000000000000000007"])
def test_the_twenty_digits_of_an_event_s_sequence_are_a_cursor(text: str) -> None:
    assert Cursor.of(text).sequence == 7


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1e9", " 1", "1\n", "A:", ":1", "A:B:1", "٣", f"{LARGEST + 1}", "9" * 21, "-A:1"]
)
def test_what_is_no_cursor_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(CursorError, match="EPOCH:NUMBER"):
        Cursor.of(text)


@pytest.mark.parametrize(
    ("cursor", "after"),
    [
        (None, 40),
        ("40", 40),
        ("2000000030", 2 * GAP + 30),
        ("A:90", 90),
        ("A:150", 100),
        ("B:1000000015", GAP + 15),
        ("B:1000000500", GAP + 20),
        ("C:50", 50),
        ("39", Loss.EXPIRED),
        ("A:39", Loss.EXPIRED),
        ("2000000031", Loss.AHEAD),
        ("C:2000000031", Loss.AHEAD),
        ("D:50", Loss.UNKNOWN_EPOCH),
    ],
)
def test_a_reader_goes_on_where_the_logs_parted_or_is_told_why_it_cannot(cursor: str | None, after: object) -> None:
    assert HERE.resume(None if cursor is None else Cursor.of(cursor)) == after


@dataclass(frozen=True)
class Log:
    """What is in a ledger, as far as its feed goes."""

    lineage: Lineage
    events: tuple[int, ...] = ()
    pruned: int = 0

    @property
    def position(self) -> FeedPosition:
        return FeedPosition(self.lineage, self.pruned + 1)


@dataclass
class Reader:
    keeps_epoch: bool
    keeps: str | None = None
    """Its cursor, as it wrote it down."""
    seen: list[int] = field(default_factory=list)
    excused: set[int] = field(default_factory=set)
    """Removed before it came, of which it was told."""

    def read(self, log: Log, limit: int) -> bool:
        """One page; whether there may be more."""
        after = log.position.resume(None if self.keeps is None else Cursor.of(self.keeps))
        if isinstance(after, Loss):
            assert after is Loss.EXPIRED
            self.keeps = str(log.position.cursor(log.pruned))
            return True
        found = [sequence for sequence in log.events if sequence > after][: limit + 1]
        page, more = found[:limit], len(found) > limit
        self.seen += page
        cursor = log.position.cursor(page[-1] if more else log.lineage.sequence)
        self.keeps = str(cursor if self.keeps_epoch else cursor.sequence)
        return more


class Feed(RuleBasedStateMachine):
    """Restores put back a copy of the log, or of one that it descends from; younger copies are then given up."""

    @initialize(count=st.integers(0, 3))
    def begin(self, count: int) -> None:
        self.live = Log(Lineage("E00", 0))
        self.copies: list[Log] = []
        self.written: dict[int, str] = {}
        self.readers = [Reader(keeps_epoch=number % 2 == 0) for number in range(4)]
        self.removed: set[int] = set()
        self.write(count)

    @rule(count=st.integers(1, 5))
    def write(self, count: int) -> None:
        last = self.live.lineage.sequence
        numbers = range(last + 1, last + count + 1)
        assert not self.written.keys() & set(numbers), "a number was used twice"
        self.written |= dict.fromkeys(numbers, self.live.lineage.epoch)
        lineage = replace(self.live.lineage, sequence=last + count)
        self.live = replace(self.live, lineage=lineage, events=(*self.live.events, *numbers))

    @rule()
    def copy(self) -> None:
        self.copies.append(self.live)

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.copies) - 1))
        copy, present = self.copies[place], self.live
        del self.copies[place + 1 :]
        known = {copy.lineage.epoch: Ancestor(copy.lineage.sequence, 0.0)} | dict(shared(copy.lineage, present.lineage))
        now = float(len(self.written) + 1_000 * len(present.lineage.ancestors))
        rows = {name: replace(one, ended_at=one.ended_at or now) for name, one in known.items()}
        counter = max(copy.lineage.sequence, present.lineage.sequence) + GAP
        epoch = f"E{len(present.lineage.ancestors) + 1:02}"
        self.live = replace(copy, lineage=Lineage(epoch, counter, {**rows, **copy.lineage.ancestors}))

    @precondition(lambda self: self.live.events)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        upto = data.draw(st.sampled_from(self.live.events))
        gone = {sequence for sequence in self.live.events if sequence <= upto}
        for reader in self.readers:
            reader.excused |= gone - set(reader.seen)
        self.live = replace(
            self.live, events=tuple(one for one in self.live.events if one > upto), pruned=max(self.live.pruned, upto)
        )

    @rule(who=st.integers(0, 3), limit=st.integers(1, 4))
    def read(self, who: int, limit: int) -> None:
        self.readers[who].read(self.live, limit)

    @invariant()
    def every_event_keeps_its_epoch(self) -> None:
        position = self.live.position
        assert [position.epoch_of(one) for one in self.live.events] == [self.written[one] for one in self.live.events]

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        for reader in self.readers:
            assert reader.seen == sorted(set(reader.seen))

    def teardown(self) -> None:
        if not hasattr(self, "live"):
            return
        for reader in self.readers:
            while reader.read(self.live, 3):
                pass
            assert set(self.live.events) - set(reader.seen) <= reader.excused


Feed.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnyHistory = Feed.TestCase
