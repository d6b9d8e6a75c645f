"""Who is believed, where the targets are, and what the journal is told, with real datagrams on loopback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from agent.daemon import traps as subject
from agent.daemon.traps import Traps
from checks.transports.snmp.encoding import tlv
from checks.transports.snmp.engine import Engine, engine_id
from config.estate import Credential, Target
from config.secrets import SecretReference
from exporters.prometheus.own import NOTIFICATIONS


def datagram(community: str, number: int = 1) -> bytes:
    """A standard trap of version 2c, as RFC 3416 writes it: 1 is coldStart, 5 authenticationFailure."""
    uptime = tlv(0x30, tlv(0x06, bytes.fromhex("2b06010201010300")), tlv(0x43, b"\x05"))
    trap = bytes.fromhex("2b06010603010105") + bytes((number,))
    which = tlv(0x30, tlv(0x06, bytes.fromhex("2b060106030101040100")), tlv(0x06, trap))
    pdu = tlv(0xA7, tlv(0x02, b"\x01"), tlv(0x02, b"\x00"), tlv(0x02, b"\x00"), tlv(0x30, uptime, which))
    return tlv(0x30, tlv(0x02, b"\x01"), tlv(0x04, community.encode()), pdu)


def target(name: str, address: str, community: str = "COMMUNITY", kind: str = "snmp-v2c") -> Target:
    credential = Credential(f"of {community}", kind, {"community": SecretReference("env", community)})
    return Target(name, address, "dacorum", "forum", (), (), credentials={"snmp": credential})


@dataclass
class Heard:
    """What became of what was sent."""

    traps: Traps
    asked: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def send(self, community: str = "public", source: str = "127.0.0.1", data: bytes | None = None) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            sender.sendto(datagram(community) if data is None else data, self.traps.receiver.addresses[0])

    async def count(self, outcome: str, number: int = 1) -> None:
        await until(lambda: self.counted[outcome] >= number)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def known(heard: Heard, address: str) -> None:
    """Wait until somebody is known to be at this address."""
    await until(lambda: address in heard.traps._senders._at)


@asynccontextmanager
async def taking(*targets: Target, look_up: Callable[[str], list[str]] | None = None) -> AsyncIterator[Heard]:
    engine = Engine(engine_id("a test"), time.time(), time.monotonic)

    def ask(name: str) -> bool:
        heard.asked.append(name)
        return True

    heard = Heard(Traps(targets, engine, ask, lambda outcome: heard.counted.update([outcome]), look_up=look_up))
    try:
        await heard.traps.start([("127.0.0.1", 0)])
        yield heard
    finally:
        await heard.traps.stop()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMUNITY", "public")
    monkeypatch.setattr(subject, "REFRESH", 0.05)


async def test_a_trap_has_its_target_asked_and_says_so_in_words() -> None:
    with capture_logs() as lines:
        async with taking(target("fw-forum-1", "127.0.0.1"), target("fw-forum-2", "127.0.0.2")) as heard:
            heard.send()
            await heard.count("prompted")

    assert heard.asked == ["fw-forum-1"]
    assert lines[-1]["event"] == "trap from fw-forum-1 (127.0.0.1): coldStart; polled now"


async def test_a_trap_about_a_wrong_question_asks_nothing_since_asking_may_be_what_caused_it() -> None:
    with capture_logs() as lines:
        async with taking(target("fw-forum-1", "127.0.0.1")) as heard:
            heard.send(data=datagram("public", 5))
            await heard.count("ignored")

    assert heard.asked == []
    assert lines[-1]["event"] == (
        "trap from fw-forum-1 (127.0.0.1): authenticationFailure; somebody asks it with a wrong community, user or "
        "password; not polled"
    )


async def test_every_outcome_is_one_that_the_metric_knows() -> None:
    async with taking(target("fw", "127.0.0.1"), target("pbx", "127.0.0.3", "TELEPHONY")) as heard:
        heard.send()
        heard.send()
        heard.send(source="127.0.0.9")
        heard.send("guessed")
        heard.send(data=b"nonsense")
        for _ in range(30):
            heard.send(source="127.0.0.9")
        await until(lambda: sum(heard.counted.values()) == 35)

    assert set(heard.counted) == {"prompted", "coalesced", "unknown_sender", "unauthentic", "malformed", "dropped"}
    assert set(heard.counted) < set(NOTIFICATIONS)


async def test_a_target_is_found_by_its_name_wherever_that_is_now() -> None:
    where = ["127.0.0.5", "::1"]
    async with taking(target("fw", "fw.example"), look_up=lambda host: list(where)) as heard:
        await known(heard, "127.0.0.5")
        heard.send(source="127.0.0.5")
        await heard.count("prompted")
        where[:] = ["127.0.0.6"]
        await known(heard, "127.0.0.6")
        heard.send(source="127.0.0.5")
        await heard.count("unknown_sender")

    assert heard.asked == ["fw"]


async def test_a_name_that_has_no_answer_any_more_keeps_its_address() -> None:
    answers = iter([["127.0.0.5"]])

    def look_up(_: str) -> list[str]:
        for found in answers:
            return found
        raise socket.gaierror("the resolver is away")

    async with taking(target("fw", "fw.example"), look_up=look_up) as heard:
        await asyncio.sleep(0.2)
        heard.send(source="127.0.0.5")
        await heard.count("prompted")


async def test_a_resolver_that_hangs_holds_up_neither_the_start_nor_the_others() -> None:
    over = threading.Event()

    def look_up(host: str) -> list[str]:
        if host == "slow.example":
            over.wait(10)
        return ["127.0.0.5"]

    targets = [target("slow", "slow.example"), target("fw", "127.0.0.1"), target("named", "named.example")]
    async with taking(*targets, look_up=look_up) as heard:
        heard.send()
        await heard.count("prompted")
        await known(heard, "127.0.0.5")
        heard.send(source="127.0.0.5")
        await heard.count("prompted", 2)
        over.set()

    assert heard.asked == ["fw", "named"]


async def test_a_secret_that_was_changed_is_believed_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with taking(target("fw", "127.0.0.1")) as heard:
        monkeypatch.setenv("COMMUNITY", "renewed")
        await until(lambda: b"renewed" in heard.traps.receiver.keyring.communities)
        heard.send("public")
        await heard.count("unauthentic")
        heard.send("renewed")
        await heard.count("prompted")


async def test_a_secret_that_cannot_be_read_is_said_and_takes_nothing_from_the_others() -> None:
    with capture_logs() as lines:
        async with taking(target("fw", "127.0.0.1"), target("pbx", "127.0.0.3", "NOT_SET")) as heard:
            heard.send()
            await heard.count("prompted")

    said = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert len(said) == 1
    assert said[0].startswith("traps of some targets are not believed: credential of NOT_SET: ")


async def test_a_thousand_datagrams_of_strangers_are_a_few_lines() -> None:
    with capture_logs() as lines:
        async with taking(target("fw", "127.0.0.1")) as heard:
            for number in range(1_000):
                heard.send("guessed", f"127.0.1.{number % 250 + 1}")
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await heard.count("unauthentic", 900)

    assert 0 < sum("datagram from" in line["event"] for line in lines) <= 15


async def test_a_storm_of_known_devices_is_a_few_lines_and_says_how_many_are_left_out() -> None:
    now = 0.0
    with capture_logs() as lines:
        said = subject._Lines(subject.structlog.get_logger(), lambda: now)
        for number in range(1_000):
            said.say(f"line {number}")
        now = 10.0
        said.say("afterwards")

    assert [line["event"] for line in lines[-2:]] == ["970 lines about traps left out", "afterwards"]
    assert len(lines) == 32


def test_an_agent_that_takes_no_traps_does_not_load_pysnmp() -> None:
    """It would cost every agent 4 MiB and 45 ms."""
    code = "import sys, agent.cli.run, agent.daemon.core; sys.exit('pysnmp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
