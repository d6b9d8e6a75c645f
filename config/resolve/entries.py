"""The checks of a target as they are written, brought to one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.problems import either
from config.resolve.report import Report
from config.schema.checks import ENTRY_NAMES
from config.schema.words import read_name
from config.yaml import TreePath

Groups = Mapping[str, tuple["Entry", ...]]
_FORMS = ("`- icmp`", "`- tcp: {port: 443}`", "`- {kind: tcp, port: 443}`", "`- use: GROUP`")


@dataclass(frozen=True, slots=True)
class Entry:
    """One check as written: `body` holds settings and options together, `path` is where they stand."""

    name: str
    kind: str
    body: Mapping[object, object]
    path: TreePath
    text: str
    """Two entries with the same kind and text mean the same, wherever they stand."""


def read_groups(report: Report) -> Groups:
    """`check_groups`: lists or maps of checks by name, for `use`. A group does not use another."""
    return {
        name: read_entries(raw, ("check_groups", name), None, report)
        for name, raw in report.section("check_groups").items()
    }


EMPTY = "is empty: what has no check is never looked at"


def read_entries(raw: object, path: TreePath, groups: Groups | None, report: Report) -> tuple[Entry, ...]:
    """A list or a map of checks; what cannot be understood is noted and left out."""
    entries: list[Entry] = []
    if isinstance(raw, dict):
        for name, body in raw.items():
            entries += _named(name, body, (*path, name), report)
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            entries += _item(item, (*path, index), groups, report)
    else:
        report.add(path, f"must be a list of checks, as {either(_FORMS)}, or a map of them by name")
        return ()
    if not raw and groups is None:
        report.add(path, EMPTY, key=True)  # of a target only the other targets tell whether one of them looks at it
    return tuple(entries)


def _item(item: object, path: TreePath, groups: Groups | None, report: Report) -> list[Entry]:
    if isinstance(item, str):
        return _entry(item, item, {}, path, report)
    if not isinstance(item, dict) or not item:
        report.add(path, f"is written as {either(_FORMS)}")
        return []
    if "use" in item:
        return _used(item, path, groups, report)
    if "kind" in item:
        kind = item["kind"]
        return _entry(item.get("name", kind), kind, item, path, report)
    if len(item) > 1:
        report.add(path, "has no `kind`; or its settings are not indented below its name")
        return []
    (kind, body), *_ = item.items()
    body = {} if body is None else body
    if not isinstance(body, dict):
        report.add((*path, kind), "must be followed by a map, as in `- tcp: {port: 443}`")
        return []
    if "kind" in body:
        report.add((*path, kind, "kind"), "is said twice; write `- {name: NAME, kind: KIND}`", key=True)
        return []
    return _entry(body.get("name", kind), kind, body, (*path, kind), report)


def _named(name: object, body: object, path: TreePath, report: Report) -> list[Entry]:
    body = {} if body is None else body
    if not isinstance(body, dict):
        report.add(path, "must be followed by a map of settings, or by nothing")
        return []
    if "name" in body:
        report.add((*path, "name"), "is said twice: the key is the name", key=True)
        return []
    return _entry(name, body.get("kind", name), body, path, report)


def _used(item: Mapping[object, object], path: TreePath, groups: Groups | None, report: Report) -> list[Entry]:
    if groups is None:
        report.add(path, "a group cannot use another group")
        return []
    for key in item:
        if key != "use":
            report.add((*path, str(key)), "cannot stand beside `use`; say it in the group, or in `defaults`", key=True)
    wanted = item["use"] if isinstance(item["use"], list) else [item["use"]]
    found: list[Entry] = []
    for name in wanted:
        if not isinstance(name, str):
            report.add((*path, "use"), "must be the name of a check group, or a list of them")
        elif report.known("check group", name, groups, (*path, "use")):
            found += groups[name]
    return found


def _entry(name: object, kind: object, body: Mapping[object, object], path: TreePath, report: Report) -> list[Entry]:
    try:
        name = read_name(name)
        kind = read_name(kind)
    except ValueError as error:
        report.add(path, str(error), key=True)
        return []
    if not ENTRY_NAMES.isdisjoint(body):
        body = {key: value for key, value in body.items() if key not in ENTRY_NAMES}
    return [Entry(name, kind, body, path, repr(body) if body else "")]
