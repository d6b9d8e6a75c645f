"""SIP as a probe: what a real endpoint answers counts as it does for `sip_options`, and silence is a loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agent.drills.counting import Answer
from agent.drills.probing import PATIENCE, SIP_INTERVAL, Probe, Row, asking
from checks.transports import Transports
from testbeds.peers import free_port
from testbeds.sip_peer import Answering, always, over_tcp, over_udp

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def transports() -> AsyncIterator[Transports]:
    made = Transports.open()
    yield made
    await made.close()


async def answered(probe: str, transports: Transports) -> Answer:
    ask = await asking(Probe.of(probe), transports)
    return await ask(asyncio.get_running_loop().time() + PATIENCE)


@pytest.mark.parametrize(
    ("answering", "answer"),
    [
        (always(200), Answer.ANSWERED),
        (always(401), Answer.ANSWERED),
        (always(404), Answer.ANSWERED),
        (always(503), Answer.UNWELL),
        (always(504), Answer.UNWELL),
        (always(500), Answer.UNWELL),
        (lambda _request, _count: [], Answer.SILENT),
        (lambda _request, _count: [b"no SIP at all"], Answer.SILENT),
        (lambda request, count: always(200)(request, count) if count > 1 else [], Answer.ANSWERED),
    ],
)
async def test_what_an_endpoint_answers_over_udp_is_a_sign_of_life_or_a_loss(
    transports: Transports, answering: Answering, answer: Answer
) -> None:
    async with over_udp(answering) as peer:
        found = await answered(f"sip:127.0.0.1:{peer.port}", transports)

    assert found is answer
    assert {request.method for request in peer.asked} == {"OPTIONS"}
    assert len(peer.asked) <= 2, "a lost packet is sent once more, and no oftener"


@pytest.mark.parametrize(("status", "answer"), [(200, Answer.ANSWERED), (503, Answer.UNWELL)])
async def test_over_tcp_it_counts_alike(transports: Transports, status: int, answer: Answer) -> None:
    async with over_tcp(always(status)) as peer:
        assert await answered(f"sip:127.0.0.1:{peer.port}/tcp", transports) is answer


async def test_what_comes_over_tcp_and_is_no_sip_is_no_answer_of_a_controller_that_is_well(
    transports: Transports,
) -> None:
    async with over_tcp(lambda _request, _count: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as peer:
        assert await answered(f"sip:127.0.0.1:{peer.port}/tcp", transports) is Answer.UNWELL


@pytest.mark.parametrize("carrier", ["udp", "tcp"])
async def test_a_closed_port_refuses(transports: Transports, carrier: str) -> None:
    port = free_port()

    assert await answered(f"sip:127.0.0.1:{port}/{carrier}", transports) is Answer.REFUSED


async def test_an_endpoint_is_asked_ten_times_less_often_than_a_port(transports: Transports) -> None:
    sip, tcp = Probe.of("sip:127.0.0.1"), Probe.of("tcp:127.0.0.1:80")

    row = Row(str(sip), await asking(sip, transports), asyncio.get_running_loop().time, sip.interval)

    assert (sip.interval, tcp.interval) == (SIP_INTERVAL, 0.1)
    assert row.counted.measured().interval == SIP_INTERVAL


@pytest.mark.parametrize(
    ("interval", "row", "back", "settled"),
    [(0.1, 5, True, False), (0.1, 4, False, False), (0.1, 50, True, True), (1.0, 2, True, False), (1.0, 5, True, True)],
)
async def test_a_row_is_back_after_half_a_second_and_two_answers_whatever_its_rate(
    interval: float, row: int, back: bool, settled: bool
) -> None:
    async def ask(_deadline: float) -> Answer:
        return Answer.ANSWERED

    made = Row("sip:192.0.2.1:5060/udp", ask, lambda: 0.0, interval)
    for second in range(row):
        made.counted.settle(made.counted.leave(float(second)), Answer.ANSWERED, float(second))

    assert made.answered_for(0.5, 2) is back
    assert made.answered_for(5.0) is settled
