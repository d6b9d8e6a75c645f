"""What people keep of a firewall's command line, judged without it: several commands, prompts, pagers, no profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.captures import outputs, profile_for
from agent.cli import answer
from agent.profiles import told
from checks.recordings.recording import RecordingError
from config.profiles import load, search_path
from testbeds.command_outputs import HA_STATUS, OUTPUTS

STATUS = OUTPUTS["fortios/system-status"]
PASTED = f"""fw-hemel-a # get system status
{STATUS}

fw-hemel-a # get system arp
Address           Age(min)   Hardware Addr      Interface
192.0.2.7         0          00:00:5e:00:53:01  wan1

fw-hemel-a # get system ha status
{HA_STATUS}

fw-hemel-a # """


class Replay:
    """`ridgeway replay` of a file that holds a text."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._file = directory / "seen.txt"
        self._capsys = capsys

    def __call__(self, text: str, *options: str) -> dict[str, str]:
        self._file.write_bytes(text.encode())
        answer(["replay", str(self._file), "--json", "--at", "2026-11-29T22:00Z", *options])
        (check,) = json.loads(self._capsys.readouterr().out)["checks"]
        return {finding["key"]: finding["state"] for finding in check["findings"]}

    def refusal(self, text: str, *options: str) -> str:
        self._file.write_bytes(text.encode())
        assert answer(["replay", str(self._file), *options]) == 3
        return self._capsys.readouterr().err


@pytest.fixture
def replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Replay:
    return Replay(tmp_path, capsys)


def test_several_commands_of_one_file_are_told_apart_and_others_are_left_out() -> None:
    said = outputs(PASTED.encode(), "seen.txt", None)

    assert set(said) == {"get system status", "get system ha status"}
    assert said["get system status"].strip() == STATUS
    assert said["get system ha status"].strip() == HA_STATUS


def test_a_pasted_pair_is_recognised_and_judged(replay: Replay) -> None:
    found = replay(PASTED)

    assert found["firewall/ha"] == "ok" and found["firewall/member_sync/fw-hemel-b"] == "ok"
    assert not {key for key, state in found.items() if state != "ok"}


def test_one_command_is_judged_for_what_it_tells_and_no_more(replay: Replay) -> None:
    spoilt = HA_STATUS.replace("2(updated 1 seconds ago): in-sync", "2(updated 1 seconds ago): out-of-sync")

    found = replay(spoilt, "--profile", "firewall/fortigate", "--command", "get system ha status")

    assert {key: state for key, state in found.items() if state != "ok"} == {
        "firewall/member_sync/fw-hemel-b": "warning"
    }  # fmt: skip


def test_the_command_may_stand_alone_in_the_first_line(replay: Replay) -> None:
    found = replay(f"show failover\n{OUTPUTS['asa/failover']}\n")

    assert found["firewall/ha"] == "ok"


def test_what_a_pager_wiped_away_is_gone(replay: Replay) -> None:
    lines = HA_STATUS.split("\n")
    paged = "\r\n".join([*lines[:20], f"--More-- \r         \r{lines[20]}", *lines[21:]])

    found = replay(f"fw-hemel-a # get system ha status\r\n{paged}\r\nfw-hemel-a # ")

    assert found["firewall/member_sync/fw-hemel-b"] == "ok"


def test_a_pager_s_prompt_that_was_copied_makes_it_unknown(replay: Replay) -> None:
    paged = HA_STATUS.replace("HBDEV stats:", "--More-- \nHBDEV stats:")

    found = replay(paged, "--profile", "firewall/fortigate", "--command", "get system ha status")

    assert found["firewall/ssh/ha_status"] == "unknown"


def test_junos_tells_above_its_prompt_which_node_answers(replay: Replay) -> None:
    text = "{primary:node0}\nops@srx-depot-a> show chassis cluster status | no-more\n" + OUTPUTS["srx/cluster-status"]

    found = replay(text)

    assert found["firewall/ha"] == "ok" and found["firewall/group_priority/node1 group 1"] == "warning"


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("fw # get system ha status\nUnknown action 0\n", [], "no profile understands"),
        (HA_STATUS, ["--command", "execute reboot"], "no profile knows the command"),
        (HA_STATUS, ["--command", "get system ha status", "--profile", "firewall/draytek"], "not read by commands"),
        (HA_STATUS, ["--command", "show failover", "--profile", "firewall/fortigate"], "none of its commands"),
        ("Dear colleague,\nattached is the output.\n", [], "it is no recording"),
    ],
)
def test_what_cannot_be_judged_is_said_with_the_reason(
    replay: Replay, text: str, options: list[str], says: str
) -> None:
    assert says in replay.refusal(text, *options)


def test_a_file_larger_than_any_command_line_is_refused() -> None:
    with pytest.raises(RecordingError, match="at most 1024 KiB"):
        outputs(b"x" * 2_000_000, "seen.txt", "get system status")


def test_the_profile_that_understands_most_is_taken() -> None:
    said = {"show version": OUTPUTS["asa/version"], "show failover": OUTPUTS["asa/failover"]}

    assert profile_for("seen.txt", said, None) == "firewall/asa-ssh"
    assert profile_for("seen.txt", {"show version": OUTPUTS["vyos/version"]}, None) == "firewall/vyos-ssh"


def test_a_profile_in_words_lists_every_command_that_may_be_sent() -> None:
    lines = list(told(load("firewall/gaia-ssh", search_path())))

    assert "  at every run: cphaprob state" in lines and "  daily: cplic print (may be refused)" in lines
    assert not any("datagrams" in line for line in lines)
