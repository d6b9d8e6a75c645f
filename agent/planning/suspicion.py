"""Whether an estate looks as if whoever writes it had not finished: the dangerous file is the one that reads well.

A file that is cut at the end of a line is still YAML. What it lost is not watched any more, and all of it would be
green. So a plan that takes away much is put in force only by somebody who has seen it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agent.planning.difference import Difference, Kind
from config.estate import Estate

SHARE = 0.5
"""Part of all targets, or of one council's, above which taking them away is suspected."""
AT_LEAST = 5
"""Fewer are believed, so that a small estate can be rebuilt; a section that is gone as a whole never is."""


def looks_half_written(old: Estate, new: Estate, differs: Difference) -> Iterator[str]:
    """A sentence for each reason."""
    for section, before in differs.before.items():
        if before and not differs.after[section] and section != "maintenance":
            yield f"all of `{section}` is gone, {before} before"
    if not new.targets:
        return
    gone = [old.targets[change.name] for change in differs.of("targets", Kind.REMOVED)]
    had = Counter(target.council for target in old.targets.values())
    if _much(len(gone), len(old.targets)):
        yield f"{len(gone)} of {len(old.targets)} targets are gone"
    else:
        for council, lost in sorted(Counter(target.council for target in gone).items()):
            if _much(lost, had[council]):
                yield f"{lost} of the {had[council]} targets of {council} are gone"
    checks = len(differs.of("checks", Kind.REMOVED))
    if not gone and _much(checks, differs.before["checks"]):
        yield f"{checks} of {differs.before['checks']} checks are gone"


def _much(gone: int, before: int) -> bool:
    return gone >= AT_LEAST and gone > SHARE * before
