"""Members that are read by several ways: what one way cannot tell another does, and like is compared with like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from checks.contract import Fault, Reason, State, covered
from checks.firewall import further
from checks.firewall.answers import Cost
from checks.firewall.further import Reading
from config.estate import Credential, Target
from config.profiles import SEARCH_VARIABLE
from config.profiles.asks import Way
from testbeds.pairs import PALO, Pair, panos

_BY_HTTP = """
profile: firewall/played-http
title: Played
source: us
asks: {http: {login: bearer, questions: {status: {get: /api/v2/monitor/status, read: every_run}}}}
firewall:
  vendor: Palo Alto Networks
  firmware: version
  roles: [{of: ha_state}]
  pair: {synchronised: [sync]}
values:
  sync:
    title: configuration
    at: "status#/sync"
    transform: text
    required: false
    enum: {"yes": {name: in sync}, "no": {name: out of sync, state: warning}}
  version: {title: version, at: "status#/version", transform: text, required: false}
  ha_state:
    title: own state
    at: "status#/ha"
    transform: text
    enum: {active: {name: active, role: active}, passive: {name: passive, role: standby}}
  conserve:
    title: conserve mode
    at: "status#/conserve"
    transform: text
    required: false
    enum: {inactive: {name: inactive}, active: {name: active, state: critical}}
"""
_BY_SNMP = """
profile: firewall/played
title: Played
source: us
extends: [firewall/panos]
also: {http: firewall/played-http}
"""
B = "pair/member/fw-b"


class Played:
    """The further way of both members, by their names."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {
            "fw-a": {"version": "PAN-OS 10.2.9", "ha": "active", "conserve": "inactive"},
            "fw-b": {"version": "PAN-OS 10.2.9", "ha": "passive", "conserve": "inactive"},
        }
        self.faults: dict[str, Fault] = {}

    async def __call__(
        self, target: Target, options: object, asks: object, names: Sequence[str], ctx: object, deadline: float
    ) -> Reading:
        fault = self.faults.get(target.name)
        return Reading({} if fault else {"status": self.documents[target.name]}, fault, Cost(1, 0.1, 100))


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    (tmp_path / "firewall").mkdir()
    (tmp_path / "firewall" / "played.yaml").write_text(_BY_SNMP)
    (tmp_path / "firewall" / "played-http.yaml").write_text(_BY_HTTP)
    monkeypatch.setenv(SEARCH_VARIABLE, str(tmp_path))
    one = Played()
    monkeypatch.setitem(further.READERS, Way.HTTP, one)
    yield one


def pair(first: tuple[str, str] = ("active", "passive"), second: tuple[str, str] = ("passive", "active")) -> Pair:
    made = Pair(panos(*first), panos(*second), profile="firewall/played")
    made.further = {"http": Credential("watcher", "api-token", {"token": "t"})}
    return made


def test_both_ways_agree_and_each_value_is_told_once(played: Played) -> None:
    made = pair()

    said = made.said()

    assert all(finding.state is State.OK for finding in said.findings)
    assert {"firewall/fw-a/conserve", "firewall/fw-b/sessions"} <= {finding.key for finding in said.findings}


def test_a_role_that_one_way_does_not_tell_is_told_by_the_other(played: Played) -> None:
    made = pair(second=("", ""))
    assert made.values[1] is not None
    made.values[1] |= {f"{PALO}.1.11.0": None, f"{PALO}.1.12.0": None, f"{PALO}.1.13.0": None}

    said = made.said()

    assert {finding.key: finding.state for finding in said.findings}[B] is State.OK


def test_ways_that_tell_different_roles_are_that_members_own_finding(played: Played) -> None:
    played.documents["fw-b"]["ha"] = "active"

    assert pair().bad() == {"firewall/fw-b/ways": "unknown"}


def test_firmware_is_compared_by_a_way_that_both_have(played: Played) -> None:
    made = pair()
    assert made.values[1] is not None
    made.values[1][f"{PALO}.1.1.0"] = None
    well = made.bad()
    played.documents["fw-b"]["version"] = "PAN-OS 10.2.8"

    assert (well, made.bad(700), made.bad(700)) == ({}, {}, {"pair/firmware": "warning"})


def test_a_further_way_that_fails_is_told_once_and_the_pair_is_judged_by_the_rest(played: Played) -> None:
    played.faults["fw-b"] = Fault(Reason.AUTHENTICATION, "the token is refused", "http/authentication")

    assert pair().bad() == {"firewall/fw-b/http/authentication": "unknown"}


def test_a_way_that_is_left_when_snmp_fails_tells_the_role_and_the_member_is_read_in_part(played: Played) -> None:
    made = pair()
    made.values[1] = None

    assert made.bad() == {B: "unknown"}


def test_a_credential_that_is_taken_again_ends_what_was_said_of_it(played: Played) -> None:
    made = pair()
    key = "firewall/fw-b/credential/watcher"
    played.faults["fw-b"] = Fault(Reason.AUTHENTICATION, "the token is refused", "credential/watcher")

    refused = made.said()
    played.faults.clear()
    taken = made.said()

    assert {finding.key: finding.state for finding in refused.findings}[key] is State.UNKNOWN
    assert key not in {finding.key for finding in taken.findings}
    assert covered(taken.covers, key)
    assert covered(taken.may_go, key)


def test_what_a_further_way_says_of_the_pair_counts_and_its_silence_ends_nothing(played: Played) -> None:
    made = pair()
    for name in ("fw-a", "fw-b"):
        played.documents[name]["sync"] = "no"
    apart = made.bad()
    for name in ("fw-a", "fw-b"):
        played.faults[name] = Fault(Reason.NO_ANSWER, "no answer over HTTPS", "http/no-answer")

    silent = made.said()
    played.faults.clear()
    for name in ("fw-a", "fw-b"):
        played.documents[name]["sync"] = "yes"
    after = made.said()

    assert apart == {"pair/sync": "warning"}
    assert not covered(silent.covers, "pair/sync")
    assert {finding.key: finding.state for finding in after.findings}["pair/sync"] is State.OK
