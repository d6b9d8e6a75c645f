"""What a profile says of clusters: how its product names a member's role, and when a value means anything at all."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from config.profiles.words import Name, ProfilePart


class Role(StrEnum):
    """What a member of a cluster does, in one vocabulary for all vendors."""

    ACTIVE = "active"
    STANDBY = "standby"
    TRANSITIONAL = "transitional"
    """On its way from one role to another."""
    FAILED = "failed"
    MAINTENANCE = "maintenance"
    """Taken out by a person: it would not take over."""
    ALONE = "alone"
    """Active, and without the other members that its cluster should have."""
    NOT_CLUSTERED = "not_clustered"
    UNKNOWN = "unknown"


class When(ProfilePart):
    """A condition on the answers, exactly one of `value`, `rows`, `every` and `role`.

    `value` is a scalar, `every` a column of which all rows are meant, at least one; both are compared as an
    enumeration's words where they have one, else raw, with `among`, or with `absent: true`. `rows` counts the rows
    of a table.
    """

    value: Name | None = None
    every: Name | None = None
    among: tuple[str | int, ...] = ()
    like: tuple[str, ...] = ()
    """Patterns of texts, in which `*` and `?` stand for anything."""
    absent: bool = False
    rows: Name | None = None
    least: int = Field(default=0, ge=0)
    most: int | None = Field(default=None, ge=0)
    role: tuple[Role, ...] = ()

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        told = [self.value is not None, self.every is not None, self.rows is not None, bool(self.role)]
        if sum(told) != 1:
            raise ValueError("a condition is about exactly one of `value`, `every`, `rows` and `role`")
        compared = self.value is not None or self.every is not None
        if compared and bool(self.among) + bool(self.like) + self.absent != 1:
            raise ValueError("a condition on a value says one of `among`, `like` and `absent: true`")
        if self.rows is not None and not self.least and self.most is None:
            raise ValueError("a condition on rows says `least`, `most` or both")
        return self


class RoleRule(ProfilePart):
    """One way to know the role: `is` said outright, `of` a value whose words have roles, or that of our own row.

    The first rule whose conditions all hold, and which gives a role, decides.
    """

    when: tuple[When, ...] = ()
    role: Role | None = Field(default=None, alias="is")
    of: Name | None = None
    own_row: bool = False

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if (self.role is not None) + (self.of is not None) + self.own_row != 1:
            raise ValueError("a rule for the role has exactly one of `is`, `of` and `own_row: true`")
        if any(condition.role for condition in self.when):
            raise ValueError("a rule for the role cannot depend on the role")
        return self


class MemberTable(ProfilePart):
    """The table in which the product lists the members of its cluster as it sees them.

    A row's role is that of the word of `role`, or, with `primary`, told by the text in that column: the row whose `key`
    stands there is active, and so is one where it is blank (an older release's way); every other one is standby.
    """

    table: Name
    key: Name | None = None
    """What tells members apart over time, for example the serial number; without it the row's label."""
    role: Name | None = None
    primary: Name | None = None
    own: dict[Name, Name] = Field(default_factory=dict)
    """Column to scalar: the row in which they are equal is our own. The first that finds one decides."""
    own_like: dict[Name, str] = Field(default_factory=dict)
    """Column to a pattern with `*` and `?` that only our own row fits."""

    @model_validator(mode="after")
    def _primary_needs_a_key(self) -> Self:
        if self.primary is not None and (self.key is None or self.role is not None):
            raise ValueError("`primary` is compared with `key`, and there is no `role` beside it")
        return self


class TunnelTable(ProfilePart):
    """A table of VPN tunnels, for `expect.tunnels`."""

    table: Name
    up: Name | None = None
    """Its column of enumeration words: `up` is up. Without one every row is a tunnel that is up: down ones vanish."""
    keys: tuple[Name, ...] = ()
    """Columns, besides the label, by which the estate may name a tunnel, for example its peer."""
    permanent: Name | None = None
    """The column whose word `permanent` says that the vendor's own configuration wants the tunnel up at all times."""


class PairPart(ProfilePart):
    """How two members of this product are compared, and what tells that the standby can take over.

    Values and columns that are named here are judged of the pair, once, and no more of each member.
    """

    several_active: tuple[When, ...] = ()
    """Conditions under which more than one active member is right; all of them on every member."""
    synchronised: tuple[Name, ...] = ()
    """What says that a member has the configuration of the others: values, or a column of the table of members."""
    away: tuple[Name, ...] = ()
    """What else says what the pair's own rules say: that a member is not there, or runs other firmware."""
    checksum: Name | None = None
    """The column of the table of members that must be equal in all rows."""
    firmware: Name | None = None
    """The value whose text must be equal on all."""
    content: tuple[Name, ...] = ()
    """Dates of signatures, which must be equal on all."""
    licences: Literal["equal", "one", "own"] = "own"
    """`equal`: all need the same; `one`: those of the active member serve both; `own`: each is judged alone."""
    heartbeat: tuple[Name, ...] = ()
    """Values of the links over which the members see each other."""
    monitors: tuple[Name, ...] = ()
    """Values by which the standby says itself that something would keep it from taking over."""
    priority: Name | None = None
    """The number that is 0 on a member that must not, or cannot, take over."""
    sessions: Name | None = None
    """The number of sessions, about the same on all where they are synchronised."""
    interfaces: tuple[str, ...] = ()
    """Patterns of interfaces that are up on the standby too when they are up on the active member."""
    reason: Name | None = None
    """The value, or column, whose words say why this member became the active one."""
    elected: Name | None = None
    """The column beside `reason`, newest row first, with the serial number of the member that was chosen: where it is
    another one's, the row is about another time."""
    addresses_by: str | None = None
    """The command template that lists a member's addresses over SSH."""

    @classmethod
    def of_all(cls, parts: Sequence[PairPart]) -> PairPart:
        """What several profiles of one product say together: all names of them, and else what the first has to say."""
        if len(parts) == 1:
            return parts[0]
        nothing = cls()
        said: dict[str, Any] = {}
        for name in cls.model_fields:
            values = [value for part in parts if (value := getattr(part, name)) != getattr(nothing, name)]
            if values and isinstance(values[0], tuple):
                said[name] = tuple(dict.fromkeys(one for value in values for one in value))
            elif values:
                said[name] = values[0]
        return cls.model_construct(**said)


class FirewallPart(ProfilePart):
    """What makes a profile one of a firewall."""

    vendor: str = Field(min_length=1, max_length=60)
    model: Name | None = None
    serial: Name | None = None
    firmware: Name | None = None
    roles: tuple[RoleRule, ...] = ()
    """None at all: the product tells nothing of a cluster by this way."""
    shown: tuple[Name, ...] = ()
    """Values whose raw texts are shown with the role."""
    peers: tuple[RoleRule, ...] = ()
    """What the product says of the other member, where it has no table of them."""
    members: MemberTable | None = None
    tunnels: tuple[TunnelTable, ...] = ()
    licences: tuple[Name, ...] = ()
    """The tables of licences, for `expect.licences`."""
    vpn_users: tuple[Name, ...] = ()
    """Scalars and columns whose sum is the number of users connected by remote-access VPN."""
    pair: PairPart = PairPart()
