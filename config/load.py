"""The way in: a file or a directory becomes an `Estate`, or an `EstateError` that says everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.estate import Estate
from config.json_schema import json_schema
from config.kinds import DeskLike, KindLike
from config.problems import EstateError, Problem
from config.resolve import places as resolve_places
from config.resolve.access import read_access
from config.resolve.credentials import read_credentials
from config.resolve.outbound import read_heartbeats, read_webhooks
from config.resolve.report import Report
from config.resolve.routes import read_desks, read_maintenance, read_routes
from config.resolve.targets import TargetReader, read_targets
from config.schema.checks import SETTING_NAMES
from config.schema.sections import SECTIONS
from config.source import Source, read_source
from config.wording import unknown_key
from config.yaml import collector_paused

__all__ = ["EstateError", "Problem", "clashing_options", "json_schema", "load_estate", "resolve"]


def load_estate(path: Path, kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> Estate:
    """Read, check and resolve an estate.

    `path` is one YAML file or a directory of *.yaml files. `kinds` and `desks` are what the installed agent knows, by
    kind. Raises EstateError with every problem at once; nothing else, whatever the files hold.
    """
    with collector_paused():
        return resolve(read_source(path), kinds, desks)


def resolve(source: Source, kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> Estate:
    """The estate of a source that has been read. Raises EstateError."""
    report = Report(source)
    for section in source.tree:
        if section not in SECTIONS:
            report.add((section,), *unknown_key(section, list(SECTIONS), report.nearest), key=True)
    names = resolve_places.read_names(report)
    head = resolve_places.read_estate(report, names)
    hours = resolve_places.read_working_hours(report)
    places = resolve_places.read_places(report, names, kinds)
    credentials = read_credentials(report, names)
    vantage = head.vantage if head else ""
    reader = TargetReader(report, names, places, credentials, kinds, vantage, hours.time_zone)
    targets = read_targets(reader, report, names)
    resolve_places.check_probers(report, places.vantages, targets, vantage)
    desk_specs = read_desks(report, names, desks)
    maintenance = read_maintenance(report, names, kinds, hours.time_zone)
    routes = read_routes(report, names, kinds, bool(names.desks))
    access = read_access(report, names)
    webhooks = read_webhooks(report, names)
    heartbeats = read_heartbeats(report)
    if report.problems or head is None:
        raise EstateError(report.problems)
    return Estate(
        name=head.name,
        revision=source.revision,
        councils=places.councils,
        sites=places.sites,
        vantages=places.vantages,
        services=places.services,
        targets=targets,
        maintenance=maintenance,
        desks=desk_specs,
        routes=routes,
        working_hours=hours,
        vantage=head.vantage,
        access=access,
        webhooks=webhooks,
        heartbeats=heartbeats,
    )


def clashing_options(kind: KindLike) -> list[str]:
    """Options of a kind that could never be said, since every check has a setting of that name; for its tests."""
    return sorted({"kind", "name", "use", *SETTING_NAMES} & set(kind.options.model_fields))
