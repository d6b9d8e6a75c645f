"""What the command line may say of pings, and how keys follow the estate."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests
import yaml

from agent.daemon.pushing import Pushing
from agent.daemon.settings import Address, Settings, SettingsError
from agent.ledger.ledger import Ledger
from agent.push.keeping import Keeping, NotKept
from checks.catalogue import load_catalogue
from checks.transports.fault import TransportFault
from checks.transports.inbox import Sign
from config.estate import Estate, Vantage
from config.load import load_estate
from testbeds import kept
from testbeds import pushing as testbed
from testbeds.certificates import Authority
from testbeds.pushing import KEY, OTHER_KEY
from testbeds.single import estate

ESTATE = replace(estate(), vantages={name: Vantage(name, "forum") for name in ("here", "there")})


def made(
    *push: str,
    vantage: str | None = None,
    web: Path | None = None,
    mail: tuple[str, ...] = (),
    drop: Path | None = None,
) -> Settings:
    return Settings.make(
        ESTATE,
        ledger_url="",
        control_socket=Path("control"),
        listen=(),
        push=push,
        push_config=web,
        vantage=vantage,
        mail=mail,
        drop=drop,
    )


def test_pings_are_taken_nowhere_unless_somebody_says_so() -> None:
    assert made().push == ()


def test_loopback_needs_no_tls() -> None:
    assert made("127.0.0.1:10192").push == (Address("127.0.0.1", 10192),)


def test_an_address_that_others_reach_needs_tls(tmp_path: Path) -> None:
    certificate, key = Authority().issue().write(tmp_path)
    key.chmod(0o600)
    with_tls, without = tmp_path / "tls.yml", tmp_path / "plain.yml"
    with_tls.write_text(yaml.safe_dump({"tls_server_config": {"cert_file": str(certificate), "key_file": str(key)}}))
    without.write_text("{}")

    for web in (None, without):
        with pytest.raises(SettingsError, match=r"--push.listen-address: .* needs TLS .* --push.config.file"):
            made("0.0.0.0:10192", web=web)
    with pytest.raises(SettingsError, match=r"--push.smtp-listen-address: .* needs TLS"):
        made("127.0.0.1:10192", web=without, mail=("0.0.0.0:10125",))
    assert made("0.0.0.0:10192", web=with_tls).push[0].exposed
    assert made(web=with_tls, mail=("[::]:10125",)).mail[0].exposed


def test_a_prober_takes_none() -> None:
    with pytest.raises(SettingsError, match="only the agent at the estate's own vantage takes pings"):
        made("127.0.0.1:10192", vantage="there")
    with pytest.raises(SettingsError, match=r"--push.smtp-listen-address: only the agent at the estate's own"):
        made(vantage="there", mail=("127.0.0.1:10125",))


@pytest.mark.parametrize("text", ["10192", "agent.example:1", "127.0.0.1:", "127.0.0.1:65536"])
def test_what_is_no_address_is_refused_by_the_options_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--push\.listen-address"):
        made(text)


def test_the_drop_directory_is_one_that_is_there(tmp_path: Path) -> None:
    assert made(drop=tmp_path).drop == tmp_path
    for wrong in (tmp_path / "none", Path("relative")):
        with pytest.raises(SettingsError, match=r"--push.drop-directory: .* is not the absolute path of a directory"):
            made(drop=wrong)
    with pytest.raises(SettingsError, match=r"--push.drop-directory: only the agent at the estate's own"):
        made(vantage="there", drop=tmp_path)


@dataclass
class Counted:
    """What became of what came in."""

    pings: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def push(self, outcome: str) -> None:
        self.pings.append(outcome)

    def mail(self, outcome: str) -> None:
        self.mails.append(outcome)

    def drop(self, outcome: str) -> None:
        self.files.append(outcome)


def loaded(directory: Path, **keys: str) -> Estate:
    """An estate whose jobs have keys from these environment variables."""
    path = directory / "estate.yaml"
    jobs = {job: {"key": f"env:{name}"} for job, name in keys.items()} or {"other": {"key": "env:NOBODY_SET_THIS"}}
    path.write_text(testbed.estate(jobs))
    return load_estate(path, load_catalogue(), {})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with contextlib.closing(Ledger.open(tmp_path / "ledger.sqlite3", clock=lambda: 0.0, vantage="here")) as opened:
        yield opened


async def test_keys_follow_the_estate_and_are_made_known_as_secrets(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_BEN", KEY)
    monkeypatch.setenv("KEY_OTHER", OTHER_KEY)
    learnt: list[str] = []
    pushing = Pushing(
        loaded(tmp_path, ben="KEY_BEN"), made("127.0.0.1:0"), ledger,
        lambda keys: learnt.extend(key.reveal() for key in keys), lambda: 0.0,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as parts:
        await pushing.start(parts, Counted())
        host, port = pushing.addresses[0]

        def status(key: str) -> int:
            return requests.get(f"http://{host}:{port}/ping/{key}", timeout=10).status_code

        before = [await asyncio.to_thread(status, key) for key in (KEY, OTHER_KEY)]
        pushing.use(loaded(tmp_path, ben="KEY_OTHER"))
        async with asyncio.timeout(20):
            while OTHER_KEY not in learnt:
                await asyncio.sleep(0)
        after = [await asyncio.to_thread(status, key) for key in (KEY, OTHER_KEY)]

    assert (before, after) == ([200, 404], [404, 200])
    assert learnt == [KEY, OTHER_KEY]
    heard = await pushing.inbox.read(["backups/ben"], -1e9, 10)
    assert len(heard["backups/ben"].pings) == 2


async def test_a_check_that_comes_before_its_keys_waits_for_them(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_BEN", KEY)
    pushing = Pushing(loaded(tmp_path), made("127.0.0.1:0"), ledger, lambda _keys: None, lambda: 0.0)
    async with contextlib.AsyncExitStack() as parts:
        await pushing.start(parts, Counted())
        reading = asyncio.create_task(pushing.inbox.read(["backups/ben"], -1e9, 10))
        await asyncio.sleep(0)
        pushing.use(loaded(tmp_path, ben="KEY_BEN"))

        heard = await reading

    assert heard["backups/ben"].trouble == ""


async def test_mails_need_no_listener_for_pings_and_their_rules_follow_the_estate(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_BEN", KEY)
    counted = Counted()

    def estate_with(**mail: object) -> Estate:
        path = tmp_path / "estate.yaml"
        path.write_text(testbed.estate({"ben": {"key": "env:KEY_BEN", "mail": mail}}))
        return load_estate(path, load_catalogue(), {})

    pushing = Pushing(estate_with(), made(mail=("127.0.0.1:0",)), ledger, lambda _keys: None, lambda: 1_790_000_000.0)

    def send() -> int:
        with smtplib.SMTP(*pushing.mail_addresses[0], timeout=20) as client:
            client.ehlo()
            client.mail("nas@forum.example")
            client.rcpt(f"{KEY}@x")
            return client.data(b"From: nas@forum.example\r\n\r\n")[0]

    async with contextlib.AsyncExitStack() as parts:
        await pushing.start(parts, counted)
        before = await asyncio.to_thread(send)
        pushing.use(estate_with(**{"from": ["@elsewhere.example"]}))
        after = await asyncio.to_thread(send)

    assert (before, after, pushing.addresses) == (250, 550, [])
    assert counted.mails == ["taken", "unfit"]
    heard = await pushing.inbox.read(["backups/ben"], -1e9, 10)
    assert [ping.sign for ping in heard["backups/ben"].pings] == [Sign.MAIL]


async def test_without_a_listener_the_inbox_cannot_be_read(ledger: Ledger, tmp_path: Path) -> None:
    pushing = Pushing(loaded(tmp_path, ben="KEY_BEN"), made(), ledger, lambda _keys: None, lambda: 0.0)

    with pytest.raises(TransportFault, match=r"start it with --push\.listen-address"):
        await pushing.inbox.read(["backups/ben"], 0.0, 10)


async def test_a_ledger_that_is_closed_keeps_no_ping(ledger: Ledger) -> None:
    keeping = Keeping(ledger.writer)
    ledger.close()

    with pytest.raises(NotKept):
        await keeping.keep(kept.ping())
