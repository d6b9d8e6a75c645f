"""Accounts as a product would fill them, for tests of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Account, Job, Level, Outcome, RestorePoint, Run
from checks.backup.options import BackupOptions
from checks.contract import Assessment, Finding, Memory

HOUR, DAY = 3600.0, 86_400.0
NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""


def options(objects: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> BackupOptions:
    """A council with one Veeam server; `ben` is the object unless others are said."""
    said = {"ben": {}} if objects is None else objects
    return BackupOptions.model_validate(
        {
            "products": {"veeam": {"product": "veeam", "target": "vbr"}},
            "objects": {
                name: {"owner": "Revenues", "rpo": "24h", "by": [{"product": "veeam", "object": name}], **one}
                for name, one in said.items()
            },
            **more,
        }
    )


def run(at: float, outcome: Outcome = Outcome.SUCCESS, object: str = "ben", **more: Any) -> Run:
    """A full run of 20 minutes."""
    made = Run(
        id=f"{object}-{at}", job="nightly", outcome=outcome, object=object, started=at,
        ended=at + 1200 if outcome.over else None, level=Level.FULL, bytes=10**11, files=100_000, errors=0,
    )  # fmt: skip
    return replace(made, **more)


def point(at: float, object: str = "ben", **more: Any) -> RestorePoint:
    return RestorePoint(object, at, "main", Level.FULL, 10**11, **more)


def account(runs: Sequence[Run], at: float = NOW, **more: Any) -> Account:
    """All that a product knows: the runs, and a point for each that left one."""
    made = Account(
        product="veeam",
        at=at,
        jobs=(Job("nightly", enabled=True, repository="main"),),
        runs=tuple(runs),
        objects=tuple(dict.fromkeys(one.object for one in runs if one.object)),
        points=tuple(point(one.started or 0.0, one.object) for one in runs if one.object and one.outcome.kept),
        server_backup=at - HOUR,
    )
    return replace(made, **more)


def assessed(
    said: BackupOptions, told: Account | None, now: float = NOW, memory: Memory | None = None, **others: Account
) -> Assessment:
    products = {"veeam": ProductPart(told)} if told is not None else {}
    return judged(
        said, BackupAnswers({**products, **{name: ProductPart(one) for name, one in others.items()}}), memory, now
    )


def finding(found: Assessment, key: str) -> Finding:
    return next(one for one in found.findings if one.key == key)
