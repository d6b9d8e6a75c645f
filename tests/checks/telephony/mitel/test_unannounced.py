"""Changes that a poll saw and no trap announced."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.hearing import Heard
from checks.contract import Assessment, Memory, Observation, State, covered
from checks.notices import Notice
from checks.telephony.mitel import CHECK, MitelAnswers, MitelOptions
from checks.telephony.mitel.judgement import judged
from checks.telephony.mitel.note import Note, unpacked
from checks.telephony.mitel.options import UNREAD
from checks.telephony.mitel.traps import EMERGENCY
from checks.telephony.mitel.unannounced import SLOT, TRAPS, Ears, Watch
from config.estate import Cron
from testbeds.mitel import NOW, bad, business, msl, readings, said
from testbeds.single import check, subject

ALARM = Notice("mitelIpera3000NotifAlarm", "an alarm was detected or cleared")
CALL = Notice(EMERGENCY, "an emergency call was made", change=False)
TRUNKS = ("SIP Link", 2, 9, 2)
"""A category that is minor."""


@dataclass
class Polls:
    """A system that is polled once a minute by an agent that listens since long ago."""

    options: dict[str, Any] = field(default_factory=dict)
    now: float = NOW
    memory: Memory | None = None
    hearing: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.hearing.begun(NOW - 86_400)

    def trap(self, notice: Notice = ALARM, ago: float = 0.0) -> None:
        self.hearing.heard("pbx", notice, self.now - ago)

    def poll(self, answers: MitelAnswers, whole: bool = True, after: float = 60.0) -> Assessment:
        self.now += after
        options = MitelOptions(**self.options)
        assessment = judged(options, answers, whole, self.memory, self.now, Ears("pbx", self.hearing, 60.0, 15.0))
        self.memory = assessment.memory or self.memory
        return assessment

    def changes(self, number: int) -> Assessment:
        """So many changes of the level, without a trap; what was seen after the last one."""
        for count in range(number):
            self.poll(business(level=2 + count % 2))
        return self.poll(business(level=2 + (number - 1) % 2))

    def since_a_trap(self) -> Polls:
        """A trap has come, a good while ago."""
        self.poll(business())
        self.trap()
        self.now += 3600
        self.poll(business())
        return self


def counted(assessment: Assessment) -> dict[str, float]:
    return {
        labels[0]: value
        for (name, *labels), value in readings(assessment).items()
        if name == "unannounced_changes_total"
    }


NONE = {"level": 0.0, "category": 0.0, "resilience": 0.0}


@pytest.mark.parametrize(("answers", "changed"), [
    (business(level=2), "level"),
    (business(categories=[TRUNKS]), "category"),
    (business(resiliency={"controller-a": 1}), "resilience"),
])  # fmt: skip
def test_a_change_that_no_trap_announced_is_counted_at_the_poll_after(answers: MitelAnswers, changed: str) -> None:
    polls = Polls().since_a_trap()

    seen = polls.poll(answers)
    settled = polls.poll(answers)

    assert counted(seen) == NONE
    assert counted(settled) == counted(polls.poll(answers)) == NONE | {changed: 1}
    assert TRAPS not in bad(settled)


@pytest.mark.parametrize("late", [False, True], ids=["before the poll", "after the poll"])
def test_a_change_that_a_trap_announced_is_not_counted(late: bool) -> None:
    polls = Polls().since_a_trap()

    if not late:
        polls.trap()
    polls.poll(business(level=3))
    if late:
        polls.poll(business(level=3), after=4)
        polls.trap()

    assert counted(polls.poll(business(level=3))) == NONE


def test_a_trap_of_another_system_announces_nothing() -> None:
    polls = Polls().since_a_trap()
    polls.hearing.heard("another", ALARM, polls.now)

    assert counted(polls.changes(1))["level"] == 1


def test_a_row_that_is_clear_is_no_other_than_one_that_is_not_there() -> None:
    polls = Polls().since_a_trap()

    polls.poll(business(categories=[("SIP Link", 1, 11, 0)], resiliency={"controller-a": 3}))

    assert counted(polls.poll(business())) == NONE


def test_three_in_a_row_are_a_warning_and_the_next_trap_ends_it() -> None:
    polls = Polls().since_a_trap()

    two, three = polls.changes(2), polls.changes(1)
    polls.trap()
    mended = polls.poll(business(level=2))

    assert TRAPS not in bad(two)
    assert bad(three)[TRAPS] is State.WARNING
    assert said(three, TRAPS).startswith("3 changes in a row were seen by polling and announced by no trap")
    assert TRAPS not in bad(mended)
    assert counted(mended)["level"] == 3


def test_where_no_trap_has_ever_come_nothing_is_said_unless_the_estate_expects_some() -> None:
    silent, expecting, unwilling = Polls(), Polls({"traps": "yes"}), Polls({"traps": "no"}).since_a_trap()
    for polls in (silent, expecting, unwilling):
        polls.poll(business())

    assert [counted(polls.changes(1)) for polls in (silent, unwilling)] == [{}, {}]
    assert counted(expecting.changes(1)) == NONE | {"level": 1}
    assert TRAPS not in {finding.key for finding in silent.poll(business()).findings}


def test_that_traps_have_come_is_remembered_over_a_restart_of_the_agent() -> None:
    polls = Polls().since_a_trap()
    polls.hearing = Heard()
    polls.hearing.begun(polls.now)

    soon = polls.changes(1)
    polls.now += 600
    later = polls.changes(2)

    assert counted(soon) == NONE, "what happened while nobody listened counts for nothing"
    assert counted(later)["level"] == 1
    assert said(later, TRAPS) == "no trap has come since the agent started"


def test_an_agent_that_does_not_listen_says_so_where_traps_are_expected() -> None:
    deaf, sent_once = Polls({"traps": "yes"}), Polls().since_a_trap()
    for polls in (deaf, sent_once):
        polls.hearing = Heard()

    assert bad(deaf.poll(business()))[TRAPS] is State.WARNING
    assert "--snmp.trap-address" in said(deaf.changes(4), TRAPS)
    assert counted(sent_once.changes(4)) == {}


def test_a_poll_that_was_cut_short_or_a_table_half_read_is_no_change() -> None:
    polls = Polls().since_a_trap()
    half = business()
    half.snmp.cut.append(next(oid for oid in half.snmp.rows if oid.endswith(".2.4.1.4")))
    polls.poll(business(categories=[TRUNKS]))
    polls.trap()
    polls.now += 600

    polls.poll(half)
    polls.poll(replace(business(level=4)), whole=False)
    polls.poll(business(categories=[TRUNKS]))

    assert counted(polls.poll(business(categories=[TRUNKS]))) == NONE


def test_alarms_of_an_msl_server_are_compared_too() -> None:
    polls = Polls({"traps": "yes"})
    polls.poll(msl())

    polls.poll(msl(level=4, alarm=4))

    assert counted(polls.poll(msl(level=4, alarm=4))) == {"level": 1.0, "alarm": 1.0}


def test_a_check_run_by_hand_says_nothing_of_traps() -> None:
    polls = Polls({"traps": "yes"}).since_a_trap()

    by_hand = judged(MitelOptions(traps="yes"), business(level=4), True, polls.memory, polls.now)  # type: ignore[arg-type]

    assert counted(by_hand) == {}
    assert not covered(by_hand.covers, TRAPS)


def test_emergency_notices_are_critical_until_none_has_come_for_a_day() -> None:
    polls = Polls()
    before = polls.poll(business())
    polls.trap(CALL)

    after = polls.poll(business())
    unread = polls.poll(MitelAnswers(UNREAD, business().snmp))
    polls.hearing = Heard()
    still = polls.poll(business(), after=80_000)
    over = polls.poll(business(), after=10_000)

    assert [SLOT in bad(one) for one in (before, after, unread, still, over)] == [False, True, True, True, False]
    assert bad(after)[SLOT] is State.CRITICAL
    assert counted(after) == {}, "an emergency notice is no proof that alarms are sent here"
    assert covered(over.covers, SLOT) and covered(over.may_go, SLOT)


def test_the_note_holds_what_is_remembered_and_stands_damage() -> None:
    polls = Polls().since_a_trap()
    polls.changes(1)
    polls.poll(business(level=3))
    assert polls.memory is not None

    watch = unpacked(polls.memory).watch
    damaged = replace(polls.memory, text=polls.memory.text.replace('"run":1', '"run":"x"'))
    older = replace(polls.memory, text=polls.memory.text.replace('"traps":', '"unknown":'))

    assert watch.counts == {"level": 1} and watch.waiting == {"level"} and watch.sends
    assert unpacked(damaged) == Note()
    assert unpacked(older).watch == Watch() and unpacked(older).uptime is not None


def test_the_kind_passes_on_what_was_heard_where_it_is_polled_at_an_interval() -> None:
    hearing = Heard()
    hearing.begun(NOW - 86_400)
    hearing.heard("fw-1", ALARM, NOW - 600)
    every = check("mitel", MitelOptions())

    def keys(spec: Any) -> set[str]:
        asked = replace(subject(spec), name="fw-1", hearing=hearing)
        found = CHECK.assess(asked, [Observation("fw-1", "here", NOW, 0.1, business())], None, NOW)
        return {finding.key for finding in found.findings}

    assert TRAPS in keys(every)
    assert TRAPS not in keys(replace(every, schedule=Cron("0 3 * * *", "Europe/London")))
