"""What the output of a command means by its template. Pure: answers and time in, an assessment out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.contract import Assessment, Finding, Reading, State
from checks.network.command_plan import DURATION, EXIT_STATUS, VALUE, Plan, ValuePlan
from checks.network.command_reading import Lines, NotFound, Unreadable, number_of, span, spoken, word_of
from checks.network.shown import shown
from config.commands import Take, Transform
from config.profiles import Limit

_LONGEST_SUMMARY = 300
CLOCK_SLACK = 120.0
"""Seconds that a time may lie ahead of the agent's clock before the clocks are said to differ."""
_EXPLAINED = {126: "the user may not run it", 127: "the device has no such command"}


@dataclass(frozen=True, slots=True)
class CommandAnswers:
    """What the command printed. Texts are bounded by `max_output`, without control characters."""

    output: str
    errors: str
    exit_status: int | None
    """None where a device tells none."""
    truncated: bool
    """There was more output than is read."""
    seconds: float
    """How long the command took."""


@dataclass(slots=True)
class _Work:
    """One assessment in the making."""

    plan: Plan
    lines: Lines
    raw: str
    at: float
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)
    numbers: dict[str, float] = field(default_factory=dict)

    def say(self, key: str, state: State, summary: str, evidence: Mapping[str, str] | None = None) -> None:
        self.findings.append(Finding(key, state, summary[:_LONGEST_SUMMARY], evidence or {}))
        self.covers.add(key)

    @property
    def evidence(self) -> dict[str, str]:
        return {"output": shown(self.raw)}


class _Gap(Exception):
    """The value is not to be had; the message says why."""


def assessed(plan: Plan, answers: CommandAnswers, at: float) -> Assessment:
    """Judge what was printed at `at` (Unix seconds)."""
    work = _Work(plan, Lines(answers.output, not answers.truncated), answers.output, at)
    work.readings.append(Reading(DURATION, answers.seconds, (plan.label,)))
    if answers.exit_status is not None:
        work.readings.append(Reading(EXIT_STATUS, float(answers.exit_status), (plan.label,)))
    if _ran(work, answers):
        if plan.expect or plan.not_expect:
            _output(work)
        for value in plan.values:
            _value(work, value)
    return Assessment(tuple(work.findings), tuple(work.readings), frozenset(work.covers), frozenset(work.may_go))


def _ran(work: _Work, answers: CommandAnswers) -> bool:
    """Say whether the command did what the template says it does; only then its output means anything."""
    plan, line = work.plan, f"`{shown(work.plan.line, 100)}`"
    wrong = _wrong(work, answers)
    if wrong:
        evidence = work.evidence | ({"errors": shown(answers.errors)} if answers.errors.strip() else {})
        work.say(plan.run_key, State.UNKNOWN, f"{line}: {wrong}", evidence)
        return False
    if answers.truncated:
        said = f"{line}: printed more than is read of it; raise max_output if that is as it should be"
        work.say(plan.run_key, State.UNKNOWN, said, work.evidence)
    else:
        work.say(plan.run_key, State.OK, f"{line}: ran")
    return True


def _wrong(work: _Work, answers: CommandAnswers) -> str:
    plan, status = work.plan, answers.exit_status
    refused = next((line for pattern in plan.refusals if (line := pattern.line(work.lines.text)) is not None), None)
    if refused is not None:
        return f"the device refused it: {shown(refused, 120)}"
    if plan.shell is None and status is None and not answers.truncated:
        return "it ended without an exit status: it was stopped, or the device closed the connection"
    if status is not None and status not in plan.exit_status:
        why = _EXPLAINED.get(status, shown(answers.errors, 120) if answers.errors.strip() else "it failed")
        return f"exit status {status} ({why})"
    if not answers.output.strip() and not plan.may_be_empty:
        return "it printed nothing, so nothing is known"
    return ""


def _output(work: _Work) -> None:
    plan, lines = work.plan, work.lines
    key = plan.output_key
    if plan.not_expect is not None:
        found = plan.not_expect.line(lines.text)
        if found is not None:
            work.say(key, State.CRITICAL, f"printed what must not be there: {shown(found, 160)}", work.evidence)
            return
    missing = plan.expect is not None and not plan.expect.found(lines.text)
    if not lines.all_looked_at and (missing or plan.not_expect is not None):
        work.say(
            key, State.UNKNOWN, "the output is longer than what is read of it, or has lines too long", work.evidence
        )
    elif missing:
        work.say(
            key, State.CRITICAL, f"does not print what is expected; it prints {shown(work.raw, 120)}", work.evidence
        )
    else:
        work.say(key, State.OK, "prints what is expected")


def _value(work: _Work, plan: ValuePlan) -> None:
    try:
        if plan.family is None:
            _worded(work, plan)
        else:
            _numbered(work, plan)
    except NotFound:
        if plan.required or not work.lines.all_looked_at:
            work.say(plan.key, State.UNKNOWN, f"{plan.title}: not found in what the command prints", work.evidence)
        else:
            work.covers.add(plan.key)
            work.may_go.add(plan.key)
    except (Unreadable, _Gap) as error:
        work.say(plan.key, State.UNKNOWN, f"{plan.title}: {shown(str(error), 160)}", work.evidence)


def _worded(work: _Work, plan: ValuePlan) -> None:
    assert plan.find is not None  # a ratio is a number
    word = word_of(plan.find, plan.take, work.lines)
    state = plan.words.get(word, plan.otherwise) if plan.words else State.OK
    said = f"{plan.title}: {shown(word, 120)}"
    if plan.words and state is not State.OK:
        good = [text for text, meaning in plan.words.items() if meaning is State.OK]
        said += f" where {' or '.join(good)} is expected" if good else ""
    work.say(plan.key, state, said, {} if state is State.OK else work.evidence)


def _numbered(work: _Work, plan: ValuePlan) -> None:
    if plan.ratio is not None:
        value = _ratio(work, plan) * plan.scale
    else:
        assert plan.find is not None  # the model has one of the two
        value = number_of(plan.find, plan.take, plan.transform, work.lines)
        value *= 1.0 if plan.take is Take.COUNT else plan.scale
    work.numbers[plan.name] = value
    assert plan.family is not None  # the caller's case
    labels = (work.plan.label, plan.name) if plan.family is VALUE else (work.plan.label,)
    work.readings.append(Reading(plan.family, value, labels))
    if plan.transform is Transform.TIMESTAMP and plan.take is not Take.COUNT:
        _judge_age(work, plan, work.at - value)
    else:
        _judge(work, plan, value, spoken(value, plan.unit), plan.unit)


def _ratio(work: _Work, plan: ValuePlan) -> float:
    assert plan.ratio is not None  # the caller's case
    for part in (plan.ratio.of, plan.ratio.to):
        if part not in work.numbers:
            raise _Gap(f"{part} is not known")
    whole = work.numbers[plan.ratio.to]
    if whole == 0:
        raise _Gap(f"{plan.ratio.to} is 0, so nothing can be said of its use")
    return work.numbers[plan.ratio.of] / whole


def _judge_age(work: _Work, plan: ValuePlan, age: float) -> None:
    if age < -CLOCK_SLACK:
        raise _Gap(f"lies {span(-age)} in the future; the clock of the device or of the agent is wrong")
    _judge(work, plan, age, f"{span(max(0.0, age))} ago", "seconds")


def _judge(work: _Work, plan: ValuePlan, value: float, said: str, unit: str) -> None:
    for state, limit in ((State.CRITICAL, plan.critical), (State.WARNING, plan.warning)):
        beyond = None if limit is None else _beyond(limit, value)
        if beyond is not None:
            word, edge = beyond
            text = f"{plan.title}: {said}, {word} {spoken(edge, unit)}"
            work.say(plan.key, state, text, work.evidence)
            return
    work.say(plan.key, State.OK, f"{plan.title}: {said}")


def _beyond(limit: Limit, value: float) -> tuple[str, float] | None:
    if limit.above is not None and value > limit.above:
        return "above", limit.above
    if limit.below is not None and value < limit.below:
        return "below", limit.below
    return None
