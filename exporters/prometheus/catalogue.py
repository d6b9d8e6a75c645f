"""The catalogue of every metric family, generated from the declarations: `docs/metrics.md`.

Run as a module it prints the page for the kinds that are installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from checks.catalogue import load_catalogue
from checks.contract import CheckKind
from exporters.prometheus.access import DECLARED as OF_ACCESS
from exporters.prometheus.families import GENERIC, Declared, declared, families_of
from exporters.prometheus.own import OwnMetrics
from exporters.prometheus.prober import ANSWERS

_HEAD = """\
# Metrics

Generated from the code (`python -m exporters.prometheus.catalogue > docs/metrics.md`); a test compares. Served at
`/metrics` as Prometheus text 0.0.4 or OpenMetrics 1.0.

* Values come from the agent's own schedule, not from the moment of the scrape.
  `ridgeway_check_last_run_timestamp_seconds` says when a check ran; samples carry no timestamps of their own.
* A result that is too old takes its values off the page: its check turns `unknown`, `ridgeway_check_stale` is 1 and
  `ridgeway_target_up` 0. What could not be read gives no series, never a 0.
* States over time, as a number (0 ok, 1 warning, 2 critical, 3 unknown, 4 unsupported):
  `sum by (target, check) (ridgeway_check_state * on (job, instance, state) group_left () ridgeway_state_code)`
* What the estate says about a target is joined:
  `ridgeway_target_up * on (job, instance, target) group_left (site) ridgeway_target_info`
* A check that asks several targets in one run (`firewall_pair`) gives what it reads of each under its own `target`,
  with one label more: `member`, the name of the target that the value is of.
* Set `sample_limit` in the scrape configuration: a check gives at least ten series beside what it reads.
"""


def catalogue_page(kinds: Sequence[CheckKind]) -> str:
    """The page as Markdown. Raises FamilyError where the kinds' families cannot stand together."""
    own = OwnMetrics("", "", dict, lambda: 0)
    parts = [_HEAD, "## Every check and target\n", _table(GENERIC)]
    for kind in sorted(kinds, key=lambda kind: kind.kind):
        parts.append(f"## `{kind.kind}`: {kind.title}\n")
        families = [declared(family) for family in families_of([kind])]
        parts.append(_table(families) if families else "No families of its own.\n")
    families_of(kinds)
    parts += ["## The agent itself\n", _table(own.declared())]
    parts += ["## An agent that only probes\n", _table([ANSWERS, *OF_ACCESS])]
    return "\n".join(parts)


def _table(families: Iterable[Declared]) -> str:
    rows = ["| Family | Type | Labels | Meaning |", "| --- | --- | --- | --- |"]
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels) or "–"
        meaning = family.help.replace("|", "\\|")
        rows.append(f"| `{family.name}` | {family.type} | {labels} | {meaning} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(catalogue_page(list(load_catalogue().values())))
