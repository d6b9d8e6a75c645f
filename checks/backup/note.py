"""What the check remembers, as text: columns of numbers, compressed, so that 50,000 runs fit. Pure.

A note that is damaged, or of another version, is empty: the products are asked for their history again.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from checks.backup.history import JobRun, Lying, ObjectHistory, Past
from checks.backup.model import Level, Outcome, Proof
from checks.contract import Memory

VERSION = 2
LARGEST = 4 * 1024 * 1024
"""Characters of a note: 2,000 objects with 60 runs each take less than half of it."""
_UNPACKED = 64 * 1024 * 1024
_OUTCOMES = {outcome: outcome.value[0] for outcome in Outcome if outcome.over} | {Outcome.UNKNOWN: "?"}
_LEVELS = {level: level.value[0] for level in Level}
_OF_LETTER = {letter: outcome for outcome, letter in _OUTCOMES.items()}
_LEVEL_OF = {letter: level for level, letter in _LEVELS.items()}


@dataclass(frozen=True, slots=True)
class Space:
    """Free bytes of a repository by day (ordinals of London), at most 60, for the days until it is full."""

    days: tuple[int, ...] = ()
    used: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """The memory, unpacked."""

    objects: Mapping[str, ObjectHistory] = field(default_factory=dict)
    spaces: Mapping[str, Space] = field(default_factory=dict)
    immutable: Mapping[str, float] = field(default_factory=dict)
    """By `product/repository`: the most days for which points were locked there."""
    read: Mapping[str, float] = field(default_factory=dict)
    """By product: when it was last read."""
    jobs: Mapping[str, tuple[JobRun, ...]] = field(default_factory=dict)
    """By `product/job`: the runs of whole jobs."""
    lowered: Mapping[str, float] = field(default_factory=dict)
    """By `product/repository`: since when points are locked for fewer days than they were."""


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory."""
    if memory is None or memory.version != VERSION:
        return Note()
    try:
        engine = zlib.decompressobj()
        head, *lines = engine.decompress(base64.b64decode(memory.text), _UNPACKED).splitlines()
        said = json.loads(head)
        objects = (json.loads(line) for line in lines)
        return Note(
            objects={str(name): _history(one) for name, one in objects},
            spaces={str(name): Space(tuple(map(int, one[0])), tuple(map(int, one[1]))) for name, one in
                    said["spaces"].items()},
            immutable={str(name): float(one) for name, one in said["immutable"].items()},
            read={str(name): float(one) for name, one in said["read"].items()},
            jobs={str(name): tuple(map(_job_run, rows)) for name, rows in said["jobs"].items()},
            lowered={str(name): float(one) for name, one in said["lowered"].items()},
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error):
        return Note()


def packed(note: Note) -> Memory:
    """The note as text: a line for each object, since one document of all would be one call that nothing interrupts."""
    head = {
        "spaces": {name: [one.days, one.used] for name, one in note.spaces.items()},
        "immutable": dict(note.immutable),
        "read": dict(note.read),
        "jobs": {
            name: [[run.started, run.seconds, _OUTCOMES[run.outcome], run.message] for run in runs]
            for name, runs in note.jobs.items()
        },
        "lowered": dict(note.lowered),
    }
    lines = [_line(head), *(_line([name, _columns(one)]) for name, one in note.objects.items())]
    octets = zlib.compress("\n".join(lines).encode(), 1)
    return Memory(VERSION, base64.b64encode(octets).decode("ascii"))


def _line(said: object) -> str:
    return json.dumps(said, separators=(",", ":"))


def _job_run(row: Sequence[Any]) -> JobRun:
    started, seconds, outcome, message = row
    return JobRun(float(started), None if seconds is None else float(seconds), _OF_LETTER[outcome], str(message))


def _columns(one: ObjectHistory) -> dict[str, Any]:
    runs = one.runs
    products = list(dict.fromkeys(past.product for past in runs))
    jobs = list(dict.fromkeys(past.job for past in runs))
    said: dict[str, Any] = {
        "p": products,
        "w": [products.index(past.product) for past in runs] if len(products) > 1 else 0,
        "j": jobs,
        "v": [jobs.index(past.job) for past in runs] if len(jobs) > 1 else 0,
        "s": _steps([int(past.started) for past in runs]),
        "d": [None if past.seconds is None else int(past.seconds) for past in runs],
        "o": "".join(_OUTCOMES[past.outcome] for past in runs),
        "l": "".join(_LEVELS[past.level] for past in runs),
        "n": [at for at, past in enumerate(runs) if past.nothing],
        "r": [at for at, past in enumerate(runs) if past.retries],
        "m": {at: past.message for at, past in enumerate(runs) if past.message},
        "first": one.first_seen,
        "lying": {place: list(asdict(lying).values()) for place, lying in one.lying.items()},
        "counts": {place: list(count) for place, count in one.counts.items()},
        "verified": {place: list(verified) for place, verified in one.verified.items()},
        "proofs": [asdict(proof) for proof in one.proofs],
    }
    for key, values in (
        ("b", [past.bytes for past in runs]),
        ("f", [past.files for past in runs]),
        ("e", [past.errors for past in runs]),
        ("t", [past.written for past in runs]),
    ):
        if any(value is not None for value in values):
            said[key] = values
    return said


def _history(said: Mapping[str, Any]) -> ObjectHistory:
    starts, count = _sums(said["s"]), len(said["s"])
    products, which = said["p"], said["w"] or [0] * count
    jobs, whose = said["j"], said["v"] or [0] * count
    nothing, retries, words = frozenset(said["n"]), frozenset(said["r"]), said["m"]
    columns = [said.get(key) or [None] * count for key in ("b", "f", "e", "t")]
    rows = zip(starts, said["d"], said["o"], said["l"], which, whose, *columns, strict=True)
    runs = tuple(
        Past(
            products[of], float(start), None if seconds is None else float(seconds), _OF_LETTER[outcome],
            _LEVEL_OF[level], size, files, errors, at in nothing, jobs[by], written, at in retries,
            str(words.get(str(at), "")),
        )
        for at, (start, seconds, outcome, level, of, by, size, files, errors, written) in enumerate(rows)
    )  # fmt: skip
    return ObjectHistory(
        runs,
        {place: Lying(*one) for place, one in said["lying"].items()},
        {place: (float(one[0]), int(one[1])) for place, one in said["counts"].items()},
        {place: (float(one[0]), bool(one[1])) for place, one in said["verified"].items()},
        tuple(Proof(**one) for one in said["proofs"]),
        float(said["first"]),
    )


def _steps(numbers: Sequence[int]) -> list[int]:
    return [number - before for number, before in zip(numbers, (0, *numbers), strict=False)]


def _sums(steps: Sequence[int]) -> list[int]:
    found, total = [], 0
    for step in steps:
        total += step
        found.append(total)
    return found
