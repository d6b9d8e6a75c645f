"""`ridgeway record` and `ridgeway replay` of telephone systems: what is walked, what is masked, what is recognised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import testbeds
from agent.cli import answer
from testbeds.mitel import IPERA, MITEL_TREE, index_of, overrides
from testbeds.snmpd import Snmpd, running

MADE = Path(testbeds.__file__).parent / "telephony"
EMERGENCY = "1.3.6.1.4.1.1027.4.1.1.3"
TREE = MITEL_TREE | {
    f"{IPERA}.4.1.1.1.{index_of('controller-a')}": "controller-a",
    f"{IPERA}.1.6.1.9.1.0": "processor of set 4021",
    f"{EMERGENCY}.1.1.0": "01442228000",
}
ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{reader: {{kind: snmp-v2c, community: "env:TEST_COMMUNITY"}}}}
targets:
  forum: {{address: 127.0.0.1, site: forum, credentials: {{snmp: reader}}, checks: []}}
  controller:
    address: 127.0.0.1
    site: forum
    credentials: {{snmp: reader}}
    checks:
      - mitel:
          {{port: {port}, retries: 0, call_load: tenths, sip: {{port: 9}}, primaries: {{controller-a: forum}}}}
"""


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    with running(overrides(TREE)) as agent:
        yield agent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snmpd: Snmpd) -> Path:
    (tmp_path / "estate.yaml").write_text(ESTATE.format(port=snmpd.port))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIDGEWAY_CONFIG_FILE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("TEST_COMMUNITY", "public")
    return tmp_path


def states(report: dict[str, Any]) -> dict[str, str]:
    (check,) = report["checks"]
    return {finding["key"]: finding["state"] for finding in check["findings"] if finding["state"] != "ok"}


@pytest.mark.acceptance
def test_a_system_is_recorded_with_all_that_is_mitels_and_without_what_people_are_called(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(["record", "controller", "--json"])
    told = json.loads(capsys.readouterr().out)
    text = (home / "controller.snmprec").read_text()

    assert status == 0 and told["cut"] == {}
    lines = dict(line.split("|", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines[f"{IPERA}.1.6.1.9.1.0"].startswith("4|processor of set number-")  # nobody knows the object yet
    assert lines[f"{IPERA}.2.4.1.8.4"] == "4|SIP Link"
    assert lines["1.3.6.1.2.1.1.1.0"].endswith("VerMCD:9.4;VerNew:x")
    assert not any(oid.startswith(EMERGENCY) for oid in lines) and EMERGENCY not in text
    for name in ("controller-a", "controller-b", "dacorum-cluster", "Town to town", "4021", "01442", "forum"):
        assert name not in text
    assert index_of("controller-a") not in text
    assert lines[f"{IPERA}.1.3.0"].startswith("4|name-")


@pytest.mark.acceptance
def test_a_replay_says_what_the_check_said_and_asks_nobody(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(["record", "controller"])
    capsys.readouterr()
    replayed = answer(["replay", "controller.snmprec", "--json"])
    report = json.loads(capsys.readouterr().out)

    assert replayed == 1
    found = states(report)
    assert {key for key in found if not key.startswith(("mitel/resilience/", "mitel/zone_use/"))} == {
        "mitel/category/SIP Link", "mitel/start",
    }  # fmt: skip
    assert len(found) == 4  # the two whose names are masked
    assert "sip" not in (home / "controller.snmprec").read_text().split("#ridgeway asked")[0]


@pytest.mark.parametrize(("name", "profile", "expected"), [
    ("mivoice-business-from-mib.snmprec", "telephony/mivoice-business", {
        "mitel/category/SIP Link": "warning", "mitel/resilience/controller-a": "warning",
        "mitel/zone_use/Town to town": "warning",
    }),
    ("msl-from-mib.snmprec", "telephony/msl", {
        "mitel/alarm/MiVoice Border Gateway/communications/SIP trunk": "critical",
    }),
])  # fmt: skip
def test_a_foreign_recording_is_recognised_and_judged(
    name: str, profile: str, expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer(["replay", str(MADE / name), "--json"])
    out = capsys.readouterr()

    assert f"recognised as {profile}" in out.err
    assert states(json.loads(out.out)) == expected
    assert (MADE / name).read_text().startswith("# Made from MITEL-")


def test_a_recording_that_names_sip_and_primaries_asks_nobody_in_its_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = '#ridgeway recording 1\n#ridgeway check {"name":"mitel","kind":"mitel","expect_empty":[],"options":%s}\n'
    options = json.dumps({"sip": {"address": "nobody.invalid"}, "primaries": {"a": "b"}})
    file = tmp_path / "sent.snmprec"
    file.write_text(head % options + (MADE / "mivoice-business-from-mib.snmprec").read_text())

    answer(["replay", str(file), "--json"])
    (check,) = json.loads(capsys.readouterr().out)["checks"]

    assert "mitel/disagreement" not in {finding["key"] for finding in check["findings"]}


def test_a_product_that_is_unread_is_unsupported_in_a_replay_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "connect.snmprec"
    file.write_text("1.3.6.1.2.1.1.1.0|4|HQ\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.5329.1.2\n1.3.6.1.2.1.1.3.0|67|8640000\n")

    answer(["replay", str(file), "--json"])

    assert states(json.loads(capsys.readouterr().out)) == {"mitel/alarms": "unsupported"}
