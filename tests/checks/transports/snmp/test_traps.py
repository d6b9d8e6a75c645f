"""The receiver of traps and informs, before real senders and a real second receiver."""

from __future__ import annotations

import asyncio
import random
import socket
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from checks.transports.snmp import notification
from checks.transports.snmp.credentials import resolve
from checks.transports.snmp.engine import Engine, engine_id
from checks.transports.snmp.envelope import Clocks, Keyring, Opened, opened
from checks.transports.snmp.errors import Malformed, NotAuthenticated
from checks.transports.snmp.notification import Notification
from checks.transports.snmp.traps import LARGEST, Refusal, TrapListenError, TrapReceiver
from testbeds.notifications import ENGINE, INDEX, LINK_DOWN, captured, send, snmptrapd, v1, v2, v3
from testbeds.peers import free_port
from testbeds.snmpd import USERS, community, user

pytestmark = pytest.mark.acceptance
OUR_ID = engine_id("a test")


def keyring() -> Keyring:
    """What an estate would believe: one community, and each kind of user."""
    credentials = [community(), *(user(name) for name in USERS)]
    return Keyring.of({credential.name: resolve(credential) for credential in credentials})


@dataclass
class Ears:
    """A receiver and what it told."""

    receiver: TrapReceiver
    heard: list[Notification] = field(default_factory=list)
    refused: Counter[Refusal] = field(default_factory=Counter)

    @property
    def place(self) -> str:
        host, port = self.receiver.addresses[0]
        return f"udp6:[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def hear(self, number: int = 1) -> list[Notification]:
        await until(lambda: len(self.heard) >= number)
        return self.heard

    async def refuse(self, why: Refusal, number: int = 1) -> None:
        await until(lambda: self.refused[why] >= number)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(host: str = "127.0.0.1", started: float | None = None) -> AsyncIterator[Ears]:
    engine = Engine(OUR_ID, time.time() if started is None else started, time.monotonic)
    ears = Ears(
        TrapReceiver(engine, lambda said: ears.heard.append(said), lambda _, why, __: ears.refused.update([why]))
    )
    ears.receiver.keyring = keyring()
    ears.receiver.start([(host, 0)])
    try:
        yield ears
    finally:
        await ears.receiver.stop()


async def test_a_trap_of_version_1_is_given_in_the_form_of_version_2() -> None:
    async with listening() as ears:
        await send(*v1(ears.place, address="192.0.2.7"))

        (said,) = await ears.hear()

    assert (said.version, said.trap, said.words) == ("1", LINK_DOWN, "linkDown")
    assert (said.enterprise, said.uptime, said.origin) == ("1.3.6.1.4.1.8072.3.2.10", 77, "192.0.2.7")
    assert said.bindings == ((INDEX[0], 3),)
    assert said.credentials == {"community-2c"}


async def test_a_vendors_trap_of_version_1_has_a_zero_between_enterprise_and_number() -> None:
    async with listening() as ears:
        await send("-v1", "-c", "public", ears.place, "1.3.6.1.4.1.1027.1.2.3", "0.0.0.0", "6", "301", "5",
                   "1.3.6.1.2.1.1.5.0", "s", "mivb-forum")  # fmt: skip

        (said,) = await ears.hear()

    assert said.trap == said.words == "1.3.6.1.4.1.1027.1.2.3.0.301"
    assert (said.system_name, said.origin) == ("mivb-forum", "")


async def test_a_trap_of_version_2c_is_told_with_its_bindings() -> None:
    async with listening() as ears:
        await send(*v2(ears.place, "public", "1.3.6.1.2.1.2.2.1.2.3", "s", "wan\x1b1", "1.3.6.1.2.1.4.20.1.1.1",
                       "a", "192.0.2.9", "1.3.6.1.2.1.1.2.0", "o", "1.3.6.1.4.1.9"))  # fmt: skip

        (said,) = await ears.hear()

    assert (said.source, said.version, said.inform, said.uptime) == ("127.0.0.1", "2c", False, 77)
    assert said.bindings == (
        (INDEX[0], 3),
        ("1.3.6.1.2.1.2.2.1.2.3", b"wan\x1b1"),
        ("1.3.6.1.2.1.4.20.1.1.1", "192.0.2.9"),
        ("1.3.6.1.2.1.1.2.0", "1.3.6.1.4.1.9"),
    )


async def test_what_a_forwarder_says_of_the_device_is_no_binding_and_its_community_is_not_shown() -> None:
    async with listening() as ears:
        await send(*v2(ears.place, "public", "1.3.6.1.6.3.18.1.3.0", "a", "192.0.2.7",
                       "1.3.6.1.6.3.18.1.4.0", "s", "hidden-community"))  # fmt: skip

        (said,) = await ears.hear()

    assert (said.origin, said.origin_community) == ("192.0.2.7", b"hidden-community")
    assert said.bindings == ((INDEX[0], 3),)
    assert "hidden-community" not in repr(said)


async def test_traps_come_over_ipv6_too() -> None:
    async with listening("::1") as ears:
        await send(*v2(ears.place))

        (said,) = await ears.hear()

    assert said.source == "::1"


@pytest.mark.parametrize(
    ("name", "level", "auth", "privacy"),
    [
        ("noauth", "noAuthNoPriv", "", ""),
        ("sha1", "authNoPriv", "SHA", ""),
        ("sha384", "authNoPriv", "SHA-384", ""),
        ("sha1aes128", "authPriv", "SHA", "AES"),
        ("sha256aes256", "authPriv", "SHA-256", "AES-256"),
        ("sha512aes192", "authPriv", "SHA-512", "AES-192"),
        ("sha1aes256c", "authPriv", "SHA", "AES-256-C"),
    ],
)
async def test_a_trap_and_an_inform_of_version_3(name: str, level: str, auth: str, privacy: str) -> None:
    async with listening() as ears:
        trap = await send(*v3(ears.place, name, level, auth, privacy, "-e", ENGINE))
        inform = await send(*v3(ears.place, name, level, auth, privacy, "-Ci"), patience=10)

        heard = await ears.hear(2)

    assert (trap.status, inform.status) == (0, 0), inform.said
    assert [(said.inform, said.trap, said.credentials) for said in heard] == [
        (False, LINK_DOWN, {name}),
        (True, LINK_DOWN, {name}),
    ]
    assert not ears.refused


async def test_an_inform_of_version_2c_is_acknowledged() -> None:
    async with listening() as ears:
        sent = await send("-Ci", *v2(ears.place), patience=10)

    assert sent.status == 0, sent.said
    assert ears.heard[0].inform


@pytest.mark.parametrize(
    "arguments",
    [
        ["-Ci", *v2("PLACE", "guessed")],
        v3("PLACE", "sha256aes256", "authPriv", "SHA-256", "AES-256", "-Ci", "-A", "another-password"),
        v3("PLACE", "sha256aes256", "authPriv", "SHA-256", "AES-256", "-Ci", "-X", "another-password"),
        v3("PLACE", "sha256aes256", "authNoPriv", "SHA-256", "", "-Ci"),
        v3("PLACE", "sha256aes256", "noAuthNoPriv", "", "", "-Ci"),
        v3("PLACE", "stranger", "noAuthNoPriv", "", "", "-Ci"),
    ],
    ids=["community", "auth password", "privacy password", "not encrypted", "not signed", "user"],
)
async def test_an_inform_that_proves_nothing_is_not_acknowledged(arguments: list[str]) -> None:
    async with listening() as ears:
        sent = await send(*[ears.place if argument == "PLACE" else argument for argument in arguments])

        await ears.refuse(Refusal.UNAUTHENTIC)

    assert sent.status != 0
    assert ears.heard == []


async def test_a_trap_with_a_wrong_community_is_counted_and_gets_no_answer() -> None:
    datagram = await captured(v2("capture", "guessed"))
    async with listening() as ears:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(ears.receiver.addresses[0])
            sender.send(datagram)

            await ears.refuse(Refusal.UNAUTHENTIC)

            with pytest.raises(BlockingIOError):
                sender.recv(65_535)
    assert ears.heard == []


async def test_a_user_whose_traps_must_be_encrypted_is_not_believed_in_plain_text() -> None:
    """pysnmp's own receiver believes this one."""
    async with listening() as ears:
        await send(*v3(ears.place, "sha256aes256", "noAuthNoPriv", "", "", "-e", ENGINE))
        await send(*v3(ears.place, "sha256aes256", "authNoPriv", "SHA-256", "", "-e", ENGINE))

        await ears.refuse(Refusal.UNAUTHENTIC, 2)

    assert ears.heard == []


async def test_an_old_trap_sent_again_is_refused_and_one_after_a_restart_is_not() -> None:
    def stamped(stamp: str, engine: str = ENGINE) -> list[str]:
        return v3(ears.place, "sha1", "authNoPriv", "SHA", "", "-e", engine, "-Z", stamp)

    async with listening() as ears:
        await send(*stamped("5,9000"))
        await ears.hear(1)
        await send(*stamped("4,9000"))
        await send(*stamped("5,8000"))
        await ears.refuse(Refusal.UNAUTHENTIC, 2)
        await send(*stamped("6,1"))
        await send(*stamped("1,1", "8000000001020305"))

        await ears.hear(3)


async def test_a_device_that_knew_us_before_a_restart_learns_our_clock_anew() -> None:
    """Boots rise from the clock alone: nothing has to be kept."""
    now = time.time()
    async with listening(started=now - 1000) as before:
        old = before.receiver._engine.boots
    async with listening(started=now) as ears:
        stale = f"{old},999"

        stale_clock = v3(ears.place, "sha1", "authNoPriv", "SHA", "", "-Ci", "-e", OUR_ID.hex(), "-Z", stale)
        sent = await send(*stale_clock, patience=10)

        assert sent.status == 0, sent.said
        await ears.hear()
    assert not ears.refused


async def test_an_inform_to_an_engine_id_that_we_no_longer_have_is_told_the_new_one() -> None:
    datagram = await captured(v3("capture", "sha1", "authNoPriv", "SHA", "", "-Ci", "-e", ENGINE, "-Z", "1,1"))
    async with listening() as ears:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(ears.receiver.addresses[0])
            sender.send(datagram)

            report = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sender, 65_535), 5)

    assert OUR_ID in report and bytes.fromhex("060a2b060106030f01010400") in report
    assert ears.heard == []


async def test_snmptrapd_understands_the_same_of_the_same_traps() -> None:
    creates = f"createUser -e 0x{ENGINE} sha1 SHA authpass123"
    async with listening() as ears, snmptrapd(creates, "authUser log sha1 auth") as other:
        for place in (ears.place, other.place):
            await send(*v1(place, address="192.0.2.7"))
            await send(*v2(place, "public", "1.3.6.1.2.1.2.2.1.2.3", "s", "wan1", "1.3.6.1.2.1.31.1.1.1.6.3", "C",
                           "18446744073709551615"))  # fmt: skip
            await send(*v3(place, "sha1", "authNoPriv", "SHA", "", "-e", ENGINE))

        ours = await ears.hear(3)
        await until(lambda: len(other.lines()) == 3)
        theirs = other.lines()

    for said, (source, bindings) in zip(ours, theirs, strict=True):
        assert said.source == source
        assert said.trap == bindings.pop("1.3.6.1.6.3.1.1.4.1.0", f"OID: .{LINK_DOWN}").removeprefix("OID: .")
        rest = {oid: text for oid, text in bindings.items() if oid != "1.3.6.1.2.1.1.3.0"}
        assert {oid: _as_net_snmp(value) for oid, value in said.bindings} == rest


def _as_net_snmp(value: object) -> str:
    if isinstance(value, bytes):
        return f'STRING: "{value.decode()}"'
    return f"Counter64: {value}" if isinstance(value, int) and value > 2**32 else f"INTEGER: {value}"


async def test_mutated_notifications_neither_raise_nor_get_an_answer_nor_keep_memory() -> None:
    seeds = [
        await captured(v1("capture")),
        await captured(v2("capture", "public", "1.3.6.1.2.1.1.5.0", "s", "fw", "1.3.6.1.6.3.18.1.3.0", "a", "1.2.3.4")),
        await captured(["-Ci", *v2("capture")]),
        await captured(v3("capture", "noauth", "noAuthNoPriv", "", "", "-e", ENGINE)),
        await captured(v3("capture", "sha1", "authNoPriv", "SHA", "", "-e", ENGINE)),
        await captured(v3("capture", "sha256aes256", "authPriv", "SHA-256", "AES-256", "-e", ENGINE)),
    ]  # fmt: skip
    keys, engine, clocks = keyring(), Engine(OUR_ID, time.time(), time.monotonic), Clocks()
    chance = random.Random(20261123)
    became: Counter[str] = Counter()

    def try_one(datagram: bytes) -> str:
        try:
            found = opened(datagram, keys, engine, clocks, 0.0)
            if not isinstance(found, Opened):
                return "reported"
            notification.read(found.pdu, source="", version=found.version, credentials=found.credentials,
                              inform=found.inform)  # fmt: skip
        except Malformed:
            return "malformed"
        except NotAuthenticated:
            return "unauthentic"
        return "read"

    for number in range(10_000):
        if number == 2_000:
            tracemalloc.start()
        became[try_one(_mutated(seeds[number % len(seeds)], chance))] += 1
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert became["malformed"] > 1_000 and became["unauthentic"] > 500 and became["read"] > 100, became
    assert grown < 500_000


def _mutated(datagram: bytes, chance: random.Random) -> bytes:
    changed = bytearray(datagram)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        way = chance.randrange(5)
        if way == 0:
            changed[at] = chance.randrange(256)
        elif way == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif way == 2:
            del changed[at : at + chance.randint(1, 8)]
        elif way == 3:
            changed[at:at] = chance.randbytes(chance.randint(1, 8))
        else:
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0x81, 0x84, 0xFF))
        if not changed:
            changed.append(0x30)
    return bytes(changed)


async def test_what_is_too_large_is_malformed() -> None:
    async with listening() as ears:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"\x30" * (LARGEST + 1), ears.receiver.addresses[0])

            await ears.refuse(Refusal.MALFORMED)


async def test_a_flood_of_one_source_leaves_the_others_their_turn() -> None:
    """As fast as this machine sends, thousands a second: most are dropped, and a trap of another source is heard."""
    datagram = await captured(v2("capture"))
    async with listening() as ears:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            flood.bind(("127.0.0.2", 0))
            other.bind(("127.0.0.3", 0))
            for _ in range(20):
                for _ in range(100):
                    flood.sendto(datagram, ears.receiver.addresses[0])
                await asyncio.sleep(0)
            await ears.refuse(Refusal.DROPPED, 100)
            other.sendto(datagram, ears.receiver.addresses[0])

            await until(lambda: any(said.source == "127.0.0.3" for said in ears.heard))

    assert sum(said.source == "127.0.0.2" for said in ears.heard) <= 40


async def test_a_port_that_is_taken_is_named() -> None:
    async with listening() as ears:
        port = ears.receiver.addresses[0][1]

        with pytest.raises(TrapListenError, match=f"--snmp.trap-address 127.0.0.1:{port}: Address already in use; "):
            TrapReceiver(ears.receiver._engine, print, print).start([("127.0.0.1", port)])


async def test_an_address_of_another_machine_is_refused_and_what_was_opened_before_is_closed() -> None:
    port = free_port(socket.SOCK_DGRAM)
    receiver = TrapReceiver(Engine(OUR_ID, time.time(), time.monotonic), print, print)

    with pytest.raises(TrapListenError, match="is it an address of this machine"):
        receiver.start([("127.0.0.1", port), ("192.0.2.1", port)])

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))
