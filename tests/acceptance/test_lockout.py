"""A password changes while the agent runs: the directory sees two tries, the desk one cause, mending it is enough."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from testbeds.agent import Agent
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance
DEVICES = 12


class Devices:
    """Devices behind one port that all ask the same directory whether a password is right."""

    def __init__(self) -> None:
        self.password = "spring"
        self.refused = self.accepted = 0
        devices = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told = base64.b64decode((self.headers["Authorization"] or "Basic ").removeprefix("Basic ")).decode()
                right = told == f"reader:{devices.password}"
                devices.accepted += right
                devices.refused += not right
                self.send_response(200 if right else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def devices() -> Iterator[Devices]:
    found = Devices()
    yield found
    found.close()


def estate(port: int, secret: str) -> str:
    rules = "every: 1s, timeout: 900ms, open_after: 1 of 1, clear_after: 1 of 1, hold_down: 0s"
    targets = "\n".join(
        f'  nas-{n}: {{address: 127.0.0.1, site: forum, checks: [{{http: {{url: "http://:{port}/", {rules}}}}}]}}'
        for n in range(DEVICES)
    )
    return f"""
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{reader: {{kind: password, user: reader, password: "file:{secret}"}}}}
defaults: {{credentials: {{http: reader}}}}
targets:
{targets}
"""


def test_a_changed_password_is_tried_twice_over_all_devices_and_is_one_incident_that_ends_when_it_is_mended(
    new_agent: Callable[..., Agent], devices: Devices
) -> None:
    agent = new_agent()
    secret = agent.home / "reader"
    secret.write_text("spring")
    secret.chmod(0o600)
    agent.write(estate(devices.port, str(secret)))
    agent.start()
    wait_until(lambda: devices.accepted >= 2 * DEVICES, "everything is read")

    devices.password = "summer"
    runs = agent.runs("http")
    wait_until(lambda: agent.runs("http") > runs + 3 * DEVICES, "every check was due since")

    assert devices.refused == 2
    assert agent.causes("open") == [("reader", "credential/refused")]
    assert {row["credential"] for row in json.loads(agent.run("credentials", "list", "--json"))["refusals"]} == {
        "reader"
    }
    assert agent.metric("ridgeway_credential_refusals", credential="reader") == 2

    agent.stop()
    agent.start()
    runs = agent.runs("http")
    wait_until(lambda: agent.runs("http") > runs + 2 * DEVICES, "every check was due again after the restart")
    assert devices.refused == 2

    secret.write_text("summer")
    agent.run("credentials", "retry", "reader", "--by", "jo")
    wait_until(lambda: agent.causes("open", "recovering") == [], "it is over")

    assert devices.refused == 2
    assert agent.causes() == [("reader", "credential/refused")]
    assert "No credential is refused." in agent.run("credentials", "list")
    assert "nobody refused" in agent.run("credentials", "retry", "reader", status=None)


def test_commands_by_hand_count_their_refusals_together_and_with_those_of_the_agent(
    new_agent: Callable[..., Agent], devices: Devices
) -> None:
    agent = new_agent()
    agent.environment = {**agent.environment, "XDG_STATE_HOME": str(agent.home / "state")}
    secret = agent.home / "reader"
    secret.write_text("winter")
    secret.chmod(0o600)
    agent.write(estate(devices.port, str(secret)))

    said = [agent.run("check", f"nas-{n}", status=3) for n in range(4)]
    agent.run("validate", "--contact", status=None)

    assert devices.refused == 2
    assert "(401" in said[0] and "(401" in said[1]
    assert all("was not asked: the credential reader was refused" in each for each in said[2:])

    secret.write_text("spring")
    assert "reader is tried again" in agent.run("credentials", "retry", "reader")
    agent.run("check", "nas-3", status=0)
    assert devices.refused == 2
