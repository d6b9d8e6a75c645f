"""What the estate may say of a MiVoice Office 250, and the compiled profile that comes of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from checks.firewall.http.options import HttpsOptions
from checks.network.plan import Override, Plan, compiled
from checks.network.snmp import Thresholds
from config.profiles import load, search_path
from config.profiles.asks import HttpAsks

KIND = "mitel_office_250"
PROFILE = "telephony/office-250"
QUESTION = "status"


class Office250Options(HttpsOptions):
    """What a check of this kind may say: how its web service is reached, and other limits."""

    thresholds: dict[str, Thresholds] = Field(default_factory=dict)
    """By value of the profile."""

    @model_validator(mode="after")
    def _compile(self) -> Self:
        _ = self.plan, self.asks  # now, so that what does not fit is refused with the estate
        return self

    @property
    def plan(self) -> Plan:
        """The profile, ready, with this check's limits; checks with the same options share one. Raises PlanError."""
        overrides = {name: Override(limits.warning, limits.critical) for name, limits in self.thresholds.items()}
        return _plan(tuple(sorted(overrides.items())), search_path())

    @property
    def asks(self) -> HttpAsks:
        """What the profile asks. Raises ValueError where a profile of one's own does not ask for the page."""
        asks = load(PROFILE, search_path()).asks
        if asks is None or asks.http is None or QUESTION not in asks.http.questions:
            raise ValueError(f"the profile {PROFILE} must ask over HTTPS for {QUESTION}")
        return asks.http


@lru_cache(maxsize=64)
def _plan(overrides: tuple[tuple[str, Override], ...], directories: tuple[Path, ...]) -> Plan:
    return compiled(load(PROFILE, directories), dict(overrides), {}, KIND)
