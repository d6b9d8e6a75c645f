"""No account is locked by us: tries are counted over all targets, and a refusal is not tried again fast."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.lockout import TRIES, WINDOW, Lockout, credential_fault
from config.estate import Credential
from config.secrets import Secret

READER = Credential("backup-reader", "password", {"user": "ridgeway"})
OTHER = Credential("other", "password", {"user": "ridgeway"})


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Directory:
    """Where the account lives: counts what it refuses, as a real one does before it locks."""

    def __init__(self, right: bool) -> None:
        self.right = right
        self.refused: list[str] = []
        self.asked = 0

    async def log_in(self, lockout: Lockout, target: str, *, credential: Credential = READER, identity=None) -> None:
        deadline = asyncio.get_running_loop().time() + 5
        async with lockout.trial(credential, target, deadline, identity) as attempt:
            await asyncio.sleep(0)
            self.asked += 1
            if self.right:
                attempt.accepted()
            else:
                self.refused.append(target)
                attempt.refused()


async def test_of_a_wrong_password_two_tries_reach_the_directory_however_many_targets_use_it():
    lockout, directory = Lockout(Clock()), Directory(right=False)

    ended = await asyncio.gather(*(directory.log_in(lockout, f"nas-{n}") for n in range(50)), return_exceptions=True)

    assert len(directory.refused) == TRIES
    withheld = [error for error in ended if isinstance(error, TransportFault)]
    assert len(withheld) == 48
    assert {error.reason for error in withheld} == {Reason.WITHHELD}


async def test_what_is_withheld_says_by_whom_it_was_refused_when_it_is_tried_again_and_how_to_have_it_tried_now():
    clock, directory = Clock(), Directory(right=False)
    lockout = Lockout(clock)
    for target in ("nas-1", "nas-2"):
        await directory.log_in(lockout, target)

    with pytest.raises(TransportFault) as refused:
        await directory.log_in(lockout, "nas-3")

    assert refused.value.message == (
        "nas-3 was not asked: the credential backup-reader was refused within the hour (by nas-1 and nas-2), and more "
        "wrong tries could lock the account. Not tried again before 09:00; once it is mended, at once with: "
        "ridgeway credentials retry backup-reader"
    )
    assert credential_fault(refused.value, READER).condition == "credential/backup-reader"
    assert credential_fault(refused.value, READER).reached is None


async def test_after_an_hour_one_target_tries_again_and_then_nobody_does():
    clock, directory = Clock(), Directory(right=False)
    lockout = Lockout(clock)
    await asyncio.gather(*(directory.log_in(lockout, f"nas-{n}") for n in range(9)), return_exceptions=True)

    for _ in range(10):
        clock.now += WINDOW / 2
        await asyncio.gather(*(directory.log_in(lockout, f"nas-{n}") for n in range(9)), return_exceptions=True)

    hours = 10 * WINDOW / 2 / WINDOW
    assert len(directory.refused) <= TRIES * (hours + 1)


async def test_one_device_without_the_account_does_not_blind_the_others():
    clock, good, bad = Clock(), Directory(right=True), Directory(right=False)
    lockout = Lockout(clock)

    for _ in range(240):  # four hours of checks every minute
        for where, target in ((bad, "odd-one"), (good, "nas-1"), (good, "nas-2")):
            try:
                await where.log_in(lockout, target)
            except TransportFault:
                assert target == "odd-one"
        clock.now += 60

    assert good.asked == 480
    assert len(bad.refused) == 4


async def test_two_devices_without_the_account_share_one_try_an_hour_and_the_others_go_on():
    clock, good, bad = Clock(), Directory(right=True), Directory(right=False)
    lockout = Lockout(clock)
    for target in ("odd-1", "odd-2"):
        await bad.log_in(lockout, target)
    clock.now += WINDOW

    for _ in range(240):
        for where, target in ((bad, "odd-1"), (bad, "odd-2"), (good, "nas-1")):
            try:
                await where.log_in(lockout, target)
            except TransportFault:
                assert target.startswith("odd")
        clock.now += 60

    assert good.asked == 240
    assert len(bad.refused) == 2 + 4
    assert set(bad.refused[2:]) == {"odd-1", "odd-2"} or bad.refused[2:] == ["odd-1"] * 4


async def test_a_changed_secret_is_tried_at_once():
    lockout, directory = Lockout(Clock()), Directory(right=False)
    for target in ("nas-1", "nas-2"):
        await directory.log_in(lockout, target, identity=Secret("wrong"))
    directory.right = True

    await directory.log_in(lockout, "nas-1", identity=Secret("right"))

    assert lockout.refused() == {}


async def test_a_person_may_have_it_tried_at_once():
    lockout, directory = Lockout(Clock()), Directory(right=False)
    for target in ("nas-1", "nas-2"):
        await directory.log_in(lockout, target)
    directory.right = True

    assert lockout.forget("backup-reader")
    await directory.log_in(lockout, "nas-3")

    assert not lockout.forget("backup-reader")
    assert not lockout.forget("unknown")


async def test_credentials_are_counted_apart():
    lockout, directory = Lockout(Clock()), Directory(right=False)
    for target in ("nas-1", "nas-2"):
        await directory.log_in(lockout, target)

    await directory.log_in(lockout, "nas-3", credential=OTHER)

    assert directory.refused == ["nas-1", "nas-2", "nas-3"]


async def test_what_was_refused_is_kept_over_a_restart():
    clock, kept = Clock(), {}

    def keep(credential: str, refusals: Mapping[str, float]) -> None:
        kept[credential] = dict(refusals)

    directory = Directory(right=False)
    first = Lockout(clock, changed=keep)
    for target in ("nas-1", "nas-2"):
        await directory.log_in(first, target, identity=Secret("wrong"))

    second = Lockout(clock, kept, keep)
    with pytest.raises(TransportFault, match="was refused within the hour"):
        await directory.log_in(second, "nas-3", identity=Secret("wrong"))

    assert len(directory.refused) == 2


async def test_a_clock_that_was_set_back_withholds_no_longer_than_an_hour():
    clock = Clock()
    kept = {"backup-reader": {"nas-1": clock.now + 1e8, "nas-2": clock.now + 1e8}}
    lockout, directory = Lockout(clock, kept), Directory(right=True)

    clock.now += WINDOW
    await directory.log_in(lockout, "nas-3")

    assert directory.asked == 1


async def test_devices_that_say_nothing_after_the_password_share_one_place():
    lockout, directory = Lockout(Clock()), Directory(right=True)
    loop = asyncio.get_running_loop()
    release = asyncio.Event()

    async def hang(target: str) -> None:
        async with lockout.trial(READER, target, loop.time() + 30):
            await release.wait()

    once = [asyncio.create_task(hang(f"dead-{n}")) for n in range(2)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*once)
    release.clear()
    again = [asyncio.create_task(hang(f"dead-{n}")) for n in range(2)]
    await asyncio.sleep(0)

    await asyncio.gather(*(directory.log_in(lockout, f"nas-{n}") for n in range(20)))

    assert directory.asked == 20
    release.set()
    await asyncio.gather(*again)


async def test_who_gets_no_turn_in_time_says_why():
    lockout = Lockout(Clock())
    loop = asyncio.get_running_loop()
    release = asyncio.Event()

    async def hang(target: str) -> None:
        async with lockout.trial(READER, target, loop.time() + 30):
            await release.wait()

    holding = [asyncio.create_task(hang(f"slow-{n}")) for n in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(TransportFault, match="others were logging in with the credential backup-reader") as late:
        async with lockout.trial(READER, "nas-1", loop.time() + 0.02):
            pass

    assert late.value.reason is Reason.LOCAL  # the credential is not at fault

    release.set()
    await asyncio.gather(*holding)


async def test_a_cancelled_try_gives_its_place_back():
    lockout, directory = Lockout(Clock()), Directory(right=True)
    loop = asyncio.get_running_loop()

    async def hang(target: str) -> None:
        async with lockout.trial(READER, target, loop.time() + 30):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hang(f"slow-{n}")) for n in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await asyncio.gather(*(directory.log_in(lockout, f"nas-{n}") for n in range(5)))

    assert directory.asked == 5


async def test_a_page_for_everybody_does_not_take_back_what_a_private_one_met_meanwhile():
    lockout, directory = Lockout(Clock()), Directory(right=False)
    loop = asyncio.get_running_loop()

    async with lockout.trial(READER, "web", loop.time() + 5) as public:
        await directory.log_in(lockout, "web")
        public.accepted()

    assert set(lockout.refused()["backup-reader"]) == {"web"}
    with pytest.raises(TransportFault):
        await directory.log_in(lockout, "web")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([True, False, None]), st.floats(0, 1500)), min_size=1, max_size=80
    )
)
def test_never_more_than_two_refusals_in_any_hour(story):
    clock, refused = Clock(), []
    lockout = Lockout(clock)

    async def play() -> None:
        for target, answer, later in story:
            clock.now += later
            try:
                async with lockout.trial(READER, f"nas-{target}", asyncio.get_running_loop().time() + 5) as attempt:
                    if answer is True:
                        attempt.accepted()
                    elif answer is False:
                        attempt.refused()
                        refused.append(clock.now)
            except TransportFault as fault:
                assert fault.reason is Reason.WITHHELD

    asyncio.run(play())

    for at in refused:
        assert sum(at <= other < at + WINDOW for other in refused) <= TRIES
