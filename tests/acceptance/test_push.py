"""Pings of backup jobs to a real agent: kept before they are answered, judged by the rules, and no key in anything."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from testbeds.agent import RIDGEWAY, Agent
from testbeds.certificates import Authority
from testbeds.peers import wait_until
from testbeds.pushing import KEY, OTHER_KEY, PushAgent
from tests.acceptance.test_full_disk import fill, small_disk

pytestmark = pytest.mark.acceptance


@pytest.fixture
def pushed(new_agent: Callable[..., Agent]) -> PushAgent:
    return PushAgent(new_agent())


def test_what_was_answered_outlives_a_kill_and_is_judged(pushed: PushAgent) -> None:
    pushed.agent.start()
    begun = pushed.ping("/start?rid=a")
    ended = pushed.ping("?rid=a&bytes=123456789&files=17", method="POST", data=b"42 files\nall done\n")
    answered: list[str] = []
    enough = threading.Event()

    def ping(job: int) -> None:
        for number in range(30):
            rid = f"{job}-{number}"
            try:
                if pushed.ping(f"/log?rid={rid}", KEY if job % 2 else OTHER_KEY).status_code == 200:
                    answered.append(rid)
            except requests.RequestException:
                return
            if len(answered) > 30:
                enough.set()

    threads = [threading.Thread(target=ping, args=(job,)) for job in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(30)
    pushed.agent.kill()
    for thread in threads:
        thread.join(20)
    pushed.agent.start()

    kept = {rid for job in ("backups/ben", "backups/planning") for _, _, rid in pushed.kept(job)}
    assert set(answered) - kept == set()
    assert (begun.status_code, begun.text, ended.status_code) == (200, "OK\n", 200)
    assert pushed.kept()[:2] == [("start", None, "a"), ("success", None, "a")]
    wait_until(lambda: pushed.said()[0] == "ok", "the run counts as a restore point")
    of_ben = {"object": "ben", "job_name": "ben"}
    wait_until(lambda: pushed.agent.metric("ridgeway_backup_last_run_bytes", **of_ben) == 123456789, "its size is told")


def test_runs_that_the_agent_could_not_be_told_are_told_later_in_their_order_and_as_of_their_time(
    pushed: PushAgent,
) -> None:
    first = pushed.wrapped("sh", "-c", "echo one; exit 3")
    second = pushed.wrapped("true")
    waiting = pushed.waiting()
    pushed.agent.start()

    replayed = subprocess.run([RIDGEWAY, "backup", "replay", "--spool", str(pushed.spool)], timeout=60, check=False)
    third = pushed.wrapped("false")

    assert (first.returncode, second.returncode, replayed.returncode, third.returncode) == (3, 0, 0, 1)
    assert "Connection refused" in first.stderr.decode()
    assert len(waiting) == 4
    assert pushed.waiting() == []
    told = [(sign, code) for sign, code, _ in pushed.kept()]
    assert told == [("start", None), ("exit", 3), ("start", None), ("exit", 0), ("start", None), ("exit", 1)]
    assert all(late > 0.05 for late in pushed.lateness()[:4])
    wait_until(lambda: "exit status 1" in pushed.said()[1], "the last run is judged")


def test_a_full_disk_refuses_pings_and_loses_none_of_a_wrapped_backup(
    new_agent: Callable[..., Agent], tmp_path: Path
) -> None:
    agent = new_agent()
    pushed = PushAgent(agent)
    with small_disk(tmp_path / "disk") as disk:
        agent.ledger = str(disk / "ledger.sqlite3")
        agent.start()
        filler = fill(disk)
        wait_until(lambda: pushed.ping("/log", OTHER_KEY).status_code == 503, "pings are refused")

        refused = pushed.ping()
        wrapped = pushed.wrapped("sh", "-c", "exit 9")
        waiting = len(pushed.waiting())
        filler.unlink()
        wait_until(lambda: agent.metric("ridgeway_ledger_healthy") == 1, "the ledger can be written again")
        replayed = subprocess.run([RIDGEWAY, "backup", "replay", "--spool", str(pushed.spool)], timeout=60, check=False)

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert (wrapped.returncode, waiting) == (9, 2)
        assert "answers 503" in wrapped.stderr.decode()
        assert replayed.returncode == 0
        assert [(sign, code) for sign, code, _ in pushed.kept()][-2:] == [("start", None), ("exit", 9)]
        agent.stop()


def test_a_backup_server_is_told_over_tls_and_refuses_another_authority(pushed: PushAgent, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path)
    key.chmod(0o600)
    web = tmp_path / "web.yml"
    web.write_text(f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n")
    (tmp_path / "ours.pem").write_text(authority.pem)
    (tmp_path / "theirs.pem").write_text(Authority("another").pem)
    pushed.agent.options = (*pushed.agent.options, "--push.config.file", str(web))
    pushed.agent.start()
    https = pushed.url.replace("http:", "https:")

    trusting = pushed.wrapped("true", options=("--url", https, "--ca", str(tmp_path / "ours.pem")))
    doubting = pushed.wrapped("true", options=("--url", https, "--ca", str(tmp_path / "theirs.pem")))

    assert (trusting.returncode, trusting.stderr) == (0, b"")
    assert doubting.returncode == 0
    assert "certificate verify failed" in doubting.stderr.decode()
    assert [sign for sign, _, _ in pushed.kept()] == ["start", "exit"]


def test_no_key_stands_in_anything_that_the_agent_writes_or_answers(pushed: PushAgent) -> None:
    """Known keys, and one that somebody tries: it may be the key of another agent."""
    stranger = "strangerstranger0000"
    keys = (KEY, OTHER_KEY, stranger)
    pushed.agent.start()
    for said in ("", "/start", "/fail", "/log", "/7", "/nonsense", "?rid=%00", f"?rid={KEY}"):
        for key in keys:
            pushed.ping(said, key, method="POST", data=f"ping {pushed.url}/ping/{key} password={key}\n{key}".encode())
    refused = [pushed.ping(key=stranger, method=method).text for method in ("GET", "PUT", "TRACE")]
    wait_until(lambda: "its last run failed" in pushed.said()[1], "the pings are judged")

    pages = [pushed.agent.page(path) for path in ("/metrics", "/", "/targets/backups", "/api/v1/targets/backups")]
    told = pushed.agent.run("explain", "backups/backup") + pushed.agent.run("events", "--json", status=None)
    pushed.agent.stop()

    files = [path for path in pushed.agent.home.rglob("*") if path.is_file() and path.name != "key"]
    written = {path.name: path.read_bytes() for path in files}
    assert "agent.log" in written and "ledger.sqlite3" in written
    assert [name for name, octets in written.items() for key in keys if key.encode() in octets] == []
    assert [key for text in (*pages, told, *refused) for key in keys if key in text] == []
    assert b"a key that nobody has" in written["agent.log"]
