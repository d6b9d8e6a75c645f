"""A throw-away Request Tracker 5 on SQLite and a free port of loopback, from Debian's packages; any user may run it.

`RequestTracker.start(home)` takes three to six seconds; `reset()` takes every ticket away in some 20 ms while the
server keeps running. With its own configuration file named in the environment, RT never reads /etc/request-tracker5.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from testbeds import peers

_HERE = Path(__file__).parent / "request_tracker"
_RT = Path("/usr/share/request-tracker5")
QUEUES = ("dacorum", "aylesbury-vale", "shared")


@dataclass
class RequestTracker:
    """A running desk. `tokens` holds those of `ridgeway`, `analyst` and `onlooker`."""

    home: Path
    port: int
    tokens: Mapping[str, str]
    environment: Mapping[str, str]
    server: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def start(cls, home: Path, workers: int = 4) -> RequestTracker:
        """Make the database, queues, fields, people and tokens, and start the server; returns once it answers."""
        set_up = peers.need("rt-setup-database-5")
        port = peers.free_port()
        for folder in ("mason", "session", "conf.d"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "RT_SITE_CONFIG": str(_HERE / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(home / "conf.d"),
            "TESTBED_HOME": str(home),
            "TESTBED_PORT": str(port),
            "TESTBED_QUEUES": ",".join(QUEUES),
        }
        _run([str(set_up), "--action", "init", "--force"], environment)
        lines = _run(["perl", f"-I{_RT}/lib", str(_HERE / "people.pl")], environment).splitlines()
        tokens = dict(line.split("=", 1) for line in lines if "=" in line)
        command = [
            str(_RT / "libexec/rt-server"),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--max-workers",
            str(workers),
        ]
        with (home / "server.log").open("ab") as log:
            # Its own process group: the end reaches the server's workers and nothing else.
            server = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        desk = cls(home, port, tokens, environment, server)
        try:
            peers.wait_until(desk.answers, f"Request Tracker answers; its log is {home}/server.log", 30)
        except BaseException:
            desk.stop()
            raise
        _copy_database(home / "rt.sqlite3", home / "empty.sqlite3")
        return desk

    def answers(self) -> bool:
        """Whether the whole stack down to the database replies: without a token that is a 401."""
        try:
            return requests.get(f"{self.url}/REST/2.0/rt", timeout=5).status_code == 401
        except requests.RequestException:
            return False

    def reset(self) -> None:
        """Forget every ticket; the server keeps running and ticket numbers begin again."""
        _copy_database(self.home / "empty.sqlite3", self.home / "rt.sqlite3")

    def stop(self) -> None:
        """End the server and its workers. TERM, because on INT as root RT changes the owner of the system's files."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.server.pid, number)
            except ProcessLookupError:
                break
            try:
                self.server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue

    def tickets(self, key: str | None = None) -> Sequence[Mapping[str, str]]:
        """Tickets counted in the desk's own database, past every API: id, key, status. Merged ones are not counted."""
        query = (
            "SELECT t.id, v.Content AS key, t.Status AS status FROM Tickets t"
            " LEFT JOIN ObjectCustomFieldValues v"
            " ON v.ObjectId = t.id AND v.ObjectType = 'RT::Ticket' AND v.Disabled = 0"
            " AND v.CustomField = (SELECT id FROM CustomFields WHERE Name = 'Ridgeway Incident')"
            " WHERE t.EffectiveId = t.id AND t.Type = 'ticket' ORDER BY t.id"
        )
        with _database(self.home / "rt.sqlite3") as connection:
            rows = [
                {"id": str(row[0]), "key": row[1] or "", "status": row[2]}
                for row in connection.execute(query).fetchall()
            ]
        return [row for row in rows if key is None or row["key"] == key]

    def subjects(self, ticket: str, subject: str) -> int:
        """How many texts of this ticket's history have this subject, counted in the desk's own database."""
        query = (
            "SELECT count(*) FROM Attachments a JOIN Transactions x ON x.id = a.TransactionId"
            " WHERE x.ObjectType = 'RT::Ticket' AND x.ObjectId = ? AND a.Subject = ?"
        )
        with _database(self.home / "rt.sqlite3") as connection:
            count: int = connection.execute(query, (int(ticket), subject)).fetchone()[0]
        return count

    def call(self, method: str, path: str, body: object = None, person: str = "analyst") -> requests.Response:
        """One REST call by somebody else than the agent."""
        headers = {"Authorization": f"token {self.tokens[person]}"}
        return requests.request(method, f"{self.url}/REST/2.0{path}", json=body, headers=headers, timeout=20)


@pytest.fixture(scope="session")
def running_rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """One Request Tracker for all tests of a folder; import it into that folder's conftest."""
    desk = RequestTracker.start(tmp_path_factory.mktemp("rt"))
    try:
        yield desk
    finally:
        desk.stop()


@pytest.fixture
def rt(running_rt: RequestTracker, monkeypatch: pytest.MonkeyPatch) -> RequestTracker:
    """An empty Request Tracker; the agent's token is in the environment variable RT_TOKEN."""
    running_rt.reset()
    monkeypatch.setenv("RT_TOKEN", running_rt.tokens["ridgeway"])
    return running_rt


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    if done.returncode != 0:
        pytest.fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's own online backup: it takes its locks, so the server may be running."""
    end = time.monotonic() + 20
    while True:
        with _database(source) as old, _database(target) as new:
            try:
                old.backup(new)
                return
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
