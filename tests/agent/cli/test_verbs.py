"""Every verb as a person types it, well and wrongly: exit status, and words that say what, where and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli import answer, options

ESTATE = """
estate: {name: test, vantage: here}
councils: {dacorum: {title: Dacorum}}
sites: {forum: {council: dacorum}}
vantages: {here: {site: forum}}
targets: {web: {address: 127.0.0.1, site: forum, checks: [{tcp: {port: 9}}]}}
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No agent, no ledger and no estate but what the test makes."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "RIDGEWAY_CONFIG_FILE", "RIDGEWAY_CONTROL_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("RIDGEWAY_LEDGER_URL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(options, "_SYSTEM_RUNTIME", tmp_path / "run")
    monkeypatch.setattr(options, "_SYSTEM_STATE", tmp_path / "var")
    return tmp_path


@pytest.fixture
def estate(tmp_path: Path) -> str:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return str(path)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("nonsense", 2, "No such command 'nonsense'"),
        ("run --nosuch", 2, "--nosuch"),
        ("run --config {estate} --vantage there", 2, "the estate has no vantage 'there'; it has here"),
        ("run --config {estate} --web.listen-address 127.0.0.1", 2, "write 127.0.0.1:10190 or [::1]:10190"),
        ("run --config {estate} --web.listen-address 0.0.0.0:10190", 2, "not on loopback needs TLS"),
        ("run --config {estate} --web.config.file {home}/no.yml", 2, "no.yml:1:1: cannot be read: No such file"),
        ("run --config {estate} --web.allowed-host http://a/", 2, "without scheme and port"),
        ("run --config {estate} --log.level loud", 2, "'loud' is not one of"),
        ("run --config {estate} --ledger.url mysql://h/n", 1, "cannot keep a ledger in mysql"),
        ("run --config {home}/no.yaml", 2, "There is no estate at {home}/no.yaml"),
        ("validate --config {home}/no.yaml", 2, "--config.file"),
        ("validate --config {home}/empty", 1, "a directory without any *.yaml file"),
        ("validate --config {home}/bad.yaml", 1, "bad.yaml:2:1: not YAML"),
        ("check", 3, "Missing argument 'TARGET[/CHECK]'"),
        ("check web --nosuch", 3, "--nosuch"),
        ("check web --config {home}/no.yaml", 3, "There is no estate at"),
        ("check wep --config {estate}", 3, "No target is called 'wep'. Did you mean web?"),
        ("check web/tpc --config {estate}", 3, "web has no check 'tpc'; it has tcp."),
        ("explain web", 3, "No agent listens at"),
        ("incidents list", 3, "there is no ledger at"),
        ("incidents list --state foo", 2, "'foo' is not one of"),
        ("incidents show RWY-0", 3, "there is no ledger at"),
        ("incidents ack RWY-0", 2, "Missing option '--comment'"),
        ("incidents ack RWY-0 -m mine", 3, "No agent listens at"),
        ("maintenance list", 3, "No agent listens at"),
        ("maintenance add --hours 1 -m CHG1", 2, "Say what the window covers"),
        ("maintenance add --site forum --hours 0 -m CHG1", 2, "'--hours': 0.0 is not in the range"),
        ("maintenance add --site forum --start tomorrow --hours 1 -m CHG1", 2, "must be a moment that exists"),
        ("maintenance add --site forum --start 2026-03-29T01:30 --hours 1 -m CHG1", 2, "the clocks go forward over it"),
        ("maintenance add --site forum --start 2026-10-25T01:30 --hours 1 -m CHG1", 2, "add the offset"),
        ("maintenance end MNT-1", 3, "No agent listens at"),
        ("credentials list", 3, "No agent listens at"),
        ("credentials retry reader", 3, "No agent listens at"),
        ("desk test --config {estate}", 2, "test has no desk"),
        ("demo --speed 9", 2, "is not in the range"),
        ("backup", 2, "Usage: ridgeway backup"),
        ("backup {home}/kept.zip", 2, "end it in .tar, .tar.gz"),
        ("backup {home}/none/kept.tar", 2, "There is no directory {home}/none"),
        ("backup {home}/kept.tar --keep 3", 2, "--keep needs archives that differ by a date"),
        ("backup {home}/kept.tar --config {estate}", 1, "there is no ledger at"),
        ("backup verify {home}/kept.tar", 2, "There is no archive at {home}/kept.tar"),
        ("backup verify {estate}", 1, "cut off, damaged or no archive"),
        ("restore {home}/kept.tar", 2, "say --yes if you mean it"),
        ("restore {home}/kept.tar --yes", 2, "There is no archive at"),
        ("restore {estate} --yes --ledger.url {home}/l.sqlite3", 1, "cut off, damaged or no archive"),
        ("restore {estate} --only both", 2, "'both' is not one of"),
        ("ledger verify", 3, "there is no ledger at"),
        ("ledger info --ledger.url mysql://h/n", 3, "cannot keep a ledger in mysql"),
        ("ledger renew --yes", 3, "there is no ledger at"),
        ("demo --web.listen-address 192.0.2.1:80", 2, "is not on loopback"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do_and_the_status_tells_it_apart(
    line: str, status: int, words: str, estate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("estate: {name: x\n")
    places = {"estate": estate, "home": str(tmp_path)}

    ended = answer(line.format(**places).split())

    said = capsys.readouterr()
    assert words.format(**places) in said.err
    assert said.out == "" or line.startswith("run --config {estate} --ledger")
    assert ended == status
    assert "Traceback" not in said.err


def test_a_sound_estate_is_counted(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["validate", "--config", estate])

    assert ended == 0
    assert capsys.readouterr().out.startswith("test: 1 targets, 1 checks, revision ")


def test_with_json_an_estate_that_is_not_there_is_still_an_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = answer(["validate", "--config", str(tmp_path / "no.yaml"), "--json"])

    said = json.loads(capsys.readouterr().out)
    assert ended == 2
    assert said["valid"] is False
    assert "no.yaml" in said["problems"][0]


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["schema"])

    assert ended == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Ridgeway estate"


def test_a_reader_that_goes_away_early_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        f"{Path(sys.executable).parent}/ridgeway schema | true", shell=True, capture_output=True, env=dict(os.environ)
    )

    assert done.stderr == b""
