"""What is needed before anybody but this machine is served, and what is counted."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from config.estate import Access, Estate, Proxy, Rights, Token
from config.load import load_estate
from config.secrets import SecretReference
from exporters.prometheus.access import REASONS
from exporters.web.access import AccessControl, AccessError, lacking, read_web_file
from exporters.web.access.certificate import shown_by
from exporters.web.access.refusals import EVERY, Reason, Told
from exporters.web.access.source import TokenSource
from exporters.web.access.tokens import Tokens
from testbeds.estates import DESKS, KINDS
from testbeds.front import Counts, Front, users

TLS = "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n"
CERTIFICATES = (
    "tls_server_config: {cert_file: c.pem, key_file: k.pem, client_ca_file: a.pem, client_auth_type: "
    "RequireAndVerifyClientCert}\n"
)
ASKED = CERTIFICATES.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
TOKENS = Access(tokens={"t": Token("t", SecretReference("env", "T"), Rights(None))})
PROXY = Access(others=Rights(None), proxy=Proxy((ipaddress.ip_network("192.0.2.1"),), "X-Forwarded-User"))
LISTED = Access(people={"ann": Rights(None)})


@pytest.mark.parametrize(
    ("content", "access", "alone", "exposed"),
    [
        pytest.param(None, Access(), "", "needs TLS (…) and authentication (…)", id="nothing"),
        pytest.param(TLS, Access(), "", "needs authentication (…)", id="TLS alone"),
        pytest.param(ASKED, Access(), "", "needs authentication (…)", id="certificates that nobody must show"),
        pytest.param(CERTIFICATES, Access(), "", "", id="certificates"),
        pytest.param(users(ann="right"), Access(), "", "needs TLS (…)", id="passwords in the clear"),
        pytest.param(TLS + users(ann="right"), Access(), "", "", id="passwords by TLS"),
        pytest.param(None, TOKENS, "", "needs TLS (…)", id="tokens in the clear"),
        pytest.param(TLS, TOKENS, "", "", id="tokens by TLS"),
        pytest.param(TLS, PROXY, "", "", id="a proxy by TLS"),
        pytest.param(None, LISTED, "nothing asks who they are", "nothing asks who they are", id="people nobody asks"),
        pytest.param(users(ann="right"), LISTED, "", "needs TLS (…)", id="people who are asked"),
    ],
)
def test_nothing_but_loopback_without_authentication_and_tls(
    tmp_path: Path, content: str | None, access: Access, alone: str, exposed: str
) -> None:
    file = None
    if content is not None:
        (tmp_path / "web.yml").write_text(content)
        file = read_web_file(tmp_path / "web.yml")

    for words, said in ((alone, lacking(file, access, exposed=False)), (exposed, lacking(file, access, exposed=True))):
        parts = [part for part in words.replace(" (…)", "\0").split("\0") if part]
        assert all(part in said for part in parts) and bool(said) == bool(words), said


async def test_it_does_not_start_where_others_could_come_in_unasked() -> None:
    control = AccessControl(Access(), None, Counts(), lambda: 0.0, exposed=True)

    with pytest.raises(AccessError, match=r"--web.listen-address: .* needs TLS .* and authentication"):
        await control.start()
    await control.stop()


async def test_it_does_not_start_with_a_file_that_is_wrong(tmp_path: Path) -> None:
    control = AccessControl(Access(), tmp_path / "no.yml", Counts(), lambda: 0.0)

    with pytest.raises(AccessError, match=r"--web.config.file: .*no.yml:1:1: cannot be read: No such file"):
        await control.start()
    await control.stop()


def estate(home: Path) -> Estate:
    path = home / "estate.yaml"
    path.write_text(
        "estate: {name: demo, vantage: here}\ncouncils: {dacorum: {}}\nsites: {forum: {council: dacorum}}\n"
        "vantages: {here: {site: forum}}\n"
        "targets: {switch: {address: 192.0.2.1, site: forum, checks: [icmp]}}\n"
    )
    return load_estate(path, KINDS, DESKS)


@contextlib.asynccontextmanager
async def exposed(door: Front, access: Access) -> AsyncIterator[AccessControl]:
    """A control of an agent that others can reach, with TLS and a password."""
    door.issue()
    control = AccessControl(access, door.write(SERVED + users(ann="right")), door.counts, lambda: 0.0, exposed=True)
    await control.start()
    yield control
    await control.stop()


SERVED = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


async def test_a_file_that_would_let_others_in_unasked_is_not_put_in_force_while_it_runs(tmp_path: Path) -> None:
    door = Front(tmp_path)
    async with exposed(door, Access()) as control:
        door.write(SERVED)
        await control.look()

    assert door.counts.reloads == [True, False]


async def test_an_estate_and_a_file_that_change_at_once_do_not_leave_the_door_open_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file gives up passwords while the estate still has a token; then the estate gives up the token."""
    monkeypatch.setenv("T", "0123456789abcdef")
    door = Front(tmp_path)
    at_tokens, go_on = threading.Event(), threading.Event()
    later = estate(tmp_path)
    async with exposed(door, TOKENS) as control:
        read = TokenSource.changed

        def slowly(self: TokenSource, tokens: Mapping[str, Token]) -> Tokens | None:
            at_tokens.set()
            assert go_on.wait(20)
            return read(self, tokens)

        monkeypatch.setattr(TokenSource, "changed", slowly)
        door.write(SERVED)
        looking = asyncio.create_task(control.look())
        assert await asyncio.to_thread(at_tokens.wait, 20)
        control.use(later)
        go_on.set()
        await looking
        await control.look()
        asked = control.objection(later)
        status = await _status_of(control)

    assert "needs authentication" in asked
    assert status == 401


async def _status_of(control: AccessControl) -> int:
    """What somebody who brings nothing is answered."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        told.append(message)

    async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    await control.before(page)({"type": "http", "path": "/", "headers": [], "client": ("192.0.2.1", 1)}, receive, send)
    return int(told[0]["status"])


def test_every_reason_has_its_series() -> None:
    assert {reason.value for reason in Reason} == set(REASONS)


def test_refusals_are_logged_once_a_minute_for_each_reason() -> None:
    now = 0.0
    told = Told(lambda: now)
    with structlog.testing.capture_logs() as lines:
        for _ in range(100):
            told.refused(Reason.PASSWORD, "192.0.2.1")
        told.refused(Reason.TOKEN, "192.0.2.2")
        now = EVERY
        told.refused(Reason.PASSWORD, "192.0.2.3")

    assert [(line["reason"], line["address"], line["times"]) for line in lines] == [
        ("password", "192.0.2.1", 1), ("token", "192.0.2.2", 1), ("password", "192.0.2.3", 100)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("certificate", "person", "names"),
    [
        (None, None, None),
        ({}, None, None),
        ({"subject": ((("commonName", "ann"),),)}, "ann", set()),
        ({"subject": ((("commonName", "ann"),),), "subjectAltName": (("DNS", "a.example"), ("email", "a@b"))},
         "a.example", {"a.example", "a@b"}),
        ({"subjectAltName": (("IP Address", "2001:DB8:0:0:0:0:0:1"),)}, "2001:db8::1", {"2001:db8::1"}),
        ({"subjectAltName": (("DirName", ((("commonName", "x"),),)), ("URI", "spiffe://a/b"))},
         "spiffe://a/b", {"spiffe://a/b"}),
        ({"subject": ((("organizationName", "x"),),)}, None, set()),
        ({"subject": ((("commonName", "token:deploy"),),)}, None, set()),
        ({"subject": ((("commonName", "a\nb"),),)}, None, set()),
    ],
)  # fmt: skip
def test_whom_a_certificate_names(certificate: dict[str, object] | None, person: str | None, names: set[str]) -> None:
    shown = shown_by(certificate)

    assert (shown.person if shown else None) == person
    assert (set(shown.names) if shown else None) == names


def test_a_certificate_says_when_it_ends() -> None:
    shown = shown_by({"notAfter": "Jan  5 09:34:43 2018 GMT"})

    assert shown is not None
    assert shown.ends == 1515144883.0
