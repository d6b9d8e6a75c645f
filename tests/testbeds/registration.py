"""A `sip_register` check of one target in one agent, and what its findings say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from agent import fold
from checks.contract import Assessment, Context, Observation, State
from checks.telephony.register import CHECK, RegisterOptions
from checks.transports import Transports
from config.estate import Credential, Target
from config.secrets import SecretReference
from testbeds.registrar import USER
from testbeds.single import check, subject, target, wall


class Probe:
    """A check of one target in one agent."""

    def __init__(
        self, transports: Transports, port: int, timeout: float = 3.0, user: str = USER, **options: Any
    ) -> None:
        settings = {"user": user, "password": SecretReference.parse("env:TEST_EXTENSION")}
        self.transports = transports
        self.spec = check("sip_register", RegisterOptions(port=port, **options), timeout=timeout)
        credentials = {"sip": Credential("test-extension", "password", settings)}
        whole = target(self.spec)
        self.target = Target(
            whole.name, whole.address, whole.council, whole.site, whole.vantages, whole.checks, credentials=credentials
        )
        self.context = Context("here", transports, wall)

    async def once(self) -> Observation:
        self.context.deadline = asyncio.get_running_loop().time() + self.spec.timeout
        return await CHECK.collect(self.target, self.spec.options, self.context)

    async def judged(self) -> Assessment:
        observation = await self.once()
        if observation.answers is None:
            assert observation.fault is not None
            return fold.without_answers(CHECK.kind, observation.fault, None, wall())
        found = CHECK.assess(subject(self.spec), [observation], self.context.memory, wall())
        return fold.with_answers(CHECK.kind, found, observation.fault, None, wall())


@contextlib.asynccontextmanager
async def probing(port: int, **options: Any) -> AsyncIterator[Probe]:
    transports = Transports.open()
    try:
        yield Probe(transports, port, **options)
    finally:
        await transports.close()


def states(assessment: Assessment) -> dict[str, State]:
    """By the last part of the key, or `registrar`."""
    return {finding.key.removeprefix("sip_register/").partition("/")[2] or "registrar": finding.state
            for finding in assessment.findings}  # fmt: skip


def words(assessment: Assessment) -> str:
    return "\n".join(f"{one.summary} {dict(one.evidence)}" for one in assessment.findings)


WELL = {"registrar": State.OK, "other": State.OK, "left": State.OK}
