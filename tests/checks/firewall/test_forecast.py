"""Forecasts of one firewall over days that go by: when they speak, when they are silent, and what begins them anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from checks.contract import Memory, State, covered
from checks.firewall import note
from checks.firewall.forecast import Foreseen
from checks.firewall.members import Membership, Told
from checks.firewall.outlook import EARLIEST, LATEST
from checks.trends.trend import FEWEST, WINDOW
from config.profiles.roles import Role
from testbeds.peaks import DISKS, MEMORY, SESSIONS, Firewall, crossing, finding, line, packed, state

KEY = "firewall/forecast/memory_used"
DAY = timedelta(days=1)


def test_nothing_is_said_for_two_weeks_and_then_the_date_with_its_bounds() -> None:
    firewall = Firewall()

    young = firewall.days(line(FEWEST, 0.5, 0.01))
    old = firewall.next_day(0.64)

    assert young.findings == [] and young.readings == []
    found = finding(old)
    assert found is not None and found.state is State.WARNING
    # 64 % at noon of 15 December, a percent a day: 88 % 24 days later.
    assert found.summary == (
        "memory in use will reach 88 % about 2027-01-08 (between 2027-01-08 and 2027-01-08) if it goes on as in the "
        "last 14 days"
    )
    assert crossing(old) == datetime(2027, 1, 8, 12, tzinfo=UTC).timestamp()
    assert found.evidence == {"limit": "88 %", "a busy day": "64 %", "days": "14", "change in a week": "+7 %"}


def test_noise_parts_the_bounds_and_the_early_one_warns() -> None:
    firewall, rng = Firewall(), Random(1)

    said = firewall.days([peak + rng.uniform(-0.02, 0.02) for peak in line(28, 0.4, 0.01)])

    dates = {reading.family: reading.value for reading in said.readings}
    assert dates[EARLIEST] < (crossing(said) or 0) < dates[LATEST]
    early = datetime.fromtimestamp(dates[EARLIEST], UTC).date().isoformat()
    found = finding(said)
    assert found is not None and f"(between {early} and " in found.summary


@pytest.mark.parametrize(
    ("values", "says"),
    [(line(20, 0.5, 0.0), "is not in sight"), (line(20, 0.8, -0.01), "is not in sight"),
     (line(20, 0.1, 0.00115), "will reach 88 % about 2028-10"), (line(20, 0.1, 0.0005), "is not in sight")],
    ids=["constant", "falling", "slowly", "too far"],
)  # fmt: skip
def test_what_is_far_away_or_does_not_rise_is_ok(values: list[float], says: str) -> None:
    said = Firewall().days(values)

    found = finding(said)
    assert found is not None and found.state is State.OK and says in found.summary
    assert (crossing(said) is not None) is ("will reach" in says)


def test_one_absurd_day_neither_warns_nor_takes_a_warning_back() -> None:
    quiet, filling = Firewall(), Firewall()

    quiet.days([*line(20, 0.5, 0.0), 40.0])
    filling.days([*line(20, 0.5, 0.01), 0.0])

    assert state(quiet.next_day(0.5)) is State.OK
    assert state(filling.next_day(0.71)) is State.WARNING


def test_a_warning_ends_within_a_fortnight_of_the_rise_and_does_not_come_and_go() -> None:
    firewall = Firewall()
    firewall.days(line(28, 0.4, 0.01))

    states = [state(firewall.next_day(0.68)) for _ in range(30)]

    over = states.index(State.OK)
    assert states[0] is State.WARNING and 5 < over <= 14
    assert set(states[over:]) == {State.OK}


def test_a_trend_at_the_edge_of_its_lead_time_does_not_flap() -> None:
    firewall = Firewall()
    firewall.days(line(15, 0.4, 0.0068))

    wobbling = [0.0080, 0.0055] * 20
    level, states = 0.4 + 14 * 0.0068, []
    for step in wobbling:
        level += step
        states.append(state(firewall.next_day(level)))

    changes = sum(now is not before for before, now in pairwise(states))
    assert changes == 1 and states[-1] is State.WARNING


def test_days_with_no_poll_are_no_days_of_zero_and_too_many_of_them_are_silence() -> None:
    few, many = Firewall(), Firewall()
    few.days(line(20, 0.4, 0.01))
    many.days(line(13, 0.4, 0.01))

    at_once = few.next_day(0.63, days=4)
    the_day_after = few.next_day(0.64)
    after_ten = [many.next_day(0.63 + 0.01 * day, days=11 if day == 0 else 1) for day in range(14)]

    assert at_once.findings == [] and not covered(at_once.covers, KEY)
    assert state(the_day_after) is State.WARNING
    assert all(said.findings == [] for said in after_ten[:-1])


def test_a_warning_that_cannot_be_judged_any_more_is_not_taken_back_by_silence() -> None:
    firewall = Firewall()
    firewall.days(line(20, 0.5, 0.01))

    firewall.now += 4 * DAY
    unread = firewall.poll()
    back = firewall.next_day(0.5, days=30)

    assert unread.findings == [] and not covered(unread.covers, KEY)
    assert back.findings == [] and not covered(back.covers, KEY)


def test_what_was_well_is_covered_while_nothing_can_be_said_of_it() -> None:
    firewall = Firewall()
    firewall.days(line(20, 0.5, 0.0))

    firewall.now += 4 * DAY
    unread = firewall.poll()

    assert unread.findings == [] and covered(unread.covers, KEY)


def test_another_serial_number_begins_everything_anew() -> None:
    firewall = Firewall()
    assert state(firewall.days(line(20, 0.5, 0.01))) is State.WARNING

    firewall.serial = ""
    unnamed = firewall.next_day(0.70)
    firewall.serial = "B"
    replaced = firewall.next_day(0.71)

    assert state(unnamed) is State.WARNING
    assert replaced.findings == [] and covered(replaced.covers, KEY)
    assert firewall.trends.series["memory_used"].over == ""


def test_a_start_begins_the_memory_anew_and_not_the_disks() -> None:
    firewall = Firewall((MEMORY, DISKS), boot=datetime(2026, 10, 1, tzinfo=UTC))
    for day in range(20):
        said = firewall.poll(("memory_used_ratio", 0.5 + 0.01 * day), ("disk_used_ratio", 0.5 + 0.015 * day, "/var"))
        firewall.now += DAY
    before = {found.key: found.state for found in said.findings}

    firewall.boot = firewall.now - timedelta(minutes=5)
    after = firewall.poll(("memory_used_ratio", 0.4), ("disk_used_ratio", 0.8, "/var"))

    assert before == {KEY: State.WARNING, "firewall/forecast/disk_ratio//var": State.WARNING}
    assert {found.key: found.state for found in after.findings} == {"firewall/forecast/disk_ratio//var": State.WARNING}
    assert covered(after.covers, KEY)
    assert firewall.trends.series["memory_used"].peak == 0.4


def test_a_start_seen_through_a_clock_that_was_put_right_is_none() -> None:
    boot = datetime(2026, 10, 1, tzinfo=UTC)
    firewall = Firewall(boot=boot)
    firewall.days(line(20, 0.5, 0.01))

    firewall.boot = boot + timedelta(hours=2)
    firewall.now += timedelta(hours=2)

    assert state(firewall.memory(0.69)) is State.WARNING


def test_another_limit_is_held_against_the_same_history() -> None:
    firewall = Firewall((SESSIONS,))
    for day in range(20):
        said = firewall.poll(("sessions", 10_000 + 500 * day), ("sessions_limit", 40_000))
        firewall.now += DAY

    raised = firewall.poll(("sessions", 20_000), ("sessions_limit", 400_000))
    gone = firewall.poll(("sessions", 20_000))
    firewall.no_limit = frozenset({"ridgeway_firewall_sessions_limit"})
    none = firewall.poll(("sessions", 20_000))

    key = "firewall/forecast/sessions"
    assert state(said, key) is State.WARNING and "sessions will reach 40,000 about" in said.findings[0].summary
    assert state(raised, key) is State.OK and "400,000" in raised.findings[0].summary
    assert gone.findings == []
    assert none.findings == [] and covered(none.covers, key)
    assert firewall.trends.series["sessions"].day == (firewall.now - DAY).date().toordinal() + 1


def test_a_limit_that_is_not_read_for_once_leaves_a_warning_open() -> None:
    firewall = Firewall((SESSIONS,))
    for day in range(20):
        firewall.poll(("sessions", 10_000 + 500 * day), ("sessions_limit", 40_000))
        firewall.now += DAY

    unread = firewall.poll(("sessions", 20_000))

    assert not covered(unread.covers, "firewall/forecast/sessions")


def test_where_a_limit_of_its_own_tells_it_the_forecast_does_not_say_it_again() -> None:
    firewall = Firewall((SESSIONS,))
    states = []
    for day in range(30):
        said = firewall.poll(("sessions", 20_000 + 500 * day), ("sessions_limit", 40_000))
        states.append(state(said, "firewall/forecast/sessions"))
        firewall.now += DAY

    # On the 25th day 32,000 are reached, 80 % of the limit: firewall/sessions_ratio is a warning from there on.
    assert states[14:24] == [State.WARNING] * 10
    assert states[24:] == [State.OK] * 6


def test_a_limit_that_nothing_else_tells_is_a_warning_while_it_is_reached_however_flat_the_peaks_are() -> None:
    firewall = Firewall()

    said = firewall.days([0.88] * 15)
    little_less = firewall.days([0.85] * 14)
    much_less = firewall.days([0.6] * 15)

    found = finding(said)
    assert found is not None and found.state is State.WARNING
    assert found.summary == "memory in use: 88 % on busy days, and the limit is 88 %"
    assert state(little_less) is State.WARNING
    assert state(much_less) is State.OK


def test_a_standby_s_sessions_are_not_noted_and_a_warning_of_them_goes_after_days() -> None:
    firewall = Firewall((SESSIONS,))
    for day in range(20):
        firewall.poll(("sessions", 10_000 + 500 * day), ("sessions_limit", 40_000))
        firewall.now += DAY
    firewall.serves = False

    soon = firewall.poll(("sessions", 3), ("sessions_limit", 40_000))
    firewall.now += 3 * DAY
    later = firewall.poll(("sessions", 3), ("sessions_limit", 40_000))

    key = "firewall/forecast/sessions"
    assert state(soon, key) is State.WARNING
    assert later.findings == [] and covered(later.covers, key)
    assert firewall.trends.series["sessions"].peak == 19_500


def test_a_disk_that_was_taken_out_takes_its_warning_with_it() -> None:
    firewall = Firewall((DISKS,))
    for day in range(20):
        firewall.poll(("disk_used_ratio", 0.5 + 0.015 * day, "/var"), ("disk_used_ratio", 0.2, "/"))
        firewall.now += DAY

    for _ in range(3):
        said = firewall.poll(("disk_used_ratio", 0.2, "/"))
        firewall.now += DAY

    assert [found.key for found in said.findings] == ["firewall/forecast/disk_ratio//"]
    assert covered(said.covers, "firewall/forecast/disk_ratio//var")


def test_a_clock_set_back_over_midnight_opens_the_day_again() -> None:
    firewall = Firewall()
    firewall.days(line(20, 0.5, 0.01))
    firewall.now = firewall.now.replace(hour=23, minute=30)
    firewall.memory(0.70)
    before = firewall.trends.series["memory_used"]

    firewall.now += timedelta(hours=1)
    firewall.memory(0.3)
    firewall.now -= timedelta(hours=1)
    said = firewall.memory(0.3)

    after = firewall.trends.series["memory_used"]
    assert (after.day, after.peak, after.trend) == (before.day, before.peak, before.trend)
    assert state(said) is State.WARNING


@pytest.mark.parametrize("wrong", [timedelta(days=365), timedelta(days=-3650)], ids=["ahead", "behind"])
def test_a_clock_that_was_years_wrong_for_a_while_costs_nothing(wrong: timedelta) -> None:
    firewall = Firewall(boot=datetime(2026, 10, 1, tzinfo=UTC))
    firewall.days(line(20, 0.5, 0.01))
    right, boot = firewall.now, firewall.boot
    assert boot is not None

    firewall.now, firewall.boot = right + wrong, boot + wrong
    meanwhile = firewall.memory(0.1)
    firewall.now, firewall.boot = right + DAY, boot
    back = firewall.memory(0.7)

    assert meanwhile.findings == [] and not covered(meanwhile.covers, KEY)
    assert state(back) is State.WARNING


def test_a_day_that_was_met_by_a_clock_that_ran_ahead_is_gone_on_with_when_it_comes() -> None:
    firewall = Firewall()
    firewall.days(line(15, 0.5, 0.0))

    firewall.next_day(0.9)
    firewall.now -= DAY
    firewall.memory(0.5)
    firewall.next_day(0.5)

    assert firewall.trends.series["memory_used"].peak == 0.9


@pytest.mark.parametrize("begin", [datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC)], ids=str)
def test_the_day_with_an_hour_more_or_less_is_a_day_like_others(begin: datetime) -> None:
    firewall = Firewall(now=begin)

    for hour in range(24 * 25):
        said = firewall.memory(0.5 + 0.01 * (hour // 24))
        firewall.now += timedelta(hours=1)

    days = firewall.trends.series["memory_used"].over.split()[1:]
    assert [int(day.split(":")[0]) for day in days] == list(range(len(days))) and len(days) >= 24
    assert state(said) is State.WARNING


def test_a_note_is_made_when_a_day_ends_or_a_peak_has_grown_noticeably_and_not_at_every_poll() -> None:
    firewall = Firewall()
    firewall.days(line(20, 0.5, 0.0))
    before = firewall.notes

    for minute in range(10 * 60):
        firewall.now += timedelta(minutes=1)
        firewall.memory(0.5 + 0.1 * (minute / 600))

    # From 50 to 60 %, in steps of a fiftieth of 88 %.
    assert firewall.notes - before == 5


def test_more_rows_than_there_is_room_for_have_no_forecast_and_the_note_stays_small() -> None:
    firewall = Firewall((MEMORY, DISKS))

    for day in range(WINDOW + 5):
        rows = [("disk_used_ratio", 0.512345 + day / 1000, f"/a/very/long/path/{day}/{row:040}") for row in range(50)]
        firewall.poll(("memory_used_ratio", 0.5), *rows)
        firewall.now += DAY

    assert len(firewall.trends.series) == 16 and "memory_used" in firewall.trends.series
    assert len(packed(firewall.trends).text) < 20_000


@pytest.mark.parametrize(
    "trends",
    ["null", "7", '{"version":2,"series":{},"serial":"","uptime":0}', '{"version":1}',
     '{"version":1,"serial":"","uptime":0,"series":{"memory_used":[1,2]}}',
     '{"version":1,"serial":"","uptime":0,"series":{"memory_used":[1,2,"",[1,2,3],"nothing"]}}',
     '{"version":1,"serial":"","uptime":0,"series":{"memory_used":[1,2,"",null,"perhaps"]}}',
     '{"version":1,"serial":"","uptime":0,"series":{"memory_used":[1e300,2,"",null,"nothing"]}}',
     '{"version":1,"serial":"","uptime":0,"series":{"memory_used":[0,2,"",null,"nothing"]}}'],
)  # fmt: skip
def test_a_damaged_note_of_trends_is_none_and_the_members_stay_known(trends: str) -> None:
    memory = Memory(note.VERSION, f'{{"values":null,"members":{{"A":"fw-1"}},"trends":{trends}}}')

    read = note.unpacked(memory)

    assert dict(read.trends.series) == {} and list(read.members) == ["A"]


def test_a_note_of_before_there_were_trends_is_still_read() -> None:
    read = note.unpacked(Memory(note.VERSION, '{"values":null,"members":{"A":"fw-1"}}'))

    assert list(read.members) == ["A"] and dict(read.trends.series) == {}


def test_a_note_that_would_be_too_long_goes_without_its_trends() -> None:
    firewall = Firewall()
    firewall.days(line(20))
    long = Memory(1, "x" * 59_950)

    memory = note.packed(note.Note(), long, Membership(Told(Role.ACTIVE)), None, firewall.trends, {})

    assert memory is not None and len(memory.text) < 65_536
    assert note.unpacked(memory).values == long and dict(note.unpacked(memory).trends.series) == {}


def test_nothing_that_is_no_number_becomes_a_peak() -> None:
    said: Foreseen = Firewall().days([float("inf"), float("nan")])

    assert dict(said.trends.series) == {}
