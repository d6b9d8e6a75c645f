"""The example estates load with what is installed, hold no real address, and show what they mean to show."""

import ipaddress
from pathlib import Path

import pytest

from checks.catalogue import load_catalogue
from config.estate import SHARED, Estate
from config.load import load_estate
from config.routing import is_active, route_for
from exporters.desks.catalogue import desk_kinds

_EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
_RANGES = [
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def councils() -> Estate:
    return load_estate(_EXAMPLES / "dacorum-aylesbury-vale", load_catalogue(), desk_kinds())


def test_the_demo_estate_loads_and_stays_on_loopback() -> None:
    estate = load_estate(_EXAMPLES / "demo.yaml", load_catalogue(), desk_kinds())

    assert all(ipaddress.ip_address(target.address).is_loopback for target in estate.targets.values())


def test_every_address_is_of_a_documentation_range_or_under_example(councils: Estate) -> None:
    for target in councils.targets.values():
        try:
            address = ipaddress.ip_address(target.address)
        except ValueError:
            assert target.address.endswith(".example")
        else:
            assert any(address in network for network in _RANGES), target


def test_both_councils_and_what_they_share_have_sites_targets_and_a_route(councils: Estate) -> None:
    for council in ("dacorum", "aylesbury-vale", SHARED):
        assert any(target.council == council for target in councils.targets.values())
        assert route_for(councils, council=council) is not None
    assert len([site for site in councils.sites.values() if site.council == "dacorum"]) >= 4
    assert len([site for site in councils.sites.values() if site.council == "aylesbury-vale"]) >= 4


def test_a_switch_of_a_small_site_hangs_on_its_line_and_that_on_the_firewalls(councils: Estate) -> None:
    switch, line = councils.targets["winslow-switch"], councils.targets["line-winslow"]

    assert switch.depends_on is not None
    assert switch.depends_on.names() == {"line-winslow"}
    assert line.depends_on is not None
    assert line.depends_on.mode == "any"


def test_all_kinds_of_checks_there_are_today_are_used(councils: Estate) -> None:
    used = {check.kind for target in councils.targets.values() for check in target.checks}

    assert used == set(load_catalogue())


def test_telephony_goes_to_its_own_queue_whichever_council_owns_the_controller(councils: Estate) -> None:
    route = route_for(councils, council=SHARED, target="forum-controller", site="forum-data-centre", kind="tcp")

    assert route is not None
    assert route.queue == "Telephony"


def test_servers_are_patched_in_the_evening_of_the_second_tuesday(councils: Estate) -> None:
    (patching,) = [window for window in councils.maintenance if window.id == "server-patching"]

    # Tuesday 8 December 2026, 20:30 and 23:30 GMT; Tuesday 15 December.
    assert [is_active(patching, moment) for moment in (1_796_761_800, 1_796_772_600, 1_797_366_600)] == [
        True, False, False,
    ]  # fmt: skip
