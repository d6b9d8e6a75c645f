"""The judge asks a real prober over TLS: what it takes for an observation, and what it takes for a vantage away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent import elsewhere
from agent.daemon.life import StartError
from agent.daemon.prober import Prober
from agent.daemon.settings import Address, Settings
from agent.elsewhere import Elsewhere, digest_of
from agent.isolation import AWAY, DIFFERS
from checks.catalogue import load_catalogue
from checks.contract import Context, Observation, Reason
from checks.transports import Transports
from checks.transports.lockout import Lockout
from checks.wire import observation_json
from config.estate import Estate
from config.load import load_estate
from testbeds.agent import Service
from testbeds.canned import canned, http
from testbeds.certificates import Authority, Issued
from testbeds.peers import free_port

KINDS = load_catalogue()
TOKEN = "the-token-of-the-prober"
ESTATE = """
estate: {{name: two, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages:
  here: {{site: forum}}
  there: {{site: forum, url: "{url}", token: "file:{home}/token", {more}
    listen: "127.0.0.1:{port}", certificate: {home}/server.pem, key: "file:{home}/server.key"}}
targets:
  web: {{address: 127.0.0.1, site: forum, vantages: [here, there], checks: [{{tcp: {{port: {service}, timeout: 2s}}}}]}}
"""


@dataclass
class Stand:
    """Both sides' files, a service to ask for, and who asks."""

    home: Path
    service: Service
    transports: Transports
    port: int
    authority: Authority

    def estate(
        self, name: str = "judge", *, more: str = "", url: str = "", change: tuple[str, str] = ("", "")
    ) -> Estate:
        path = self.home / f"{name}.yaml"
        text = ESTATE.format(
            url=url or f"https://127.0.0.1:{self.port}",
            home=self.home,
            port=self.port,
            service=self.service.port,
            more=more or f"ca: {self.home}/ca.pem,",
        )
        path.write_text(text.replace(*change))
        return load_estate(path, KINDS, {})

    def show(self, issued: Issued) -> None:
        _chain, key = issued.write(self.home)
        key.chmod(0o600)

    def token(self, text: str = TOKEN) -> None:
        file = self.home / "token"
        file.write_text(text)
        file.chmod(0o600)

    @asynccontextmanager
    async def prober(self, estate: Estate | None = None) -> AsyncIterator[Prober]:
        settings = Settings("", self.home / "control", (Address("127.0.0.1", 0),), "there")
        prober = Prober(estate or self.estate("prober"), settings, KINDS, Lockout())
        try:
            await prober.start()
            yield prober
        finally:
            await prober.stop()

    async def ask(self, estate: Estate | None = None, asking: Elsewhere | None = None) -> Observation:
        estate = estate or self.estate()
        target = estate.targets["web"]
        spec = target.checks[0]
        ctx = Context("there", self.transports, time.time)
        ctx.deadline = asyncio.get_running_loop().time() + spec.timeout
        return await (asking or Elsewhere(estate, KINDS)).collector("there", spec)(target, spec.options, ctx)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    service, transports = Service(), Transports.open()
    made = Stand(tmp_path, service, transports, free_port(), Authority())
    (tmp_path / "ca.pem").write_text(made.authority.pem)
    made.show(made.authority.issue())
    made.token()
    yield made
    service.close()
    await transports.close()


def fault_of(observation: Observation) -> tuple[str, Reason, str]:
    assert observation.answers is None and observation.fault is not None
    assert observation.fault.reached is None, "nothing is said about the target"
    return observation.fault.condition, observation.fault.reason, observation.fault.message


async def test_a_check_is_made_by_the_prober_and_dated_by_the_judge(stand: Stand) -> None:
    before = time.time()

    async with stand.prober():
        observation = await stand.ask()

    assert observation.fault is None
    assert (observation.target, observation.vantage) == ("web", "there")
    assert before <= observation.started <= time.time()


async def test_a_fault_of_the_target_travels_as_it_is(stand: Stand) -> None:
    stand.service.close()

    async with stand.prober():
        observation = await stand.ask()

    assert observation.answers is not None or observation.fault is not None
    assert "refused" in str(observation)


async def test_another_token_is_refused_and_said(stand: Stand) -> None:
    async with stand.prober():
        stand.token("another-token-altogether")
        condition, reason, message = fault_of(await stand.ask())

    assert (condition, reason) == (AWAY, Reason.LOCAL)
    assert "refuses the token" in message
    assert "another-token" not in message


async def test_a_prober_whose_authority_is_not_trusted_is_away(stand: Stand) -> None:
    stand.show(Authority("Somebody else").issue())

    async with stand.prober():
        condition, _, message = fault_of(await stand.ask())

    assert condition == AWAY
    assert "certificate" in message


async def test_a_certificate_of_another_name_is_not_believed(stand: Stand) -> None:
    stand.show(stand.authority.issue(["agent.example"]))

    async with stand.prober():
        condition, _, _ = fault_of(await stand.ask())

    assert condition == AWAY


async def test_a_pinned_key_needs_no_authority_and_no_other_key_is_believed(stand: Stand) -> None:
    issued = stand.authority.issue(self_signed=True)
    stand.show(issued)

    async with stand.prober():
        pinned = await stand.ask(stand.estate(more=f'pin: "{issued.pin}",'))
        other = await stand.ask(stand.estate(more=f'pin: "{stand.authority.issue().pin}",'))

    assert pinned.fault is None
    assert fault_of(other)[0] == AWAY


@pytest.mark.parametrize(
    "change",
    [("timeout: 2s", "timeout: 3s"), ("address: 127.0.0.1", "address: 127.0.0.2"), ("web:", "wiki:")],
    ids=["another time-out", "another address", "no such target"],
)
async def test_a_prober_that_reads_another_estate_differs(stand: Stand, change: tuple[str, str]) -> None:
    async with stand.prober(stand.estate("prober", change=change)):
        condition, reason, message = fault_of(await stand.ask())

    assert (condition, reason) == (DIFFERS, Reason.LOCAL)
    assert "deploy the same estate" in message


async def test_a_vantage_that_is_away_is_tried_only_now_and_then_and_found_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Elsewhere(stand.estate(), KINDS)

    first = fault_of(await stand.ask(asking=asking))
    at_once = [fault_of(await stand.ask(asking=asking)) for _ in range(3)]
    monkeypatch.setattr(elsewhere, "TRY_EVERY", 0.0)
    later = fault_of(await stand.ask(asking=asking))
    async with stand.prober():
        found = await stand.ask(asking=asking)

    assert first[:2] == later[:2] == (AWAY, Reason.LOCAL)
    assert {each[:2] for each in at_once} == {(AWAY, Reason.WITHHELD)}
    assert found.fault is None


async def test_many_checks_that_fail_together_count_once(stand: Stand) -> None:
    asking = Elsewhere(stand.estate(), KINDS)

    found = await asyncio.gather(*(stand.ask(asking=asking) for _ in range(20)))

    assert [fault_of(each)[1] for each in found].count(Reason.LOCAL) == 1


def _answer(stand: Stand, **changes: object) -> bytes:
    estate = stand.estate()
    target = estate.targets["web"]
    good = Observation("web", "there", 1.0, 0.1, None, None)
    body = {"schema": 1, "kind": "tcp", "target": "web", "vantage": "there", "started": 1.0, "duration": 0.1,
            "answers": None, "fault": {"reason": "refused", "message": "refused", "condition": "tcp/refused",
                                       "state": "critical"}, **changes}  # fmt: skip
    assert set(observation_json(good, KINDS["tcp"])) == {key for key in body if key != "more"}
    return json.dumps({"asked": digest_of(target, target.checks[0]), "observation": body}).encode()


HOSTILE: dict[str, Callable[[Stand], bytes]] = {
    "no JSON": lambda _: http(200, b"<html>"),
    "JSON without end": lambda _: http(200, b'{"asked": "' + b"x" * 1000),
    "nested deeply": lambda _: http(200, b"[" * 100_000),
    "too much": lambda _: http(200, b" " * (9 * 1024 * 1024)),
    "a redirect": lambda _: http(302, b"", b"Location: http://127.0.0.1:1/probe"),
    "an error": lambda _: http(500, b"oops"),
    "nothing": lambda _: b"",
    "another protocol": lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
    "another target": lambda stand: http(200, _answer(stand, target="mail")),
    "another vantage": lambda stand: http(200, _answer(stand, vantage="here")),
    "another kind of answers": lambda stand: http(200, _answer(stand, answers={"open": True})),
    "a fault that is well": lambda stand: http(
        200, _answer(stand, fault={"reason": "refused", "message": "", "condition": "tcp/refused", "state": "ok"})
    ),
}


@pytest.mark.parametrize("answer", HOSTILE)
async def test_a_hostile_prober_is_never_believed_and_raises_nothing(stand: Stand, answer: str) -> None:
    with canned(HOSTILE[answer](stand)) as server:
        estate = stand.estate(url=server.url, more=" ")
        condition, reason, message = fault_of(await stand.ask(estate))

    assert condition in (AWAY, DIFFERS)
    assert reason is Reason.LOCAL
    assert message.isprintable() and TOKEN not in message


async def test_a_prober_that_drips_is_cut_at_the_deadline(stand: Stand) -> None:
    with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", drip=0.05) as server:
        estate = stand.estate(url=server.url, more=" ")
        async with asyncio.timeout(10):
            condition, _, _ = fault_of(await stand.ask(estate))

    assert condition == AWAY


LACKING = {
    "no certificate": (
        ', certificate: {home}/server.pem, key: "file:{home}/server.key"',
        "",
        "`certificate` and `key`",
    ),
    "no listen": ('listen: "127.0.0.1:{port}",', "", "`listen`"),
    "no such token": ("/token", "/no-such-token", "vantages.there.token"),
    "no such certificate": ("/server.pem", "/no-such.pem", "/no-such.pem"),
    "a line that anybody reads": ("https://127.0.0.1:{port}", "http://127.0.0.1:{port}", "no loopback address"),
    "a key of another certificate": ("/server.key", "/other.key", "the key belongs to"),
}


@pytest.mark.parametrize("lack", LACKING)
async def test_a_prober_that_lacks_something_says_what_and_does_not_start(stand: Stand, lack: str) -> None:
    _, other = stand.authority.issue().write(stand.home, "other")
    other.chmod(0o600)
    old, new, said = LACKING[lack]
    places = {"home": stand.home, "port": stand.port}
    estate = stand.estate("prober", change=(old.format(**places), new.format(**places)), more=" ")
    if lack == "a line that anybody reads":
        there = replace(estate.vantages["there"], listen=f"0.0.0.0:{stand.port}")
        estate = replace(estate, vantages={**estate.vantages, "there": there})

    with pytest.raises(StartError, match=r"vantages\.there") as refused:
        async with stand.prober(estate):
            pass

    assert said in str(refused.value)
