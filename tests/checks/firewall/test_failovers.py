"""The failovers in a pair's note."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Memory
from checks.firewall.failovers import KEY, MOST, Failover, as_json, failovers

_SOME = st.builds(
    Failover,
    at=st.floats(0, 1e10),
    seen=st.floats(0, 1e10),
    away_from=st.none() | st.text(max_size=20),
    to=st.text(max_size=20),
    reason=st.text(max_size=50),
)


@given(st.lists(_SOME, max_size=60))
def test_what_is_kept_comes_back_and_only_the_latest(some: list[Failover]) -> None:
    note = Memory(1, json.dumps({KEY: as_json(some), "other": 1}))

    assert failovers(note) == tuple(some[-MOST:])


@pytest.mark.parametrize("text", ["", "[]", "7", '{"failovers": 3}', '{"failovers": [1, {"at": "x"}, {}]}'])
def test_a_damaged_note_has_none(text: str) -> None:
    assert failovers(Memory(1, text)) == ()


def test_no_note_has_none() -> None:
    assert failovers(None) == ()
