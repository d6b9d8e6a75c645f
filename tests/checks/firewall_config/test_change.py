"""What a change becomes: approved by announced work or by a person, waiting otherwise, and never forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Approval, Memory, Planned
from checks.firewall_config.answers import Part, Reading
from checks.firewall_config.change import advanced, approved, begun, doubted
from checks.firewall_config.normal import MOST_PARTS
from checks.firewall_config.note import How, Note, packed, unpacked

HOUR = 3_600.0
T0 = 1_795_000_000.0
SLACK = 2.5 * HOUR


def reading(tail: str = "end", **parts: str) -> Reading:
    return Reading("fw-a", tuple(Part(name, digest, digest, 1) for name, digest in parts.items()), tail)


@dataclass
class Diary:
    """Announced work."""

    windows: list[Planned] = field(default_factory=list)

    def __call__(self, after: float, until: float) -> Sequence[Planned]:
        return [one for one in self.windows if one.start <= until and one.end >= after]


def test_what_is_found_first_waits_for_nobody() -> None:
    note = begun(reading(a="1"), "m", T0)

    assert advanced(note, reading(a="1"), "m", T0 + HOUR, Diary(), SLACK).pending == {}


def test_a_change_that_nobody_announced_waits_until_somebody_approves_it() -> None:
    note = begun(reading(a="1", b="1"), "m", T0)

    seen = advanced(note, reading(a="2", b="1"), "m", T0 + HOUR, Diary(), SLACK)
    later = advanced(seen, reading(a="2", b="1"), "m", T0 + 9 * HOUR, Diary(), SLACK)
    given_ = approved(later, Approval(T0 + 10 * HOUR, "ops", "CHG-7", "port opened", later.state))

    assert (seen.pending["a"].after, seen.pending["a"].since) == (T0, T0 + HOUR)
    assert later.pending == seen.pending
    assert given_.pending == {}
    assert (given_.approved_by, given_.approved_why) == ("ops", "CHG-7: port opened")
    assert [one.how for one in given_.log] == [How.SEEN, How.APPROVED]


def test_a_state_that_is_another_one_by_now_is_not_approved() -> None:
    note = advanced(begun(reading(a="1"), "m", T0), reading(a="2"), "m", T0 + HOUR, Diary(), SLACK)
    looked_at = note.state
    moved_on = advanced(note, reading(a="3"), "m", T0 + 2 * HOUR, Diary(), SLACK)

    with pytest.raises(ValueError, match=f"the state is {moved_on.state} now, not {looked_at}"):
        approved(moved_on, Approval(T0 + 3 * HOUR, "ops", "CHG-7", state=looked_at))


@pytest.mark.parametrize(
    ("start", "end", "matched"),
    [
        (0.2, 0.8, True),
        (-1.0, 0.1, True),
        (0.9, 5.0, True),
        (-5.0, -1.0, False),
        (1.5, 3.0, False),
    ],
    ids=["within", "over before it was seen", "just begun", "long over", "to come"],
)
def test_a_change_is_announced_when_it_may_have_been_made_in_a_window(start: float, end: float, matched: bool) -> None:
    diary = Diary([Planned("MNT-1", T0 + start * HOUR, T0 + end * HOUR)])

    note = advanced(begun(reading(a="1"), "m", T0), reading(a="2"), "m", T0 + HOUR, diary, SLACK)

    assert (not note.pending) is matched
    assert [one.how for one in note.log] == [How.WINDOW if matched else How.SEEN]
    assert note.log[0].why == ("MNT-1" if matched else "")


def test_a_window_explains_no_change_of_a_week_in_which_nothing_was_read() -> None:
    diary = Diary([Planned("MNT-1", T0 + 50 * HOUR, T0 + 52 * HOUR)])

    note = advanced(begun(reading(a="1"), "m", T0), reading(a="2"), "m", T0 + 168 * HOUR, diary, SLACK)

    assert list(note.pending) == ["a"]


def test_announced_work_does_not_approve_what_nobody_announced_before_it() -> None:
    diary = Diary([Planned("MNT-1", T0 + 5 * HOUR, T0 + 6 * HOUR)])
    note = advanced(begun(reading(a="1", b="1"), "m", T0), reading(a="2", b="1"), "m", T0 + HOUR, diary, SLACK)

    worked = advanced(
        advanced(note, reading(a="2", b="1"), "m", T0 + 5 * HOUR, diary, SLACK),
        reading(a="3", b="2"), "m", T0 + 6 * HOUR, diary, SLACK,
    )  # fmt: skip

    assert list(worked.pending) == ["a"]
    assert worked.pending["a"].since == T0 + HOUR
    assert worked.parts["b"].digest == "2"


def test_work_that_is_announced_afterwards_counts() -> None:
    diary = Diary()
    note = advanced(begun(reading(a="1"), "m", T0), reading(a="2"), "m", T0 + HOUR, diary, SLACK)
    diary.windows.append(Planned("CHG-9", T0, T0 + HOUR))

    later = advanced(note, reading(a="2"), "m", T0 + 2 * HOUR, diary, SLACK)

    assert note.pending
    assert later.pending == {}
    assert (later.approved_at, later.approved_why) == (T0 + 2 * HOUR, "CHG-9")


def test_a_change_that_was_taken_back_is_over_and_stays_in_the_log() -> None:
    note = begun(reading(a="1"), "m", T0)
    for hour, digest in ((1, "2"), (2, "1")):
        note = advanced(note, reading(a=digest), "m", T0 + hour * HOUR, Diary(), SLACK)

    assert note.pending == {}
    assert [one.how for one in note.log] == [How.SEEN, How.REVERTED]
    assert note.changed_at == T0 + 2 * HOUR


def test_another_method_of_reading_is_no_drift_and_forgets_no_drift() -> None:
    note = advanced(begun(reading(a="1", b="1"), "m", T0), reading(a="2", b="1"), "m", T0 + HOUR, Diary(), SLACK)

    anew = advanced(note, reading(a="x", b="y", c="z"), "other", T0 + 2 * HOUR, Diary(), SLACK)
    after = advanced(anew, reading(a="x", b="y", c="z"), "other", T0 + 3 * HOUR, Diary(), SLACK)

    assert list(after.pending) == ["a"]
    assert after.pending["a"].since == T0 + HOUR
    assert advanced(begun(reading(a="1"), "m", T0), reading(a="9"), "n", T0 + 1, Diary(), SLACK).pending == {}


def test_a_reading_that_ends_otherwise_is_believed_when_it_comes_twice() -> None:
    note = begun(reading(a="1", b="1"), "m", T0)
    shorter = reading(tail="x", a="1")

    first = doubted(note, shorter, "m")

    assert first is not None
    assert first.pending == {}
    assert doubted(first, shorter, "m") is None
    assert doubted(first, reading(tail="y", a="2"), "m") is not None
    assert doubted(note, reading(a="1", b="2"), "m") is None


DIGESTS = st.sampled_from(["1", "2", "3", ""])
STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "window", "approve"]), st.dictionaries(st.sampled_from("abc"), DIGESTS)),
    max_size=12,
)


@settings(deadline=None)
@given(STEPS)
def test_nothing_that_was_not_announced_is_ever_taken_for_approved(steps: list[tuple[str, dict[str, str]]]) -> None:
    """Beside a plain model: a part waits as long as it differs, and from its first change that nobody announced."""
    parts = {"a": "1", "b": "1", "z": "1"}
    allowed: dict[str, set[str]] = {name: {digest} for name, digest in parts.items()}
    note = begun(reading(**parts), "m", T0)
    now = T0
    for what, edit in steps:
        now += HOUR
        before = dict(parts)
        parts |= edit
        there = {name: digest for name, digest in parts.items() if digest}
        moved = {name for name in parts if parts.get(name, "") != before.get(name, "")}
        waiting = set(note.pending)
        diary = Diary([Planned("MNT", now - HOUR / 2, now)] if what == "window" else [])
        note = advanced(note, reading(**there), "m", now, diary, SLACK)
        if what == "window":
            for name in moved - waiting:
                allowed[name] = {parts[name]}
        if what == "approve":
            note = approved(note, Approval(now, "ops", "CHG"))
            allowed = {name: {digest} for name, digest in parts.items()}

        differing = {name for name in parts if parts[name] not in allowed.get(name, {""})}
        assert set(note.pending) == differing
        assert {name: held.digest for name, held in note.present.items()} == there
        assert unpacked(packed(note)) == note


def largest(count: int, at: float, word: str, lines: int, changes: int) -> int:
    """Letters of the largest note over changes in which every part gets another name."""

    def full(tag: str) -> Reading:
        names = [f"{tag}{number:04d} ".ljust(60, "x") for number in range(count)]
        return Reading("fw-a", tuple(Part(name, "f" * 20, "f" * 20, lines) for name in names), "e" * 20)

    note, sizes = begun(full("a"), "m" * 12, at), [0]
    for turn in range(changes):
        if turn % 3 == 0:
            note = approved(note, Approval(at, word, word, word))
        note = advanced(note, full("bcd"[turn % 3]), "m" * 12, at + turn, Diary(), SLACK)
        sizes.append(len(packed(note).text))
    return max(sizes)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, MOST_PARTS), st.floats(0, 4e9), st.text(max_size=300), st.integers(1, 10**9), st.integers(0, 30))
def test_a_note_always_fits(count: int, at: float, word: str, lines: int, changes: int) -> None:
    assert largest(count, at, word, lines, changes) <= 64 * 1024


def test_the_largest_note_is_near_what_may_be_kept() -> None:
    assert 55_000 < largest(MOST_PARTS, 1_795_000_000.123456, "\\" * 300, 10**9, 12) <= 64 * 1024


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"method": 1}', '{"approved": []}', "null", "3"])
def test_a_damaged_note_is_none(text: str) -> None:
    assert unpacked(Memory(1, text)) is None


def test_a_note_of_another_version_is_none() -> None:
    note: Note = begun(reading(a="1"), "m", T0)

    assert unpacked(Memory(99, packed(note).text)) is None
    assert json.loads(packed(note).text)["parts"] == {"a": ["1", 1]}
