"""A check of a simulated firewall's API: collected and judged as the agent does it, at a moment that a test chooses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from checks.contract import Assessment, Context, Fault, Observation, State, Subject
from checks.firewall import CHECK, FirewallOptions
from checks.firewall.answers import FirewallAnswers, Part
from checks.transports import Transports
from config.estate import CheckSpec, Credential, Every, MofN, Target, WakeClass
from config.profiles.asks import Way
from config.profiles.log_ins import Login
from testbeds.firewall_api import PASSWORD, TOKEN, USER, FirewallApi

AT = 1_764_460_800.0
"""30 November 2025, a day after the samples' signatures."""
_BY_PASSWORD = (Login.BASIC, Login.GAIA_SESSION, Login.STORMSHIELD_SESSION)


def credential(api: FirewallApi, secret: str | None = None, *, wrong_kind: bool = False) -> Credential:
    """That which the firewall takes, or one with another secret, or of another kind."""
    if (api.asks.login in _BY_PASSWORD) != wrong_kind:
        return Credential("api", "password", {"user": USER, "password": secret or PASSWORD})
    return Credential("api", "token", {"token": secret or TOKEN})


@dataclass(slots=True)
class Said:
    """What one run brought, and what it means."""

    observation: Observation
    assessment: Assessment

    @property
    def part(self) -> Part:
        answers = self.observation.answers
        assert isinstance(answers, FirewallAnswers)
        return answers.others[Way.HTTP]

    @property
    def fault(self) -> Fault | None:
        return self.observation.fault

    @property
    def bad(self) -> dict[str, State]:
        return {f.key: f.state for f in self.assessment.findings if f.state is not State.OK}

    def words(self, key: str) -> str:
        return next(finding.summary for finding in self.assessment.findings if finding.key == key)

    def value(self, family: str, *labels: str) -> float | None:
        found = (r for r in self.assessment.readings if r.family.name == f"ridgeway_{family}")
        return next((r.value for r in found if r.labels == labels), None)


@dataclass(slots=True)
class Watch:
    """A check, from one run to the next."""

    api: FirewallApi
    transports: Transports
    secret: str | None = None
    wrong_kind: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    now: float = AT
    context: Context | None = None

    async def said(self, seconds: float = 10.0) -> Said:
        """One run, which has this much time."""
        api, one = self.api, MofN(1, 1)
        options = FirewallOptions.model_validate(
            {"profile": api.profile, "https": {"port": api.port, "pin": api.pin}} | self.options
        )
        spec = CheckSpec(
            "fw/f", "fw", "f", "firewall", options, Every(60), 15, one, one, 0, 0, WakeClass.NOW, False, ("here",)
        )
        access = {"http": credential(api, self.secret, wrong_kind=self.wrong_kind)}
        target = Target("fw", "127.0.0.1", "c", "s", ("here",), (spec,), credentials=access)
        self.context = self.context or Context("here", self.transports, lambda: self.now)
        self.context.deadline = asyncio.get_running_loop().time() + seconds
        observation = await CHECK.collect(target, options, self.context)
        observation = Observation(
            observation.target, observation.vantage, self.now, 0.0, observation.answers, observation.fault
        )
        subject = Subject("fw", "c", "s", spec, (target,))
        return Said(observation, CHECK.assess(subject, [observation], None, self.now))
