"""A real agent: `ridgeway run` as a process of its own, with an estate written by the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from testbeds.peers import free_port, wait_until

RIDGEWAY = str(Path(sys.executable).parent / "ridgeway")
PROFILES = {"RIDGEWAY_PROFILES": str(Path(__file__).parent / "profiles")}
"""Profiles that only tests have, such as `small-firewall`."""


class Service:
    """A TCP service on loopback that can be closed and opened again at the same port. It hangs up on everybody."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """At a free port, unless one is named."""
        self.host = host
        self._listening: socket.socket | None = None
        self._serving: threading.Thread | None = None
        self.port = port or free_port(host=host)
        self.open()

    def open(self) -> None:
        if self._listening is None:
            self._listening = socket.create_server((self.host, self.port), backlog=64)
            self._serving = threading.Thread(target=_hang_up, args=(self._listening,), daemon=True)
            self._serving.start()

    def close(self) -> None:
        if self._listening is not None and self._serving is not None:
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._serving.join(10)
            self._listening.close()
            self._listening = None


def _hang_up(listening: socket.socket) -> None:
    """Take every connection: a full backlog would look like a host that is away."""
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        client.close()


@dataclass
class Agent:
    """One agent with its estate, ledger and log in `home`. `start` and `stop` may alternate."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ledger: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What a page is asked with, where the estate wants to know who asks."""
    options: tuple[str, ...] = ()
    """More of the command line."""
    authority: Path | None = None
    """Whose certificate the agent shows, if it speaks TLS."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.home / "agent.log"

    @property
    def control(self) -> Path:
        return self.home / "control.socket"

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    def write(self, estate: str) -> None:
        """The estate file, as YAML."""
        (self.home / "estate.yaml").write_text(estate, encoding="utf-8")

    def command(self) -> list[str]:
        return [
            RIDGEWAY, "run",
            "--config.file", str(self.home / "estate.yaml"),
            "--ledger.url", self.ledger or str(self.home / "ledger.sqlite3"),
            "--control.socket", str(self.control),
            "--web.listen-address", f"127.0.0.1:{self.port}",
            "--log.format", "json", "--log.level", "debug", *self.options,
        ]  # fmt: skip

    def start(self, *, ready: bool = True) -> None:
        """Start the process; returns once it is ready, unless told not to wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env={**os.environ, **PROFILES, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if ready:
            # A request every 20 ms would take a fifteenth of a processor from the agent that starts.
            wait_until(self.is_ready, f"the agent is ready; its log is {self.log.read_text()[-2000:]}", 30, pause=0.1)

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            verify = str(self.authority) if self.authority else True
            return requests.get(f"{self.url}/-/ready", timeout=5, verify=verify).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> int:
        """SIGTERM, then wait; returns the exit status. A process that does not end is killed and -9 returned."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9
        finally:
            self.process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def page(self, path: str) -> str:
        answer = requests.get(f"{self.url}{path}", headers=self.headers, timeout=10)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def ask(self, verb: str, question: bytes) -> bytes:
        """The whole answer of the control socket to one question, head and body, as it comes."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(20)
            line.connect(str(self.control))
            head = f"POST /control/{verb} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            line.sendall(f"{head}Content-Length: {len(question)}\r\n\r\n".encode() + question)
            got = b""
            while part := line.recv(65_536):
                got += part
            return got

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of the first series of this name that has these labels; None when there is none."""
        for line in self.page("/metrics").splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and all(f'{key}="{text}"' in head for key, text in labels.items()):
                return float(value)
        return None

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """One command line against this agent; returns its standard output, and with no status asked its errors too."""
        done = subprocess.run(
            [RIDGEWAY, *arguments],
            env={**os.environ, **PROFILES, **self.environment, "RIDGEWAY_CONTROL_SOCKET": str(self.control),
                 "RIDGEWAY_LEDGER_URL": self.ledger or str(self.home / "ledger.sqlite3"),
                 "RIDGEWAY_CONFIG_FILE": str(self.home / "estate.yaml")},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert status is None or done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout if status is not None else done.stdout + done.stderr

    def known(self) -> list[dict[str, Any]]:
        """Every incident, live or over, as the pages' JSON tells it: cheap enough for a wait."""
        rows: list[dict[str, Any]] = []
        for state in ("live", "ended"):
            rows += json.loads(self.page(f"/api/v1/incidents?state={state}"))["incidents"]
        return rows

    def causes(self, *states: str) -> list[tuple[str, str]]:
        """Subject and condition of every incident in one of these states, sorted; of all without a state."""
        return sorted(
            (row["subject"], row["condition"]) for row in self.known() if not states or row["state"] in states
        )

    def events(self, incident: str) -> list[str]:
        """The kinds of everything in an incident's timeline."""
        return [event["kind"] for event in json.loads(self.run("incidents", "show", incident, "--json"))["events"]]

    def runs(self, kind: str) -> float:
        """How many checks of this kind have ended."""
        return self.metric("ridgeway_check_runs_total", kind=kind) or 0

    def audit(self) -> list[tuple[object, ...]]:
        """Rows of the audit, oldest first: when, who, what, on what, and the rest as JSON."""
        with sqlite3.connect(f"file:{self.home / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=5) as ledger:
            rows = ledger.execute("SELECT at, actor, action, subject, detail FROM audit ORDER BY id").fetchall()
        ledger.close()
        return rows

    def incidents(self, state: str = "all") -> list[dict[str, Any]]:
        said = self.run("incidents", "list", "--state", state, "--json", status=None)
        rows: list[dict[str, Any]] = json.loads(said[: said.rindex("}") + 1])["incidents"]
        return rows

    def states(self) -> list[str]:
        """States of all incidents, for a wait."""
        return sorted(row["state"] for row in self.known())
