"""Certificates as checks meet them: what one says, how long it lasts, and whether its key still counts as strong.

Pure: octets in, facts and judgements out. What is read here was sent by a stranger. X.509 is RFC 5280; a pin is
`sha256/BASE64` over the SubjectPublicKeyInfo (RFC 7469, section 2.4), so that it outlives a renewal with the same key.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from checks.contract import Family, State
from checks.printable import printable as plain

if TYPE_CHECKING:
    from cryptography import x509

NOT_AFTER = Family(
    "ridgeway_certificate_not_after_timestamp_seconds",
    "When a certificate that was shown stops being valid; `certificate` is the port, its place in the chain after /.",
    unit="seconds",
    labels=("certificate",),
)
DAY = 86_400.0
SHORT_LIVED = 30 * DAY
"""A certificate made for less than this is renewed by a machine: days left say nothing, the part left does."""
_LONGEST = 120
_FEWEST_BITS = {"RSA": 2048, "EC": 224, "DSA": 1 << 20}
"""DSA is weak at any size: no current client takes it."""
_WEAK_HASHES = frozenset({"md5", "sha1"})


class Unreadable(Exception):
    """These octets are no certificate that can be read; asking again does not help. The text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one certificate says. Times are Unix seconds; texts hold printable characters only, and not many."""

    subject: str
    issuer: str
    common_name: str
    not_before: float
    not_after: float
    dns_names: tuple[str, ...]
    ip_names: tuple[str, ...]
    """In canonical form."""
    names_fault: str
    """Why the list of names could not be read; empty when it could, or when there is none."""
    key: str
    """`RSA 2048`, `EC secp256r1`, `Ed25519`, `DSA 1024`; `unknown` when this machine does not know the kind."""
    key_bits: int
    """0 when the kind has no size to speak of."""
    signature_hash: str
    """`sha256`, `sha1`, …; empty when the signature algorithm has none of its own (Ed25519)."""
    pin: str
    """`sha256/BASE64` of the public key; empty when the key's kind is unknown."""

    @property
    def self_issued(self) -> bool:
        return self.subject == self.issuer


@lru_cache(maxsize=256)
def read(der: bytes) -> Certificate:
    """What a certificate in DER says; raises Unreadable. Kept for the next time: most targets show the same again."""
    from cryptography import x509

    try:
        read_in = x509.load_der_x509_certificate(der)
        names, addresses, fault = _names(read_in)
        key, bits, pin = _key(read_in)
        return Certificate(
            subject=_distinguished(read_in.subject),
            issuer=_distinguished(read_in.issuer),
            common_name=_common_name(read_in.subject),
            not_before=read_in.not_valid_before_utc.timestamp(),
            not_after=read_in.not_valid_after_utc.timestamp(),
            dns_names=names,
            ip_names=addresses,
            names_fault=fault,
            key=key,
            key_bits=bits,
            signature_hash=_signature_hash(read_in),
            pin=pin,
        )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise Unreadable(printable(str(error)) or type(error).__name__) from error


def printable(text: str, longest: int = _LONGEST) -> str:
    """The text without control characters, at most so long; where it is cut, it says so."""
    clean = plain(text, longest + 1)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def life(certificate: Certificate, now: float, warning_days: float, critical_days: float) -> tuple[State, str]:
    """How much longer it is valid, and what that means; the text lacks its subject: `expires in 12 days (…)`.

    One made for less than 30 days is judged by the part that is left: a third is a warning, a ninth is critical.
    """
    if now < certificate.not_before:
        return State.CRITICAL, f"is not valid before {_moment(certificate.not_before)}"
    left = certificate.not_after - now
    if left < 0:
        return State.CRITICAL, f"expired {_span(-left)} ago ({_moment(certificate.not_after)})"
    whole = certificate.not_after - certificate.not_before
    short = whole < SHORT_LIVED
    said = f"expires in {_span(left)} ({_moment(certificate.not_after)})"
    if left < (whole / 9 if short else critical_days * DAY):
        return State.CRITICAL, said
    if left < (whole / 3 if short else warning_days * DAY):
        return State.WARNING, said
    return State.OK, said


def weakness(certificate: Certificate) -> str:
    """What is weak about its key or the signature on it; empty when nothing is (NIST SP 800-131A)."""
    found = []
    kind = certificate.key.split(" ")[0]
    if (
        kind == "DSA"
        or (kind == "RSA" and certificate.key_bits < 2048)
        or (kind == "EC" and certificate.key_bits < 224)
    ):
        found.append(f"has a weak key ({certificate.key})")
    if certificate.signature_hash in _WEAK_HASHES and not certificate.self_issued:
        found.append(f"is signed with {certificate.signature_hash.upper()}")
    return " and ".join(found)


def _moment(seconds: float) -> str:
    """A day, and the time of it, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%-d %B %Y %H:%M} UTC"


def _span(seconds: float) -> str:
    for size, unit in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def _distinguished(name: x509.Name) -> str:
    return printable(name.rfc4514_string(), 200)


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    value = found[-1].value if found else ""
    return printable(value if isinstance(value, str) else value.decode("utf-8", "replace"))


def _names(read_in: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    from cryptography import x509

    try:
        listed = read_in.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(listed.get_values_for_type(x509.DNSName))
        addresses = tuple(str(address) for address in listed.get_values_for_type(x509.IPAddress))
    except x509.ExtensionNotFound:
        return (), (), ""
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return (), (), printable(str(error))
    return names, addresses, ""


def _key(read_in: x509.Certificate) -> tuple[str, int, str]:
    """What kind of key it is, its bits, and its pin."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = read_in.public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", 0, ""
    pin = "sha256/" + base64.b64encode(hashlib.sha256(spki).digest()).decode()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}", key.key_size, pin
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}", key.key_size, pin
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}", key.key_size, pin
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return ("Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"), 0, pin
    return type(key).__name__.lstrip("_").removesuffix("PublicKey"), 0, pin


def _signature_hash(read_in: x509.Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = read_in.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return printable(read_in.signature_algorithm_oid.dotted_string)
    return "" if algorithm is None else algorithm.name
