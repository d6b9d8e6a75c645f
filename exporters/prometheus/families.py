"""The metric families of the page: their declarations, the rules these must keep, and their HELP and TYPE lines.

One bad declaration would lose the whole scrape, so it is refused when the agent starts (`checks.families` has the
rules of names, this file those of standing on one page).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from checks.contract import CheckKind, Family, MetricType
from checks.families import COMMON_LABELS, family_faults

READING_LABELS = COMMON_LABELS
"""What every measured family carries before its own labels."""


class FamilyError(ValueError):
    """Families that cannot stand on one page; the message lists each and what to change. Never worth a retry."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A family as it stands on the page. `name` is its samples': counters end in `_total`, infos in `_info`."""

    name: str
    help: str
    type: Literal["gauge", "counter", "info", "histogram"] = "gauge"
    labels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def base(self) -> str:
        """The family's name in OpenMetrics, which leaves the suffix of counters and infos to the samples."""
        if self.type in ("counter", "info"):
            return self.name.rsplit("_", 1)[0]
        return self.name


_CHECK = ("target", "check", "council", "vantage")

CHECK_STATE = Declared(
    "ridgeway_check_state",
    "State of a check, 1 for the one it is in, as of its last run on the agent's own schedule.",
    labels=(*_CHECK, "state"),
)
STATE_CODE = Declared("ridgeway_state_code", "The number of each state, to draw states over time.", labels=("state",))
CHECK_LAST_RUN = Declared(
    "ridgeway_check_last_run_timestamp_seconds", "When the check last ran.", labels=_CHECK, unit="seconds"
)
CHECK_LAST_SUCCESS = Declared(
    "ridgeway_check_last_success_timestamp_seconds",
    "When the check last got all its answers, whatever they meant.",
    labels=_CHECK,
    unit="seconds",
)
CHECK_INTERVAL = Declared(
    "ridgeway_check_interval_seconds", "How often the check is to run.", labels=_CHECK, unit="seconds"
)
CHECK_STALE = Declared(
    "ridgeway_check_stale",
    "1 when the last result is too old to say anything: the state is unknown and measured values are left out.",
    labels=_CHECK,
)
FINDING_PROBLEM = Declared(
    "ridgeway_finding_problem",
    "1 for each finding of a check that is not ok; the series ends when the finding does.",
    labels=(*_CHECK, "finding", "state"),
)
TARGET_UP = Declared(
    "ridgeway_target_up",
    "1 when the target answered any check in its last run, 0 when it answered none or nothing recent is known.",
    labels=READING_LABELS,
)
TARGET_INFO = Declared(
    "ridgeway_target_info",
    "What the estate says about a target.",
    type="info",
    labels=("target", "council", "site", "impact"),
)

GENERIC = (
    CHECK_STATE, STATE_CODE, CHECK_LAST_RUN, CHECK_LAST_SUCCESS, CHECK_INTERVAL, CHECK_STALE, FINDING_PROBLEM,
    TARGET_UP, TARGET_INFO,
)  # fmt: skip
"""What every check and target gives, whatever its kind."""


def declared(family: Family) -> Declared:
    """A check's family as it stands on the page."""
    kind: Literal["counter", "gauge"] = "counter" if family.type is MetricType.COUNTER else "gauge"
    return Declared(family.name, family.help, kind, (*READING_LABELS, *family.labels), family.unit)


def families_of(kinds: Iterable[CheckKind]) -> list[Family]:
    """Every family that the kinds can make, by name; one that several kinds share stands once.

    Raises FamilyError when two kinds declare one name differently or a declaration breaks a rule.
    """
    found: dict[str, Family] = {}
    problems: list[str] = []
    for kind in kinds:
        for family in kind.families():
            first = found.setdefault(family.name, family)
            if first != family:
                problems.append(
                    f"{family.name}: {kind.kind} declares it again with another {_difference(first, family)}"
                )
    problems += problems_of(list(found.values()))
    if problems:
        raise FamilyError("metric families that cannot stand on one page:\n" + "\n".join(f"  {p}" for p in problems))
    return [found[name] for name in sorted(found)]


def problems_of(families: Sequence[Family], taken: Iterable[str] = ()) -> list[str]:
    """What is wrong with these declarations, one line each; `taken` are the base names others use on the page."""
    problems: list[str] = []
    used = {*taken, *(name for generic in GENERIC for name in (generic.name, generic.base))}
    for family in families:
        problems += family_faults(family)
        names = {family.name, declared(family).base}
        if names & used:
            problems.append(f"the family {family.name} is called like another family of the page; rename it")
        used |= names
    return problems


def _difference(one: Family, other: Family) -> str:
    names = [name for name in ("help", "type", "unit", "labels") if getattr(one, name) != getattr(other, name)]
    return " and ".join(f"{name} ({getattr(one, name)!r} and {getattr(other, name)!r})" for name in names)


def header(family: Declared, *, openmetrics: bool) -> bytes:
    """The HELP, TYPE and, in OpenMetrics, UNIT lines of a family."""
    text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    if not openmetrics:
        kind = "gauge" if family.type == "info" else family.type
        return f"# HELP {family.name} {text}\n# TYPE {family.name} {kind}\n".encode()
    unit = f"# UNIT {family.base} {family.unit}\n" if family.unit else ""
    text = text.replace('"', '\\"')
    return f"# HELP {family.base} {text}\n# TYPE {family.base} {family.type}\n{unit}".encode()
