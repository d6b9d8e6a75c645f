"""Desks, routes and maintenance windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.cron import gaps
from config.estate import Cron, DeskSpec, Maintenance, Route, Selector
from config.kinds import DeskLike
from config.problems import listed
from config.resolve.places import Names
from config.resolve.report import Report
from config.schema.sections import MOMENT_FORM, DeskModel, MaintenanceModel, MatchModel, RouteModel
from config.schema.words import duration_text
from config.wording import unknown_key
from config.yaml import TreePath

_DESK_KEYS = tuple(DeskModel.model_fields)


def read_desks(report: Report, names: Names, kinds: Mapping[str, DeskLike]) -> dict[str, DeskSpec]:
    """Every good desk."""
    found: dict[str, DeskSpec] = {}
    for name, raw in names.desks.items():
        path = ("desks", name)
        if not isinstance(raw, dict) or not isinstance(raw.get("kind"), str):
            report.add(path, f"must be a map with a `kind`; there is {listed(kinds) or 'none installed'}")
            continue
        kind: str = raw["kind"]
        if not report.known("kind of desk", kind, kinds, (*path, "kind")):
            continue
        common = report.model(DeskModel, {key: raw[key] for key in raw if key in _DESK_KEYS}, path)
        said = {key: value for key, value in raw.items() if key not in _DESK_KEYS}
        model = kinds[kind].options
        if not _keys_known(said, kinds[kind], path, report):
            continue
        try:
            options = model.model_validate(said)
        except ValidationError as error:
            report.invalid(error, model, said, path)
            continue
        if common is not None:
            found[name] = DeskSpec(name, kind, options, common.new_tickets_per_day)
    return found


def _keys_known(said: Mapping[object, object], kind: DeskLike, path: TreePath, report: Report) -> bool:
    if kind.options.model_config.get("extra") == "allow":
        return True
    names = [field.alias or name for name, field in kind.options.model_fields.items()]
    unknown = [key for key in said if key not in names]
    for key in unknown:
        report.add((*path, str(key)), *unknown_key(str(key), [*names, *_DESK_KEYS], report.nearest), key=True)
    return not unknown


def read_routes(report: Report, names: Names, kinds: Collection[str], desks_declared: bool) -> tuple[Route, ...]:
    """The routes in order. With desks in the estate, every council's incidents must have somewhere to go, or nowhere
    by `desks: []`.
    """
    raw = report.source.tree.get("routes", [])
    if not isinstance(raw, list):
        report.add(("routes",), "must be a list, since routes are read in order")
        return ()
    before = len(report.problems)
    routes: list[Route] = []
    whole = ""
    for index, item in enumerate(raw):
        path = ("routes", index)
        model = report.model(RouteModel, item, path)
        if model is None:
            continue
        if any(route.name == model.name for route in routes):
            report.add((*path, "name"), f'a second route called "{model.name}"')
        if whole:
            report.add(path, f'is never reached: "{whole}" before it matches everything')
        for number, desk in enumerate(model.desks):
            report.known("desk", desk, names.desks, (*path, "desks", number))
        if model.desks and not model.queue:
            message = "needs a `queue` beside it, the desk's own word for where tickets go"
            report.add((*path, "desks"), message, key=True)
        selector = read_selector(model.match, names, kinds, report, (*path, "match"))
        if selector == Selector():
            whole = model.name
        routes.append(Route(model.name, selector, tuple(model.desks), model.queue, model.mode))
    if desks_declared and len(report.problems) == before:
        _check_covered(routes, names, report)
    return tuple(routes)


def _check_covered(routes: list[Route], names: Names, report: Report) -> None:
    bare = [name for name in names.councils if not any(_takes_all_of(route.selector, name) for route in routes)]
    if bare:
        at: TreePath = ("routes",) if routes else ("desks",)
        message = (
            f"no route takes everything of {listed(bare)}: add one at the end,"
            " `- {name: rest, desks: [DESK], queue: QUEUE}`, or with `desks: []` if that is meant"
        )
        report.add(at, message, key=True)


def _takes_all_of(selector: Selector, council: str) -> bool:
    narrower = (selector.sites, selector.targets, selector.services, selector.kinds, selector.conditions)
    if any(narrower):
        return False
    return not selector.councils or any(fnmatchcase(council, pattern) for pattern in selector.councils)


def read_selector(model: MatchModel, names: Names, kinds: Collection[str], report: Report, path: TreePath) -> Selector:
    """A selector whose every name and pattern means something in this estate."""
    known: tuple[tuple[str, str, list[str], Collection[str]], ...] = (
        ("council", "councils", model.councils, names.councils),
        ("site", "sites", model.sites, names.sites),
        ("target", "targets", model.targets, names.targets),
        ("service", "services", model.services, names.services),
        ("kind of check", "kinds", model.kinds, kinds),
    )
    for what, key, patterns, existing in known:
        for index, pattern in enumerate(patterns):
            here = (*path, key, index)
            if "*" not in pattern:
                report.known(what, pattern, existing, here)
            elif not any(fnmatchcase(name, pattern) for name in existing):
                report.add(here, f'no {what} matches "{pattern}"')
    return Selector(
        tuple(model.councils), tuple(model.sites), tuple(model.targets), tuple(model.services), tuple(model.kinds),
        tuple(model.conditions),
    )  # fmt: skip


def read_maintenance(report: Report, names: Names, kinds: Collection[str], time_zone: str) -> tuple[Maintenance, ...]:
    """Every good window; local times are those of the window's zone, else of the working hours."""
    found: list[Maintenance] = []
    for name, raw in report.section("maintenance").items():
        path = ("maintenance", name)
        model = report.model(MaintenanceModel, raw, path)
        if model is None:
            continue
        selector = read_selector(model.match, names, kinds, report, (*path, "match"))
        zone = model.time_zone or time_zone
        if model.cron:
            window = _recurring(name, model, selector, zone, path, report)
        else:
            window = _once(name, model, selector, ZoneInfo(zone), path, report)
        if window is not None:
            found.append(window)
    return tuple(found)


def _recurring(
    name: str, model: MaintenanceModel, selector: Selector, zone: str, path: TreePath, report: Report
) -> Maintenance | None:
    if model.start or model.end:
        report.add(path, "has both `cron` and `start` or `end`; it recurs or it does not")
        return None
    if not model.duration:
        report.add(path, 'needs a `duration` beside `cron`, as in "2h"', key=True)
        return None
    shortest, _ = gaps(model.cron)
    if model.duration >= shortest:
        report.add((*path, "duration"), f"would never end: it begins anew after {duration_text(shortest)}")
        return None
    cron = Cron(model.cron, zone)
    return Maintenance(name, selector, model.reason, model.owner, cron=cron, duration=model.duration)


def _once(
    name: str, model: MaintenanceModel, selector: Selector, zone: ZoneInfo, path: TreePath, report: Report
) -> Maintenance | None:
    if not model.start or not model.end:
        report.add(path, "needs `start` and `end`, or `cron` and `duration`", key=True)
        return None
    if model.duration:
        report.add((*path, "duration"), "belongs to `cron`; a single window has an `end`", key=True)
    moments: list[datetime] = []
    for key, text in (("start", model.start), ("end", model.end)):
        try:
            moments.append(read_moment(text, zone))
        except ValueError as error:
            report.add((*path, key), str(error))
    if len(moments) < 2:
        return None
    start, end = moments
    if end <= start:
        report.add((*path, "end"), "must be later than `start`")
        return None
    return Maintenance(name, selector, model.reason, model.owner, start, end)


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A local time as UTC. ValueError where it does not exist, or exists twice and has no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be a moment that exists, {MOMENT_FORM}") from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != moment:
        raise ValueError(f"does not exist in {zone.key}: the clocks go forward over it")
    offset = moment.replace(tzinfo=zone).strftime("%z")
    raise ValueError(f'happens twice in {zone.key}: add the offset, as in "{text}{offset[:3]}:{offset[3:]}"')
