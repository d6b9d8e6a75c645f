"""Targets: everything inherited, every reference looked up, every check resolved."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from config.estate import SHARED, CheckSpec, Credential, Level, Target
from config.kinds import KindLike
from config.problems import either
from config.resolve import entries, levels, needs
from config.resolve.checks import CheckResolver, Shape
from config.resolve.places import Names, Places
from config.resolve.report import Report
from config.schema.checks import Merged
from config.schema.credentials import ROLE_KINDS
from config.schema.sections import TargetModel
from config.yaml import TreePath

_IMPACTS = (Level.HIGH, Level.MEDIUM, Level.LOW)


class TargetReader:
    """Reads one target after another; what targets have in common is made once and shared."""

    def __init__(
        self,
        report: Report,
        names: Names,
        places: Places,
        credentials: Mapping[str, Credential],
        kinds: Mapping[str, KindLike],
        estate_vantage: str,
        time_zone: str,
    ) -> None:
        self._report = report
        self._names = names
        self._places = places
        self._credentials = credentials
        self.kinds = kinds
        self._vantage = estate_vantage
        self._checks = CheckResolver(kinds, time_zone, report)
        self._groups = entries.read_groups(report)
        raw = report.source.tree.get("defaults", {})
        self._estate_level = levels.read_level(raw, ("defaults",), kinds, report)
        self._roles: dict[tuple[tuple[str, str], ...], Mapping[str, Credential]] = {}
        for level in (self._estate_level, *places.council_levels.values(), *places.site_levels.values()):
            self._check_level(level)

    def read(self, name: str, raw: object) -> Target | None:
        """The target, or None with what is wrong noted."""
        path = ("targets", name)
        model = self._report.model(TargetModel, raw, path)
        if model is None:
            self._glance(raw, path)
            return None
        good = self._references(name, model, path)
        site = self._places.sites.get(model.site)
        council = model.council or (site.council if site else "")
        if site is None or council not in self._places.councils:
            self._glance(raw, path)
            return None
        chain = self._levels(model, council, path)
        vantages = self._vantages(chain)
        credentials = self._credentials_of(model, chain)
        context: Hashable = (council, model.site, tuple(model.vantages), name if model.defaults else None)
        checks = self._checks_of(name, model, chain, context, vantages, credentials)
        if not good:
            return None
        return Target(
            name=name,
            address=model.address,
            council=council,
            site=model.site,
            vantages=vantages,
            checks=checks,
            depends_on=needs.inherited(name, model.depends_on, site.depends_on),
            services=tuple(model.services),
            impact=self._impact(model, chain),
            credentials=credentials,
            formerly=tuple(model.formerly),
            title=model.title or name,
            host_keys=tuple(model.host_keys),
            system_name=model.system_name,
        )

    def _glance(self, raw: object, path: TreePath) -> None:
        """What can be told of the checks of a target whose place, and so whose defaults, is not known."""
        if isinstance(raw, dict) and "checks" in raw:
            for entry in entries.read_entries(raw["checks"], (*path, "checks"), self._groups, self._report):
                self._report.known("kind of check", entry.kind, self.kinds, entry.path)

    def _references(self, name: str, model: TargetModel, path: TreePath) -> bool:
        known = self._report.known
        good = known("site", model.site, self._names.sites, (*path, "site"))
        if model.council:
            good &= known("council", model.council, self._names.councils, (*path, "council"))
        for index, vantage in enumerate(model.vantages):
            good &= known("vantage", vantage, self._names.vantages, (*path, "vantages", index))
        for index, service in enumerate(model.services):
            good &= known("service", service, self._names.services, (*path, "services", index))
        for role, credential in model.credentials.items():
            good &= self._check_credential(role, credential, path)
        for needed in sorted(model.depends_on.names()) if model.depends_on else ():
            if needed == name:
                self._report.add((*path, "depends_on"), "names the target itself")
                good = False
            else:
                good &= known("target", needed, self._names.targets, (*path, "depends_on"))
        return good

    def _check_level(self, level: levels.Level) -> None:
        places = [(level.path, level.general)]
        places += [((*level.path, "kinds", kind), settings) for kind, settings in level.settings.items()]
        for path, settings in places:
            for index, vantage in enumerate(settings.get("vantages", ())):
                self._report.known("vantage", vantage, self._names.vantages, (*path, "vantages", index))
        for role, credential in level.credentials.items():
            self._check_credential(role, credential, level.path)

    def _check_credential(self, role: str, name: str, path: TreePath) -> bool:
        """Whether there is such a credential, and one of it can be used in that role."""
        here = (*path, "credentials", role)
        if not self._report.known("credential", name, self._names.credentials, here, secret=True):
            return False
        credential = self._credentials.get(name)
        if credential is None or role not in ROLE_KINDS or credential.kind in ROLE_KINDS[role]:
            return True
        message = f'the credential "{name}" is of the kind {credential.kind}; as `{role}` it must be of the kind '
        self._report.add(here, message + either(ROLE_KINDS[role]))
        return False

    def _levels(self, model: TargetModel, council: str, path: TreePath) -> Sequence[levels.Level]:
        chain = [self._estate_level, self._places.council_levels[council], self._places.site_levels[model.site]]
        if model.defaults:
            own = levels.read_level(model.defaults, (*path, "defaults"), self.kinds, self._report)
            self._check_level(own)
            chain.append(own)
        if model.vantages:
            chain.append(levels.Level(path, Merged(vantages=list(model.vantages))))
        return chain

    def _vantages(self, chain: Sequence[levels.Level]) -> tuple[str, ...]:
        said = [level.general["vantages"] for level in chain if "vantages" in level.general]
        return tuple(said[-1]) if said else (self._vantage,)

    def _impact(self, model: TargetModel, chain: Sequence[levels.Level]) -> Level:
        """What the target says, else what it inherits, else that of the weightiest service it carries."""
        said = [level.impact for level in chain if level.impact is not None]
        if model.impact is not None:
            return model.impact
        if said:
            return said[-1]
        carried = [self._places.services[name].impact for name in model.services if name in self._places.services]
        return min(carried, key=_IMPACTS.index, default=Level.MEDIUM)

    def _credentials_of(self, model: TargetModel, chain: Sequence[levels.Level]) -> Mapping[str, Credential]:
        roles: dict[str, str] = {}
        for level in chain:
            roles.update(level.credentials)
        roles.update(model.credentials)
        key = tuple(sorted(roles.items()))
        if key not in self._roles:
            known = self._credentials
            self._roles[key] = {role: known[name] for role, name in key if name in known}
        return self._roles[key]

    def _checks_of(
        self,
        target: str,
        model: TargetModel,
        chain: Sequence[levels.Level],
        context: Hashable,
        vantages: tuple[str, ...],
        credentials: Mapping[str, Credential],
    ) -> tuple[CheckSpec, ...]:
        specs: dict[str, CheckSpec] = {}
        path = ("targets", target, "checks")
        seen: set[str] = set()
        for entry in entries.read_entries(model.checks, path, self._groups, self._report):
            if entry.name in seen:
                at = entry.path if entry.path[:2] == path[:2] else path
                self._report.add(at, f'a second check called "{entry.name}"; give it a `name` of its own', key=True)
                continue
            seen.add(entry.name)
            shape = self._checks.resolve(entry, chain, context)
            if shape is None:
                continue
            if "vantages" in entry.body:
                for vantage in shape.vantages or ():
                    self._report.known("vantage", vantage, self._names.vantages, (*entry.path, "vantages"))
            if self._further(entry, shape, target, path):
                self._check_roles(entry, credentials, model, path)
            if shape.places:
                shape = self._led_from_here(entry, shape)
            specs[entry.name] = shape.of(target, entry.name, vantages)
        return tuple(specs.values())

    def _led_from_here(self, entry: entries.Entry, shape: Shape) -> Shape:
        """What one run asks from several vantages is led from the estate's own, whatever a level says of others."""
        if "vantages" in entry.body and shape.vantages != (self._vantage,):
            message = f"{entry.kind} goes to other vantages by itself, where its options name them; leave this out"
            self._report.add((*entry.path, "vantages"), message)
        return replace(shape, vantages=(self._vantage,))

    def _further(self, entry: entries.Entry, shape: Shape, target: str, path: TreePath) -> bool:
        """Whether the check asks its own target. The further ones it names must be there."""
        at = entry.path if entry.path[:2] == path[:2] else path
        for name in shape.inputs:
            if name == target:
                self._report.add(at, f'"{entry.name}" names its own target; name the others', key=True)
            else:
                self._report.known("target", name, self._names.targets, at)
        for name in shape.places:
            self._report.known("vantage", name, self._names.vantages, at)
        return not shape.inputs or self.kinds[entry.kind].asks_itself

    def _check_roles(
        self, entry: entries.Entry, credentials: Mapping[str, Credential], model: TargetModel, path: TreePath
    ) -> None:
        at = entry.path if entry.path[:2] == path[:2] else path
        for roles in _lacking(self.kinds[entry.kind], {*credentials, *model.credentials}):
            message = f'"{entry.name}" needs a credential: add {roles} to the target'
            self._report.add(at, message, key=True)


def _lacking(kind: KindLike, there: Collection[str]) -> Iterator[str]:
    """What credentials a kind needs beside those that are there."""
    for needed in kind.requires:
        any_of = (needed,) if isinstance(needed, str) else needed
        if not any(role in there for role in any_of):
            yield either([f"`credentials: {{{role}: NAME}}`" for role in any_of])


def read_targets(reader: TargetReader, report: Report, names: Names) -> dict[str, Target]:
    """Every good target, and what is wrong between them."""
    targets: dict[str, Target] = {}
    for name, raw in names.targets.items():
        target = reader.read(name, raw)
        if target is not None:
            targets[name] = target
    _check_inputs(targets, reader.kinds, report, names)
    _check_formerly(targets, report, names)
    _check_circles(targets, report)
    return targets


def _check_inputs(targets: Mapping[str, Target], kinds: Mapping[str, KindLike], report: Report, names: Names) -> None:
    """A target without checks is one that another's check asks; what is read of it is told with that other one."""
    asked_by_others = {name for target in targets.values() for spec in target.checks for name in spec.inputs}
    for target in targets.values():
        said = names.targets[target.name]
        if target.name not in asked_by_others and isinstance(said, dict) and not said["checks"]:
            report.add(("targets", target.name, "checks"), entries.EMPTY, key=True)
    for target in targets.values():
        for spec in target.checks:
            for name in spec.inputs:
                asked = targets.get(name)
                if asked is None or asked is target:
                    continue
                path = ("targets", target.name, "checks")
                if asked.council not in (target.council, SHARED) and target.council != SHARED:
                    report.add(
                        path,
                        f'"{spec.name}" asks "{name}", which belongs to {asked.council}, and would tell '
                        f"{target.council} of it; let both belong to one council, or to `{SHARED}`",
                        key=True,
                    )
                for roles in _lacking(kinds[spec.kind], asked.credentials):
                    message = f'"{spec.name}" asks "{name}", which needs a credential: {roles}'
                    report.add(path, message, key=True)


def _check_formerly(targets: Mapping[str, Target], report: Report, names: Names) -> None:
    """An old name carries incidents over, so it has one heir and is nobody's name now."""
    heirs: dict[str, str] = {}
    for target in targets.values():
        for index, old in enumerate(target.formerly):
            path = ("targets", target.name, "formerly", index)
            if old in names.targets:
                report.add(path, f'"{old}" is still the name of a target ({report.source.where(("targets", old))})')
            elif old in heirs:
                heir = heirs[old]
                where = report.source.where(("targets", heir, "formerly"))
                report.add(path, f'"{old}" is already the former name of "{heir}" ({where})')
            else:
                heirs[old] = target.name


def _check_circles(targets: Mapping[str, Target], report: Report) -> None:
    # Thousands of targets share their site's need, so its names are gathered once.
    shared = {id(target.depends_on): target.depends_on for target in targets.values()}
    names_of = {key: need.names() if need else frozenset() for key, need in shared.items()}
    needs_of = {target.name: names_of[id(target.depends_on)] for target in targets.values()}
    for circle in needs.circles(needs_of):
        own = "depends_on" if _says(report, circle[0]) else "site"
        hint = "" if own == "depends_on" else "; if its site needs it, name it in the site's `depends_on`"
        report.add(("targets", circle[0], own), f"depends on itself: {' → '.join(circle)}{hint}", key=True)


def _says(report: Report, target: str) -> bool:
    raw = report.source.tree["targets"]
    entry = raw.get(target) if isinstance(raw, dict) else None
    return isinstance(entry, dict) and "depends_on" in entry
