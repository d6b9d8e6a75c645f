"""Call records as they stream by: counted, never kept, and nothing is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from checks.contract import Assessment, Context, Memory, Observation, Reason, State
from checks.telephony.smdr import CHECK, SmdrAnswers, SmdrOptions
from checks.telephony.smdr.records import LENGTHS, LONGEST, Counting
from checks.transports import Transports
from checks.transports.tcp import _PIECE, MOST_HEARD
from testbeds.peers import free_port
from testbeds.single import check, subject, target

NUMBERS = ("5550199", "01632960001")
SHORT = b" 11/30 09:15 00:00:42 5550199 01632960001 T001 " + b" " * 40 + b"\r\n"
LONG = b"%11/30 09:20 00:12:03 5550199 01632960001 T002 " + b" " * 40 + b"\r\n"
COLUMNS = (14, 21)


@dataclass
class Controller:
    """It says what it has to whoever connects, and notes what it is told."""

    said: bytes
    port: int = 0
    told: bytes = b""
    connections: int = 0
    hangs_up: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.said)
        try:
            await writer.drain()
            if not self.hangs_up:
                self.told += await reader.read()
        except ConnectionError:
            pass
        writer.close()
        self.ended.set()


@asynccontextmanager
async def controller(said: bytes, hangs_up: bool = False) -> AsyncIterator[Controller]:
    made = Controller(said, hangs_up=hangs_up)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def run(
    port: int, transports: Transports, memory: Memory | None = None, **said: Any
) -> tuple[Observation, Assessment]:
    options = SmdrOptions(sole_reader=True, port=port, listen_seconds=1, **said)
    spec = check("smdr", options)
    context = Context("here", transports, time.time, asyncio.get_running_loop().time() + 5)
    observation = await CHECK.collect(target(spec), options, context)
    if observation.answers is None:
        return observation, Assessment(())
    return observation, CHECK.assess(subject(spec), [observation], memory, time.time())


def values(assessment: Assessment) -> Mapping[tuple[str, ...], float]:
    return {
        (one.family.name.removeprefix("ridgeway_smdr_"), *one.labels): one.value for one in assessment.readings
    }  # fmt: skip


async def test_records_are_counted_by_length_and_durations_summed(transports: Transports) -> None:
    async with controller(SHORT * 3 + LONG) as peer:
        observation, assessment = await run(peer.port, transports, duration_columns=COLUMNS)

    assert assessment.findings[0].state is State.OK
    assert values(assessment) == {
        ("records_total", "under-5m"): 3, ("records_total", "5m-10m"): 0, ("records_total", "10m-30m"): 1,
        ("records_total", "over-30m"): 0, ("unread_lines_total",): 0,
        ("call_seconds_total",): 3 * 42 + 12 * 60 + 3,
    }  # fmt: skip
    assert not any(number in repr((observation, assessment)) for number in NUMBERS)


async def test_counts_go_on_from_run_to_run(transports: Transports) -> None:
    async with controller(SHORT) as peer:
        _, first = await run(peer.port, transports)
        _, second = await run(peer.port, transports, first.memory)
    async with controller(b"") as quiet:
        _, third = await run(quiet.port, transports, second.memory)

    assert [values(one)["records_total", "under-5m"] for one in (first, second, third)] == [1, 2, 2]
    assert third.memory is None and third.findings[0].state is State.OK
    assert ("call_seconds_total",) not in values(third)


async def test_nothing_is_sent_and_the_connection_is_ended(transports: Transports) -> None:
    async with controller(SHORT) as peer:
        await run(peer.port, transports)
        await asyncio.wait_for(peer.ended.wait(), 10)

    assert peer.told == b"" and peer.connections == 1


async def test_lines_that_are_no_records_are_unknown_and_not_shown(transports: Transports) -> None:
    async with controller(b"5550199 called 01632960001\r\n" * 4 + SHORT) as peer:
        observation, assessment = await run(peer.port, transports)

    assert assessment.findings[0].state is State.UNKNOWN
    assert "4 lines that are none" in assessment.findings[0].summary
    assert not any(number in repr((observation, assessment)) for number in NUMBERS)


async def test_a_controller_that_hangs_up_is_unknown_since_somebody_else_may_be_reading(transports: Transports) -> None:
    async with controller(b"", hangs_up=True) as peer:
        _, assessment = await run(peer.port, transports)

    assert assessment.findings[0].state is State.UNKNOWN
    assert "somebody else" in assessment.findings[0].summary


async def test_a_port_that_nobody_serves_is_a_fault(transports: Transports) -> None:
    observation, _ = await run(free_port(), transports)

    assert observation.fault is not None and observation.fault.reason is Reason.REFUSED
    assert observation.fault.condition == "smdr/refused"


async def test_a_flood_holds_nobody_up_and_is_bounded(transports: Transports) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async with controller(SHORT * 200_000) as peer:
        ticking = asyncio.create_task(tick())
        observation, _ = await run(peer.port, transports)
        ticking.cancel()

    assert isinstance(observation.answers, SmdrAnswers)
    pieces = sum(observation.answers.records.values()) * len(SHORT) // _PIECE
    assert 20 < pieces <= MOST_HEARD // _PIECE
    assert ticks >= pieces


@pytest.mark.parametrize("cut", [1, 7, 50, 1_000])
def test_records_are_the_same_however_the_stream_is_cut(cut: int) -> None:
    stream = SHORT + LONG + b"nonsense\n" + b"x" * 5_000 + b"\n" + b"\0\r\n\n" + LONG
    counting = Counting(SmdrOptions(sole_reader=True, duration_columns=COLUMNS).layout)

    for at in range(0, len(stream), cut):
        counting.fed(stream[at : at + cut])
    counting.ended()

    assert {name: count for name, count in counting.records.items() if count} == {"under-5m": 1, "10m-30m": 2}
    assert counting.unread == 2
    assert counting.seconds == 42 + 2 * 723
    assert len(counting._rest) <= LONGEST


def test_the_beginning_of_a_record_at_the_end_says_nothing() -> None:
    counting = Counting(SmdrOptions(sole_reader=True).layout)

    counting.fed(SHORT + LONG[:4])
    counting.ended()

    assert sum(counting.records.values()) == 1 and counting.unread == 0


@pytest.mark.parametrize("mark", LENGTHS)
def test_the_first_character_marks_long_calls(mark: str) -> None:
    counting = Counting(SmdrOptions(sole_reader=True).layout)

    counting.fed(mark.encode() + SHORT[1:])

    assert counting.records[LENGTHS[mark]] == 1


@pytest.mark.parametrize("text", ['{"unread": "x"}', "[]", "nonsense", '{"unread": null}'])
def test_a_damaged_note_counts_anew(text: str) -> None:
    spec = check("smdr", SmdrOptions(sole_reader=True))
    heard = Observation("pbx", "here", 0.0, 0.1, SmdrAnswers({"under-5m": 2}))

    assessment = CHECK.assess(subject(spec), [heard], Memory(1, text), 0.0)

    assert values(assessment)["records_total", "under-5m"] == 2


@pytest.mark.parametrize(("options", "words"), [
    ({}, "sole_reader: true must be said"),
    ({"sole_reader": False, "port": 1752}, "does not reach the call logger"),
    ({"sole_reader": True, "duration_columns": [9, 2]}, "behind the last"),
    ({"sole_reader": True, "record": "("}, "no regular expression"),
    ({"sole_reader": True, "listen_seconds": 600}, "less than or equal to 60"),
])  # fmt: skip
def test_nobody_listens_by_mistake(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SmdrOptions.model_validate(options)
