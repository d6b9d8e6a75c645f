"""Which of the estate's objects a product means by a name, and what is remembered of those that tell of one. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import replace
from fnmatch import translate
from typing import TypeVar

from checks.backup.history import ObjectHistory
from checks.backup.options import BackupOptions

_T = TypeVar("_T")
_WILD = frozenset("*?[")


class Names:
    """Which of the estate's objects a product means by a name."""

    def __init__(self, options: BackupOptions, product: str) -> None:
        self._exact: dict[tuple[bool, str], list[str]] = {}
        self._wild: list[tuple[bool, re.Pattern[str], str]] = []
        self._found: dict[tuple[bool, str], tuple[str, ...]] = {}
        for key, one in options.objects.items():
            for claim in one.by:
                if claim.product == product:
                    self._add(False, claim.object, key)
                    self._add(True, claim.job, key)

    def of(self, object: str, job: str) -> tuple[str, ...]:
        """The objects meant by the product's name of one; without one, those of the job."""
        if object:
            found = self._of(False, object)
            if found or not job:
                return found
        return self._of(True, job) if job else ()

    def _add(self, job: bool, pattern: str | None, key: str) -> None:
        if pattern is None:
            return
        if _WILD & set(pattern):
            self._wild.append((job, re.compile(translate(pattern.casefold())), key))
        else:
            self._exact.setdefault((job, pattern.casefold()), []).append(key)

    def _of(self, job: bool, name: str) -> tuple[str, ...]:
        known = self._found.get((job, name))
        if known is None:
            folded = name.casefold()
            found = [*self._exact.get((job, folded), ())]
            found += [key for of_job, pattern, key in self._wild if of_job is job and pattern.match(folded)]
            known = self._found[(job, name)] = tuple(dict.fromkeys(found))
        return known


def without_products(before: ObjectHistory, gone: Container[str]) -> ObjectHistory:
    """Without what any of these products told."""
    tables = (before.lying, before.counts, before.verified)
    known = any(at.partition("/")[0] in gone for table in tables for at in table)
    if not known and not any(past.product in gone for past in before.runs):
        return before
    return replace(
        before,
        runs=tuple(past for past in before.runs if past.product not in gone),
        lying=_without(before.lying, gone),
        counts=_without(before.counts, gone),
        verified=_without(before.verified, gone),
    )


def _without(table: Mapping[str, _T], gone: Container[str]) -> dict[str, _T]:
    return {at: one for at, one in table.items() if at.partition("/")[0] not in gone}
