"""Pings go out while the agent works and never otherwise, whatever answers; the URL is shown nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families as parse_text

from config.estate import Estate, HeartbeatSpec
from config.secrets import Secret, SecretReference
from exporters.heartbeat.heartbeats import Heartbeats
from exporters.outbound import Caller
from exporters.prometheus.own import OwnMetrics
from testbeds import single
from testbeds.canned import http
from testbeds.certificates import Authority, expired
from testbeds.receiver import Answer, Receiver, drip, hang, reset
from testbeds.telling import until
from testbeds.tls_peers import server_context

Receivers = Callable[..., Receiver]


@pytest.fixture
def new_receiver() -> Iterator[Receivers]:
    with ExitStack() as stack:

        def make(**options: object) -> Receiver:
            receiver = Receiver(**options)  # type: ignore[arg-type]
            stack.callback(receiver.close)
            return receiver

        yield make


@pytest.fixture
def outside(new_receiver: Receivers) -> Receiver:
    return new_receiver()


def spec(url: str | SecretReference, name: str = "outside", **changes: object) -> HeartbeatSpec:
    made = HeartbeatSpec(name, Secret(url) if isinstance(url, str) else url, every=0.02, timeout=5.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def estate(*specs: HeartbeatSpec) -> Estate:
    return replace(single.estate(), heartbeats={one.name: one for one in specs})


@dataclass
class Beating:
    heartbeats: Heartbeats
    own: OwnMetrics
    trouble: str = ""
    """Why the agent does not work."""

    def metric(self, name: str, **labels: str) -> float | None:
        for family in parse_text(self.own.page(openmetrics=False).decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == {"heartbeat": "outside", **labels}:
                    found: float = sample.value
                    return found
        return None

    def failed(self, reason: str) -> float:
        return self.metric("ridgeway_heartbeat_failed_pings_total", reason=reason) or 0


@asynccontextmanager
async def beating(*specs: HeartbeatSpec) -> AsyncIterator[Beating]:
    own = OwnMetrics("", "", dict, lambda: 0)
    caller = Caller()
    beats = Beating(Heartbeats(estate(*specs), caller, own.outbound, time.time, lambda: beats.trouble), own)
    beats.heartbeats.start()
    try:
        yield beats
    finally:
        await beats.heartbeats.stop()
        await caller.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pings_go_out_again_and_again(outside: Receiver, method: str) -> None:
    async with beating(spec(outside.url, method=method)) as beats:
        await until(lambda: len(outside.got) >= 3, "it is pinged")

        await until(lambda: (beats.metric("ridgeway_heartbeat_pings_total") or 0) >= 3, "pings are counted")
        assert beats.metric("ridgeway_heartbeat_held_back") == 0
        assert (beats.metric("ridgeway_heartbeat_last_success_timestamp_seconds") or 0) > 1e9
    assert {(one.method, one.path, one.body) for one in outside.got} == {(method, "/hooks/in?key=opaque", b"")}


async def test_while_the_agent_does_not_work_no_ping_goes_out_and_afterwards_they_do(outside: Receiver) -> None:
    with structlog.testing.capture_logs() as lines:
        async with beating(spec(outside.url)) as beats:
            await until(lambda: len(outside.got) >= 1, "it is pinged")
            beats.trouble = "the scheduler starts no checks"
            await until(lambda: beats.metric("ridgeway_heartbeat_held_back") == 1, "pings are held back")
            before = len(outside.got)
            for _ in range(10):  # as many times as it would have pinged
                await asyncio.sleep(0.02)
            assert len(outside.got) == before

            beats.trouble = ""
            await until(lambda: len(outside.got) > before, "it is pinged again")
    said = [(line["event"], line.get("why")) for line in lines]
    assert said == [("heartbeat.held_back", "the scheduler starts no checks"), ("heartbeat.well_again", None)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(http(500, b"peers-own-words"), "server-error", id="500"),
        pytest.param(http(404, b"peers-own-words"), "refused", id="404"),
        pytest.param(http(302, b"", b"Location: http://127.0.0.1:1/peers-own-words"), "redirect", id="302"),
        pytest.param(reset, "protocol", id="reset"),
        pytest.param(drip, "timeout", id="drip"),
        pytest.param(hang, "timeout", id="hang"),
    ],
)
async def test_a_ping_that_fails_is_counted_said_once_and_shows_nothing(
    outside: Receiver, answer: Answer, reason: str
) -> None:
    outside.always = answer

    with structlog.testing.capture_logs() as lines:
        async with beating(spec(outside.url, timeout=0.3)) as beats:
            await until(lambda: beats.failed(reason) >= 2, "pings fail")
            page = beats.own.page(openmetrics=False).decode()

    assert [line["event"] for line in lines] == ["heartbeat.failed"]
    for shown in (str(lines), page):
        assert "opaque" not in shown
        assert "hooks" not in shown
        assert "peers-own-words" not in shown


async def test_one_that_hangs_holds_neither_another_one_nor_the_end(new_receiver: Receivers) -> None:
    stuck, fine = new_receiver(always=hang), new_receiver()

    async with beating(spec(stuck.url, "stuck", timeout=60.0), spec(fine.url)) as beats:
        await until(lambda: len(stuck.got) == 1, "one hangs")
        before = len(fine.got)
        await until(lambda: len(fine.got) >= before + 3, "the other one is pinged on")
        async with asyncio.timeout(20):
            await beats.heartbeats.stop()

    assert len(stuck.got) == 1, "no ping goes out while the one before is under way"


async def test_the_certificate_is_checked_before_anything_is_sent(new_receiver: Receivers, tmp_path: Path) -> None:
    authority = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_text(authority.pem)
    good = new_receiver(tls=server_context(authority.issue()))
    bad = new_receiver(tls=server_context(expired(authority)))

    async with beating(spec(good.url, "good", ca=str(ca)), spec(bad.url, ca=str(ca))) as beats:
        await until(lambda: len(good.got) >= 1 and beats.failed("tls") >= 1, "one is trusted, one is not")

    assert bad.got == []


async def test_a_url_that_cannot_be_had_is_said_and_read_again(
    outside: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with beating(spec(SecretReference("env", "PING_URL"))) as beats:
            await until(lambda: beats.failed("local") >= 2, "it fails")
            monkeypatch.setenv("PING_URL", outside.url)
            await until(lambda: len(outside.got) >= 1, "it is pinged")

    assert lines[0]["why"] == "env:PING_URL: the environment variable PING_URL is not set"
    assert "opaque" not in str(lines)


async def test_a_reload_begins_new_ones_ends_others_and_leaves_the_rest_alone(new_receiver: Receivers) -> None:
    stays, goes, comes = new_receiver(), new_receiver(), new_receiver()

    async with beating(spec(stays.url), spec(goes.url, "goes")) as beats:
        await until(lambda: bool(stays.got and goes.got), "both are pinged")
        beats.heartbeats.use(estate(spec(stays.url), spec(comes.url, "comes")))
        await until(lambda: bool(comes.got), "the new one is pinged")
        gone, stayed = len(goes.got), len(stays.got)
        await until(lambda: len(stays.got) >= stayed + 5, "the other one is pinged on")

        assert len(goes.got) <= gone + 1, "what was under way may have come"


async def test_the_end_of_the_agent_sends_nothing(outside: Receiver) -> None:
    async with beating(spec(outside.url, every=1_000.0)):
        await until(lambda: len(outside.got) == 1, "it is pinged")

    assert len(outside.got) == 1
