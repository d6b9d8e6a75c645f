"""Garbage, giants and dawdlers at the agent's two doors: it goes on probing, and answers those who ask properly."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.small_estates import one_service

pytestmark = pytest.mark.acceptance

VERBS = ("incidents", "incident", "acknowledge", "maintenance-add", "maintenance-list", "maintenance-end", "explain")
ODD = (
    b"GET /targets/" + b"%00" * 2_000 + b" HTTP/1.1",
    b"GET /targets/..%2f..%2fetc%2fpasswd HTTP/1.1",
    b"GET /static/../server.py HTTP/1.1",
    b"GET /runbooks/%2e%2e%2f%2e%2e%2fpyproject.toml HTTP/1.1",
    b"GET /incidents/%F0%9F%92%A9%ED%A0%80 HTTP/1.1",
    b"GET /incidents/' OR 1=1 -- HTTP/1.1",
    b"GET /api/v1/incidents?state=" + b"a" * 10_000 + b" HTTP/1.1",
    b"POST /metrics HTTP/1.1",
    b"BREW / HTTP/1.1",
    b"GET http://attacker.example/ HTTP/1.1",
    b"GET * HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
CROWD = 250
"""More than the connections the web server lets in."""


@pytest.fixture
def agent(new_agent: Callable[..., Agent], service: Service) -> Agent:
    made = new_agent()
    made.write(one_service(service.port))
    made.start()
    return made


def _alive(agent: Agent) -> None:
    """It probes, and both doors answer."""
    runs = agent.runs("tcp")
    wait_until(lambda: agent.runs("tcp") > runs + 1, "it goes on probing")
    assert "web" in agent.run("explain", "web")


def test_no_question_at_the_control_socket_does_harm(agent: Agent) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    deep = b"[" * 30_000 + b"]" * 30_000
    bodies = [
        b"", b"null", b"[]", b"{", b"\xff\xfe\x00", b"1e999", b'"' + b"a" * 60_000 + b'"',
        deep, b'{"id": ' + deep + b"}",
        b'{"id": "\\ud800"}', b'{"id": "\\u0000"}', b'{"state": "live", "limit": 99999999999999999999}',
        b'{"state": "no such state", "limit": 5}', b'{"target": "web", "check": "' + b"x" * 50_000 + b'"}',
        b'{"selector": {"targets": ["' + b"*" * 90 + b'"]}, "start": 1e308, "end": -1e308, "reason": "r", "by": "b"}',
        b'{"selector": {"targets": ["web"]}, "start": NaN, "end": Infinity, "reason": "r", "by": "b"}',
        b'{"selector": {}, "start": 0, "end": 9e15, "reason": "\\u202e", "by": "\\r\\nX"}',
        b'{"id": "RWY-1", "by": "b", "comment": "c", "seconds": 1e308}',
        b'{"id": "RWY-1", "by": "b", "comment": "c", "seconds": NaN}',
        *(chance.randbytes(chance.randrange(2_000)) for _ in range(40)),
    ]  # fmt: skip

    statuses = {_status(agent.ask(verb, body)) for verb in VERBS for body in bodies}

    assert 500 not in statuses and statuses <= {200, 400, 404, 409, 413, 422}
    _alive(agent)
    assert "Traceback" not in agent.log.read_text()


def test_giants_and_noise_at_the_control_socket_are_hung_up_on(agent: Agent) -> None:
    chance = random.Random(7)
    noises = [chance.randbytes(4_000), b"GET / HTTP/9.9\r\n\r\n", b"A" * 300_000, b"\r\n" * 10_000]
    for noise in noises:
        with _line(agent) as line:
            _push(line, noise)
    with _line(agent) as line:
        _push(
            line, b"POST /control/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 5_000_000
        )
    with _line(agent) as line:
        endless = b"POST /control/incidents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        _push(line, endless + b"10000\r\n" + b"y" * 65_536 + b"\r\n" + b"10000\r\n" + b"y" * 65_536 + b"\r\n")

    _alive(agent)
    assert "Traceback" not in agent.log.read_text()


@pytest.mark.parametrize("manner", ["silent", "slow"])
def test_a_crowd_that_says_nothing_or_too_little_keeps_nobody_out(agent: Agent, manner: str) -> None:
    with ExitStack() as crowd:
        connections = [crowd.enter_context(_web(agent)) for _ in range(CROWD)]
        for number in range(3):
            for connection in connections if manner == "slow" else ():
                _push(connection, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: " if number == 0 else b"z")
            began = time.monotonic()
            answer = requests.get(f"{agent.url}/metrics", timeout=10)
            assert answer.status_code == 200, f"round {number}: {answer.status_code} {answer.text[:200]}"
            assert time.monotonic() - began < 8
        _alive(agent)

    assert json.loads(agent.page("/api/v1/incidents"))["incidents"] == []


def test_odd_requests_get_a_plain_no(agent: Agent) -> None:
    answers = {}
    for request_line in ODD:
        with _web(agent) as connection:
            _push(connection, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answers[request_line] = connection.recv(65_536)

    assert {line: answer[:200] for line, answer in answers.items() if not answer.startswith(b"HTTP/1.1 4")} == {}
    assert not any(b"root:" in answer or b"[project]" in answer for answer in answers.values())
    assert "Traceback" not in agent.log.read_text()


@contextmanager
def _line(agent: Agent) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(10)
        line.connect(str(agent.control))
        yield line


@contextmanager
def _web(agent: Agent) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as connection:
        yield connection


def _push(connection: socket.socket, what: bytes) -> None:
    """Send as much as the other side takes; it may hang up in the middle."""
    try:
        connection.sendall(what)
    except OSError:
        return


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
