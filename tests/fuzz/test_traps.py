"""Traps of Mitel systems, mutated: each is refused with a reason, or read, and then it has few printable words."""

from __future__ import annotations

from pyasn1.codec.ber import encoder  # type: ignore[import-untyped]
from pyasn1.type import univ  # type: ignore[import-untyped]

from checks.telephony.mitel.traps import NOTICES
from checks.transports.snmp import notification
from checks.transports.snmp.credentials import resolve
from checks.transports.snmp.encoding import number, tlv
from checks.transports.snmp.engine import Engine, engine_id
from checks.transports.snmp.envelope import Clocks, Keyring, Opened, opened
from checks.transports.snmp.errors import Malformed, NotAuthenticated
from checks.transports.snmp.notification import Notification
from testbeds.mutation import mutated
from testbeds.snmpd import USERS, community, user

MITEL = "1.3.6.1.4.1.1027"
ICP, ALARMS = f"{MITEL}.1.2.3", f"{MITEL}.4.1.1.2.2"


def oid(name: str) -> bytes:
    encoded: bytes = encoder.encode(univ.ObjectIdentifier(name))
    return encoded


def bound(name: str, value: bytes) -> bytes:
    return tlv(0x30, oid(name), value)


PRIMARY = f"{MITEL}.4.1.1.2.4.1.1"
NAME = bound("1.3.6.1.2.1.1.5.0", tlv(0x04, b"controller-a"))
VARIABLES = {
    301: (bound(f"{ALARMS}.1.0", number(3)), bound(f"{ALARMS}.2.0", tlv(0x04, bytes(8)))),
    302: (bound(f"{ALARMS}.5.0", number(9)), bound(f"{ALARMS}.6.0", number(9))),
    303: (bound(f"{ALARMS}.7.0", number(3)), bound(f"{ALARMS}.8.0", number(0x0103))),
    501: (bound(f"{PRIMARY}.2.1.65", tlv(0x04, b"7")), bound(f"{PRIMARY}.1.1.65", tlv(0x04, b"A"))),
}  # fmt: skip
EMERGENCY = (
    bound(f"{MITEL}.4.1.1.3.1", number(12)),
    bound(f"{MITEL}.4.1.1.3.4", tlv(0x04, b"5550199")),
    bound(f"{MITEL}.4.1.1.3.7", tlv(0x04, b"999")),
)
COMMON = (bound(f"{MITEL}.4.9.1.1.1.1.0", number(3)), bound(f"{MITEL}.4.9.1.1.2.1.2.1", tlv(0x04, b"communications")))


def version_1(enterprise: str, specific: int, *variables: bytes) -> bytes:
    """RFC 1157, section 4.1.6."""
    head = (oid(enterprise), tlv(0x40, bytes(4)), number(6), number(specific), tlv(0x43, b"\x05"))
    return message(b"\x00", tlv(0xA4, *head, tlv(0x30, NAME, *variables)))


def version_2(trap: str, *variables: bytes, tag: int = 0xA7) -> bytes:
    """RFC 3416, section 4.2.6."""
    first = (bound("1.3.6.1.2.1.1.3.0", tlv(0x43, b"\x05")), bound("1.3.6.1.6.3.1.1.4.1.0", oid(trap)))
    return message(b"\x01", tlv(tag, number(1), number(0), number(0), tlv(0x30, *first, NAME, *variables)))


def message(version: bytes, pdu: bytes) -> bytes:
    return tlv(0x30, tlv(0x02, version), tlv(0x04, b"public"), pdu)


CORPUS = (
    *(version_1(ICP, specific, *variables) for specific, variables in VARIABLES.items()),
    *(version_2(f"{ICP}.0.{specific}", *variables) for specific, variables in VARIABLES.items()),
    version_1(f"{MITEL}.4.1.1.3", 401, *EMERGENCY),
    version_2(f"{MITEL}.4.1.1.3.0.401", *EMERGENCY, tag=0xA6),
    version_2(f"{MITEL}.4.9.1.2.1", *COMMON),
    version_2(f"{MITEL}.1.2.4.0.406", bound(f"{MITEL}.4.9.1.1.3.1", number(1))),
)


def test_a_datagram_is_refused_with_a_reason_or_has_few_printable_words() -> None:
    credentials = [community(), *(user(name) for name in USERS)]
    keyring = Keyring.of({credential.name: resolve(credential) for credential in credentials})
    engine, clocks = Engine(engine_id("a test"), 0.0, lambda: 0.0), Clocks()

    for octets in (*CORPUS, *mutated(CORPUS)):
        try:
            found = opened(octets, keyring, engine, clocks, 0.0)
        except (Malformed, NotAuthenticated) as error:
            assert str(error)
            continue
        assert isinstance(found, Opened)
        check_read(found.pdu, found.version, found.inform)


def test_a_notification_that_was_never_checked_is_refused_or_read_all_the_same() -> None:
    bodies = tuple(octets[octets.index(b"public") + 6 :] for octets in CORPUS)

    for pdu in mutated(bodies):
        check_read(pdu, "1" if pdu[:1] == b"\xa4" else "2c", pdu[:1] == b"\xa6")


def test_every_member_of_the_corpus_is_understood() -> None:
    for octets in CORPUS:
        pdu = octets[octets.index(b"public") + 6 :]
        said = _read(pdu, "1" if pdu[0] == 0xA4 else "2c", pdu[0] == 0xA6)

        assert isinstance(said, Notification)
        assert said.system_name == "controller-a"
        assert NOTICES.read(said.trap, said.bindings) is not None


def check_read(pdu: bytes, version: str, inform: bool) -> None:
    said = _read(pdu, version, inform)
    if isinstance(said, str):
        assert said
        return
    notice = NOTICES.read(said.trap, said.bindings)
    if notice is not None:
        assert notice.name in NOTICES.names
        assert notice.words.isprintable() and len(notice.words) <= 200
        assert notice.change or not any(digit in notice.words for digit in "0123456789")


def _read(pdu: bytes, version: str, inform: bool) -> Notification | str:
    try:
        return notification.read(pdu, source="192.0.2.1", version=version, credentials=frozenset(), inform=inform)
    except Malformed as error:
        return str(error)
