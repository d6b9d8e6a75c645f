"""Runs a Nagios-style plug-in and takes its word: exit status, text and performance data.

What a plug-in may say is laid down in the Monitoring Plugins Development Guidelines. What cannot be taken for an answer
(a time-out, a signal, another exit status, success without a word) is *unknown*.
"""

from __future__ import annotations

import asyncio
import math
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    Finding,
    KindDefaults,
    Memory,
    MetricType,
    Observation,
    Reading,
    Reason,
    State,
    Subject,
    Target,
)
from checks.network.limits import give_up_at
from checks.plugins.output import harmless, masked, parted
from checks.plugins.perfdata import Performance, Range, Value, parsed
from checks.transports.aside import Crowded, Overdue, StillHanging, Tether
from checks.transports.fault import TransportFault
from checks.transports.process import Ended, Outcome, Program
from config.estate import MofN, WakeClass
from config.secrets import SecretError, SecretReference

_VALUE = Family(
    "ridgeway_plugin_value",
    "A value of the plug-in's performance data, in base units (seconds, bytes, ratio) where its unit is known.",
    labels=("plugin", "label", "unit"),
)
_COUNT = Family(
    "ridgeway_plugin_count_total",
    "A continuous counter of the plug-in's performance data (its unit c).",
    MetricType.COUNTER,
    labels=("plugin", "label"),
)
_THRESHOLD = Family(
    "ridgeway_plugin_threshold",
    "A finite end of the range outside which the plug-in alerts, in the unit of the value; severity warning or "
    "critical, edge lower or upper.",
    labels=("plugin", "label", "unit", "severity", "edge"),
)
_SECONDS = Family("ridgeway_plugin_run_seconds", "Time of the plug-in's last run.", unit="seconds", labels=("plugin",))
_CPU = Family(
    "ridgeway_plugin_cpu_seconds",
    "Processor time of the plug-in's last run, with all the processes it started.",
    unit="seconds",
    labels=("plugin",),
)
_STATES = {0: State.OK, 1: State.WARNING, 2: State.CRITICAL, 3: State.UNKNOWN}
_SUMMARY, _EVIDENCE, _QUOTED = 300, 2_000, 160
_MIB = 1024 * 1024
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_REFERENCE = re.compile(r"(^|=)(file:/|env:[A-Za-z_]|credential:[A-Za-z0-9_])")
_TELLTALE = re.compile(
    r"--?[a-z0-9-]*(password|passwd|passphrase|secret|token|community|api-?key|authpass|privpass)(=.*)?", re.IGNORECASE
)
_DANGEROUS = re.compile(r"(LD_|GCONV_|PYTHON|PERL|RUBY|NODE_|JAVA_|BASH_|GLIBC_).*|PATH|IFS|ENV|HOME|LANG|LC_[A-Z]+")
Argument = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")]


class PluginOptions(BaseModel):
    """What a `plugin` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plugin: str = Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}$",
        description="The plug-in's plain name, as in check_disk; it must stand in one of the plug-in directories.",
    )
    arguments: list[Argument] = Field(
        default=[], max_length=100,
        description="Its arguments, one by one, never through a shell; {address} and {name} are the target's.",
    )  # fmt: skip
    secrets: dict[Variable, SecretReference] = Field(
        default={}, max_length=16,
        description="Environment variables that hold secrets. Arguments cannot: every user of the machine sees them.",
    )  # fmt: skip
    memory_mib: int = Field(512, ge=64, le=65_536, description="Memory it may use, in MiB.")
    processes: int = Field(32, ge=1, le=1_024, description="Processes and threads it may have at once.")
    proves_target: bool = Field(
        False, description="Exit status 0 or 1 proves that the target itself has answered; otherwise that stays open."
    )

    @field_validator("arguments")
    @classmethod
    def _public(cls, value: list[str]) -> list[str]:
        for number, argument in enumerate(value, 1):
            # Never repeat the argument: it may hold the secret.
            if _REFERENCE.search(argument) or _TELLTALE.fullmatch(argument):
                raise ValueError(
                    f"argument {number} is or announces a secret, which every user of the machine could read in the "
                    "list of processes; give it under `secrets` as an environment variable, or in a file that the "
                    "plug-in reads itself"
                )
            for word in _PLACEHOLDER.findall(argument):
                if word not in ("address", "name"):
                    raise ValueError(f"argument {number} holds {{{word}}}; there are only {{address}} and {{name}}")
        return value

    @field_validator("secrets")
    @classmethod
    def _own_names(cls, value: dict[str, SecretReference]) -> dict[str, SecretReference]:
        for name in value:
            if _DANGEROUS.fullmatch(name):
                raise ValueError(f"{name} changes how programs are started; it cannot hold a secret")
        return value


@dataclass(frozen=True, slots=True)
class PluginAnswers:
    """What came of a run. Texts are harmless, without secrets, and at most 64 KiB each; times in seconds."""

    outcome: Outcome
    status: int | None = None
    signal: int | None = None
    stdout: str = ""
    stderr: str = ""
    printed: int = 0
    left_behind: int = 0
    out_of_memory: bool = False
    why: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reached: bool | None = None
    """True where the estate says that this plug-in's success proves it."""


async def collect(target: Target, options: PluginOptions, ctx: Context) -> Observation:
    """Run the plug-in once. Only what keeps it from being run at all is a fault."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers: PluginAnswers | None = None
    fault: Fault | None = None
    try:
        secrets = await _revealed(options, ctx)
        arguments = _filled(target, options, secrets)
        program = Program(options.plugin, arguments, secrets, options.memory_mib * _MIB, options.processes)
        ended = await ctx.transports.process.run(program, give_up_at(ctx.deadline, begun))
        answers = _answers(ended, tuple(secrets.values()), options)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"plugin/{error.reason.value}")
    except (SecretError, StillHanging, Crowded, Overdue) as error:
        fault = Fault(Reason.LOCAL, str(error), "plugin/local")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _revealed(options: PluginOptions, ctx: Context) -> dict[str, str]:
    if not options.secrets:
        return {}

    def fetch(tether: Tether) -> dict[str, str]:
        del tether  # nothing to cut: a file is read at once, or its server hangs
        return {name: reference.resolve().reveal() for name, reference in options.secrets.items()}

    # A file may lie on a server that hangs, so it is read aside.
    return await ctx.transports.aside.ask(f"the secrets of {options.plugin}", fetch, ctx.deadline)


def _filled(target: Target, options: PluginOptions, secrets: dict[str, str]) -> tuple[str, ...]:
    arguments = tuple(
        argument.replace("{address}", target.address).replace("{name}", target.name) for argument in options.arguments
    )
    for name, secret in secrets.items():
        if "\0" in secret:
            raise TransportFault(Reason.LOCAL, f"{options.plugin}: the secret {name} cannot be given as a variable")
        if any(secret in argument for argument in arguments):
            raise TransportFault(
                Reason.LOCAL,
                f"{options.plugin}: an argument holds the secret {name}, which every user of this machine could read "
                "in the list of processes; take it out",
            )
    return arguments


def _answers(ended: Ended, secrets: tuple[str, ...], options: PluginOptions) -> PluginAnswers:
    size = len(ended.stdout.encode()) + len(ended.stderr.encode())
    cut = ended.printed > size or ended.outcome is not Outcome.EXITED
    proves = options.proves_target and ended.status in (0, 1)
    return PluginAnswers(
        outcome=ended.outcome,
        status=ended.status,
        signal=ended.signal,
        stdout=harmless(masked(ended.stdout, secrets, cut=cut)),
        stderr=harmless(masked(ended.stderr, secrets, cut=cut)),
        printed=ended.printed,
        left_behind=ended.left_behind,
        out_of_memory=ended.out_of_memory,
        why=ended.why,
        seconds=ended.seconds,
        cpu_seconds=ended.cpu_seconds,
        reached=True if proves else None,
    )


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """The plug-in's one finding, by the check's name, and its performance data."""
    del memory, now
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, PluginAnswers) and isinstance(options, PluginOptions)  # for mypy
    name = subject.check.name
    key = f"plugin/{name}"
    output = parted(answers.stdout)
    performance = Performance(())
    if answers.outcome is Outcome.EXITED and answers.status in _STATES:
        performance = parsed(output.data)
    state, summary = _judged(answers, options, output.text)
    finding = Finding(
        key, state, _short(summary.replace("\t", " "), _SUMMARY), _evidence(answers, output.more, performance)
    )
    readings = [Reading(_SECONDS, answers.seconds, (name,)), Reading(_CPU, answers.cpu_seconds, (name,))]
    for value in performance.values:
        readings += _readings(name, value)
    return Assessment((finding,), tuple(readings), frozenset((key,)))


def _judged(answers: PluginAnswers, options: PluginOptions, text: str) -> tuple[State, str]:
    if answers.outcome is not Outcome.EXITED:
        return State.UNKNOWN, _unended(answers, options)
    status = answers.status
    state = _STATES.get(status) if status is not None else None
    if state is None:
        return State.UNKNOWN, _odd(answers, options)
    if text:
        return state, text
    said = _said(answers.stderr)
    if state is State.OK and not answers.stdout.strip():
        return State.UNKNOWN, f"{options.plugin} ended with success but without a word{said}; run it by hand"
    return state, f"{options.plugin} ended with status {status} and no text{said}"


def _unended(answers: PluginAnswers, options: PluginOptions) -> str:
    plugin = options.plugin
    before = _said(answers.stdout or answers.stderr)
    if answers.out_of_memory:
        return f"{plugin} was ended for using more than {options.memory_mib} MiB; if that is its due, raise memory_mib"
    match answers.outcome:
        case Outcome.TIMEOUT:
            return (
                f"{plugin} did not end within {answers.seconds:.3g} s and was killed with all it had started{before}; "
                "give it a shorter time-out of its own, or the check a longer one"
            )
        case Outcome.OUTPUT:
            return f"{plugin} printed more than {answers.printed // _MIB} MiB and was killed{before}"
        case Outcome.PROCESSES:
            return f"{plugin} had more than {options.processes} processes and was killed with all of them{before}"
        case Outcome.REFUSED:
            return f"{plugin} cannot be executed: {answers.why}; its first line must name an interpreter that is there"
        case _:
            return f"{plugin} was killed by {_signal(answers.signal)}{before}"


def _signal(number: int | None) -> str:
    try:
        name = signal.Signals(number or 0).name
    except ValueError:
        name = "unknown"
    extra = {
        "SIGXCPU": "; it used more processor time than the check's time-out",
        "SIGXFSZ": "; it wrote a file that is too large",
        "SIGKILL": "; if not by a person, then for want of memory",
    }.get(name, "")
    return f"signal {number} ({name}{extra})"


def _odd(answers: PluginAnswers, options: PluginOptions) -> str:
    """Exit statuses outside 0 to 3; 126, 127 and those above 128 are a shell's words (POSIX, 2.8.2)."""
    status = answers.status or 0
    meaning = "which means nothing to a monitoring system"
    if status == 126:
        meaning = "as a shell does when a program cannot be executed"
    elif status == 127:
        meaning = "as a shell does when a program is not there"
    elif 128 < status <= 128 + 64:
        meaning = f"as a shell does when a program is killed by signal {status - 128}"
    return f"{options.plugin} ended with status {status}, {meaning}{_said(answers.stdout.strip() or answers.stderr)}"


def _said(text: str) -> str:
    """What it said, as part of a sentence."""
    line = text.strip().partition("\n")[0].strip()
    return f": {_short(line, _QUOTED)}" if line else ""


def _evidence(answers: PluginAnswers, more: str, performance: Performance) -> dict[str, str]:
    evidence: dict[str, str] = {}
    if answers.status is not None:
        evidence["exit_status"] = str(answers.status)
    if more:
        evidence["output"] = _short(more, _EVIDENCE)
    if answers.stderr.strip():
        evidence["stderr"] = _short(answers.stderr.strip(), _EVIDENCE)
    if answers.left_behind:
        evidence["left_behind"] = f"{answers.left_behind} processes, which were killed"
    if performance.lost:
        evidence["performance_data"] = f"{performance.lost} parts were not understood, came twice or were too many"
    return evidence


def _readings(name: str, value: Value) -> list[Reading]:
    if value.counter:
        if value.number is None or value.number < 0:
            return []
        return [Reading(_COUNT, value.number, (name, value.label))]
    labels = (name, value.label, value.unit)
    readings = [] if value.number is None else [Reading(_VALUE, value.number, labels)]
    for severity, limits in (("warning", value.warning), ("critical", value.critical)):
        if limits is not None and not limits.inside:
            readings += [Reading(_THRESHOLD, end, (*labels, severity, edge)) for edge, end in _ends(limits)]
    return readings


def _ends(limits: Range) -> list[tuple[str, float]]:
    """The finite ends. A lower end of 0 is what a plain number means, and is not worth a series."""
    ends = []
    if math.isfinite(limits.low) and limits.low != 0:
        ends.append(("lower", limits.low))
    if math.isfinite(limits.high):
        ends.append(("upper", limits.high))
    return ends


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def families() -> tuple[Family, ...]:
    return (_VALUE, _COUNT, _THRESHOLD, _SECONDS, _CPU)


CHECK = CheckKind(
    kind="plugin",
    title="What a Nagios-style plug-in says",
    options=PluginOptions,
    answers=PluginAnswers,
    defaults=KindDefaults(
        every=120.0, timeout=30.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "plugin/<check>": "What the plug-in of this check found, or why its word cannot be taken: run it by hand.",
        "plugin/local": "The plug-in may not or cannot be run on this machine: the finding says how to mend it.",
        "plugin/hanging": "The plug-in did not end although it was killed: look for a dead file server or disk.",
    },
    families=families,
    collect=collect,
    assess=assess,
)
