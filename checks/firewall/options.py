"""What the estate may say of a firewall, and the compiled profiles that come of it."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.firewall.http.options import HttpsOptions
from checks.firewall.permitted import refused
from checks.firewall.posture import PostureOptions
from checks.firewall.questions import Questions, questions
from checks.firewall.series import Series, Wanted, measured, series_of
from checks.network.plan import Override, Plan, PlanError, compiled
from checks.network.snmp import Thresholds
from config.profiles import ProfileModel, ValueModel, load, search_path, usable
from config.profiles.asks import Read, Way
from config.profiles.model import Lead

KIND = "firewall"
AUTO = "auto"
_Text = Annotated[str, Field(min_length=1, max_length=100)]


class Intent(StrEnum):
    """What a VPN tunnel is for, which no device tells."""

    PERMANENT = "permanent"
    """Up at all times, on whichever member is active."""
    ON_DEMAND = "on_demand"
    """Up when somebody needs it: down is no fault."""
    STANDBY_ONLY = "standby_only"
    """Up on the standby and nowhere else, such as its own way to the management."""


class Expect(BaseModel):
    """What must be there, because a thing that is gone says nothing of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tunnels: dict[_Text, Intent] = Field(default_factory=dict)
    """By name, or by peer, with `*` and `?`: what each is for."""
    licences: tuple[_Text, ...] = ()
    """Licences that must be listed, with `*` and `?`."""
    interfaces: tuple[_Text, ...] = ()
    """Interfaces that must be up, with `*` and `?`."""
    members: int | None = Field(default=None, ge=1, le=16)
    """How many members the cluster has; 1 says that there is none."""


class FirewallOptions(BaseModel):
    """What a check of this kind may say. The SNMP version is the credential's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = AUTO
    """A profile of a firewall, for example `firewall/fortigate`; `auto` asks the device what it is."""
    port: int = Field(default=161, ge=1, le=65535)
    ssh_port: int = Field(default=22, ge=1, le=65535)
    retries: int = Field(default=2, ge=0, le=5)
    """Questions after the first; they share the check's time-out evenly."""
    max_oids_per_pdu: int = Field(default=20, ge=1, le=60)
    max_repetitions: int = Field(default=20, ge=1, le=50)
    thresholds: dict[str, Thresholds] = Field(default_factory=dict)
    """By value of the profile."""
    licence_warning_days: float | None = Field(default=None, ge=0, le=3650)
    """Days before the end of a licence; without it the profile's, which is 60."""
    licence_critical_days: float | None = Field(default=None, ge=0, le=3650)
    """The same for critical, 14."""
    slow_seconds: int | None = Field(default=None, ge=5, le=604_800)
    """How old values with `read: slowly` may become; without it the profile's, which is 300."""
    daily_seconds: int | None = Field(default=None, ge=5, le=604_800)
    """The same for `read: daily`, 21600."""
    expect: Expect = Expect()
    forecast: dict[str, Wanted | None] = Field(default_factory=dict)
    """By value of the profile, or `vpn_users`, `tunnels`: another limit or lead time; null for no forecast."""
    posture: PostureOptions = PostureOptions()
    https: HttpsOptions = HttpsOptions()

    @model_validator(mode="after")
    def _compile(self) -> Self:
        if self.profile != AUTO:
            _ = self.readers_of(self.profile)  # now, so that what does not fit is refused with the estate
        elif self.thresholds or self.forecast:
            known = {"thresholds": {name for reader in self._all for name in reader.values}}
            known["forecast"] = {name for reader in self._all for name in reader.measured}
            for what, names_said in (("thresholds", self.thresholds), ("forecast", self.forecast)):
                for name in names_said:
                    if name not in known[what]:
                        raise ValueError(f"{what}: no firewall profile has {name!r}; see `ridgeway profile explain`")
        return self

    @cached_property
    def reader(self) -> Reader:
        """The named profile, ready."""
        return self.reader_of(self.profile)

    def readers_of(self, profile: str) -> dict[Way, Reader]:
        """The profile and those of the same product by other ways. Raises PlanError or ProfileError."""
        main = self.reader_of(profile)
        return {main.profile.way: main, **{way: self.reader_of(name) for way, name in main.profile.also.items()}}

    def ages(self, profile: ProfileModel) -> dict[Read, int]:
        """How old the slower values may become before they are asked again (seconds)."""
        own = {Read.SLOWLY: self.slow_seconds, Read.DAILY: self.daily_seconds}
        return {often: own[often] or age for often, age in _ages(profile).items()}

    def longest_ages(self, profile: ProfileModel) -> dict[Read, int]:
        """The same, but never less than the profile's: who asks sooner does not want to lose values sooner."""
        ages = self.ages(profile)
        return {often: max(age, ages[often]) for often, age in _ages(profile).items()}

    @property
    def _all(self) -> tuple[Reader, ...]:
        return tuple(_reader(name, (), None, None, (), search_path()) for name in recognisable())

    def reader_of(self, profile: str) -> Reader:
        """A profile, ready, with this check's limits; checks with the same options share one. Raises PlanError."""
        overrides = {name: Override(limits.warning, limits.critical) for name, limits in self.thresholds.items()}
        wanted, directories = self.forecast, search_path()
        if profile != self.profile:
            there = _reader(profile, (), None, None, (), directories)
            overrides = {name: override for name, override in overrides.items() if name in there.values}
            wanted = {name: wish for name, wish in wanted.items() if name in there.measured}
        limits, wishes = tuple(sorted(overrides.items())), tuple(sorted(wanted.items(), key=lambda wish: wish[0]))
        return _reader(profile, limits, self.licence_warning_days, self.licence_critical_days, wishes, directories)


def _ages(profile: ProfileModel) -> dict[Read, int]:
    return {Read.SLOWLY: profile.budget.slow_seconds, Read.DAILY: profile.budget.daily_seconds}


class Reader:
    """A profile made ready: what to ask, how to judge, what to foretell, and the profile itself."""

    __slots__ = ("forecasts", "measured", "plan", "profile", "questions", "values")

    def __init__(self, profile: ProfileModel, plan: Plan, forecasts: tuple[Series, ...]) -> None:
        self.profile = profile
        self.plan = plan
        self.forecasts = forecasts
        self.measured = measured(profile)
        self.questions: Questions = questions(plan)
        self.values = frozenset([*profile.values, *(name for t in profile.tables.values() for name in t.columns)])


@lru_cache(maxsize=1024)
def _reader(
    name: str,
    overrides: tuple[tuple[str, Override], ...],
    warning: float | None,
    critical: float | None,
    wishes: tuple[tuple[str, Wanted | None], ...],
    directories: tuple[Path, ...],
) -> Reader:
    profile = load(name, directories)
    if profile.firewall is None:
        raise PlanError(f"profile {name} is not one of a firewall; there are {', '.join(of_firewalls())}, or auto")
    wrong = [] if profile.asks is None or profile.asks.ssh is None else list(refused(profile.asks.ssh))
    if wrong:
        raise PlanError(f"profile {name}: {wrong[0]}")
    plan = compiled(_with_lead(profile, warning, critical), dict(overrides), {}, KIND)
    return Reader(profile, plan, series_of(profile, plan, dict(wishes)))


def of_firewalls() -> tuple[str, ...]:
    """The usable profiles of firewalls on the search path, by name."""
    return tuple(profile.profile for profile in usable(search_path()) if profile.firewall is not None)


def recognisable() -> tuple[str, ...]:
    """Those of them that say by what their product is known."""
    return _recognisable(search_path())


@lru_cache(maxsize=8)
def _recognisable(directories: tuple[Path, ...]) -> tuple[str, ...]:
    fitting = (profile for profile in usable(directories) if profile.firewall is not None and profile.match)
    return tuple(profile.profile for profile in fitting)


def _with_lead(profile: ProfileModel, warning: float | None, critical: float | None) -> ProfileModel:
    """The profile with the estate's lead times for everything that ends."""
    if warning is None and critical is None:
        return profile
    values = {name: _led(value, warning, critical) for name, value in profile.values.items()}
    tables = {
        name: table.model_copy(
            update={"columns": {column: _led(value, warning, critical) for column, value in table.columns.items()}}
        )
        for name, table in profile.tables.items()
    }
    return profile.model_copy(update={"values": values, "tables": tables})


def _led(value: ValueModel, warning: float | None, critical: float | None) -> ValueModel:
    if value.until is None:
        return value
    lead = Lead(
        warning_days=value.until.warning_days if warning is None else warning,
        critical_days=value.until.critical_days if critical is None else critical,
    )
    return value.model_copy(update={"until": lead})
