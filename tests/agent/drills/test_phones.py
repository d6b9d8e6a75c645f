"""Where the phones are, whose drill it is, and what comes of it: from what the check of the backup found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from agent.commands import CommandError
from agent.drills.parties import parties_of, party_for
from agent.drills.phones import Phones
from agent.drills.records import DrillKind, Evidence, Look, Measured, Out, Outcome
from agent.drills.tally import Tally
from agent.drills.verdict import verdict
from agent.records import CheckResult
from checks.contract import Assessment, State
from checks.telephony.mitel import MitelOptions
from config.estate import CheckSpec, Estate
from testbeds import kept
from testbeds.controllers import date_and_time
from testbeds.judging import check, estate, target
from testbeds.mitel import IPERA, assessed, business, index_of, msl

NOW = kept.NOW
PRIMARY, BACKUP = (check(name, "mitel", kind="mitel", options=MitelOptions()) for name in ("forum", "civic"))
PROBE = Measured("sip:192.0.2.1:5060/udp", 1.0, 0.9, 600, 600, 0, 0, {}, 1.01)


def party(*names: str, others: tuple[str, ...] = ()) -> Phones:
    """The phones of forum, whose backup is civic, which calls it so."""
    return Phones("forum", "civic", (BACKUP,), (PRIMARY,), frozenset(names), frozenset(others))


def told(found: Assessment, spec: CheckSpec = BACKUP, started: float = NOW) -> CheckResult:
    made = kept.result(spec.id, started, found)
    return replace(made, subject=replace(made.subject, check=spec))


def rows(status: Mapping[str, int], since: bytes = b"") -> Assessment:
    """The backup's check, whose system has these rows."""
    answers = business(resiliency=status)
    answers.snmp.rows[f"{IPERA}.4.1.1.4"] |= {index_of(name): f"0x{since.hex()}" for name in status if since}
    return assessed(answers)


def results(backup: Assessment | None = None, primary: Assessment | None = None) -> dict[str, list[CheckResult | None]]:
    return {
        BACKUP.id: [told(backup) if backup is not None else None],
        PRIMARY.id: [told(primary, PRIMARY) if primary is not None else None],
    }


@pytest.mark.parametrize(
    ("status", "state", "active", "words"),
    [
        ({}, State.OK, ("forum",), "no phones of forum are on civic"),
        ({"FORUM-1": 1}, State.WARNING, ("civic",), "the first phones of forum (FORUM-1) came to civic"),
        ({"FORUM-1": 2}, State.WARNING, ("civic",), "are on civic, and forum is well again"),
        ({"FORUM-1": 3}, State.OK, ("forum",), "at home again"),
        ({"FORUM-1": 7}, State.UNKNOWN, (), "not among the known values"),
        ({"FORUM-1": 3, "OTHER": 1}, State.OK, ("forum",), "at home again"),
        ({"OTHER": 1}, State.OK, ("forum",), "no phones of forum"),
    ],
)
def test_the_phones_are_where_the_row_of_their_primary_says(
    status: dict[str, int], state: State, active: tuple[str, ...], words: str
) -> None:
    found = party("FORUM-1").standing(results(rows(status)), NOW)

    assert found is not None
    assert (found.state, found.active) == (state, active)
    assert words in found.text


def test_where_nobody_says_what_the_backup_calls_it_the_only_row_that_is_no_other_primarys_is_meant() -> None:
    only = party(others=("OTHER",)).standing(results(rows({"FORUM-1": 1, "OTHER": 1})), NOW)
    two = party().standing(results(rows({"FORUM-1": 1, "OTHER": 3})), NOW)
    own = party().standing(results(rows({"Forum": 1, "OTHER": 3})), NOW)

    assert only is not None and only.active == ("civic",)
    assert two is not None and (two.active, two.service) == ((), State.UNKNOWN)
    assert "which is forum" in two.text
    assert own is not None and own.active == ("civic",)


@pytest.mark.parametrize("zone", [True, False])
def test_a_move_is_dated_by_the_devices_own_clock_with_or_without_its_zone(zone: bool) -> None:
    winter = 1_795_000_000.0  # in November, when local time is that of the zone
    found = party("FORUM-1").standing(results(rows({"FORUM-1": 1}, date_and_time(winter, zone=zone))), NOW)

    assert found is not None and found.dated == winter


def test_a_date_that_is_none_dates_nothing() -> None:
    found = party("FORUM-1").standing(results(rows({"FORUM-1": 1}, b"\x07\xea\x0d\x28" + bytes(4))), NOW)

    assert found is not None and (found.active, found.dated) == (("civic",), None)


def test_what_the_backup_did_not_say_is_unknown_and_what_its_product_cannot_is_unsupported() -> None:
    silent, old = party().standing(results(), NOW), party().standing(results(rows({})), NOW + 3_600)
    half = party().standing(results(replace(rows({}), covers=frozenset())), NOW)
    unable = party().standing(results(assessed(msl())), NOW)
    restarted = assessed(business(uptime=100), rows({"FORUM-1": 1}).memory, 1_800_000_600.0)
    lost = party("FORUM-1").standing(results(restarted), NOW)

    for one in (silent, old, half, lost):
        assert one is not None and (one.state, one.service, one.active) == (State.UNKNOWN, State.UNKNOWN, ())
    assert unable is not None and unable.service is State.UNSUPPORTED
    assert Phones("forum").standing({}, NOW) is None


def look(at: float, active: str, dated: float | None = None) -> Look:
    return Look(at, "ok", (active,), "", dated)


def test_phones_that_only_come_home_prove_no_failover() -> None:
    home = [look(NOW, "civic"), look(NOW + 9, "forum")]
    there = [*home, look(NOW + 20, "civic"), look(NOW + 30, "forum")]

    assert party().swaps([], [], home, NOW) == ()
    assert [swap.to for swap in party().swaps([], [], there, NOW)] == ["civic", "forum"]


@pytest.mark.parametrize(("dated", "at"), [(NOW + 5, NOW + 5), (NOW - 9_000, NOW + 9), (None, NOW + 9)])
def test_a_move_is_at_the_devices_time_only_where_its_clock_is_near_ours(dated: float | None, at: float) -> None:
    (swap,) = party().swaps([], [], [look(NOW, "forum"), look(NOW + 9, "civic", dated)], NOW)

    assert (swap.at, swap.seen) == (at, NOW + 9)


def test_sets_are_counted_at_both_controllers_and_nothing_is_counted_where_nothing_was_read() -> None:
    sets = assessed(business(categories=[("IP Sets", 2, 28, 12), ("SIP Link", 1, 2, 1)]))

    both = list(party().counts(results(assessed(business()), sets), NOW))
    unread = list(party().counts(results(None, replace(sets, covers=frozenset())), NOW))

    assert both == [("forum", NOW, {"IP Sets": 12}), ("civic", NOW, {})]
    assert unread == []


def test_a_tally_knows_what_was_out_before_at_worst_and_since_when_it_is_back() -> None:
    tally = Tally()
    for second, count in enumerate((2, 40, 12, 2, 1)):
        tally.take("forum", NOW + second, {"IP Sets": count})
    tally.take("forum", NOW + 4, {"IP Sets": 99})

    assert tally.outs() == (Out("forum", "IP Sets", 2, 40, NOW + 1, 1, NOW + 4, NOW + 3),)


def test_a_category_that_is_listed_only_in_alarm_was_not_out_before_and_is_back_when_it_goes() -> None:
    tally = Tally()
    tally.take("forum", NOW, {})
    tally.take("forum", NOW + 1, {"IP Sets": 3})
    during = tally.outs()
    tally.take("forum", NOW + 2, {})

    assert during[0].still and during[0].before == 0
    assert not tally.outs()[0].still and tally.outs()[0].back_at == NOW + 2


OUT = Out("civic", "IP Sets", 0, 12, NOW, 12, NOW)


@pytest.mark.parametrize(
    ("status", "outs", "left", "outcome", "words"),
    [
        ([1, 3], (), "", Outcome.PROVEN, "The phones moved there and back"),
        ([2], (), "forum", Outcome.PROVEN, "one way (forum to civic)"),
        ([2], (replace(OUT, target="forum"),), "forum", Outcome.PROVEN, "They are not at home: phones of forum"),
        ([2], (OUT,), "forum", Outcome.FAILED, "IP Sets at civic: 12 out of service, 0 before"),
        ([1, 3], (replace(OUT, target="forum"),), "", Outcome.FAILED, "IP Sets at forum: 12"),
        ([], (), "", Outcome.NO_FAILOVER, "No failover was seen"),
        ([7], (), "", Outcome.UNKNOWN, "Where the phones are is not known"),
    ],
)
def test_the_outcome_is_in_the_words_of_telephony_and_sets_that_are_still_out_are_a_failure(
    status: list[int], outs: tuple[Out, ...], left: str, outcome: Outcome, words: str
) -> None:
    own = party("FORUM-1")
    stood = [own.standing(results(rows({"FORUM-1": one})), NOW) for one in status]
    looks = [look(NOW - 1, "forum"), *(one.look() for one in stood if one is not None)]
    last = stood[-1] if stood else own.standing(results(rows({})), NOW)

    found = verdict(
        Evidence((PROBE,), own.swaps([], [], looks, NOW), outs=outs), [], last, own.words, told=True, left=left
    )

    assert own.left(last) == left
    assert found.outcome is outcome
    assert words in found.summary


def known(primaries: Mapping[str, str], *more: CheckSpec) -> Estate:
    civic = replace(BACKUP, options=MitelOptions(primaries=primaries))
    return estate(target("forum", PRIMARY), target("civic", civic), target("lane"), target("web"), *map(_of, more))


def _of(spec: CheckSpec) -> object:
    return target(spec.target, spec)


@pytest.mark.parametrize(("name", "backup"), [("forum", ""), ("civic", ""), ("forum", "civic")])
def test_the_primary_or_its_backup_or_both_may_be_named(name: str, backup: str) -> None:
    found = party_for(known({"FORUM-1": "forum"}), DrillKind.TELEPHONY, name, backup)

    assert isinstance(found, Phones)
    assert (found.target, found.standby, found.covers, found.names) == (
        "forum",
        "civic",
        ("forum", "civic"),
        {"FORUM-1"},
    )
    assert ([one.id for one in found.telling], [one.id for one in found.counting]) == (["civic/mitel"], ["forum/mitel"])


def test_a_backup_that_the_estate_does_not_know_is_named_and_without_one_the_primary_is_alone() -> None:
    of = known({"LANE-1": "lane"})

    both, alone = (party_for(of, DrillKind.TELEPHONY, "forum", backup) for backup in ("civic", ""))

    assert isinstance(both, Phones) and (both.standby, both.others) == ("civic", {"LANE-1"})
    assert (alone.standby, alone.covers, alone.telling) == ("", ("forum",), ())


@pytest.mark.parametrize(
    ("primaries", "kind", "name", "backup", "words"),
    [
        ({"A": "forum", "B": "lane"}, DrillKind.TELEPHONY, "civic", "", "backup of forum, lane: say which"),
        ({}, DrillKind.TELEPHONY, "forum", "forum", "its own backup"),
        ({}, DrillKind.TELEPHONY, "forum", "nowhere", "no target nowhere"),
        ({}, DrillKind.TELEPHONY, "nowhere", "", "no target nowhere"),
        ({}, DrillKind.FIREWALL, "web", "forum", "in drills of telephony only"),
    ],
)
def test_what_is_not_clear_is_refused(
    primaries: dict[str, str], kind: DrillKind, name: str, backup: str, words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        party_for(known(primaries), kind, name, backup)


def test_of_two_backups_one_has_to_be_named() -> None:
    second = check("annex", "mitel", kind="mitel", options=MitelOptions(primaries={"FORUM": "forum"}))
    of = known({"FORUM": "forum"}, second)

    with pytest.raises(CommandError, match="has the backups annex, civic: say which with --backup"):
        party_for(of, DrillKind.TELEPHONY, "forum")
    assert party_for(of, DrillKind.TELEPHONY, "forum", "annex").standby == "annex"


def test_a_target_belongs_to_its_pair_and_to_the_phones_of_its_primary() -> None:
    of = known({"FORUM": "forum"})

    assert [one.target for one in parties_of(of, "civic")] == ["civic", "forum"]
    assert parties_of(of, "nowhere") == ()
