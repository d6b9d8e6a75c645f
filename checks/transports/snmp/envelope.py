"""Who sent a notification, and may it be believed? Decided before anything of it is decoded. No I/O.

Everything that costs much, and every library, comes after this: a stranger's octets reach neither pysnmp nor pyasn1.
pysnmp's own engine is not used for it: measured with 7.1.30, it takes a trap in plain text for one of a user whose
traps must be signed and encrypted, as long as the sender names itself as the authority, and takes replayed ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from checks.transports.snmp import wire
from checks.transports.snmp.credentials import Access, User
from checks.transports.snmp.engine import NOT_IN_TIME, UNKNOWN_ENGINE, Engine, as_response
from checks.transports.snmp.errors import Malformed, NotAuthenticated
from checks.transports.snmp.v3 import decrypted, privacy_key

_TRAP_V1 = 0xA4
_INFORM = 0xA6
_TRAP = 0xA7
_VERSIONS = {b"\x00": "1", b"\x01": "2c", b"\x03": "3"}
_REPORTABLE = 4
_TIME_WINDOW = 150
"""Seconds by which a signed message may be off (RFC 3414, section 2.2.3)."""
_MOST_ENGINES = 4096
_MOST_BINDINGS = 128
_SHORTEST_ENGINE_ID = 5
_TRAP_HEAD = ((0x06, range(1, 128)), (0x40, range(4, 5)), (0x02, range(1, 2)), (0x02, range(1, 5)), (0x43, range(1, 6)))
"""Type and octets of enterprise, agent-addr, generic-trap, specific-trap and time-stamp."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The communities and users that the estate knows; each with the names of the credentials that it proves."""

    communities: Mapping[bytes, frozenset[str]]
    users: Mapping[bytes, tuple[tuple[User, frozenset[str]], ...]]

    @classmethod
    def of(cls, accesses: Mapping[str, Access]) -> Keyring:
        """A keyring of resolved credentials by name."""
        communities: dict[bytes, set[str]] = {}
        users: dict[bytes, dict[User, set[str]]] = {}
        for name, access in accesses.items():
            if access.user is not None:
                users.setdefault(access.user.name.encode(), {}).setdefault(access.user, set()).add(name)
            else:
                communities.setdefault(access.community.encode(), set()).add(name)
        return cls(
            {community: frozenset(names) for community, names in communities.items()},
            {
                user: tuple((each, frozenset(names)) for each, names in found.items())
                for user, found in users.items()
            },
        )  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A notification that may be believed, still encoded."""

    version: str
    credentials: frozenset[str]
    pdu: bytes
    inform: bool
    answer: bytes = b""
    """The acknowledgement of an inform."""


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """No notification, but a step towards one: an SNMPv3 engine asks for our engine id or our clock."""

    answer: bytes


class Clocks:
    """What SNMPv3 engines said of their clocks, so that an old trap cannot be sent again (RFC 3414, section 3.2.7b)."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, int, float]] = OrderedDict()

    def fresh(self, head: wire.Secured, now: float) -> bool:
        """Whether a signed message is not older than what was heard before; it is remembered then."""
        boots, time, at = self._known.get(head.engine_id, (0, 0, now))
        if head.boots < boots or (head.boots == boots and head.time < time + (now - at) - _TIME_WINDOW):
            return False
        if (head.boots, head.time) > (boots, time):
            self._known[head.engine_id] = (head.boots, head.time, now)
        if head.engine_id in self._known:
            self._known.move_to_end(head.engine_id)
        if len(self._known) > _MOST_ENGINES:
            self._known.popitem(last=False)
        return True


def opened(data: bytes, keyring: Keyring, engine: Engine, clocks: Clocks, now: float) -> Opened | Report:
    """Check a datagram. Raises Malformed, or NotAuthenticated when nobody of the estate is known to have sent it."""
    _, at, end = wire.element(data, 0, len(data))
    if data[0] != 0x30 or end != len(data):
        raise Malformed("not an SNMP message")
    tag, start, at = wire.element(data, at, end)
    version = _VERSIONS.get(data[start:at]) if tag == 0x02 else None
    if version is None:
        raise Malformed("not a version of SNMP")
    if version == "3":
        return _signed(data, keyring, engine, clocks, now)
    tag, start, stop = wire.element(data, at, end)
    if tag != 0x04:
        raise Malformed("no community")
    proved = keyring.communities.get(data[start:stop])
    if proved is None:
        raise NotAuthenticated("a community that no target of the estate has")
    _check(data, stop, end, version)
    inform = data[stop] == _INFORM
    return Opened(version, proved, data[stop:], inform, as_response(data, stop) if inform else b"")


def _signed(data: bytes, keyring: Keyring, engine: Engine, clocks: Clocks, now: float) -> Opened | Report:
    """Version 3 with the user-based security model (RFC 3414, section 3.2)."""
    head = wire.secured(data)
    number, flags = _header(data)
    ours = head.engine_id == engine.id
    if not ours and flags & _REPORTABLE:
        return Report(engine.report(number, UNKNOWN_ENGINE))
    if len(head.engine_id) < _SHORTEST_ENGINE_ID:
        raise Malformed("an engine id that cannot be")
    user, proved = _user(data, head, keyring)
    if user.auth is not None:
        if not ours and not clocks.fresh(head, now):
            raise NotAuthenticated("an old message sent again, or a device whose engine boots do not rise")
        if ours and (head.boots != engine.boots or abs(head.time - engine.time) > _TIME_WINDOW):
            if flags & _REPORTABLE:
                return Report(engine.report(number, NOT_IN_TIME, user))
            raise NotAuthenticated("a message whose time is not ours")
    scoped, at = _scoped(data, head, user)
    inform = scoped[at] == _INFORM
    if inform and not ours:
        raise NotAuthenticated("an inform to somebody else")
    return Opened("3", proved, scoped[at:], inform, engine.acknowledgement(number, user, scoped, at) if inform else b"")


def _header(data: bytes) -> tuple[int, int]:
    """msgID and msgFlags; the message is known to be well formed up to there."""
    _, at, end = wire.element(data, 0, len(data))
    _, _, at = wire.element(data, at, end)
    _, at, end = wire.element(data, at, end)
    _, start, at = wire.element(data, at, end)
    number = int.from_bytes(data[start:at], signed=True)
    _, _, at = wire.element(data, at, end)
    _, start, _ = wire.element(data, at, end)
    if not 0 <= number < 2**31:
        raise Malformed("a message number that cannot be")
    return number, data[start]


def _user(data: bytes, head: wire.Secured, keyring: Keyring) -> tuple[User, frozenset[str]]:
    """The user who sent it, with exactly the security that the estate gives to that user."""
    for user, names in keyring.users.get(head.user, ()):
        if (user.auth is not None, user.privacy is not None) != (head.authenticated, head.encrypted):
            continue
        if user.auth is None or wire.signed_by(
            data, head, user.signing_key(head.engine_id), user.auth.digest, user.auth.signature_length
        ):
            return user, names
    raise NotAuthenticated("a user, a password or a security level that no target of the estate has")


def _scoped(data: bytes, head: wire.Secured, user: User) -> tuple[bytes, int]:
    """The scoped PDU in plain, and where its PDU begins."""
    if user.privacy is None:
        return _checked(data[slice(*head.data)])
    start, stop = wire.octets(data, head.data)
    try:
        return _checked(decrypted(data[start:stop], privacy_key(user, head.engine_id), head))
    except Malformed as error:
        raise NotAuthenticated("what is encrypted with another password than the estate's") from error


def _checked(scoped: bytes) -> tuple[bytes, int]:
    tag, at, end = wire.element(scoped, 0, len(scoped))
    if tag != 0x30:
        raise Malformed("no scoped PDU")
    scoped = scoped[:end]
    for _ in range(2):
        _, _, at = wire.element(scoped, at, end)
    _check(scoped, at, end, "3")
    return scoped, at


def _check(data: bytes, at: int, end: int, version: str) -> None:
    """Every length and type in the PDU at `at`, so that decoding it is cheap and cannot go astray."""
    tag, start, stop = wire.element(data, at, end)
    if stop != end or tag not in ((_TRAP_V1,) if version == "1" else (_TRAP, _INFORM)):
        raise Malformed(f"a PDU of type 0x{tag:02x}, which is no notification of version {version}")
    pdu = _as_version_2(data, start, stop) if version == "1" else (data, start, stop)
    found = wire.response(pdu)
    if found.status or len(found.types) > _MOST_BINDINGS:
        raise Malformed("an error status in a notification, or too many variable bindings")


def _as_version_2(data: bytes, at: int, end: int) -> wire.Span:
    """The bindings of a Trap-PDU (RFC 1157, section 4.1.6), behind the three numbers that later versions have."""
    for wanted, lengths in _TRAP_HEAD:
        tag, start, stop = wire.element(data, at, end)
        if tag != wanted or stop - start not in lengths:
            raise Malformed("a trap of version 1 whose head cannot be read")
        at = stop
    body = b"\x02\x01\x00" * 3 + data[at:end]
    return body, 0, len(body)
