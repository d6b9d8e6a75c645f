"""The door for mails in front of hostile, mistaken and too many senders; over a real connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import smtplib
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.push.keeping import NotKept
from checks.transports.inbox import Ping, Sign
from exporters.maildrop import Door, MailServer, server, session
from exporters.web.access.tls import TurningContext
from exporters.web.server import listen
from testbeds.certificates import Authority
from testbeds.mailing import mail

KEY, OTHER_KEY = "0123456789abcdefPUSH", "fedcba9876543210PUSH"
NOW = 1_790_000_000.0
HELLO = b"EHLO nas\r\n"
TO_US = HELLO + b"MAIL FROM:<nas@forum.example>\r\nRCPT TO:<" + KEY.encode() + b"@a.example>\r\n"
TEXT = b"Subject: [Success] Ben\r\n\r\nall done\r\n"


@dataclass
class Listener:
    """The listener with two jobs; what it kept, and how it counted."""

    kept: list[Ping] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    senders: dict[str, str] = field(default_factory=dict)
    full: bool = False
    now: float = 0.0
    port: int = 0

    async def keep(self, ping: Ping) -> None:
        if self.full:
            raise NotKept
        self.kept.append(ping)

    async def raw(self, *said: bytes, close: bool = True) -> list[bytes]:
        """All lines of the answers, until the server hangs up, or has answered QUIT."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(20):
                for octets in (*said, b"QUIT\r\n") if close else said:
                    writer.write(octets)
                    await writer.drain()
                return (await reader.read()).splitlines()
        except ConnectionError:
            return []
        finally:
            writer.close()

    def _send(self, octets: bytes, keys: tuple[str, ...], sender: str) -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.ehlo()
            client.mail(sender)
            answers = [client.rcpt(f"ping+{key}@agent.example") for key in keys]
            return client.data(octets) if any(code == 250 for code, _ in answers) else answers[-1]

    async def send(self, octets: bytes = TEXT, *keys: str, sender: str = "nas@forum.example") -> tuple[int, bytes]:
        """What is answered to the end of the mail, or to the last recipient where all are refused."""
        return await asyncio.to_thread(self._send, octets, keys or (KEY,), sender)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """As the agent sets it up: aiosmtpd writes keys."""
    log = logging.getLogger("mail.log")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    yield
    log.setLevel(before)


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None, exposed: bool = False) -> AsyncIterator[Listener]:
    made = Listener()
    door = Door(
        {KEY: "backups/ben", OTHER_KEY: "backups/planning"}.get,
        lambda job, sender: made.senders.get(job, sender) == sender,
        made.keep,
        made.counted.append,
        lambda: NOW,
        lambda: made.now,
        meet=lambda transport: transport.get_extra_info("ssl_object"),
    )
    sockets = [(sock, exposed) for sock in listen(["127.0.0.1:0"])]
    running = MailServer(door, sockets, None if tls is None else TurningContext(tls))
    await running.start()
    made.port = running.addresses[0][1]
    try:
        yield made
    finally:
        await running.stop()
        assert not running._sessions


def status_of(lines: list[bytes]) -> list[bytes]:
    """Statuses of the answers, without the lines that go on and without the greeting."""
    return [line[:3] for line in lines if line[3:4] == b" "][1:]


async def test_a_mail_for_a_key_is_a_ping_of_its_job() -> None:
    async with listening() as listener:
        answer = await listener.send(mail("[Success] Ben", "one\n.two\n..\nthree\n", at=NOW - 3 * 86_400).as_bytes())

    (ping,) = listener.kept
    assert answer == (250, b"2.0.0 kept")
    assert (ping.job, ping.sign, ping.at, ping.received) == ("backups/ben", Sign.MAIL, NOW - 3 * 86_400, NOW)
    assert ping.mail is not None
    assert (ping.mail.subject, ping.log) == ("[Success] Ben", "one\n.two\n..\nthree")
    assert listener.counted == ["taken"]


@pytest.mark.parametrize("to", [f"{KEY}@x", f"ping+{KEY}@agent.example", f'"{KEY}"@x', f"<@relay:{KEY}@x>"])
async def test_a_key_may_stand_before_any_domain(to: str) -> None:
    async with listening() as listener:
        to = to if to.startswith("<") else f"<{to}>"
        said = f"MAIL FROM:<a@b>\r\nRCPT TO:{to}\r\nDATA\r\n"
        lines = await listener.raw(HELLO + said.encode(), TEXT + b".\r\n")

    assert status_of(lines) == [b"250", b"250", b"250", b"354", b"250", b"221"]
    assert len(listener.kept) == 1


STRANGE = [
    KEY[:-1], f"{KEY}x", KEY.lower(), f"ping-{KEY}", f"ping+ping+{KEY}", "postmaster", "ping", "ping+", "root",
    "a" * 300, f"{KEY}%agent", f"{KEY}+x",
]  # fmt: skip


async def test_every_other_recipient_has_one_and_the_same_answer_and_no_mail_is_taken() -> None:
    async with listening() as listener:
        lines: set[bytes] = set()
        for name in STRANGE:
            said = f"MAIL FROM:<a@b>\r\nRCPT TO:<{name}@agent.example>\r\nDATA\r\n"
            answers = await listener.raw(HELLO + said.encode())
            lines.update(answers[-3:-1])

    assert lines == {b"550 5.1.1 no such mailbox", b"503 5.5.1 Error: need RCPT command"}
    assert listener.counted == ["unknown"] * len(STRANGE)
    assert listener.kept == []


async def test_of_several_recipients_those_that_are_keys_get_it_once_each() -> None:
    async with listening() as listener:
        await listener.send(TEXT, KEY, "nobody", OTHER_KEY, KEY)

    assert [ping.job for ping in listener.kept] == ["backups/ben", "backups/planning"]
    assert listener.counted == ["unknown", "taken"]


async def test_no_command_tells_anything_of_keys() -> None:
    async with listening() as listener:
        said = "".join(f"{verb} {name}\r\n" for verb in ("VRFY", "EXPN") for name in (KEY, "nobody@x"))
        lines = await listener.raw(HELLO + said.encode() + b"AUTH PLAIN AGEAYg==\r\nHELP\r\nNOOP\r\n")

    assert len(set(lines[-8:-4])) == 2
    assert status_of(lines) == [b"250", b"252", b"252", b"502", b"502", b"538", b"250", b"250", b"221"]
    assert not any(b"AUTH" in line for line in lines[:6])


async def test_no_key_of_any_job_stays_in_a_mail_that_is_kept() -> None:
    async with listening() as listener:
        await listener.send(f"Subject: of {OTHER_KEY}\r\n\r\nto {KEY}@x password=hunter2\r\n".encode())

    (ping,) = listener.kept
    assert ping.mail is not None
    assert (ping.mail.subject, ping.log) == ("of [secret]", "to [secret]@x password=[secret]")


@pytest.mark.parametrize("sender", ["", "nas@forum.example"])
async def test_bounces_and_automatic_answers_are_taken_off_the_senders_hands_and_count_for_nothing(sender: str) -> None:
    head = b"" if sender == "" else b"Auto-Submitted: auto-replied\r\n"
    async with listening() as listener:
        answer = await listener.send(head + TEXT, sender=sender)

    assert answer[0] == 250
    assert (listener.kept, listener.counted) == ([], ["ignored"])


async def test_mail_of_another_sender_is_refused_where_the_estate_names_some() -> None:
    async with listening() as listener:
        listener.senders["backups/ben"] = "nas@forum.example"
        good = await listener.send(b"From: NAS <nas@forum.example>\r\n" + TEXT)
        bad = await listener.send(b"From: nas@elsewhere.example\r\n" + TEXT)

    assert (good[0], bad[0]) == (250, 550)
    assert listener.counted == ["taken", "unfit"]


async def test_what_cannot_be_kept_is_to_be_sent_again() -> None:
    async with listening() as listener:
        listener.full = True
        refused = await listener.send()
        listener.full = False
        again = await listener.send()

    assert (refused[0], again[0]) == (451, 250)
    assert listener.counted == ["not_kept", "taken"]


async def test_the_largest_mail_is_taken_and_one_that_is_larger_refused_before_or_after_it_has_come() -> None:
    largest = TEXT + (b"a" * 998 + b"\r\n") * 1048
    async with listening() as listener:
        fits = await listener.send(largest[: session.LARGEST - 2] + b"\r\n")
        large = await listener.send(largest * 2)
        said = await listener.raw(HELLO + b"MAIL FROM:<a@b> SIZE=1048577\r\n")

    assert (fits[0], large[0]) == (250, 552)
    assert status_of(said) == [b"250", b"552", b"221"]
    assert b"250-SIZE 1048576" in said
    assert listener.counted == ["taken", "unfit"]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r\n..\r\n", b"\r\n.\x00\r\n"]
)
async def test_no_mail_can_be_smuggled_behind_a_dot_that_does_not_end_one(end: bytes) -> None:
    """CVE-2023-51764 and its like: what another server takes for text is not to be a second mail here."""
    second = b"MAIL FROM:<admin@forum.example>\r\nRCPT TO:<" + OTHER_KEY.encode() + b"@x>\r\nDATA\r\n" + TEXT
    async with listening() as listener:
        lines = await listener.raw(TO_US + b"DATA\r\n", TEXT.rstrip(b"\r\n") + end + second + b".\r\n")

    assert [ping.job for ping in listener.kept] == ["backups/ben"]
    assert status_of(lines) == [b"250", b"250", b"250", b"354", b"250", b"221"]


async def test_commands_and_mails_that_come_in_one_piece_are_taken_one_after_another() -> None:
    one = b"DATA\r\n" + TEXT + b".\r\n"
    async with listening() as listener:
        lines = await listener.raw(TO_US + one + TO_US + one)
        empty = await listener.raw(TO_US + b"DATA\r\n.\r\n" + TO_US + b"DATA\r\n\r\n.\r\n")

    assert status_of(lines) == [b"250", b"250", b"250", b"354", b"250"] * 2 + [b"221"]
    assert status_of(empty) == status_of(lines)
    assert len(listener.kept) == 4


async def test_a_mail_is_whole_however_it_is_cut_into_pieces() -> None:
    octets = b"Subject: x\r\n\r\n..a\r\n.\n.\r\nb\r\n.\r\n"
    for at in range(1, len(octets)):
        reader = asyncio.StreamReader()
        reading = asyncio.ensure_future(session.read_message(reader, 1000))
        reader.feed_data(octets[:at])
        await asyncio.sleep(0)
        reader.feed_data(octets[at:] + b"QUIT\r\n")

        assert await reading == b"Subject: x\r\n\r\n.a\r\n\n.\r\nb\r\n"
        assert await reader.readline() == b"QUIT\r\n"


async def test_a_mail_that_breaks_off_is_none() -> None:
    async with listening() as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(TO_US + b"DATA\r\n" + TEXT)
        await writer.drain()
        writer.close()
        await listener.send(TEXT, OTHER_KEY)

    assert [ping.job for ping in listener.kept] == ["backups/planning"]


@pytest.mark.parametrize("said", [b"", b"EHLO", TO_US + b"DATA\r\nSubject: x\r\n"])
async def test_whoever_is_too_slow_is_hung_up_on(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "IDLE", 0.2)
    async with listening() as listener:
        lines = await listener.raw(said, close=False)

    assert listener.kept == []
    assert lines == [] or lines[0].startswith(b"220 ")


async def test_whoever_talks_for_ever_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LONGEST", 0.2)
    async with listening() as listener:
        lines = await listener.raw(HELLO, b"NOOP\r\n", close=False)

    assert status_of(lines) in ([b"250", b"250"], [])


async def test_commands_without_end_end_the_connection() -> None:
    async with listening() as listener:
        names = await listener.raw(HELLO + b"MAIL FROM:<a@b>\r\n" + b"RCPT TO:<nobody@x>\r\n" * 100)
        noise = await listener.raw(b"x\r\n" * 100)
        line = await listener.raw(b"EHLO " + b"a" * 100_000 + b"\r\n")

    assert status_of(names).count(b"550") == 20
    assert names[-1].startswith(b"421 ")
    assert noise[-1].startswith(b"502 ")
    assert status_of(line) == [b"500", b"221"]


async def test_a_job_that_sends_too_often_is_slowed_down_and_heard_again_later() -> None:
    async with listening() as listener:
        many = b"MAIL FROM:<a@b>\r\n" + f"RCPT TO:<{KEY}@x>\r\n".encode() * 20
        for _ in range(3):
            await listener.raw(HELLO + many)
        slowed = await listener.send()
        listener.now += 5
        later = await listener.send()

    assert (slowed[0], later[0]) == (451, 250)
    assert listener.counted == ["limited", "taken"]


async def test_a_full_house_hangs_up_on_whoever_has_no_key_and_on_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    async with listening() as listener:
        mine, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(TO_US)
        await mine.readuntil(b"250 2.1.5 OK\r\n")
        strangers = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(5)]
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in strangers]
        _, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        writer.write(b"DATA\r\n" + TEXT + b".\r\nQUIT\r\n")
        rest = await mine.read()
        for _, other in strangers:
            other.close()
        await asyncio.gather(*ends, return_exceptions=True)
        writer.close()

    assert len(pending) < 5
    assert b"250 2.0.0 kept" in rest


def server_context(folder: Path, authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue().write(folder))
    return context


async def test_off_loopback_nothing_is_taken_without_tls(tmp_path: Path) -> None:
    authority = Authority()
    trusting = ssl.create_default_context(cadata=authority.pem)

    def by_tls(port: int) -> tuple[int, bytes]:
        with smtplib.SMTP("localhost", port, timeout=20) as client:
            client.starttls(context=trusting)
            client.ehlo()
            client.mail("a@b")
            client.rcpt(f"{KEY}@x")
            return client.data(TEXT)

    async with listening(server_context(tmp_path, authority), exposed=True) as listener:
        clear = await listener.raw(TO_US)
        taken = await asyncio.to_thread(by_tls, listener.port)
    async with listening(server_context(tmp_path, authority)) as at_home:
        offered = await at_home.send()

    assert status_of(clear) == [b"250", b"530", b"530", b"221"]
    assert b"250-STARTTLS" in clear
    assert (taken[0], offered[0]) == (250, 250)


async def test_a_client_that_must_show_a_certificate_cannot_go_without_tls(tmp_path: Path) -> None:
    authority = Authority()
    context = server_context(tmp_path, authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.pem)
    async with listening(context) as listener:
        clear = await listener.raw(TO_US)

    assert status_of(clear) == [b"250", b"530", b"530", b"221"]


async def test_what_was_said_before_tls_counts_for_nothing_after_it(tmp_path: Path) -> None:
    """CVE-2011-0411 and CVE-2024-34083: commands that somebody put behind STARTTLS."""
    authority = Authority()
    trusting = ssl.create_default_context(cadata=authority.pem)
    async with listening(server_context(tmp_path, authority), exposed=True) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(HELLO + b"STARTTLS\r\n" + TO_US + b"DATA\r\n" + TEXT + b".\r\n")
        await reader.readuntil(b"220 Ready to start TLS\r\n")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.start_tls(trusting, server_hostname="localhost")
            writer.write(b"QUIT\r\n")
            await reader.read()
        writer.close()

    assert listener.kept == []


async def test_noise_instead_of_a_handshake_ends_the_connection(tmp_path: Path) -> None:
    async with listening(server_context(tmp_path, Authority()), exposed=True) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(HELLO + b"STARTTLS\r\n")
        await reader.readuntil(b"220 Ready to start TLS\r\n")
        writer.write(b"no handshake\r\n" * 10)
        async with asyncio.timeout(20):
            rest = await reader.read()
        writer.close()

    assert b"250" not in rest
    assert listener.kept == []
