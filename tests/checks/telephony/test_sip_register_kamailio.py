"""The kind `sip_register` with a real registrar, Kamailio, and with sipsak as somebody else on the extension."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from checks.contract import Assessment, State
from testbeds import kamailio
from testbeds.peers import need
from testbeds.registrar import PASSWORD
from testbeds.registration import WELL, probing, states, words

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module", params=["MD5", "SHA-256"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[kamailio.Kamailio]:
    with kamailio.running(tmp_path_factory.mktemp("kamailio"), request.param) as started:
        yield started


async def said(server: kamailio.Kamailio, user: str, **options: Any) -> Assessment:
    async with probing(server.port, user=user, **options) as probe:
        return await probe.judged()


@pytest.mark.parametrize("carrier", ["udp", "tcp"])
@pytest.mark.parametrize("user", ["4711", "proxied", "brief"])
async def test_a_real_registrar_takes_the_extension_and_lets_it_go(
    server: kamailio.Kamailio, carrier: str, user: str
) -> None:
    first = await said(server, user, transport=carrier)
    second = await said(server, user, transport=carrier)

    assert states(first) == WELL
    assert states(second) == WELL  # nobody else is there: the first was taken back
    assert ("for 90 s" if user == "brief" else "for 60 s") in words(first)


@pytest.mark.parametrize(("user", "said_of_it"), [("maintenance", "left alone for 30 s"), ("moved", "at 192.0.2.1")])
async def test_a_real_registrar_in_maintenance_or_moved_is_told(
    server: kamailio.Kamailio, user: str, said_of_it: str
) -> None:
    assessment = await said(server, user)

    assert states(assessment) == {"registrar": State.WARNING}
    assert said_of_it in words(assessment)


async def test_a_real_registrar_refuses_a_wrong_password(
    server: kamailio.Kamailio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with probing(server.port) as probe:
        monkeypatch.setenv("TEST_EXTENSION", "wrong")
        assessment = await probe.judged()

    assert [finding.key for finding in assessment.findings] == ["credential/test-extension"]


@pytest.mark.parametrize("server", ["MD5"], indirect=True)  # sipsak knows no other
async def test_sipsak_on_the_same_extension_is_found_and_left_registered(server: kamailio.Kamailio) -> None:
    command = [
        str(need("sipsak")), "-U", "-s", f"sip:4799@127.0.0.1:{server.port}", "-u", "4799", "-a", PASSWORD,
        "-x", "600", "-C", "sip:4799@127.0.0.9:5070",
    ]  # fmt: skip
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20)

    first = await said(server, "4799")
    second = await said(server, "4799")

    assert done.returncode == 0, done.stdout
    assert states(first) == states(second) == {**WELL, "other": State.WARNING}
    assert "from 127.0.0.9" in words(second)
    assert "4799" not in words(second)
