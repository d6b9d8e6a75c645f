"""Which connections are kept, shared, replaced and closed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.ssh.kept import CHANNELS, Kept
from testbeds.network_shell import soon


@dataclass(eq=False)
class Fake:
    """A connection that is only said to be one."""

    alive: bool = True
    closed: bool = False

    def close(self) -> None:
        self.alive = False
        self.closed = True


class Opener:
    def __init__(self) -> None:
        self.made: list[Fake] = []

    async def __call__(self) -> Fake:
        await asyncio.sleep(0)
        self.made.append(Fake())
        return self.made[-1]


@pytest.fixture
def opener() -> Opener:
    return Opener()


async def used(kept: Kept[Fake], opener: Opener, key: str = "fw01", identity: bytes = b"", keep: bool = True) -> Fake:
    async with kept.line(key, identity, keep, soon(), opener) as line:
        return line.connection


async def test_one_that_was_used_is_used_again(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()

    assert await used(kept, opener) is await used(kept, opener)
    kept.close()


async def test_those_who_come_while_one_is_made_wait_for_it(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()

    found = await asyncio.gather(*(used(kept, opener) for _ in range(20)))

    assert len(set(map(id, found))) == 1
    assert len(opener.made) == 1
    kept.close()


async def test_a_failure_is_shared_by_those_who_waited_and_not_tried_for_each() -> None:
    kept: Kept[Fake] = Kept()
    tried = 0

    async def refuse() -> Fake:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0)
        raise TransportFault(Reason.AUTHENTICATION, "refused")

    async def use() -> None:
        async with kept.line("fw01", b"", True, soon(), refuse):
            pass

    faults = await asyncio.gather(*(use() for _ in range(20)), return_exceptions=True)

    assert [type(fault) for fault in faults] == [TransportFault] * 20
    assert tried == 1


async def test_when_the_one_who_makes_it_is_cancelled_another_makes_it(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    never = asyncio.Event()

    async def hang() -> Fake:
        await never.wait()
        raise AssertionError

    async def use_hanging() -> None:
        async with kept.line("fw01", b"", True, soon(), hang):
            pass

    first = asyncio.create_task(use_hanging())
    await asyncio.sleep(0)
    second = asyncio.create_task(used(kept, opener))
    await asyncio.sleep(0)
    first.cancel()

    assert await second is opener.made[0]
    kept.close()


async def test_one_that_died_is_made_anew(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    first = await used(kept, opener)

    first.alive = False
    second = await used(kept, opener)

    assert second is not first
    assert first.closed
    kept.close()


async def test_another_secret_makes_another_connection_and_closes_the_old_one(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    first = await used(kept, opener, identity=b"old")

    second = await used(kept, opener, identity=b"new")

    assert (first.closed, second.closed, len(kept)) == (True, False, 1)
    kept.close()


async def test_one_in_use_is_closed_only_when_its_last_user_has_gone(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()

    async with kept.line("fw01", b"old", True, soon(), opener) as line:
        await used(kept, opener, identity=b"new")
        in_use = line.connection.closed

    assert (in_use, line.connection.closed) == (False, True)
    kept.close()


async def test_it_is_closed_when_nobody_wants_it_for_a_while(opener: Opener) -> None:
    kept: Kept[Fake] = Kept(idle=0.01)

    connection = await used(kept, opener)
    while not connection.closed:
        await asyncio.sleep(0.005)

    assert len(kept) == 0


async def test_it_is_not_closed_while_somebody_uses_it(opener: Opener) -> None:
    kept: Kept[Fake] = Kept(idle=0.01)
    await used(kept, opener)

    async with kept.line("fw01", b"", True, soon(), opener) as line:
        await asyncio.sleep(0.05)

        assert not line.connection.closed
    kept.close()


async def test_over_the_limit_the_one_idle_longest_goes(opener: Opener) -> None:
    kept: Kept[Fake] = Kept(most=3)
    one, two, three = [await used(kept, opener, key) for key in ("one", "two", "three")]
    await used(kept, opener, "one")

    await used(kept, opener, "four")

    assert [connection.closed for connection in (one, two, three)] == [False, True, False]
    assert len(kept) == 3
    kept.close()


async def test_a_device_with_few_sessions_is_asked_one_by_one_and_then_left(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    at_once = most = 0

    async def use() -> None:
        nonlocal at_once, most
        async with kept.line("fw01", b"", False, soon(), opener):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.001)
            at_once -= 1

    await asyncio.gather(*(use() for _ in range(5)))

    assert most == 1
    assert [connection.closed for connection in opener.made] == [True]
    assert len(kept) == 0


async def test_who_finds_no_place_until_the_deadline_is_told(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    release = asyncio.Event()

    async def hold() -> None:
        async with kept.line("fw01", b"", True, soon(), opener):
            await release.wait()

    holding = [asyncio.create_task(hold()) for _ in range(CHANNELS)]
    await asyncio.sleep(0.01)
    with pytest.raises(TransportFault, match="all places") as caught:
        async with kept.line("fw01", b"", True, soon(0.02), opener):
            pass
    release.set()
    await asyncio.gather(*holding)

    assert caught.value.reason is Reason.LIMIT
    kept.close()


async def test_closing_closes_all_and_may_be_done_twice(opener: Opener) -> None:
    kept: Kept[Fake] = Kept()
    await used(kept, opener, "one")
    await used(kept, opener, "two")

    kept.close()
    kept.close()

    assert all(connection.closed for connection in opener.made)
