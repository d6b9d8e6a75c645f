"""What a reading means beside the approved state, the other members and announced work. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from checks.contract import Assessment, Family, Finding, Memory, Observation, Planned, State, Subject
from checks.contract import Reading as Measured
from checks.firewall_config.answers import ConfigAnswers, Part, Reading
from checks.firewall_config.change import FIRST, LOST, advanced, begun, doubted
from checks.firewall_config.note import Note, Pending, packed, unpacked
from checks.firewall_config.options import KIND, FirewallConfigOptions
from checks.network.ssh_login import over_after_login
from checks.printable import some_of
from config.configurations import Grammar
from config.estate import Every, Schedule

DRIFT, READING, MEMBERS = f"{KIND}/drift", f"{KIND}/reading", f"{KIND}/members"
LAST_CHANGE = Family(
    "ridgeway_firewall_config_last_change_timestamp_seconds",
    "The reading that first showed the last change of the configuration (Unix time).",
    unit="seconds",
    labels=("syntax",),
)
APPROVED = Family(
    "ridgeway_firewall_config_approved",
    "1 while the configuration is as it was approved, or found first; 0 while a change waits.",
    labels=("syntax",),
)
LINES = Family("ridgeway_firewall_config_lines", "Statements of the configuration.", labels=("syntax",))
PARTS = Family(
    "ridgeway_firewall_config_pending_parts", "Parts that differ from the approved state.", labels=("syntax",)
)
DIFFERING = Family(
    "ridgeway_firewall_config_differing_parts",
    "Parts in which another member differs from the first, those that may left out.",
    labels=("syntax", "member"),
)
FAMILIES = (LAST_CHANGE, APPROVED, LINES, PARTS, DIFFERING)
_CADENCES = 2.5
_BY_CLOCK = 26 * 3_600.0
"""Seconds of a change's time that may lie outside of its window, where a check runs once a night."""
_NAMED, _LONGEST_SUMMARY, _LONGEST_EVIDENCE = 4, 300, 1_000
_DOUBTED = "it ends where it did not end last time, as if cut off; it is believed when the next reading is the same"


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the observation carries its own time
    """What was read. Without a whole reading of the first member nothing is said of drift, which so grows stale."""
    options, observation = subject.check.options, observations[0]
    answers = observation.answers
    assert isinstance(options, FirewallConfigOptions)  # the catalogue pairs options with kinds
    assert isinstance(answers, ConfigAnswers)  # without answers the fault speaks for itself
    at = observation.started
    over = over_after_login(subject)
    first, note = answers.readings[0], unpacked(memory)
    gap = first.gap
    if not gap and note is not None and not _whole_by_itself(options):
        doubt = doubted(note, first, answers.method)
        if doubt is not None:
            return _unread(first.member, _DOUBTED, over, packed(doubt))
    if gap:
        return _unread(first.member, gap, over, None)
    note = _noted(subject, note, answers, at, lost=memory is not None)
    findings = [_read(first), _drift(subject, note)]
    readings = [*_readings(note, first, (options.syntax,))]
    if len(answers.readings) > 1:
        finding, measured = _members(answers.readings, options)
        findings.append(finding)
        readings += measured
    made = packed(note)
    keys = frozenset(finding.key for finding in findings) | {MEMBERS}
    return Assessment(tuple(findings), tuple(readings), keys | over, over | {MEMBERS}, None if made == memory else made)


def _whole_by_itself(options: FirewallConfigOptions) -> bool:
    """Whether a text that is cut between two sections is seen to be cut."""
    return options.model.ends is not None or options.model.grammar is Grammar.XML


def _unread(member: str, why: str, over: frozenset[str], memory: Memory | None) -> Assessment:
    said = f"{member}: the configuration was not read whole: {why}"
    finding = Finding(READING, State.UNKNOWN, said[:_LONGEST_SUMMARY])
    return Assessment((finding,), (), frozenset({READING}) | over, over, memory)


def _noted(subject: Subject, note: Note | None, answers: ConfigAnswers, at: float, *, lost: bool) -> Note:
    reading = answers.readings[0]
    if note is None:
        return begun(reading, answers.method, at, anew=lost)

    def announced(after: float, until: float) -> Sequence[Planned]:
        if subject.work is None:
            return ()
        return subject.work.announced(subject.targets[0], KIND, DRIFT, after, until)

    return advanced(note, reading, answers.method, at, announced, slack(subject.check.schedule))


def slack(schedule: Schedule) -> float:
    """Seconds of a change's time that may lie outside of announced work: it is only known between two readings."""
    return _CADENCES * schedule.seconds if isinstance(schedule, Every) else _BY_CLOCK


def ticket_at(subject: Subject, pending: Mapping[str, Pending]) -> float:
    """When what waits becomes a ticket: at the beginning of the next working day; at once where none is known."""
    since = min(one.since for one in pending.values())
    return since if subject.work is None else subject.work.next_working_day(since)


def _read(first: Reading) -> Finding:
    lines = sum(part.lines for part in first.parts)
    return Finding(READING, State.OK, f"{first.member}: {len(first.parts)} parts with {lines} statements")


def _drift(subject: Subject, note: Note) -> Finding:
    if not note.pending:
        if note.approved_why == LOST:
            said = f"{LOST}, on {_day(note.approved_at)}: whether it changed then is not known; look, and approve it"
            return Finding(DRIFT, State.UNKNOWN, said, {"state": note.state})
        if note.approved_why == FIRST:
            said = f"{FIRST} on {_day(note.approved_at)}; nobody has approved it"
        else:
            who = f" by {note.approved_by}" if note.approved_by else ""
            said = f"as approved on {_day(note.approved_at)}{who} ({note.approved_why})"
        return Finding(DRIFT, State.OK, said[:_LONGEST_SUMMARY])
    due = ticket_at(subject, note.pending)
    over = note.read_at >= due
    since = min(one.since for one in note.pending.values())
    parts = some_of(list(note.pending), _NAMED)
    if over:
        said = f"changed without announced work or an approved change, seen {_moment(since)}: {parts}"
    else:
        said = f"changed, seen {_moment(since)}, announced by nobody so far: {parts}; a ticket at {_moment(due)}"
    evidence = {
        "parts": "; ".join(_told(note, name) for name in note.pending)[:_LONGEST_EVIDENCE],
        "changed after": _iso(min(one.after for one in note.pending.values())),
        "seen at": _iso(since),
        "state": note.state,
        "approved": f"{_iso(note.approved_at)} {note.approved_by} {note.approved_why}".replace("  ", " "),
    }
    return Finding(DRIFT, State.WARNING if over else State.OK, said[:_LONGEST_SUMMARY], evidence)


def _told(note: Note, name: str) -> str:
    held, one = note.parts.get(name), note.pending[name]
    if held is None:
        return f"{name}: new, {one.lines} lines"
    if not one.digest:
        return f"{name}: gone, {held.lines} lines"
    return f"{name}: {held.lines} lines, {one.lines} now"


def _members(readings: Sequence[Reading], options: FirewallConfigOptions) -> tuple[Finding, list[Measured]]:
    first, others = readings[0], readings[1:]
    measured: list[Measured] = []
    differing: dict[str, list[str]] = {}
    unread = [f"{one.member}: {one.gap}" for one in others if one.gap]
    for other in others:
        if not other.gap:
            names = _differing(first.parts, other.parts, options.differ)
            measured.append(Measured(DIFFERING, float(len(names)), (options.syntax, other.member)))
            if names:
                differing[other.member] = names
    if differing:
        said = "; ".join(
            f"{member} differs from {first.member} in {some_of(names, _NAMED)}" for member, names in differing.items()
        )
        evidence = {member: "; ".join(names)[:_LONGEST_EVIDENCE] for member, names in differing.items()}
        return Finding(MEMBERS, State.WARNING, said[:_LONGEST_SUMMARY], evidence), measured
    if unread:
        said = f"cannot be compared: {'; '.join(unread)}"
        return Finding(MEMBERS, State.UNKNOWN, said[:_LONGEST_SUMMARY]), measured
    said = f"the same on {', '.join(one.member for one in readings)}, but for what is each one's own"
    return Finding(MEMBERS, State.OK, said[:_LONGEST_SUMMARY]), measured


def _differing(first: Sequence[Part], other: Sequence[Part], may: Sequence[str]) -> list[str]:
    """Names of parts that are not the same on both, in the first one's order."""
    here, there = ({part.name: part.shared for part in parts} for parts in (first, other))
    names = [*here, *(name for name in there if name not in here)]
    return [
        name
        for name in names
        if here.get(name, _NOTHING) != there.get(name, _NOTHING) and not any(fnmatchcase(name, each) for each in may)
    ]


def _readings(note: Note, first: Reading, labels: tuple[str, ...]) -> Iterable[Measured]:
    yield Measured(APPROVED, 0.0 if note.pending or note.approved_why == LOST else 1.0, labels)
    yield Measured(LINES, float(sum(part.lines for part in first.parts)), labels)
    yield Measured(PARTS, float(len(note.pending)), labels)
    if note.changed_at is not None:
        yield Measured(LAST_CHANGE, note.changed_at, labels)


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, _LONDON):%a %-d %b %H:%M}"


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, _LONDON):%-d %b %Y}"


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


_LONDON = ZoneInfo("Europe/London")
_NOTHING = "e3b0c44298fc1c149afb"
"""The digest of no statement: a part in which all is a member's own is as good as none."""
