"""`defaults` at its four levels: estate, council, site, target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from config.estate import Level as ImpactLevel
from config.kinds import KindLike
from config.resolve.report import Report
from config.schema.checks import DEFAULTS, KIND_SETTINGS, SETTING_NAMES, Defaults, KindSettings, Merged
from config.wording import unknown_key
from config.yaml import TreePath

Options = dict[object, object]


@dataclass(frozen=True, slots=True)
class Level:
    """What one level says: of every check, of the checks of one kind, and of targets."""

    path: TreePath
    general: Merged = field(default_factory=Merged)
    settings: Mapping[str, Merged] = field(default_factory=dict)
    options: Mapping[str, Options] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    impact: ImpactLevel | None = None


def read_level(raw: object, path: TreePath, kinds: Mapping[str, KindLike], report: Report) -> Level:
    """One `defaults` map; mistakes are noted and left out."""
    if raw == {}:
        return Level(path)
    read = report.value(DEFAULTS, Defaults, raw, path)
    if read is None:
        return Level(path)
    one_schedule(read, path, report)
    settings: dict[str, Merged] = {}
    options: dict[str, Options] = {}
    for kind, body in read.get("kinds", {}).items():
        here = (*path, "kinds", kind)
        if not report.known("kind of check", kind, kinds, here):
            continue
        of_kind = {key: value for key, value in body.items() if key in SETTING_NAMES}
        settings[kind] = _kind_settings(of_kind, here, report)
        options[kind] = _known_options(body, kinds[kind], here, report)
    general = {key: value for key, value in read.items() if key in SETTING_NAMES}
    return Level(path, cast(Merged, general), settings, options, read.get("credentials", {}), read.get("impact"))


def one_schedule(settings: Mapping[str, object], path: TreePath, report: Report) -> None:
    """A place of the file says `every` or `cron`, not both."""
    if "every" in settings and "cron" in settings:
        report.add((*path, "cron"), "stands beside `every`; one of them must go", key=True)


def overlay(below: Merged, above: Merged) -> Merged:
    """What `above` says where it says something, else what `below` says; a period replaces a cron and the reverse."""
    merged: Merged = {**below, **above}
    if "every" in above:
        merged.pop("cron", None)
    elif "cron" in above:
        merged.pop("every", None)
    return merged


def _kind_settings(raw: Mapping[object, object], path: TreePath, report: Report) -> Merged:
    read = report.value(KIND_SETTINGS, KindSettings, raw, path)
    if read is None:
        return Merged()
    one_schedule(read, path, report)
    return cast(Merged, read)


def _known_options(body: Options, kind: KindLike, path: TreePath, report: Report) -> Options:
    """Only whether the keys exist can be told here: the options are whole, and judged, at each check."""
    known = option_names(kind)
    good: Options = {}
    for key, value in body.items():
        if key in SETTING_NAMES:
            continue
        if known is not None and key not in known:
            report.add((*path, str(key)), *unknown_key(str(key), [*known, *SETTING_NAMES], report.nearest), key=True)
        else:
            good[key] = value
    return good


def option_names(kind: KindLike) -> list[str] | None:
    """The keys that the options of a kind may have; None where the model takes any."""
    if kind.options.model_config.get("extra") == "allow":
        return None
    return [field.alias or name for name, field in kind.options.model_fields.items()]
