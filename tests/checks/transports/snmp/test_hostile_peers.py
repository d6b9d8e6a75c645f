"""Peers that no standard knows: silence, garbage, floods, walks without end, replies to other questions.

Each is a few lines of function over real UDP sockets. Whatever comes, the outcome is one of our errors, in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable

import pytest

from checks.contract import Reason
from checks.transports.snmp import Device, Missing, SnmpTransport
from config.estate import Credential
from testbeds.datagrams import Peer, peer
from testbeds.snmpd import community, soon, user

NAME = "1.3.6.1.2.1.1.5.0"
COLUMN = "1.3.6.1.2.1.2.2.1.2"


def tlv(tag: int, body: bytes) -> bytes:
    """One BER element, its length in the shortest form (X.690)."""
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + body


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = bytearray([first * 40 + second])
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(0x80 | part & 0x7F)
        body += bytes(reversed(groups))
    return tlv(6, bytes(body))


def request_id(question: bytes) -> bytes:
    """The request id element of a v2c question with the community "public"."""
    at = question.index(b"public") + 6
    at += 2 if question[at + 1] < 128 else 2 + (question[at + 1] & 0x7F)
    return question[at : at + 2 + question[at + 1]]


def reply(question: bytes, *bindings: bytes, status: int = 0, number: bytes | None = None) -> bytes:
    head = (number or request_id(question)) + tlv(2, bytes([status])) + tlv(2, b"\x00")
    return tlv(0x30, tlv(2, b"\x01") + tlv(4, b"public") + tlv(0xA2, head + tlv(0x30, b"".join(bindings))))


def binding(name: str, value: bytes) -> bytes:
    return tlv(0x30, oid(name) + value)


def device(of: Peer, credential: Credential | None = None, **settings: int) -> Device:
    return Device("127.0.0.1", credential or community(), port=of.port, **({"retries": 1} | settings))


async def test_a_silent_device_is_asked_as_often_as_said_and_ends_at_the_deadline(snmp: SnmpTransport) -> None:
    async with peer(lambda question: []) as silent:
        answer = await snmp.get(device(silent, retries=2), [NAME], soon(0.3))

        assert answer.error is not None and answer.error.reason is Reason.NO_ANSWER
        assert len(silent.questions) == 3


async def test_an_answer_to_the_second_question_is_an_answer(snmp: SnmpTransport) -> None:
    async with peer(lambda question: []) as lossy:
        lossy.answer = lambda q: [] if len(lossy.questions) < 2 else [reply(q, binding(NAME, tlv(4, b"late")))]

        answer = await snmp.get(device(lossy), [NAME], soon(0.5))

        assert answer.error is None and answer.values == {NAME: b"late"}


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80\x02\x01\x01",
        os.urandom(300),
        b"A" * 2000,
        b"\xff" * 60_000,
    ],
    ids=["zero", "tag", "huge-length", "indefinite", "random", "text", "datagram-of-60000"],
)
@pytest.mark.parametrize("credential", [community(), user("sha1aes128")], ids=["v2c", "v3"])
async def test_garbage_is_a_fault_of_the_protocol(snmp: SnmpTransport, garbage: bytes, credential: Credential) -> None:
    async with peer(lambda question: [garbage]) as mad:
        answer = await snmp.get(device(mad, credential), [NAME], soon(1.0))

    assert answer.values == {} or answer.values == {NAME: Missing.ERROR}
    if answer.error is not None:
        assert answer.error.reason is Reason.PROTOCOL


async def test_one_byte_at_a_time_is_never_an_answer(snmp: SnmpTransport) -> None:
    async with peer(lambda question: []) as slow:

        async def drip() -> None:
            while not slow.questions:
                await asyncio.sleep(0.005)
            for byte in reply(slow.questions[0], binding(NAME, tlv(4, b"drip"))):
                slow.later(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        answer = await snmp.get(device(slow), [NAME], soon(0.4))
        dripping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await dripping

    assert answer.values == {}
    assert answer.error is not None and answer.error.reason in (Reason.PROTOCOL, Reason.NO_ANSWER)


async def test_a_reply_to_another_question_is_passed_over(snmp: SnmpTransport) -> None:
    other = tlv(2, b"\x01\x02\x03\x04")

    def answers(question: bytes) -> Iterable[bytes]:
        yield reply(question, binding(NAME, tlv(4, b"not ours")), number=other)
        yield reply(question, binding(NAME, tlv(4, b"ours")))

    async with peer(answers) as confused:
        answer = await snmp.get(device(confused), [NAME], soon(1.0))

    assert answer.error is None and answer.values == {NAME: b"ours"}


async def test_only_replies_to_other_questions_are_no_answer(snmp: SnmpTransport) -> None:
    async with peer(lambda q: [reply(q, binding(NAME, tlv(4, b"x")), number=tlv(2, b"\x05"))] * 50) as confused:
        answer = await snmp.get(device(confused), [NAME], soon(0.3))

    assert answer.error is not None and answer.error.reason is Reason.NO_ANSWER


async def test_another_object_in_the_place_of_the_one_asked_is_not_taken_for_it(snmp: SnmpTransport) -> None:
    async with peer(lambda q: [reply(q, binding("1.3.6.1.2.1.1.6.0", tlv(4, b"elsewhere")))]) as wrong:
        answer = await snmp.get(device(wrong), [NAME], soon(0.5))

    assert answer.values == {}
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


async def test_a_value_beside_an_error_status_does_not_count(snmp: SnmpTransport) -> None:
    async with peer(lambda q: [reply(q, binding(NAME, tlv(4, b"stale")), status=5)]) as broken:
        answer = await snmp.get(device(broken), [NAME], soon(0.5))

    assert answer.values == {NAME: Missing.ERROR}


async def test_a_device_that_answers_one_object_at_a_time_is_asked_so(snmp: SnmpTransport) -> None:
    names = [f"1.3.6.1.4.1.9.{number}.0" for number in range(1, 6)]

    def answers(question: bytes) -> Iterable[bytes]:
        asked = [name for name in names if oid(name) in question]
        if len(asked) > 1:
            return [reply(question, status=1)]
        return [reply(question, binding(asked[0], tlv(2, b"\x2a")))]

    async with peer(answers) as small:
        answer = await snmp.get(device(small), names, soon(2.0))

    assert answer.error is None
    assert answer.values == dict.fromkeys(names, 42)


async def test_an_oversized_reply_is_asked_for_in_parts(snmp: SnmpTransport) -> None:
    names = ["1.3.6.1.4.1.9.1.0", "1.3.6.1.4.1.9.2.0"]

    def answers(question: bytes) -> Iterable[bytes]:
        asked = [name for name in names if oid(name) in question]
        return [reply(question, *(binding(name, tlv(4, b"x" * 3000)) for name in asked))]

    async with peer(answers) as wordy:
        answer = await snmp.get(device(wordy), names, soon(2.0))

    assert answer.error is None
    assert answer.values == dict.fromkeys(names, b"x" * 3000)


async def test_a_string_longer_than_a_datagram_may_be_is_an_error_for_that_object(snmp: SnmpTransport) -> None:
    async with peer(lambda q: [reply(q, binding(NAME, tlv(4, b"x" * 60_000)))]) as wordy:
        answer = await snmp.get(device(wordy), [NAME], soon(1.0))

    assert answer.values == {NAME: Missing.ERROR}


async def test_a_datagram_that_promises_a_megabyte_is_a_fault_of_the_protocol(snmp: SnmpTransport) -> None:
    def answers(question: bytes) -> Iterable[bytes]:
        whole = reply(question, binding(NAME, tlv(4, b"x" * 1_000_000)))
        return [whole[:3000]]

    async with peer(answers) as liar:
        answer = await snmp.get(device(liar), [NAME], soon(1.0))

    assert answer.values == {}
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


@pytest.mark.parametrize("kept", range(1, 54, 4))
async def test_a_truncated_reply_is_never_a_value(snmp: SnmpTransport, kept: int) -> None:
    async with peer(lambda q: [reply(q, binding(NAME, tlv(4, b"whole value")))[:kept]]) as cut:
        answer = await snmp.get(device(cut, retries=0), [NAME], soon(0.3))

    whole = len(reply(cut.questions[0], binding(NAME, tlv(4, b"whole value"))))
    assert kept < whole
    assert answer.values == {}
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


class Walker:
    """Answers GETBULK with rows made by a function from a running number."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._row = 0

    def next_name(self) -> str:
        self._row += 1
        return self._names[(self._row - 1) % len(self._names)] if self._names else f"{COLUMN}.{self._row}"

    def __call__(self, question: bytes) -> Iterable[bytes]:
        return [reply(question, *(binding(self.next_name(), tlv(2, b"\x01")) for _ in range(5)))]


async def test_a_walk_without_end_stops_at_its_cap(snmp: SnmpTransport) -> None:
    async with peer(Walker()) as endless:
        answer = await snmp.walk(device(endless), COLUMN, soon(5.0), most=200)

    assert len(answer.values) == 200
    assert answer.error is not None and answer.error.reason is Reason.LIMIT


@pytest.mark.parametrize(
    "names",
    [(f"{COLUMN}.1",), (f"{COLUMN}.1", f"{COLUMN}.2"), (f"{COLUMN}.5", f"{COLUMN}.4"), (f"{COLUMN}.10", f"{COLUMN}.9")],
    ids=["same", "circle", "falling", "falling-as-numbers"],
)
async def test_a_walk_that_does_not_rise_is_stopped(snmp: SnmpTransport, names: tuple[str, ...]) -> None:
    async with peer(Walker(*names)) as looping:
        answer = await snmp.columns(device(looping), [COLUMN], soon(5.0))

    assert answer.error is not None and answer.error.reason is Reason.LIMIT
    assert answer.complete == frozenset()
    assert len(looping.questions) <= 2


async def test_a_walk_that_ends_in_an_error_is_not_complete(snmp: SnmpTransport) -> None:
    async with peer(lambda q: []) as failing:
        rows = Walker()
        failing.answer = lambda q: rows(q) if len(failing.questions) < 3 else [reply(q, status=5)]

        answer = await snmp.columns(device(failing, retries=0), [COLUMN], soon(2.0))

    assert len(answer.rows[COLUMN]) == 10
    assert answer.complete == frozenset()
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


async def test_a_device_that_is_silent_when_asked_for_much_is_asked_for_one_column_at_a_time(
    snmp: SnmpTransport,
) -> None:
    other = "1.3.6.1.2.1.2.2.1.8"

    def answers(question: bytes) -> Iterable[bytes]:
        asked = [name for name in (COLUMN, other) if oid(name)[2:] in question]
        if len(asked) > 1:
            return []
        return [reply(question, binding(f"{asked[0]}.1", tlv(2, b"\x01")), binding(NAME, tlv(2, b"\x01")))]

    async with peer(answers) as shy:
        answer = await snmp.columns(device(shy, retries=2), [COLUMN, other], soon(0.9))

    assert answer.error is None
    assert answer.rows == {COLUMN: {"1": 1}, other: {"1": 1}}
    assert len(shy.questions) == 4


async def test_a_question_for_several_columns_that_is_lost_once_is_put_again_as_it_was(snmp: SnmpTransport) -> None:
    async with peer(lambda q: []) as lossy:
        end = binding("1.3.6.1.2.1.99.1", tlv(2, b"\x01"))
        lossy.answer = lambda q: [reply(q, end, end)] if len(lossy.questions) > 1 else []

        answer = await snmp.columns(device(lossy, retries=2), [COLUMN, f"{COLUMN}9"], soon(0.6))

    assert answer.error is None and len(answer.complete) == 2
    assert len(lossy.questions) == 2


async def test_columns_are_read_from_replies_to_their_own_question_only(snmp: SnmpTransport) -> None:
    def answers(question: bytes) -> Iterable[bytes]:
        right = reply(question, binding(f"{COLUMN}.1", tlv(2, b"\x01")), binding(NAME, tlv(2, b"\x01")))
        yield reply(question, binding(f"{COLUMN}.1", tlv(2, b"\x07")), number=tlv(2, b"\x01"))
        yield right

    async with peer(answers) as late:
        answer = await snmp.columns(device(late), [COLUMN], soon(1.0))

    assert answer.error is None
    assert answer.rows == {COLUMN: {"1": 1}}


@pytest.mark.parametrize(("wrong", "right"), [(b"public", b"pubLic"), (tlv(2, b"\x01"), tlv(2, b"\x00"))])
async def test_a_reply_with_another_community_or_version_is_no_answer_to_columns(
    snmp: SnmpTransport, wrong: bytes, right: bytes
) -> None:
    def answers(question: bytes) -> Iterable[bytes]:
        return [reply(question, binding(f"{COLUMN}.1", tlv(2, b"\x01"))).replace(wrong, right, 1)]

    async with peer(answers) as stranger:
        answer = await snmp.columns(device(stranger, retries=0), [COLUMN], soon(0.5))

    assert answer.rows == {COLUMN: {}}
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    "value",
    [tlv(0x41, b"\x01\x00\x00\x00\x00"), tlv(0x46, b"\x01" + bytes(8)), tlv(6, b"\x2b\x9f\xff\xff\xff\x7f")],
    ids=["counter32", "counter64", "oid"],
)
async def test_a_number_that_its_type_cannot_hold_is_no_value(snmp: SnmpTransport, value: bytes) -> None:
    async with peer(lambda q: [reply(q, binding(f"{COLUMN}.1", value))]) as odd:
        answer = await snmp.columns(device(odd, retries=0), [COLUMN], soon(0.5))

    assert answer.rows == {COLUMN: {}} and answer.complete == frozenset()
    assert answer.error is not None and answer.error.reason is Reason.PROTOCOL


async def test_a_walk_of_slow_pages_keeps_what_it_read_and_ends_at_the_deadline(snmp: SnmpTransport) -> None:
    async with peer(lambda q: []) as slow:
        rows = Walker()
        slow.answer = lambda q: rows(q) if len(slow.questions) < 4 else []

        answer = await snmp.walk(device(slow), COLUMN, soon(0.5))

    assert len(answer.values) == 15
    assert answer.error is not None and answer.error.reason is Reason.NO_ANSWER


async def test_duplicates_of_an_earlier_reply_do_not_answer_a_later_question(snmp: SnmpTransport) -> None:
    names = ["1.3.6.1.4.1.9.1.0", "1.3.6.1.4.1.9.2.0"]

    def answers(question: bytes) -> Iterable[bytes]:
        asked = next(name for name in names if oid(name) in question)
        return [reply(question, binding(asked, tlv(2, bytes([len(asked)]))))] * 3

    async with peer(answers) as echo:
        answer = await snmp.get(device(echo, max_oids=1), names, soon(1.0))

    assert answer.error is None and list(answer.values) == names


async def test_numbers_keep_their_sign_and_all_their_bits(snmp: SnmpTransport) -> None:
    expected: dict[str, tuple[bytes, object]] = {
        "1.3.6.1.4.1.9.1.0": (tlv(2, b"\xff\xff\xff\xfe"), -2),
        "1.3.6.1.4.1.9.2.0": (tlv(0x46, b"\x00" + b"\xff" * 8), 2**64 - 1),
        "1.3.6.1.4.1.9.3.0": (tlv(0x41, b"\x00\xff\xff\xff\xff"), 2**32 - 1),
        "1.3.6.1.4.1.9.4.0": (tlv(0x40, bytes((192, 0, 2, 1))), "192.0.2.1"),
        "1.3.6.1.4.1.9.5.0": (oid("1.3.6.1.4.1.9.4294967295"), "1.3.6.1.4.1.9.4294967295"),
        "1.3.6.1.4.1.9.6.0": (tlv(4, b"\xff\xfe\x00\x80"), b"\xff\xfe\x00\x80"),
        "1.3.6.1.4.1.9.7.0": (tlv(4, b""), b""),
        "1.3.6.1.4.1.9.8.0": (tlv(0x80, b""), Missing.OBJECT),
        "1.3.6.1.4.1.9.9.0": (tlv(0x81, b""), Missing.INSTANCE),
        "1.3.6.1.4.1.9.10.0": (tlv(0x82, b""), Missing.END),
        "1.3.6.1.4.1.9.11.0": (tlv(5, b""), Missing.NULL),
    }
    async with peer(lambda q: [reply(q, *(binding(n, v) for n, (v, _) in expected.items()))]) as exact:
        answer = await snmp.get(device(exact), list(expected), soon(1.0))

    assert answer.error is None
    assert answer.values == {name: value for name, (_, value) in expected.items()}


async def test_a_cancelled_poll_gives_its_descriptor_back(snmp: SnmpTransport) -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with peer(lambda question: []) as silent:
        polls = [asyncio.create_task(snmp.get(device(silent), [NAME], soon(30))) for _ in range(20)]
        while len(silent.questions) < 20:
            await asyncio.sleep(0.005)
        for poll in polls:
            poll.cancel()
        results = await asyncio.gather(*polls, return_exceptions=True)

    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_more_questions_than_permits_wait_and_say_so_at_their_deadline() -> None:
    transport = SnmpTransport(at_once=2)
    async with peer(lambda question: []) as silent:
        answers = await asyncio.gather(*(transport.get(device(silent, retries=0), [NAME], soon(0.3)) for _ in range(5)))
    await transport.close()

    reasons = [answer.error.reason for answer in answers if answer.error is not None]
    assert sorted(reasons) == [Reason.LOCAL] * 3 + [Reason.NO_ANSWER] * 2


async def test_a_closed_transport_answers_with_an_error(snmp: SnmpTransport) -> None:
    await snmp.close()

    answer = await snmp.get(Device("127.0.0.1", community()), [NAME], soon())

    assert answer.error is not None and answer.error.reason is Reason.LOCAL
