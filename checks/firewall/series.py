"""Which values of a firewall have a forecast, against which limit: the words of profile and estate, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict, Field

from checks.network.plan import Plan, PlanError, ValuePlan
from config.profiles import ProfileModel, ValueModel
from config.profiles.model import Forecast

VPN_USERS, TUNNELS = "vpn_users", "tunnels"
"""What the kind itself counts over several values of a profile."""
_SEATS_DAYS = 60.0
"""Seats are bought, which takes a council's weeks."""


class Wanted(BaseModel):
    """What the estate says of a forecast; what it does not say is the profile's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: float | None = Field(default=None, gt=0)
    """In the unit of the metric: 0.88 for 88 %."""
    lead_days: float | None = Field(default=None, gt=0, le=365)


@dataclass(frozen=True, slots=True)
class Series:
    """A value with a forecast; of a column every row is one of its own."""

    name: str
    """Of the value; for a row its label comes behind it."""
    title: str
    family: str
    """Of the readings of which the daily peaks are kept."""
    fixed: tuple[str, ...] | None
    """The labels of a scalar's reading; None for a column, whose readings begin with the row's label."""
    percent: bool
    limit: float | None
    limit_family: str | None
    """Of the reading that tells the limit."""
    told_from: float | None
    """The value, or its share of the limit (`shared`), from which on a finding of its own says that it is bad."""
    shared: bool
    lead_days: float
    serving: bool
    since_start: bool


def measured(profile: ProfileModel) -> frozenset[str]:
    """What a forecast may be of: numbers that go up and down, with a metric, and what the kind itself counts."""
    return frozenset(name for name, model in _models(profile).items() if model.measured) | {VPN_USERS, TUNNELS}


def _models(profile: ProfileModel) -> Mapping[str, ValueModel]:
    return profile.values | {name: v for table in profile.tables.values() for name, v in table.columns.items()}


def series_of(profile: ProfileModel, plan: Plan, wanted: Mapping[str, Wanted | None]) -> tuple[Series, ...]:
    """Every series of a profile, with the estate's wishes; None for a wish is to have none. Raises PlanError."""
    models, known = _models(profile), measured(profile)
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PlanError(f"forecast: the profile has no number {name!r} with a metric{hint}")
    off = {name for name, wish in wanted.items() if wish is None}
    found = [_of_kind(name, wanted.get(name)) for name in (VPN_USERS, TUNNELS) if name not in off]
    plans = [(value, True) for value in plan.scalars]
    plans += [(column, False) for table in plan.tables for column in table.columns]
    for value, scalar in plans:
        wish = wanted.get(value.name)
        said = models[value.name].forecast
        if value.family is not None and (said or wish) and value.name not in off:
            fixed = (value.labels or ()) if scalar else None
            found.append(
                _of_value(profile, plan, value, value.family.name, fixed, said or Forecast(), wish or Wanted())
            )
    return tuple(one for one in found if one.limit is not None or one.limit_family is not None)


def _of_kind(name: str, wish: Wanted | None) -> Series:
    wish = wish or Wanted()
    families = {VPN_USERS: "ridgeway_firewall_vpn_users", TUNNELS: "ridgeway_firewall_vpn_tunnel_up"}
    titles = {VPN_USERS: "users connected by VPN", TUNNELS: "VPN tunnels that are up"}
    return Series(
        name, titles[name], families[name], (), False, wish.limit,
        "ridgeway_firewall_vpn_users_limit" if name == VPN_USERS and wish.limit is None else None,
        None, False, wish.lead_days or _SEATS_DAYS, True, False,
    )  # fmt: skip


def _of_value(
    profile: ProfileModel,
    plan: Plan,
    value: ValuePlan,
    family: str,
    fixed: tuple[str, ...] | None,
    said: Forecast,
    wish: Wanted,
) -> Series:
    limit = said.limit if wish.limit is None else wish.limit
    limit_family = None
    if isinstance(limit, str):
        named = plan.by_name[limit].family
        limit, limit_family = None, None if named is None else named.name
    elif limit is None and value.critical is not None:
        limit = value.critical.above
    edges = [edge.above for edge in (value.warning, value.critical) if edge is not None and edge.above is not None]
    told_from, shared = min(edges, default=None), False
    if told_from is None and isinstance(said.limit, str) and wish.limit is None:
        told_from, shared = next(_shares(profile, plan, value.name, said.limit), None), True
    return Series(
        value.name, value.title, family, fixed, value.percent, limit,
        limit_family, told_from, shared, wish.lead_days or said.lead_days, said.serving, said.since_start,
    )  # fmt: skip


def _shares(profile: ProfileModel, plan: Plan, name: str, limit: str) -> Iterator[float]:
    """From which share of its limit on a ratio made of the two is bad."""
    for other, model in profile.values.items():
        if model.ratio is not None and model.ratio.of == (name,) and model.ratio.to == (limit,):
            for bad in (plan.by_name[other].warning, plan.by_name[other].critical):
                if bad is not None and bad.above is not None and not model.ratio.complement:
                    yield bad.above
