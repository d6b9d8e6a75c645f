"""Why OpenSSL refused a certificate, in a sentence of its own for each cause, with the names and dates that it lacks.

OpenSSL says *that* a chain is bad and hides the chain. So a second connection, which sends nothing but the handshake,
fetches what the server shows; it is made only after a refusal.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from checks.printable import printable
from checks.transports.http.tls_fault import TlsFault, TlsProblem

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

_NOT_YET, _EXPIRED = 9, 10
_SELF_SIGNED_LEAF, _SELF_SIGNED_ABOVE = 18, 19
_NO_ISSUER = (2, 20, 21)
_OTHER_NAME = (62, 64)
_WEAK = (66, 67, 68)
"""OpenSSL's verify codes (x509_vfy.h): end key too small, authority's key too small, authority's digest too weak."""
_NAMES_SHOWN = 5
_CHAIN_MOST = 10


@dataclass(frozen=True, slots=True)
class Refused:
    """A certificate that was refused: OpenSSL's verify code and words, and the circumstances."""

    where: str
    code: int
    words: str
    host: str
    own_authorities: bool
    """Whether the estate says which authorities to trust (`ca`)."""


def diagnosed(refused: Refused, chain: Sequence[x509.Certificate], now: datetime.datetime) -> TlsFault:
    """The fault in plain words. `chain` is what the server showed, its own certificate first; it may be empty."""
    leaf = chain[0] if chain else None
    problem, said = _said(refused, chain, now)
    return TlsFault(problem, f"{refused.where}: {said}", leaf.public_bytes(Encoding.DER) if leaf is not None else None)


def presented(opened: socket.socket, host: str) -> list[x509.Certificate]:
    """The chain that a server shows on this connected socket, unverified; empty when it shows none.

    Handshakes by pyOpenSSL, since the ssl module of Python 3.11 gives no chain away. Blocks until the socket is cut.
    """
    from OpenSSL import SSL  # only ever needed after a refusal

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    link = SSL.Connection(context, opened)
    if not _numeric(host):
        link.set_tlsext_host_name(host.encode("idna"))
    link.set_connect_state()
    try:
        link.do_handshake()
    except (SSL.Error, OSError):
        return []
    return list(link.get_peer_cert_chain(as_cryptography=True) or [])[:_CHAIN_MOST]


def pin_of(der: bytes) -> str:
    """The pin of a certificate's key: `sha256/BASE64` over its SubjectPublicKeyInfo (RFC 7469, section 2.4).

    Raises ValueError when it cannot be read.
    """
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except UnsupportedAlgorithm as error:
        raise ValueError("its key is of a kind that this machine does not know") from error
    told = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return "sha256/" + base64.b64encode(told).decode("ascii")


def names_of(certificate: x509.Certificate) -> list[str]:
    """The names and addresses it is for; its common name where it has no others, which counts for nothing today."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return [f"{_common_name(certificate.subject)} (a common name only, which no longer counts)"]
    found = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return [printable(name, 80) for name in found]


def _said(refused: Refused, chain: Sequence[x509.Certificate], now: datetime.datetime) -> tuple[TlsProblem, str]:
    leaf = chain[0] if chain else None
    if refused.code == _EXPIRED:
        which, until = _first_beyond([(one, one.not_valid_after_utc) for one in chain if one.not_valid_after_utc < now])
        return TlsProblem.EXPIRED, f"{which} expired{_since(until)}; renew it"
    if refused.code == _NOT_YET:
        which, begin = _first_beyond(
            [(one, one.not_valid_before_utc) for one in chain if one.not_valid_before_utc > now]
        )
        at = f" before {_moment(begin)}" if begin else ""
        return TlsProblem.NOT_YET_VALID, f"{which} is not valid{at}; is a clock wrong, here or where it was issued?"
    if refused.code in _OTHER_NAME:
        has = f"it is for {_listed(names_of(leaf))}" if leaf is not None else "which, it did not show again"
        return TlsProblem.OTHER_NAME, (
            f"the certificate is of another name than {refused.host}: {has}; set `host` to a name that it has, or have"
            " it issued for this one"
        )
    if refused.code == _SELF_SIGNED_LEAF:
        pin = f" to {pin_of(leaf.public_bytes(Encoding.DER))} once you have compared it" if leaf is not None else ""
        return TlsProblem.SELF_SIGNED, (
            f"the certificate is self-signed, nobody vouches for it; set `pin`{pin}, or install one of your authority"
        )
    if refused.code in (*_NO_ISSUER, _SELF_SIGNED_ABOVE):
        return _without_trust(refused, chain)
    if refused.code in _WEAK:
        return (
            TlsProblem.WEAK,
            f"the certificate or its authority has a key that is too weak ({refused.words}); reissue",
        )
    return TlsProblem.OTHER, f"the certificate was refused: {printable(refused.words, 120)}"


def _without_trust(refused: Refused, chain: Sequence[x509.Certificate]) -> tuple[TlsProblem, str]:
    """No known authority stands above the chain: it stops too early, or it leads to somebody who is not trusted.

    A lone certificate looks the same in both cases. One that says where its issuer's certificate can be had (as all
    public ones do), or that should lead to an authority of the estate's own, is taken for a chain without its middle.
    """
    if not chain:
        return TlsProblem.UNKNOWN_AUTHORITY, "the certificate leads to no authority that is trusted here; set `ca`"
    top = chain[-1]
    issuer = _common_name(top.issuer)
    if len(chain) == 1 and (refused.own_authorities or _says_where_its_issuer_is(top)):
        return TlsProblem.INTERMEDIATE_MISSING, (
            f"the server sends its own certificate only, and not the intermediate one of its issuer {issuer}; install"
            f" the whole chain there (or, if {issuer} is itself your authority, put its certificate into `ca`)"
        )
    return TlsProblem.UNKNOWN_AUTHORITY, (
        f"the certificate was issued by {issuer}, an authority that is not trusted here; put its certificate into `ca`"
        " if it is yours"
    )


def _says_where_its_issuer_is(certificate: x509.Certificate) -> bool:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return any(entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS for entry in access)


def _first_beyond(found: list[tuple[x509.Certificate, datetime.datetime]]) -> tuple[str, datetime.datetime | None]:
    if not found:
        return "the certificate, or one above it,", None
    certificate, moment = found[0]
    try:
        above = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        above = False
    if above:
        return f"the certificate of the authority {_common_name(certificate.subject)} above it", moment
    return "the certificate", moment


def _since(until: datetime.datetime | None) -> str:
    return f" on {_moment(until)}" if until else ""


def _moment(when: datetime.datetime) -> str:
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no name at all"
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _common_name(name: x509.Name) -> str:
    for attribute in (*name.get_attributes_for_oid(NameOID.COMMON_NAME), *name):
        value = attribute.value
        return printable(value if isinstance(value, str) else value.decode("utf-8", "replace"), 80)
    return "(nameless)"


def _numeric(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


_ALERTS = {
    "CERTIFICATE_REQUIRED": TlsProblem.CLIENT_CERTIFICATE,
    "BAD_CERTIFICATE": TlsProblem.CLIENT_CERTIFICATE,
    "UNKNOWN_CA": TlsProblem.CLIENT_CERTIFICATE,
    "CERTIFICATE_EXPIRED": TlsProblem.CLIENT_CERTIFICATE,
    "CERTIFICATE_REVOKED": TlsProblem.CLIENT_CERTIFICATE,
    "CERTIFICATE_UNKNOWN": TlsProblem.CLIENT_CERTIFICATE,
    "HANDSHAKE_FAILURE": TlsProblem.OLD,
    "PROTOCOL_VERSION": TlsProblem.OLD,
    "UNSUPPORTED_PROTOCOL": TlsProblem.OLD,
    "NO_PROTOCOLS_AVAILABLE": TlsProblem.OLD,
    "DH_KEY_TOO_SMALL": TlsProblem.WEAK,
    "EE_KEY_TOO_SMALL": TlsProblem.WEAK,
    "WRONG_SIGNATURE_TYPE": TlsProblem.WEAK,
    "WRONG_VERSION_NUMBER": TlsProblem.NOT_TLS,
    "RECORD_LAYER_FAILURE": TlsProblem.NOT_TLS,
    "HTTP_REQUEST": TlsProblem.NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": TlsProblem.NOT_TLS,
    "UNEXPECTED_MESSAGE": TlsProblem.NOT_TLS,
}
_SENTENCES = {
    TlsProblem.CLIENT_CERTIFICATE: "the server wants a client certificate and did not take what it got",
    TlsProblem.OLD: "no TLS version or cipher in common: it speaks less than TLS 1.2; update it",
    TlsProblem.WEAK: "its keys are too weak for this machine's OpenSSL; have it make longer ones",
    TlsProblem.NOT_TLS: "what answers there does not speak TLS; should the URL begin with http://?",
}


def broken(error: ssl.SSLError, where: str) -> TlsFault:
    """The fault of a handshake that failed for another reason than a certificate of the server's."""
    reason = (error.reason or "").upper()
    problem = next((found for mark, found in _ALERTS.items() if mark in reason), TlsProblem.OTHER)
    words = reason.replace("_", " ").lower() or "no reason given"
    return TlsFault(problem, f"{where}: {_SENTENCES.get(problem, 'the TLS handshake failed')} ({printable(words, 80)})")
