"""A simulated web service that speaks real HTTPS on loopback, with a certificate from an authority of its own."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.demo.https import Answer, HttpsService

LIFE = 90
"""Days for which a certificate of a service is valid, whole."""
_LIFE_OF_AUTHORITY = 3650
_SPARE = timedelta(hours=1)
"""So that "12 days are left" is still true when somebody looks."""
_SIGNING = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


class Authority:
    """A certificate authority that is trusted by nobody but who is given its `pem`. Its key is never written."""

    def __init__(self, name: str) -> None:
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = _begun(self._name, self._name, self._key.public_key(), self._key.public_key(), _LIFE_OF_AUTHORITY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = made.add_extension(_SIGNING, critical=True).sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, host: str, left: int, folder: Path) -> tuple[Path, Path]:
        """A certificate and key for a host name, of whose life so many days are left: their files in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _begun(_named(host), self._name, key.public_key(), self._key.public_key(), LIFE, left)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        certificate, secret = folder / f"{host}.pem", folder / f"{host}.key"
        certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        secret.touch(mode=0o600)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret


class Portal(HttpsService):
    """One service. `page` is all it has, for whoever asks for any path."""

    def __init__(self, address: tuple[str, int], host: str, authority: Authority, folder: Path, page: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        super().__init__(address, context, lambda _asked: Answer(page.encode(), kind="text/plain"))
        self._host = host
        self._authority = authority
        self._folder = folder

    def show_certificate(self, left: int) -> None:
        """Show a certificate with so many days left, from the next handshake on."""
        self._context.load_cert_chain(*self._authority.issue(self._host, left, self._folder))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    life: int,
    left: int | None = None,
) -> x509.CertificateBuilder:
    """What every certificate has (RFC 5280, section 4.1.2); `life` and what is left of it in days."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=life if left is None else left) + _SPARE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=life) - 2 * _SPARE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )
