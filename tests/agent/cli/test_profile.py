"""`ridgeway profile`, and `ridgeway replay` of firewalls: recognised without being told, packed or not."""

from __future__ import annotations

import bz2
import json
from pathlib import Path

import pytest

from agent.cli import answer
from config.profiles import SEARCH_VARIABLE

FORTI = "1.3.6.1.4.1.12356.101"
RECORDING = f"""1.3.6.1.2.1.1.1.0|4|Branch
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.12356.101.1.644
1.3.6.1.2.1.1.3.0|67|4711
{FORTI}.4.1.1.0|4|v7.2.10,build1706,240918 (GA.M)
{FORTI}.4.1.3.0|66|12
{FORTI}.4.1.4.0|66|91
{FORTI}.4.1.8.0|66|313
{FORTI}.13.1.1.0|2|1
1.3.6.1.4.1.99999.1.1.0|4|of no interest to any check
"""
WALK = f""".1.3.6.1.2.1.1.1.0 = STRING: "Branch"
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.12356.101.1.644
.{FORTI}.4.1.3.0 = Gauge32: 12
.{FORTI}.4.1.4.0 = Gauge32: 91
.{FORTI}.4.1.8.0 = Gauge32: 313
.{FORTI}.13.1.1.0 = INTEGER: 1
.1.3.6.1.4.1.99999.1.1.0 = STRING: "of no interest"
"""
OWN = """profile: firewall/toaster
title: A toaster that filters
source: us
proven: ""
match: [{object_ids: [1.3.6.1.4.1.99999.7]}]
firewall: {vendor: Us}
values:
  sessions: {title: slices, oid: 1.3.6.1.4.1.99999.7.1.0, metric: sessions, warning: {above: 2}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SEARCH_VARIABLE, "")
    return tmp_path


def findings(out: str) -> dict[str, str]:
    (check,) = json.loads(out)["checks"]
    return {finding["key"]: finding["state"] for finding in check["findings"]}


@pytest.mark.parametrize("form", ["plain", "packed", "walk"])
def test_a_firewall_is_recognised_and_judged_without_being_told(
    here: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file = here / {"plain": "fw.snmprec", "packed": "fw.snmprec.bz2", "walk": "walk.txt"}[form]
    file.write_bytes(bz2.compress(RECORDING.encode()) if form == "packed" else
                     (WALK if form == "walk" else RECORDING).encode())  # fmt: skip

    ended = answer(["replay", str(file), "--json"])

    said = capsys.readouterr()
    assert ended == 2
    assert "recognised as firewall/fortigate" in said.err
    assert findings(said.out)["firewall/memory_used"] == "critical"
    assert "firewall/ha" not in findings(said.out)


def test_a_file_packed_in_several_streams_is_read_to_its_end(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, rest = RECORDING.split("\n", 1)
    (here / "parts.bz2").write_bytes(bz2.compress(f"{first}\n".encode()) + bz2.compress(rest.encode()))
    (here / "whole.bz2").write_bytes(bz2.compress(RECORDING.encode()))

    found = []
    for name in ("parts.bz2", "whole.bz2"):
        assert answer(["replay", name, "--json"]) == 2
        found.append(findings(capsys.readouterr().out))

    assert found[0] == found[1] != {}


def test_what_the_reader_of_a_packed_file_cannot_unpack_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = bz2.compress(RECORDING.encode() * 50)
    (here / "cut.bz2").write_bytes(packed[: len(packed) // 2])
    # Streams that follow each other are one file to bzip2, and packing one of them does not take half a minute.
    (here / "bomb.bz2").write_bytes(bz2.compress(b"1.3.6.1.2.1.1.3.0|67|4711\n" * 40_000) * 150)

    assert answer(["replay", "cut.bz2"]) == answer(["replay", "bomb.bz2"]) == 3

    said = capsys.readouterr().err
    assert "cut.bz2: the bzip2 file breaks off" in said
    assert "bomb.bz2: " in said


def test_a_profile_that_is_being_written_is_checked_explained_and_tried(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "profiles" / "firewall").mkdir(parents=True)
    own = here / "profiles" / "firewall" / "toaster.yaml"
    own.write_text(OWN)
    (here / "toaster.snmprec").write_text("1.3.6.1.4.1.99999.7.1.0|66|3\n")

    linted = answer(["profile", "lint", str(own)])
    lint = capsys.readouterr().out
    explained = answer(["profile", "explain", str(own)])
    explanation = capsys.readouterr().out
    tried = answer(["profile", "try", str(own), "toaster.snmprec", "--json"])

    assert (linted, explained, tried) == (0, 0, 1)
    assert "fine" in lint and "unproven" in lint and "no roles" in lint
    assert "UNPROVEN" in explanation and "warning above 2" in explanation and "at every run: 1 values" in explanation
    said = capsys.readouterr().out
    assert findings(said)["firewall/sessions"] == "warning"
    assert "unproven" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("vendor: Us", "vendor: Us, rolls: []"),
        ("metric: sessions", "metric: slices"),
        ("firewall/toaster", "firewall/kettle"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said_with_its_file(
    here: Path, capsys: pytest.CaptureFixture[str], change: str, says: str
) -> None:
    (here / "firewall").mkdir()
    file = here / "firewall" / "toaster.yaml"
    file.write_text(OWN.replace(change, says))

    ended = answer(["profile", "lint", str(file)])

    assert ended == 1
    assert f"{file}" in capsys.readouterr().out


def test_an_explanation_says_how_many_datagrams_a_poll_is(capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["profile", "explain", "firewall/fortigate", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert ended == 0
    assert told["asks"][0]["often"] == "at every run" and told["asks"][0]["datagrams"] <= 8
    assert any("firewall/memory_used" in line for line in told["judges"])


def test_a_profile_that_is_not_there_is_refused_with_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["profile", "explain", "firewall/fortigat"])

    assert ended == 1
    assert "did you mean 'firewall/fortigate'" in capsys.readouterr().err
