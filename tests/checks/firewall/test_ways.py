"""One firewall read by several ways: whose word counts, what one of them cannot tell, and what the device is spared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.contract import Fault, Reason, State, covered
from checks.firewall import FirewallOptions, further
from checks.firewall.answers import Cost
from checks.firewall.further import Reading
from checks.network.documents import NotUnderstood
from checks.transports.snmp import SnmpTransport
from checks.wire import observation_from_text, observation_json
from config.estate import Credential
from config.profiles import SEARCH_VARIABLE
from config.profiles.asks import Way
from testbeds.fortigate import FORTI, Watched, fortigate

_BY_HTTP = """
profile: firewall/played-http
title: Played
source: us
asks:
  http:
    login: bearer
    questions:
      status: {get: /api/v2/monitor/status, read: every_run}
      licences: {get: /api/v2/monitor/licences, read: daily}
firewall:
  vendor: Fortinet
  model: model
  roles: [{of: ha}]
values:
  model: {title: model, at: "status#/model", transform: text, required: false}
  ha:
    title: role
    at: "status#/ha"
    transform: text
    enum: {primary: {name: primary, role: active}, secondary: {name: secondary, role: standby}}
  memory_used:
    title: memory in use
    at: "status#/memory"
    scale: 0.01
    critical: {above: 0.88}
    metric: memory_used_ratio
  conserve:
    title: conserve mode
    at: "status#/conserve"
    transform: text
    enum: {inactive: {name: inactive}, active: {name: active, state: critical}}
tables:
  contract:
    title: contracts
    label: contract_name
    label_name: licence
    may_be_empty: true
    may_go: true
    columns:
      contract_name: {title: name, at: "licences#/*/name", transform: text}
      licence_expiry:
        title: licence
        at: "licences#/*/end"
        transform: epoch
        until: {warning_days: 60, critical_days: 14}
        metric: licence_expiry_timestamp_seconds
"""
_BY_SNMP = """
profile: firewall/played
title: Played
source: us
extends: [firewall/fortigate]
also: {http: firewall/played-http}
"""
STATUS: dict[str, Any] = {"model": "FG-60F", "ha": "primary", "memory": 50, "conserve": "inactive"}


class Played:
    """The further way, as the test wants it to be."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {"status": dict(STATUS), "licences": []}
        self.fault: Fault | None = None
        self.cost = Cost(1, 0.1, 100)
        self.asked: list[tuple[str, ...]] = []

    async def __call__(
        self, target: object, options: object, asks: object, names: Sequence[str], ctx: object, deadline: float
    ) -> Reading:
        self.asked.append(tuple(names))
        there = {name: self.documents[name] for name in names if name in self.documents}
        return Reading({} if self.fault else there, self.fault, self.cost)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    (tmp_path / "firewall").mkdir()
    (tmp_path / "firewall" / "played.yaml").write_text(_BY_SNMP)
    (tmp_path / "firewall" / "played-http.yaml").write_text(_BY_HTTP)
    monkeypatch.setenv(SEARCH_VARIABLE, str(tmp_path))
    one = Played()
    monkeypatch.setitem(further.READERS, Way.HTTP, one)
    yield one


async def watched(
    play: Any, snmp: SnmpTransport, *, over_snmp: bool = True, daily_seconds: int | None = None, **values: Any
) -> Watched:
    one = Watched(await play(fortigate() | values), snmp, profile="firewall/played", daily_seconds=daily_seconds)
    credentials = {"http": Credential("api", "token", {})}
    if over_snmp:
        credentials |= one.target.credentials
    one.target = replace(one.target, credentials=credentials)
    return one


async def test_what_one_way_lacks_the_other_tells_and_each_series_is_there_once(
    play: Any, snmp: SnmpTransport, played: Played
) -> None:
    one = await watched(play, snmp)

    said = await one.said()

    readings = [(r.family.name.removeprefix("ridgeway_firewall_"), *r.labels) for r in said.readings]
    assert {f.state for f in said.findings} == {State.OK}
    assert ("info", "Fortinet", "FG-60F", "FGT60F0000000001", "v7.2.10,build1706,240918 (GA.M)") in readings
    assert readings.count(("memory_used_ratio",)) == 1
    assert len(readings) == len(set(readings))
    assert next(f for f in said.findings if f.key == "firewall/member").evidence["source"] == "snmp, http"


async def test_of_two_that_tell_the_worse_counts(play: Any, snmp: SnmpTransport, played: Played) -> None:
    played.documents["status"] |= {"memory": 93}
    one = await watched(play, snmp)

    assert await one.bad() == {"firewall/memory_used": State.CRITICAL}


async def test_two_ways_that_tell_different_roles_are_not_fine(play: Any, snmp: SnmpTransport, played: Played) -> None:
    played.documents["status"] |= {"ha": "secondary"}
    one = await watched(play, snmp)

    said = await one.said()

    (differing,) = [f for f in said.findings if f.key == "firewall/ways"]
    assert differing.state is State.UNKNOWN
    assert "snmp: active" in differing.summary
    assert "http: standby (secondary)" in differing.summary


async def test_without_snmp_the_other_way_tells_all_it_can(play: Any, snmp: SnmpTransport, played: Played) -> None:
    played.documents["status"] |= {"conserve": "active"}
    one = await watched(play, snmp, over_snmp=False)

    bad, asked = await one.bad(), one.device.questions

    assert bad == {"firewall/conserve": State.CRITICAL}
    assert asked == 0


async def test_a_way_that_fails_is_said_and_ends_no_alert_that_it_could_not_read(
    play: Any, snmp: SnmpTransport, played: Played
) -> None:
    one = await watched(play, snmp)
    played.documents["licences"] = [{"name": "IPS", "end": int(one.clock.now) + 3 * 86_400}]
    before = await one.bad()
    played.fault = Fault(Reason.NO_ANSWER, "no answer over HTTPS", "http/no-answer")
    one.clock.now += 4 * 86_400  # what was held is too old by now

    said = await one.said()

    bad = {f.key: f.state for f in said.findings if f.state is not State.OK}
    assert before == {"firewall/licence_expiry/IPS": State.CRITICAL}
    assert bad == {"http/no-answer": State.UNKNOWN}
    assert not covered(said.covers, "firewall/licence_expiry/IPS")
    assert not covered(said.covers, "firewall/conserve")


async def test_the_end_of_a_fault_ends_its_finding(play: Any, snmp: SnmpTransport, played: Played) -> None:
    one = await watched(play, snmp)
    played.fault = Fault(Reason.REFUSED, "refused", "http/refused")
    await one.said()
    played.fault = None

    said = await one.said()

    assert "http/refused" not in {f.key for f in said.findings}
    assert covered(said.covers, "http/refused")
    assert covered(said.may_go, "http/refused")


async def test_an_answer_that_is_none_is_unknown_with_what_came(play: Any, snmp: SnmpTransport, played: Played) -> None:
    played.documents["status"] = NotUnderstood.of("<html>Please log in", "not JSON")
    one = await watched(play, snmp)

    said = await one.said()

    bad = {f.key: f for f in said.findings if f.state is not State.OK}
    assert "Please log in" in bad["firewall/http/status"].summary
    assert {f.state for f in bad.values()} == {State.UNKNOWN}


async def test_slower_questions_are_asked_when_they_are_old_and_half_as_often_of_a_slow_device(
    play: Any, snmp: SnmpTransport, played: Played
) -> None:
    one = await watched(play, snmp)
    await one.said()
    one.clock.now += 60
    await one.said()
    played.cost = Cost(1, 30.0, 100)
    one.clock.now += 21_600
    await one.said()
    one.clock.now += 21_600
    await one.said()
    one.clock.now += 21_600
    await one.said()

    both, quick = ("status", "licences"), ("status",)
    assert played.asked == [both, quick, both, quick, both]


async def test_the_estate_says_how_old_slower_questions_may_become(
    play: Any, snmp: SnmpTransport, played: Played
) -> None:
    one = await watched(play, snmp, daily_seconds=60)
    await one.said()
    one.clock.now += 59
    await one.said()
    one.clock.now += 1
    await one.said()

    both, quick = ("status", "licences"), ("status",)
    assert played.asked == [both, quick, both]


async def test_a_busy_device_is_spared_the_slower_questions(play: Any, snmp: SnmpTransport, played: Played) -> None:
    one = await watched(play, snmp, **{f"{FORTI}.4.1.3.0": ("gauge", 97)})
    await one.said()
    one.clock.now += 21_600

    await one.said()

    assert played.asked == [("status", "licences"), ("status",)]


async def test_answers_of_several_ways_travel(play: Any, snmp: SnmpTransport, played: Played) -> None:
    played.fault = Fault(Reason.REFUSED, "refused", "http/refused")
    one = await watched(play, snmp)
    observation = await one.observed()
    kinds = load_catalogue()

    text = json.dumps(observation_json(observation, kinds["firewall"])).encode()

    assert observation_from_text(text, kinds) == observation


def test_a_further_profile_that_is_not_there_is_refused_with_the_estate(played: Played, tmp_path: Path) -> None:
    (tmp_path / "firewall" / "half.yaml").write_text(_BY_SNMP.replace("firewall/played", "firewall/half"))

    with pytest.raises(ValidationError, match="there is no profile 'firewall/half-http'"):
        FirewallOptions(profile="firewall/half")
