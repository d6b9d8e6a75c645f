"""What each member of a pair tells: of itself, and of the others by their names in the estate. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.contract import Assessment, State
from checks.firewall.members import Member, Membership, Told, membership
from checks.firewall.pair.answers import MemberPart
from checks.firewall.pair.options import Mode, PairOptions
from checks.firewall.voices import Voice, membership_of, voices
from checks.network import raw
from checks.network.conditions import Conditions
from checks.network.rows import Row, Rows, rows_of
from checks.network.transform import Answer
from config.profiles.asks import Way
from config.profiles.roles import PairPart, Role

Listed = tuple[tuple[Member, Row], ...]
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
    """One member, and everything it says. Without answers it has neither voices nor a membership."""

    name: str
    part: MemberPart
    voices: tuple[Voice, ...] = ()
    """By which ways it was read, the one that counts first first."""
    found: Membership | None = None
    own: Assessment | None = None
    """Its own values, judged as if it stood alone."""
    listed: tuple[Listed, ...] = ()
    """By each of its voices: the members that it lists, each with its row."""

    @property
    def read(self) -> bool:
        """Whether it was read, wholly or in part, by a profile."""
        return self.found is not None

    @property
    def whole(self) -> bool:
        """Whether it was read to the end, as far as that is asked at every run."""
        return self.read and not self.part.cut_short

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
        """What its product says of pairs, by all profiles that it is read by."""
        return PairPart.of_all([voice.part.pair for voice in self.voices]) if self.voices else PairPart()

    @property
    def serial(self) -> str:
        """Its serial number; empty where it tells none."""
        return next(filter(None, (_text(voice, voice.part.serial) for voice in self.voices)), "")

    def story(self) -> str:
        """What it says of itself, in words."""
        if self.found is None:
            return f"{self.name} cannot be read"
        if not self.found.told_at_all:
            return f"{self.name} tells no role"
        said = f" ({self.found.told.raw})" if self.found.told.raw not in ("", self.role.value) else ""
        return f"{self.name} is {WORDS[self.role]}{said}"

    def texts(self, scalar: str | None) -> dict[Way, str]:
        """One of its values as text, by each way that tells it: different ways may spell it differently."""
        return {voice.way: text for voice in self.voices if (text := _text(voice, scalar))}

    def number(self, scalar: str | None) -> float | None:
        """A value that is a number, by the first way that tells it; None where it is none."""
        for voice in self.voices:
            said = _said(voice, scalar)
            if isinstance(said, int | float):
                return float(said)
        return None

    def rows(self, table: str) -> tuple[tuple[Row, ...], bool]:
        """The rows of a table that the product may lack, and whether they are all; by the first way that has all."""
        tables = [found for voice in self.voices if (found := table_of(voice, table)) is not None]
        best = next((found for found in tables if found.complete), tables[0] if tables else None)
        return ((), False) if best is None else (best.rows, best.complete)

    def findings(self, names: Sequence[str]) -> Iterator[tuple[State, str]]:
        """State and sentence of its own findings on these values and columns, with the row that one is about."""
        for finding in () if self.own is None else self.own.findings:
            _, name, *_ = finding.key.split("/", 2)
            if name in names:
                yield finding.state, finding.summary


def _said(voice: Voice, scalar: str | None) -> Answer:
    plan = None if scalar is None else voice.reader.plan.by_name.get(scalar)
    return None if plan is None else raw.told(plan, voice.answers.values, voice.answers.errors)


def _text(voice: Voice, scalar: str | None) -> str:
    said = _said(voice, scalar)
    return "" if said is None else str(said).strip()[:100]


def table_of(voice: Voice, name: str) -> Rows | None:
    """A table by one way; None where its profile has none of that name."""
    plan = next((table for table in voice.reader.plan.tables if table.name == name), None)
    return None if plan is None else rows_of(plan, voice.answers)


def _listed(voice: Voice) -> Listed:
    if voice.part.members is None:
        return ()
    found, rows = membership(voice.part, voice.reader.plan, voice.answers), table_of(voice, voice.part.members.table)
    if rows is None or len(rows.rows) != len(found.members):
        return ()
    return tuple(zip(found.members, rows.rows, strict=True))


def view(name: str, part: MemberPart, options: PairOptions, own: Assessment | None) -> View:
    """What the part of one member tells."""
    if part.answers is None or not part.answers.profile:
        return View(name, part)
    some = voices(options, part.answers, not part.cut_short)
    return View(name, part, some, membership_of(some)[0], own, tuple(map(_listed, some)))


def told_of(teller: View, other: View, views: Sequence[View]) -> Told | None:
    """What one member says of another; None where it does not speak of it.

    A row is another's by its serial number, or else by being the one row of two that is not the teller's own.
    """
    if teller.found is None:
        return None
    others = [member for member in teller.found.members if not member.own]
    serial = other.serial
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
    read = [view for view in views if view.voices]
    return bool(read) and all(_several(view) for view in read)


def _several(view: View) -> bool:
    return any(
        Conditions(voice.reader.plan, voice.answers).all_hold(voice.part.pair.several_active)
        for voice in view.voices
        if voice.part.pair.several_active
    )
