"""A check that logs in over SSH, asked once against a real sshd, with nothing but the SSH transport behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time as wall
from typing import Any, cast

from pydantic import BaseModel

from agent import fold
from checks.contract import Assessment, CheckKind, Context, Memory, Observation, Subject
from checks.transports import Transports
from checks.transports.aside import Aside
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.ssh import SshTransport
from config.estate import Credential, Target
from testbeds.single import check
from testbeds.sshd import Sshd


@dataclass(frozen=True, slots=True)
class _OnlySsh:
    ssh: SshTransport
    aside: Aside


class Asker:
    """Asks a check as an agent does: collect, then assess, then the rules about faults."""

    def __init__(self, kind: CheckKind, server: Sshd | None = None) -> None:
        self.kind = kind
        self.server = server
        self.names = Names()
        self.aside = Aside()
        self.ssh = SshTransport(self.names, self.aside, Lockout())
        self.memory: Memory | None = None

    def subject(
        self, options: BaseModel, credential: Credential | None = None, host_keys: tuple[str, ...] | None = None
    ) -> Subject:
        """The sshd as the target of one check; without one, credential and host keys must be given."""
        spec = check(self.kind.kind, options, timeout=10.0)
        target = Target(
            spec.target, "127.0.0.1", "dacorum", "forum", ("here",), (spec,),
            credentials={"ssh": credential or self._sshd.credential()},
            host_keys=(self._sshd.host_key(),) if host_keys is None else host_keys,
        )  # fmt: skip
        return Subject(spec.target, "dacorum", "forum", spec, (target,))

    @property
    def _sshd(self) -> Sshd:
        assert self.server is not None
        return self.server

    async def collect(
        self, subject: Subject, timeout: float = 10.0, *, ahead: float = 0.0, transport: object = None
    ) -> Observation:
        """One collect; `ahead` is how far the agent's clock is ahead of the true one."""
        context = self.context(timeout, ahead, transport)
        return await self.kind.collect(subject.targets[0], subject.check.options, context)

    def context(self, timeout: float, ahead: float = 0.0, transport: object = None) -> Context:
        """What a collect is given."""
        parts = cast(Transports, _OnlySsh(cast(SshTransport, transport or self.ssh), self.aside))
        return Context("here", parts, lambda: wall() + ahead, asyncio.get_running_loop().time() + timeout)

    def judge(self, subject: Subject, observation: Observation) -> Assessment:
        """What the agent makes of an observation; the check's memory is kept."""
        if observation.answers is None:
            assert observation.fault is not None
            return fold.without_answers(self.kind.kind, observation.fault, None, wall())
        made = self.kind.assess(subject, (observation,), self.memory, wall())
        self.memory = made.memory or self.memory
        return fold.with_answers(self.kind.kind, made, observation.fault, None, wall())

    async def ask(self, options: BaseModel, timeout: float = 10.0, **target: Any) -> Assessment:
        """Both."""
        subject = self.subject(options, **target)
        return self.judge(subject, await self.collect(subject, timeout))


@asynccontextmanager
async def asking(kind: CheckKind, server: Sshd | None = None) -> AsyncIterator[Asker]:
    """An asker whose connections are closed at the end."""
    asker = Asker(kind, server)
    try:
        yield asker
    finally:
        await asker.ssh.close()
        await asker.names.close()


def said(assessment: Assessment) -> dict[str, str]:
    """The last part of each finding's key, and its state."""
    return {finding.key.rpartition("/")[2]: finding.state.value for finding in assessment.findings}


def readings(assessment: Assessment) -> dict[tuple[str, ...], float]:
    """Family and labels to value."""
    return {(reading.family.name, *reading.labels): reading.value for reading in assessment.readings}
