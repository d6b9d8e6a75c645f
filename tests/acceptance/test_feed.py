"""A real agent's feed: a fault in a stream, in pages, on the command line; and a stop with open streams."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable

import pytest
import requests

from testbeds.agent import RIDGEWAY, Agent, Service
from testbeds.peers import wait_until
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, one_service

pytestmark = pytest.mark.acceptance


class Listener:
    """Follows a stream in a thread of its own."""

    def __init__(self, url: str) -> None:
        self.kinds: list[str] = []
        self.opened = threading.Event()
        self._url = url
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self) -> None:
        with requests.get(self._url, stream=True, timeout=60) as answer:
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                self.opened.set()
                if line.startswith("event: "):
                    self.kinds.append(line.removeprefix("event: ridgeway.incident.").removesuffix(".v1"))


def test_a_fault_is_told_from_its_suspicion_to_its_ticket_and_its_end(
    new_agent: Callable[..., Agent], service: Service, simulation: Simulation, request: pytest.FixtureRequest
) -> None:
    desk = simulation.desk()
    agent = new_agent()
    agent.write(one_service(service.port, desk=demo_desk(desk.url)))
    agent.start()
    listener = Listener(f"{agent.url}/api/v1/events/stream")
    assert listener.opened.wait(20)
    before = agent.metric("ridgeway_feed_sequence")
    followed = subprocess.Popen(
        [RIDGEWAY, "events", "--follow", "--json", "--after", "0", "--control.socket", agent.control],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    request.addfinalizer(followed.kill)

    service.close()
    wait_until(lambda: {"opened", "ticket"} <= set(listener.kinds), "the stream tells of the fault and its ticket")
    service.open()
    wait_until(lambda: "resolved" in listener.kinds, "the stream tells of its end")
    wait_until(lambda: agent.metric("ridgeway_feed_readers") == 1, "the reader is counted")
    told = [json.loads(line) for line in agent.run("events", "--json").splitlines()]
    assert followed.stdout is not None
    heard = [json.loads(followed.stdout.readline()) for _ in told]
    followed.kill()
    followed.communicate()
    lines = agent.run("events", "--limit", "1", status=None).splitlines()
    refused = agent.run("events", "--after", "999", status=1)
    atom = agent.page("/api/v1/feed.atom")
    assert agent.stop() == 0
    listener.thread.join(20)
    offline = [json.loads(line) for line in agent.run("events", "--json").splitlines()]

    assert before == 0 and [event["data"]["kind"] for event in told][: len(listener.kinds)] == listener.kinds
    assert heard == told and offline[: len(told)] == told
    assert {event["source"] for event in told} == {"urn:ridgeway:test"} == {event["source"] for event in offline}
    assert lines[0].endswith(told[0]["data"]["text"]) and lines[1].endswith(f"go on with --after {told[0]['id']}")
    assert refused == "" and not listener.thread.is_alive()
    assert f"{agent.url}/incidents/{told[0]['subject']}" in atom
