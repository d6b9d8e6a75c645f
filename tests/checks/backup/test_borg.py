"""What borg prints: archives and their names, and everything that is no list of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup.products.borg import account
from checks.backup.tools import Output
from checks.contract import Reason
from checks.transports.fault import TransportFault

ARCHIVE = {"name": "ben-2026-11-30", "id": "d0", "start": "2026-11-30T02:00:00.000000", "end": "2026-11-30T02:10:00"}


def output(said: object, status: int = 0, stderr: str = "") -> Output:
    return Output(said if isinstance(said, str) else json.dumps(said), stderr, status, "borg")


@pytest.mark.parametrize(
    ("name", "object"),
    [
        ("ben-2026-11-30", "ben"),
        ("ben-2026-11-30T02:00:00.123", "ben"),
        ("ben_20261130-0200", "ben"),
        ("ben", "ben"),
        ("2026-11-30", "2026-11-30"),
        ("ben-v2-2026-11-30", "ben-v2"),
    ],
)
def test_an_object_is_an_archives_name_without_its_date(name: str, object: str) -> None:
    found = account("r", output({"archives": [ARCHIVE | {"name": name}]}), 0.0)

    assert found.objects == (object,)
    assert found.runs[0].ended == 1_796_004_600.0


@pytest.mark.parametrize(
    ("said", "status"),
    [("", 0), ("[]", 0), ({"archives": None}, 0), ({"archives": [ARCHIVE | {"start": "soon"}]}, 0), ("", 2), ("{}", 1)],
)
def test_what_is_no_list_is_a_fault(said: object, status: int) -> None:
    with pytest.raises(TransportFault) as fault:
        account("r", output(said, status), 0.0)

    assert fault.value.reason is Reason.PROTOCOL


@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(
    st.sampled_from(["archives", "name", "start", "end", "hostname", "id"]), one), max_leaves=8))  # fmt: skip
def test_whatever_it_prints_is_read_or_refused(said: object) -> None:
    try:
        assert account("r", output(said), 0.0).product == "borg"
    except TransportFault as fault:
        assert fault.reason is Reason.PROTOCOL
