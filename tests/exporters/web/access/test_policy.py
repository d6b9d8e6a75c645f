"""What is needed before anybody but this machine is served, and what is counted."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
import structlog

from config.estate import Access, Proxy, Rights, Token
from config.secrets import SecretReference
from exporters.prometheus.access import REASONS
from exporters.web.access import AccessControl, AccessError, lacking, read_web_file
from exporters.web.access.certificate import shown_by
from exporters.web.access.refusals import EVERY, Reason, Told
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


async def test_a_file_that_would_let_others_in_unasked_is_not_put_in_force_while_it_runs(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    both = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
    path = door.write(both + users(ann="right"))
    control = AccessControl(Access(), path, door.counts, lambda: 0.0, exposed=True)
    await control.start()
    door.write(both)
    await control.look()
    reloads, asks = door.counts.reloads, control._policy.asks_who
    await control.stop()

    assert (reloads, asks) == ([True, False], True)


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
