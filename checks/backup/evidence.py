"""What one round tells of one object, whatever product tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.backup.history import JobRun, Lying, ObjectHistory
from checks.backup.model import Job, Proof, RestorePoint, Run, Verification
from checks.backup.options import Acceptance


@dataclass(slots=True)
class Evidence:
    """What this round says of one object, beside what is remembered."""

    history: ObjectHistory
    matched: bool = False
    """Whether any product knows it."""
    jobs: list[tuple[str, Job]] = field(default_factory=list)
    runs: list[tuple[str, Run]] = field(default_factory=list)
    running: list[tuple[str, Run]] = field(default_factory=list)
    points: dict[str, list[RestorePoint]] = field(default_factory=dict)
    """By `product/repository`; those that cannot be restored from are among them."""
    stocks: dict[str, Lying] = field(default_factory=dict)
    verifications: list[tuple[str, Verification]] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    job_runs: Mapping[str, tuple[JobRun, ...]] = field(default_factory=dict)
    """Runs of whole jobs, by `product/job`; of all jobs there are."""
    accepted: dict[str, Acceptance] = field(default_factory=dict)
    """What its last run left out, and why that is right."""


def place(product: str, repository: str) -> str:
    """How a repository is named everywhere here."""
    return f"{product}/{repository}"
