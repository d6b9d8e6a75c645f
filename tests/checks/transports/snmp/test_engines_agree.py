"""Values of every type and of odd sizes, read by both engines: our own small set beside the recordings of others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from checks.recordings.recording import Recorded
from checks.transports.snmp import Answer, Device, Missing, SnmpTransport, second_engine
from checks.transports.snmp.errors import Malformed
from checks.transports.snmp.second import SecondTransport
from checks.transports.snmp.tags import (
    TAG_ADDRESS,
    TAG_COUNTER,
    TAG_COUNTER64,
    TAG_GAUGE,
    TAG_INTEGER,
    TAG_NULL,
    TAG_OCTETS,
    TAG_OID,
    TAG_OPAQUE,
    TAG_TICKS,
)
from testbeds.player import Player
from testbeds.snmpd import community, soon

ROOT = "1.3.6.1.4.1.99999"
OURS = {
    f"{ROOT}.{number}": Recorded(tag, value)
    for number, (tag, value) in enumerate(
        [
            (TAG_INTEGER, 0), (TAG_INTEGER, -1), (TAG_INTEGER, 127), (TAG_INTEGER, 128), (TAG_INTEGER, -129),
            (TAG_INTEGER, 2**31 - 1), (TAG_INTEGER, -(2**31)), (TAG_COUNTER, 2**32 - 1), (TAG_COUNTER, 2**31),
            (TAG_GAUGE, 2**32 - 1), (TAG_TICKS, 2**32 - 1), (TAG_COUNTER64, 2**64 - 1), (TAG_COUNTER64, 0),
            (TAG_OCTETS, b""), (TAG_OCTETS, b"\xff\x00\x80"), (TAG_OCTETS, "Ä".encode()), (TAG_OCTETS, b"x" * 1_000),
            (TAG_OID, "0.0"), (TAG_OID, "1.3.6.1.4.1.4294967295.128.16384"), (TAG_OID, "2.39.1"),
            (TAG_ADDRESS, "192.0.2.255"), (TAG_ADDRESS, "0.0.0.0"), (TAG_OPAQUE, b"\x9f\x78\x04\x42\xf6\xe9\x79"),
            (TAG_NULL, None), (TAG_INTEGER, 7),
        ],
        start=1,
    )
}  # fmt: skip


def differences(one: Answer, two: Answer) -> list[str]:
    """The OIDs about which two answers do not agree, in value or type; all, if one of them failed."""
    if (one.error is None) != (two.error is None):
        return list(one.values | two.values)
    told = [{oid: (value, type(value)) for oid, value in answer.values.items()} for answer in (one, two)]
    return [oid for oid in one.values | two.values if told[0].get(oid) != told[1].get(oid)]


@pytest.fixture
async def engines() -> AsyncIterator[tuple[SnmpTransport, SecondTransport]]:
    first, second = SnmpTransport(), SecondTransport()
    yield first, second
    await first.close()
    await second.close()


@pytest.fixture
async def player() -> AsyncIterator[Player]:
    player = Player(OURS)
    await player.start()
    yield player
    await player.stop()


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_every_type_is_read_alike(
    version: str, player: Player, engines: tuple[SnmpTransport, SecondTransport]
) -> None:
    first, second = engines
    device = Device("127.0.0.1", community(version=version), player.port, max_repetitions=7)
    # SNMPv1 has no Counter64 (RFC 3584, section 4.2.2.1).
    known = [oid for oid, value in OURS.items() if version != "1" or value.tag != TAG_COUNTER64]
    asked = [*known, f"{ROOT}.1.1", "1.3.6.1.4.1.88888.1"]

    one, two = await first.get(device, asked, soon()), await second.get(device, asked, soon())

    assert one.error is None and differences(one, two) == []
    assert one.values[f"{ROOT}.24"] is Missing.NULL


async def test_columns_of_several_tables_are_read_alike_in_fewer_questions(
    engines: tuple[SnmpTransport, SecondTransport],
) -> None:
    first, second = engines
    tables = {f"{ROOT}.{number}": size for number, size in ((2, 0), (3, 2), (4, 45), (5, 0), (7, 20), (9, 1))}
    values = {
        f"{root}.1.300.{row}": Recorded(TAG_GAUGE, 2**32 - 1 - row)
        for root, size in tables.items()
        for row in range(size)
    }
    player = Player(
        values | OURS | {f"{ROOT}.1.1": Recorded(TAG_OCTETS, b"before"), f"{ROOT}.99": Recorded(TAG_NULL, None)}
    )
    await player.start()
    try:
        device = Device("127.0.0.1", community(), player.port)
        one = await first.columns(device, list(tables), soon(), 100)
        asked = player.questions
        two = await second.columns(device, list(tables), soon(), 100)
    finally:
        await player.stop()

    assert one.error is two.error is None
    assert one.rows == two.rows and list(one.rows) == list(two.rows)
    assert one.complete == two.complete == set(tables)
    assert {root: len(one.rows[root]) for root in tables} == tables
    assert asked < (player.questions - asked) / 2


async def test_a_walk_goes_on_past_a_value_that_is_null(
    player: Player, engines: tuple[SnmpTransport, SecondTransport]
) -> None:
    first, second = engines
    device = Device("127.0.0.1", community(), player.port, max_repetitions=7)

    one, two = await first.walk(device, ROOT, soon()), await second.walk(device, ROOT, soon())

    assert differences(one, two) == []
    assert list(one.values) == list(OURS)
    assert one.values[f"{ROOT}.24"] is Missing.NULL and one.values[f"{ROOT}.25"] == 7


@pytest.mark.parametrize(("version", "rows"), [("2c", 1), ("1", 1)])
async def test_a_walk_that_cannot_get_past_a_null_is_an_error_and_no_end(
    version: str, rows: int, player: Player, engines: tuple[SnmpTransport, SecondTransport]
) -> None:
    device = Device("127.0.0.1", community(version=version), player.port, max_repetitions=rows)

    answer = await engines[0].walk(device, ROOT, soon())

    assert isinstance(answer.error, Malformed)
    assert f"{ROOT}.24" in str(answer.error)


async def test_a_null_behind_the_subtree_ends_the_walk_and_is_no_error(
    engines: tuple[SnmpTransport, SecondTransport],
) -> None:
    player = Player({f"{ROOT}.1.1": Recorded(TAG_INTEGER, 1), f"{ROOT}.2.1": Recorded(TAG_NULL, None)})
    await player.start()
    try:
        device = Device("127.0.0.1", community(), player.port, max_repetitions=1)
        answers = [await engine.walk(device, f"{ROOT}.1", soon()) for engine in engines]
    finally:
        await player.stop()

    assert [answer.error for answer in answers] == [None, None]
    assert [answer.values for answer in answers] == [{f"{ROOT}.1.1": 1}] * 2


async def test_a_planted_defect_of_an_engine_is_found(
    player: Player, engines: tuple[SnmpTransport, SecondTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = second_engine._plain

    def unsigned(tag: int, value: object) -> object:
        plain = right(tag, value)
        return abs(plain) if isinstance(plain, int) else plain

    monkeypatch.setattr(second_engine, "_plain", unsigned)
    device = Device("127.0.0.1", community(), player.port)

    one, two = await engines[0].get(device, list(OURS), soon()), await engines[1].get(device, list(OURS), soon())

    assert differences(one, two) == [f"{ROOT}.2", f"{ROOT}.5", f"{ROOT}.7"]


async def test_a_device_that_changes_its_mind_between_two_readings_is_a_difference(
    player: Player, engines: tuple[SnmpTransport, SecondTransport]
) -> None:
    device = Device("127.0.0.1", community(), player.port)

    one = await engines[0].get(device, list(OURS), soon())
    player.lie(f"{ROOT}.3", Recorded(TAG_OCTETS, b"127"))
    two = await engines[1].get(device, list(OURS), soon())

    assert differences(one, two) == [f"{ROOT}.3"]
