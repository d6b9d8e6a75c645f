"""What each member of a pair tells: of itself, and of the others by their names in the estate. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.contract import Assessment, State
from checks.firewall.members import Member, Membership, Told, membership
from checks.firewall.options import Reader
from checks.firewall.pair.answers import MemberPart
from checks.firewall.pair.options import Mode, PairOptions
from checks.firewall.rows import Row, rows_of
from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.conditions import Conditions
from config.profiles.roles import FirewallPart, PairPart, Role

SERVING = (Role.ACTIVE, Role.ALONE)
WORDS: Mapping[Role, str] = {role: role.value for role in Role} | {
    Role.TRANSITIONAL: "changing its role",
    Role.MAINTENANCE: "taken out by a person",
    Role.ALONE: "active and alone",
    Role.NOT_CLUSTERED: "in no cluster",
    Role.UNKNOWN: "in a role that cannot be told",
}


@dataclass(frozen=True, slots=True)
class View:
    """One member, and everything it says. Without answers it has neither a reader nor a membership."""

    name: str
    part: MemberPart
    reader: Reader | None = None
    found: Membership | None = None
    own: Assessment | None = None
    """Its own values, judged as if it stood alone."""

    @property
    def read(self) -> bool:
        """Whether it was read, wholly or in part, by a profile."""
        return self.found is not None

    @property
    def whole(self) -> bool:
        """Whether it was read to the end."""
        return self.read and self.part.fault is None

    @property
    def role(self) -> Role:
        """The role it says it has; unknown where it was not read."""
        return Role.UNKNOWN if self.found is None else self.found.told.role

    @property
    def serves(self) -> bool:
        """Whether it says that it does the work."""
        return self.role in SERVING

    @property
    def pair(self) -> PairPart:
        """What its product says of pairs."""
        return self.firewall.pair if self.reader is not None else PairPart()

    @property
    def firewall(self) -> FirewallPart:
        """Its product's part of the profile. Only for one that was read."""
        assert self.reader is not None and self.reader.profile.firewall is not None  # readers are of firewalls
        return self.reader.profile.firewall

    @property
    def snmp(self) -> SnmpAnswers:
        """What it answered; nothing where it did not."""
        return SnmpAnswers() if self.part.answers is None else self.part.answers.snmp

    def story(self) -> str:
        """What it says of itself, in words."""
        if self.found is None:
            return f"{self.name} cannot be read"
        if not self.found.told_at_all:
            return f"{self.name} tells no role"
        said = f" ({self.found.told.raw})" if self.found.told.raw not in ("", self.role.value) else ""
        return f"{self.name} is {WORDS[self.role]}{said}"

    def text(self, scalar: str | None) -> str:
        """The text of one of its values; empty where there is none."""
        plan = None if self.reader is None or scalar is None else self.reader.plan.by_name.get(scalar)
        said = None if plan is None else raw.told(plan, self.snmp.values, self.snmp.errors)
        return "" if said is None else str(said).strip()[:100]

    def number(self, scalar: str | None) -> float | None:
        """A value that is a number; None where it is none."""
        plan = None if self.reader is None or scalar is None else self.reader.plan.by_name.get(scalar)
        said = None if plan is None else raw.told(plan, self.snmp.values, self.snmp.errors)
        return float(said) if isinstance(said, int | float) else None

    def rows(self, table: str) -> tuple[tuple[Row, ...], bool]:
        """The rows of a table that the product may lack, and whether they are all."""
        if self.reader is None or all(plan.name != table for plan in self.reader.plan.tables):
            return (), False
        found = rows_of(self.reader.plan.table(table), self.snmp)
        return found.rows, found.complete

    def findings(self, names: Sequence[str]) -> Iterator[tuple[State, str]]:
        """State and sentence of its own findings on these values and columns, with the row that one is about."""
        for finding in () if self.own is None else self.own.findings:
            _, name, *row = finding.key.split("/", 2)
            if name in names:
                yield finding.state, f"{row[0]}: {finding.summary}" if row else finding.summary


def view(name: str, part: MemberPart, options: PairOptions, own: Assessment | None) -> View:
    """What the part of one member tells."""
    if part.answers is None or not part.answers.profile:
        return View(name, part)
    reader = options.reader_of(part.answers.profile)
    firewall = reader.profile.firewall
    assert firewall is not None  # readers are of firewalls
    return View(name, part, reader, membership(firewall, reader.plan, part.answers.snmp), own)


def told_of(teller: View, other: View, views: Sequence[View]) -> Told | None:
    """What one member says of another; None where it does not speak of it.

    A row is another's by its serial number, or else by being the one row of two that is not the teller's own.
    """
    if teller.found is None:
        return None
    others = [member for member in teller.found.members if not member.own]
    serial = other.text(other.firewall.serial) if other.read else ""
    for member in others:
        if serial and member.key == serial:
            return member.told
    if len(views) == 2 and len(others) == 1 and len(teller.found.members) <= 2 and not _foreign(others[0], serial):
        return others[0].told
    return None


def _foreign(member: Member, serial: str) -> bool:
    """Whether the row is certainly another's: both serial numbers are known, and differ."""
    return bool(serial) and member.key not in ("peer", member.label) and member.key != serial


def several_active(views: Sequence[View], mode: Mode) -> bool:
    """Whether more than one active member is right."""
    if mode is not Mode.AUTO:
        return mode is Mode.ACTIVE_ACTIVE
    read = [view for view in views if view.reader is not None]
    return bool(read) and all(_several(view) for view in read)


def _several(view: View) -> bool:
    assert view.reader is not None  # for mypy
    conditions = view.pair.several_active
    return bool(conditions) and Conditions(view.reader.plan, view.snmp).all_hold(conditions)
