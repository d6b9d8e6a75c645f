"""What a test call means, on paper: which way is deaf, what is no evidence, what a damaged note is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Assessment, Memory, State
from checks.telephony.call import CallAnswers, SipCallOptions
from checks.telephony.call.answers import Sound
from checks.telephony.call.judgement import judged
from checks.telephony.call.note import Note, unpacked
from checks.transports.rtp import Codec, Heard, MediaReport
from testbeds.calls import states, summary, values

GOOD = MediaReport(
    sent=400, seconds=8.0, received=400, jitter_seconds=0.001, round_trip_seconds=0.02, far_loss_ratio=0.0,
    far_jitter_seconds=0.002, rtcp_received=3, dscp=((46, 400),), heard=Heard.TONE, longest_gap_seconds=0.03,
    lateness_p99_seconds=0.002,
)  # fmt: skip
NOW = 1_800_000_000.0


def said(report: MediaReport = GOOD, **more: object) -> CallAnswers:
    sound = Sound(codec=Codec.PCMA, report=report)
    answers = CallAnswers(
        endpoint="udp:192.0.2.1:5060", status=200, provisional=(100, 180), invites=1, setup_seconds=0.2,
        answer_seconds=0.9, sound=sound, told=True,
    )  # fmt: skip
    return replace(answers, **more)  # type: ignore[arg-type]


def judge(answers: CallAnswers, memory: Memory | None = None, now: float = NOW, **options: object) -> Assessment:
    wanted = SipCallOptions.model_validate({"number": "5600", "allowed_numbers": ["5600"]} | options)
    return judged(wanted, answers, memory, now)


def test_a_good_call_is_ok_in_every_respect_and_covers_what_it_judged() -> None:
    assessment = judge(said())

    words = summary(assessment, "quality")
    assert all(word in words for word in ("R 9", "MOS 4", "PCMA", "PLC assumed", "loss", "delay", "jitter"))
    assert set(states(assessment).values()) == {"ok"}
    assert assessment.covers == {f"sip_call/{name}" for name in (*states(assessment), "hours")}
    assert assessment.may_go == {"sip_call/hours"}
    assert values(assessment)["loss_ratio sent"] == 0 and values(assessment)["jitter_seconds sent"] == 0.002


@pytest.mark.parametrize(
    ("report", "expect", "state", "words"),
    [
        (replace(GOOD, received=0, heard=Heard.NOTHING), "echo", "critical", "we hear nothing"),
        (replace(GOOD, received=0, heard=Heard.NOTHING), "any-rtp", "critical", "the far end receives us"),
        (replace(GOOD, received=0, foreign=9, foreign_address="192.0.2.7"), "echo", "critical", "came from 192.0.2.7"),
        (replace(GOOD, received=0, far_loss_ratio=None, nobody_there=4), "echo", "critical", "nobody listens"),
        (replace(GOOD, far_loss_ratio=1.0, heard=Heard.SOUND), "sound", "critical", "they hear nothing"),
        (replace(GOOD, far_loss_ratio=1.0, heard=Heard.SILENCE), "any-rtp", "critical", "lost 100 % of our packets"),
        (replace(GOOD, heard=Heard.SOUND), "echo", "warning", "is it an echo number?"),
        (replace(GOOD, heard=Heard.SOUND, far_loss_ratio=None), "echo", "critical", "they may hear nothing"),
        (replace(GOOD, heard=Heard.SILENCE, far_loss_ratio=None), "sound", "critical", "only silence"),
        (replace(GOOD, heard=Heard.SOUND, far_loss_ratio=None), "sound", "ok", "not known"),
        (replace(GOOD, heard=Heard.SOUND), "sound", "ok", "they receive ours"),
        (replace(GOOD, cut_off_seconds=3.0), "echo", "warning", "a gap of 3.0 s"),
        (replace(GOOD, longest_gap_seconds=1.5), "any-rtp", "warning", "a gap of 1.5 s"),
    ],
)
def test_sound_that_goes_one_way_is_told_by_its_way(report: MediaReport, expect: str, state: str, words: str) -> None:
    assessment = judge(said(report), expect=expect)

    assert states(assessment)["audio"] == state
    assert words in summary(assessment, "audio")
    assert values(assessment)["up"] == (state == "ok")


def test_an_answer_that_will_not_listen_is_deaf_before_any_report() -> None:
    answers = said(replace(GOOD, far_loss_ratio=None))
    assert answers.sound is not None

    assessment = judge(replace(answers, sound=replace(answers.sound, far_listens=False)))

    assert states(assessment)["audio"] == "critical" and "will not listen" in summary(assessment, "audio")


def test_the_worse_direction_is_rated() -> None:
    here, there = judge(said(replace(GOOD, received=360, lost=40))), judge(said(replace(GOOD, far_loss_ratio=0.1)))

    assert abs(values(here)["r_factor"] - values(there)["r_factor"]) < 1
    assert values(there)["r_factor"] < 70 < values(judge(said()))["r_factor"]


@pytest.mark.parametrize(
    "report",
    [
        replace(GOOD, lateness_p99_seconds=0.05),
        replace(GOOD, skipped=40),
        replace(GOOD, send_error="ENOBUFS"),
    ],
)
def test_what_may_be_this_machines_fault_is_not_rated_and_not_remembered(report: MediaReport) -> None:
    assessment = judge(said(report))

    assert states(assessment)["quality"] == "unknown" and "this machine" in summary(assessment, "quality")
    assert "r_factor" not in values(assessment) and "mos_score" not in values(assessment)
    assert unpacked(assessment.memory).ratings == ()


def test_too_little_sound_is_not_rated() -> None:
    assessment = judge(said(replace(GOOD, received=50, sent=50), hung_up_after=1.0))

    assert "quality" not in states(assessment) and "sip_call/quality" not in assessment.covers
    assert states(assessment)["end"] == "warning"


def test_the_median_of_the_last_calls_decides() -> None:
    bad, memory, found = replace(GOOD, lost=100), None, []

    for number, report in enumerate((bad, bad, bad, GOOD, bad, GOOD, GOOD)):
        assessment = judge(said(report), memory, NOW + 900 * number)
        memory = assessment.memory
        found.append(states(assessment)["quality"])

    assert found == ["unknown", "unknown", "critical", "critical", "critical", "ok", "ok"]


def test_a_call_between_the_thresholds_is_a_warning() -> None:
    memory = Note(NOW - 900, "well", ((NOW - 1800, 75.0), (NOW - 900, 75.0))).packed()

    assessment = judge(said(), memory)

    assert states(assessment)["quality"] == "warning" and "below 80" in summary(assessment, "quality")


@pytest.mark.parametrize(
    ("mark", "state", "words"), [(46, "ok", "46"), (0, "warning", "taken off"), (8, "warning", "anew")]
)
def test_a_mark_that_was_lost_is_a_warning(mark: int, state: str, words: str) -> None:
    assessment = judge(said(replace(GOOD, dscp=((mark, 400),))))

    assert states(assessment)["marking"] == state and words in summary(assessment, "marking")


def test_marks_that_are_not_judged_may_go() -> None:
    assessment = judge(said(replace(GOOD, dscp=((0, 400),))), marks=[])

    assert "marking" not in states(assessment)
    assert "sip_call/marking" in assessment.covers and "sip_call/marking" in assessment.may_go


def test_slow_set_up_is_a_warning() -> None:
    assert states(judge(said(setup_seconds=4.0)))["setup"] == "warning"


@given(st.integers(300, 699), st.sampled_from(["", "it wants to know who calls"]))
def test_no_failure_is_ok(status: int, log_in: str) -> None:
    assessment = judge(CallAnswers(endpoint="udp:192.0.2.1:5060", status=status, invites=1, log_in=log_in))

    assert next(iter(assessment.findings)).state.bad
    assert values(assessment) == {"up": 0}


@given(st.sampled_from([1, 2]), st.text(max_size=200))
def test_a_damaged_note_is_an_empty_one(version: int, text: str) -> None:
    note = unpacked(Memory(version, text))

    assert note == Note() or note.ratings is not None


_maybe = st.one_of(st.none(), st.floats(0, 1))
_reports = st.builds(
    MediaReport,
    sent=st.integers(0, 500), seconds=st.floats(0, 10), received=st.integers(0, 500), lost=st.integers(0, 500),
    late=st.integers(0, 50), foreign=st.integers(0, 2), jitter_seconds=_maybe, round_trip_seconds=_maybe,
    far_loss_ratio=_maybe, far_jitter_seconds=_maybe,
    dscp=st.lists(st.tuples(st.integers(0, 63), st.integers(1, 9)), max_size=2).map(tuple),
    heard=st.sampled_from(Heard), longest_gap_seconds=_maybe, lateness_p99_seconds=_maybe, skipped=st.integers(0, 9),
)  # fmt: skip


@given(_reports, st.sampled_from(["echo", "sound", "any-rtp"]), st.booleans())
def test_whatever_was_measured_is_judged_in_a_sentence_and_deaf_calls_are_never_ok(
    report: MediaReport, expect: str, told: bool
) -> None:
    assessment = judge(said(report, told=told), expect=expect)

    assert all(0 < len(finding.summary) <= 300 for finding in assessment.findings)
    if (
        not report.received
        or (report.far_loss_ratio or 0) >= 0.95
        or (expect == "echo" and report.heard is not Heard.TONE)
    ):
        assert states(assessment)["audio"] != State.OK.value
        assert values(assessment)["up"] == 0
    assert all(value >= 0 for value in values(assessment).values())
