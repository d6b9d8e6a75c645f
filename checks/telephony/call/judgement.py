"""What a test call means. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from checks.telephony.call.answers import CallAnswers, Sound
from checks.telephony.call.note import unpacked
from checks.telephony.call.options import KIND, Expect, SipCallOptions
from checks.telephony.call.rating import Worth, doubtful, worth
from checks.telephony.statuses import Sign, sign
from checks.transports.rtp import Heard, MediaReport
from config.cron import LONDON

CALL, SETUP, AUDIO, QUALITY, MARKING, END, HOURS = (
    f"{KIND}/{name}" for name in ("call", "setup", "audio", "quality", "marking", "end", "hours")
)
UP = Family("ridgeway_call_up", "Whether the last test call was answered and heard as it should be.")
SETUP_SECONDS = Family("ridgeway_call_setup_seconds", "From the INVITE until it rang.", unit="seconds")
ANSWER_SECONDS = Family("ridgeway_call_answer_seconds", "From the INVITE until the answer.", unit="seconds")
MOS = Family("ridgeway_call_mos_score", "Mean opinion score (G.107, narrowband) of the worse direction.")
R = Family("ridgeway_call_r_factor", "R (G.107) of the worse direction.")
LOSS = Family(
    "ridgeway_call_loss_ratio", "Share of RTP packets that were lost, received here or sent from here.",
    labels=("direction",),
)  # fmt: skip
JITTER = Family(
    "ridgeway_call_jitter_seconds", "Interarrival jitter (RFC 3550) of what was received here or sent from here.",
    unit="seconds", labels=("direction",),
)  # fmt: skip
ROUND_TRIP = Family("ridgeway_call_round_trip_seconds", "Round trip of the sound, by RTCP.", unit="seconds")
REORDERED = Family("ridgeway_call_reordered_ratio", "Share of received packets that came out of order.")
DSCP = Family("ridgeway_call_received_dscp", "DSCP of most received packets.")
FAMILIES = (UP, SETUP_SECONDS, ANSWER_SECONDS, MOS, R, LOSS, JITTER, ROUND_TRIP, REORDERED, DSCP)
_DEAF = 0.95
"""Lost share of our packets from which the far end does not hear us."""
_CUT_OFF = 1.0
"""Seconds of nothing at the end of a call, or within it, that people notice."""
_BUSY = frozenset({486, 600})


def judged(options: SipCallOptions, answers: CallAnswers, memory: Memory | None, now: float) -> Assessment:
    """The findings of one call. What it did not come to is not covered, and keeps its state."""
    note = unpacked(memory)
    if answers.held_back:
        return _held_back(answers, note.last, note.said)
    findings = [_call(answers)]
    measured: Worth | None = None
    report = answers.sound.report if answers.sound is not None else None
    if answers.setup_seconds is not None:
        findings.append(_setup(answers.setup_seconds, options))
    if answers.sound is not None:
        findings.append(_audio(answers.sound, options))
        findings.append(_end(answers, options))
        measured = worth(answers.sound)
    if report is not None:
        findings += _marking(report, options)
    r = None if measured is None or _unsure(report) else measured.rating.r
    note = note.after(now, _in_short(findings, measured), r)
    if measured is not None and report is not None:
        findings.append(_quality(measured, report, [r for _, r in note.ratings], options))
    keys = frozenset(finding.key for finding in findings)
    gone = frozenset({HOURS} if options.marks else {HOURS, MARKING})
    up = all(finding.state is State.OK for finding in findings if finding.key in (CALL, AUDIO))
    readings = (Reading(UP, float(up and answers.answered)), *_readings(answers, report, measured))
    return Assessment(tuple(findings), readings, keys | gone, gone, note.packed())


def _held_back(answers: CallAnswers, last: float | None, said: str) -> Assessment:
    """Nothing was asked: what the last call found stands, with its age."""
    words = answers.held_back
    if last is not None:
        words += f"; the last one was made {datetime.fromtimestamp(last, ZoneInfo(LONDON)):%a %d %b, %H:%M}: {said}"
    readings = (Reading(UP, 0.0),) if answers.away else ()
    held = Finding(HOURS, State.UNSUPPORTED, words[:300])
    return Assessment((held,), readings, covers=frozenset({HOURS}), asked=False)


def _unsure(report: MediaReport | None) -> bool:
    return report is not None and bool(doubtful(report))


def _in_short(findings: list[Finding], measured: Worth | None) -> str:
    bad = [finding.key.partition("/")[2] for finding in findings if finding.state.bad]
    words = f"{', '.join(bad)} at fault" if bad else "well"
    return words if measured is None else f"{words}, R {measured.rating.r:.0f}"


def _call(answers: CallAnswers) -> Finding:
    """Whether it was answered, and if not, why not."""
    evidence = {"endpoint": answers.endpoint, "invites": str(answers.invites)}
    if answers.provisional:
        evidence["before"] = " ".join(map(str, answers.provisional))
    if answers.others:
        evidence["further answers"] = str(answers.others)
    if answers.declined:
        evidence["declined"] = " ".join(answers.declined)
    state, words = _outcome(answers)
    return Finding(CALL, state, f"{answers.endpoint}: {words}"[:300], evidence)


def _outcome(answers: CallAnswers) -> tuple[State, str]:
    if answers.answer_seconds is not None:
        return State.OK, f"the test call was answered after {answers.answer_seconds:.2f} s"
    status = answers.status
    if status is None:
        waited = f"{answers.waited_seconds:.0f} s"
        if any(180 <= one < 190 for one in answers.provisional):
            return (
                State.CRITICAL,
                f"the test number rings and does not answer in {waited}; it must answer by itself",
            )
        before = answers.provisional[-1] if answers.provisional else "nothing that is final"
        return State.CRITICAL, f"answers {before} to a call and in {waited} nothing more"
    said = f"{status} {answers.reason}".strip()
    if answers.log_in or status in (401, 407):
        why = answers.log_in or "its log-in was not asked for"
        return State.UNKNOWN, f"{said}: {why}; give the target a credential of the role sip that may call"
    if status in _BUSY:
        return State.WARNING, f"{said}: the test number is busy, by another test or a call that was left up"
    meaning = sign(status)
    if meaning is Sign.MOVED:
        return State.UNKNOWN, f"{said}: the call is sent elsewhere, and a test call follows nobody; name that place"
    if meaning in (Sign.UNWELCOME, Sign.UP):
        return State.CRITICAL, f"the call is refused: {said}"
    return State.CRITICAL, f"the call fails: {said}"


def _setup(seconds: float, options: SipCallOptions) -> Finding:
    slow = seconds >= options.setup_warning_seconds
    words = f"{seconds:.2f} s until it rang"
    if slow:
        words += f"; {options.setup_warning_seconds:g} s is too much"
    return Finding(SETUP, State.WARNING if slow else State.OK, words)


def _audio(sound: Sound, options: SipCallOptions) -> Finding:
    """Two-way, one-way and which way, or none."""
    report = sound.report
    if report is None:
        return Finding(AUDIO, State.CRITICAL, f"answered, but without sound: {sound.trouble}"[:300])
    state, words = _two_ways(sound, report, options.expect)
    evidence = {
        "sent": str(report.sent), "received": str(report.received), "heard": report.heard.value,
        "rtcp": str(report.rtcp_received), "ssrc changes": str(report.ssrc_changes), "foreign": str(report.foreign),
        "duplicates": str(report.duplicates), "reordered": str(report.reordered), "late": str(report.late),
    }  # fmt: skip
    return Finding(AUDIO, state, words[:300], evidence)


def _two_ways(sound: Sound, report: MediaReport, expect: Expect) -> tuple[State, str]:
    deaf = report.far_loss_ratio is not None and report.far_loss_ratio >= _DEAF
    hears_us = report.far_loss_ratio is not None and not deaf
    if not report.received:
        more = "; the far end receives us, so it is the way to here" if hears_us else ""
        if report.foreign:
            more = f"; {report.foreign} packets came from {report.foreign_address} in its place, and do not count"
        elif report.nobody_there:
            more = "; and nobody listens at the place to which the answer sends our sound"
        elif not sound.far_speaks:
            more = "; its answer says that it will not speak"
        return State.CRITICAL, f"we hear nothing: not one packet in {report.seconds:.1f} s{more}"
    if deaf or not sound.far_listens:
        why = f"by its own reports it lost {100 * (report.far_loss_ratio or 0):.0f} % of our packets"
        return State.CRITICAL, f"they hear nothing: {why if deaf else 'the answer says that it will not listen'}"
    if expect is Expect.ECHO and report.heard is not Heard.TONE:
        came = {Heard.SOUND: "other sound", Heard.SILENCE: "silence"}.get(report.heard, "nothing that can be heard")
        if hears_us:
            return State.WARNING, f"they receive us, but {came} comes back in place of the echo: is it an echo number?"
        return State.CRITICAL, f"they may hear nothing: {came} comes back in place of our tone"
    if expect is Expect.SOUND and report.heard not in (Heard.SOUND, Heard.TONE):
        return State.CRITICAL, "we hear nothing: packets come, and there is only silence in them"
    if max(report.cut_off_seconds, report.longest_gap_seconds or 0.0) >= _CUT_OFF:
        gap = max(report.cut_off_seconds, report.longest_gap_seconds or 0.0)
        return State.WARNING, f"sound both ways, with a gap of {gap:.1f} s in what we hear"
    if report.heard is Heard.TONE:
        return State.OK, "sound both ways: our own tone comes back"
    known = "they receive ours" if hears_us else "whether they hear us is not known: they send no reports (RTCP)"
    return State.OK, f"we hear {report.heard.value}; {known}"


def _quality(measured: Worth, report: MediaReport, ratings: list[float], options: SipCallOptions) -> Finding:
    """R, over several calls: one bad call is no evidence, and one good one no cure."""
    why = doubtful(report)
    jitter = f"; jitter {1000 * report.jitter_seconds:.1f} ms)" if report.jitter_seconds is not None else ")"
    words = measured.words + jitter
    if why:
        return Finding(QUALITY, State.UNKNOWN, f"not rated: {why}; it would be {words}"[:300])
    last = ratings[-options.calls :]
    middle = median(last)
    state = State.OK
    if middle < options.warning_r:
        state = State.CRITICAL if middle < options.critical_r else State.WARNING
    if len(last) < options.calls and state is not State.OK:
        return Finding(
            QUALITY, State.UNKNOWN, f"{words}: bad, which {options.calls} calls have to show, and this is {len(last)}"
        )
    words += f"; the median of {len(last)} calls is {middle:.1f}"
    if state is not State.OK:
        words += f", below {options.critical_r if state is State.CRITICAL else options.warning_r:g}"
    return Finding(QUALITY, state, words[:300])


def _marking(report: MediaReport, options: SipCallOptions) -> Iterator[Finding]:
    """Whether the network left the mark by which sound goes before other traffic."""
    mark = report.received_dscp
    if mark is None or not options.marks:
        return
    if mark in options.marks:
        yield Finding(MARKING, State.OK, f"sound arrives marked {mark}")
        return
    wanted = " or ".join(map(str, options.marks))
    lost = "the mark was taken off on the way, or never set" if mark == 0 else "something on the way marks anew"
    yield Finding(MARKING, State.WARNING, f"sound arrives marked {mark} in place of {wanted}: {lost}")


def _end(answers: CallAnswers, options: SipCallOptions) -> Finding:
    after = answers.hung_up_after
    if after is not None and after < options.seconds - 0.5:
        return Finding(END, State.WARNING, f"the far end hung up after {after:.1f} s of {options.seconds:g}")
    if not answers.told:
        return Finding(
            END, State.WARNING, "the far end has not confirmed that the call is over: it may be up there for a while"
        )
    return Finding(END, State.OK, "the call was hung up and that was confirmed")


def _readings(answers: CallAnswers, report: MediaReport | None, measured: Worth | None) -> Iterator[Reading]:
    values: list[tuple[Family, float | None, tuple[str, ...]]] = [
        (SETUP_SECONDS, answers.setup_seconds, ()),
        (ANSWER_SECONDS, answers.answer_seconds, ()),
    ]
    if report is not None:
        values += [
            (LOSS, report.loss_ratio, ("received",)),
            (LOSS, report.far_loss_ratio, ("sent",)),
            (JITTER, report.jitter_seconds, ("received",)),
            (JITTER, report.far_jitter_seconds, ("sent",)),
            (ROUND_TRIP, report.round_trip_seconds, ()),
            (REORDERED, report.reordered / report.received if report.received else None, ()),
            (DSCP, report.received_dscp, ()),
        ]
    if measured is not None and not _unsure(report):
        values += [(MOS, measured.rating.mos, ()), (R, measured.rating.r, ())]
    for family, value, labels in values:
        if value is not None:
            yield Reading(family, float(value), labels)
