"""A check of the kind `backup`, collected and judged as the agent does it, at a moment that a test chooses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from checks.backup import CHECK, BackupAnswers, BackupOptions
from checks.backup.judgement import ProductPart
from checks.contract import Assessment, Context, Memory, Observation, State, Subject
from checks.transports import Transports
from config.estate import CheckSpec, Credential, Every, MofN, Target, WakeClass


@dataclass(slots=True)
class Told:
    """What one run brought, and what it means."""

    observation: Observation
    assessment: Assessment

    def part(self, product: str) -> ProductPart:
        answers = self.observation.answers
        assert isinstance(answers, BackupAnswers)
        return answers.products[product]

    @property
    def bad(self) -> dict[str, State]:
        return {f.key: f.state for f in self.assessment.findings if f.state is not State.OK}

    def words(self, key: str) -> str:
        return next(finding.summary for finding in self.assessment.findings if finding.key == key)

    def value(self, family: str, *labels: str) -> float | None:
        found = (r for r in self.assessment.readings if r.family.name == f"ridgeway_backup_{family}")
        return next((r.value for r in found if r.labels == labels), None)


@dataclass(slots=True)
class BackupWatch:
    """A check at a target with an address on loopback, from one run to the next."""

    transports: Transports
    options: dict[str, Any]
    now: float
    credentials: dict[str, Credential] = field(default_factory=dict)
    host_keys: tuple[str, ...] = ()
    memory: Memory | None = None
    context: Context | None = None
    inputs: tuple[Target, ...] = ()
    """Further targets that the check asks."""

    async def run(self, seconds: float = 30.0) -> Told:
        target = Target(
            "backups",
            "127.0.0.1",
            "dacorum",
            "forum",
            ("here",),
            (),
            credentials=self.credentials,
            host_keys=self.host_keys,
        )
        if self.context is None:
            self.context = Context("here", self.transports, lambda: self.now, inputs=self.inputs)
        self.context.deadline = asyncio.get_running_loop().time() + seconds
        options = BackupOptions.model_validate(self.options)
        observation = await CHECK.collect(target, options, self.context)
        observation = replace(observation, started=self.now, duration=0.0)
        one = MofN(1, 1)
        spec = CheckSpec(
            "backups/b",
            "backups",
            "b",
            "backup",
            options,
            Every(300),
            60,
            one,
            one,
            0,
            0,
            WakeClass.NOW,
            False,
            ("here",),
        )
        subject = Subject("backups", "dacorum", "forum", spec, (target,))
        assessment = CHECK.assess(subject, (observation,), self.memory, self.now)
        self.memory = assessment.memory or self.memory
        return Told(observation, assessment)
