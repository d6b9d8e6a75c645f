"""What a benchmark gives: one figure beside what is asked of it and beside its peer, and how a run of them is shown.

A module of this folder that `python -m tests.benchmarks` shall run has `measure(quick: bool) -> Iterable[Figure]` and
a line in `__main__.BENCHMARKS`. `quick` asks for the smallest sample that proves the harness itself.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


class Void(Exception):
    """A measurement went wrong and its figures would mean nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `value` is None for what could not be measured here; `note` then says why."""

    name: str
    value: float | None
    unit: str
    asked: str = ""
    """The bound in words; empty for what is only reported."""
    peer: str = ""
    """What was measured beside it in the same run; empty where nothing comparable exists."""
    peer_value: float | None = None
    """In the same unit."""
    ratio: float | None = None
    """`value` over `peer_value`."""
    met: bool | None = None
    """None where nothing is asked, or nothing could be measured."""
    note: str = ""


def at_most(name: str, value: float, unit: str, bound: float, **more: Any) -> Figure:
    """A figure that must not be above `bound`."""
    return Figure(name, value, unit, f"≤ {bound:g} {unit}", met=value <= bound, **more)


def beside(name: str, ours: Sequence[float], theirs: Sequence[float], unit: str, peer: str, note: str = "") -> Figure:
    """A figure whose median ratio to the peer, over pairs measured at the same time, must not be above 1."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    spread = f"ratio {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} windows"
    return Figure(
        name,
        statistics.median(ours),
        unit,
        "≤ 1.0 × peer",
        peer,
        statistics.median(theirs),
        ratio,
        ratio <= 1.0,
        f"{spread}; {note}" if note else spread,
    )


def not_measured(name: str, unit: str, asked: str, why: str) -> Figure:
    return Figure(name, None, unit, asked, note=why)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    return [asdict(figure) for figure in figures]


def table(figures: Sequence[Figure]) -> str:
    """The figures for people: a line each, notes below."""
    rows: list[tuple[str, ...]] = [("figure", "measured", "asked", "peer", "ratio", "")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "─" * len(max(lines, key=len)))
    notes = [f"{figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, "", *notes])


def verdict(figure: Figure) -> str:
    if figure.met is None:
        return "not measured" if figure.value is None else ""
    return "met" if figure.met else "NOT MET"


def line(figure: Figure) -> str:
    """The figure in one line, for whoever watches the run."""
    return "  ".join(cell for cell in _row(figure) if cell)


def _row(figure: Figure) -> tuple[str, ...]:
    measured = "–" if figure.value is None else _amount(figure.value, figure.unit)
    peer = "" if figure.peer_value is None else f"{figure.peer}: {_amount(figure.peer_value, figure.unit)}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} ×"
    return figure.name, measured, figure.asked, peer or figure.peer, ratio, verdict(figure)


def _amount(value: float, unit: str) -> str:
    text = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
