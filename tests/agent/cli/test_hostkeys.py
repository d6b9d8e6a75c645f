"""`ridgeway hostkeys scan`, on a real sshd and on what is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import answer
from testbeds import sshd
from testbeds.peers import free_port
from testbeds.raw_ssh import VERSION, kexinit, speaking
from testbeds.sshd import USER, Sshd

ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
targets:
  new: {{address: 127.0.0.1, site: forum, checks: [icmp]}}
  known: {{address: 127.0.0.1, site: forum, host_keys: ["{pin}"], checks: [icmp]}}
  changed: {{address: 127.0.0.1, site: forum, host_keys: ["ssh-ed25519 SHA256:{other}"], checks: [icmp]}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with sshd.running(("ed25519", "ecdsa")) as running:
        yield running


@pytest.fixture
def estate(server: Sshd, tmp_path: Path) -> str:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE.format(pin=server.host_key(), other="A" * 43))
    return str(path)


@pytest.mark.acceptance
def test_every_key_is_shown_with_the_lines_to_approve_it(
    server: Sshd, estate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(["hostkeys", "scan", "new", "--config", estate, "--port", str(server.port)])

    shown = capsys.readouterr().out
    assert status == 0
    assert "ssh-keygen -lf" in shown
    assert "NOT APPROVED" in shown
    for kind in ("ed25519", "ecdsa"):
        assert f'  - "{server.host_key(kind)}"' in shown
    assert not re.search(rf"\b(user|for) {re.escape(USER)}\b", server.log)  # nobody tried to log in


@pytest.mark.acceptance
def test_json_says_what_is_approved_and_what_changed(
    server: Sshd, estate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(["hostkeys", "scan", "known", "changed", "--config", estate, "--json", "--port", str(server.port)])

    known, changed = json.loads(capsys.readouterr().out)
    assert status == 1
    assert [key["approved"] for key in known["keys"]] == [True, False]
    assert (known["changed"], changed["changed"]) == (False, True)
    assert changed["host_keys"] == [server.host_key("ed25519"), server.host_key("ecdsa")]


@pytest.mark.acceptance
def test_a_device_that_offers_only_sha1_is_said_so(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with speaking(VERSION, kexinit(key_exchange="diffie-hellman-group1-sha1", host_keys="ssh-rsa")) as ancient:
        status = answer(["hostkeys", "scan", "new", "--config", estate, "--port", str(ancient.port)])

    assert status == 3
    assert "offers only SHA-1" in capsys.readouterr().out


@pytest.mark.acceptance
def test_a_device_that_is_away_is_status_3(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = answer(["hostkeys", "scan", "new", "--config", estate, "--port", str(free_port())])

    assert status == 3
    assert "refused" in capsys.readouterr().out


@pytest.mark.acceptance
def test_a_target_that_is_none_is_refused_with_a_suggestion(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = answer(["hostkeys", "scan", "nev", "--config", estate])

    assert status == 1
    assert "Did you mean new?" in capsys.readouterr().err
