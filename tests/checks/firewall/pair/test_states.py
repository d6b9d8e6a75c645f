"""Every state a pair can be in, one line each: what its members answer, and what is then not well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from checks.contract import Reason, State
from testbeds.pairs import FORTI, IF, MEMBERS, PALO, SERIALS, SHARED, VRRP, Pair, fortigate, keepalived, listing, panos

LINUX = {"profile": "firewall/linux"}
MASTER, BACKUP, FAULT, INIT = 2, 1, 3, 0
SERVICE, A, B = "pair/service", "pair/member/fw-a", "pair/member/fw-b"


@dataclass(frozen=True, slots=True)
class Line:
    """One state."""

    name: str
    pair: Callable[[], Pair]
    bad: dict[str, str]
    words: str = ""
    """What the worst finding says."""


def linux(first: int | None, second: int | None, *addresses: tuple[str, ...] | None) -> Pair:
    """Two with keepalived; `addresses` are what each lists over SSH, None where that is silent."""
    pair = Pair(keepalived(first), keepalived(second, 90), **LINUX)
    if addresses:
        pair.with_ssh = True
        pair.addresses = [None if some is None else listing(*some) for some in addresses]
    return pair


def forti(first: dict[str, object] | None = None, second: dict[str, object] | None = None, **options: object) -> Pair:
    """A FortiGate pair with some values changed."""
    return Pair(fortigate(0) | (first or {}), fortigate(1) | (second or {}), **options)


def palo(first: tuple[str, str], second: tuple[str, str], mode: str = "active-passive") -> Pair:
    return Pair(panos(*first, mode), panos(*second, mode))


ON_A = (("192.0.2.1", SHARED), ("192.0.2.2",))
ON_BOTH = (("192.0.2.1", SHARED), ("192.0.2.2", SHARED))
ON_NONE = (("192.0.2.1",), ("192.0.2.2",))
NO_ADDRESS = {"pair/address": "unsupported"}

LINES = (
    Line("all is well", forti, {}),
    Line("the second is active: a planned swap", lambda: Pair(fortigate(0, 1), fortigate(1, 1)), {}),
    Line("all is well, PAN-OS", lambda: palo(("active", "passive"), ("passive", "active")), {}),
    Line(
        "two actives that do not see each other",
        lambda: palo(("active", "unknown"), ("active", "unknown")),
        {SERVICE: "critical"},
        "service fails: 2 members are active, fw-a and fw-b",
    ),
    Line(
        "two actives, each of which believes that the other stands by",
        lambda: palo(("active", "passive"), ("active", "passive")),
        {SERVICE: "critical"},
    ),
    Line(
        "active/active, as meant",
        lambda: palo(("active-primary", "active-secondary"), ("active-secondary", "active-primary"), "active-active"),
        {},
    ),
    Line(
        "active/active and one failed",
        lambda: palo(("active-primary", "non-functional"), ("non-functional", "active-primary"), "active-active"),
        {B: "warning"},
        "resilience gone: the next fault is an outage",
    ),
    Line(
        "none is active", lambda: palo(("passive", "passive"), ("passive", "passive")), {SERVICE: "critical"},
        "service fails: no member is active",
    ),
    Line(
        "one failed, and both say so", lambda: palo(("active", "non-functional"), ("non-functional", "active")),
        {B: "warning"}, "resilience gone",
    ),
    Line("one suspended by a person", lambda: palo(("active", "suspended"), ("suspended", "active")), {B: "warning"}),
    Line("both failed", lambda: palo(*[("non-functional", "non-functional")] * 2), {SERVICE: "critical"}),
    Line(
        "one believes that the other failed, which knows nothing of it",
        lambda: palo(("active", "non-functional"), ("passive", "active")),
        {"pair/views": "warning"},
        "fw-a says that fw-b is failed, and fw-b is standby (passive)",
    ),
    Line(
        "one is alone by its own word, and the other stands by",
        lambda: palo(("active", "unknown"), ("passive", "active")),
        {"pair/views": "warning"},
        "alone",
    ),
    Line(
        "a role that nobody knows", lambda: palo(("active", "passive"), ("resting", "active")),
        {B: "unknown"}, "resting",
    ),
    Line(
        "roles that nobody knows on both", lambda: palo(("resting", "resting"), ("resting", "resting")),
        {SERVICE: "unknown"}, "cannot be told",
    ),
    Line(
        "what one says of the other is no known word", lambda: palo(("active", "resting"), ("passive", "active")),
        {"pair/views": "unknown"}, "resting",
    ),
    Line("neither is in a cluster", lambda: palo(("disabled", "unknown"), ("disabled", "unknown"), "disabled"),
         {SERVICE: "critical"}),
    Line(
        "one does not answer, and its row stays: the other's word alone", lambda: Pair(fortigate(0), None),
        {B: "unknown"}, "witness: one",
    ),
    Line(
        "one does not answer, and the other says that it failed",
        lambda: Pair(panos("active", "non-functional"), None), {B: "warning"}, "witness: one",
    ),
    Line("the active one does not answer, and the standby calls it active", lambda: Pair(None, fortigate(1)),
         {A: "unknown"}, "witness: one"),
    Line(
        "the active one does not answer, and the standby calls it failed",
        lambda: Pair(None, panos("passive", "non-functional")), {SERVICE: "critical"}, "no member is active",
    ),
    Line("one does not answer, and nobody speaks of it", lambda: Pair(keepalived(MASTER), None, **LINUX),
         {B: "warning", **NO_ADDRESS}, "resilience gone"),
    Line("one does not answer, nobody speaks of it, and the other one stands by", lambda: Pair(None, keepalived(BACKUP),
         **LINUX), {SERVICE: "unknown", **NO_ADDRESS}, "no member that can be read is active"),
    Line("out of sync, as one says", lambda: forti({f"{MEMBERS}.12.2": 0}), {"pair/sync": "warning"},
         "resilience going: the configuration is not the same on all: fw-b is out of sync"),
    Line("a blank for the first hides nothing of the second",
         lambda: forti({f"{MEMBERS}.12.1": "", f"{MEMBERS}.12.2": 0}, {f"{MEMBERS}.12.1": ""}),
         {"pair/sync": "warning"}),
    Line("blank on both for both", lambda: forti(*[{f"{MEMBERS}.12.1": "", f"{MEMBERS}.12.2": ""}] * 2),
         {"pair/sync": "unknown"}),
    Line("a sync state that nobody knows", lambda: forti(*[{f"{MEMBERS}.12.2": 7}] * 2), {"pair/sync": "unknown"}),
    Line("checksums differ although the flag says in sync", lambda: forti({f"{MEMBERS}.15.2": "FFFF"}),
         {"pair/sync": "warning"}, "checksums differ: fw-1 EE98, fw-2 FFFF"),
    Line("other firmware", lambda: forti(None, {f"{FORTI}.4.1.1.0": "v7.2.8,build1639"}), {"pair/firmware": "warning"},
         "fw-a v7.2.10,build1706, fw-b v7.2.8,build1639"),
    Line("old signatures on one", lambda: forti(None, {f"{FORTI}.4.2.1.0": "92.01(2026-01-12 18:20)"}),
         {"pair/content": "warning"}),
    Line("signatures a few hours apart", lambda: forti(None, {f"{FORTI}.4.2.1.0": "92.01(2026-01-14 02:20)"}), {}),
    Line("a licence on one only", lambda: forti({f"{FORTI}.4.6.3.1.2.1.1.2": "IPS", f"{FORTI}.4.6.3.1.2.1.2.2":
         "Wed Sep 16 01:00:00 2037"}), {"pair/licences": "warning"}, "fw-b has not IPS"),
    Line("an interface down on the standby", lambda: forti(None, {f"{IF}.2.2.1.8.2": 2}), {"pair/takeover": "warning"},
         "port2 is up on fw-a and down on fw-b"),
    Line("an interface down on both", lambda: forti(*[{f"{IF}.2.2.1.8.2": 2}] * 2), {}),
    Line("a VLAN down on the standby", lambda: forti({f"{IF}.31.1.1.1.1.9": "guests", f"{IF}.2.2.1.8.9": 1},
         {f"{IF}.31.1.1.1.1.9": "guests", f"{IF}.2.2.1.8.9": 2}), {}),
    Line("few sessions on the standby, as may be", lambda: forti(None, {f"{FORTI}.4.1.8.0": 3}), {}),
    Line("few sessions on the standby that is to know them",
         lambda: forti(None, {f"{FORTI}.4.1.8.0": 3}, sessions_synchronised=True), {"pair/takeover": "warning"}),
    Line("the standby's memory is full", lambda: forti(None, {f"{FORTI}.4.1.4.0": 95}),
         {"firewall/fw-b/memory_used": "warning"}, "resilience going"),
    Line("the active one's memory is full", lambda: forti({f"{FORTI}.4.1.4.0": 95}),
         {"firewall/fw-a/memory_used": "critical"}),
    Line("the same on both is one cause", lambda: forti(*[{f"{FORTI}.4.1.4.0": 84}] * 2),
         {"firewall/fw-a/memory_used": "warning"}, "on fw-a and fw-b alike"),
    Line("a link monitor is the service's", lambda: forti({f"{FORTI}.4.8.2.1.2.1": "wan", f"{FORTI}.4.8.2.1.3.1": 1},
         {f"{FORTI}.4.8.2.1.2.1": "wan", f"{FORTI}.4.8.2.1.3.1": 1}), {"firewall/link_state/wan": "warning"}),
    Line("keepalived, and nobody can tell of the address", lambda: linux(MASTER, BACKUP), NO_ADDRESS),
    Line("keepalived, and the address is on one", lambda: linux(MASTER, BACKUP, *ON_A), {}),
    Line("keepalived, and one does not list its addresses", lambda: linux(MASTER, BACKUP, ON_A[0], None),
         {"pair/address": "unknown"}, "does not answer"),
    Line("state 2: the master was stopped", lambda: linux(None, MASTER, ("192.0.2.1",), ("192.0.2.2", SHARED)),
         {A: "warning"}, "resilience gone"),
    Line("state 4: the master was killed, and the address is on both", lambda: linux(None, MASTER, *ON_BOTH),
         {SERVICE: "critical"}, f"service fails: the address {SHARED} stands on fw-a and fw-b at once"),
    Line("state 4 where no SSH is: it looks like state 2, and says what it cannot tell", lambda: linux(None, MASTER),
         {A: "warning", **NO_ADDRESS}),
    Line("state 6: split brain", lambda: linux(MASTER, MASTER, *ON_BOTH), {SERVICE: "critical"},
         "2 members are active"),
    Line("state 6 where no SSH is", lambda: linux(MASTER, MASTER), {SERVICE: "critical", **NO_ADDRESS}),
    Line("state 8: both at fault, and the address on none", lambda: linux(FAULT, FAULT, *ON_NONE),
         {SERVICE: "critical"}),
    Line("the address on the one that stands by", lambda: linux(BACKUP, MASTER, *ON_A), {SERVICE: "critical"}),
    Line("the address on none although one says master", lambda: linux(MASTER, BACKUP, *ON_NONE),
         {SERVICE: "critical"}),
    Line("priority 0", lambda: Pair(keepalived(MASTER), keepalived(BACKUP, 0), **LINUX),
         {"pair/takeover": "warning", **NO_ADDRESS}, "priority 0"),
    Line("a track script of the standby is bad",
         lambda: Pair(keepalived(MASTER), keepalived(BACKUP) | {"1.3.6.1.4.1.9586.100.5.2.9.1.2.1": "dns",
         "1.3.6.1.4.1.9586.100.5.2.9.1.6.1": 2}, **LINUX), {"pair/takeover": "warning", **NO_ADDRESS}, "dns"),
    Line("instances that differ, as for load sharing, are not guessed at",
         lambda: Pair(*[keepalived(MASTER) | {f"{VRRP}.2.2": "V2", f"{VRRP}.4.2": BACKUP, f"{VRRP}.8.2": 90}] * 2,
         **LINUX), {SERVICE: "unknown", **NO_ADDRESS}),
)  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_the_pair_is_judged_as_its_state_deserves(line: Line) -> None:
    said = line.pair().said()

    bad = {finding.key: finding for finding in said.findings if finding.state is not State.OK}
    assert {key: finding.state.value for key, finding in bad.items()} == line.bad
    assert line.words in " ".join(finding.summary for finding in bad.values())
    keys = [finding.key for finding in said.findings]
    assert len(keys) == len(set(keys))


def test_no_answer_of_any_is_one_fault_which_folds_with_the_shared_address_s_own() -> None:
    observation = Pair(None, None).observed()

    assert observation.answers is None
    assert observation.fault is not None and observation.fault.reached is False
    assert "fw-a" in observation.fault.message and "fw-b" in observation.fault.message


def test_members_that_answer_and_cannot_be_read_are_unknown_once() -> None:
    pair = Pair(None, None)
    pair.reasons = [Reason.REFUSED, Reason.REFUSED]

    assert pair.bad() == {SERVICE: "unknown"}


def test_one_that_refuses_is_unknown_and_not_gone() -> None:
    pair = Pair(keepalived(MASTER), None, **LINUX)
    pair.reasons[1] = Reason.AUTHENTICATION

    assert pair.bad() == {B: "unknown", **NO_ADDRESS}


def test_a_member_that_answers_in_part_is_unknown_and_nothing_is_compared_with_it() -> None:
    pair = forti(None, {f"{MEMBERS}.12.2": 0})
    pair.cut[1] = (f"{MEMBERS}.12",)

    said = pair.said()

    bad = {finding.key: finding.state for finding in said.findings if finding.state is not State.OK}
    assert bad == {B: State.UNKNOWN}
    assert "pair/sync" not in said.covers


def test_a_product_that_is_not_known_is_unknown() -> None:
    pair = forti(None, {f"{IF}.1.2.0": ("oid", "1.3.6.1.4.1.99999.1")})

    assert pair.bad() == {B: "unknown"}


def test_a_product_that_tells_no_roles_is_unsupported_until_the_address_tells() -> None:
    pair = forti(
        *[{f"{IF}.1.2.0": ("oid", "1.3.6.1.4.1.12325.1.1.2.1.1"), f"{IF}.1.1.0": "pfSense a FreeBSD amd64"}] * 2
    )

    assert pair.bad().get(SERVICE) == "unsupported"


def test_of_four_members_the_two_that_are_gone_are_two_findings() -> None:
    pair = Pair(keepalived(MASTER), keepalived(BACKUP), None, None, **LINUX)

    assert pair.bad() == {"pair/member/fw-c": "warning", "pair/member/fw-d": "warning", **NO_ADDRESS}


def test_the_addresses_of_the_options_count_too() -> None:
    pair = Pair(keepalived(MASTER), keepalived(BACKUP), addresses=["198.51.100.9"], **LINUX)
    pair.with_ssh = True
    pair.addresses = [listing(SHARED, "198.51.100.9"), listing("198.51.100.9")]

    said = {finding.key: finding for finding in pair.said().findings}

    assert "198.51.100.9 stands on fw-a and fw-b" in said[SERVICE].summary


def test_three_fortigates_of_which_one_is_unnamed_and_vanishes() -> None:
    third = {f"{MEMBERS}.2.3": "FGT60F0000000003", f"{MEMBERS}.11.3": "fw-3", f"{MEMBERS}.12.3": 1,
             f"{MEMBERS}.16.3": SERIALS[0]}  # fmt: skip
    pair = forti(third, third)
    assert pair.bad() == {}

    pair.values = [fortigate(0), fortigate(1)]

    assert pair.bad() == {"pair/missing/FGT60F0000000003": "warning"}


def test_palo_alto_s_own_words_stand_in_the_evidence() -> None:
    pair = palo(("active", "non-functional"), ("non-functional", "active"))
    pair.values[1][f"{PALO}.1.1.0"] = "10.2.8"  # type: ignore[index]  # both answer

    said = {finding.key: finding for finding in pair.said().findings}

    assert said[B].evidence == {"role": "failed", "said": "non-functional"}
    assert "pair/firmware" not in said  # what is failed is told of once


def test_a_member_whose_snmp_is_silent_and_whose_ssh_answers_is_there_and_unknown() -> None:
    pair = Pair(keepalived(MASTER), None, **LINUX)
    pair.with_ssh = True
    pair.addresses = [listing(SHARED), listing()]

    assert pair.bad() == {B: "unknown"}


def test_a_table_in_which_a_member_does_not_find_itself_accuses_nobody() -> None:
    anonymous = {f"{MEMBERS}.2.1": "", f"{MEMBERS}.2.2": "", f"{MEMBERS}.11.1": "", f"{MEMBERS}.11.2": ""}
    vdoms = [{f"{FORTI}.3.2.1.1.2.1": "root", f"{FORTI}.3.2.1.1.4.1": role} for role in (1, 2)]

    pair = forti(anonymous | vdoms[0], anonymous | vdoms[1])

    assert "pair/views" not in pair.bad()
