"""One at a time has a device; who waits too long is told so, and nothing is left of a place nobody wants."""

from __future__ import annotations

import asyncio

import pytest

from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.ssh import SshDevice
from checks.transports.turns import Turns
from config.estate import Credential


async def test_those_who_want_one_place_have_it_one_after_another_and_others_at_once() -> None:
    turns, busy, most = Turns(), {"a": 0, "b": 0}, {"a": 0, "b": 0}
    deadline = asyncio.get_running_loop().time() + 30

    async def wants(place: str) -> None:
        async with turns.at(place, deadline):
            busy[place] += 1
            most[place] = max(most[place], busy[place])
            await asyncio.sleep(0)
            busy[place] -= 1

    async with turns.at("c", deadline):
        await asyncio.gather(*(wants(place) for place in ("a", "b") * 5))

    assert most == {"a": 1, "b": 1}
    assert not turns._lines


async def test_a_turn_that_does_not_come_in_time_is_our_own_limit() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()

    async with turns.at("a", loop.time() + 30):
        with pytest.raises(TransportFault, match="one at a time reads a device") as caught:
            async with turns.at("a", loop.time() + 0.05):
                pass

    assert caught.value.reason is Reason.LOCAL
    assert not turns._lines


async def test_one_who_is_cancelled_while_waiting_leaves_the_line() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()

    async def waits() -> None:
        async with turns.at("a", loop.time() + 30):
            pass

    async with turns.at("a", loop.time() + 30):
        waiting = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    assert not turns._lines


async def test_readings_over_https_and_by_commands_share_their_turns() -> None:
    transports, loop = Transports.open(), asyncio.get_running_loop()
    device = SshDevice("fw-a", "192.0.2.1", Credential("reader", "password", {}), ())
    try:
        async with transports.http.turns.at(device.address, loop.time() + 30):
            with pytest.raises(TransportFault, match="one at a time reads a device"):
                await transports.ssh.alone(device, ["show"], None, answers=[], deadline=loop.time() + 0.05)
    finally:
        await transports.close()
