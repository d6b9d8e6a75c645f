"""What the estate may say of a Mitel system, and the compiled profiles that come of it."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.network.plan import Override, Plan, PlanError, compiled
from checks.network.snmp import SnmpOptions, Thresholds
from checks.telephony.mitel.crosscheck import CrossCheck
from checks.telephony.mitel.fleet import FleetOptions
from checks.telephony.mitel.unannounced import Expect
from config.profiles import ProfileModel, load, search_path, usable

KIND = "mitel"
AUTO = "auto"
BUSINESS = "telephony/mivoice-business"
MSL = "telephony/msl"
UNREAD = "telephony/unread"
_FOLDER = "telephony/"
_MOST_PRIMARIES = 16
_Pattern = Annotated[str, Field(min_length=1, max_length=64)]
_Target = Annotated[str, Field(min_length=1, max_length=64)]


class CallLoad(StrEnum):
    """How the system sends its call load; no MIB says it."""

    AUTO = "auto"
    """Not judged until a value above 100 has proved that it is tenths."""
    PERCENT = "percent"
    TENTHS = "tenths"


class MitelOptions(BaseModel):
    """What a check of this kind may say. The SNMP version is the credential's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = AUTO
    """A profile below `telephony/`; `auto` asks the system what it is."""
    port: int = Field(default=161, ge=1, le=65535)
    retries: int = Field(default=2, ge=0, le=5)
    """Questions after the first; they share the check's time-out evenly."""
    max_oids_per_pdu: int = Field(default=20, ge=1, le=60)
    max_repetitions: int = Field(default=20, ge=1, le=50)
    thresholds: dict[str, Thresholds] = Field(default_factory=dict)
    """By value of the profile."""
    unavailable_warning: dict[_Pattern, Annotated[int, Field(ge=1)]] = Field(default_factory=lambda: {"SIP Link*": 1})
    """By name of a category, with `*` and `?`: from how many resources out of service it is a warning, whatever the
    system's own thresholds say. The first that fits counts."""
    call_load: CallLoad = CallLoad.AUTO
    resilience_settles_minutes: float | None = Field(default=None, ge=5, le=10_080)
    """How long after its restart a backup without a row for a primary is taken to have no phones of it; null: never."""
    sip: CrossCheck | None = None
    """Where the system is asked OPTIONS in the same round; null: it is not."""
    primaries: dict[_Pattern, _Target] = Field(default_factory=dict, max_length=_MOST_PRIMARIES)
    """By the name under which this backup lists a primary: that one's target, whose answers prove a return."""
    return_proved_minutes: float = Field(default=15, ge=5, le=1_440)
    """For how long after a restart of this backup a primary must be well, so that its phones count as at home."""
    fleet: FleetOptions = FleetOptions()
    licence_lead_days: float = Field(default=60, gt=0, le=365)
    """How long before all licences may be in use it is a warning."""
    traps: Expect = Expect.AUTO
    """Whether the system sends traps to this agent; `auto`: once one has come. Changes that none announced count."""

    @model_validator(mode="after")
    def _compile(self) -> Self:
        known: set[str] = set()
        for name in self.profiles:
            if not name.startswith(_FOLDER) or load(name, search_path()).asks is not None:
                raise ValueError(f"profile: {name!r} is not one of telephony; there are {', '.join(profiles_of())}")
            known |= _values(load(name, search_path()))
            _ = self.plan_of(name)  # now, so that what does not fit is refused with the estate
        for name in self.thresholds:
            if name not in known:
                raise PlanError(f"thresholds: no profile of this check has {name!r}; see `ridgeway profile explain`")
        return self

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles by which a system may be asked."""
        return profiles_of() if self.profile == AUTO else (self.profile,)

    @property
    def alone(self) -> MitelOptions:
        """The same of a system that is asked over SNMP and beside which nothing is asked: to record and replay it."""
        return self.model_copy(update={"sip": None, "primaries": {}})

    def plan_of(self, profile: str) -> Plan:
        """A profile, ready, with this check's limits; checks with the same options share one. Raises PlanError."""
        overrides = {name: Override(limits.warning, limits.critical) for name, limits in self.thresholds.items()}
        return _plan(profile, tuple(sorted(overrides.items())), search_path())

    def asking(self, profile: str) -> SnmpOptions:
        """What the kind `snmp` is told to read the profile."""
        return _asking(profile, self.port, self.retries, self.max_oids_per_pdu, self.max_repetitions)


def profiles_of() -> tuple[str, ...]:
    """The usable profiles of telephony on the search path that are read over SNMP, by name."""
    return tuple(profile.profile for profile in usable(search_path(), _FOLDER) if profile.asks is None)


def _values(profile: ProfileModel) -> set[str]:
    return {*profile.values, *(name for table in profile.tables.values() for name in table.columns)}


@lru_cache(maxsize=256)
def _plan(profile: str, overrides: tuple[tuple[str, Override], ...], directories: tuple[Path, ...]) -> Plan:
    model = load(profile, directories)
    there = _values(model)
    return compiled(model, {name: override for name, override in overrides if name in there}, {}, KIND)


@lru_cache(maxsize=256)
def _asking(profile: str, port: int, retries: int, max_oids_per_pdu: int, max_repetitions: int) -> SnmpOptions:
    return SnmpOptions(
        profile=profile, port=port, retries=retries, max_oids_per_pdu=max_oids_per_pdu, max_repetitions=max_repetitions
    )
