"""Forecasts as the kind `firewall` makes them of simulated devices, with the words of the shipped profiles."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from agent import profiles
from checks.contract import Assessment, State
from checks.firewall import FirewallOptions
from checks.firewall.series import Series
from checks.transports.snmp import SnmpTransport
from config.profiles import load, search_path
from testbeds.fortigate import FORTI, Watched, fortigate

DAY = 86_400.0
UPTIME = "1.3.6.1.2.1.1.3.0"
MEMORY, SESSIONS = f"{FORTI}.4.1.4.0", f"{FORTI}.4.1.8.0"


async def after(watched: Watched, days: int, **values: tuple[str, float, float]) -> Assessment:
    """What it says after so many days, on which each of the values (OID, begin, growth a day) grew.

    One real poll, of which the days that follow differ in these values and the time.
    """
    first = await watched.observed()
    for day in range(days):
        answers = deepcopy(first.answers)
        for oid, begin, growth in values.values():
            told = answers.snmp.values if oid in answers.snmp.values else answers.snmp.rows[oid.rpartition(".")[0]]
            told[oid if oid in told else oid.rpartition(".")[2]] = int(begin + growth * day)
        answers.snmp.values[UPTIME] = int((day + 2) * DAY * 100)
        said = watched.judged(replace(first, started=watched.clock.now, answers=answers))
        watched.clock.now += DAY
    return said


def states(said: Assessment, part: str = "forecast") -> dict[str, State]:
    return {finding.key: finding.state for finding in said.findings if part in finding.key}


async def test_memory_that_grows_is_foretold_by_its_critical_limit(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)

    early = await after(watched, 10, memory=(MEMORY, 40, 1))
    late = await after(watched, 20, memory=(MEMORY, 50, 1))

    assert states(early) == {}
    # 69 % now, a percent a day: 88 % in 19 days. From 82 % on the value's own warning tells it.
    assert states(late) == {"firewall/forecast/memory_used": State.WARNING}
    assert {f.state for f in late.findings if "forecast" not in f.key} == {State.OK}
    readings = {reading.family.name: reading for reading in late.readings}
    crossing = readings["ridgeway_firewall_forecast_crossing_timestamp_seconds"]
    assert crossing.labels == ("memory_used",)
    assert (crossing.value - watched.clock.now) / DAY == pytest.approx(18, abs=1.5)


async def test_a_limit_that_no_object_tells_is_the_estate_s(play: Any, snmp: SnmpTransport) -> None:
    plain = Watched(await play(fortigate()), snmp)
    limited = Watched(await play(fortigate()), snmp, forecast={"sessions": {"limit": 20_000}, "memory_used": None})

    without = await after(plain, 16, sessions=(SESSIONS, 4_000, 500))
    with_limit = await after(limited, 16, sessions=(SESSIONS, 4_000, 500), memory=(MEMORY, 40, 2))

    assert states(without) == {"firewall/forecast/memory_used": State.OK}
    assert states(with_limit) == {"firewall/forecast/sessions": State.WARNING}


async def test_the_standby_s_sessions_have_no_forecast(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate(own=1)), snmp, forecast={"sessions": {"limit": 20_000}})

    said = await after(watched, 16, sessions=(SESSIONS, 4_000, 500))

    assert states(said) == {"firewall/forecast/memory_used": State.OK}


async def test_a_start_of_the_device_begins_its_memory_anew(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    foretold = await after(watched, 20, memory=(MEMORY, 50, 1))

    watched.device.set(UPTIME, ("uptime", 600))
    started = await watched.said()

    assert states(foretold) == {"firewall/forecast/memory_used": State.WARNING}
    assert states(started) == {}
    assert "firewall/forecast/*" in started.covers & started.may_go


async def test_tunnels_and_users_are_counted_where_the_estate_knows_how_many_there_may_be(
    play: Any, snmp: SnmpTransport
) -> None:
    up = {f"{FORTI}.12.2.2.1.20.{row}": 2 for row in range(1, 21)}
    device = await play(fortigate(tunnels=25) | up | {f"{FORTI}.12.2.3.1.2.1": ("gauge", 10)})
    watched = Watched(device, snmp, forecast={"tunnels": {"limit": 20}, "vpn_users": {"limit": 50}})

    said = await after(watched, 16, users=(f"{FORTI}.12.2.3.1.2.1", 10, 1.5))

    foretold = {finding.key: finding for finding in said.findings if "forecast" in finding.key}
    assert foretold["firewall/forecast/vpn_users"].state is State.WARNING
    assert "users connected by VPN will reach 50 about" in foretold["firewall/forecast/vpn_users"].summary
    tunnels = "VPN tunnels that are up: 20 on busy days, and the limit is 20"
    assert foretold["firewall/forecast/tunnels"].summary == tunnels


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"forecast": {"sesions": {"limit": 5}}}, "no firewall profile has 'sesions'"),
        ({"profile": "firewall/fortigate", "forecast": {"sesions": {"limit": 5}}}, "did you mean 'sessions'"),
        ({"profile": "firewall/fortigate", "forecast": {"version": {"limit": 5}}}, "no number 'version' with a metric"),
        ({"forecast": {"disk_capacity": {"limit": 5}}}, "no firewall profile has 'disk_capacity'"),
        ({"forecast": {"octets_in": {"limit": 5}}}, "no firewall profile has 'octets_in'"),
        ({"forecast": {"sessions": {"limit": 0}}}, "greater than 0"),
        ({"forecast": {"sessions": {"lead_days": 400}}}, "less than or equal to 365"),
    ],
    ids=["auto", "near", "text", "without-metric", "counter", "zero", "lead"],
)  # fmt: skip
def test_a_forecast_that_cannot_be_is_refused_with_the_estate(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FirewallOptions.model_validate(options)


def _series(profile: str, **options: Any) -> dict[str, Series]:
    reader = FirewallOptions.model_validate(options).reader_of(profile)
    return {one.name: one for one in reader.forecasts}


def test_shipped_profiles_forecast_what_has_a_limit() -> None:
    fortigate, panos, gaia = map(_series, ("firewall/fortigate", "firewall/panos", "firewall/gaia"))

    assert set(fortigate) == {"memory_used", "disk_ratio", "vpn_users"}
    assert (fortigate["memory_used"].limit, fortigate["memory_used"].told_from) == (0.88, 0.82)
    assert panos["sessions"].limit_family == "ridgeway_firewall_sessions_limit"
    assert (panos["sessions"].told_from, panos["sessions"].shared, panos["sessions"].serving) == (0.80, True, True)
    assert panos["vpn_users"].limit_family == "ridgeway_firewall_vpn_users_limit"
    assert {"memory_used", "disk_ratio", "sessions"} <= set(gaia) and gaia["disk_ratio"].fixed is None


def test_the_estate_s_thresholds_move_the_limit_of_the_forecast_too() -> None:
    limits = {"memory_used": {"warning": {"above": 0.7}, "critical": {"above": 0.75}}}

    moved = _series("firewall/fortigate", thresholds=limits)["memory_used"]

    assert (moved.limit, moved.told_from) == (0.75, 0.7)


def _told(profile: str) -> list[str]:
    return [line.strip() for line in profiles.told(load(profile, search_path()))]


def test_the_profile_s_explanation_says_what_is_foretold() -> None:
    lines = _told("firewall/panos")

    assert "foretells, from two weeks of daily peaks on" in lines
    assert "sessions: when sessions_limit is reached, 60 days ahead; only days on which the member serves" in lines
    assert "vpn_users: when gateway_limit is reached, 60 days ahead; only days on which the member serves" in lines
    fortigate = _told("firewall/fortigate")
    assert "memory_used: when 0.88 is reached, 30 days ahead; anew at every start" in fortigate
    assert "sessions: when the estate says a limit" in fortigate
    assert not [line for line in fortigate if line.startswith("vpn_users: when")]


def test_a_forecast_outside_a_profile_of_a_firewall_is_remarked_upon() -> None:
    (remark,) = [one for one in profiles.remarks(load("firewall/host", search_path())) if "forecast" in one]

    assert "only the kind firewall keeps a history" in remark
