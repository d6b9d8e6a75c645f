"""A command template with what the estate says of it, made ready to be asked and judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from shlex import quote

from checks.contract import Family, State
from checks.families import family_faults
from checks.network.label import bounded
from checks.transports.ssh import ShellProfile
from config.commands import (
    EXEC,
    CommandModel,
    DialectModel,
    RatioModel,
    Take,
    Transform,
    ValueModel,
    filled,
)
from config.patterns import LinePattern, PatternError
from config.profiles import Limit

KIND = "ssh_command"
VALUE = Family(
    "ridgeway_ssh_command_value",
    "A number that a command printed, where its template names no family of its own.",
    labels=("command", "value"),
)
DURATION = Family(
    "ridgeway_ssh_command_duration_seconds",
    "How long the command took on the device in the last run, logging in not counted.",
    unit="seconds",
    labels=("command",),
)
EXIT_STATUS = Family(
    "ridgeway_ssh_command_exit_status", "The exit status of the command in the last run.", labels=("command",)
)
_PORT = 22


class PlanError(ValueError):
    """The estate's options do not fit the template; the message says which and what there is instead."""


@dataclass(frozen=True, slots=True)
class ValuePlan:
    """One value, ready."""

    name: str
    key: str
    title: str
    find: LinePattern | None
    ratio: RatioModel | None
    take: Take
    transform: Transform
    scale: float
    unit: str
    words: Mapping[str, State]
    otherwise: State
    required: bool
    warning: Limit | None
    critical: Limit | None
    family: Family | None
    """None for text; the family `VALUE` has one label more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A template, ready."""

    label: str
    """Template, parameters and port: `disk-usage:/srv`. What tells two of these checks of a target from each other."""
    line: str
    """The command line, parameters in their places."""
    shell: ShellProfile | None
    """None: run by itself, without a terminal."""
    refusals: tuple[LinePattern, ...]
    exit_status: frozenset[int]
    may_be_empty: bool
    expect: LinePattern | None
    not_expect: LinePattern | None
    values: tuple[ValuePlan, ...]
    """Those that are made of others come last."""

    @property
    def run_key(self) -> str:
        """The finding that says whether the command ran as it should."""
        return f"{KIND}/{self.label}/run"

    @property
    def output_key(self) -> str:
        """The finding of `expect` and `not_expect`."""
        return f"{KIND}/{self.label}/output"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the estate says beside the template's name."""

    parameters: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, Limit | None, Limit | None], ...] = ()
    """Value, warning, critical; None keeps the template's."""
    expect: str | None = None
    not_expect: str | None = None
    port: int = _PORT


def compiled(template: CommandModel, spoken: DialectModel | None, wish: Wish) -> Plan:
    """The plan of a template. Raises PlanError."""
    parameters = _parameters(template, dict(wish.parameters))
    label = label_of(template.command, tuple(parameters.values()), wish.port)
    limits = {name: (warning, critical) for name, warning, critical in wish.limits}
    for name in limits:
        _known("thresholds", name, template.values)
        if template.values[name].transform is Transform.TEXT:
            raise PlanError(f"thresholds: {name} is text, it has no limits")
    values = [_value(name, model, label, parameters, limits.get(name)) for name, model in template.values.items()]
    return Plan(
        label=label,
        line=line_of(template, parameters),
        shell=None if spoken is None else _shell(spoken),
        refusals=() if spoken is None else tuple(LinePattern(text) for text in spoken.refusals),
        exit_status=frozenset(template.exit_status),
        may_be_empty=template.may_be_empty,
        expect=_pattern("expect", wish.expect or template.expect, parameters),
        not_expect=_pattern("not_expect", wish.not_expect or template.not_expect, parameters),
        values=tuple(sorted(values, key=lambda value: value.ratio is not None)),
    )


def line_of(template: CommandModel, parameters: Mapping[str, str]) -> str:
    """The command line. A POSIX shell gets each parameter quoted, although what is let through needs no quotes."""
    if template.shell == EXEC:
        parameters = {name: quote(text) for name, text in parameters.items()}
    return filled(template.run, dict(parameters))


def label_of(command: str, parameters: Iterable[str], port: int) -> str:
    """What tells this command on this target from others: at most 100 characters, and never two alike."""
    # Neither "|" nor "#" can stand in a parameter, so what they part cannot be mistaken for something else.
    said = "|".join(parameters)
    label = command + (f":{said}" if said else "") + (f"#{port}" if port != _PORT else "")
    return bounded(label)


def _parameters(template: CommandModel, given: Mapping[str, str]) -> dict[str, str]:
    """All parameters of the template, in its order, each checked."""
    for name in given:
        _known("with", name, template.parameters)
    found: dict[str, str] = {}
    for name, parameter in template.parameters.items():
        text = given.get(name, parameter.default)
        if text is None:
            raise PlanError(f"{template.command} needs `with: {{{name}: …}}` ({parameter.title})")
        try:
            found[name] = parameter.checked(text, template.safe)
        except ValueError as error:
            raise PlanError(f"with.{name} {error}") from error
    return found


def _known(what: str, name: str, there: Iterable[str]) -> None:
    names = list(there)
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PlanError(f"{what}: the template has no {name!r}{hint}; it has {', '.join(names) or 'none'}")


def _pattern(what: str, text: str | None, parameters: Mapping[str, str]) -> LinePattern | None:
    if text is None:
        return None
    escaped = {name: re.escape(value) for name, value in parameters.items()}
    try:
        return LinePattern(filled(text, escaped))
    except PatternError as error:
        raise PlanError(f"{what}: {error}") from error


def _value(
    name: str,
    model: ValueModel,
    label: str,
    parameters: Mapping[str, str],
    limits: tuple[Limit | None, Limit | None] | None,
) -> ValuePlan:
    warning, critical = limits or (None, None)
    text = model.transform is Transform.TEXT and model.take is not Take.COUNT
    return ValuePlan(
        name=name,
        key=f"{KIND}/{label}/{name}",
        title=model.title,
        find=_pattern(f"values.{name}.find", model.find, parameters),
        ratio=model.ratio,
        take=model.take,
        transform=model.transform,
        scale=model.scale,
        unit=model.unit or (model.metric.unit if model.metric else ""),
        words={filled(word, dict(parameters)): State(state) for word, state in model.words.items()},
        otherwise=State(model.otherwise),
        required=model.required,
        warning=warning or model.warning,
        critical=critical or model.critical,
        family=None if text else family(model),
    )


def family(model: ValueModel) -> Family:
    """The family of a number."""
    if model.metric is None:
        return VALUE
    return Family(model.metric.name, model.metric.help, unit=model.metric.unit, labels=("command",))


def _shell(spoken: DialectModel) -> ShellProfile:
    return ShellProfile(spoken.prompt, pager=spoken.pager, prepare=spoken.paging_off, leave=spoken.leave)


def families(templates: Iterable[CommandModel]) -> dict[str, Family]:
    """Every family the templates can make, by name; of two declarations of one name the first counts.

    One that breaks the rules is left out: what uses its template is refused, everything else goes on.
    """
    found = {each.name: each for each in (VALUE, DURATION, EXIT_STATUS)}
    for template in templates:
        for model in template.values.values():
            made = family(model)
            if not family_faults(made):
                found.setdefault(made.name, made)
    return found


def check_families(plan: Plan, declared: Mapping[str, Family]) -> None:
    """Raise PlanError where a family of the plan breaks the rules, or is not what stands under its name."""
    for value in plan.values:
        if value.family is None:
            continue
        for fault in family_faults(value.family):
            raise PlanError(f"values.{value.name}.metric: {fault}")
        if declared.get(value.family.name) != value.family:
            raise PlanError(
                f"values.{value.name}.metric: {value.family.name} is declared otherwise by another template; "
                "give it the same help and unit, or another name"
            )
