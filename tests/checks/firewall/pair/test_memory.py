"""What a pair's check remembers: since when something differs, who was active, what was seen before."""

from __future__ import annotations

import base64
import json
import random
import zlib

import pytest

from checks.contract import Memory, covered
from checks.firewall.failovers import Failover, failovers
from checks.firewall.pair import CHECK, note
from testbeds.pairs import FORTI, MEMBERS, Pair, fortigate, keepalived, panos
from testbeds.single import check

LINUX = {"profile": "firewall/linux"}
B = "pair/member/fw-b"


def well() -> Pair:
    """A FortiGate pair that was seen to be well."""
    pair = Pair(fortigate(0), fortigate(1))
    assert pair.bad() == {}
    return pair


def test_after_a_change_the_members_have_time_to_synchronise() -> None:
    pair = well()
    pair.values[0] |= {f"{MEMBERS}.12.2": 0}  # type: ignore[operator]  # it answers

    early = [pair.bad(60), pair.bad(500)]
    late = pair.bad(100)

    assert (early, late) == ([{}, {}], {"pair/sync": "warning"})


def test_what_differs_when_the_watching_begins_is_told_at_once_and_stays_told() -> None:
    pair = Pair(fortigate(0) | {f"{MEMBERS}.12.2": 0}, fortigate(1))

    assert [pair.bad(), pair.bad(), pair.bad()] == [{"pair/sync": "warning"}] * 3


def test_a_member_that_comes_back_has_the_time_anew() -> None:
    pair = well()
    whole = pair.values[1]
    pair.values[1] = None
    assert pair.bad() == {B: "unknown"}
    pair.values = [fortigate(0) | {f"{MEMBERS}.12.2": 0}, whole]

    assert pair.bad(3_600) == {}
    assert pair.bad(601) == {"pair/sync": "warning"}


def test_what_cannot_be_told_for_a_round_does_not_begin_the_time_anew() -> None:
    pair = well()
    before = dict(pair.values[0] or {}), dict(pair.values[1] or {})
    apart = before[0] | {f"{MEMBERS}.12.2": 0}
    unclear = [values | {f"{MEMBERS}.12.1": 7, f"{MEMBERS}.12.2": 7} for values in before]

    pair.values = [apart, before[1]]
    first = pair.bad(60)
    pair.values = [*unclear]
    between = pair.bad(300)
    pair.values = [apart, before[1]]
    after = pair.bad(400)

    assert (first, between, after) == ({}, {"pair/sync": "unknown"}, {"pair/sync": "warning"})


def test_a_pair_whose_members_are_others_now_has_not_failed_over() -> None:
    pair = well()
    pair.names = ["fw-y", "fw-z"]
    pair.options = pair.options.model_copy(update={"members": tuple(pair.names)})
    pair.spec = check(CHECK.kind, pair.options, target="firewall", timeout=5.0)

    pair.said()

    assert failovers(pair.memory) == ()


def test_while_a_member_is_away_what_differed_keeps_its_time() -> None:
    pair = well()
    pair.values[0] |= {f"{MEMBERS}.12.2": 0}  # type: ignore[operator]  # it answers
    pair.bad()
    whole, pair.values[1] = pair.values[1], None
    away = pair.said()
    pair.values[1] = whole

    assert not covered(away.covers, "pair/sync")
    assert pair.bad(600) == {"pair/sync": "warning"}


def test_signatures_have_hours() -> None:
    pair = well()
    old = f"{FORTI}.4.2.1.0"
    pair.values[1] |= {old: "92.01(2026-01-12 18:20)"}  # type: ignore[operator]  # it answers

    assert pair.bad(3_600) == {}
    assert pair.bad(4 * 3_600 + 600) == {"pair/content": "warning"}


def test_a_role_on_its_way_has_a_bounded_time() -> None:
    pair = Pair(panos("active", "passive"), panos("passive", "active"))
    pair.bad()
    pair.values = [panos("active", "initial"), panos("initial", "active")]

    assert [pair.bad(), pair.bad(), pair.bad(), pair.bad()] == [{}, {}, {}, {B: "warning"}]


def test_a_clock_that_was_set_back_gives_no_eternal_grace() -> None:
    pair = well()
    pair.values[0] |= {f"{MEMBERS}.12.2": 0}  # type: ignore[operator]  # it answers
    pair.bad()

    pair.bad(-86_400)

    assert pair.bad(600) == {"pair/sync": "warning"}


def test_a_failover_is_noted_with_the_device_s_own_reason_and_is_no_fault() -> None:
    pair = Pair(keepalived(2), keepalived(1), **LINUX)
    pair.bad()
    pair.values = [keepalived(1), keepalived(2)]

    said = pair.said()

    assert failovers(pair.memory) == (Failover(pair.now, pair.now, "fw-a", "fw-b", "the master was silent"),)
    readings = {reading.family.name: reading.value for reading in said.readings}
    assert readings["ridgeway_firewall_ha_last_change_timestamp_seconds"] == pair.now
    assert readings["ridgeway_firewall_ha_failovers_total"] == 1
    facts = next(finding for finding in said.findings if finding.key == "pair/facts")
    assert facts.summary.startswith("running on fw-b since 15 January 2026 00:02 UTC; fw-a is standby")
    assert not any(finding.state.bad for finding in said.findings)


def test_without_a_change_no_failover_is_invented_and_nothing_is_written_anew() -> None:
    pair = well()

    said = pair.said()

    names = {reading.family.name for reading in said.readings}
    assert "ridgeway_firewall_ha_last_change_timestamp_seconds" not in names
    assert failovers(pair.memory) == ()
    assert said.memory is None


@pytest.mark.parametrize("between", [(3, 3), (2, 2), (1, 1)], ids=["both at fault", "both active", "none active"])
def test_trouble_between_two_actives_is_one_failover(between: tuple[int, int]) -> None:
    pair = Pair(keepalived(2), keepalived(1), **LINUX)
    pair.bad()
    pair.values = [keepalived(state) for state in between]
    pair.bad()
    pair.values = [keepalived(1), keepalived(2)]
    pair.bad()

    assert [(one.away_from, one.to) for one in failovers(pair.memory)] == [("fw-a", "fw-b")]


def test_a_take_over_from_a_dead_member_is_a_failover_and_so_is_the_way_back() -> None:
    pair = Pair(keepalived(2), keepalived(1), **LINUX)
    pair.bad()
    pair.values = [None, keepalived(2)]
    pair.bad()
    pair.values = [keepalived(2), keepalived(1)]
    pair.bad()

    assert [(one.away_from, one.to) for one in failovers(pair.memory)] == [("fw-a", "fw-b"), ("fw-b", "fw-a")]


def test_the_latest_fifty_failovers_are_kept_and_all_are_counted() -> None:
    pair = Pair(keepalived(2), keepalived(1), **LINUX)
    for number in range(55):
        pair.values = [keepalived(2 - number % 2), keepalived(1 + number % 2)]
        said = pair.said()

    assert len(failovers(pair.memory)) == 50
    assert {r.family.name: r.value for r in said.readings}["ridgeway_firewall_ha_failovers_total"] == 54


def test_what_becomes_bad_on_a_second_member_stays_under_the_first_s_name() -> None:
    memory = f"{FORTI}.4.1.4.0"
    pair = well()
    steps = []
    for first, second in [(50, 84), (84, 84), (84, 50), (50, 50), (84, 84)]:
        pair.values = [fortigate(0) | {memory: first}, fortigate(1) | {memory: second}]
        steps.append([key for key in pair.bad() if key.startswith("firewall/")])

    on_a, on_b = ["firewall/fw-a/memory_used"], ["firewall/fw-b/memory_used"]
    assert steps == [on_b, on_b, on_a, [], on_a]


def test_what_was_told_under_a_member_that_is_away_now_stays_there() -> None:
    memory = f"{FORTI}.4.1.4.0"
    pair = Pair(fortigate(0, 1) | {memory: 84}, fortigate(1, 1) | {memory: 84})
    assert "firewall/fw-a/memory_used" in pair.bad()
    pair.values[0] = None

    said = pair.said()

    assert {f.key: f.state for f in said.findings}["firewall/fw-a/memory_used"].bad
    assert "firewall/fw-b/memory_used" not in {f.key for f in said.findings if f.state.bad}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"values": 7}', '{"values": {}, "since": {"a": "b"}, "active": "", "active_since": 0}'],
)
def test_a_damaged_note_is_no_note(text: str) -> None:
    assert note.unpacked(Memory(note.VERSION, text)).known is False


def test_failovers_of_an_older_note_are_not_lost() -> None:
    kept = [{"at": 1.0, "seen": 2.0, "away_from": "fw-a", "to": "fw-b", "reason": ""}]

    found = note.unpacked(Memory(note.VERSION + 1, json.dumps({"failovers": kept})))

    assert found.past == (Failover(1.0, 2.0, "fw-a", "fw-b"),)


def test_the_note_goes_through_its_text() -> None:
    pair = Pair(keepalived(2), keepalived(1), **LINUX)
    pair.bad()
    pair.values = [keepalived(1), keepalived(2)]
    pair.bad()

    once = note.unpacked(pair.memory)

    assert once.known and once.active == "fw-b" and once.count == 1
    assert note.packed(once, once) is None
    assert note.unpacked(note.packed(note.Note(), once)) == once


def test_what_could_not_be_compared_this_time_is_not_over() -> None:
    pair = well()
    bought = {f"{FORTI}.4.6.3.1.2.1.1.2": "IPS", f"{FORTI}.4.6.3.1.2.1.2.2": "Wed Sep 16 01:00:00 2037"}
    pair.values[0] |= bought  # type: ignore[operator]  # it answers
    pair.kept = None
    assert pair.bad() == {"pair/licences": "warning"}

    pair.values[0] = {oid: value for oid, value in fortigate(0).items() if ".4.6.3." not in oid}
    pair.values[1] = {oid: value for oid, value in fortigate(1).items() if ".4.6.3." not in oid}
    pair.kept = None

    assert not covered(pair.said().covers, "pair/licences")


def test_a_fault_keeps_its_name_while_its_member_tells_only_a_part() -> None:
    memory = f"{FORTI}.4.1.4.0"
    pair = Pair(fortigate(0) | {memory: 84}, fortigate(1) | {memory: 84})
    assert "firewall/fw-a/memory_used" in pair.bad()
    pair.values = [fortigate(0), fortigate(1) | {memory: 84}]
    assert "firewall/fw-b/memory_used" in pair.bad()
    pair.values = [fortigate(0), None]
    pair.bad()
    pair.values = [fortigate(0) | {memory: 84}, fortigate(1) | {memory: 84}]

    assert "firewall/fw-b/memory_used" in pair.bad()


def long_note(members: int, digits: int) -> note.Note:
    """The note of members that remember much."""
    peaks = random.Random(7)
    series = {f"value {number}": [peaks.randint(0, 10**digits) for _ in range(350)] for number in range(16)}
    text = json.dumps({"values": None, "members": {}, "trends": {"series": series}}, separators=(",", ":"))
    values = {f"fw-{number}": Memory(1, text) for number in range(members)}
    return note.Note(True, values, past=(Failover(1.0, 1.0, "fw-0", "fw-1"),), count=1)


def test_a_long_note_is_packed_and_read_again() -> None:
    long = long_note(2, 6)
    assert sum(len(one.text) for one in long.values.values()) > 65_536

    kept = note.packed(note.Note(), long)

    assert kept is not None and len(kept.text) <= 60_000
    assert note.unpacked(kept) == long


def test_a_note_that_is_too_long_even_so_loses_daily_peaks_and_never_failovers() -> None:
    kept = note.packed(note.Note(), long_note(4, 12))

    assert kept is not None and len(kept.text) <= 60_000
    found = note.unpacked(kept)
    assert (found.known, found.count, len(found.past)) == (True, 1, 1)
    assert set(found.values) == {"fw-0", "fw-1", "fw-2", "fw-3"}


@pytest.mark.parametrize("values", ["", "x", base64.b85encode(zlib.compress(bytes(2**22))).decode()])
def test_a_packed_note_that_is_damaged_is_no_note(values: str) -> None:
    said = {"values": values, "since": {}, "active": "", "active_since": 0, "told_under": {}, "count": 0}

    assert note.unpacked(Memory(note.VERSION, json.dumps(said))).known is False
