"""A kind that only the benchmark of calls has: many media sessions at once within the agent, to a port that echoes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Finding,
    KindDefaults,
    Memory,
    Observation,
    State,
    Subject,
    Target,
)
from checks.transports.rtp import Codec, MediaReport
from config.estate import MofN, WakeClass

METADATA = "Metadata-Version: 2.1\nName: ridgeway-benchmark-calls\nVersion: 1\n"
ENTRY_POINTS = "[ridgeway.checks.v1]\nbench_calls = tests.benchmarks.call_kind:CHECK\n"


class Options(BaseModel):
    """How many, for how long, to which port of loopback, and where the figures go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: int
    seconds: float
    to: int
    file: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Nothing is judged."""

    received: int


async def collect(target: Target, options: Options, ctx: Context) -> Observation:
    """All calls at once; the figures of each in one line of the file."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    reports = await asyncio.gather(*(_call(ctx, options) for _ in range(options.calls)))
    took = loop.time() - begun
    with Path(options.file).open("a", encoding="utf-8") as file:
        file.write(json.dumps([_figures(report, cpu) for report, cpu in reports]) + "\n")
    return Observation(target.name, ctx.vantage, started, took, Answers(sum(one.received for one, _ in reports)))


async def _call(ctx: Context, options: Options) -> tuple[MediaReport, float]:
    loop = asyncio.get_running_loop()
    async with ctx.transports.rtp.opened("127.0.0.1", loop.time() + 2 * options.seconds) as media:
        media.start(("127.0.0.1", options.to), ("127.0.0.1", options.to), Codec.PCMA)
        await asyncio.sleep(options.seconds)
        return await media.stop(), _cpu()


def _cpu() -> float:
    """CPU seconds of the media process."""
    for child in psutil.Process().children():
        if any("checks.media" in word for word in child.cmdline()):
            user, system, *_ = child.cpu_times()
            return user + system
    return 0.0


def _figures(report: MediaReport, cpu: float) -> dict[str, float | int | None]:
    return {
        "sent": report.sent, "received": report.received, "lost": report.lost, "skipped": report.skipped,
        "p50": report.lateness_p50_seconds, "p99": report.lateness_p99_seconds, "cpu": cpu, "at": time.monotonic(),
    }  # fmt: skip


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """Always well."""
    return Assessment((Finding("bench_calls/done", State.OK, "done"),), (), covers=frozenset({"bench_calls/done"}))


CHECK = CheckKind(
    kind="bench_calls",
    title="Calls of the benchmark",
    options=Options,
    answers=Answers,
    defaults=KindDefaults(
        every=15.0, timeout=60.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={"bench_calls/done": "It is done."},
    families=lambda: (),
    collect=collect,
    assess=assess,
)
