"""The kinds of checks there are: ours and those of plug-ins, found by entry point `ridgeway.checks.v1`.

A plug-in that cannot be loaded stops nothing: the kinds it would provide are in the catalogue, its checks are *unknown*
and say why, and `Catalogue.broken` lists it for `ridgeway validate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel, ConfigDict

from checks.contract import (
    CONTRACT_VERSION,
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    KindDefaults,
    Memory,
    Observation,
    Reason,
    Subject,
    Target,
)
from checks.families import family_faults
from config.estate import MofN, WakeClass

GROUP = f"ridgeway.checks.v{CONTRACT_VERSION}"
_OURS = "ridgeway"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class CatalogueError(Exception):
    """A plug-in breaks the contract; trying again does not help, its author or installation has to be mended."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry point that gave no usable kind."""

    name: str
    source: str
    """The distribution and object it comes from."""
    why: str


class Catalogue(Mapping[str, CheckKind]):
    """Kinds by name. A broken kind is there too, as one whose checks are *unknown*."""

    def __init__(self, kinds: Mapping[str, CheckKind], broken: tuple[Broken, ...] = ()) -> None:
        self._kinds = dict(kinds)
        self.broken = broken

    def __getitem__(self, kind: str) -> CheckKind:
        return self._kinds[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def load_catalogue(found: Iterable[EntryPoint] | None = None) -> Catalogue:
    """Everything installed. Our own kinds come first, so that no plug-in can take one of their names or families."""
    kinds: dict[str, CheckKind] = {}
    declared: dict[str, tuple[Family, str]] = {}
    broken: list[Broken] = []
    for point in sorted(entry_points(group=GROUP) if found is None else found, key=_order):
        try:
            kind = _load(point)
            families = _admitted(kind, kinds, declared)
        except CatalogueError as error:
            broken.append(Broken(point.name, _source(point), str(error)))
        else:
            kinds[kind.kind] = kind
            for family in families:
                declared.setdefault(family.name, (family, kind.kind))
    for entry in broken:
        kinds.setdefault(entry.name, unavailable(entry.name, entry.why))
    return Catalogue(kinds, tuple(broken))


def kind_faults(kind: CheckKind, families: Iterable[Family]) -> list[str]:
    """What is wrong with a kind by itself, and with the families it declares; empty when nothing is."""
    wrong = []
    if not _NAME.fullmatch(kind.kind):
        wrong.append(f"its name {kind.kind!r} is not made of lower-case letters, digits, hyphens and underscores")
    options: object = kind.options
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        wrong.append("its options are not a pydantic model")
    elif kind.options.model_config.get("extra") != "forbid":
        wrong.append("its options do not forbid unknown keys, so that a misspelt one would be ignored")
    if not kind.finding_keys:
        wrong.append("it declares no finding keys")
    for family in families:
        wrong += family_faults(family)
    return wrong


def unavailable(kind: str, why: str) -> CheckKind:
    """A stand-in for a kind that cannot be loaded: it asks nothing, and its checks are *unknown*."""

    async def collect(target: Target, options: BaseModel, ctx: Context) -> Observation:
        del options
        now = ctx.now()
        message = f"the kind {kind} is not available: {why}; mend or reinstall its plug-in"
        return Observation(
            target.name, ctx.vantage, now, 0.0, None, Fault(Reason.LOCAL, message[:500], f"{kind}/local")
        )

    return CheckKind(
        kind=kind,
        title="Not available",
        options=_AnyOptions,
        answers=_NoAnswers,
        defaults=KindDefaults(300.0, 10.0, MofN(1, 1), MofN(1, 1), WakeClass.WORKING_HOURS),
        finding_keys={f"{kind}/local": "The plug-in of this kind cannot be loaded: the finding says why."},
        families=lambda: (),
        collect=collect,
        assess=_assess_nothing,
    )


class _AnyOptions(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


@dataclass(frozen=True, slots=True)
class _NoAnswers:
    pass


def _assess_nothing(subject: Subject, observations: object, memory: Memory | None, now: float) -> Assessment:
    del observations, memory, now
    raise CatalogueError(f"{subject.check.id}: a kind that is not available has nothing to assess")


def _load(point: EntryPoint) -> CheckKind:
    try:
        kind = point.load()
    except Exception as error:
        raise CatalogueError(f"it cannot be loaded: {type(error).__name__}: {error}"[:300]) from error
    if not isinstance(kind, CheckKind):
        raise CatalogueError(f"{point.value} is a {type(kind).__name__}, not a CheckKind")
    if kind.kind != point.name:
        raise CatalogueError(f"the entry point is called {point.name}, the kind {kind.kind}: they must be the same")
    return kind


def _admitted(
    kind: CheckKind, others: Mapping[str, CheckKind], declared: Mapping[str, tuple[Family, str]]
) -> tuple[Family, ...]:
    """The families of a kind that may be in the catalogue. `declared` are those of the others, each with its kind.

    They are asked for once: those of the firewalls are made from some fifty profiles. Raises CatalogueError.
    """
    if kind.kind in others:
        raise CatalogueError(f"the kind {kind.kind} exists already ({others[kind.kind].title})")
    try:
        families = tuple(kind.families())
        wrong = kind_faults(kind, families)
    except Exception as error:
        raise CatalogueError(f"its families() raises {type(error).__name__}") from error
    for family in families:
        other, owner = declared.get(family.name, (family, kind.kind))
        if other != family:
            wrong.append(f"the family {family.name} is declared differently by the kind {owner}")
    if wrong:
        raise CatalogueError("; ".join(wrong))
    return families


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    name = point.dist.name if point.dist is not None else ""
    return (name != _OURS, name, point.name)


def _source(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist is not None else 'unknown distribution'} ({point.value})"
