"""The second engine against a real snmpd: the same questions, the same answers, the same errors."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from checks.transports.snmp import Device, Missing, SnmpTransport
from checks.transports.snmp.errors import Capped, NoAnswer, NotAuthenticated, OutOfResources, UnknownName
from checks.transports.snmp.second import SecondTransport
from testbeds.snmpd import TEN, USERS, Snmpd, community, running, soon, user

pytestmark = pytest.mark.acceptance

SYSTEM = "1.3.6.1.2.1.1"
MOVING = {f"{SYSTEM}.3.0", "1.3.6.1.2.1.25.1.1.0", "1.3.6.1.2.1.25.1.5.0", "1.3.6.1.2.1.25.1.6.0"}


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    with running() as agent:
        yield agent


@pytest.fixture
async def first() -> AsyncIterator[SnmpTransport]:
    transport = SnmpTransport()
    yield transport
    await transport.close()


@pytest.fixture
async def second() -> AsyncIterator[SecondTransport]:
    transport = SecondTransport()
    yield transport
    await transport.close()


CREDENTIALS = [community(version="1"), community(version="2c"), *map(user, USERS)]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda credential: credential.name)
async def test_both_engines_read_the_same(
    credential: object, snmpd: Snmpd, first: SnmpTransport, second: SecondTransport
) -> None:
    device = snmpd.device(credential)  # type: ignore[arg-type]
    asked = [*TEN, f"{SYSTEM}.99.0"]

    one, two = await first.get(device, asked, soon()), await second.get(device, asked, soon())
    walked, again = await first.walk(device, SYSTEM, soon()), await second.walk(device, SYSTEM, soon())

    assert one.error is two.error is walked.error is again.error is None
    assert list(one.values) == list(two.values) == asked
    assert {o: v for o, v in one.values.items() if o not in MOVING} == {
        o: v for o, v in two.values.items() if o not in MOVING
    }
    assert list(walked.values) == list(again.values)
    assert len(walked.values) > 20


async def test_ipv6_is_asked_too(snmpd: Snmpd, second: SecondTransport) -> None:
    answer = await second.get(snmpd.device(community(), "::1"), [f"{SYSTEM}.2.0"], soon())

    assert answer.error is None and len(answer.values) == 1


async def test_a_wrong_password_is_said_and_not_taken_for_silence(snmpd: Snmpd, second: SecondTransport) -> None:
    wrong = user("sha256aes256", auth_password="not-the-password")

    answer = await second.get(snmpd.device(wrong), [f"{SYSTEM}.2.0"], soon())

    assert isinstance(answer.error, NotAuthenticated)
    assert "not-the-password" not in str(answer.error)


async def test_two_passwords_for_one_user_do_not_disturb_each_other(snmpd: Snmpd, second: SecondTransport) -> None:
    right, wrong = user("sha384"), user("sha384", auth_password="not-the-password")

    answers = [await second.get(snmpd.device(one), [f"{SYSTEM}.2.0"], soon()) for one in (right, wrong, right)]

    assert [answer.error is None for answer in answers] == [True, False, True]


async def test_silence_is_no_answer_and_ends_by_the_deadline(second: SecondTransport) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        device = Device("127.0.0.1", community(), port=mute.getsockname()[1], retries=1)

        answer = await second.get(device, [f"{SYSTEM}.2.0"], soon(0.4))
        mute.setblocking(False)
        questions = [mute.recv(2000) for _ in range(2)]

    assert isinstance(answer.error, NoAnswer)
    assert len(questions) == 2


async def test_a_walk_longer_than_it_may_be_is_capped(snmpd: Snmpd, second: SecondTransport) -> None:
    answer = await second.walk(snmpd.device(community()), SYSTEM, soon(), most=5)

    assert isinstance(answer.error, Capped)
    assert len(answer.values) == 5


async def test_columns_are_read_to_their_end(snmpd: Snmpd, second: SecondTransport, first: SnmpTransport) -> None:
    columns = ["1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.3", "1.3.6.1.2.1.999.1"]

    one = await first.columns(snmpd.device(community()), columns, soon())
    two = await second.columns(snmpd.device(community()), columns, soon())

    assert one.rows == two.rows and len(two.rows[columns[0]]) > 0
    assert one.complete == two.complete == frozenset(columns)


async def test_every_value_is_told_with_its_type(snmpd: Snmpd) -> None:
    told: dict[str, tuple[int, object]] = {}
    transport = SecondTransport(heard=lambda oid, tag, value: told.update({oid: (tag, value)}))
    try:
        await transport.get(snmpd.device(community()), [f"{SYSTEM}.{n}.0" for n in (1, 2, 3, 99)], soon())
    finally:
        await transport.close()

    assert {oid: tag for oid, (tag, _) in told.items()} == {
        f"{SYSTEM}.1.0": 4, f"{SYSTEM}.2.0": 6, f"{SYSTEM}.3.0": 67,
    }  # fmt: skip


async def test_a_name_that_does_not_resolve_is_said(second: SecondTransport) -> None:
    answer = await second.get(Device("no-such-host.invalid", community()), [f"{SYSTEM}.2.0"], soon())

    assert isinstance(answer.error, UnknownName)


async def test_after_closing_nothing_is_asked(snmpd: Snmpd, second: SecondTransport) -> None:
    await second.close()

    answer = await second.get(snmpd.device(community()), [f"{SYSTEM}.2.0"], soon())

    assert isinstance(answer.error, OutOfResources)


async def test_what_is_not_there_is_told_from_what_is(snmpd: Snmpd, second: SecondTransport) -> None:
    old, new = snmpd.device(community(version="1")), snmpd.device(community())

    absent = [await second.get(device, [f"{SYSTEM}.99.0", f"{SYSTEM}.2.0"], soon()) for device in (old, new)]

    assert [answer.values[f"{SYSTEM}.99.0"] for answer in absent] == [Missing.ABSENT, Missing.OBJECT]
    assert all(isinstance(answer.values[f"{SYSTEM}.2.0"], str) for answer in absent)
