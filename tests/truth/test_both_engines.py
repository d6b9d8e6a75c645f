"""Every recording of a real device, played on loopback and read by both SNMP engines: the answers are the same.

Each recording is walked whole by both, and asked for scalars that are there and some that are not, and for columns from
all over it: the first engine reads them together, the second one by one. Of the one recording of 454,486 values every
part is read whose turn it is by number, in runs across all of it.
"""

from __future__ import annotations

import bz2
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.recordings.reading import octets, recording
from checks.recordings.recording import Recorded
from checks.transports.snmp import Answer, Device, SnmpTransport
from checks.transports.snmp.second import SecondTransport
from testbeds.player import Player
from testbeds.snmpd import community, soon

pytestmark = pytest.mark.truth

_MOST = 15_000
_SCALARS = 60
_COLUMNS = 40


def files() -> list[Path]:
    directory = os.environ.get("RIDGEWAY_RECORDINGS")
    if not directory or not Path(directory).is_dir():
        return []
    return sorted(file for file in Path(directory).rglob("*.snmprec*") if file.suffix in (".snmprec", ".bz2"))


def values_of(file: Path) -> Mapping[str, Recorded]:
    raw = octets(file)
    values = dict(recording(bz2.decompress(raw) if file.suffix == ".bz2" else raw, file.name).values)
    if len(values) <= _MOST:
        return values
    kept = list(values)
    run, step = 50, 50 * len(values) // _MOST
    return {oid: values[oid] for at in range(0, len(kept), step) for oid in kept[at : at + run]}


def columns_of(oids: list[str]) -> list[str]:
    """Some columns from all over, neighbours among them, and some that are empty."""
    columns = list(dict.fromkeys(oid.rpartition(".")[0] for oid in oids))
    some = columns[:: max(1, len(columns) // _COLUMNS)]
    return list(dict.fromkeys([*columns[:_COLUMNS], *some, *(f"{column}.99999" for column in some)]))


async def walked(transport: SnmpTransport | SecondTransport, device: Device, roots: list[str]) -> Answer:
    """One answer of the walks of all roots."""
    answers = [await transport.walk(device, root, soon(60), 500_000) for root in roots]
    error = next((answer.error for answer in answers if answer.error is not None), None)
    return Answer({oid: value for answer in answers for oid, value in answer.values.items()}, error)


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
async def test_both_engines_read_the_same_of_every_recording(file: Path) -> None:
    values = values_of(file)
    oids = list(values)
    roots = list(dict.fromkeys(".".join(oid.split(".")[:2]) for oid in oids))
    asked = [*oids[:: max(1, len(oids) // _SCALARS)], f"{oids[0]}.7", "1.3.6.1.4.1.99999.1.0"]
    player, first, second = Player(values), SnmpTransport(), SecondTransport()
    await player.start()
    try:
        device = Device("127.0.0.1", community(), player.port, max_repetitions=50)
        one, two = await walked(first, device, roots), await walked(second, device, roots)
        got, again = await first.get(device, asked, soon(60)), await second.get(device, asked, soon(60))
        together = await first.columns(device, columns_of(oids), soon(60), 500_000)
        apart = await second.columns(device, columns_of(oids), soon(60), 500_000)
    finally:
        await player.stop()
        await first.close()
        await second.close()

    assert one.error is two.error is got.error is again.error is None
    assert list(one.values) == list(two.values) == oids
    assert {oid: (v, type(v)) for oid, v in one.values.items()} == {oid: (v, type(v)) for oid, v in two.values.items()}
    assert got.values == again.values and list(got.values) == asked
    assert together.error is apart.error is None and together.complete == apart.complete == set(columns_of(oids))
    assert together.rows == apart.rows
    assert [list(cells) for cells in together.rows.values()] == [list(cells) for cells in apart.rows.values()]
