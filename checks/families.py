"""The rules of a metric family's name and labels (Prometheus naming guide), beyond what promtool finds."""

from __future__ import annotations

import re

from checks.contract import Family, MetricType

COMMON_LABELS = ("target", "council", "vantage")
"""Labels that every family has, before its own."""
_NAME = re.compile(r"ridgeway(_[a-z0-9]+)+")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_UNITS = frozenset(
    {"", "seconds", "bytes", "ratio", "celsius", "volts", "amperes", "watts", "joules", "meters", "hertz"}
)
_NOT_BASE = re.compile(
    r"_(ms|us|ns|msec|milliseconds|microseconds|minutes|hours|days|percent|pct|kb|mb|gb|kib|mib|gib|bits|kilobytes"
    r"|megabytes|gigabytes|fahrenheit|age|uptime)(_|$)"
)
_RESERVED = ("_count", "_sum", "_bucket", "_created")
_CLASHING = frozenset(
    {
        "job",
        "instance",
        "env",
        "zone",
        "region",
        "service",
        "owner",
        "customer",
        "dc",
        "cluster",
        "type",
        "le",
        "quantile",
    }
)


def family_faults(family: Family) -> list[str]:
    """What is wrong with a family; empty when nothing is."""
    name = family.name
    wrong = []
    if not _NAME.fullmatch(name):
        wrong.append("must be snake_case and begin with ridgeway_")
    if (family.type is MetricType.COUNTER) != name.endswith("_total"):
        wrong.append("ends in _total exactly when it is a counter")
    if name.endswith(_RESERVED):
        wrong.append("ends in a reserved suffix (_count, _sum, _bucket, _created)")
    if _NOT_BASE.search(name):
        wrong.append("is not in a base unit (seconds, bytes, ratio, …), or is an age where a timestamp belongs")
    if family.unit not in _UNITS:
        wrong.append(f"has the unit {family.unit!r}, which is not a base unit")
    elif family.unit and not name.removesuffix("_total").endswith(f"_{family.unit}"):
        wrong.append(f"does not have its unit {family.unit} in its name")
    if "_timestamp" in name and not name.endswith("_timestamp_seconds"):
        wrong.append("is a timestamp that does not end in _timestamp_seconds")
    if not family.help.strip() or "\n" in family.help:
        wrong.append("needs a help text of one line")
    if len(set(family.labels)) != len(family.labels):
        wrong.append("names a label twice")
    wrong += [_label_fault(label) for label in family.labels if _label_fault(label)]
    return [f"the family {name} {fault}" for fault in wrong]


def _label_fault(label: str) -> str:
    if not _LABEL.fullmatch(label) or label.startswith("__"):
        return f"has the label {label!r}, which is not snake_case"
    if label in _CLASHING:
        return f"has the label {label!r}, which clashes with labels of targets in Prometheus"
    if label in COMMON_LABELS:
        return f"has the label {label!r}, which every family has already"
    return ""
