"""Traps that a kind of check understands: their words, whose they are, and emergency notices, which are left alone."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from agent.daemon.traps import Traps
from agent.hearing import Heard
from checks.notices import Notice, Notices
from checks.telephony.mitel.traps import EMERGENCY, NOTICES
from checks.transports.snmp.engine import Engine, engine_id
from config.estate import Credential, Target
from config.secrets import SecretReference
from testbeds.notifications import captured, enterprise_v1, notification, send

pytestmark = pytest.mark.acceptance

MITEL = "1.3.6.1.4.1.1027"
ER = f"{MITEL}.4.1.1.3"
SYSTEM_NAME = "1.3.6.1.2.1.1.5.0"
NUMBERS = ("5550199", "441632960001", "999", "7001")
CALL = (f"{ER}.1", "i", "12", f"{ER}.4", "s", NUMBERS[0], f"{ER}.6", "s", NUMBERS[1], f"{ER}.7", "s", NUMBERS[2],
        f"{ER}.8", "s", NUMBERS[3])  # fmt: skip


def target(name: str, address: str, system_name: str = "") -> Target:
    credential = Credential("telephony", "snmp-v2c", {"community": SecretReference("env", "COMMUNITY")})
    return Target(name, address, "dacorum", "forum", (), (), credentials={"snmp": credential}, system_name=system_name)


@dataclass
class Site:
    traps: Traps
    hearing: Heard
    asked: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)

    @property
    def place(self) -> str:
        host, port = self.traps.receiver.addresses[0]
        return f"{host}:{port}"

    async def count(self, outcome: str, number: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.outcomes[outcome] < number:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def taking(*targets: Target, notices: Sequence[Notices] = (NOTICES,)) -> AsyncIterator[Site]:
    def ask(name: str) -> bool:
        site.asked.append(name)
        return True

    hearing = Heard()
    site = Site(
        Traps(
            targets,
            Engine(engine_id("a test"), time.time(), time.monotonic),
            ask,
            lambda outcome: site.outcomes.update([outcome]),
            notices=notices,
            hearing=hearing,
            count_name=lambda name: site.names.update([name]),
        ),
        hearing,
    )
    try:
        await site.traps.start([("127.0.0.1", 0)])
        yield site
    finally:
        await site.traps.stop()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMUNITY", "public")


async def test_a_trap_is_logged_in_words_counted_by_name_and_heard() -> None:
    with capture_logs() as lines:
        async with taking(target("pbx", "127.0.0.1")) as site:
            began = time.time()
            await send(*enterprise_v1(site.place, f"{MITEL}.1.2.2", 301, f"{MITEL}.4.1.1.2.2.1.0", "i", "3"))
            await site.count("prompted")

            assert site.hearing.since is not None and site.hearing.since <= began
            assert (site.hearing.changed("pbx") or 0) >= began

    assert site.asked == ["pbx"]
    assert site.names == {"mitelIpera3000NotifAlarm": 1}
    assert lines[-1]["event"] == (
        "trap from pbx (127.0.0.1): an alarm was detected or cleared, overall level major; polled now"
    )


async def test_a_trap_that_says_something_is_logged_although_others_came_just_before() -> None:
    with capture_logs() as lines:
        async with taking(target("pbx", "127.0.0.1")) as site:
            await send(*notification(site.place, f"{MITEL}.1.2.3.0.301"))
            await send(*notification(site.place, f"{MITEL}.1.2.3.0.302", f"{MITEL}.4.1.1.2.2.5.0", "i", "10"))
            await site.count("coalesced")

    assert "a reboot by maintenance command; people asked for it; polled soon" in lines[-1]["event"]


async def test_two_systems_behind_one_address_are_asked_one_by_one_as_they_name_themselves() -> None:
    async with taking(target("pbx-a", "127.0.0.1", "ICP-A"), target("pbx-b", "127.0.0.1", "ICP-B")) as site:
        await send(*notification(site.place, f"{MITEL}.1.2.3.0.301", SYSTEM_NAME, "s", "icp-b"))
        await site.count("prompted")

    assert site.asked == ["pbx-b"]
    assert site.hearing.changed("pbx-a") is None


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_an_emergency_notice_is_written_down_without_its_numbers_and_prompts_nothing(version: str) -> None:
    with capture_logs() as lines:
        async with taking(target("pbx", "127.0.0.1")) as site:
            place = site.place
            made = enterprise_v1(place, ER, 401, *CALL) if version == "1" else notification(place, f"{ER}.0.401", *CALL)
            await send(*made)
            await site.count("ignored")

            assert site.hearing.newest("pbx", EMERGENCY) is not None
            assert site.hearing.changed("pbx") is None

    assert site.asked == []
    assert lines[-1]["log_level"] == "error"
    assert "an emergency call was made" in lines[-1]["event"] and "ER Notification" in lines[-1]["event"]
    assert not any(number in str(lines) for number in NUMBERS)


async def test_an_inform_of_an_emergency_call_gets_no_octet_back_and_the_next_one_is_acknowledged() -> None:
    emergency = await captured(["-Ci", *notification("capture", f"{ER}.0.401", *CALL)])
    alarm = await captured(["-Ci", *notification("capture", f"{MITEL}.1.2.3.0.301")])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as system:
        system.bind(("127.0.0.1", 0))
        system.setblocking(False)
        async with taking(target("pbx", "127.0.0.1")) as site:
            system.sendto(emergency, site.traps.receiver.addresses[0])
            await site.count("ignored")
            system.sendto(alarm, site.traps.receiver.addresses[0])
            answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(system, 65_535), 10)

    assert answer.replace(b"\xa2", b"\xa6", 1) == alarm


async def test_what_nobody_understands_is_counted_as_other_and_still_prompts() -> None:
    async with taking(target("pbx", "127.0.0.1")) as site:
        await send(*notification(site.place, f"{MITEL}.1.2.3.0.999"))
        await site.count("prompted")

    assert site.names == {"other": 1}
    assert site.hearing.newest("pbx") is None


async def test_a_kind_of_somebody_else_that_fails_or_names_what_it_did_not_declare_stops_no_trap() -> None:
    def fails(_trap: str, _variables: object) -> Notice | None:
        raise RuntimeError("a secret")

    others = (Notices(("mine",), fails), Notices(("mine",), lambda _trap, _variables: Notice("another", "words")))
    with capture_logs() as lines:
        async with taking(target("pbx", "127.0.0.1"), notices=(*others, NOTICES)) as site:
            await send(*notification(site.place, f"{MITEL}.1.2.3.0.301"))
            await site.count("prompted")
            await send(*notification(site.place, f"{MITEL}.1.2.3.0.302"))
            await site.count("coalesced")

    assert site.names == {"mitelIpera3000NotifAlarm": 1, "mitelIpera3000ShutdownAlarm": 1}
    assert sum("a kind of check failed on a trap, at test_traps_of_mitel.py" in line["event"] for line in lines) == 1
    assert "a secret" not in str(lines)


def test_what_was_said_by_a_target_that_left_the_estate_is_forgotten() -> None:
    hearing = Heard()
    notice = NOTICES.read(f"{MITEL}.1.2.3.0.301", ())
    assert notice is not None
    hearing.heard("pbx", notice, 5.0)
    hearing.heard("other", notice, 6.0)

    hearing.keep(["other"])

    assert hearing.newest("pbx") is None and hearing.changed("pbx") is None
    assert hearing.newest("other", notice.name) == (6.0, notice.words)
    assert hearing.newest("other", EMERGENCY) is None
