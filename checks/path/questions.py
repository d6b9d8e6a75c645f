"""Counters and simulators as commands of the allow-list: made ready, and what they print as a number or a word.

A simulator's template has a value `action`, and may have `rule` and `why`; a counter's has `packets`. So a product is
added by writing a template (docs/writing-a-command.md), and nothing here knows a vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from checks.network.command_judgement import CommandAnswers
from checks.network.command_plan import Plan, PlanError, ValuePlan, Wish, compiled
from checks.network.command_reading import Lines, NotFound, Unreadable, number_of, word_of
from checks.network.shown import shown
from checks.path.answers import Word
from config.commands import EXEC, CommandModel, dialect, load, search_path
from config.commands.model import Transform

DESTINATION, DESTINATION_PORT, PROTOCOL, PROTOCOL_NUMBER = (
    "destination", "destination_port", "protocol", "protocol_number",
)  # fmt: skip
"""Parameters of a simulator's template that the flow fills in."""
ACTION, RULE, WHY, PACKETS = "action", "rule", "why", "packets"
_FILLED = {DESTINATION: "192.0.2.1", DESTINATION_PORT: "443", PROTOCOL: "tcp", PROTOCOL_NUMBER: "6"}
_PASSES = frozenset({"allow", "accept", "permit", "permit-all"})
_BLOCKS = frozenset({"deny", "deny-all", "drop", "reject", "reset-client", "reset-server", "reset-both", "block"})
_KEPT = 400


class Mute(Exception):
    """What was printed does not say what was asked; the message says why, with the text."""


def check_counter(command: str, parameters: Mapping[str, str]) -> None:
    """Raise ValueError unless the estate can count so."""
    plan = plan_of(command, parameters)
    _numeric(plan, command)


def check_simulator(command: str, parameters: Mapping[str, str]) -> None:
    """Raise ValueError unless the estate can ask so. The flow's own parameters are not the estate's to give."""
    for name in parameters:
        if name in _FILLED:
            raise ValueError(f"with.{name} is the flow's own; leave it out")
    plan = plan_of(command, filled(command, parameters, _FILLED))
    if not any(value.name == ACTION and value.family is None for value in plan.values):
        raise PlanError(f"the command {command} has no text called `{ACTION}`, so it simulates nothing")


def filled(command: str, parameters: Mapping[str, str], flow: Mapping[str, str]) -> dict[str, str]:
    """The estate's parameters, and those of the flow that the template has."""
    there = _template(command).parameters
    return {**parameters, **{name: text for name, text in flow.items() if name in there}}


def plan_of(command: str, parameters: Mapping[str, str]) -> Plan:
    """The command, ready. Raises ValueError (PlanError, CommandError)."""
    return _plan(command, tuple(sorted(parameters.items())))


@lru_cache(maxsize=1024)
def _plan(command: str, parameters: tuple[tuple[str, str], ...]) -> Plan:
    template = _template(command)
    spoken = None if template.shell == EXEC else dialect(template.shell, search_path())
    return compiled(template, spoken, Wish(parameters))


def _template(command: str) -> CommandModel:
    return load(command, search_path())


def _numeric(plan: Plan, command: str) -> ValuePlan:
    for value in plan.values:
        if value.name == PACKETS and value.family is not None and value.find is not None:
            return value
    raise PlanError(f"the command {command} has no number called `{PACKETS}`, so it counts nothing")


def counted(plan: Plan, said: CommandAnswers) -> float:
    """The packets that the rule has met. Raises Mute."""
    lines = _lines(plan, said)
    value = _numeric(plan, plan.label)
    assert value.find is not None  # `_numeric` saw to it
    try:
        return number_of(value.find, value.take, Transform.NUMBER, lines)
    except (NotFound, Unreadable) as error:
        why = str(error) or "no such rule, or one that does not drop"
        raise Mute(f"`{plan.line}`: {value.title}: {why}; it prints: {_raw(said)}") from error


def simulated(plan: Plan, said: CommandAnswers) -> Word:
    """What the device says of the flow. An action that is not known is neither a yes nor a no. Raises Mute."""
    lines = _lines(plan, said)
    found = {value.name: _word(value, lines) for value in plan.values if value.family is None}
    action = found.get(ACTION, "").lower()
    if action not in _PASSES | _BLOCKS:
        raise Mute(f"`{plan.line}`: gives no verdict; it prints: {_raw(said)}")
    rule, why = (shown(found[name], 120) if found.get(name) else "" for name in (RULE, WHY))
    return Word(passes=action in _PASSES, rule=rule or why, said=f"{action}{f' ({why})' if why else ''}")


def _lines(plan: Plan, said: CommandAnswers) -> Lines:
    lines = Lines(said.output, not said.truncated)
    refused = next((line for pattern in plan.refusals if (line := pattern.line(lines.text)) is not None), None)
    if refused is not None:
        raise Mute(f"`{plan.line}`: the device refused it: {shown(refused, 120)}")
    if said.exit_status is not None and said.exit_status not in plan.exit_status:
        raise Mute(f"`{plan.line}`: exit status {said.exit_status}: {shown(said.errors or said.output, 120)}")
    if plan.shell is None and said.exit_status is None:
        raise Mute(f"`{plan.line}`: it ended without an exit status")
    return lines


def _word(value: ValuePlan, lines: Lines) -> str:
    if value.find is None:
        return ""
    try:
        return word_of(value.find, value.take, lines)
    except (NotFound, Unreadable):
        return ""


def _raw(said: CommandAnswers) -> str:
    return shown(said.output, _KEPT)
