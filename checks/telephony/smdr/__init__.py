"""The kind `smdr`: call records of a controller are counted as they stream by. Off unless somebody asks for it.

Nothing is sent. A record is personal data: its numbers are neither kept nor shown, not even where it is no record.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    State,
    Subject,
    Target,
)
from checks.network.limits import give_up_at
from checks.telephony.smdr.options import SmdrOptions
from checks.telephony.smdr.records import LENGTHS, Counting
from checks.transports.fault import TransportFault
from config.estate import MofN, WakeClass

KIND = "smdr"
STREAM = f"{KIND}/stream"
RECORDS = Family(
    "ridgeway_smdr_records_total", "Call records that were read, by the length of the call.", MetricType.COUNTER,
    labels=("length",),
)  # fmt: skip
UNREAD = Family(
    "ridgeway_smdr_unread_lines_total", "Lines of the stream that are no records by the layout.", MetricType.COUNTER
)
SECONDS = Family(
    "ridgeway_smdr_call_seconds_total", "Durations of the calls, summed; absent without duration_columns.",
    MetricType.COUNTER, unit="seconds",
)  # fmt: skip
_VERSION = 1


@dataclass(frozen=True, slots=True)
class SmdrAnswers:
    """What one run heard."""

    records: Mapping[str, int] = field(default_factory=dict)
    """By length of the call."""
    unread: int = 0
    seconds: int = 0
    hung_up: bool = False
    """Whether the controller ended the connection."""


async def collect(target: Target, options: SmdrOptions, ctx: Context) -> Observation:
    """Connect, listen for a while, hang up."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    counting = Counting(options.layout)
    answers: SmdrAnswers | None = None
    fault: Fault | None = None
    try:
        hung_up = await ctx.transports.tcp.listen(
            target.address, options.port, counting.fed, seconds=options.listen_seconds, deadline=deadline
        )
        counting.ended()
        answers = SmdrAnswers(counting.records, counting.unread, counting.seconds, hung_up)
    except TransportFault as error:
        fault = Fault(error.reason, error.message, f"{KIND}/{error.reason.value}")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; counts need no clock
    """Counts since the check's first run, and whether what comes are records at all."""
    answers, options = observations[0].answers, subject.check.options
    assert isinstance(answers, SmdrAnswers) and isinstance(options, SmdrOptions)  # the catalogue pairs them
    before = _noted(memory)
    totals = {name: before.get(name, 0) + answers.records.get(name, 0) for name in LENGTHS.values()}
    totals["unread"] = before.get("unread", 0) + answers.unread
    totals["seconds"] = before.get("seconds", 0) + answers.seconds
    readings = [Reading(RECORDS, float(totals[name]), (name,)) for name in LENGTHS.values()]
    readings.append(Reading(UNREAD, float(totals["unread"])))
    if options.duration_columns is not None:
        readings.append(Reading(SECONDS, float(totals["seconds"])))
    note = None if totals == before else Memory(_VERSION, json.dumps(totals, separators=(",", ":")))
    return Assessment((_finding(answers),), tuple(readings), covers=frozenset({STREAM}), memory=note)


def _finding(answers: SmdrAnswers) -> Finding:
    count = sum(answers.records.values())
    words = f"{count} records, {answers.unread} lines that are none"
    if answers.unread > count:
        return Finding(STREAM, State.UNKNOWN, f"{words}: the layout is another one; say it with `record`")
    if answers.hung_up:
        text = f"{words}; the controller ended the connection: does somebody else read the stream?"
        return Finding(STREAM, State.UNKNOWN, text)
    return Finding(STREAM, State.OK, words)


def _noted(memory: Memory | None) -> dict[str, int]:
    """The counts so far; of a damaged note none."""
    if memory is None or memory.version != _VERSION:
        return {}
    try:
        return {str(name): int(count) for name, count in json.loads(memory.text).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


CHECK = CheckKind(
    kind=KIND,
    title="Call records of a controller, counted as they stream by",
    options=SmdrOptions,
    answers=SmdrAnswers,
    defaults=KindDefaults(
        every=300.0, timeout=15.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={
        STREAM: "What comes are no records by the layout, or the controller hangs up: somebody else may be reading.",
        f"{KIND}/<reason>": "The stream cannot be read: its message says why.",
    },
    families=lambda: (RECORDS, UNREAD, SECONDS),
    collect=collect,
    assess=assess,
)
__all__ = ["CHECK", "SmdrAnswers", "SmdrOptions"]
