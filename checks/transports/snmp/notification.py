"""Traps and informs as the rest of the house sees them, decoded by pysnmp: numeric OIDs only, no MIB is looked up.

SNMPv1 traps are given in the form of version 2 (RFC 3584, section 3.1). What reaches pysnmp here is bounded, well
formed and from somebody who proved to be of the estate (`checks.transports.snmp.envelope`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber import decoder  # type: ignore[import-untyped]
from pyasn1.type import univ  # type: ignore[import-untyped]
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.proxy import rfc2576

from checks.transports.snmp.errors import Malformed
from checks.transports.snmp.values import Missing, Value

UPTIME = "1.3.6.1.2.1.1.3.0"
TRAP = "1.3.6.1.6.3.1.1.4.1.0"
ENTERPRISE = "1.3.6.1.6.3.1.1.4.3.0"
ADDRESS = "1.3.6.1.6.3.18.1.3.0"
COMMUNITY = "1.3.6.1.6.3.18.1.4.0"
SYSTEM_NAME = "1.3.6.1.2.1.1.5"
_LONGEST = 1024
"""Octets of a value that are kept."""
STANDARD = ("coldStart", "warmStart", "linkDown", "linkUp", "authenticationFailure", "egpNeighborLoss")
"""SNMPv2-MIB and IF-MIB (RFC 3418, RFC 2863), in the order of their numbers."""
_NAMES = {f"1.3.6.1.6.3.1.1.5.{number}": name for number, name in enumerate(STANDARD, start=1)}


@dataclass(frozen=True, slots=True)
class Notification:
    """What a trap or an inform says. It is a prompt to ask the device, never a state itself."""

    source: str
    """The address that it came from, without port."""
    version: str
    """"1", "2c" or "3"."""
    credentials: frozenset[str]
    """Names of the credentials whose community or user it proved to have."""
    inform: bool
    trap: str
    """snmpTrapOID."""
    enterprise: str = ""
    uptime: int | None = None
    """sysUpTime in hundredths of a second."""
    origin: str = ""
    """The device that a forwarder speaks for: snmpTrapAddress, or agent-addr of version 1; empty when not given."""
    origin_community: bytes = b""
    """snmpTrapCommunity, by which a forwarder says what the device had proved. A secret: never shown."""
    system_name: str = ""
    """sysName, if the sender put it in."""
    bindings: tuple[tuple[str, Value], ...] = ()
    """The rest, without the parts above; values cut at 1,024 octets."""

    def __repr__(self) -> str:
        return f"Notification({self.source!r}, {self.version!r}, {self.words!r}, inform={self.inform})"

    @property
    def words(self) -> str:
        """The name of a standard trap, else its OID."""
        return _NAMES.get(self.trap, self.trap)


def read(pdu: bytes, *, source: str, version: str, credentials: frozenset[str], inform: bool) -> Notification:
    """Decode a notification PDU. Raises Malformed."""
    try:
        bindings = _bindings(pdu, version, inform)
    except Exception as error:  # pysnmp and pyasn1 raise whatever their depths do on odd octets
        raise Malformed(f"a notification that cannot be decoded ({type(error).__name__})") from error
    trap = bindings.pop(TRAP, None)
    if not isinstance(trap, str):
        raise Malformed("a notification that does not say which (no snmpTrapOID)")
    enterprise, uptime, origin, community = (
        bindings.pop(oid, None) for oid in (ENTERPRISE, UPTIME, ADDRESS, COMMUNITY)
    )
    name = next((value for oid, value in bindings.items() if oid in (SYSTEM_NAME, f"{SYSTEM_NAME}.0")), b"")
    return Notification(
        source=source,
        version=version,
        credentials=credentials,
        inform=inform,
        trap=trap,
        enterprise=enterprise if isinstance(enterprise, str) else "",
        uptime=uptime if isinstance(uptime, int) else None,
        origin=origin if isinstance(origin, str) and origin != "0.0.0.0" else "",
        origin_community=community if isinstance(community, bytes) else b"",
        system_name=_printable(name) if isinstance(name, bytes) else "",
        bindings=tuple(bindings.items()),
    )


def _bindings(pdu: bytes, version: str, inform: bool) -> dict[str, Value]:
    """Values by OID, in order; of two with the same OID the first counts."""
    if version == "1":
        decoded, _ = decoder.decode(pdu, asn1Spec=v1.TrapPDU())
        decoded = rfc2576.v1_to_v2(decoded)
    else:
        decoded, _ = decoder.decode(pdu, asn1Spec=v2c.InformRequestPDU() if inform else v2c.SNMPv2TrapPDU())
    found: dict[str, Value] = {}
    for oid, value in v2c.apiPDU.get_varbinds(decoded):
        found.setdefault(str(oid), _value(value))
    return found


def _value(value: Any) -> Value:
    if value.tagSet == rfc1902.IpAddress.tagSet:
        return ".".join(str(octet) for octet in bytes(value))
    if isinstance(value, univ.ObjectIdentifier):
        return str(value)
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.OctetString):
        return bytes(value)[:_LONGEST]
    for kind, missing in (
        (rfc1905.NoSuchObject, Missing.OBJECT),
        (rfc1905.NoSuchInstance, Missing.INSTANCE),
        (rfc1905.EndOfMibView, Missing.END),
    ):
        if isinstance(value, kind):
            return missing
    return Missing.NULL


def _printable(name: bytes) -> str:
    return "".join(letter for letter in name.decode("utf-8", "replace") if letter.isprintable())[:255]
