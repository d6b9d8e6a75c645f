"""The simulated web service of the demo, seen by the checks `tls` and `http`."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.demo.portal import LIFE, Authority, Portal
from agent.once import run_once
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.transports.lockout import Lockout
from config.load import load_estate

HOST = "portal.example"


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[Portal]:
    authority = Authority("Authority of a test")
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    service = Portal(("127.0.0.1", 0), HOST, authority, tmp_path, "all is well")
    service.show_certificate(LIFE)
    await service.start()
    yield service
    service.stop()


async def states(portal: Portal, folder: Path) -> dict[str, State]:
    """What the checks find, by the last part of each finding's key."""
    trusted, port = folder / "authority.pem", portal.address[1]
    (folder / "estate.yaml").write_text(
        "estate: {name: test, vantage: here}\ncouncils: {dacorum: {title: Dacorum}}\n"
        "sites: {forum: {council: dacorum}}\nvantages: {here: {site: forum}}\n"
        "targets:\n  portal:\n    address: 127.0.0.1\n    site: forum\n    checks:\n"
        f'      - tls: {{port: {port}, server_name: {HOST}, ca: "{trusted}"}}\n'
        f'      - http: {{url: "https://:{port}/any", host: {HOST}, ca: "{trusted}", expect_text: all is well}}\n'
    )
    kinds = load_catalogue()
    estate = load_estate(folder / "estate.yaml", kinds, {})
    results = await run_once(estate, estate.targets["portal"], frozenset({"tls", "http"}), kinds, Lockout())
    findings = [finding for result in results for finding in result.assessment.findings]
    return {finding.key.rpartition("/")[2]: finding.state for finding in findings}


async def test_a_new_certificate_leaves_nothing_to_complain_about(portal: Portal, tmp_path: Path) -> None:
    found = await states(portal, tmp_path)

    assert {"handshake", "chain", "name", "key", "expiry", "any"} <= set(found)
    assert set(found.values()) == {State.OK}


async def test_one_that_nears_its_end_is_a_warning_until_it_is_renewed(portal: Portal, tmp_path: Path) -> None:
    portal.show_certificate(12)
    before = await states(portal, tmp_path)
    portal.show_certificate(LIFE)

    after = await states(portal, tmp_path)

    assert before["expiry"] is State.WARNING
    assert before["any"] is before["chain"] is State.OK
    assert after["expiry"] is State.OK


def test_the_key_of_a_certificate_is_for_its_owner_only(tmp_path: Path) -> None:
    certificate, key = Authority("Authority of a test").issue(HOST, 1, tmp_path)

    assert key.stat().st_mode & 0o077 == 0
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
