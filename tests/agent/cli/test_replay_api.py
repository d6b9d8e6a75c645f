"""`ridgeway replay` of answers of a firewall's API: each file answers the question that it is called after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli import answer
from testbeds.firewall_api import samples

AT = "--at=2025-11-30T00:00:00Z"
FORTIGATE = "firewall/fortigate-http"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """The sample answers of a FortiGate, as files."""
    for question, body in samples(FORTIGATE).items():
        (tmp_path / f"{question}.json").write_bytes(body)
    return tmp_path


def test_a_whole_firewall_is_judged_from_its_files(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(str(file) for file in answers.iterdir())

    assert answer(["replay", *files, "--profile", FORTIGATE, AT, "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    findings = {finding["key"]: finding["summary"] for finding in said["checks"][0]["findings"]}
    assert findings["firewall/ha"] == "this member is active (primary)"


def test_the_profile_by_snmp_stands_for_that_of_its_product(answers: Path) -> None:
    assert answer(["replay", str(answers / "usage.json"), "--profile", "firewall/fortigate", AT]) == 0


def test_what_a_few_answers_cannot_tell_is_not_judged(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["replay", str(answers / "licences.json"), "--profile", FORTIGATE, AT]) == 0

    said = capsys.readouterr().out
    assert "firewall/licence_expiry/ips" in said
    assert "firewall/ha" not in said and "firewall/profile" not in said


def test_a_file_may_be_called_otherwise(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = (answers / "usage.json").rename(answers / "from-the-supplier.txt")

    assert answer(["replay", str(other), "--profile", FORTIGATE, AT]) == 3
    assert "has no question 'from_the_supplier'; name one with --question" in capsys.readouterr().err
    assert answer(["replay", str(other), "--profile", FORTIGATE, "--question", "usage", AT]) == 0


def test_a_web_page_is_unknown_and_the_exit_status_says_so(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answers / "usage.json").write_text("<html><title>Log in</title></html>")

    assert answer(["replay", str(answers / "usage.json"), "--profile", FORTIGATE, AT]) == 3
    assert "web page" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["usage.json", "ha.json", "--profile", FORTIGATE, "--question", "usage"],
        ["usage.json", "--profile", "generic", "--question", "usage"],
        ["usage.json", "--question", "usage"],
        ["usage.json", "--profile", "firewall/nonsense"],
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], answers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(answers)

    assert answer(["replay", *arguments]) == 3
