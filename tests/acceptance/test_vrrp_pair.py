"""The eight states of a pair, brought about with the real keepalived, nftables, snmpd and sshd, and judged live."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from testbeds.vrrp import apart

pytestmark = pytest.mark.acceptance

GONE = {"pair/member/fw1": "warning"}
FAILS = {"pair/service": "critical"}
RIGHT: Mapping[str, Mapping[str, str]] = {
    "normal": {},
    "master stopped": GONE,
    "pre-empted back": {},
    "master killed": FAILS,
    "recovered": {},
    "split brain": FAILS,
    "healed": {},
    "link lost": FAILS,
}
"""What is not well in each, where the addresses are listed over SSH."""


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was said in each state; all of them in one run."""
    command = apart(tmp_path_factory.mktemp("vrrp"))
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=False, cwd=tests.parent,
        env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(RIGHT), done.stderr[-3_000:]
    return {one["state"]: one for one in told}


def bad(said: Mapping[str, Any]) -> dict[str, str]:
    return {key: state for key, (state, _) in said["findings"].items() if state not in ("ok", "unsupported")}


def lists_addresses() -> bool:
    """Whether the machines had an sshd, which needs root: see the testbed."""
    return os.geteuid() == 0


@pytest.mark.parametrize("name", RIGHT)
def test_each_state_is_judged_as_it_deserves(states: dict[str, Any], name: str) -> None:
    right = GONE if name == "master killed" and not lists_addresses() else RIGHT[name]

    assert bad(states[name]) == right


def test_an_address_left_behind_is_found_or_said_to_be_untellable(states: dict[str, Any]) -> None:
    said = states["master killed"]["findings"]

    if lists_addresses():
        assert "the address 10.0.0.254 stands on fw1 and fw2 at once" in said["pair/service"][1]
    else:
        assert said["pair/address"][0] == "unsupported"
        assert "cannot be told" in said["pair/address"][1]


def test_in_split_brain_each_member_alone_is_well(states: dict[str, Any]) -> None:
    assert states["split brain"]["alone"] == {"fw1": "ok", "fw2": "ok"}
    assert "2 members are active, fw1 and fw2" in states["split brain"]["findings"]["pair/service"][1]


def test_failovers_are_noted_both_ways_with_the_reason_that_the_device_gives(states: dict[str, Any]) -> None:
    after = states["pre-empted back"]["failovers"]

    assert [(away, to) for away, to, _ in after] == [("fw1", "fw2"), ("fw2", "fw1")]
    assert after[1][2] == "preempted"
    assert states["normal"]["failovers"] == []


def test_every_failover_begins_where_the_one_before_ended(states: dict[str, Any]) -> None:
    log = states["link lost"]["failovers"]

    assert all(first[1] == then[0] for first, then in pairwise(log))
