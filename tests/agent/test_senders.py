"""Which target a notification is about."""

from __future__ import annotations

from agent.senders import Nobody, Senders
from checks.transports.snmp.notification import Notification
from config.estate import Credential, Target


def target(
    name: str,
    address: str,
    *,
    credential: str = "firewalls",
    role: str = "snmp",
    title: str = "",
    system_name: str = "",
) -> Target:
    credentials = {role: Credential(credential, "snmp-v2c", {})} if credential else {}
    return Target(
        name, address, "dacorum", "forum", (), (), credentials=credentials, title=title or name,
        system_name=system_name,
    )  # fmt: skip


def trap(source: str, *credentials: str, origin: str = "", system_name: str = "") -> Notification:
    return Notification(
        source, "2c", frozenset(credentials or ("firewalls",)), False, "1.3.6.1.6.3.1.1.5.3", origin=origin,
        system_name=system_name,
    )  # fmt: skip


def test_the_address_it_came_from_tells_the_target() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("fw-2", "2001:DB8:0::2")])

    assert senders.meant(trap("192.0.2.1")) == ("fw-1",)
    assert senders.meant(trap("2001:db8::2")) == ("fw-2",)


def test_an_address_that_nobody_has_is_unknown() -> None:
    assert Senders([target("fw-1", "192.0.2.1")]).meant(trap("192.0.2.9")) is Nobody.UNKNOWN


def test_another_targets_credential_proves_nothing() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("pbx", "192.0.2.3", credential="telephony")])

    assert senders.meant(trap("192.0.2.1", "telephony")) is Nobody.UNPROVEN


def test_a_target_without_a_credential_for_it_is_never_meant() -> None:
    assert Senders([target("web", "192.0.2.5", credential="")]).meant(trap("192.0.2.5")) is Nobody.UNKNOWN


def test_a_credential_for_traps_alone_is_enough() -> None:
    senders = Senders([target("web", "192.0.2.5", credential="traps", role="snmp-trap")])

    assert senders.meant(trap("192.0.2.5", "traps")) == ("web",)


def test_all_addresses_of_a_name_are_the_targets() -> None:
    senders = Senders([target("fw-1", "fw-1.example")])
    assert senders.to_look_up() == ["fw-1.example"]

    senders.told("fw-1.example", frozenset({"192.0.2.1", "2001:db8::1"}))

    assert senders.meant(trap("192.0.2.1")) == senders.meant(trap("2001:db8::1")) == ("fw-1",)


def test_a_name_that_moved_is_found_only_where_it_is_now() -> None:
    senders = Senders([target("fw-1", "fw-1.example"), target("fw-2", "fw-2.example")])
    senders.told("fw-1.example", frozenset({"192.0.2.1"}))
    senders.told("fw-2.example", frozenset({"192.0.2.2"}))

    senders.told("fw-1.example", frozenset({"192.0.2.7"}))

    assert senders.meant(trap("192.0.2.1")) is Nobody.UNKNOWN
    assert senders.meant(trap("192.0.2.7")) == ("fw-1",)
    assert senders.meant(trap("192.0.2.2")) == ("fw-2",)


def test_a_forwarder_is_believed_about_a_device_whose_credential_it_shows() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("fw-2", "192.0.2.2")])

    assert senders.meant(trap("192.0.2.1", origin="192.0.2.2")) == ("fw-2",)
    assert senders.meant(trap("192.0.2.99", origin="192.0.2.2")) == ("fw-2",)


def test_a_forwarder_is_not_believed_about_a_device_of_another_credential() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("pbx", "192.0.2.3", credential="telephony")])

    assert senders.meant(trap("192.0.2.1", origin="192.0.2.3")) == ("fw-1",)
    assert senders.meant(trap("192.0.2.99", origin="192.0.2.3")) is Nobody.UNKNOWN


def test_the_devices_own_community_that_a_forwarder_passes_on_proves_the_device() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("pbx", "192.0.2.3", credential="telephony")])

    assert senders.meant(trap("192.0.2.1", origin="192.0.2.3"), frozenset({"telephony"})) == ("pbx",)


def test_what_a_forwarder_passes_on_proves_nothing_about_the_forwarder() -> None:
    senders = Senders([target("pbx", "192.0.2.3", credential="telephony")])

    assert senders.meant(trap("192.0.2.3", "firewalls"), frozenset({"telephony"})) is Nobody.UNPROVEN


def test_an_origin_that_is_no_address_is_passed_over() -> None:
    assert Senders([target("fw-1", "192.0.2.1")]).meant(trap("192.0.2.1", origin="nonsense")) == ("fw-1",)


def test_several_targets_at_one_address_are_told_apart_by_their_system_name() -> None:
    senders = Senders([target("mivb-1", "192.0.2.4"), target("mivb-2", "192.0.2.4", title="MiVB Aylesbury")])

    assert senders.meant(trap("192.0.2.4", system_name="MIVB-1")) == ("mivb-1",)
    assert senders.meant(trap("192.0.2.4", system_name="mivb-2.example.org")) == ("mivb-2",)
    assert senders.meant(trap("192.0.2.4", system_name="mivb aylesbury")) == ("mivb-2",)


def test_without_a_system_name_that_helps_all_at_the_address_are_meant() -> None:
    senders = Senders([target("mivb-1", "192.0.2.4"), target("mivb-2", "192.0.2.4")])

    assert senders.meant(trap("192.0.2.4", system_name="pbx")) == ("mivb-1", "mivb-2")


def test_a_device_behind_a_translated_address_is_found_by_its_system_name() -> None:
    senders = Senders([target("mivb-1", "pbx.example.org")])

    assert senders.meant(trap("203.0.113.9", system_name="mivb-1")) == ("mivb-1",)
    assert senders.meant(trap("203.0.113.9", system_name="pbx")) == ("mivb-1",)
    assert senders.meant(trap("203.0.113.9", "telephony", system_name="mivb-1")) is Nobody.UNKNOWN


def test_a_system_name_does_not_outweigh_the_address_of_a_known_target() -> None:
    senders = Senders([target("fw-1", "192.0.2.1"), target("fw-2", "192.0.2.2")])

    assert senders.meant(trap("192.0.2.1", system_name="fw-2")) == ("fw-1",)


def test_systems_behind_one_address_are_told_apart_by_what_the_estate_says_that_they_call_themselves() -> None:
    senders = Senders(
        [
            target("pbx-forum", "192.0.2.20", system_name="ICP-A"),
            target("pbx-gateway", "192.0.2.20", system_name="icp-b.example.org"),
        ]
    )

    assert senders.meant(trap("192.0.2.20", system_name="icp-a")) == ("pbx-forum",)
    assert senders.meant(trap("192.0.2.20", system_name="ICP-B.example.org")) == ("pbx-gateway",)
    assert senders.meant(trap("192.0.2.20", system_name="icp-c")) == ("pbx-forum", "pbx-gateway")


def test_a_name_comes_before_the_address_only_where_it_is_there_to_tell_the_device() -> None:
    senders = Senders([target("router", "192.0.2.1"), target("pbx", "10.0.0.5", system_name="icp-a")])
    behind_the_router = trap("192.0.2.1", system_name="icp-a")

    assert senders.meant(behind_the_router) == ("router",)
    assert senders.meant(behind_the_router, name_first=True) == ("pbx",)
    assert senders.meant(trap("192.0.2.1", system_name="nobody"), name_first=True) == ("router",)


def test_a_name_alone_proves_nothing() -> None:
    senders = Senders([target("router", "192.0.2.1"), target("pbx", "10.0.0.5", credential="telephony")])

    assert senders.meant(trap("192.0.2.1", system_name="pbx"), name_first=True) == ("router",)
    assert senders.meant(trap("192.0.2.9", system_name="pbx"), name_first=True) is Nobody.UNKNOWN
