"""The harness of `make bench` itself, on its smallest sample. No figure is asserted here but those without a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbeds.peers import need

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.acceptance


def _measured(directory: Path, *names: str) -> tuple[dict[str, Any], str]:
    file = directory / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *names, "--quick", "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode in (0, 1) and file.exists(), done.stderr
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report, done.stdout


def test_a_check_of_the_whole_agent_is_measured_beside_the_exporter_in_the_same_run(tmp_path: Path) -> None:
    need("snmpd"), need("prometheus-snmp-exporter")

    report, table = _measured(tmp_path, "snmp")

    figure = report["figures"][0]
    assert figure["peer"] == "snmp_exporter"
    assert figure["value"] > 0 and figure["peer_value"] > 0
    assert figure["met"] is (figure["ratio"] <= 1.0)
    assert report["machine"]["python"] in table and figure["name"] in table


def test_a_dead_line_is_measured_on_a_real_line(tmp_path: Path) -> None:
    need("ip"), need("unshare")

    report, _ = _measured(tmp_path, "link")

    if report["machine"]["own_network"]:
        values = {figure["name"].split(": ")[1]: figure["value"] for figure in report["figures"]}
        assert (values["incidents"], values["tickets"], values["children listed inside"]) == (1, 1, 100)
    else:
        assert report["figures"][0]["value"] is None and "needs root" in report["figures"][0]["note"]


def test_webhooks_are_measured_with_a_receiver_in_a_process_of_its_own(tmp_path: Path) -> None:
    report, _ = _measured(tmp_path, "outbound")

    values = {figure["name"]: figure["value"] for figure in report["figures"]}
    assert values["webhooks: events told to one subscription"] > 0
    assert values["webhooks: CPU for an event"] > 0


def test_a_benchmark_that_is_not_there_is_refused_with_the_list_of_those_that_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2
    assert "'nothing'" in done.stderr and "thousand" in done.stderr


def test_devices_that_hang_are_measured_beside_the_same_agent_without_them(tmp_path: Path) -> None:
    report, _ = _measured(tmp_path, "hanging")

    lateness, resident = report["figures"]
    assert lateness["peer"] == "nothing hangs"
    assert lateness["value"] > 0 and lateness["peer_value"] > 0
    assert resident["value"] > 0


def test_asking_who_asks_is_measured_beside_bcrypt_at_each_request(tmp_path: Path) -> None:
    report, _ = _measured(tmp_path, "access")

    password, token, held = report["figures"]
    assert 0 < password["ratio"] < 1 and 0 < token["ratio"] < 1
    assert held["peer"] == "the same without guesses"
    assert held["value"] > 0


def test_a_reload_is_measured_in_a_loop_that_runs_checks_meanwhile(tmp_path: Path) -> None:
    report, _ = _measured(tmp_path, "reload")

    seconds, held = report["figures"]
    assert "200 checks, 10 of them changed" in seconds["name"]
    assert seconds["value"] > 0 and held["value"] > 0


def test_a_quick_poll_of_a_firewall_is_counted_in_datagrams(tmp_path: Path) -> None:
    need("prometheus-snmp-exporter")

    report, _ = _measured(tmp_path, "firewall")

    values = {figure["name"]: figure for figure in report["figures"]}
    assert values["quick poll of one member"]["value"] <= 8
    assert any(name.startswith("CPU per FortiGate poll of 60 values") for name in values)


def test_calls_are_measured_in_an_agent_that_runs_checks_beside_a_process_that_sleeps(tmp_path: Path) -> None:
    need("snmpd")

    report, _ = _measured(tmp_path, "calls")

    lateness, cpu = report["figures"]
    assert lateness["value"] > 0 and lateness["peer_value"] > 0
    assert cpu["value"] > 0


def test_sip_options_are_measured_beside_a_process_of_sipsak_each(tmp_path: Path) -> None:
    need("sipsak")

    report, _ = _measured(tmp_path, "sip")

    cost, trunks = report["figures"]
    assert cost["peer"] == "sipsak"
    assert cost["value"] > 0 and cost["peer_value"] > 0
    assert cost["met"] is (cost["ratio"] <= 0.1)
    assert trunks["value"] > 0
