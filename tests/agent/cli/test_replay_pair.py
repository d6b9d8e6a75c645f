"""Members of one firewall: recorded in one run, masked alike, and judged together from their files."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import answer
from agent.demo.devices import SimulatedDevices
from testbeds.fortigate import MEMBER, SERIALS, fortigate
from testbeds.peers import free_port

ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{reader: {{kind: snmp-v2c, community: "env:TEST_COMMUNITY"}}}}
defaults: {{credentials: {{snmp: reader}}}}
targets:
  forum-firewall:
    address: 127.0.0.9
    site: forum
    checks: [{{firewall_pair: {{members: [fw-a, fw-b], port: {port}, retries: 0}}}}]
  fw-a: {{address: 127.0.0.1, site: forum, checks: []}}
  fw-b: {{address: 127.0.0.2, site: forum, checks: []}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with an estate, and its members, played by another thread since the verbs have loops of their own."""
    port, home = free_port(socket.SOCK_DGRAM), tmp_path_factory.mktemp("pair")
    loop, devices = asyncio.new_event_loop(), SimulatedDevices()
    for number, host in enumerate(("127.0.0.1", "127.0.0.2")):
        devices.add(f"f{number}", fortigate(number), host=host, port=port)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(devices.start(), loop).result(10)
    (home / "estate.yaml").write_text(ESTATE.format(port=port))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("RIDGEWAY_CONFIG_FILE", str(home / "estate.yaml"))
        patch.setenv("TEST_COMMUNITY", "public")
        yield home
    asyncio.run_coroutine_threadsafe(devices.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def files(home: Path) -> list[Path]:
    """The recordings of both members."""
    assert answer(["record", "forum-firewall"]) == 0
    return [home / f"forum-firewall-{member}.snmprec" for member in ("fw-a", "fw-b")]


def said(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, Any]]:
    """Exit status and report of a verb."""
    capsys.readouterr()
    status = answer([*command, "--json"])
    return status, json.loads(capsys.readouterr().out)["checks"][0]


def bad(check: dict[str, Any]) -> dict[str, str]:
    return {finding["key"]: finding["state"] for finding in check["findings"] if finding["state"] != "ok"}


def test_a_pair_recorded_member_by_member_is_judged_again_as_live(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, live = said(capsys, "check", "forum-firewall")

    status, replayed = said(capsys, "replay", str(files[0]), "--peer", str(files[1]))

    # How it was asked only the live check knows: both members by the same community, which is one finding.
    posture = ("snmp-version", "default-community")
    assert bad(live) == {f"firewall/fw-a/posture/{what}": "warning" for what in posture}
    assert (status, bad(replayed)) == (0, {})
    rules = {"pair/service", "pair/views", "pair/sync", "pair/firmware", "pair/licences"}
    assert all(rules <= {finding["key"] for finding in check["findings"]} for check in (live, replayed))
    assert not any(serial in file.read_text() for serial in SERIALS for file in files)


def test_readings_of_the_members_are_told_apart(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del home
    _, live = said(capsys, "check", "forum-firewall")

    sessions = [one["labels"] for one in live["readings"] if one["name"] == "ridgeway_firewall_sessions"]
    assert sessions == [{"member": "fw-a"}, {"member": "fw-b"}]


def test_a_broken_pair_is_broken_in_its_files_too(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.snmprec"
    broken.write_text(re.sub(rf"(?m)^({re.escape(MEMBER)}\.12\.2\|\d+)\|1$", r"\1|0", files[0].read_text()))

    status, replayed = said(capsys, "replay", str(broken), "--peer", str(files[1]))

    assert (status, bad(replayed)) == (1, {"pair/sync": "warning"})


def test_a_file_beside_itself_is_two_active_members(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    name = files[0].name

    _, replayed = said(capsys, "replay", str(files[0]), "--peer", str(files[0]))

    service = next(finding for finding in replayed["findings"] if finding["key"] == "pair/service")
    assert f"2 members are active, {name}#1 and {name}#2" in service["summary"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["replay", "{0}", "{1}", "--peer", "{1}"], "--peer is for one FILE"),
        (["replay", "{0}", "--peer", "{1}", "--peer", "{1}", "--peer", "{1}", "--peer", "{1}"], "at most 4"),
        (["record", "forum-firewall", "--observation"], "without --observation"),
        (["record", "forum-firewall"], "is there already"),
    ],
)
def test_what_cannot_be_is_refused(
    files: list[Path], command: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer([word.format(*files) for word in command])

    assert status in (2, 3)
    assert words in capsys.readouterr().err
