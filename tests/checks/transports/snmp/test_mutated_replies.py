"""Every reply of a real snmpd is mutated on its way: nothing crashes, hangs, floods standard error, or reads as ok.

RIDGEWAY_FUZZ_REPLIES sets how many (10,000 unless said otherwise; `make fuzz` takes a million). Over v2c a mutation
inside a value makes another value, which no client can tell; what counts then is that a second decoder reads the same.
Over v3 the signature covers every octet, so a mutated reply must never count at all.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import pytest

from agent.stderr import StderrFilter
from checks.contract import Reason, State
from checks.network.answers import SnmpAnswers, keep
from checks.network.judgement import assessed
from checks.network.plan import compiled
from checks.transports.snmp import Answer, Device, Missing, SnmpTransport, wire
from checks.transports.snmp.errors import Malformed
from config.estate import Credential
from config.profiles import ProfileModel
from testbeds.datagrams import DatagramRelay, relay
from testbeds.snmpd import TEN, Snmpd, community, soon, user

pytestmark = pytest.mark.acceptance

REPLIES = int(os.environ.get("RIDGEWAY_FUZZ_REPLIES", "10000"))
SEED = int(os.environ.get("RIDGEWAY_FUZZ_SEED", "20261123"))
AT_ONCE = 40
COLUMNS = [oid.removesuffix(".0") for oid in TEN]
NUMBERS = [TEN[2], *TEN[6:]]
"""Those of the ten that are numbers."""
PLAN = compiled(
    ProfileModel.model_validate(
        {
            "profile": "numbers",
            "title": "numbers",
            "source": "this test",
            "values": {f"v{at}": {"title": f"value {at}", "oid": oid} for at, oid in enumerate(NUMBERS)},
        }
    ),
    {},
    {},
)


class Mutator:
    """Changes each reply in one of the ways in which networks and bad agents do, and remembers what it sent."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.sent: list[bytes] = []
        """What went out since the last poll began: several replies, if one made the client ask again in parts."""

    def __call__(self, reply: bytes) -> Iterable[bytes]:
        ways: list[Callable[[bytearray], bytes]] = [
            self._bytes, self._bytes, self._bits, self._bits, self._cut, self._doubled, self._length, self._spliced,
        ]  # fmt: skip
        self.sent.append(self._random.choice(ways)(bytearray(reply)))
        return self.sent[-1:]

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data))

    def _bytes(self, data: bytearray) -> bytes:
        for _ in range(self._random.randint(1, 4)):
            data[self._at(data)] = self._random.randrange(256)
        return bytes(data)

    def _bits(self, data: bytearray) -> bytes:
        data[self._at(data)] ^= 1 << self._random.randrange(8)
        return bytes(data)

    def _cut(self, data: bytearray) -> bytes:
        return bytes(data[: self._random.randrange(1, len(data))])

    def _doubled(self, data: bytearray) -> bytes:
        start = self._at(data)
        part = data[start : start + self._random.randint(1, 40)]
        return bytes(data[:start] + part + data[start:])

    def _length(self, data: bytearray) -> bytes:
        data[self._at(data)] = self._random.choice((0x80, 0x81, 0x82, 0x84, 0xFF, 0x00, 0x7F))
        return bytes(data)

    def _spliced(self, data: bytearray) -> bytes:
        one, other = sorted((self._at(data), self._at(data)))
        return bytes(data[:one] + data[other:]) or b"\x00"


class Way:
    """One relay with a mutator, used by one poll at a time, so that it is known what was sent in answer."""

    def __init__(self, relayed: DatagramRelay, mutator: Mutator, credential: Credential) -> None:
        self.mutator = mutator
        self.device = Device("127.0.0.1", credential, port=relayed.port, retries=0)


Judge = Callable[[Way, Answer], None]
Ask = Callable[[SnmpTransport, Device], Awaitable[Answer]]


async def asked(snmp: SnmpTransport, device: Device) -> Answer:
    """Ten scalars."""
    return await snmp.get(device, TEN, soon(0.25))


async def asked_by_column(snmp: SnmpTransport, device: Device) -> Answer:
    """The same ten, as columns of one row each, which our own reader decodes."""
    columns = await snmp.columns(device, COLUMNS, soon(0.25))
    cells = {f"{oid}.{index}": value for oid, found in columns.rows.items() for index, value in found.items()}
    return Answer(cells, columns.error)


async def polls(snmp: SnmpTransport, way: Way, number: int, judge: Judge, ask: Ask) -> None:
    for _ in range(number):
        way.mutator.sent.clear()
        judge(way, await ask(snmp, way.device))


async def fuzz(
    agent: Snmpd, snmp: SnmpTransport, credential: Credential, number: int, judge: Judge, ask: Ask = asked
) -> None:
    async with asyncio.TaskGroup() as group:
        for at in range(AT_ONCE):
            group.create_task(one_way(agent, snmp, credential, number // AT_ONCE, SEED + at, judge, ask))


async def one_way(
    agent: Snmpd,
    snmp: SnmpTransport,
    credential: Credential,
    number: int,
    seed: int,
    judge: Judge,
    ask: Ask,
) -> None:
    mutator = Mutator(seed)
    async with relay(agent.port, mutator) as relayed:
        await polls(snmp, Way(relayed, mutator, credential), number, judge, ask)


def parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and contents of each BER element (X.690) in `data`, which they must fill to the last octet."""
    found = []
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(data[2:start])
        assert tag & 0x1F != 0x1F and start + length <= len(data), "no element"
        found.append((tag, data[start : start + length]))
        data = data[start + length :]
    return found


def dotted(body: bytes) -> str:
    numbers, number = [], 0
    for octet in body:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    head = min(numbers[0] // 40, 2)
    return ".".join(map(str, (head, numbers[0] - 40 * head, *numbers[1:])))


def second_opinions(datagram: bytes) -> list[dict[str, object]]:
    """The second opinion, if there can be one."""
    try:
        return [second_opinion(datagram)]
    except (AssertionError, IndexError, ValueError):
        return []


def second_opinion(datagram: bytes) -> dict[str, object]:
    """The values that a plain reading of X.690 and RFC 3416 finds in a v2c reply; it fails on anything irregular.

    Counters and gauges are read as unsigned even without the leading zero octet that X.690 wants: agents leave it out,
    and every manager reads them so.
    """
    ((tag, message),) = parts(datagram)
    (version, community_, (pdu_tag, pdu)) = parts(message)
    assert (tag, version, community_, pdu_tag) == (0x30, (2, b"\x01"), (4, b"public"), 0xA2)
    _, status, _, (list_tag, bindings) = parts(pdu)
    assert status == (2, b"\x00") and list_tag == 0x30
    values: dict[str, object] = {}
    for binding_tag, binding in parts(bindings):
        (name_tag, name), (tag, body) = parts(binding)
        assert (binding_tag, name_tag) == (0x30, 6)
        if tag == 2:
            values[dotted(name)] = int.from_bytes(body, signed=True)
        elif tag in (0x41, 0x42, 0x43, 0x46, 0x47):
            values[dotted(name)] = int.from_bytes(body)
        elif tag == 6:
            values[dotted(name)] = dotted(body)
        elif tag == 0x40:
            values[dotted(name)] = ".".join(map(str, body))
        elif tag in (4, 0x44):
            values[dotted(name)] = body
        else:
            assert tag in (5, 0x80, 0x81, 0x82) and not body
    return values


@pytest.mark.timeout(60 + REPLIES / 100)
async def test_mutated_replies_over_v2c_are_errors_or_what_a_second_decoder_reads(
    agent: Snmpd, snmp: SnmpTransport, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: Counter[str] = Counter()
    honest = (await snmp.get(agent.device(community()), TEN, soon())).values

    def judge(way: Way, answer: Answer) -> None:
        seen["replies"] += 1
        if answer.error is not None:
            seen[answer.error.reason.value] += 1
            assert answer.error.reason in (Reason.PROTOCOL, Reason.NO_ANSWER)
        assert set(answer.values) <= set(TEN)
        judge_states(answer, seen)
        odd = [oid for oid, value in answer.values.items() if not isinstance(value, Missing) and value != honest[oid]]
        if odd:
            seen["altered"] += any(oid not in NUMBERS for oid in odd)
            read = [reply for sent in way.mutator.sent for reply in second_opinions(sent)]
            for oid in odd:
                assert answer.values[oid] in [reply.get(oid) for reply in read], [s.hex() for s in way.mutator.sent]

    with StderrFilter() as filtered:
        await fuzz(agent, snmp, community(), REPLIES, judge)
        whole = await snmp.get(agent.device(community()), TEN, soon())

    assert whole.error is None
    assert seen["replies"] >= REPLIES - AT_ONCE
    assert seen["altered"] > 0 and seen["protocol"] > seen["replies"] / 4
    # Lengths and types are checked before gufo-snmp may decode, so that hardly anything is left to panic at.
    assert filtered.sieve.panics <= REPLIES / 1_000
    assert len(capfd.readouterr().err) < 8_000


def judge_states(answer: Answer, seen: Counter[str]) -> None:
    """Whatever was read, a number that is not there never makes an ok finding."""
    answers = SnmpAnswers()
    keep(answer.values, answers.values, answers.errors)
    findings = {f.key: f for f in assessed(PLAN, answers, answer.error is None, None, 1e9, frozenset()).findings}
    for at, oid in enumerate(NUMBERS):
        finding = findings.get(f"snmp/v{at}")
        if isinstance(answer.values.get(oid), int):
            assert finding is not None and finding.state is State.OK
        else:
            assert finding is None or finding.state is State.UNKNOWN
            seen["unknown"] += finding is not None


@pytest.mark.timeout(60 + REPLIES / 100)
async def test_mutated_replies_over_v3_never_count(
    agent: Snmpd, snmp: SnmpTransport, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: Counter[str] = Counter()
    constant = [oid for oid in TEN if oid not in NUMBERS]
    honest = (await snmp.get(agent.device(user("sha256aes256")), TEN, soon())).values

    def judge(honest_values: dict[str, object], way: Way, answer: Answer) -> None:
        seen["replies"] += 1
        if answer.error is not None:
            seen[answer.error.reason.value] += 1
        for oid in constant:
            assert answer.values.get(oid, honest_values[oid]) == honest_values[oid], [
                sent.hex() for sent in way.mutator.sent
            ]

    with StderrFilter():
        await fuzz(agent, snmp, user("sha256aes256"), max(400, REPLIES // 10), partial(judge, dict(honest)))
        whole = await snmp.get(agent.device(user("sha256aes256")), TEN, soon())

    assert whole.error is None
    assert seen["authentication"] + seen["protocol"] > seen["replies"] / 3
    assert len(capfd.readouterr().err) < 8_000


async def test_mutated_replies_to_columns_over_v3_never_count(agent: Snmpd, snmp: SnmpTransport) -> None:
    seen: Counter[str] = Counter()
    whole = await asked_by_column(snmp, agent.device(user("sha256aes256")))

    def judge(way: Way, answer: Answer) -> None:
        seen["errors" if answer.error is not None else "whole"] += 1
        if answer.error is None:
            assert set(answer.values) == set(TEN)
        for oid in set(TEN) - set(NUMBERS):
            assert answer.values.get(oid, whole.values[oid]) == whole.values[oid], [s.hex() for s in way.mutator.sent]

    await fuzz(agent, snmp, user("sha256aes256"), max(400, REPLIES // 10), judge, asked_by_column)

    assert whole.error is None and set(whole.values) == set(TEN)
    assert seen["errors"] > 300


async def test_our_own_reader_reads_of_mutated_replies_what_a_second_decoder_reads(
    agent: Snmpd, snmp: SnmpTransport
) -> None:
    honest: list[bytes] = []

    def kept(reply: bytes) -> Iterable[bytes]:
        honest.append(reply)
        return [reply]

    async with relay(agent.port, kept) as relayed:
        await asked_by_column(snmp, Device("127.0.0.1", community(), port=relayed.port))
    mutator, seen = Mutator(SEED), Counter[str]()
    right = second_opinion(honest[0])

    for _ in range(REPLIES):
        (mutated,) = mutator(honest[0])
        try:
            response = wire.response(wire.community_pdu(mutated))
            read = {oid: value for oid, _, value in wire.rows(response)} if response.status == 0 else {}
            if wire.community_of(mutated) != (1, b"public"):
                continue  # none of our replies
        except Malformed:
            seen["malformed"] += 1
            continue
        odd = {
            oid: v for oid, v in read.items() if not isinstance(v, Missing) and (oid not in right or right[oid] != v)
        }
        seen["altered"] += bool(odd)
        assert not odd or odd.items() <= second_opinion(mutated).items(), mutated.hex()

    assert seen["malformed"] > REPLIES / 4 and seen["altered"] > 0
