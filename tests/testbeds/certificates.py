"""Certificate authorities of the tests, and the certificates they issue: good ones, and every kind of bad one.

Expired and of tomorrow: `not_before`, `not_after`. Of another name: `names`. Self-signed: `self_signed`. Weak: `key`.
Intermediate missing: issue with `intermediate=True` and serve `issued.leaf_pem` in place of `issued.chain_pem`.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KeyKind = Literal["ec", "rsa2048", "rsa1024"]
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, its chain as a server sends it (without the root), and its key; both in PEM."""

    certificate: x509.Certificate
    chain_pem: str
    key_pem: str

    @property
    def leaf_pem(self) -> str:
        """The certificate alone: what a server sends that lacks its intermediate."""
        return _pem(self.certificate)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pin(self) -> str:
        """The pin of its key, `sha256/BASE64` over the SubjectPublicKeyInfo (RFC 7469, section 2.4)."""
        spki = self.certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "sha256/" + base64.b64encode(hashlib.sha256(spki).digest()).decode()

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """The chain and the key as files, for a daemon."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_text(self.chain_pem)
        key.write_text(self.key_pem)
        return chain, key


class Authority:
    """A root of its own that nobody trusts until `pem` is given to them."""

    def __init__(self, name: str = "Ridgeway test authority") -> None:
        self.name = name
        self._key = _key("ec")
        self.certificate = _certificate(name, self._key, name, self._key, _usual(None, None, days=3650), authority=True)

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    def issue(
        self,
        names: Sequence[str] = ("localhost", "127.0.0.1"),
        *,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        key: KeyKind = "ec",
        intermediate: bool = False,
        self_signed: bool = False,
        client: bool = False,
        common_name: str | None = None,
    ) -> Issued:
        """A certificate for `names` (DNS names and IP addresses), valid from yesterday for 90 days if nothing is said.

        Certificates without names have a common name only, as old appliances have. `client` makes one to be shown
        to a server. RSA of 1024 bits is refused by OpenSSL's own security level 2, so it proves that refusal.
        """
        private = _own_key(key)
        subject = common_name if common_name is not None else (names[0] if names else "localhost")
        term = _usual(not_before, not_after)
        if self_signed:
            made = _certificate(subject, private, subject, private, term, names=names, client=client)
            return Issued(made, _pem(made), _key_pem(private))
        signer_name, signer, above = self.name, self._key, ""
        if intermediate:
            signer_name, signer = f"{self.name}, intermediate", _key("ec")
            between = _certificate(signer_name, signer, self.name, self._key, _usual(None, None, 1825), authority=True)
            above = _pem(between)
        made = _certificate(subject, private, signer_name, signer, term, names=names, client=client)
        return Issued(made, _pem(made) + above, _key_pem(private))


def expired(authority: Authority, names: Sequence[str] = ("localhost", "127.0.0.1")) -> Issued:
    """Ended three days ago."""
    now = datetime.datetime.now(datetime.UTC)
    return authority.issue(names, not_before=now - 60 * DAY, not_after=now - 3 * DAY)


def of_tomorrow(authority: Authority, names: Sequence[str] = ("localhost", "127.0.0.1")) -> Issued:
    """Begins tomorrow."""
    now = datetime.datetime.now(datetime.UTC)
    return authority.issue(names, not_before=now + DAY, not_after=now + 60 * DAY)


def _usual(
    begin: datetime.datetime | None, end: datetime.datetime | None, days: int = 90
) -> tuple[datetime.datetime, datetime.datetime]:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return begin or now - DAY, end or now + days * DAY


def _certificate(
    subject: str,
    key: Key,
    issuer: str,
    signer: Key,
    term: tuple[datetime.datetime, datetime.datetime],
    *,
    names: Sequence[str] = (),
    authority: bool = False,
    client: bool = False,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_distinguished(subject))
        .issuer_name(_distinguished(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(term[0])
        .not_valid_after(term[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(_SIGNING, critical=True)
    else:
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    return builder.sign(signer, hashes.SHA256())


_SIGNING = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _distinguished(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _own_key(kind: KeyKind) -> Key:
    """Elliptic keys cost nothing; the slow RSA ones are made once and shared by the tests of a process."""
    return _key(kind) if kind == "ec" else _shared_key(kind)


@cache
def _shared_key(kind: KeyKind) -> Key:
    return _key(kind)


def _key(kind: KeyKind) -> Key:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    # cryptography refuses to make RSA keys below 1024 bits, and warns of none above.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048 if kind == "rsa2048" else 1024)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
