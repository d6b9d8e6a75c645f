"""A real agent and tokens of a real estate: each reader sees and does what is theirs, until the token is taken away."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from testbeds.agent import Agent
from testbeds.peers import free_port, wait_until

pytestmark = pytest.mark.acceptance

OURS, THEIRS, EVERYTHING = "a-token-of-dacorum-0001", "a-token-of-aylesbury-02", "a-token-of-both-000003"
ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}, aylesbury-vale: {{title: Aylesbury Vale}}}}
sites: {{forum: {{council: dacorum}}, gateway: {{council: aylesbury-vale}}}}
vantages: {{here: {{site: forum}}}}
defaults: {{every: 1s, timeout: 500ms, open_after: 2 of 2, clear_after: 2 of 2}}
targets:
  forum-web: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {dead}}}}}]}}
  gatehouse-web: {{address: 127.0.0.1, site: gateway, checks: [{{tcp: {{port: {dead}}}}}]}}
access:
  tokens:
    all: {{token: "env:TOKEN_ALL", councils: all, may: act}}
    theirs: {{token: "env:TOKEN_THEIRS", councils: [aylesbury-vale]}}
    {more}
"""
WITH_OURS = 'ours: {token: "env:TOKEN_OURS", councils: [dacorum], may: act}'


class Reader:
    """Asks the agent with one token."""

    def __init__(self, agent: Agent, token: str) -> None:
        self._agent = agent
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(f"{self._agent.url}{path}", headers=self.headers, timeout=20, **more)

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(f"{self._agent.url}{path}", headers=self.headers, json=body, timeout=20)

    def subjects(self) -> set[str]:
        return {row["subject"] for row in self.get("/api/v1/incidents?state=open").json()["incidents"]}


@pytest.fixture
def agent(new_agent: Callable[..., Agent]) -> Iterator[tuple[Agent, str]]:
    dead = str(free_port())
    agent = new_agent(
        environment={"TOKEN_ALL": EVERYTHING, "TOKEN_THEIRS": THEIRS, "TOKEN_OURS": OURS},
        headers={"Authorization": f"Bearer {EVERYTHING}"},
    )
    agent.write(ESTATE.format(dead=dead, more=WITH_OURS))
    agent.start()
    wait_until(lambda: len(Reader(agent, EVERYTHING).subjects()) == 2, "both councils have their incident", 30)
    yield agent, dead


def test_each_token_shows_and_does_what_is_its_councils_and_nothing_else(agent: tuple[Agent, str]) -> None:
    running, _ = agent
    ours, theirs, everything = (Reader(running, token) for token in (OURS, THEIRS, EVERYTHING))
    rows = {row["subject"]: row["id"] for row in everything.get("/api/v1/incidents").json()["incidents"]}
    taken = {"comment": "on my way", "seconds": 3600}

    acts = [
        ours.post(f"/api/v1/incidents/{rows['forum-web']}/acknowledge", taken),
        ours.post(f"/api/v1/incidents/{rows['gatehouse-web']}/acknowledge", taken),
        theirs.post(f"/api/v1/incidents/{rows['gatehouse-web']}/acknowledge", taken),
        requests.post(f"{running.url}/api/v1/incidents/{rows['forum-web']}/acknowledge", json=taken, timeout=20),
        ours.post("/-/reload", {}),
    ]

    assert [answer.status_code for answer in acts] == [200, 404, 403, 401, 403]
    assert [(actor, action) for _, actor, action, *_ in running.audit()] == [("token:ours", "acknowledge")]
    assert ours.subjects() == {"forum-web"} and theirs.subjects() == {"gatehouse-web"}
    for path in ("/", "/incidents", "/targets", "/metrics", "/api/v1/events", "/api/v1/sd", "/api/v1/feed.atom"):
        mine, other = ours.get(path).text, theirs.get(path).text
        assert "forum-web" in mine and "gatehouse-web" not in mine, path
        assert "gatehouse-web" in other and "forum-web" not in other, path
        assert requests.get(f"{running.url}{path}", timeout=20).status_code == 401


def test_a_token_that_a_reload_takes_away_ends_its_stream_and_lets_nobody_in(agent: tuple[Agent, str]) -> None:
    running, dead = agent
    ours, everything = Reader(running, OURS), Reader(running, EVERYTHING)
    stream = ours.get("/api/v1/events/stream", stream=True)
    before = [running.runs("tcp"), sorted(row["state"] for row in running.incidents())]

    running.write(ESTATE.format(dead=dead, more="{}").replace("    {}\n", ""))
    assert running.process is not None
    running.process.send_signal(signal.SIGHUP)

    wait_until(lambda: ours.get("/api/v1/incidents").status_code == 401, "the token lets nobody in any more", 30)
    told = b"".join(stream.iter_content(None))  # ends, or the time-out of this request would
    assert stream.status_code == 200 and told.startswith(b"retry:")
    assert everything.subjects() == {"forum-web", "gatehouse-web"}
    assert sorted(row["state"] for row in running.incidents()) == before[1]
    wait_until(lambda: running.runs("tcp") > before[0], "checks go on", 30)
