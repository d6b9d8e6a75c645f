"""UPSs by the MIBs of their makers, served by a real snmpd: units, what is bad, and what is not known."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.contract import Assessment, Context, State
from checks.network.snmp import CHECK, SnmpOptions
from checks.transports import Transports
from config.estate import Target
from testbeds import snmpd
from testbeds.mitel import overrides
from testbeds.single import check, subject

pytestmark = pytest.mark.acceptance
APC, EATON, MGE = "1.3.6.1.4.1.318.1.1.1", "1.3.6.1.4.1.534.1", "1.3.6.1.4.1.705.1"
WELL_APC: Mapping[str, Any] = {
    f"{APC}.1.1.1.0": "Smart-UPS 3000", f"{APC}.2.1.1.0": 2, f"{APC}.2.1.2.0": ("ticks", 0),
    f"{APC}.2.1.3.0": "08/28/2025", f"{APC}.2.2.1.0": ("gauge", 100), f"{APC}.2.2.2.0": ("gauge", 24),
    f"{APC}.2.2.3.0": ("ticks", 444_000), f"{APC}.2.2.4.0": 1, f"{APC}.4.1.1.0": 2, f"{APC}.4.2.3.0": ("gauge", 31),
    f"{APC}.7.2.3.0": 1, f"{APC}.7.2.4.0": "11/02/26", f"{APC}.8.1.0": 1,
}  # fmt: skip
BAD_APC = WELL_APC | {
    f"{APC}.2.1.1.0": 3, f"{APC}.2.2.3.0": ("ticks", 12_000), f"{APC}.2.2.4.0": 2, f"{APC}.4.1.1.0": 3,
    f"{APC}.2.1.3.0": "28/08/2025", f"{APC}.7.2.3.0": 2, f"{APC}.8.1.0": 2,
}  # fmt: skip
WELL_EATON: Mapping[str, Any] = {
    f"{EATON}.1.1.0": "EATON", f"{EATON}.1.2.0": "9PX 6000", f"{EATON}.2.1.0": 5_280, f"{EATON}.2.2.0": 240,
    f"{EATON}.2.4.0": 97, f"{EATON}.2.5.0": 4, f"{EATON}.2.6.0": "28-Aug-2025", f"{EATON}.2.7.0": 2,
    f"{EATON}.2.8.0": 2, f"{EATON}.2.9.0": 2, f"{EATON}.4.1.0": 44, f"{EATON}.4.5.0": 10,
    f"{EATON}.7.1.0": ("gauge", 0), f"{EATON}.8.2.0": 2,
}  # fmt: skip
BAD_EATON = WELL_EATON | {
    f"{EATON}.2.1.0": 500, f"{EATON}.2.5.0": 8, f"{EATON}.2.6.0": "05/06/2025", f"{EATON}.2.9.0": 1,
    f"{EATON}.4.5.0": 5, f"{EATON}.7.1.0": ("gauge", 3), f"{EATON}.7.2.1.2.1": ("oid", f"{EATON}.7.3"),
    f"{EATON}.7.2.1.2.2": ("oid", f"{EATON}.7.9"), f"{EATON}.7.2.1.2.3": ("oid", f"{EATON}.7.99"),
}  # fmt: skip
WELL_MGE: Mapping[str, Any] = {
    f"{MGE}.1.2.0": "Evolution 1150", f"{MGE}.5.1.0": 12_180, f"{MGE}.5.2.0": 99, f"{MGE}.5.5.0": 547,
    f"{MGE}.5.9.0": 2, f"{MGE}.5.10.0": 2, f"{MGE}.5.11.0": 2, f"{MGE}.5.14.0": 2, f"{MGE}.5.15.0": 2,
    f"{MGE}.7.2.1.4.1": 25, f"{MGE}.7.3.0": 2, f"{MGE}.7.4.0": 2, f"{MGE}.7.10.0": 2,
}  # fmt: skip
BAD_MGE = WELL_MGE | {f"{MGE}.5.11.0": 1, f"{MGE}.5.14.0": 1, f"{MGE}.7.3.0": 1, f"{MGE}.7.4.0": 1}


def lines(tree: Mapping[str, Any]) -> list[str]:
    """As `overrides`, with ticks, in the order in which snmpd walks them."""
    kept = {oid: value for oid, value in tree.items() if not (isinstance(value, tuple) and value[0] == "ticks")}
    ticks = [f"override {oid} timeticks {value[1]}" for oid, value in tree.items() if oid not in kept]
    return [*overrides(kept), *ticks]


@pytest.fixture(scope="module")
def well() -> Iterator[snmpd.Snmpd]:
    with snmpd.running(lines({**WELL_APC, **WELL_EATON, **WELL_MGE})) as agent:
        yield agent


@pytest.fixture(scope="module")
def ill() -> Iterator[snmpd.Snmpd]:
    with snmpd.running(lines({**BAD_APC, **BAD_EATON, **BAD_MGE})) as agent:
        yield agent


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    transports = Transports.open()
    yield Context("here", transports, time.time)
    await transports.close()


async def judged(agent: snmpd.Snmpd, profile: str, context: Context) -> Assessment:
    options = SnmpOptions(profile=profile, port=agent.port)
    spec = check("snmp", options, target="ups")
    target = Target("ups", "127.0.0.1", "c", "s", ("here",), (spec,), credentials={"snmp": snmpd.community()})
    context.deadline = snmpd.soon()
    observation = await CHECK.collect(target, options, context)
    assert observation.fault is None
    return CHECK.assess(subject(spec), [observation], None, context.now())


def bad(assessment: Assessment) -> dict[str, State]:
    return {finding.key: finding.state for finding in assessment.findings if finding.state is not State.OK}


def readings(assessment: Assessment) -> dict[tuple[str, ...], float]:
    return {(one.family.name.removeprefix("ridgeway_ups_"), *one.labels): one.value for one in assessment.readings}


@pytest.mark.parametrize(
    ("profile", "seconds", "charge", "load"),
    [
        ("power/apc", 4_440, 1.0, ("output_load_ratio", "all")),
        ("power/eaton", 5_280, 0.97, ("output_load_ratio", "all")),
        ("power/mge", 12_180, 0.99, ("output_load_ratio", "1")),
    ],
)
async def test_a_ups_that_is_well_says_so_in_seconds_and_ratios_whatever_its_mib_counts_in(
    well: snmpd.Snmpd, context: Context, profile: str, seconds: float, charge: float, load: tuple[str, str]
) -> None:
    assessment = await judged(well, profile, context)

    assert bad(assessment) == {}
    found = readings(assessment)
    assert found["battery_runtime_seconds",] == seconds
    assert found["battery_charge_ratio",] == pytest.approx(charge)
    assert found["output_source",] == 3
    assert found["battery_replace",] == 0
    assert 0 < found[load] < 1


async def test_an_apc_on_battery_that_asks_for_a_new_one_says_each_of_it(ill: snmpd.Snmpd, context: Context) -> None:
    assessment = await judged(ill, "power/apc", context)

    assert bad(assessment) == {
        "snmp/battery": State.CRITICAL,
        "snmp/output_source": State.WARNING,
        "snmp/runtime": State.CRITICAL,
        "snmp/replace": State.WARNING,
        "snmp/test": State.WARNING,
        "snmp/communication": State.UNKNOWN,
    }
    assert readings(assessment)["output_source",] == 5
    assert readings(assessment)["battery_runtime_seconds",] == 120


async def test_an_eaton_names_its_alarms_and_one_that_its_mib_does_not_name_is_unknown(
    ill: snmpd.Snmpd, context: Context
) -> None:
    assessment = await judged(ill, "power/eaton", context)

    assert bad(assessment) == {
        "snmp/battery": State.WARNING,
        "snmp/output_source": State.WARNING,
        "snmp/runtime": State.WARNING,
        "snmp/replace": State.WARNING,
        f"alarm/{EATON}.7.99": State.UNKNOWN,
        "alarm/battery discharged": State.CRITICAL,
    }
    assert readings(assessment)["output_source",] == 5


async def test_an_mge_says_by_yes_and_no_what_others_say_by_a_source(ill: snmpd.Snmpd, context: Context) -> None:
    assessment = await judged(ill, "power/mge", context)

    assert bad(assessment) == {
        "snmp/battery": State.CRITICAL,
        "snmp/output_source": State.WARNING,
        "snmp/bypass": State.WARNING,
        "snmp/replace": State.WARNING,
    }
    assert readings(assessment)["output_source",] == 5


async def test_the_day_of_the_battery_is_taken_only_where_it_is_one_day(
    well: snmpd.Snmpd, ill: snmpd.Snmpd, context: Context
) -> None:
    day = datetime(2025, 8, 28, tzinfo=UTC).timestamp()
    key = ("battery_replaced_timestamp_seconds",)

    assert readings(await judged(well, "power/apc", context))[key] == day
    assert readings(await judged(well, "power/eaton", context))[key] == day
    assert readings(await judged(well, "power/apc", context))["test_timestamp_seconds",] == pytest.approx(
        datetime(2026, 11, 2, tzinfo=UTC).timestamp()
    )
    assert key not in readings(await judged(ill, "power/apc", context))
    assert key not in readings(await judged(ill, "power/eaton", context))


async def test_a_device_of_another_maker_is_not_taken_for_a_ups_that_is_well(context: Context) -> None:
    with snmpd.running() as other:
        for profile in ("power/apc", "power/eaton", "power/mge"):
            assert bad(await judged(other, profile, context))["snmp/output_source"] is State.UNKNOWN
