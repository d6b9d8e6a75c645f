"""Councils, sites, vantages and services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from config.estate import SHARED, Council, Level, Service, Site, Target, Vantage, WorkingHours
from config.kinds import KindLike
from config.resolve import levels
from config.resolve.report import Entries, Report
from config.schema.sections import (
    WEEKDAYS,
    CouncilModel,
    EstateModel,
    ServiceModel,
    SiteModel,
    WorkingHoursModel,
)
from config.schema.vantages import VantageModel

_OFFICE = (time(9, 0), time(17, 0))
OFFICE_HOURS = WorkingHours("Europe/London", dict.fromkeys(range(5), _OFFICE))
"""Monday to Friday 9 to 17, closed on bank holidays: when the file says nothing."""


@dataclass(frozen=True, slots=True)
class Names:
    """What references may point at: every entry of the file, also one that is wrong in itself."""

    councils: Entries
    sites: Entries
    vantages: Entries
    services: Entries
    targets: Entries
    credentials: Entries
    desks: Entries


def read_names(report: Report) -> Names:
    """The sections that others refer to."""
    councils = report.section("councils")
    councils.setdefault(SHARED, {})
    others = (report.section(name) for name in ("sites", "vantages", "services", "targets", "credentials", "desks"))
    return Names(councils, *others)


def read_estate(report: Report, names: Names) -> EstateModel | None:
    """`estate`, the one section that every file must have."""
    if "estate" not in report.source.tree:
        # A file that is no map at all has been refused for that.
        if report.source.tree or not report.problems:
            report.add((), "has no `estate` section; begin with `estate: {name: NAME, vantage: VANTAGE}`")
        return None
    model = report.model(EstateModel, report.source.tree["estate"], ("estate",))
    if model is not None:
        report.known("vantage", model.vantage, names.vantages, ("estate", "vantage"))
    return model


@dataclass(slots=True)
class Places:
    """What was made of the sections, and the defaults that councils and sites give to their targets."""

    councils: dict[str, Council]
    sites: dict[str, Site]
    vantages: dict[str, Vantage]
    services: dict[str, Service]
    council_levels: dict[str, levels.Level]
    site_levels: dict[str, levels.Level]


def read_places(report: Report, names: Names, kinds: Mapping[str, KindLike]) -> Places:
    """Everything that targets stand in; what is wrong is noted and left out."""
    places = Places({}, {}, {}, {}, {}, {})
    for name, raw in names.councils.items():
        council = report.model(CouncilModel, raw, ("councils", name))
        if council is not None:
            title = council.title or ("Shared" if name == SHARED else name)
            places.councils[name] = Council(name, title)
            path = ("councils", name, "defaults")
            places.council_levels[name] = levels.read_level(council.defaults, path, kinds, report)
    for name, raw in names.sites.items():
        _read_site(report, names, places, name, raw, kinds)
    for name, raw in names.vantages.items():
        _read_vantage(report, names, places, name, raw)
    for name, raw in names.services.items():
        service = report.model(ServiceModel, raw, ("services", name))
        if service is not None:
            report.known("council", service.council, names.councils, ("services", name, "council"))
            impact = service.impact or Level.MEDIUM
            places.services[name] = Service(name, service.title or name, service.council, impact)
    return places


def _read_site(
    report: Report, names: Names, places: Places, name: str, raw: object, kinds: Mapping[str, KindLike]
) -> None:
    site = report.model(SiteModel, raw, ("sites", name))
    if site is None:
        return
    report.known("council", site.council, names.councils, ("sites", name, "council"))
    for needed in sorted(site.depends_on.names()) if site.depends_on else ():
        report.known("target", needed, names.targets, ("sites", name, "depends_on"))
    places.sites[name] = Site(name, site.title or name, site.council, site.depends_on)
    places.site_levels[name] = levels.read_level(site.defaults, ("sites", name, "defaults"), kinds, report)


def _read_vantage(report: Report, names: Names, places: Places, name: str, raw: object) -> None:
    vantage = report.model(VantageModel, raw, ("vantages", name))
    if vantage is None:
        return
    report.known("site", vantage.site, names.sites, ("vantages", name, "site"))
    if vantage.gateway:
        report.known("target", vantage.gateway, names.targets, ("vantages", name, "gateway"))
    places.vantages[name] = Vantage(
        name,
        vantage.site,
        vantage.gateway or None,
        vantage.url or None,
        vantage.token,
        vantage.ca or None,
        vantage.pin or None,
        vantage.listen or None,
        vantage.certificate or None,
        vantage.key,
    )


def check_probers(report: Report, vantages: Mapping[str, Vantage], targets: Mapping[str, Target], own: str) -> None:
    """Who probes from elsewhere must be known: every other vantage that a check names needs `url` and `token`."""
    named: dict[str, str] = {}
    for target in targets.values():
        for spec in target.checks:
            if spec.vantages != (own,) or spec.places:
                for vantage in (*spec.vantages, *spec.places):
                    named.setdefault(vantage, spec.id)
    for vantage, check in named.items():
        place = vantages.get(vantage)
        if vantage == own or place is None:
            continue
        missing = " and ".join(f"`{key}`" for key, value in (("url", place.url), ("token", place.token)) if not value)
        if missing:
            report.add(
                ("vantages", vantage),
                f"lacks {missing}: the check {check} is to be made from there, by the agent (--vantage {vantage}) "
                "that is asked at `url` and shown `token`",
                key=True,
            )


def read_working_hours(report: Report) -> WorkingHours:
    """`working_hours`, or office hours where the file says nothing."""
    if "working_hours" not in report.source.tree:
        return OFFICE_HOURS
    model = report.model(WorkingHoursModel, report.source.tree["working_hours"], ("working_hours",))
    if model is None:
        return OFFICE_HOURS
    days: dict[int, tuple[time, time]] = {}
    for word, hours in model.days.items():
        path = ("working_hours", "days", word)
        first, dash, last = word.partition("-")
        if not report.known("day of the week", first, WEEKDAYS, path):
            continue
        if dash and not report.known("day of the week", last, WEEKDAYS, path):
            continue
        begin = WEEKDAYS.index(first)
        end = WEEKDAYS.index(last) if dash else begin
        if end < begin:
            report.add(path, "must run from the earlier day to the later one", key=True)
        for day in range(begin, end + 1):
            if day in days:
                report.add(path, f"says the hours of {WEEKDAYS[day]} a second time", key=True)
            days[day] = hours
    if not days and not report.problems:
        report.add(("working_hours", "days"), "is empty: nobody would ever be at work", key=True)
    closed = frozenset(day.isoformat() for day in model.closed)
    return WorkingHours(model.time_zone, days, model.bank_holidays, closed)
