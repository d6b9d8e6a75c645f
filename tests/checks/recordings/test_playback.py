"""A recording in the place of a device: it answers what was answered, and never makes an absence up."""

from __future__ import annotations

import pytest

from checks.contract import Reason
from checks.recordings.playback import Playback
from checks.recordings.recording import Recorded, Recording, ordered
from checks.transports.snmp import Device, Missing
from checks.transports.snmp.errors import Capped, NoAnswer, OutOfResources
from testbeds.snmpd import community

DEVICE = Device("recording", community())
TABLE = "1.3.6.1.2.1.2.2.1"
VALUES = ordered(
    {
        "1.3.6.1.2.1.1.3.0": Recorded(67, 5),
        f"{TABLE}.8.1": Recorded(2, 1),
        f"{TABLE}.8.2": Recorded(2, 2),
        f"{TABLE}.8.10": Recorded(5, None),
        f"{TABLE}.9.1": Recorded(67, 9),
    }
)


async def test_values_absences_and_errors_are_told_apart() -> None:
    playback = Playback(Recording(VALUES, errors=(f"{TABLE}.14.1",)))

    answer = await playback.get(
        DEVICE, ["1.3.6.1.2.1.1.3.0", f"{TABLE}.8.7", "1.3.6.1.9.9", f"{TABLE}.14.1", f"{TABLE}.8.10"], 0.0
    )

    assert list(answer.values.values()) == [5, Missing.INSTANCE, Missing.OBJECT, Missing.ERROR, Missing.NULL]
    assert answer.error is None


async def test_columns_are_whole_and_in_the_order_of_their_numbers() -> None:
    columns = await Playback(Recording(VALUES)).columns(DEVICE, [f"{TABLE}.8", f"{TABLE}.77"], 0.0)

    assert columns.rows == {f"{TABLE}.8": {"1": 1, "2": 2, "10": Missing.NULL}, f"{TABLE}.77": {}}
    assert columns.complete == {f"{TABLE}.8", f"{TABLE}.77"} and columns.error is None


async def test_a_column_that_was_cut_is_cut_again_for_the_same_reason() -> None:
    playback = Playback(Recording(VALUES, cut={f"{TABLE}.8": Reason.NO_ANSWER}))

    columns = await playback.columns(DEVICE, [f"{TABLE}.9", f"{TABLE}.8", f"{TABLE}.7"], 0.0)

    assert isinstance(columns.error, NoAnswer)
    assert columns.complete == {f"{TABLE}.9"} and f"{TABLE}.7" not in columns.rows
    assert columns.rows[f"{TABLE}.8"]["1"] == 1


async def test_a_column_read_whole_is_whole_within_a_subtree_that_was_cut() -> None:
    playback = Playback(Recording(VALUES, asked=("1.3.6.1.2.1", f"{TABLE}.8"), cut={"1.3.6.1.2.1": Reason.LIMIT}))

    columns = await playback.columns(DEVICE, [f"{TABLE}.8", f"{TABLE}.9"], 0.0)

    assert columns.complete == {f"{TABLE}.8"}
    assert isinstance(columns.error, Capped)


async def test_what_was_not_asked_is_an_error_and_no_absence() -> None:
    answer = await Playback(Recording(VALUES, asked=(TABLE,))).get(DEVICE, ["1.3.6.1.2.1.33.1.2.1.0"], 0.0)

    assert isinstance(answer.error, OutOfResources) and answer.values == {}
    assert "--walk 1.3.6.1.2.1.33.1.2.1.0" in str(answer.error)


@pytest.mark.parametrize(("root", "told"), [("1.3.6.1.2.1.1.3.0", True), (f"{TABLE}.8", True), (f"{TABLE}.9", False)])
async def test_behind_the_end_of_a_broken_walk_nothing_is_known(root: str, told: bool) -> None:
    answer = await Playback(Recording(VALUES, cut_after=f"{TABLE}.9.1")).walk(DEVICE, root, 0.0)

    assert (answer.error is None) is told


async def test_a_table_longer_than_it_may_be_is_capped_as_live() -> None:
    columns = await Playback(Recording(VALUES)).columns(DEVICE, [f"{TABLE}.8"], 0.0, most_rows=2)

    assert isinstance(columns.error, Capped) and columns.complete == frozenset()
