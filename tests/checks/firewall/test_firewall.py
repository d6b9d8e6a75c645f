"""The kind `firewall` as the agent uses it, on simulated members that speak real SNMP."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.contract import Assessment, Memory, Reason, State, covered
from checks.firewall import CHECK, FirewallAnswers, FirewallOptions
from checks.transports import Transports
from checks.transports.snmp import Answer, Columns, Manner, SnmpTransport
from checks.transports.snmp.errors import NoAnswer
from checks.wire import observation_from_text, observation_json
from testbeds.fortigate import FORTI, MEMBER, SERIALS, Watched, fortigate

QUICK_QUESTIONS = 2
"""The column that lists the members, and the scalars with the other cells; with its answer each is two datagrams."""


class Cut:
    """A transport whose device falls silent after so many calls: scalars, the list of members, cells."""

    def __init__(self, snmp: SnmpTransport, calls: int) -> None:
        self._snmp = snmp
        self._left = calls

    async def get(self, *asked: Any) -> Answer:
        self._left -= 1
        return await self._snmp.get(*asked) if self._left >= 0 else Answer({}, NoAnswer("no answer any more"))

    def manner(self, device: Any) -> Manner | None:
        return self._snmp.manner(device)

    async def columns(self, *asked: Any) -> Columns:
        self._left -= 1
        return await self._snmp.columns(*asked) if self._left >= 0 else Columns({}, frozenset(), NoAnswer("no more"))


async def test_a_member_of_a_pair_is_recognised_and_says_its_role_and_everybody_else_s(
    play: Any, snmp: SnmpTransport
) -> None:
    watched = Watched(await play(fortigate()), snmp)

    said = await watched.said()

    readings = {(r.family.name, *r.labels): r.value for r in said.readings}
    assert {f.state for f in said.findings} == {State.OK}
    assert readings["ridgeway_firewall_ha_role", "fw-1", "active"] == 1
    assert readings["ridgeway_firewall_ha_role", "fw-2", "standby"] == 1
    assert readings["ridgeway_firewall_ha_member_in_sync", "fw-2"] == 1
    assert readings["ridgeway_firewall_sessions",] == 4321
    assert readings["ridgeway_firewall_cpu_ratio", "all"] == pytest.approx(0.12)
    assert readings["ridgeway_firewall_sensor_celsius", "CPU Temperature"] == 41.5
    assert ("ridgeway_firewall_info", "Fortinet", "", SERIALS[0], "v7.2.10,build1706,240918 (GA.M)") in readings
    assert "ridgeway_firewall_sessions_limit" not in {name for name, *_ in readings}


async def test_the_quick_questions_of_one_member_are_at_most_eight_datagrams(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate(tunnels=30)), snmp)
    await watched.said()
    before = watched.device.questions

    watched.clock.now += 60
    await watched.said()

    assert watched.device.questions - before == QUICK_QUESTIONS


async def test_a_device_that_answered_no_tables_last_time_is_asked_for_its_scalars_first(
    play: Any, snmp: SnmpTransport
) -> None:
    class NoColumns(Cut):
        async def columns(self, *asked: Any) -> Columns:
            return Columns({}, frozenset(), NoAnswer("no answer to tables"))

    watched = Watched(await play(fortigate()), snmp)
    await watched.said()
    watched.context.transports = cast("Transports", type("No", (), {"snmp": NoColumns(snmp, calls=99)})())

    observations = [await watched.observed() for _ in range(2)]

    assert all(one.fault is not None for one in observations)
    readings = [{r.family.name for r in watched.judged(one).readings} for one in observations if one.answers]
    assert "ridgeway_firewall_sessions" in readings[-1]


async def test_slow_values_are_asked_when_they_are_old_and_shown_meanwhile(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    await watched.said()
    watched.device.set(f"{FORTI}.4.3.2.1.4.1", 1)

    watched.clock.now += 60
    soon = await watched.bad()
    watched.clock.now += 300
    later = await watched.bad()

    assert soon == {}
    assert later == {"firewall/sensor_alarm/CPU Temperature": State.WARNING}


async def test_a_licence_is_read_as_often_as_the_estate_says(play: Any, snmp: SnmpTransport) -> None:
    usual, soon = Watched(await play(fortigate()), snmp), Watched(await play(fortigate()), snmp, daily_seconds=5)
    for one in (usual, soon):
        await one.said()
        one.device.set(f"{FORTI}.4.6.3.1.2.1.2.1", "Wed Sep 16 01:00:00 2020")
        one.clock.now += 5

    assert await usual.bad() == {}
    assert await soon.bad() == {"firewall/licence_expiry/FortiCare": State.CRITICAL}


@pytest.mark.parametrize("options", [{}, {"slow_seconds": 60}], ids=["as the profile says", "asked more often"])
async def test_slow_values_that_cannot_be_read_anew_are_dropped_in_the_end(
    play: Any, snmp: SnmpTransport, options: dict[str, Any]
) -> None:
    watched = Watched(await play(fortigate()), snmp, **options)
    await watched.said()
    whole = watched.context.transports

    async def cut_after_the_quick_ones() -> Assessment:
        watched.context.transports = cast("Transports", type("Cut", (), {"snmp": Cut(snmp, calls=3)})())
        observation = await watched.observed()
        watched.context.transports = whole
        assert observation.fault is not None
        return watched.judged(observation)

    watched.clock.now += 301
    held = await cut_after_the_quick_ones()
    watched.clock.now += 700
    dropped = await cut_after_the_quick_ones()

    assert covered(held.covers, "firewall/sensor_alarm/CPU Temperature")
    assert not covered(dropped.covers, "firewall/sensor_alarm/CPU Temperature")
    assert covered(dropped.covers, "firewall/sessions")


async def test_a_device_that_is_replaced_by_another_product_is_known_anew(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    await watched.said()
    watched.device.set("1.3.6.1.2.1.1.2.0", ("oid", "1.3.6.1.4.1.3224.1.29"))

    watched.clock.now += 301
    await watched.said()
    watched.clock.now += 60
    observation = await watched.observed()

    assert isinstance(observation.answers, FirewallAnswers)
    assert observation.answers.profile == "firewall/screenos"


async def test_a_product_nobody_knows_is_unknown_with_what_it_says(play: Any, snmp: SnmpTransport) -> None:
    values = {"1.3.6.1.2.1.1.1.0": "toaster", "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.99999.1")}

    said = await Watched(await play(values), snmp).said()

    (finding,) = said.findings
    assert (finding.key, finding.state) == ("firewall/profile", State.UNKNOWN)
    assert "toaster" in finding.summary and "1.3.6.1.4.1.99999.1" in finding.summary


async def test_a_silent_firewall_is_no_answer_and_nothing_is_judged(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    watched.device.silent = True

    observation = await watched.observed(seconds=0.4)

    assert observation.answers is None
    assert observation.fault is not None and observation.fault.reason is Reason.NO_ANSWER


async def test_the_standby_s_tunnels_are_silent_and_the_active_s_a_fact(play: Any, snmp: SnmpTransport) -> None:
    active = Watched(await play(fortigate(0, tunnels=5)), snmp)
    standby = Watched(await play(fortigate(1, tunnels=5)), snmp)

    on_active, on_standby = await active.said(), await standby.said()

    assert {f.state for f in (*on_active.findings, *on_standby.findings)} == {State.OK}
    facts = {f.key: f.summary for f in on_active.findings}["firewall/member"]
    assert "5 tunnels are down that nothing expects to be up" in facts
    shown = {r.family.name for r in on_standby.readings}
    assert "ridgeway_firewall_vpn_tunnel_up" not in shown


@pytest.mark.parametrize(
    ("own", "intent", "state"),
    [(0, "permanent", "critical"), (1, "permanent", None), (0, "on_demand", None), (1, "standby_only", "critical"),
     (0, "standby_only", None)],
)  # fmt: skip
async def test_a_tunnel_is_judged_by_its_intent_and_the_role(
    play: Any, snmp: SnmpTransport, own: int, intent: str, state: str | None
) -> None:
    expect = {"tunnels": {"branch1": intent, "192.0.2.2": intent}}

    bad = await Watched(await play(fortigate(own, tunnels=2)), snmp, expect=expect).bad()

    wanted = {"firewall/tunnel/branch1": State(state), "firewall/tunnel/192.0.2.2": State(state)} if state else {}
    assert bad == wanted


async def test_a_member_that_was_listed_before_is_missed_until_it_is_back_or_replaced(
    play: Any, snmp: SnmpTransport
) -> None:
    watched = Watched(await play(fortigate()), snmp)
    await watched.said()
    for column in (1, 2, 11, 12, 15, 16):
        watched.device.remove(f"{MEMBER}.{column}.2")

    watched.clock.now += 400
    alone = await watched.bad()
    for column, value in ((1, 2), (2, "FGT60F0000000009"), (11, "fw-9"), (12, 1), (16, SERIALS[0])):
        watched.device.set(f"{MEMBER}.{column}.2", value)
    watched.clock.now += 400
    replaced = await watched.bad()

    assert alone == {f"firewall/missing/{SERIALS[1]}": State.WARNING, "firewall/ha": State.WARNING}
    assert replaced == {}


async def test_the_estate_may_say_how_many_members_there_are(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp, expect={"members": 3})

    assert await watched.bad() == {"firewall/ha": State.WARNING}


async def test_what_is_expected_and_not_there_is_critical(play: Any, snmp: SnmpTransport) -> None:
    expect = {"licences": ["FortiCare", "Web filter"], "interfaces": ["wan1"], "members": 2}

    bad = await Watched(await play(fortigate()), snmp, expect=expect).bad()

    assert bad == {"firewall/licence/Web filter": State.CRITICAL, "firewall/interface/wan1": State.CRITICAL}


async def test_a_licence_s_lead_time_is_the_estate_s_where_it_says_one(play: Any, snmp: SnmpTransport) -> None:
    device = await play(fortigate())
    usual = Watched(device, snmp)
    far = Watched(device, snmp, licence_warning_days=3650, licence_critical_days=10)
    usual.clock.now = far.clock.now = 1_800_000_000  # January 2027

    assert await usual.bad() == {}
    assert await far.bad() == {}
    usual.clock.now = far.clock.now = 2_130_000_000  # June 2037
    usual.context.kept = far.context.kept = None
    assert await usual.bad() == {}
    assert await far.bad() == {"firewall/licence_expiry/FortiCare": State.WARNING}


async def test_an_observation_travels_and_is_judged_the_same(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate(tunnels=2)), snmp)
    observation = await watched.observed()

    sent = json.dumps(observation_json(observation, CHECK), allow_nan=False).encode()
    came = observation_from_text(sent, load_catalogue())

    assert came == observation
    assert watched.judged(came).findings == watched.judged(observation).findings


@pytest.mark.parametrize("text", ["", "{", "[]", '{"values": 1}', '{"values": null, "members": []}'])
async def test_a_damaged_memory_is_none(play: Any, snmp: SnmpTransport, text: str) -> None:
    watched = Watched(await play(fortigate()), snmp)
    watched.memory = Memory(1, text)

    assert await watched.bad() == {}
    assert watched.memory is not None and watched.memory.text != text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "generic"}, "not one of a firewall; there are firewall/asa"),
        ({"profile": "firewall/fortigat"}, "did you mean 'firewall/fortigate'"),
        ({"thresholds": {"memory_usd": {"warning": {"above": 0.5}}}}, "no firewall profile has 'memory_usd'"),
        ({"profile": "firewall/asa", "thresholds": {"disk_ratio": {"warning": {"above": 1}}}}, "has no 'disk_ratio'"),
        ({"expect": {"tunnels": {"a": "always"}}}, "permanent"),
        ({"expect": {"members": 0}}, "greater than or equal to 1"),
        ({"slow_seconds": 4}, "greater than or equal to 5"),
        ({"daily_seconds": 604_801}, "less than or equal to 604800"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_estate(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FirewallOptions.model_validate(options)


async def test_a_limit_of_the_estate_counts_for_a_recognised_product_too(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp, thresholds={"memory_used": {"warning": {"above": 0.4}}})

    assert await watched.bad() == {"firewall/memory_used": State.WARNING}


async def test_a_poll_that_breaks_off_among_the_cells_says_nothing_of_the_role(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    watched.context.transports = cast("Transports", type("Cut", (), {"snmp": Cut(snmp, calls=3)})())

    observation = await watched.observed()
    said = watched.judged(observation)

    assert observation.fault is not None
    assert not covered(said.covers, "firewall/ha") and not covered(said.covers, "firewall/profile")
    assert "firewall/ha" not in {finding.key for finding in said.findings}


async def test_columns_that_were_not_asked_any_more_are_not_empty(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate(tunnels=2)), snmp)
    # Identity, quick scalars, the list of members, their cells, slow scalars; then the interfaces are not listed.
    watched.context.transports = cast("Transports", type("Cut", (), {"snmp": Cut(snmp, calls=5)})())

    observation = await watched.observed()

    assert isinstance(observation.answers, FirewallAnswers) and observation.fault is not None
    assert "1.3.6.1.2.1.2.2.1.14" not in observation.answers.snmp.rows
    assert not covered(watched.judged(observation).covers, "firewall/tunnel/branch1-p2")


async def test_what_is_not_expected_any_more_may_go(play: Any, snmp: SnmpTransport) -> None:
    said = await Watched(await play(fortigate(tunnels=1)), snmp).said()

    assert covered(said.covers, "firewall/interface/wan1") and covered(said.may_go, "firewall/interface/wan1")
    assert covered(said.may_go, "firewall/tunnel/branch1-p2")
