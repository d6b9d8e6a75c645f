"""Mails of backup jobs to a real agent, by real senders: kept before they are answered, judged, no key in anything."""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from testbeds.agent import Agent
from testbeds.certificates import Authority
from testbeds.mailing import MailAgent, mail
from testbeds.peers import need, wait_until
from testbeds.pushing import KEY, OTHER_KEY, estate
from testbeds.sshd import USER, running
from tests.acceptance.test_full_disk import fill, small_disk

pytestmark = pytest.mark.acceptance


@pytest.fixture
def mailed(new_agent: Callable[..., Agent]) -> MailAgent:
    return MailAgent(new_agent())


def test_a_full_disk_refuses_for_now_and_what_was_answered_outlives_a_kill_and_counts_once(
    mailed: MailAgent, tmp_path: Path
) -> None:
    """Killed while mails come in. Whoever had no answer sends the same mail again, as a mail server does."""
    with small_disk(tmp_path / "disk") as disk:
        mailed.agent.ledger = str(disk / "ledger.sqlite3")
        mailed.agent.start()
        filler = fill(disk)
        wait_until(lambda: mailed.send(mail("filler"), OTHER_KEY)[0] == 451, "mails are refused for now")
        filler.unlink()
        wait_until(lambda: mailed.send(mail("filler"), OTHER_KEY)[0] == 250, "mails are taken again")
        made = {f"run {number}": mail(f"[Success] run {number}") for number in range(400)}
        answered: list[str] = []
        enough = threading.Event()

        def send(part: int) -> None:
            for subject in list(made)[part::4]:
                try:
                    if mailed.send(made[subject], OTHER_KEY if part % 2 else KEY)[0] == 250:
                        answered.append(subject)
                except (OSError, smtplib.SMTPException):
                    return
                if len(answered) > 30:
                    enough.set()

        threads = [threading.Thread(target=send, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        assert enough.wait(30)
        mailed.agent.kill()
        for thread in threads:
            thread.join(20)
        mailed.agent.start()

        kept = {subject for job in ("backups/ben", "backups/planning") for subject in mailed.subjects(job)}
        assert {f"[Success] {subject}" for subject in answered} - kept == set()
        once = mail("[Failed] the last of all", Message_ID="<last@nas>")
        assert [mailed.send(once)[0] for _ in range(2)] == [250, 250]
        wait_until(
            lambda: "its last run failed: [Failed] the last of all" in mailed.said()[1], "the last one is judged"
        )
        assert "the 1 before it" not in mailed.said()[1]
        mailed.agent.stop()


def test_a_mail_is_judged_by_rules_that_may_change_and_an_unknown_one_is_never_green(mailed: MailAgent) -> None:
    mailed.agent.start()
    mailed.send(mail("Report of NAS-FORUM", "Files: 12,345\nwritten: 1.5 GB\nnothing went wrong"))
    wait_until(lambda: "no rule of `mail` knows: Report of NAS-FORUM" in mailed.said()[1], "the mail is told of")
    before = mailed.said()[0]

    rules = {"success": ["nothing went wrong"], "figures": ["written: (?P<size>.*)", r"Files: (?P<files>\S+)"]}
    mailed.agent.write(estate({"ben": {"key": "env:KEY_BEN", "mail": rules}}))
    mailed.agent.run("reload")

    assert before != "ok"
    wait_until(lambda: mailed.said()[0] == "ok", "the same mail is a success by the new rules")
    assert mailed.agent.metric("ridgeway_backup_last_run_bytes", object="ben") == 3 * 2**29
    assert mailed.agent.metric("ridgeway_push_mails_total", outcome="taken") == 1


def test_msmtp_tells_the_agent_over_tls_and_refuses_another_authority(mailed: MailAgent, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path)
    key.chmod(0o600)
    web = tmp_path / "web.yml"
    web.write_text(f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n")
    (tmp_path / "ours.pem").write_text(authority.pem)
    (tmp_path / "theirs.pem").write_text(Authority("another").pem)
    mailed.agent.options = (*mailed.agent.options, "--push.config.file", str(web))
    mailed.agent.start()

    def msmtp(trust: str, to: str = f"ping+{KEY}@agent.example") -> subprocess.CompletedProcess[bytes]:
        told = ["--host=localhost", f"--port={mailed.smtp}", "--tls=on", "--tls-starttls=on", "--auth=off"]
        trusted = [f"--tls-trust-file={tmp_path / trust}", "--from=nas@forum.example", "--timeout=20"]
        environment = {**os.environ, "HOME": str(tmp_path)}
        command = [str(need("msmtp")), "--file=/dev/null", *told, *trusted, "--", to]
        octets = mail("[Success] Ben", "msmtp was here\n.\n").as_bytes()
        return subprocess.run(command, input=octets, env=environment, capture_output=True, timeout=60)

    trusting, doubting, stranger = msmtp("ours.pem"), msmtp("theirs.pem"), msmtp("ours.pem", "nobody@agent.example")

    assert (trusting.returncode, trusting.stderr) == (0, b"")
    assert doubting.returncode != 0
    assert b"certificate" in doubting.stderr
    assert b"550" in stranger.stderr
    assert mailed.subjects() == ["[Success] Ben"]
    wait_until(lambda: mailed.said()[0] == "ok", "the mail counts as a restore point")
    assert mailed.send(mail("[Success] by hand"), tls=ssl.create_default_context(cadata=authority.pem))[0] == 250


def test_no_key_stands_in_anything_that_the_agent_writes_or_answers(mailed: MailAgent) -> None:
    """Known keys, and one that somebody tries: it may be the key of another agent. At the loudest."""
    stranger = "strangerstranger0000"
    keys = (KEY, OTHER_KEY, stranger)
    mailed.agent.options = (*mailed.agent.options, "--log.level", "debug")
    mailed.agent.start()
    answers = []
    for key in keys:
        answers.append(mailed.send(mail(f"[Failed] of {KEY}", f"{OTHER_KEY} password={key}\nto {key}@x"), key))
        answers.append(mailed.send(b"\x00" * 50, key))
        with smtplib.SMTP("127.0.0.1", mailed.smtp, timeout=20) as client:
            client.ehlo(key)
            answers += [client.verify(key), client.docmd("EXPN", key), client.docmd(key), client.rcpt(f"{key}@x")]
            answers.append(client.docmd("RCPT TO:", f"<{'(' * 300}{key}"))
    wait_until(lambda: "its last run" in mailed.said()[1], "the mails are judged")

    pages = [mailed.agent.page(path) for path in ("/metrics", "/", "/targets/backups", "/api/v1/targets/backups")]
    told = mailed.agent.run("explain", "backups/backup") + mailed.agent.run("events", "--json", status=None)
    mailed.agent.stop()

    files = [path for path in mailed.agent.home.rglob("*") if path.is_file() and path.name != "key"]
    written = {path.name: path.read_bytes() for path in files}
    assert "agent.log" in written and "ledger.sqlite3" in written
    assert [name for name, octets in written.items() for key in keys if key.encode() in octets] == []
    assert [key for text in (*pages, told) for key in keys if key in text] == []
    assert b"a key that nobody has" in written["agent.log"]


def test_a_file_that_a_job_leaves_over_sftp_is_a_ping(mailed: MailAgent, tmp_path: Path) -> None:
    root, log = tmp_path / "drop", tmp_path / "ben.log"
    (root / "backups" / "ben").mkdir(parents=True)
    log.write_text("42 files\nall done\n")
    mailed.agent.options = (*mailed.agent.options, "--push.drop-directory", str(root))
    mailed.agent.start()
    place = f"{root}/backups/ben/n1.0"
    with running() as sshd:
        options = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path / 'known'}", "BatchMode=yes")
        told = [f"-o{option}" for option in options]
        subprocess.run(
            ["sftp", "-q", "-F/dev/null", f"-P{sshd.port}", f"-i{sshd.directory / 'user'}", *told, f"{USER}@127.0.0.1"],
            input=f"put {log} {place}.part\nrename {place}.part {place}\n".encode(),
            check=True,
            capture_output=True,
            timeout=60,
        )

    wait_until(lambda: mailed.said()[0] == "ok", "the file counts as a restore point", 60)
    assert mailed.kept() == [("exit", 0, "n1")]
    assert list((root / "backups" / "ben").iterdir()) == []
    assert mailed.agent.metric("ridgeway_push_files_total", outcome="taken") == 1
