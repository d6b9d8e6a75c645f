"""`ridgeway record` and `ridgeway replay`: a real agent is recorded, and the recording says what the agent said."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import answer
from testbeds.snmpd import AUTH_PASSWORD, PRIVACY_PASSWORD, Snmpd, running

ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials:
  reader: {{kind: snmp-v2c, community: "env:TEST_COMMUNITY"}}
  signed:
    kind: snmp-v3
    user: sha256aes256
    auth: {{protocol: sha256, password: "env:TEST_AUTH"}}
    privacy: {{protocol: aes256, password: "env:TEST_PRIVACY"}}
targets:
  host-hemel:
    address: 127.0.0.1
    site: forum
    credentials: {{snmp: signed}}
    checks:
      health: {{kind: snmp, profile: net-snmp-host, port: {port}}}
      ports: {{kind: snmp, profile: interfaces, port: {port}, rows: {{interface: [lo, wan9]}}}}
      web: {{kind: tcp, port: {closed}}}
  mute:
    address: 127.0.0.1
    site: forum
    credentials: {{snmp: reader}}
    checks: {{health: {{kind: snmp, profile: generic, port: {closed}}}}}
  bare: {{address: 127.0.0.1, site: forum, checks: {{web: {{kind: tcp, port: {closed}}}}}}}
"""


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    with running() as agent:
        yield agent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snmpd: Snmpd) -> Iterator[Path]:
    """A directory with an estate in it, and secrets in the environment; a UDP and TCP port that answer nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        (tmp_path / "estate.yaml").write_text(ESTATE.format(port=snmpd.port, closed=mute.getsockname()[1]))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RIDGEWAY_CONFIG_FILE", str(tmp_path / "estate.yaml"))
        monkeypatch.setenv("TEST_COMMUNITY", "public")
        monkeypatch.setenv("TEST_AUTH", AUTH_PASSWORD)
        monkeypatch.setenv("TEST_PRIVACY", PRIVACY_PASSWORD)
        yield tmp_path


def findings(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        check["check"]: {finding["key"]: finding["state"] for finding in check["findings"]}
        for check in report["checks"]
    }


@pytest.mark.acceptance
def test_a_replay_says_what_the_check_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = answer(["record", "host-hemel", "--json"])
    told = json.loads(capsys.readouterr().out)
    lived = answer(["check", "host-hemel", "--json"])
    live = json.loads(capsys.readouterr().out)
    replayed = answer(["replay", "host-hemel.snmprec", "--json"])
    replay = json.loads(capsys.readouterr().out)

    assert recorded == 0 and told["checks"] == ["health", "ports"] and told["cut"] == {}
    assert lived == replayed == 2  # wan9 is not there
    assert (replay["target"], replay["council"], replay["site"]) == ("host-hemel.snmprec", None, None)
    assert findings(replay) == {name: said for name, said in findings(live).items() if name != "web"}
    assert findings(replay)["ports"]["interface/wan9"] == "critical"
    assert replay["checks"][0].keys() == live["checks"][0].keys()


@pytest.mark.acceptance
def test_no_secret_and_no_name_is_in_the_file_and_only_its_owner_may_read_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not all of mib-2: how many packages and connections there are is this machine's affair, and may pass the limit.
    walks = ["1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.4.20", "1.3.6.1.2.1.25.4", "1.3.6.1.4.1.8072"]
    assert answer(["record", "host-hemel", *(word for walk in walks for word in ("--walk", walk))]) == 0

    file = home / "host-hemel.snmprec"
    text = file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    for word in (AUTH_PASSWORD, PRIVACY_PASSWORD, "sha256aes256", socket.gethostname(), "host-hemel"):
        assert re.search(rf"\b{re.escape(word)}\b", text) is None
        assert len(word) < 4 or word.encode().hex() not in text
    assert "1.3.6.1.2.1.25.4.2.1.5." not in text
    assert "Masked: " in capsys.readouterr().out


@pytest.mark.acceptance
def test_a_recording_that_was_cut_short_says_so_and_is_never_green(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = answer(["record", "host-hemel/health", "--most", "20", "-o", "few.snmprec"])
    said = capsys.readouterr().out
    replayed = answer(["replay", "few.snmprec", "--json"])

    assert recorded == 1 and "Not read to its end: " in said
    assert replayed == 3
    assert findings(json.loads(capsys.readouterr().out))["health"]["snmp/limit"] == "unknown"


@pytest.mark.acceptance
def test_a_recording_read_with_a_profile_it_was_not_taken_for_is_not_taken_for_healthy(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(["record", "host-hemel/health"])

    replayed = answer(["replay", "host-hemel-health.snmprec", "--profile", "network/ups", "--json"])

    capsys.readouterr()
    assert replayed == 3


@pytest.mark.acceptance
def test_an_observation_of_any_kind_is_recorded_and_judged_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for subject, status in (("host-hemel/web", 2), ("host-hemel/ports", 2), ("host-hemel/health", 0)):
        file = f"{subject.replace('/', '-')}.json"

        assert answer(["record", subject, "--observation"]) == 0
        assert answer(["replay", file]) == status
        assert "host-hemel" not in Path(file).read_text()
    capsys.readouterr()


@pytest.mark.acceptance
def test_both_engines_give_the_check_the_same_findings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = []
    for engine in ("gufo-snmp", "pysnmp"):
        answer(["check", "host-hemel", "--snmp-engine", engine, "--json"])
        reports.append(findings(json.loads(capsys.readouterr().out)))

    assert reports[0] == reports[1] and len(reports[0]["health"]) > 5


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("record mute --seconds 1", 3, "mute answered nothing, so nothing was written"),
        ("record bare", 2, "has no credential for SNMP"),
        ("record bare --observation -o estate.yaml", 2, "estate.yaml is there already"),
        ("record host-hemel --observation", 2, "that of one check"),
        ("record host-hemel --walk ifDescr -o x", 2, "a numeric OID belongs there"),
        ("record host-hemel --walk 1.3.6.1.6.3.18 -o x", 3, "is never recorded"),
        ("record host-hemel/health -o no/such/place", 3, "name another place with --output"),
        ("record host-hemel --most 0", 2, "--most"),
        ("record nobody", 3, "No target is called 'nobody'"),
        ("replay", 3, "Missing argument"),
        ("replay nothing.snmprec", 3, "nothing.snmprec: No such file"),
        ("replay estate.yaml", 3, "it is no recording; what can be read is"),
        ("replay .", 3, "Is a directory"),
        ("replay /dev/zero", 3, "not a regular file"),
        ("replay x --at yesterday", 3, "must be"),
        ("replay bad.json", 3, "bad.json: "),
        ("replay walk.txt --profile nonsense", 3, "there is no profile 'nonsense'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_where_and_how(
    line: str, status: int, words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "bad.json").write_text('{"ridgeway-observation": 1, "observation": {"schema": 1, "kind": []}}')
    (home / "walk.txt").write_text(".1.3.6.1.2.1.1.3.0 = Timeticks: (4711) 0:00:47.11\n")
    before = sorted(home.iterdir())

    ended = answer(line.split())

    captured = capsys.readouterr()
    assert words in captured.err
    assert ended == status
    assert sorted(home.iterdir()) == before


def test_the_text_of_snmpwalk_is_judged_at_the_time_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = tmp_path / "walk.txt"
    walk.write_text(".1.3.6.1.2.1.1.3.0 = Timeticks: (360000) 1:00:00.00\n")

    ended = answer(["replay", str(walk), "--at", "2026-11-23T12:00:00+00:00", "--json"])

    captured = capsys.readouterr()
    readings = json.loads(captured.out)["checks"][0]["readings"]
    assert ended == 0 and "read with generic" in captured.err
    assert readings[0] == {"name": "ridgeway_boot_timestamp_seconds", "labels": {}, "value": 1_795_431_600.0}


def test_several_recordings_are_a_list_and_the_worst_of_them_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.snmprec", tmp_path / "bad.snmprec"
    good.write_text("1.3.6.1.2.1.1.3.0|67|4711\n")
    bad.write_text("1.3.6.1.2.1.1.1.0|4|no uptime\nnonsense\n")

    ended = answer(["replay", str(good), str(bad), "--json"])

    captured = capsys.readouterr()
    assert ended == 3
    assert [report["target"] for report in json.loads(captured.out)] == ["good.snmprec", "bad.snmprec"]
    assert "bad.snmprec: passed over line 2: not of the form OID|type|value" in captured.err
