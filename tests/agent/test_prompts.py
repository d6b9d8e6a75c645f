"""When a prompted target is asked. Times are short here; what counts is the order and the number of polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent.prompts import Prompted, Prompts

SHORT = 0.1


class Polls:
    """Notes each poll; `busy` targets are being asked already."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int, bool]] = []
        self.busy: set[str] = set()

    def __call__(self, target: str, prompts: int, later: bool) -> bool:
        self.made.append((target, prompts, later))
        return target not in self.busy

    def of(self, target: str) -> int:
        return sum(name == target for name, _, _ in self.made)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def polls() -> Polls:
    return Polls()


async def test_the_first_prompt_has_the_target_asked_at_once(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT)

    became = prompts.prompt("fw-1")

    assert (became, polls.made) == (Prompted.PROMPTED, [("fw-1", 1, False)])
    prompts.stop()


async def test_a_burst_is_one_poll_at_once_and_one_after_it(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT)

    became = [prompts.prompt("fw-1") for _ in range(100)]
    await until(lambda: polls.of("fw-1") == 2)
    await until(lambda: not prompts._resting)

    assert became == [Prompted.PROMPTED, *[Prompted.COALESCED] * 99]
    assert polls.made == [("fw-1", 1, False), ("fw-1", 99, True)]
    prompts.stop()


async def test_a_single_prompt_is_one_poll(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT)

    prompts.prompt("fw-1")
    await until(lambda: not prompts._resting)

    assert polls.of("fw-1") == 1
    prompts.stop()


async def test_a_prompt_after_the_rest_is_a_first_one_again(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT)

    prompts.prompt("fw-1")
    await until(lambda: not prompts._resting)

    assert prompts.prompt("fw-1") is Prompted.PROMPTED
    prompts.stop()


async def test_a_prompt_while_the_target_is_being_asked_is_followed_by_another_poll(polls: Polls) -> None:
    """The poll under way may have read what the trap says has changed."""
    prompts = Prompts(polls, every=SHORT)
    polls.busy.add("fw-1")

    prompts.prompt("fw-1")
    polls.busy.clear()
    await until(lambda: polls.of("fw-1") == 2)
    await until(lambda: not prompts._resting)

    assert polls.made == [("fw-1", 1, False), ("fw-1", 0, True)]
    prompts.stop()


async def test_a_device_that_sends_a_trap_whenever_it_is_asked_is_asked_ever_more_rarely() -> None:
    """A log-in, a session, a refused question: the prompted poll is what prompts the next."""
    rests: list[float] = []

    def ask(target: str, _: int, __: bool) -> bool:
        rests.append(prompts.rest_of(target))
        asyncio.get_running_loop().call_soon(prompts.prompt, target)
        return True

    prompts = Prompts(ask, every=SHORT, longest=4 * SHORT)

    prompts.prompt("fw-1")
    await until(lambda: len(rests) == 7)
    prompts.stop()

    assert rests == [SHORT, SHORT, SHORT, 2 * SHORT, 4 * SHORT, 4 * SHORT, 4 * SHORT]


async def test_a_rest_grows_only_when_the_quiet_since_the_last_was_shorter_than_that(polls: Polls) -> None:
    now = asyncio.get_running_loop().time()
    prompts = Prompts(polls, every=10, longest=60)
    prompts._rests |= {"soon": (4, 20.0, now - 15.0), "long ago": (4, 20.0, now - 25.0)}

    assert (prompts.rest_of("soon"), prompts.rest_of("long ago"), prompts.rest_of("never")) == (40, 10, 10)


async def test_one_target_does_not_wait_for_another(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT)

    assert [prompts.prompt(name) for name in ("fw-1", "fw-2", "fw-3")] == [Prompted.PROMPTED] * 3
    prompts.stop()


async def test_a_thousand_devices_at_once_are_asked_at_the_rate_each_once_and_in_turn(polls: Polls) -> None:
    prompts = Prompts(polls, every=60, rate=5_000, burst=50)
    names = [f"fw-{number}" for number in range(1_000)]

    became = [prompts.prompt(name) for name in names for _ in range(3)]
    at_once = len(polls.made)
    await until(lambda: len(polls.made) >= 1_000)

    assert became.count(Prompted.LIMITED) + became.count(Prompted.PROMPTED) == 1_000
    assert 50 <= at_once < 200
    assert [name for name, _, _ in polls.made] == names
    assert {number for _, number, later in polls.made if later} == {3}
    prompts.stop()


async def test_the_rate_holds_for_polls_after_a_burst_too(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT, rate=0.001, burst=1)

    prompts.prompt("fw-1")
    prompts.prompt("fw-1")
    await until(lambda: not prompts._resting)

    assert polls.of("fw-1") == 1
    assert prompts.prompt("fw-1") is Prompted.COALESCED
    prompts.stop()


async def test_nobody_is_asked_after_the_stop(polls: Polls) -> None:
    prompts = Prompts(polls, every=SHORT, rate=100, burst=1)
    for name in ("fw-1", "fw-1", "fw-2"):
        prompts.prompt(name)

    prompts.stop()
    prompts.stop()
    await asyncio.sleep(3 * SHORT)  # long enough for what must not happen

    assert polls.made == [("fw-1", 1, False)]
