"""The catalogue: what is installed, what is refused, and that a broken plug-in stops nothing."""

import dataclasses
from importlib.metadata import EntryPoint

import pytest
from pydantic import BaseModel

from checks.catalogue import GROUP, kind_faults, load_catalogue, unavailable
from checks.contract import CheckKind, Family, MetricType, Reason
from checks.families import family_faults
from checks.network.icmp import CHECK as ICMP
from checks.network.tcp import CHECK as TCP
from testbeds.single import asked


class _Loose(BaseModel):
    pass


def _gives(kind: object, name: str) -> EntryPoint:
    """An entry point that loads as `kind`."""
    point = EntryPoint(name, f"plugins.{name}:CHECK", GROUP)
    object.__setattr__(point, "load", lambda: kind)
    return point


def test_every_kind_that_is_installed_can_be_loaded_and_keeps_the_rules():
    catalogue = load_catalogue()

    assert catalogue.broken == ()
    assert {"host", "icmp", "snmp", "tcp"} <= set(catalogue)
    assert [fault for kind in catalogue.values() for fault in kind_faults(kind, kind.families())] == []


def test_no_two_installed_kinds_declare_one_family_differently():
    declared = {}
    for kind in load_catalogue().values():
        for family in kind.families():
            assert declared.setdefault(family.name, family) == family


def test_each_kind_is_asked_once_for_its_families_however_many_there_are():
    asked = []

    def counting(kind: CheckKind) -> CheckKind:
        return dataclasses.replace(kind, families=lambda: asked.append(kind.kind) or kind.families())

    load_catalogue([_gives(counting(kind), kind.kind) for kind in load_catalogue().values()])

    assert sorted(asked) == sorted(load_catalogue())


async def test_a_plug_in_that_cannot_be_imported_is_reported_and_its_checks_are_unknown():
    catalogue = load_catalogue([_gives(ICMP, "icmp"), EntryPoint("broken", "no_such_module_at_all:CHECK", GROUP)])

    observation = await asked(catalogue["broken"], catalogue["broken"].options(anything=1), "127.0.0.1")

    assert catalogue["icmp"] is ICMP
    ((name, why),) = [(broken.name, broken.why) for broken in catalogue.broken]
    assert name == "broken"
    assert why == "it cannot be loaded: ModuleNotFoundError: No module named 'no_such_module_at_all'"
    assert observation.fault.reason is Reason.LOCAL
    assert "broken is not available" in observation.fault.message


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("a text", "text", "plugins.text:CHECK is a str, not a CheckKind"),
        (ICMP, "ping", "the entry point is called ping, the kind icmp: they must be the same"),
        (dataclasses.replace(TCP, kind="Tcp 2"), "Tcp 2", "lower-case letters, digits, hyphens and underscores"),
        (dataclasses.replace(TCP, kind="loose", options=_Loose), "loose", "do not forbid unknown keys"),
        (dataclasses.replace(TCP, kind="mute", finding_keys={}), "mute", "declares no finding keys"),
        (
            dataclasses.replace(TCP, kind="odd", families=lambda: [Family("tcp_seconds", "Help.")]),
            "odd",
            "must be snake_case and begin with ridgeway_",
        ),
        (
            dataclasses.replace(TCP, kind="thief", families=lambda: [Family("ridgeway_icmp_loss_ratio", "Mine.")]),
            "thief",
            "the family ridgeway_icmp_loss_ratio is declared differently by the kind icmp",
        ),
        (
            dataclasses.replace(TCP, kind="crash", families=lambda: 1 // 0),
            "crash",
            "families() raises ZeroDivisionError",
        ),
    ],
)
def test_a_kind_that_breaks_the_contract_is_left_out_with_the_reason(kind, name, why):
    catalogue = load_catalogue([_gives(ICMP, "icmp"), _gives(kind, name)])

    assert catalogue["icmp"] is ICMP
    assert why in catalogue.broken[0].why


def test_of_two_kinds_of_one_name_the_first_stays_and_the_second_is_reported():
    other = dataclasses.replace(ICMP, title="Another ping")

    catalogue = load_catalogue([_gives(ICMP, "icmp"), _gives(other, "icmp")])

    assert catalogue["icmp"] is ICMP
    assert "the kind icmp exists already" in catalogue.broken[0].why


@pytest.mark.parametrize(
    ("family", "fault"),
    [
        (Family("node_load", "Help."), "begin with ridgeway_"),
        (Family("ridgeway_Load", "Help."), "snake_case"),
        (Family("ridgeway_runs", "Help.", MetricType.COUNTER), "_total"),
        (Family("ridgeway_runs_total", "Help."), "_total"),
        (Family("ridgeway_wait_ms", "Help."), "base unit"),
        (Family("ridgeway_used_percent", "Help."), "base unit"),
        (Family("ridgeway_uptime_seconds", "Help."), "base unit"),
        (Family("ridgeway_rows_count", "Help."), "reserved"),
        (Family("ridgeway_wait", "Help.", unit="seconds"), "does not have its unit"),
        (Family("ridgeway_wait_minutes_x", "Help.", unit="minutes"), "not a base unit"),
        (Family("ridgeway_boot_timestamp", "Help."), "_timestamp_seconds"),
        (Family("ridgeway_x", " "), "help text"),
        (Family("ridgeway_x", "Help.", labels=("job",)), "clashes"),
        (Family("ridgeway_x", "Help.", labels=("instance",)), "clashes"),
        (Family("ridgeway_x", "Help.", labels=("council",)), "every family has"),
        (Family("ridgeway_x", "Help.", labels=("Port",)), "snake_case"),
        (Family("ridgeway_x", "Help.", labels=("port", "port")), "twice"),
    ],
    ids=str,
)
def test_each_rule_of_naming_is_held(family, fault):
    assert any(fault in text for text in family_faults(family))


def test_an_unavailable_kind_has_the_shape_of_a_kind():
    assert isinstance(unavailable("lost", "it is gone"), CheckKind)
